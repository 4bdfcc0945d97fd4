/*
 * The ring against a naive model (ring_model.h), in one thread: random operations over random
 * graphs, in all shapes, from first positions near every wrap. The model predicts each return
 * value, and after each step all that can be seen of the ring. MR_SEED names the first trial; a
 * failure names its own.
 */
#include "tests/disruptor/ring_fixture.h"
#include "tests/disruptor/ring_model.h"

/* One thread alone has no races to find. */
#ifdef MR_THREAD_SANITIZER
enum { TRIALS = 50, STEPS = 2200 };
#else
enum { TRIALS = 1000, STEPS = 2200 };
#endif

struct open_claim {
    uint64_t first;
    uint64_t count;
};

struct trial {
    uint64_t seed;
    uint32_t step;
    uint32_t members_max;
    bool own_producer; /* claims go by `producer`; with several producers, some of them */
    struct mr_producer producer;
    uint32_t open_count;
    struct open_claim open[64]; /* claimed, not published: not more than the largest capacity */
    bool was_member[CONSUMERS];
    struct mr_random random;
    struct model model;
};

static struct trial trial;

static uint64_t below(uint64_t bound)
{
    return mr_random_below(&trial.random, bound);
}

static bool one_in(uint64_t chances)
{
    return below(chances) == 0;
}

/* -- Producing. -------------------------------------------------------------------------------- */

static uint32_t choose_count(void)
{
    uint64_t capacity = trial.model.capacity;
    switch (below(16)) {
    case 0:
        return (uint32_t)below(capacity + 3);
    case 1:
        return one_in(2) ? UINT32_MAX : 0;
    case 2:
    case 3:
        return 1 + (uint32_t)below(capacity);
    default:
        return 1 + (uint32_t)below((capacity + 3) / 4);
    }
}

static int claim_somehow(uint32_t count, uint64_t *first, uint64_t *expected, int *predicted)
{
    const struct mr_wait limited = {.kind = MR_WAIT_YIELD, .spins = 1, .timeout_ns = 1};
    struct mr_ring *ring = &fixture.ring;
    bool own = trial.own_producer && (!is_multi() || one_in(2));
    uint64_t how = below(8);
    if (own && one_in(20))
        trial.producer = mr_producer_of(ring, NULL);
    if (how == 0) {
        *predicted = model_claim(&trial.model, count, expected);
        return own ? mr_producer_claim(&trial.producer, count, first)
                   : mr_ring_claim(ring, count, first);
    }
    if (how == 1 && !own) {
        *predicted = model_claim_wait(&trial.model, count, expected);
        return mr_ring_claim_wait(ring, count, &limited, first);
    }
    *predicted = model_try_claim(&trial.model, count, expected);
    return own ? mr_producer_try_claim(&trial.producer, count, first)
               : mr_ring_try_claim(ring, count, first);
}

static void step_claim(void)
{
    uint32_t count = choose_count();
    uint64_t first = 0, expected = 0;
    int predicted = 0;
    int status = claim_somehow(count, &first, &expected, &predicted);
    assert_int_equal(status, predicted);
    if (status != MR_OK)
        return;
    assert_int_equal(number(first), expected);
    for (uint32_t i = 0; i < count; i++)
        slot_fill(first + i);
    assert_true(trial.open_count < 64);
    trial.open[trial.open_count++] = (struct open_claim){expected, count};
}

/* Publishes any part of any claim; a single producer, the first part of the first. */
static void step_publish(void)
{
    if (trial.open_count == 0)
        return;
    uint64_t index = is_multi() ? below(trial.open_count) : 0;
    struct open_claim all = trial.open[index];
    uint64_t before = is_multi() && one_in(3) ? below(all.count) : 0;
    uint64_t count = 1 + below(all.count - before);
    uint64_t behind = all.count - before - count;
    if (trial.own_producer && one_in(2))
        mr_producer_publish(&trial.producer, at(all.first + before), (uint32_t)count);
    else
        mr_ring_publish(&fixture.ring, at(all.first + before), (uint32_t)count);
    model_publish(&trial.model, all.first + before, count);

    /* What is left of the claim takes its place. */
    uint32_t rest = (before > 0 ? 1U : 0U) + (behind > 0 ? 1U : 0U);
    struct open_claim *place = &trial.open[index];
    memmove(place + rest, place + 1, (trial.open_count - index - 1) * sizeof *place);
    trial.open_count = trial.open_count - 1 + rest;
    if (before > 0)
        *place++ = (struct open_claim){all.first, before};
    if (behind > 0)
        *place = (struct open_claim){all.first + before + count, behind};
}

