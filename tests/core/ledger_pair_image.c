/* The pair's image: genesis, sessions, batches in memory; and the envelopes of events. */
#include "tests/core/ledger_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPERATOR = 1,
    NOBODY = 77,       /* a session that nobody has opened */
    MOVE_EVERY = 1301, /* commands */
    CHECK_EVERY = 503,
    SPANS = 64,
    COMMAND_MAX = MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer) + 8,
};

union any_command {
    struct mr_command header;
    unsigned char bytes[512];
};

static void *zeroed(size_t size)
{
    void *memory = aligned_alloc(4096, size);
    if (memory == NULL)
        abort();
    return memset(memory, 0, size);
}

static void apply_own(struct ledger_pair *pair, union any_command *command)
{
    struct mr_answer answer;
    command->header.sequence = ++pair->sequence;
    while (
        !mr_image_apply(pair->image, &mr_logic_ledger, &command->header, &pair->outbox, &answer)) {
    }
    if (answer.result != 0)
        abort();
}

static void make_genesis(const struct ledger_setting *setting, union any_command *command)
{
    struct {
        struct mr_genesis genesis;
        struct mr_ledger_config config;
    } body = {.genesis = {.logic_version = mr_logic_ledger.version,
                          .layout_version = mr_logic_ledger.layout_version,
                          .sessions_max = LEDGER_SESSIONS,
                          .answers_max = 2,
                          .timers_max = 1,
                          .config_size = sizeof(struct mr_ledger_config),
                          .clock = MR_CLOCK_INPUT},
              .config = setting->config};
    memcpy(body.genesis.logic, mr_logic_ledger.name, strlen(mr_logic_ledger.name));
    memset(command, 0, sizeof(*command));
    command->header.length = MR_COMMAND_HEADER + sizeof(body);
    command->header.type = MR_COMMAND_GENESIS;
    memcpy(mr_command_body_mutable(&command->header), &body, sizeof(body));
}

static uint8_t role_of(uint64_t session)
{
    if (session == 0)
        return MR_ROLE_SYSTEM;
    return session == OPERATOR ? MR_ROLE_OPERATOR : MR_ROLE_USER;
}

static void open_session(struct ledger_pair *pair, uint64_t session)
{
    union any_command command = {.header = {.length = 0}};
    const struct mr_session_open body = {.new_session = session, .new_role = role_of(session)};
    command.header.length = MR_COMMAND_HEADER + sizeof(body);
    command.header.type = MR_COMMAND_SESSION_OPEN;
    memcpy(mr_command_body_mutable(&command.header), &body, sizeof(body));
    apply_own(pair, &command);
}

void ledger_image_open(struct ledger_pair *pair)
{
    union any_command genesis;
    make_genesis(&pair->setting, &genesis);
    const char *why = "";
    uint64_t size = mr_image_size(&mr_logic_ledger, &genesis.header, &why);
    if (size == 0) {
        fprintf(stderr, "there is no such image: %s\n", why);
        abort();
    }
    pair->memory_size = (size + 4095) & ~(uint64_t)4095;
    pair->memory = zeroed(pair->memory_size);
    uint32_t outbox_size = mr_image_outbox_size(&mr_logic_ledger, &genesis.header);
    pair->outbox = (struct mr_outbox){.bytes = malloc(outbox_size), .size = outbox_size};
    pair->image = mr_image_init(pair->memory, &mr_logic_ledger, &genesis.header);
    pair->commands_memory = malloc((size_t)LEDGER_STEPS_MAX * COMMAND_MAX);
    apply_own(pair, &genesis);
    ledger_pair_skip((struct mr_ledger *)(uintptr_t)mr_image_state(pair->image),
                     pair->setting.before_wrap);
    for (uint64_t session = 1; session <= LEDGER_SESSIONS; session++)
        open_session(pair, session);
    pair->event_number = mr_image_status_get(pair->image).events;
}

void ledger_image_close(struct ledger_pair *pair)
{
    free(pair->memory);
    free(pair->outbox.bytes);
    free(pair->commands_memory);
}

