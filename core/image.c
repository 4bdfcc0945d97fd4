/*
 * The memory image as a whole: its size, its beginning, what is in use, and whether it is sound.
 */
#include "core/image.h"
#include "base/assert.h"
#include "base/bits.h"
#include "base/limits.h"
#include "core/memory.h"

uint64_t mr_image_size(const struct mr_logic *logic, const struct mr_command *genesis,
                       const char **reason)
{
    struct mr_genesis_plan plan;
    const char *flaw = mr_genesis_plan(logic, genesis, &plan);
    if (flaw != NULL) {
        if (reason != NULL) {
            *reason = flaw;
        }
        return 0;
    }
    return mr_align_up(plan.sizes.parts.end, MR_IMAGE_ALIGNMENT);
}

uint32_t mr_image_outbox_size(const struct mr_logic *logic, const struct mr_command *genesis)
{
    struct mr_genesis_plan plan;
    return mr_genesis_plan(logic, genesis, &plan) == NULL ? plan.sizes.outbox_size : 0;
}

struct mr_image *mr_image_init(void *memory, const struct mr_logic *logic,
                               const struct mr_command *genesis)
{
    struct mr_genesis_plan plan;
    const char *flaw = mr_genesis_plan(logic, genesis, &plan);
    ASSERT(flaw == NULL);
    ASSERT((uintptr_t)memory % MR_IMAGE_ALIGNMENT == 0);
    const struct mr_genesis *body = plan.genesis;
    struct mr_image *image = (struct mr_image *)memory;
    VERIFY(mr_is_zero(image, sizeof *image));
    *image = (struct mr_image){
        .magic = MR_IMAGE_MAGIC,
        .layout = MR_IMAGE_LAYOUT,
        .outbox_size = plan.sizes.outbox_size,
        .config_size = body->config_size,
        .logic_version = body->logic_version,
        .logic_layout_version = body->layout_version,
        .limits = plan.limits,
        .session_index_bits = plan.sizes.session_index_bits,
        .answer_bits = plan.sizes.answer_bits,
        .sessions = {.limit = body->sessions_max},
        .parts = plan.sizes.parts,
    };
    image->timers.limit = body->timers_max + mr_session_timers(image, body->sessions_max);
    mr_copy(image->logic, body->logic, sizeof image->logic);
    if (plan.config != NULL) {
        mr_copy(mr_image_at(image, image->parts.config), plan.config, image->config_size);
    }
    if (logic->init != NULL) {
        logic->init(mr_image_at(image, image->parts.state), mr_image_config(image));
    }
    return image;
}

struct mr_image_status mr_image_status_get(const struct mr_image *image)
{
    return (struct mr_image_status){
        .sequence = image->sequence,
        .time_ns = image->time_ns,
        .events = image->events,
        .rejects = image->rejects,
        .logic_version = image->logic_version,
        .clock = image->limits.clock,
    };
}

const void *mr_image_state(const struct mr_image *image)
{
    return mr_image_at(image, image->parts.state);
}

const void *mr_image_config(const struct mr_image *image)
{
    return mr_config(image);
}

bool mr_image_session(const struct mr_image *image, uint64_t id, struct mr_session_info *info)
{
    const struct mr_session *session = mr_session_find(image, id);
    if (session == NULL) {
        return false;
    }
    const struct mr_session_origin *origin =
        mr_session_origin(image, mr_session_place(image, session));
    *info = (struct mr_session_info){
        .id = session->id,
        .last_request = session->last_request,
        .last_time_ns = session->last_time_ns,
        .fingerprint = {origin->fingerprint[0], origin->fingerprint[1]},
        .role = session->role,
    };
    return true;
}

uint64_t mr_image_next_timer(const struct mr_image *image)
{
    return mr_heap_next(mr_timer_heap(image));
}

/* -- What is in use. --------------------------------------------------------------------------- */

void mr_image_common_used(const struct mr_image *image, struct mr_spans *spans)
{
    const struct mr_image_parts *parts = &image->parts;
    uint64_t high = image->sessions.high;
    if (high > 0) {
        mr_spans_add(spans, parts->sessions,
                     mr_pool_used(&image->sessions, sizeof(struct mr_session)));
        mr_spans_add(spans, parts->origins,
                     mr_pool_used(&image->sessions, sizeof(struct mr_session_origin)));
        mr_spans_add(spans, parts->open, (high / 64 + 1) * sizeof(uint64_t));
        mr_spans_add(spans, parts->session_index, sizeof(uint32_t) << image->session_index_bits);
        mr_spans_add(spans, parts->answers,
                     high * sizeof(struct mr_stored_answer) << image->answer_bits);
    }
    mr_spans_add(spans, parts->timers, mr_pool_used(&image->timers, sizeof(struct mr_timer_node)));
    mr_spans_add(spans, parts->timer_heap + sizeof(struct mr_heap_key),
                 image->timer_count * sizeof(struct mr_heap_key));
}

uint32_t mr_image_used(const struct mr_image *image, const struct mr_logic *logic,
                       struct mr_span *spans, uint32_t limit)
{
    const struct mr_image_parts *parts = &image->parts;
    struct mr_spans list = {.at = spans, .limit = limit};
    uint64_t state_size = parts->end - parts->state;
    mr_spans_add(&list, 0, parts->config + image->config_size);
    mr_image_common_used(image, &list);
    if (logic->used == NULL) {
        mr_spans_add(&list, parts->state, state_size);
        return list.count;
    }
    uint32_t count = list.count;
    uint32_t own =
        logic->used(mr_image_state(image), mr_image_config(image), spans + count, limit - count);
    ASSERT(own <= limit - count);
    uint64_t last = 0;
    for (uint32_t i = 0; i < own; i++) {
        struct mr_span *span = &spans[count + i];
        ASSERT(span->offset >= last && span->size <= state_size - span->offset);
        last = span->offset + span->size;
        span->offset += parts->state;
    }
    return count + own;
}

bool mr_image_check(const struct mr_image *image, const struct mr_logic *logic)
{
    char name[sizeof image->logic] = {0};
    mr_copy(name, logic->name, mr_length(logic->name));
    if (image->magic != MR_IMAGE_MAGIC || image->layout != MR_IMAGE_LAYOUT ||
        !mr_equal(name, image->logic, sizeof name) || image->logic_version != logic->version ||
        image->logic_layout_version != logic->layout_version ||
        image->config_size != (logic->config == NULL ? 0U : logic->config->size) ||
        image->rejects > image->sequence || image->batch_done > image->sequence ||
        image->batch_done >= MR_BATCH_COMMANDS_MAX || image->turn != 0 || image->turn_events != 0 ||
        (image->upgrade_version != 0 && image->upgrade_version <= image->logic_version)) {
        return false;
    }
    return mr_genesis_parts_check(image, logic) && mr_sessions_check(image) &&
           mr_timers_check(image) &&
           (logic->check == NULL || logic->check(mr_image_state(image), mr_image_config(image)));
}