/* -- Consuming. -------------------------------------------------------------------------------- */

static uint64_t look_somehow(uint32_t index)
{
    struct model *model = &trial.model;
    struct mr_consumer *self = consumer(index);
    uint64_t next, predicted;
    uint64_t how = below(4);
    if (how == 0) {
        next = mr_consumer_look(self);
        predicted = model_look(model, index);
    } else if (how == 1) {
        assert_int_equal(mr_consumer_poll(self, &next), model_poll(model, index, &predicted));
    } else if (how == 2 && model_may_wait(model, index)) {
        next = mr_consumer_wait(self);
        predicted = model_wait(model, index);
    } else {
        next = mr_consumer_available(self);
        predicted = model_available(model, index);
    }
    assert_int_equal(number(next), predicted);
    return predicted;
}

static void step_consume(void)
{
    uint32_t index = (uint32_t)below(trial.members_max);
    struct model_consumer *self = &trial.model.consumers[index];
    if (!self->present)
        return;
    uint64_t next = look_somehow(index);
    assert_true(slots_hold(at(self->position), at(next)));
    if (one_in(3))
        next = self->position + below(next - self->position + 1);
    mr_consumer_release(consumer(index), at(next));
    self->position = next;
}

static void step_alert(void)
{
    uint32_t index = (uint32_t)below(trial.members_max);
    struct model_consumer *self = &trial.model.consumers[index];
    if (!self->present)
        return;
    assert_int_equal(mr_consumer_alerted(consumer(index)), self->alerted);
    self->alerted = !self->alerted;
    if (self->alerted)
        mr_consumer_alert(consumer(index));
    else
        mr_consumer_alert_clear(consumer(index));
}

/* -- Joining and leaving. ---------------------------------------------------------------------- */

static void step_join(void)
{
    struct model *model = &trial.model;
    uint32_t index = (uint32_t)below(trial.members_max);
    if (model_members(model) == MR_RING_CONSUMERS_MAX)
        index = MR_RING_CONSUMERS_MAX; /* one too many */
    else if (model->consumers[index].present)
        return;
    uint64_t after = 0;
    bool strange = false;
    for (uint32_t i = 0; i < trial.members_max; i++)
        if (i != index && trial.was_member[i] && one_in(3)) {
            if (!model->consumers[i].present && !one_in(20))
                continue;
            strange |= !model->consumers[i].present;
            after |= UINT64_C(1) << i;
        }
    struct mr_consumer_options options = {.from_oldest = one_in(3)};
    if (one_in(3))
        options.batch_max = 1 + (uint32_t)below(model->capacity + 1);
    int predicted = strange
                        ? MR_E_INVALID
                        : model_add(model, index, after, options.batch_max, options.from_oldest);
    assert_int_equal(add_as(index, after, options), predicted);
    trial.was_member[index] |= predicted == MR_OK;
}

static void step_leave(void)
{
    uint32_t index = (uint32_t)below(trial.members_max);
    if (trial.was_member[index])
        assert_int_equal(mr_ring_consumer_remove(consumer(index), NULL),
                         model_remove(&trial.model, index));
}

/* -- What can be seen. ------------------------------------------------------------------------- */

static void check_consumer(uint32_t index, uint64_t *gating)
{
    const struct model_consumer *expected = &trial.model.consumers[index];
    const struct mr_consumer_counters *counters = &consumer(index)->counters;
    assert_int_equal(position(index), expected->position);
    assert_int_equal(mr_atomic_load(&counters->batches, relaxed), expected->batches);
    assert_int_equal(mr_atomic_load(&counters->empty, relaxed), expected->empty);
    assert_int_equal(mr_atomic_load(&counters->stalls, relaxed), expected->stalls);
    assert_int_equal(mr_atomic_load(&counters->batch_largest, relaxed), expected->batch_largest);
    if (expected->present && !model_is_followed(&trial.model, index))
        *gating |= UINT64_C(1) << consumer(index)->index;
}