/* -- The batch in memory. ---------------------------------------------------------------------- */

static uint32_t lay_out(struct ledger_pair *pair, const struct ledger_step *step, bool more,
                        unsigned char *at)
{
    struct mr_command command = {
        .length = MR_COMMAND_HEADER + sizeof(step->transfer),
        .type = step->type,
        .version = step->odd == ODD_VERSION,
        .more = more,
        .role = role_of(step->session),
        .sequence = ++pair->sequence,
        .time_ns = step->time_ns,
        .session = step->session,
        .correlation = step->time_ns ^ pair->sequence,
    };
    if (step->odd == ODD_SESSION)
        command.session = NOBODY;
    else if (step->odd == ODD_DUPLICATE)
        command.request = pair->requests[step->session];
    else if (step->odd != ODD_TICK)
        command.request = ++pair->requests[step->session];
    if (step->odd == ODD_LENGTH)
        command.length += 8;
    else if (step->odd == ODD_ROLE)
        command.role = step->session == OPERATOR ? MR_ROLE_USER : MR_ROLE_OPERATOR;
    if (step->odd == ODD_TICK) {
        command.length = MR_COMMAND_HEADER;
        command.type = MR_COMMAND_TICK;
        command.session = 0;
        command.role = MR_ROLE_SYSTEM;
    }
    memset(at, 0, command.length);
    memcpy(at, &command, sizeof(command));
    if (step->odd != ODD_TICK)
        memcpy(at + MR_COMMAND_HEADER, &step->transfer, sizeof(step->transfer));
    return command.length;
}

/* The reason for which the image has to refuse a step; 0: it does not. */
static uint32_t refusal(const struct ledger_step *step)
{
    switch (step->odd) {
    case ODD_VERSION:
        return MR_REASON_UNKNOWN_VERSION;
    case ODD_ROLE:
        return MR_REASON_ROLE_DENIED;
    case ODD_LENGTH:
        return MR_REASON_BAD_LENGTH;
    case ODD_SESSION:
        return MR_REASON_UNKNOWN_SESSION;
    case ODD_NOTHING:
        return step->session == 0 ? MR_REASON_ROLE_DENIED : 0;
    default:
        return 0;
    }
}

/* -- Events. ----------------------------------------------------------------------------------- */

/* The envelope of the next event, which belongs to a ledger's stream, or (0) to none. */
static const char *check_envelope(struct ledger_pair *pair, const struct mr_event *event,
                                  const struct mr_command *command, uint16_t type, uint32_t ledger,
                                  bool expired)
{
    const struct mr_message *message = mr_catalog_event(mr_logic_ledger.catalog, type);
    struct mr_event expected = {
        .number = ++pair->event_number,
        .sequence = command->sequence,
        .time_ns = command->time_ns,
        .type = type,
        .length = (uint16_t)(MR_EVENT_HEADER + message->size),
        .correlation = expired ? 0 : command->correlation,
    };
    if (ledger != 0) {
        expected.aggregate_kind = MR_LEDGER_AGGREGATE_LEDGER;
        expected.aggregate_id = ledger;
        expected.aggregate_sequence = event->aggregate_sequence;
        expected.previous = event->previous;
    }
    if (ledger != 0 && ledger < LEDGER_NUMBERS_MAX) {
        struct pair_stream *stream = &pair->streams[ledger];
        expected.aggregate_sequence = ++stream->count;
        expected.previous = stream->last;
        stream->last = expected.number;
    }
    bool same = memcmp(&expected, event, sizeof(expected)) == 0;
    return same ? NULL : "the envelope of an event differs";
}

static const char *check_expired(struct ledger_pair *pair, const struct mr_event *event,
                                 const struct mr_command *command, uint32_t number)
{
    if (number >= pair->expired_count)
        return "more transfers expire, or there is more than one event";
    const struct mr_ledger_expired *expired = &pair->expired[number];
    const char *flaw =
        check_envelope(pair, event, command, MR_LEDGER_TRANSFER_EXPIRED, expired->ledger, true);
    if (flaw == NULL && memcmp(mr_event_body(event), expired, sizeof(*expired)) != 0)
        flaw = "other transfers expire, or in another order";
    return flaw;
}

