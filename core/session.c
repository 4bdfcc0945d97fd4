/*
 * Sessions: who sent what last, and what it was answered. A request is executed once: its number is
 * above all before it, or it is a resend, which gets the answer it had. Numbers of sessions rise,
 * too, as far as they are gone: one that is closed does not come back, or a resend to it would be
 * executed again.
 *
 * Where sessions expire, each has a timer. What a session sends does not touch it, only the time in
 * the session itself; when the timer fires, and something was sent meanwhile, it is set again.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "core/image.h"
#include "core/memory.h"

const struct mr_stored_answer *mr_session_recall(const struct mr_image *image,
                                                 const struct mr_session *session, uint64_t request)
{
    uint64_t kept = UINT64_C(1) << image->answer_bits;
    uint64_t end = session->answers;
    uint64_t low = end > kept ? end - kept : 0;
    /* Requests rise in the order of their answers: the first one that is not below `request`. */
    for (uint64_t high = end; low < high;) {
        uint64_t middle = low + (high - low) / 2;
        if (mr_session_answer(image, session, middle)->request < request) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == end) {
        return NULL;
    }
    const struct mr_stored_answer *answer = mr_session_answer(image, session, low);
    return answer->request == request ? answer : NULL;
}

/* -- Opening and closing. ---------------------------------------------------------------------- */

static uint32_t *index_of(const struct mr_image *image)
{
    return (uint32_t *)mr_image_at(image, image->parts.session_index);
}

static void index_add(struct mr_image *image, uint64_t id, uint32_t session)
{
    uint32_t *index = index_of(image);
    uint32_t mask = (UINT32_C(1) << image->session_index_bits) - 1;
    uint32_t at = mr_session_home(image, id);
    while (index[at] != 0) {
        at = (at + 1) & mask;
    }
    index[at] = session;
}

/* Whoever was pushed past the gap by others moves back into it, so that no search ends too soon. */
static void index_remove(struct mr_image *image, uint64_t id)
{
    uint32_t *index = index_of(image);
    uint32_t mask = (UINT32_C(1) << image->session_index_bits) - 1;
    uint32_t gap = mr_session_home(image, id);
    while (mr_sessions(image)[index[gap]].id != id) {
        gap = (gap + 1) & mask;
    }
    for (uint32_t at = (gap + 1) & mask; index[at] != 0; at = (at + 1) & mask) {
        uint32_t home = mr_session_home(image, mr_sessions(image)[index[at]].id);
        if (((at - home) & mask) >= ((at - gap) & mask)) {
            index[gap] = index[at];
            gap = at;
        }
    }
    index[gap] = 0;
}

static uint64_t *open_bits(const struct mr_image *image)
{
    return (uint64_t *)mr_image_at(image, image->parts.open);
}

uint64_t mr_session_expiry(const struct mr_image *image, const struct mr_session *session)
{
    uint64_t due;
    return __builtin_add_overflow(session->last_time_ns, image->limits.session_idle_ns, &due)
               ? UINT64_MAX
               : due;
}

static uint32_t may_open(const struct mr_image *image, const struct mr_session_open *open)
{
    if (open->new_session == 0 || !mr_is_zero(open->reserved, sizeof open->reserved) ||
        (open->new_role != MR_ROLE_OPERATOR && open->new_role != MR_ROLE_USER)) {
        return MR_REASON_BAD_VALUE;
    }
    if (mr_session_find(image, open->new_session) != NULL) {
        return MR_REASON_SESSION_EXISTS;
    }
    return open->new_session <= image->session_floor ? MR_REASON_SESSION_FORGOTTEN : 0;
}

uint32_t mr_session_open(struct mr_image *image, const struct mr_session_open *open,
                         uint64_t time_ns, struct mr_session **session)
{
    uint32_t reason = may_open(image, open);
    if (reason != 0) {
        return reason;
    }
    uint32_t place = mr_pool_take(&image->sessions, mr_sessions(image), sizeof(struct mr_session));
    if (place == 0) {
        return MR_REASON_SESSIONS_FULL;
    }
    *session = &mr_sessions(image)[place];
    ASSERT((*session)->id == 0);
    **session = (struct mr_session){
        .id = open->new_session, .last_time_ns = time_ns, .role = open->new_role};
    mr_copy(mr_session_origin(image, place)->fingerprint, open->fingerprint,
            sizeof open->fingerprint);
    open_bits(image)[place / 64] |= UINT64_C(1) << place % 64;
    index_add(image, open->new_session, place);
    if (image->limits.session_idle_ns != 0) {
        (*session)->timer = mr_timer_set_session(image, mr_session_expiry(image, *session), place);
    }
    return 0;
}

