#include "tests/simulator/oracle.h"

void oracle_init(struct oracle *oracle, bool counts, uint32_t version)
{
    *oracle = (struct oracle){.counts = counts,
                              .version = version,
                              .next_version = version,
                              .fee = TILL_FEE_AT_FIRST,
                              .accounts_max = TILL_ACCOUNTS,
                              .burst_max = TILL_BURST_MAX};
}

void oracle_free(struct oracle *oracle)
{
    for (uint32_t i = 0; i < ORACLE_SESSIONS_MAX; i++) {
        free(oracle->sessions[i].answers);
    }
}

struct oracle_session *oracle_session(struct oracle *oracle, uint64_t id)
{
    for (uint32_t i = 0; i < oracle->session_count; i++) {
        if (oracle->sessions[i].id == id) {
            return &oracle->sessions[i];
        }
    }
    return NULL;
}

/* -- Events. ----------------------------------------------------------------------------------- */

void *oracle_emit(struct oracle *oracle, uint16_t type, uint16_t body_size, uint16_t aggregate_kind,
                  uint64_t aggregate_id, struct mr_stream *stream)
{
    uint32_t length = (uint32_t)sizeof(struct mr_event) + body_size;
    struct mr_event *event = records_add(oracle->out, RECORD_EVENT, length);
    memset(event, 0, length);
    event->number = ++oracle->events;
    event->sequence = oracle->sequence;
    event->time_ns = oracle->time_ns;
    event->type = type;
    event->length = (uint16_t)length;
    event->aggregate_kind = aggregate_kind;
    event->aggregate_id = aggregate_id;
    event->correlation = oracle->correlation;
    if (stream != NULL) {
        event->aggregate_sequence = ++stream->count;
        event->previous = stream->last;
        stream->last = event->number;
    }
    return event + 1;
}

static void emit_rejected(struct oracle *oracle, const struct mr_command *command,
                          struct oracle_session *session, uint32_t reason)
{
    struct mr_command_rejected *body =
        session == NULL ? oracle_emit(oracle, MR_EVENT_COMMAND_REJECTED, sizeof *body, 0, 0, NULL)
                        : oracle_emit(oracle, MR_EVENT_COMMAND_REJECTED, sizeof *body,
                                      MR_AGGREGATE_SESSION, session->id, &session->stream);
    body->request = command->request;
    body->reason = reason;
    body->command_type = command->type;
    body->command_version = command->version;
    body->claimed_role = command->role;
}

/* -- Timers, of the logic and of sessions. ----------------------------------------------------- */

uint64_t oracle_timer_set(struct oracle *oracle, const struct oracle_timer *timer)
{
    ASSERT(oracle->timer_count < ORACLE_TIMERS_MAX);
    struct oracle_timer *set = &oracle->timers[oracle->timer_count++];
    *set = *timer;
    set->order = ++oracle->timers_set;
    oracle->logic_timers += !timer->of_session;
    return set->order;
}

struct oracle_timer oracle_timer_take(struct oracle *oracle, uint64_t order)
{
    uint32_t at = 0;
    while (oracle->timers[at].order != order) {
        at++;
        ASSERT(at < oracle->timer_count);
    }
    struct oracle_timer taken = oracle->timers[at];
    oracle->timers[at] = oracle->timers[--oracle->timer_count];
    oracle->logic_timers -= !taken.of_session;
    return taken;
}

/* Looks again when it would expire if it sent nothing more. */
static void watch_session(struct oracle *oracle, const struct oracle_session *session)
{
    (void)oracle_timer_set(
        oracle, &(struct oracle_timer){.due_ns = session->last_time_ns + oracle->session_idle_ns,
                                       .id = session->id,
                                       .of_session = true});
}

/* -- Sessions. --------------------------------------------------------------------------------- */

static void end_session(struct oracle *oracle, struct oracle_session *session,
                        enum mr_session_end why)
{
    struct mr_session_closed *body =
        oracle_emit(oracle, MR_EVENT_SESSION_CLOSED, sizeof *body, MR_AGGREGATE_SESSION,
                    session->id, &session->stream);
    body->last_request = session->last_request;
    body->why = (uint8_t)why;
    if (session->id > oracle->forgotten) {
        oracle->forgotten = session->id;
    }
    for (uint32_t i = 0; i < oracle->timer_count; i++) {
        if (oracle->timers[i].of_session && oracle->timers[i].id == session->id) {
            (void)oracle_timer_take(oracle, oracle->timers[i].order);
            break;
        }
    }
    free(session->answers);
    struct oracle_session *last = &oracle->sessions[--oracle->session_count];
    *session = *last;
    *last = (struct oracle_session){0};
}