static const char *check_created(struct ledger_pair *pair, const struct mr_event *event,
                                 const struct mr_command *command,
                                 const struct naive_result *answer)
{
    bool is_account = command->type == MR_LEDGER_ACCOUNT_CREATE;
    uint32_t ledger = is_account ? answer->account.ledger : answer->transfer.ledger;
    const char *flaw = check_envelope(
        pair, event, command, is_account ? MR_LEDGER_ACCOUNT_CREATED : MR_LEDGER_TRANSFER_CREATED,
        ledger, false);
    if (flaw != NULL)
        return flaw;
    const void *body = is_account ? (const void *)&answer->account : &answer->transfer;
    return memcmp(mr_event_body(event), body, sizeof(answer->transfer)) == 0
               ? NULL
               : "something else was created";
}

static const char *check_rejected(struct ledger_pair *pair, const struct mr_event *event,
                                  const struct mr_command *command, const struct ledger_step *step)
{
    bool is_account = command->type == MR_LEDGER_ACCOUNT_CREATE;
    const char *flaw = check_envelope(
        pair, event, command, is_account ? MR_LEDGER_ACCOUNT_REJECTED : MR_LEDGER_TRANSFER_REJECTED,
        0, false);
    struct mr_ledger_rejected expected = {.id = is_account ? step->account.id : step->transfer.id};
    struct mr_ledger_rejected told;
    if (flaw != NULL)
        return flaw;
    memcpy(&told, mr_event_body(event), sizeof(told));
    expected.timestamp = told.timestamp; /* compared with the reason */
    expected.reason = told.reason;
    return memcmp(&told, &expected, sizeof(told)) == 0 ? NULL : "the rejected one is another";
}

/* What the image itself tells of a command that it refuses. */
static const char *check_refused(struct ledger_pair *pair, const struct mr_event *event,
                                 uint32_t reason)
{
    const struct mr_command_rejected *body = mr_event_body(event);
    pair->event_number++;
    if (event->type != MR_EVENT_COMMAND_REJECTED || event->number != pair->event_number)
        return "a command that must be refused is not";
    return body->reason == reason ? NULL : "it is refused for another reason";
}

/* Applies a command in all its turns. What expires before it is checked; *own is its own event,
 * which must be the only one (NULL: none). */
static const char *take_turns(struct ledger_pair *pair, const struct mr_command *command,
                              struct mr_answer *answer, struct mr_event **own)
{
    uint32_t expired = 0;
    bool done;
    *own = NULL;
    do {
        memset(pair->outbox.bytes, 0xa5, pair->outbox.size < 4096 ? pair->outbox.size : 4096);
        done = mr_image_apply(pair->image, &mr_logic_ledger, command, &pair->outbox, answer);
        unsigned char *at = pair->outbox.bytes, *end = at + pair->outbox.used;
        while (at < end) {
            struct mr_event *event = (struct mr_event *)(void *)at;
            at += event->length;
            if (event->type != MR_LEDGER_TRANSFER_EXPIRED && *own == NULL) {
                *own = event;
                continue;
            }
            const char *flaw = check_expired(pair, event, command, expired++);
            if (flaw != NULL)
                return flaw;
        }
    } while (!done);
    return expired == pair->expired_count ? NULL : "fewer transfers expire";
}

static const char *check_answer(struct ledger_pair *pair, const struct mr_command *command,
                                const struct ledger_step *step, const struct mr_answer *answer,
                                const struct mr_event *own)
{
    struct mr_answer expected = {.sequence = command->sequence,
                                 .session = command->session,
                                 .request = command->request,
                                 .result = answer->result};
    struct mr_answer *last = &pair->last_answers[step->session];
    if (own != NULL) {
        expected.first_event = own->number;
        expected.event_count = 1;
    }
    if (step->odd == ODD_DUPLICATE && command->request != 0) {
        expected = *last;
        expected.duplicate = 1;
    }
    if (memcmp(&expected, answer, sizeof(expected)) != 0)
        return "the answer differs";
    if (command->session != 0 && step->odd != ODD_SESSION && step->odd != ODD_DUPLICATE)
        *last = *answer;
    return NULL;
}