void mr_session_close(struct mr_image *image, struct mr_session *session)
{
    uint32_t place = mr_session_place(image, session);
    ASSERT(session->id != 0);
    if (session->timer != 0) {
        mr_timer_drop(image, session->timer);
    }
    index_remove(image, session->id);
    open_bits(image)[place / 64] &= ~(UINT64_C(1) << place % 64);
    if (session->id > image->session_floor) {
        image->session_floor = session->id;
    }
    *session = (struct mr_session){0};
    mr_pool_give(&image->sessions, mr_sessions(image), sizeof *session, place);
}

bool mr_session_fired(struct mr_image *image, struct mr_session *session, uint64_t due_ns)
{
    uint64_t due = mr_session_expiry(image, session);
    session->timer = 0;
    if (due <= due_ns) {
        return true;
    }
    session->timer = mr_timer_set_session(image, due, mr_session_place(image, session));
    return false;
}

uint32_t mr_session_next(const struct mr_image *image, uint32_t place)
{
    const uint64_t *bits = open_bits(image);
    for (uint64_t at = place + UINT64_C(1); at <= image->sessions.high; at = (at | 63) + 1) {
        uint64_t rest = bits[at / 64] >> at % 64;
        if (rest != 0) {
            return (uint32_t)at + (uint32_t)__builtin_ctzll(rest);
        }
    }
    return 0;
}

/* -- Checking. --------------------------------------------------------------------------------- */

static bool answers_check(const struct mr_image *image, const struct mr_session *session)
{
    uint64_t kept = UINT64_C(1) << image->answer_bits;
    uint64_t first = session->answers > kept ? session->answers - kept : 0;
    uint64_t request = 0;
    uint64_t sequence = 0;
    for (uint64_t i = first; i < session->answers; i++) {
        const struct mr_stored_answer *answer = mr_session_answer(image, session, i);
        if (answer->request <= request || answer->sequence <= sequence ||
            answer->sequence > image->sequence ||
            (answer->event_count == 0) != (answer->first_event == 0) ||
            answer->first_event > image->events ||
            answer->event_count > image->events - answer->first_event + 1) {
            return false;
        }
        request = answer->request;
        sequence = answer->sequence;
    }
    return request == session->last_request;
}

static bool session_check(const struct mr_image *image, uint32_t place)
{
    const struct mr_session *session = &mr_sessions(image)[place];
    bool open = (open_bits(image)[place / 64] >> place % 64 & 1) != 0;
    if (session->id == 0) { /* nobody's place: closing has left nothing but the link */
        return !open && mr_is_zero(&session->timer, sizeof *session - sizeof session->link);
    }
    return open && session->link == 0 && mr_session_find(image, session->id) == session &&
           (session->role == MR_ROLE_OPERATOR || session->role == MR_ROLE_USER) &&
           mr_is_zero(session->reserved, sizeof session->reserved) &&
           session->last_time_ns <= image->time_ns && session->stream.last <= image->events &&
           (session->timer != 0) == (image->limits.session_idle_ns != 0) &&
           answers_check(image, session);
}

bool mr_sessions_check(const struct mr_image *image)
{
    const struct mr_pool *pool = &image->sessions;
    if (!mr_pool_check(pool, mr_sessions(image), sizeof(struct mr_session),
                       image->limits.sessions_max)) {
        return false;
    }
    uint32_t indexed = 0;
    for (uint64_t i = 0; i < UINT64_C(1) << image->session_index_bits; i++) {
        indexed += index_of(image)[i] != 0;
        if (index_of(image)[i] > pool->high) {
            return false;
        }
    }
    if (indexed != pool->live) { /* else a search may not end */
        return false;
    }
    uint32_t live = 0;
    for (uint32_t place = 1; place <= pool->high; place++) {
        live += mr_sessions(image)[place].id != 0;
        if (!session_check(image, place)) {
            return false;
        }
    }
    uint32_t bits = 0;
    for (uint32_t i = 0; i <= pool->high / 64; i++) {
        bits += (uint32_t)__builtin_popcountll(open_bits(image)[i]);
    }
    return live == pool->live && bits == live;
}