static uint32_t open_session(struct oracle *oracle, const struct mr_command *command)
{
    static const uint8_t zeros[7];
    const struct mr_session_open *open = mr_command_body(command);
    if (open->new_session == 0 || memcmp(open->reserved, zeros, sizeof open->reserved) != 0 ||
        (open->new_role != MR_ROLE_OPERATOR && open->new_role != MR_ROLE_USER)) {
        return MR_REASON_BAD_VALUE;
    }
    if (oracle_session(oracle, open->new_session) != NULL) {
        return MR_REASON_SESSION_EXISTS;
    }
    if (open->new_session <= oracle->forgotten) {
        return MR_REASON_SESSION_FORGOTTEN;
    }
    if (oracle->session_count == oracle->sessions_max) {
        return MR_REASON_SESSIONS_FULL;
    }
    struct oracle_session *session = &oracle->sessions[oracle->session_count++];
    *session = (struct oracle_session){
        .id = open->new_session, .role = open->new_role, .last_time_ns = oracle->time_ns};
    memcpy(session->fingerprint, open->fingerprint, sizeof session->fingerprint);
    if (oracle->session_idle_ns > 0) {
        watch_session(oracle, session);
    }
    struct mr_session_opened *body =
        oracle_emit(oracle, MR_EVENT_SESSION_OPENED, sizeof *body, MR_AGGREGATE_SESSION,
                    session->id, &session->stream);
    memcpy(body->fingerprint, open->fingerprint, sizeof body->fingerprint);
    body->new_role = open->new_role;
    return 0;
}

static void keep_answer(struct oracle_session *session, const struct mr_answer *answer)
{
    if (session->answer_count == session->answer_room) {
        session->answer_room = session->answer_room * 2 + 16;
        session->answers =
            realloc(session->answers, session->answer_room * sizeof(struct oracle_answer));
        ASSERT(session->answers != NULL);
    }
    session->answers[session->answer_count++] =
        (struct oracle_answer){.request = answer->request,
                               .sequence = answer->sequence,
                               .first_event = answer->first_event,
                               .event_count = answer->event_count,
                               .result = answer->result};
    session->last_request = answer->request;
}

/* The answer that the request had, among those that are kept. */
static const struct oracle_answer *kept_answer(const struct oracle *oracle,
                                               const struct oracle_session *session,
                                               uint64_t request)
{
    uint32_t oldest = session->answer_count > oracle->answers_max
                          ? session->answer_count - oracle->answers_max
                          : 0;
    for (uint32_t i = session->answer_count; i-- > oldest;) {
        if (session->answers[i].request == request) {
            return &session->answers[i];
        }
    }
    return NULL;
}

/* -- Time. ------------------------------------------------------------------------------------- */

static const struct oracle_timer *first_timer(const struct oracle *oracle)
{
    const struct oracle_timer *first = NULL;
    for (uint32_t i = 0; i < oracle->timer_count; i++) {
        const struct oracle_timer *timer = &oracle->timers[i];
        if (first == NULL || timer->due_ns < first->due_ns ||
            (timer->due_ns == first->due_ns && timer->order < first->order)) {
            first = timer;
        }
    }
    return first;
}

uint64_t oracle_next_due(const struct oracle *oracle)
{
    const struct oracle_timer *timer = first_timer(oracle);
    return timer == NULL ? UINT64_MAX : timer->due_ns;
}

/* It expires, unless it has sent something since its timer was set. */
static void look_at_session(struct oracle *oracle, const struct oracle_timer *timer)
{
    struct oracle_session *session = oracle_session(oracle, timer->id);
    ASSERT(session != NULL);
    if (session->last_time_ns + oracle->session_idle_ns > timer->due_ns) {
        watch_session(oracle, session);
        return;
    }
    oracle->expired++;
    end_session(oracle, session, MR_SESSION_END_EXPIRED);
}

