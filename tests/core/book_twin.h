/*
 * Two books that are told the same: one in an image, as under the engine, with sessions and timers;
 * the other alone, through <millrace/book.h>. What the one has as events must be what the other has
 * as reports, and a rejected request must leave the one that is alone as it was, to the byte.
 */
#ifndef MR_TESTS_CORE_BOOK_TWIN_H
#define MR_TESTS_CORE_BOOK_TWIN_H

#include "tests/core/book_bytes.h"
#include "tests/core/rig.h"

#include <millrace/book.h>

enum { TWIN_OPERATOR = 1, TWIN_USER = 2, TWIN_REPORTS = 1 << 14 };

struct book_twin {
    struct rig rig;
    struct mr_book_config config;
    struct mr_book *alone;
    struct mr_book *before; /* a copy of it */
    size_t size;
    struct mr_book_turn turn;
    uint64_t request; /* number of the last one */
    size_t first;     /* where the events of the last command begin among rig.events */
    char flaw[256];   /* in what the two differ; "": in nothing */
};

static inline void twin_open(struct book_twin *twin, const struct mr_book_config *config,
                             uint32_t timers_max)
{
    struct {
        struct mr_genesis genesis;
        struct mr_book_config config;
    } body = {.genesis = {.logic = "book",
                          .logic_version = mr_logic_book.version,
                          .layout_version = mr_logic_book.layout_version,
                          .sessions_max = 16,
                          .answers_max = 1,
                          .timers_max = timers_max,
                          .config_size = sizeof *config,
                          .clock = MR_CLOCK_INPUT},
              .config = *config};
    memset(twin, 0, sizeof *twin);
    twin->config = *config;
    twin->rig.genesis.header = (struct mr_command){.length = MR_COMMAND_HEADER + sizeof body,
                                                   .type = MR_COMMAND_GENESIS,
                                                   .role = MR_ROLE_SYSTEM,
                                                   .sequence = 1};
    memcpy(mr_command_body_mutable(&twin->rig.genesis.header), &body, sizeof body);
    rig_begin(&twin->rig, &mr_logic_book);
    twin->size = mr_logic_book.state_size(config);
    twin->alone = rig_zeroed(twin->size);
    twin->before = rig_zeroed(twin->size);
    mr_logic_book.init(twin->alone, &twin->config);
    twin->turn = (struct mr_book_turn){
        .reports = rig_zeroed(TWIN_REPORTS * sizeof(union mr_book_report)), .mask = UINT64_MAX};
}

static inline void twin_close(struct book_twin *twin)
{
    rig_stop(&twin->rig);
    free(twin->alone);
    free(twin->before);
    free(twin->turn.reports);
}

static inline const struct mr_book *twin_book(const struct book_twin *twin)
{
    return mr_image_state(twin->rig.image);
}

/* The next event of the last command that is the book's own; NULL: no more. */
static inline const struct mr_event *twin_event(const struct book_twin *twin, size_t *at)
{
    while (*at < twin->rig.events_used) {
        const struct mr_event *event = (const void *)(twin->rig.events + *at);
        *at += event->length;
        if (event->type >= MR_CATALOG_LOGIC_FIRST)
            return event;
    }
    return NULL;
}

static inline bool twin_same_body(const union mr_book_report *report, const struct mr_event *event)
{
    static const unsigned char zeros[64];
    size_t size = event->length - (size_t)MR_EVENT_HEADER;
    const unsigned char *body = mr_event_body(event);
    size_t seen = size < 64 ? size : 63; /* what the report has for its type is padding */
    return report->any.type == event->type && memcmp(report->any.body, body, seen) == 0 &&
           memcmp(report->any.body + seen, zeros, 63 - seen) == 0 && (size < 64 || body[63] == 0);
}

