/*
 * What queries are answered with, worked out from lists.
 */
#include "tests/simulator/oracle.h"

void *oracle_row(struct mr_reply *reply, unsigned char *rows, uint32_t size, uint16_t type,
                 uint32_t body_size)
{
    uint32_t length = (uint32_t)sizeof(struct mr_row) + body_size;
    if (reply->bytes + length > size) {
        reply->truncated = 1;
        return NULL;
    }
    struct mr_row *row = (struct mr_row *)(void *)(rows + reply->bytes);
    memset(row, 0, length);
    row->type = type;
    row->length = (uint16_t)length;
    reply->bytes += length;
    reply->rows++;
    return row + 1;
}

/* Body size of a type of query and who may ask it; UINT32_MAX: there is no such type. */
static uint32_t size_of(const struct oracle *oracle, uint16_t type, uint32_t *roles)
{
    const uint32_t operators = MR_ROLE_BIT(MR_ROLE_SYSTEM) | MR_ROLE_BIT(MR_ROLE_OPERATOR);
    *roles = operators | MR_ROLE_BIT(MR_ROLE_USER);
    switch (type) {
    case MR_QUERY_STATUS:
        return 0;
    case MR_QUERY_SESSION:
        return sizeof(struct mr_query_session);
    case TILL_QUERY:
        return oracle->counts ? 0 : (uint32_t)sizeof(struct till_query);
    default:
        return UINT32_MAX;
    }
}

static uint32_t admit(struct oracle *oracle, const struct mr_query *query)
{
    uint32_t roles;
    uint32_t size = size_of(oracle, query->type, &roles);
    if (size == UINT32_MAX) {
        return MR_REASON_UNKNOWN_TYPE;
    }
    if (query->version != 0) {
        return MR_REASON_UNKNOWN_VERSION;
    }
    if (query->length != sizeof *query + size) {
        return MR_REASON_BAD_LENGTH;
    }
    if (query->session == 0) {
        return 0;
    }
    const struct oracle_session *session = oracle_session(oracle, query->session);
    if (session == NULL) {
        return MR_REASON_UNKNOWN_SESSION;
    }
    return query->role == session->role && (roles >> session->role & 1) != 0
               ? 0
               : MR_REASON_ROLE_DENIED;
}

static void answer_status(const struct oracle *oracle, struct mr_reply *reply, unsigned char *rows,
                          uint32_t size)
{
    struct mr_row_status *row = oracle_row(reply, rows, size, MR_ROW_STATUS, sizeof *row);
    if (row == NULL) {
        return;
    }
    const char *name = oracle->counts ? "sim-counter" : "sim-till";
    memcpy(row->logic, name, strlen(name));
    uint64_t next = oracle_next_due(oracle);
    row->events = oracle->events;
    row->rejects = oracle->rejects;
    row->next_timer_ns = next == UINT64_MAX ? 0 : next;
    row->logic_version = oracle->version;
    row->sessions = oracle->session_count;
    row->timers = oracle->logic_timers;
    row->clock = oracle->clock;
}

static void answer_session(struct oracle *oracle, const struct mr_query *query,
                           struct mr_reply *reply, unsigned char *rows, uint32_t size)
{
    const struct mr_query_session *asked = mr_query_body(query);
    if (query->session != 0 && query->role == MR_ROLE_USER && asked->id != query->session) {
        reply->result = MR_REASON_ROLE_DENIED;
        return;
    }
    const struct oracle_session *session = oracle_session(oracle, asked->id);
    if (session == NULL) {
        reply->result = MR_REASON_NOT_FOUND;
        return;
    }
    struct mr_row_session *row = oracle_row(reply, rows, size, MR_ROW_SESSION, sizeof *row);
    if (row == NULL) {
        return;
    }
    memcpy(row->fingerprint, session->fingerprint, sizeof row->fingerprint);
    row->id = session->id;
    row->last_request = session->last_request;
    row->last_time_ns = session->last_time_ns;
    row->session_role = session->role;
}

void oracle_query(struct oracle *oracle, const struct mr_query *query, struct mr_reply *reply,
                  unsigned char *rows, uint32_t size)
{
    *reply = (struct mr_reply){
        .sequence = oracle->sequence, .time_ns = oracle->time_ns, .request = query->request};
    reply->result = admit(oracle, query);
    if (reply->result != 0) {
        return;
    }
    switch (query->type) {
    case MR_QUERY_STATUS:
        answer_status(oracle, reply, rows, size);
        break;
    case MR_QUERY_SESSION:
        answer_session(oracle, query, reply, rows, size);
        break;
    default:
        oracle_logic_query(oracle, query, reply, rows, size);
        break;
    }
}
