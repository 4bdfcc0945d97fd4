/*
 * The generator as a source.
 */
#include "tools/generator.h"
#include "tools/sources.h"

#include "base/assert.h"
#include "base/digest.h"

#include <millrace/book.h>
#include <millrace/ledger.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRICE_MAX = 1000000, PRICE_DECIMALS = 2 };

struct gen {
    struct source source;
    struct generator generator;
    uint64_t session;
    uint8_t role;
    struct mr_book_config config;
    struct source_setup *commands;
    const struct mr_command **setup;
    struct mr_command *skipped; /* room for a command that nobody sees */
};

static enum source_outcome gen_next(struct source *source, struct mr_command *command,
                                    struct mr_error *error)
{
    struct gen *gen = (struct gen *)source;
    (void)error;
    if (!generator_next(&gen->generator, gen->session, command))
        return SOURCE_END;
    command->role = gen->role;
    return SOURCE_COMMAND;
}

/* What comes next depends on all that came before, so it is made again. */
static int gen_resume(struct source *source, uint64_t last, struct mr_error *error)
{
    struct gen *gen = (struct gen *)source;
    while (gen->generator.requests < last) {
        if (!generator_next(&gen->generator, gen->session, gen->skipped))
            return mr_error_set(error, MR_E_MISMATCH,
                                "gen: there are %llu commands, but number %llu was applied already",
                                (unsigned long long)source->total, (unsigned long long)last);
    }
    return MR_OK;
}

static void gen_close(struct source *source)
{
    struct gen *gen = (struct gen *)source;
    generator_free(&gen->generator);
    free(gen->commands);
    free(gen->setup);
    free(gen->skipped);
    free(gen);
}

static const struct source_calls calls = {
    .next = gen_next, .resume = gen_resume, .close = gen_close};

/* Two sides of an instrument have at most so many levels, and its orders take at most one each. */
static uint64_t levels_of(const struct gen_spec *spec)
{
    return spec->instruments * (spec->depth < MARKET_LEVELS ? spec->depth : MARKET_LEVELS);
}

static void raise_to(uint32_t *limit, uint64_t needed)
{
    if (*limit < needed)
        *limit = (uint32_t)needed;
}

/* Accounts that have orders, times at which they expire, the session, and what an incoming order
 * needs besides. */
static uint64_t groups_of(const struct gen_spec *spec)
{
    uint64_t orders = spec->instruments * spec->depth;
    uint64_t accounts = spec->accounts < orders ? spec->accounts : orders;
    return accounts + (spec->day + spec->gtd > 0 ? orders : 0) + 4;
}

/* The book's defaults, raised where this market needs more. */
static void set_config(struct gen *gen, const struct gen_spec *spec)
{
    mr_logic_book.config_default(&gen->config);
    raise_to(&gen->config.instruments_max, spec->instruments);
    raise_to(&gen->config.orders_max, spec->instruments * spec->depth);
    raise_to(&gen->config.levels_max, levels_of(spec));
    raise_to(&gen->config.groups_max, groups_of(spec));
    gen->config.fills_max = GEN_FILLS_MAX;
    gen->source.config = &gen->config;
}

static void define(struct source_setup *command, uint64_t request, uint32_t instrument,
                   const struct gen_spec *spec)
{
    struct mr_book_instrument_define definition = {
        .price_min = 1,
        .price_max = PRICE_MAX * (int64_t)spec->tick,
        .quantity_max = UINT32_MAX,
        .lot = spec->lot == 1 ? 0 : spec->lot,
        .instrument = instrument,
        .tick = spec->tick == 1 ? 0 : (uint32_t)spec->tick,
        .price_decimals = PRICE_DECIMALS,
    };
    char symbol[sizeof definition.symbol + 1];
    snprintf(symbol, sizeof symbol, "GEN%u", instrument);
    memcpy(definition.symbol, symbol, strlen(symbol));
    source_instrument_define(command, request, &definition);
}

/* The generator must have been initialized: it knows where prices begin. */
static void update(struct source_setup *command, uint64_t request, uint32_t instrument,
                   const struct generator *generator)
{
    const struct gen_spec *spec = &generator->spec;
    uint32_t level = generator->instruments[instrument - 1].traded;
    const struct mr_book_instrument_update values = {
        .reference = generator_price(generator, instrument - 1, level),
        .collar = spec->collar * spec->tick,
        .instrument = instrument,
        .top = spec->top == 0 ? MR_BOOK_SWITCH_NO : MR_BOOK_SWITCH_YES,
    };
    source_instrument_update(command, request, &values);
}

static int set_up(struct gen *gen, const struct gen_spec *spec, struct mr_error *error)
{
    uint32_t instruments = (uint32_t)spec->instruments;
    bool updates = spec->collar + spec->top > 0;
    uint32_t count = updates ? 2 * instruments : instruments;
    gen->commands = calloc(count, sizeof *gen->commands);
    gen->setup = calloc(count, sizeof(void *));
    gen->skipped = malloc(mr_logic_book.command_size_max);
    if (gen->commands == NULL || gen->setup == NULL || gen->skipped == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "gen: no memory for %u instruments",
                            instruments);
    for (uint32_t i = 0; i < count; i++) {
        if (i < instruments)
            define(&gen->commands[i], i + 1, i + 1, spec);
        else
            update(&gen->commands[i], i + 1, i - instruments + 1, &gen->generator);
        gen->setup[i] = &gen->commands[i].header;
    }
    gen->source.setup = gen->setup;
    gen->source.setup_count = count;
    return MR_OK;
}

int source_gen_open(const struct source_options *options, struct source **source,
                    struct mr_error *error)
{
    struct gen_spec spec;
    if (options->logic == &mr_logic_ledger)
        return source_ledger_open(options, source, error);
    if (strstr(options->input, "transfers=") != NULL)
        return mr_error_set(error, MR_E_INVALID,
                            "%s: transfers are for the logic ledger, not %s: add --logic ledger",
                            options->input, options->logic->name);
    int status = source_requires_book(options, "gen", error);
    if (status == MR_OK)
        status = gen_spec_parse(options->input + strlen("gen:"), &spec, error);
    if (status != MR_OK)
        return status;
    struct gen *gen = calloc(1, sizeof *gen);
    if (gen == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "gen: no memory");
    char text[GEN_TEXT_SIZE];
    size_t length = gen_spec_format(&spec, text);
    gen->session = options->session;
    gen->role = (uint8_t)options->role;
    gen->source = (struct source){
        .calls = &calls,
        .kind = "gen",
        .fingerprint = mr_digest_of(text, length),
        .total = gen_spec_total(&spec),
        .clock = MR_CLOCK_INPUT,
    };
    set_config(gen, &spec);
    status = generator_init(&gen->generator, &spec, error);
    if (status == MR_OK)
        status = set_up(gen, &spec, error);
    if (status != MR_OK) {
        gen_close(&gen->source);
        return status;
    }
    *source = &gen->source;
    return MR_OK;
}
