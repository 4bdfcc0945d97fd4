#include "tools/deep.h"

#include "base/clock.h"
#include "tools/ledger_shadow.h"
#include "tools/logics.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <millrace/engine.h>

#include <inttypes.h>
#include <string.h>

struct deep {
    uint64_t every, entries;
    struct deep_report *report;
    struct ledger_shadow shadow;
    bool is_ledger, known; /* known: what the journal's logic is */
    struct mr_error flaw;  /* what is wrong with the events so far; code MR_OK: nothing */
};

/* The first event of all is genesis', and names the logic. */
static void look_at_logic(struct deep *deep, const struct mr_event *event)
{
    const struct mr_genesis_applied *genesis = mr_event_body(event);
    deep->known = true;
    deep->is_ledger = strncmp(genesis->logic, mr_logic_ledger.name, sizeof genesis->logic) == 0;
}

static void on_event(void *context, const struct mr_event *event)
{
    struct deep *deep = context;
    if (!deep->known)
        look_at_logic(deep, event);
    if (!deep->is_ledger || deep->flaw.code != MR_OK)
        return;
    struct mr_error error;
    int status = ledger_shadow_event(&deep->shadow, event, &error);
    if (status != MR_OK)
        (void)mr_error_set(&deep->flaw, status, "%s (event %" PRIu64 ", sequence %" PRIu64 ")",
                           error.text, event->number, event->sequence);
}

/* The whole state, between two batches. */
static int check_state(struct deep *deep, const struct mr_replay *replay, struct mr_error *error)
{
    const struct mr_image *image = mr_replay_image(replay);
    uint64_t sequence = mr_image_status_get(image).sequence;
    struct mr_error flaw;
    deep->report->checks++;
    if (deep->is_ledger) {
        int status = ledger_shadow_compare(&deep->shadow, mr_image_state(image), &flaw);
        if (status != MR_OK)
            return mr_error_set(error, status, "%s (after sequence %" PRIu64 ")", flaw.text,
                                sequence);
    }
    if (mr_image_check(image, mr_replay_logic(replay)))
        return MR_OK;
    return mr_error_set(error, MR_E_DIVERGED,
                        "an invariant of the state does not hold after sequence %" PRIu64
                        ": its lists, counts and sums contradict one another",
                        sequence);
}

static int on_entry(void *context, const struct mr_replay *replay, struct mr_error *error)
{
    struct deep *deep = context;
    if (deep->flaw.code != MR_OK) {
        *error = deep->flaw;
        return error->code;
    }
    if (stop_requested())
        return mr_error_set(error, MR_E_IO, "stopped by a signal");
    deep->entries++;
    return deep->every != 0 && deep->entries % deep->every == 0 ? check_state(deep, replay, error)
                                                                : MR_OK;
}

static void sum_up(const struct deep *deep, const struct mr_replay *replay)
{
    struct deep_report *report = deep->report;
    struct mr_image_status status = mr_image_status_get(mr_replay_image(replay));
    report->commands = status.sequence;
    report->events = status.events;
    report->digests = mr_replay_digests_checked(replay);
    report->is_ledger = deep->is_ledger;
    report->accounts = deep->shadow.account_count;
    report->transfers = deep->shadow.transfers;
    report->expired = deep->shadow.expired;
    report->pending = deep->shadow.pending_ids.count;
    report->ledgers = deep->shadow.ledgers;
}

int deep_check(const char *directory, uint64_t every, struct deep_report *report,
               struct mr_error *error)
{
    struct deep deep = {.every = every, .report = report};
    const struct mr_replay_options options = {
        .directory = directory,
        .logics = logics_known,
        .handlers = {.event = on_event, .context = &deep},
        .entry = on_entry,
        .progress = progress_of_sequences,
    };
    uint64_t started_ns = mr_monotonic_ns();
    struct mr_replay *replay = NULL;
    *report = (struct deep_report){0};
    int status = mr_replay_open(&options, &replay, NULL, error);
    progress_clear();
    if (status == MR_OK) {
        status = check_state(&deep, replay, error);
        sum_up(&deep, replay);
        mr_replay_close(replay);
    }
    report->elapsed_ns = mr_monotonic_ns() - started_ns;
    ledger_shadow_free(&deep.shadow);
    return status;
}

/* -- Telling. ---------------------------------------------------------------------------------- */

void deep_print(const struct deep_report *report)
{
    printf("  %-14s%s commands and %s events in %s; %s recorded digests, all equal\n", "replayed",
           number_grouped(report->commands).text, number_grouped(report->events).text,
           number_duration(report->elapsed_ns).text, number_grouped(report->digests).text);
    printf("  %-14sthe state's invariants hold, looked at %s %s\n", "checked",
           number_grouped(report->checks).text, report->checks == 1 ? "time" : "times");
    if (!report->is_ledger)
        return;
    printf("  %-14severy balance of %s accounts is what %s transfers and %s expiries make it\n",
           "recomputed", number_grouped(report->accounts).text,
           number_grouped(report->transfers).text, number_grouped(report->expired).text);
    printf("  %-14sdebits equal credits in %s %s, posted and pending; pending transfers: %s\n",
           "balanced", number_grouped(report->ledgers).text,
           report->ledgers == 1 ? "ledger" : "ledgers", number_grouped(report->pending).text);
}

void deep_put(const struct deep_report *report, struct json *json)
{
    json_open(json, "deep");
    json_u64(json, "replayed", report->commands);
    json_u64(json, "events", report->events);
    json_u64(json, "digests", report->digests);
    json_u64(json, "checks", report->checks);
    if (report->is_ledger) {
        json_u64(json, "accounts", report->accounts);
        json_u64(json, "transfers", report->transfers);
        json_u64(json, "expired", report->expired);
        json_u64(json, "pending", report->pending);
        json_u64(json, "ledgers", report->ledgers);
    }
    json_seconds(json, "deep_s", report->elapsed_ns);
    json_close(json);
}
