/*
 * Two ledgers that are told the same: one in an image, as under the engine, with sessions, batches
 * and timers; the other alone, through <millrace/ledger.h>. What the one has as events must be what
 * the other has as results, and behind each batch both must hold the same.
 */
#ifndef MR_TESTS_CORE_LEDGER_TWIN_H
#define MR_TESTS_CORE_LEDGER_TWIN_H

#include "tests/core/rig.h"

#include <millrace/ledger.h>

enum { TWIN_OPERATOR = 1, TWIN_USER = 2, TWIN_BATCH_MAX = 64, TWIN_COMMAND_MAX = 256 };

struct ledger_twin {
    struct rig rig;
    struct mr_ledger_config config;
    struct mr_ledger *alone;
    bool apart;       /* the one alone cannot be told what the image was told: it is left behind */
    uint64_t request; /* number of the last one */
    size_t first;     /* where the events of the last batch begin among rig.events */
    size_t at;        /* the next one to compare */
    /* The batch, as it lies in memory: one command behind the other. */
    _Alignas(8) unsigned char bytes[TWIN_BATCH_MAX * TWIN_COMMAND_MAX];
    struct mr_command *commands[TWIN_BATCH_MAX]; /* in `bytes` */
    uint32_t results[TWIN_BATCH_MAX];
    uint32_t count, used;
    char flaw[256]; /* in what the two differ; "": in nothing */
};

static inline void twin_genesis(struct ledger_twin *twin, uint32_t timers_max)
{
    struct {
        struct mr_genesis genesis;
        struct mr_ledger_config config;
    } body = {.genesis = {.logic = "ledger",
                          .logic_version = mr_logic_ledger.version,
                          .layout_version = mr_logic_ledger.layout_version,
                          .sessions_max = 16,
                          .answers_max = 1,
                          .timers_max = timers_max,
                          .config_size = sizeof twin->config,
                          .clock = MR_CLOCK_INPUT},
              .config = twin->config};
    twin->rig.genesis.header = (struct mr_command){.length = MR_COMMAND_HEADER + sizeof body,
                                                   .type = MR_COMMAND_GENESIS,
                                                   .role = MR_ROLE_SYSTEM,
                                                   .sequence = 1};
    memcpy(mr_command_body_mutable(&twin->rig.genesis.header), &body, sizeof body);
}

static inline void twin_open(struct ledger_twin *twin, const struct mr_ledger_config *config,
                             uint32_t timers_max)
{
    memset(twin, 0, sizeof *twin);
    twin->config = *config;
    twin_genesis(twin, timers_max);
    rig_begin(&twin->rig, &mr_logic_ledger);
    twin->alone = rig_zeroed(mr_logic_ledger.state_size(config));
    mr_logic_ledger.init(twin->alone, &twin->config);
    assert_int_equal(rig_open(&twin->rig, TWIN_OPERATOR, MR_ROLE_OPERATOR).result, 0);
    assert_int_equal(rig_open(&twin->rig, TWIN_USER, MR_ROLE_USER).result, 0);
}

static inline void twin_close(struct ledger_twin *twin)
{
    rig_stop(&twin->rig);
    free(twin->alone);
}

static inline const struct mr_ledger *twin_ledger(const struct ledger_twin *twin)
{
    return mr_image_state(twin->rig.image);
}

/* -- What the one alone says must be what came out of the image. ------------------------------- */

__attribute__((format(printf, 2, 3))) static inline bool twin_fail(struct ledger_twin *twin,
                                                                   const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (twin->flaw[0] == 0)
        (void)vsnprintf(twin->flaw, sizeof twin->flaw, format, list);
    va_end(list);
    return false;
}

/* The next event of the last batch that is the ledger's own; NULL: no more. */
static inline const struct mr_event *twin_event(struct ledger_twin *twin)
{
    while (twin->at < twin->rig.events_used) {
        const struct mr_event *event = (const void *)(twin->rig.events + twin->at);
        twin->at += event->length;
        if (event->type >= MR_CATALOG_LOGIC_FIRST)
            return event;
    }
    return NULL;
}