static const char *check_step(struct ledger_pair *pair, const struct mr_command *command,
                              const struct ledger_step *step, uint32_t place,
                              const struct mr_event *own, uint32_t result)
{
    bool silent = step->odd == ODD_TICK || (step->odd == ODD_DUPLICATE && command->request != 0);
    uint32_t reason = step->odd == ODD_DUPLICATE ? MR_REASON_BAD_REQUEST : refusal(step);
    if (silent)
        return own == NULL ? NULL : "there is an event";
    if (own == NULL)
        return "there is no event";
    if (place == UINT32_MAX)
        return result == reason ? check_refused(pair, own, reason) : "it is not refused";
    const struct naive_result *answer = &pair->answers[place];
    struct mr_ledger_result told = {.reason = result};
    bool is_account = step->type == MR_LEDGER_ACCOUNT_CREATE;
    const char *flaw = NULL;
    if (result == 0) {
        const struct mr_ledger_transfer *body = mr_event_body(own); /* or account: as much */
        told.timestamp = is_account
                             ? ((const struct mr_ledger_account *)mr_event_body(own))->timestamp
                             : body->timestamp;
    } else {
        const struct mr_ledger_rejected *body = mr_event_body(own);
        told.timestamp = body->timestamp;
        flaw = body->reason == result ? NULL : "the event and the answer have other reasons";
    }
    if (flaw == NULL)
        flaw = ledger_pair_compare(pair, step, place, told);
    if (flaw != NULL)
        return flaw;
    return result == 0 ? check_created(pair, own, command, answer)
                       : check_rejected(pair, own, command, step);
}

/* Goes on with a copy of what is in use, in other memory: nothing else may matter, not even amid a
 * batch. */
static void move_image(struct ledger_pair *pair)
{
    struct mr_span spans[SPANS];
    uint32_t count = mr_image_used(pair->image, &mr_logic_ledger, spans, SPANS);
    unsigned char *copy = zeroed(pair->memory_size);
    for (uint32_t i = 0; i < count; i++)
        memcpy(copy + spans[i].offset, (const unsigned char *)pair->image + spans[i].offset,
               spans[i].size);
    free(pair->memory);
    pair->memory = copy;
    pair->image = (struct mr_image *)(void *)copy;
}

static const char *compare_within(struct ledger_pair *pair)
{
    const char *flaw = ledger_compare_totals(pair);
    if (pair->sequence_applied % MOVE_EVERY == 0)
        move_image(pair);
    if (flaw == NULL && pair->sequence_applied % CHECK_EVERY == 0 &&
        !mr_image_check(pair->image, &mr_logic_ledger))
        flaw = "an invariant of the state does not hold amid a batch";
    return flaw;
}

const char *ledger_image_batch(struct ledger_pair *pair, const struct ledger_step *steps,
                               uint32_t count)
{
    unsigned char *at = pair->commands_memory;
    for (uint32_t i = 0; i < count; i++)
        at += lay_out(pair, &steps[i], i + 1 < count, at);
    at = pair->commands_memory;
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_command *command = (const struct mr_command *)(const void *)at;
        struct mr_answer answer;
        struct mr_event *own;
        at += command->length;
        pair->flaw_at = i;
        ledger_pair_expire(pair, command->time_ns);
        if (pair->places[i] != UINT32_MAX)
            pair->answers[pair->places[i]] = *naive_apply(&pair->naive, pair->places[i]);
        const char *flaw = take_turns(pair, command, &answer, &own);
        if (flaw == NULL)
            flaw = check_step(pair, command, &steps[i], pair->places[i], own, answer.result);
        if (flaw == NULL)
            flaw = check_answer(pair, command, &steps[i], &answer, own);
        pair->sequence_applied = command->sequence;
        if (flaw == NULL)
            flaw = compare_within(pair);
        if (flaw != NULL)
            return flaw;
    }
    return NULL;
}
