/*
 * Queries: questions that are answered from the image between two commands, and change nothing.
 */
#include "base/assert.h"
#include "core/image.h"
#include "core/memory.h"

enum { SESSIONS_PER_REPLY = 100 };

/* -- Who may ask what. ------------------------------------------------------------------------- */

static const struct mr_message *row_of(const struct mr_logic *logic, uint16_t type)
{
    const struct mr_catalog *catalog =
        type < MR_CATALOG_LOGIC_FIRST ? &mr_catalog_common : logic->catalog;
    uint32_t first = type < MR_CATALOG_LOGIC_FIRST ? 1 : MR_CATALOG_LOGIC_FIRST;
    uint32_t index = type - first;
    return index < catalog->query_count ? &catalog->queries[index] : NULL;
}

/* A session has one role, and asks what that may ask; the embedder itself (session 0) anything. */
static uint32_t admit(const struct mr_image *image, const struct mr_message *row,
                      const struct mr_query *query)
{
    if (row == NULL) {
        return MR_REASON_UNKNOWN_TYPE;
    }
    if (query->version != row->version) {
        return MR_REASON_UNKNOWN_VERSION;
    }
    if (query->length != MR_QUERY_HEADER + (uint32_t)row->size) {
        return MR_REASON_BAD_LENGTH;
    }
    if (query->session == 0) {
        return 0;
    }
    const struct mr_session *session = mr_session_find(image, query->session);
    if (session == NULL) {
        return MR_REASON_UNKNOWN_SESSION;
    }
    bool granted = (row->roles & MR_ROLE_BIT(session->role)) != 0;
    return query->role == session->role && granted ? 0 : MR_REASON_ROLE_DENIED;
}

/* -- What the image itself answers. ------------------------------------------------------------ */

static uint32_t answer_status(struct mr_inquiry *inquiry)
{
    const struct mr_image *image = inquiry->image;
    struct mr_row_status *row =
        (struct mr_row_status *)mr_row_add(inquiry, MR_ROW_STATUS, 0, sizeof *row);
    if (row == NULL) {
        return 0;
    }
    uint64_t next = mr_image_next_timer(image);
    mr_copy(row->logic, image->logic, sizeof row->logic);
    row->events = image->events;
    row->rejects = image->rejects;
    row->next_timer_ns = next == UINT64_MAX ? 0 : next;
    row->logic_version = image->logic_version;
    row->sessions = image->sessions.live;
    row->timers = image->timers.live - mr_session_timers(image, image->sessions.live);
    row->clock = (uint8_t)image->limits.clock;
    return 0;
}

/* False: there is no room for it. */
static bool add_session(struct mr_inquiry *inquiry, uint32_t place)
{
    const struct mr_session *session = &mr_sessions(inquiry->image)[place];
    struct mr_row_session *row =
        (struct mr_row_session *)mr_row_add(inquiry, MR_ROW_SESSION, 0, sizeof *row);
    if (row == NULL) {
        return false;
    }
    mr_copy(row->fingerprint, mr_session_origin(inquiry->image, place)->fingerprint,
            sizeof row->fingerprint);
    row->id = session->id;
    row->last_request = session->last_request;
    row->last_time_ns = session->last_time_ns;
    row->place = place;
    row->session_role = session->role;
    return true;
}

static uint32_t answer_session(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct mr_query_session *asked = (const struct mr_query_session *)mr_query_body(query);
    if (query->session != 0 && query->role == MR_ROLE_USER && asked->id != query->session) {
        return MR_REASON_ROLE_DENIED;
    }
    const struct mr_session *session = mr_session_find(inquiry->image, asked->id);
    if (session == NULL) {
        return MR_REASON_NOT_FOUND;
    }
    (void)add_session(inquiry, mr_session_place(inquiry->image, session));
    return 0;
}

static uint32_t answer_sessions(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    const struct mr_query_sessions *asked = (const struct mr_query_sessions *)mr_query_body(query);
    const struct mr_image *image = inquiry->image;
    uint32_t place = 0;
    if (asked->after <= image->sessions.high) {
        place = mr_session_next(image, (uint32_t)asked->after);
    }
    for (uint32_t i = 0; i < SESSIONS_PER_REPLY && place != 0; i++) {
        if (!add_session(inquiry, place)) {
            return 0;
        }
        place = mr_session_next(image, place);
    }
    inquiry->truncated = place != 0;
    return 0;
}

static uint32_t answer_common(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    switch (query->type) {
    case MR_QUERY_STATUS:
        return answer_status(inquiry);
    case MR_QUERY_SESSION:
        return answer_session(inquiry, query);
    default:
        ASSERT(query->type == MR_QUERY_SESSIONS);
        return answer_sessions(inquiry, query);
    }
}

/* -- The whole. -------------------------------------------------------------------------------- */

void mr_image_query(const struct mr_image *image, const struct mr_logic *logic,
                    const struct mr_query *query, struct mr_reply *reply, void *rows, uint32_t size)
{
    ASSERT((uintptr_t)rows % 8 == 0);
    VERIFY(logic->version == image->logic_version);
    struct mr_inquiry inquiry = {
        .state = mr_image_state(image),
        .config = mr_config(image),
        .time_ns = image->time_ns,
        .sequence = image->sequence,
        .rows = (unsigned char *)rows,
        .size = size,
        .image = image,
    };
    uint32_t result = admit(image, row_of(logic, query->type), query);
    if (result == 0) {
        result = query->type < MR_CATALOG_LOGIC_FIRST ? answer_common(&inquiry, query)
                                                      : logic->query(&inquiry, query);
    }
    *reply = (struct mr_reply){.sequence = image->sequence,
                               .time_ns = image->time_ns,
                               .request = query->request,
                               .result = result};
    if (result == 0) {
        reply->rows = inquiry.count;
        reply->bytes = inquiry.used;
        reply->truncated = inquiry.truncated;
    }
}