static void check_everything(void)
{
    const struct model *model = &trial.model;
    struct mr_ring_report report;
    uint64_t gating = 0;
    for (uint32_t i = 0; i < trial.members_max; i++)
        if (trial.was_member[i])
            check_consumer(i, &gating);
    mr_ring_report_take(&fixture.ring, &report);
    assert_int_equal(mr_atomic_load(&fixture.ring.gating, relaxed), gating);
    assert_int_equal(report.consumers, __builtin_popcountll(gating));
    assert_int_equal(number(report.claimed), model->claimed);
    assert_int_equal(number(report.published), model->cursor);
    assert_int_equal(number(report.slowest), model_slowest(model));
    assert_int_equal(report.fill, model->claimed - model_slowest(model));
    assert_int_equal(report.refused, model->refused);
    assert_int_equal(report.stalls, model->stalls);
}

static void check_batch_sizes(void)
{
    for (uint32_t i = 0; i < trial.members_max; i++)
        for (uint32_t size = 0; trial.was_member[i] && size < MR_BATCH_SIZES; size++)
            assert_int_equal(mr_atomic_load(&consumer(i)->counters.batch_sizes[size], relaxed),
                             trial.model.consumers[i].batch_sizes[size]);
}

/* -- A trial. ---------------------------------------------------------------------------------- */

static void trial_open(uint64_t seed)
{
    const uint32_t slot_sizes[] = {1, 8, 24, 60, 61, 64};
    const uint32_t members_max[] = {1, 2, 3, 5, 8, 64};
    struct mr_ring_options *options = &fixture.options;
    trial.seed = seed;
    trial.open_count = 0;
    memset(trial.was_member, 0, sizeof trial.was_member);
    mr_random_init(&trial.random, mr_mix64(seed));
    trial.members_max = members_max[below(one_in(5) ? 6 : 5)];
    options->capacity = UINT64_C(1) << below(7);
    options->slot_size = slot_sizes[below(6)];
    options->producers = one_in(2) ? MR_PRODUCER_SINGLE : MR_PRODUCER_MULTI;
    options->layout = one_in(2) ? MR_RING_THROUGHPUT : MR_RING_LATENCY;
    options->first_position =
        first_position_of((uint32_t)below(FIRST_POSITIONS), options->capacity) - below(200);
    options->producer_wait = (struct mr_wait){
        .kind = (enum mr_wait_kind)below(4), .spins = 1, .yields = 1, .timeout_ns = 1};
    options->consumer_wait = (struct mr_wait){.kind = (enum mr_wait_kind)below(4)};
    ring_open();
    trial.own_producer = one_in(3);
    trial.producer = mr_producer_of(&fixture.ring, NULL);
    model_init(&trial.model, options->capacity, is_latency());
}

static void trial_step(void)
{
    uint64_t choice = below(100);
    if (choice < 2)
        step_leave();
    else if (choice < 5 || (choice < 30 && trial.members_max == MR_RING_CONSUMERS_MAX))
        step_join(); /* where so many fit, there are to be many */
    else if (choice < 7)
        step_alert();
    else if (choice < 8)
        assert_int_equal(mr_ring_drain(&fixture.ring, 1), model_drain(&trial.model));
    else if (choice < 30)
        step_publish();
    else if (choice < 45)
        step_claim();
    else
        step_consume();
}

static void trial_run(uint64_t seed)
{
    trial_open(seed);
    uint64_t halt_at = below(4 * STEPS);
    for (trial.step = 0; trial.step < STEPS; trial.step++) {
        if (trial.step == halt_at) {
            mr_ring_halt(&fixture.ring);
            trial.model.halted = true;
        }
        trial_step();
        check_everything();
    }
    check_batch_sizes();
    ring_close();
}

static void random_operations_agree_with_a_naive_model_also_across_wraps(void **state)
{
    (void)state;
    uint64_t seed = seed_of_tests();
    printf("MR_SEED=%" PRIu64 "\n", seed);
    for (uint64_t t = 0; t < TRIALS; t++)
        trial_run(seed + t);
    trial.seed = 0;
}

static int say_which(void **state)
{
    (void)state;
    if (trial.seed != 0)
        print_error("... with MR_SEED=%" PRIu64 ", in its first trial, at step %u\n", trial.seed,
                    trial.step);
    ring_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(random_operations_agree_with_a_naive_model_also_across_wraps,
                                  say_which),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
