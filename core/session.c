/*
 * Sessions: who sent what last, and what it was answered. A request is executed once: its number is
 * above all before it, or it is a resend, which gets the answer it had.
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

uint32_t mr_session_open(struct mr_image *image, const struct mr_session_open *open,
                         struct mr_session **session)
{
    if (open->new_session == 0 || !mr_is_zero(open->reserved, sizeof open->reserved) ||
        (open->new_role != MR_ROLE_OPERATOR && open->new_role != MR_ROLE_USER)) {
        return MR_REASON_BAD_VALUE;
    }
    if (mr_session_find(image, open->new_session) != NULL) {
        return MR_REASON_SESSION_EXISTS;
    }
    if (image->session_count == image->sessions_max) {
        return MR_REASON_SESSIONS_FULL;
    }
    uint32_t *index = (uint32_t *)mr_image_at(image, image->parts.session_index);
    uint32_t mask = (UINT32_C(1) << image->session_index_bits) - 1;
    uint32_t place = mr_session_home(image, open->new_session);
    while (index[place] != 0) {
        place = (place + 1) & mask;
    }
    index[place] = ++image->session_count;
    *session = &mr_sessions(image)[index[place] - 1];
    ASSERT((*session)->id == 0);
    (*session)->id = open->new_session;
    (*session)->role = open->new_role;
    mr_copy((*session)->fingerprint, open->fingerprint, sizeof open->fingerprint);
    return 0;
}

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

bool mr_sessions_check(const struct mr_image *image)
{
    const uint32_t *index = (const uint32_t *)mr_image_at(image, image->parts.session_index);
    uint32_t indexed = 0;
    for (uint64_t i = 0; i < UINT64_C(1) << image->session_index_bits; i++) {
        indexed += index[i] != 0;
        if (index[i] > image->session_count) {
            return false;
        }
    }
    if (image->session_count > image->sessions_max || indexed != image->session_count) {
        return false;
    }
    for (uint32_t i = 0; i < image->session_count; i++) {
        const struct mr_session *session = &mr_sessions(image)[i];
        if (session->id == 0 || mr_session_find(image, session->id) != session ||
            session->role == MR_ROLE_SYSTEM || session->role >= MR_ROLE_COUNT ||
            !mr_is_zero(session->reserved, sizeof session->reserved) ||
            session->stream.last > image->events || !answers_check(image, session)) {
            return false;
        }
    }
    return true;
}