static void pass_time(struct oracle *oracle)
{
    const struct oracle_timer *timer;
    while ((timer = first_timer(oracle)) != NULL && timer->due_ns <= oracle->time_ns) {
        const struct oracle_timer due = oracle_timer_take(oracle, timer->order);
        if (due.of_session) {
            look_at_session(oracle, &due);
        } else {
            oracle->fired++;
            oracle_logic_fire(oracle, &due);
        }
    }
}

/* -- Commands. --------------------------------------------------------------------------------- */

static uint32_t close_session(struct oracle *oracle, const struct mr_command *command,
                              const struct oracle_session *sender)
{
    const struct mr_session_close *close = mr_command_body(command);
    struct oracle_session *closed = oracle_session(oracle, close->closed_session);
    if (sender != NULL && sender->role == MR_ROLE_USER && closed != sender) {
        return MR_REASON_ROLE_DENIED;
    }
    if (closed == NULL) {
        return MR_REASON_UNKNOWN_SESSION;
    }
    oracle->closed++;
    end_session(oracle, closed, MR_SESSION_END_CLOSED);
    return 0;
}

static uint32_t upgrade(struct oracle *oracle, const struct mr_command *command)
{
    const struct mr_logic_upgrade *to = mr_command_body(command);
    if (to->to_version <= oracle->version) {
        return MR_REASON_NOT_NEWER;
    }
    oracle->next_version = to->to_version;
    oracle->upgrades++;
    struct mr_logic_upgraded *body =
        oracle_emit(oracle, MR_EVENT_LOGIC_UPGRADED, sizeof *body, 0, 0, NULL);
    body->from_version = oracle->version;
    body->to_version = to->to_version;
    body->from_layout = till_layout(oracle->version);
    body->to_layout = to->to_layout;
    return 0;
}

static uint32_t begin(struct oracle *oracle, const struct mr_command *command)
{
    const struct mr_genesis *genesis = mr_command_body(command);
    if (oracle->sequence != 1) {
        return MR_REASON_GENESIS_MISPLACED;
    }
    oracle->session_idle_ns = genesis->session_idle_ns;
    oracle->sessions_max = genesis->sessions_max;
    oracle->answers_max = genesis->answers_max;
    oracle->timers_max = genesis->timers_max;
    oracle->clock = genesis->clock;
    struct mr_genesis_applied *body =
        oracle_emit(oracle, MR_EVENT_GENESIS_APPLIED, sizeof *body, 0, 0, NULL);
    memcpy(body->logic, genesis->logic, sizeof body->logic);
    body->session_idle_ns = genesis->session_idle_ns;
    body->logic_version = genesis->logic_version;
    body->layout_version = genesis->layout_version;
    body->sessions_max = genesis->sessions_max;
    body->answers_max = genesis->answers_max;
    body->timers_max = genesis->timers_max;
    body->clock = genesis->clock;
    return 0;
}

/* Body size and senders of the common commands; UINT32_MAX: there is no such type. */
static uint32_t common_size(uint16_t type, bool *tail, uint32_t *roles)
{
    const uint32_t system = MR_ROLE_BIT(MR_ROLE_SYSTEM);
    const uint32_t operators = system | MR_ROLE_BIT(MR_ROLE_OPERATOR);
    *tail = type == MR_COMMAND_GENESIS;
    *roles = system;
    switch (type) {
    case MR_COMMAND_GENESIS:
        return sizeof(struct mr_genesis);
    case MR_COMMAND_SESSION_OPEN:
        *roles = operators;
        return sizeof(struct mr_session_open);
    case MR_COMMAND_TICK:
        return 0;
    case MR_COMMAND_SESSION_CLOSE:
        *roles = operators | MR_ROLE_BIT(MR_ROLE_USER);
        return sizeof(struct mr_session_close);
    case MR_COMMAND_LOGIC_UPGRADE:
        return sizeof(struct mr_logic_upgrade);
    default:
        return UINT32_MAX;
    }
}

static uint32_t admit(const struct oracle *oracle, const struct mr_command *command, uint32_t role)
{
    bool tail;
    uint32_t roles;
    uint32_t size = command->type < MR_CATALOG_LOGIC_FIRST
                        ? common_size(command->type, &tail, &roles)
                        : oracle_logic_size(oracle, command->type, &tail, &roles);
    if (size == UINT32_MAX) {
        return MR_REASON_UNKNOWN_TYPE;
    }
    if (command->version != 0) {
        return MR_REASON_UNKNOWN_VERSION;
    }
    if (command->length < sizeof *command + size ||
        (command->length > sizeof *command + size && !tail)) {
        return MR_REASON_BAD_LENGTH;
    }
    if (command->role != role || (roles >> role & 1) == 0) {
        return MR_REASON_ROLE_DENIED;
    }
    return 0;
}

