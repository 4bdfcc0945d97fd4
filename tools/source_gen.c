/*
 * The generator as a source.
 */
#include "tools/generator.h"
#include "tools/sources.h"

#include "base/assert.h"
#include "base/digest.h"

#include <millrace/book.h>

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
    struct source_instrument *definitions;
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
    free(gen->definitions);
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

/* The book's defaults, raised where this market needs more. */
static void set_config(struct gen *gen, const struct gen_spec *spec)
{
    mr_logic_book.config_default(&gen->config);
    raise_to(&gen->config.instruments_max, spec->instruments);
    raise_to(&gen->config.orders_max, spec->instruments * spec->depth);
    raise_to(&gen->config.levels_max, levels_of(spec));
    gen->source.config = &gen->config;
}

static int set_up(struct gen *gen, const struct gen_spec *spec, struct mr_error *error)
{
    uint32_t count = (uint32_t)spec->instruments;
    gen->definitions = calloc(count, sizeof *gen->definitions);
    gen->setup = calloc(count, sizeof(void *));
    gen->skipped = malloc(mr_logic_book.command_size_max);
    if (gen->definitions == NULL || gen->setup == NULL || gen->skipped == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "gen: no memory for %u instruments", count);
    for (uint32_t i = 0; i < count; i++) {
        struct mr_book_instrument_define definition = {
            .price_min = 1,
            .price_max = PRICE_MAX,
            .quantity_max = UINT32_MAX,
            .instrument = i + 1,
            .price_decimals = PRICE_DECIMALS,
        };
        char symbol[sizeof definition.symbol + 1];
        snprintf(symbol, sizeof symbol, "GEN%u", i + 1);
        memcpy(definition.symbol, symbol, strlen(symbol));
        source_instrument_define(&gen->definitions[i], i + 1, &definition);
        gen->setup[i] = &gen->definitions[i].header;
    }
    gen->source.setup = gen->setup;
    gen->source.setup_count = count;
    return MR_OK;
}

int source_gen_open(const struct source_options *options, struct source **source,
                    struct mr_error *error)
{
    struct gen_spec spec;
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
    status = set_up(gen, &spec, error);
    if (status == MR_OK)
        status = generator_init(&gen->generator, &spec, error);
    if (status != MR_OK) {
        gen_close(&gen->source);
        return status;
    }
    *source = &gen->source;
    return MR_OK;
}
