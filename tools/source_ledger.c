/*
 * The ledger's generator as a source.
 */
#include "tools/ledger_flow.h"
#include "tools/sources.h"

#include "base/digest.h"

#include <stdlib.h>
#include <string.h>

struct flow_source {
    struct source source;
    struct ledger_flow flow;
    uint64_t session;
    uint8_t role;
    struct mr_ledger_config config;
    struct mr_command *skipped; /* room for a command that nobody sees */
};

static enum source_outcome flow_next(struct source *source, struct mr_command *command,
                                     struct mr_error *error)
{
    struct flow_source *flow = (struct flow_source *)source;
    (void)error;
    if (!ledger_flow_next(&flow->flow, flow->session, command))
        return SOURCE_END;
    command->role = flow->role;
    return SOURCE_COMMAND;
}

/* What comes next depends on all that came before, so it is made again. */
static int flow_resume(struct source *source, uint64_t last, struct mr_error *error)
{
    struct flow_source *flow = (struct flow_source *)source;
    while (flow->flow.requests < last) {
        if (!ledger_flow_next(&flow->flow, flow->session, flow->skipped))
            return mr_error_set(error, MR_E_MISMATCH,
                                "gen: there are %llu commands, but number %llu was applied already",
                                (unsigned long long)source->total, (unsigned long long)last);
    }
    return MR_OK;
}

static void flow_close(struct source *source)
{
    struct flow_source *flow = (struct flow_source *)source;
    ledger_flow_free(&flow->flow);
    free(flow->skipped);
    free(flow);
}

static const struct source_calls calls = {
    .next = flow_next, .resume = flow_resume, .close = flow_close};

static void raise_to(uint32_t *limit, uint64_t needed)
{
    if (*limit < needed)
        *limit = (uint32_t)needed;
}

/* The ledger's defaults, raised where these transfers need more. */
static void set_config(struct flow_source *flow, const struct ledger_spec *spec)
{
    mr_logic_ledger.config_default(&flow->config);
    raise_to(&flow->config.accounts_max, spec->key_accounts);
    raise_to(&flow->config.ledgers_max, spec->key_ledgers);
    raise_to(&flow->config.pending_max, ledger_spec_pending(spec));
    flow->source.config = &flow->config;
}

int source_ledger_open(const struct source_options *options, struct source **source,
                       struct mr_error *error)
{
    struct ledger_spec spec;
    int status = ledger_spec_parse(options->input + strlen("gen:"), &spec, error);
    if (status != MR_OK)
        return status;
    struct flow_source *flow = calloc(1, sizeof *flow);
    if (flow == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "gen: no memory");
    char text[LEDGER_SPEC_TEXT_SIZE];
    size_t length = ledger_spec_format(&spec, text);
    flow->session = options->session;
    flow->role = (uint8_t)options->role;
    flow->source = (struct source){
        .calls = &calls,
        .kind = "gen",
        .fingerprint = mr_digest_of(text, length),
        .total = ledger_spec_total(&spec),
        .clock = MR_CLOCK_INPUT,
    };
    set_config(flow, &spec);
    status = ledger_flow_init(&flow->flow, &spec, error);
    flow->skipped = malloc(MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer));
    if (status == MR_OK && flow->skipped == NULL)
        status = mr_error_set(error, MR_E_NO_MEMORY, "gen: no memory");
    if (status != MR_OK) {
        flow_close(&flow->source);
        return status;
    }
    *source = &flow->source;
    return MR_OK;
}