static uint32_t execute_common(struct oracle *oracle, const struct mr_command *command,
                               const struct oracle_session *sender)
{
    switch (command->type) {
    case MR_COMMAND_GENESIS:
        return begin(oracle, command);
    case MR_COMMAND_SESSION_OPEN:
        return open_session(oracle, command);
    case MR_COMMAND_SESSION_CLOSE:
        return close_session(oracle, command, sender);
    case MR_COMMAND_LOGIC_UPGRADE:
        return upgrade(oracle, command);
    default:
        return 0; /* a TICK */
    }
}

static uint32_t execute(struct oracle *oracle, const struct mr_command *command,
                        struct oracle_session *session)
{
    uint32_t reason =
        admit(oracle, command, session == NULL ? (uint32_t)MR_ROLE_SYSTEM : session->role);
    uint64_t count;
    uint64_t expected;
    if (reason == 0 && oracle_logic_condition(oracle, command, &count, &expected) &&
        expected != 0 && count != (expected == MR_EXPECT_NEW ? 0 : expected)) {
        oracle->differed++;
        reason = MR_REASON_VERSION_DIFFERS;
    }
    if (reason == 0 && command->type >= MR_CATALOG_LOGIC_FIRST) {
        return oracle_logic_apply(oracle, command);
    }
    if (reason == 0) {
        reason = execute_common(oracle, command, session);
    }
    if (reason != 0) {
        emit_rejected(oracle, command, session, reason);
    }
    return reason;
}

/* A request that is not above the last one. */
static bool give_again(struct oracle *oracle, const struct oracle_session *session,
                       struct mr_answer *answer)
{
    const struct oracle_answer *kept = kept_answer(oracle, session, answer->request);
    if (kept == NULL) {
        oracle->too_old++;
        return false;
    }
    oracle->duplicates++;
    answer->sequence = kept->sequence;
    answer->first_event = kept->first_event;
    answer->event_count = kept->event_count;
    answer->result = kept->result;
    answer->duplicate = 1;
    return true;
}

static uint32_t refusal_of(const struct mr_command *command, const struct oracle_session *session)
{
    if (command->session == 0) {
        return 0;
    }
    if (session == NULL) {
        return MR_REASON_UNKNOWN_SESSION;
    }
    if (command->request > session->last_request) {
        return 0;
    }
    return command->request == 0 ? MR_REASON_BAD_REQUEST : MR_REASON_TOO_OLD;
}

static void run(struct oracle *oracle, const struct mr_command *command, struct mr_answer *answer)
{
    struct oracle_session *session =
        command->session == 0 ? NULL : oracle_session(oracle, command->session);
    *answer = (struct mr_answer){
        .sequence = command->sequence, .session = command->session, .request = command->request};
    uint32_t refusal = refusal_of(command, session);
    if (session != NULL) {
        session->last_time_ns = command->time_ns;
    }
    if (refusal == MR_REASON_TOO_OLD && give_again(oracle, session, answer)) {
        return;
    }
    uint64_t before = oracle->events;
    if (refusal == 0) {
        answer->result = execute(oracle, command, session);
    } else {
        answer->result = refusal;
        emit_rejected(oracle, command, session, refusal);
    }
    answer->event_count = (uint32_t)(oracle->events - before);
    answer->first_event = answer->event_count == 0 ? 0 : before + 1;
    oracle->rejects += answer->result != 0;
    /* It may be gone by its own command, or moved by another's end. */
    session = command->session == 0 ? NULL : oracle_session(oracle, command->session);
    if (session != NULL && refusal == 0) {
        keep_answer(session, answer);
    }
}

void oracle_apply(struct oracle *oracle, const struct mr_command *command,
                  struct oracle_place place)
{
    oracle->place = place;
    if (oracle->next_version != oracle->version) {
        oracle_logic_upgrade(oracle);
    }
    oracle->sequence = command->sequence;
    oracle->time_ns = command->time_ns;
    oracle->correlation = 0;
    pass_time(oracle);
    oracle->correlation = command->correlation;
    run(oracle, command, &oracle->answer);
    records_answer(oracle->out, &oracle->answer);
}