static inline bool twin_expired(struct ledger_twin *twin, uint64_t time_ns)
{
    enum { SOME = 3 }; /* so that more than that are several calls */
    struct mr_ledger_expired expired[SOME];
    uint32_t count = SOME;
    while (count == SOME && mr_ledger_expiry_next(twin->alone) <= time_ns) {
        count = mr_ledger_expire(twin->alone, time_ns, expired, SOME);
        for (uint32_t i = 0; i < count; i++) {
            const struct mr_event *event = twin_event(twin);
            if (event == NULL || event->type != MR_LEDGER_TRANSFER_EXPIRED ||
                memcmp(mr_event_body(event), &expired[i], sizeof expired[i]) != 0)
                return twin_fail(twin, "alone, another transfer expires");
        }
    }
    return true;
}

/* Whether the event tells what the result of command number `index` does. */
static inline bool twin_same(const struct mr_command *command,
                             const struct mr_ledger_result *result, const struct mr_event *event)
{
    bool account = command->type == MR_LEDGER_ACCOUNT_CREATE;
    if (result->reason != 0) {
        const struct mr_ledger_rejected *rejected = mr_event_body(event);
        return event->type ==
                   (account ? MR_LEDGER_ACCOUNT_REJECTED : MR_LEDGER_TRANSFER_REJECTED) &&
               rejected->reason == result->reason && rejected->timestamp == result->timestamp;
    }
    uint64_t timestamp = account
                             ? ((const struct mr_ledger_account *)mr_event_body(event))->timestamp
                             : ((const struct mr_ledger_transfer *)mr_event_body(event))->timestamp;
    return event->type == (account ? MR_LEDGER_ACCOUNT_CREATED : MR_LEDGER_TRANSFER_CREATED) &&
           timestamp == result->timestamp;
}

/* Creates the request of `count` commands of one kind, from number `from` on, in the ledger that is
 * alone. */
static inline bool twin_request(struct ledger_twin *twin, uint32_t from, uint32_t count)
{
    union {
        struct mr_ledger_account accounts[TWIN_BATCH_MAX];
        struct mr_ledger_transfer transfers[TWIN_BATCH_MAX];
    } events;
    struct mr_ledger_result results[TWIN_BATCH_MAX];
    struct mr_command *const *commands = twin->commands + from;
    uint64_t time_ns = commands[0]->time_ns;
    for (uint32_t i = 0; i < count; i++)
        memcpy(&events.accounts[i], mr_command_body(commands[i]), sizeof events.accounts[i]);
    if (commands[0]->type == MR_LEDGER_ACCOUNT_CREATE)
        mr_ledger_accounts_create(twin->alone, events.accounts, count, time_ns, results);
    else
        mr_ledger_transfers_create(twin->alone, events.transfers, count, time_ns, results);
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_event *event = twin_event(twin);
        if (results[i].reason != twin->results[from + i] || event == NULL ||
            !twin_same(commands[i], &results[i], event))
            return twin_fail(
                twin, "alone, command %u of the batch is %s", from + i + 1,
                results[i].reason == 0
                    ? "created"
                    : mr_catalog_reason_name(mr_logic_ledger.catalog, results[i].reason));
    }
    return true;
}

static inline bool twin_same_state(struct ledger_twin *twin)
{
    struct mr_ledger_totals a = mr_ledger_totals_get(twin_ledger(twin));
    struct mr_ledger_totals b = mr_ledger_totals_get(twin->alone);
    if (memcmp(&a, &b, sizeof a) != 0)
        return twin_fail(twin, "alone, the totals are others");
    for (uint32_t i = 0; i < a.accounts; i++) {
        struct mr_ledger_account one, other;
        if (!mr_ledger_account_at(twin_ledger(twin), i, &one) ||
            !mr_ledger_account_at(twin->alone, i, &other) || memcmp(&one, &other, sizeof one) != 0)
            return twin_fail(twin, "alone, account number %u is another", i + 1);
    }
    return true;
}

