/*
 * What a ring is, without any cleverness: a list of published positions, and consumers that each
 * stand somewhere. Nothing is cached but what a consumer itself knows, nothing wraps: positions are
 * counted from 0. A model's function is called as the ring's of the same name, and returns what
 * that must return.
 */
#ifndef MR_TESTS_DISRUPTOR_RING_MODEL_H
#define MR_TESTS_DISRUPTOR_RING_MODEL_H

#include <millrace/disruptor.h>

#include <string.h>

enum { MODEL_CONSUMERS = MR_RING_CONSUMERS_MAX, MODEL_POSITIONS = 1 << 18 };

struct model_consumer {
    bool present;
    bool at_tail; /* its last look found nothing */
    bool alerted;
    uint64_t after;     /* bit i: stays behind consumer i; 0: follows the producers */
    uint64_t position;  /* stays when it leaves */
    uint64_t known;     /* it may handle everything below */
    uint64_t batch_max; /* 0: no limit */
    uint64_t batches, empty, stalls, batch_largest;
    uint64_t batch_sizes[MR_BATCH_SIZES];
};

struct model {
    uint64_t capacity;
    bool latency;
    bool halted;
    uint64_t claimed;
    uint64_t cursor; /* everything below is published */
    uint64_t floor;  /* where the last one left */
    uint64_t refused, stalls;
    struct model_consumer consumers[MODEL_CONSUMERS];
    bool published[MODEL_POSITIONS];
};

static inline void model_init(struct model *model, uint64_t capacity, bool latency)
{
    memset(model, 0, sizeof *model);
    model->capacity = capacity;
    model->latency = latency;
}

/* -- Who is there. ----------------------------------------------------------------------------- */

static inline bool model_is_followed(const struct model *model, uint32_t index)
{
    for (uint32_t i = 0; i < MODEL_CONSUMERS; i++)
        if (model->consumers[i].present && (model->consumers[i].after >> index & 1) != 0)
            return true;
    return false;
}

static inline uint32_t model_members(const struct model *model)
{
    uint32_t members = 0;
    for (uint32_t i = 0; i < MODEL_CONSUMERS; i++)
        members += model->consumers[i].present;
    return members;
}

static inline uint64_t model_slowest_of(const struct model *model, uint64_t set)
{
    uint64_t slowest = UINT64_MAX;
    for (uint32_t i = 0; i < MODEL_CONSUMERS; i++)
        if ((set >> i & 1) != 0 && model->consumers[i].position < slowest)
            slowest = model->consumers[i].position;
    return slowest;
}

static inline uint64_t model_slowest(const struct model *model)
{
    uint64_t slowest = UINT64_MAX;
    for (uint32_t i = 0; i < MODEL_CONSUMERS; i++)
        if (model->consumers[i].present && model->consumers[i].position < slowest)
            slowest = model->consumers[i].position;
    return slowest == UINT64_MAX ? model->floor : slowest;
}

/* `after` names members only. */
static inline int model_add(struct model *model, uint32_t index, uint64_t after, uint64_t batch_max,
                            bool from_oldest)
{
    struct model_consumer *consumer = &model->consumers[index];
    if (model_members(model) == MR_RING_CONSUMERS_MAX)
        return MR_E_LIMIT;
    uint64_t position = model->cursor;
    if (model_members(model) == 0 || from_oldest)
        position = model_slowest(model);
    else if (after != 0)
        position = model_slowest_of(model, after);
    *consumer = (struct model_consumer){.present = true,
                                        .after = after,
                                        .position = position,
                                        .known = position,
                                        .batch_max = batch_max};
    return MR_OK;
}

static inline int model_remove(struct model *model, uint32_t index)
{
    struct model_consumer *consumer = &model->consumers[index];
    if (!consumer->present || model_is_followed(model, index))
        return MR_E_INVALID;
    consumer->present = false;
    if (model_members(model) == 0)
        model->floor = consumer->position;
    return MR_OK;
}

/* -- Producers. -------------------------------------------------------------------------------- */

static inline int model_try_claim(struct model *model, uint32_t count, uint64_t *first)
{
    if (count == 0 || count > model->capacity)
        return MR_E_LIMIT;
    if (model->claimed + count > model_slowest(model) + model->capacity) {
        model->refused++;
        return MR_AGAIN;
    }
    *first = model->claimed;
    model->claimed += count;
    return MR_OK;
}

/* With a time limit. */
static inline int model_claim_wait(struct model *model, uint32_t count, uint64_t *first)
{
    uint64_t refused = model->refused;
    int status = model_try_claim(model, count, first);
    model->refused = refused;
    if (status != MR_AGAIN)
        return status;
    model->stalls++;
    return model->halted ? MR_E_HALTED : MR_AGAIN;
}

/* With a time limit. First a try, then a wait. */
static inline int model_claim(struct model *model, uint32_t count, uint64_t *first)
{
    int status = model_try_claim(model, count, first);
    return status == MR_AGAIN ? model_claim_wait(model, count, first) : status;
}

static inline void model_publish(struct model *model, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        model->published[first + i] = true;
    while (model->published[model->cursor])
        model->cursor++;
}

/* -- Consumers. -------------------------------------------------------------------------------- */

static inline uint64_t model_look(struct model *model, uint32_t index)
{
    struct model_consumer *self = &model->consumers[index];
    uint64_t next = self->after == 0 ? model->cursor : model_slowest_of(model, self->after);
    if (self->batch_max != 0 && self->known == self->position + self->batch_max)
        return self->known;
    if (model->latency && self->after == 0 && self->at_tail && next > self->known + 1)
        next = self->known + 1;
    if (self->batch_max != 0 && next > self->position + self->batch_max)
        next = self->position + self->batch_max;
    uint64_t found = next - self->known;
    self->known = next;
    self->at_tail = found == 0;
    if (found == 0) {
        self->empty++;
        return next;
    }
    uint32_t size = 0;
    while (found >> (size + 1) != 0)
        size++;
    self->batches++;
    self->batch_sizes[size]++;
    if (found > self->batch_largest)
        self->batch_largest = found;
    return next;
}

static inline uint64_t model_available(struct model *model, uint32_t index)
{
    const struct model_consumer *self = &model->consumers[index];
    return self->known != self->position ? self->known : model_look(model, index);
}

static inline enum mr_poll model_poll(struct model *model, uint32_t index, uint64_t *next)
{
    const struct model_consumer *self = &model->consumers[index];
    *next = model_available(model, index);
    if (*next != self->position)
        return MR_POLL_PROCESSING;
    return self->after != 0 && model->published[self->position] ? MR_POLL_GATED : MR_POLL_IDLE;
}

/* Whether a wait ends, and that without waiting. */
static inline bool model_may_wait(const struct model *model, uint32_t index)
{
    const struct model_consumer *self = &model->consumers[index];
    uint64_t limit = self->after == 0 ? model->cursor : model_slowest_of(model, self->after);
    return limit != self->position || self->alerted || model->halted;
}

static inline uint64_t model_wait(struct model *model, uint32_t index)
{
    struct model_consumer *self = &model->consumers[index];
    uint64_t available = model_available(model, index);
    if (available == self->position)
        self->stalls++;
    return available;
}

static inline int model_drain(const struct model *model)
{
    if (model_slowest(model) == model->cursor)
        return MR_OK;
    return model->halted ? MR_E_HALTED : MR_AGAIN;
}

#endif