static inline void twin_compare(struct book_twin *twin)
{
    size_t at = twin->first;
    for (uint64_t i = 0; i < twin->turn.next; i++) {
        const struct mr_event *event = twin_event(twin, &at);
        if (event == NULL || !twin_same_body(&twin->turn.reports[i], event)) {
            (void)snprintf(twin->flaw, sizeof twin->flaw,
                           "report %u of the book alone (type %u) is not the event of the image",
                           (unsigned)i + 1, twin->turn.reports[i].any.type);
            return;
        }
    }
    if (twin_event(twin, &at) != NULL)
        (void)snprintf(twin->flaw, sizeof twin->flaw,
                       "the image has more events than the %u "
                       "reports of the book alone",
                       (unsigned)twin->turn.next);
}

static inline void twin_expire(struct book_twin *twin)
{
    do {
        mr_book_expire(twin->alone, &twin->turn);
        assert_true(twin->turn.next + mr_book_reports_max(&twin->config) <= TWIN_REPORTS);
    } while (twin->turn.again);
}

/* Tells the book that is alone what the image was told, which answered with `result`. */
static inline void twin_apply_alone(struct book_twin *twin, const struct mr_command *command,
                                    uint32_t result)
{
    bool refused = result != 0 && result < MR_CATALOG_LOGIC_FIRST; /* by the image, or the engine */
    union mr_book_request request = {.any = {.type = 0}};
    twin->turn.next = 0;
    twin->turn.time_ns = command->time_ns;
    twin->turn.session = command->session;
    twin->turn.role = command->role;
    if (mr_book_expiry_next(twin->alone) <= command->time_ns)
        twin_expire(twin);
    if (command->type < MR_CATALOG_LOGIC_FIRST || refused)
        return;
    memcpy(&request, mr_command_body(command), command->length - (size_t)MR_COMMAND_HEADER);
    request.any.type = (uint8_t)command->type;
    memcpy(twin->before, twin->alone, twin->size);
    uint32_t reason;
    do {
        reason = mr_book_apply(twin->alone, &request, &twin->turn);
        assert_true(twin->turn.next + mr_book_reports_max(&twin->config) <= TWIN_REPORTS);
    } while (twin->turn.again);
    if (reason != result)
        (void)snprintf(twin->flaw, sizeof twin->flaw, "the book alone answers with reason %u",
                       reason);
    else if (reason != 0 && !book_same_bytes(twin->before, twin->alone, twin->size))
        (void)snprintf(twin->flaw, sizeof twin->flaw, "rejected, and yet the book has changed");
}

/* Opens the command's session if need be. The header says session and role. */
static inline void twin_session(struct book_twin *twin, const struct mr_command *command)
{
    struct mr_session_info info;
    if (command->session != 0 && !mr_image_session(twin->rig.image, command->session, &info))
        assert_int_equal(rig_open(&twin->rig, command->session, (enum mr_role)command->role).result,
                         0);
}

/* Applies a command whose header has all but sequence and request; a time below the last one is
 * raised to it. The answer's result; twin->flaw says whether anything was wrong. */
static inline uint32_t twin_apply(struct book_twin *twin, struct mr_command *command)
{
    struct rig *rig = &twin->rig;
    twin->flaw[0] = 0;
    if (command->time_ns < rig->time_ns)
        command->time_ns = rig->time_ns;
    twin_session(twin, command); /* at the time so far: nothing expires by it */
    rig->time_ns = command->time_ns;
    command->sequence = mr_image_status_get(rig->image).sequence + 1;
    command->request = command->session == 0 ? 0 : ++twin->request;
    memcpy(&rig->command, command, command->length);
    twin->first = rig->events_used;
    uint32_t result = rig_apply(rig).result;
    twin_apply_alone(twin, command, result);
    bool timers_full = result == MR_REASON_TIMERS_FULL;
    if (twin->flaw[0] == 0 && !timers_full)
        twin_compare(twin);
    if (twin->flaw[0] == 0 && (!mr_image_check(rig->image, rig->logic) ||
                               !mr_logic_book.check(twin->alone, &twin->config)))
        (void)snprintf(twin->flaw, sizeof twin->flaw, "an invariant of the state is broken");
    return result;
}

#endif