/* What cannot be told to a ledger alone: what the image itself has refused, and a batch of several
 * senders, whose chains end where the sender changes. */
static inline bool twin_tellable(const struct ledger_twin *twin)
{
    for (uint32_t i = 0; i < twin->count; i++) {
        bool refused = twin->results[i] != 0 && twin->results[i] < MR_CATALOG_LOGIC_FIRST;
        if (refused || twin->commands[i]->session != twin->commands[0]->session ||
            (twin->count > 1 && twin->commands[i]->type < MR_CATALOG_LOGIC_FIRST))
            return false;
    }
    return true;
}

static inline bool twin_compare(struct ledger_twin *twin)
{
    twin->apart = twin->apart || !twin_tellable(twin);
    if (twin->apart)
        return true;
    twin->at = twin->first;
    if (!twin_expired(twin, twin->commands[0]->time_ns))
        return false;
    if (twin->commands[0]->type >= MR_CATALOG_LOGIC_FIRST) {
        for (uint32_t from = 0, count = 0; from < twin->count; from += count) {
            for (count = 1; from + count < twin->count &&
                            twin->commands[from + count]->type == twin->commands[from]->type;)
                count++;
            if (!twin_request(twin, from, count))
                return false;
        }
    }
    if (twin_event(twin) != NULL)
        return twin_fail(twin, "alone, nothing more comes out");
    return twin_same_state(twin);
}

/* -- Telling them. ----------------------------------------------------------------------------- */

/* Adds a command to the batch. Its header says who sends it; false: the batch is full. */
static inline bool twin_add(struct ledger_twin *twin, const struct mr_command *command)
{
    if (twin->count == TWIN_BATCH_MAX || command->length > TWIN_COMMAND_MAX)
        return false;
    struct mr_command *copy = (void *)(twin->bytes + twin->used);
    memcpy(copy, command, command->length);
    twin->commands[twin->count++] = copy;
    twin->used += command->length;
    return true;
}

static inline uint32_t twin_apply_one(struct ledger_twin *twin, const struct mr_command *command)
{
    struct rig *rig = &twin->rig;
    bool done;
    do {
        done = mr_image_apply(rig->image, rig->logic, command, &rig->outbox, &rig->answer);
        rig_keep_events(rig);
    } while (!done);
    return rig->answer.result;
}

static inline void twin_sessions(struct ledger_twin *twin)
{
    for (uint32_t i = 0; i < twin->count; i++) {
        const struct mr_command *command = twin->commands[i];
        struct mr_session_info info;
        if (command->session != 0 && !mr_image_session(twin->rig.image, command->session, &info))
            assert_int_equal(
                rig_open(&twin->rig, command->session, (enum mr_role)command->role).result, 0);
    }
}

/* Applies the batch at that time, or the last one if that is later; true: nothing is wrong (results
 * and events may be whatever they are), else twin->flaw says what is. The next one begins anew. */
static inline bool twin_apply(struct ledger_twin *twin, uint64_t time_ns)
{
    struct rig *rig = &twin->rig;
    twin->flaw[0] = 0;
    twin_sessions(twin); /* at the time so far: nothing expires by it */
    rig->time_ns = time_ns > rig->time_ns ? time_ns : rig->time_ns;
    twin->first = rig->events_used;
    uint64_t sequence = mr_image_status_get(rig->image).sequence;
    for (uint32_t i = 0; i < twin->count; i++) {
        struct mr_command *command = twin->commands[i];
        command->more = i + 1 < twin->count;
        command->time_ns = rig->time_ns;
        command->sequence = ++sequence;
        command->request = command->session == 0 ? 0 : ++twin->request;
    }
    for (uint32_t i = 0; i < twin->count; i++)
        twin->results[i] = twin_apply_one(twin, twin->commands[i]);
    bool same = twin_compare(twin);
    if (same && (!mr_image_check(rig->image, rig->logic) ||
                 !mr_logic_ledger.check(twin->alone, &twin->config)))
        same = twin_fail(twin, "an invariant of the state is broken");
    twin->count = 0;
    twin->used = 0;
    return same;
}

#endif
