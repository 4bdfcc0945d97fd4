/*
 * The processor against a naive model of what its header promises, in one thread, from a seed.
 *
 * The handler, the flush and the user's decision return what a random generator says, and alert the
 * consumer now and then. Each checks that the model expects this very call, and moves the model on.
 * Between turns there may be publications, dead letters taken away, alerts cleared, and a new
 * processor on the same consumer. MR_SEED=n replays a trial.
 *
 * Apart from the model, a ledger holds for each position what its last call said: OK counts until a
 * rewind makes it void. Whatever the consumer has left behind is OK there, or one dead letter, and
 * never both; nothing else is a dead letter.
 */
#include <millrace/processor.h>

#include "base/random.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED_DEFAULT UINT64_C(20240607)

enum {
    TRIALS = 4000,
    TURNS = 150,
    CAPACITY_MAX = 64,
    LETTERS_MAX = 4,
    POSITIONS = 1024, /* of a trial at most */
};

enum state {
    BETWEEN,  /* the next call is `batch` */
    HANDLING, /* `handle` of `at` */
    FLUSHING, /* `flush` of what is handled */
    DECIDING, /* `failed` of `at` */
    HOLDING,  /* none, while a dead letter waits for room */
    STOPPED,  /* none any more */
};

struct entry {
    bool ok;        /* what the last call said, if nothing made it void */
    uint32_t calls; /* by this processor */
    uint32_t letters;
};

static struct trial {
    uint64_t seed;
    struct mr_random random;
    struct mr_ring ring, letters;
    struct mr_consumer consumer, letter_consumer;
    struct mr_pool pool;
    struct mr_worker worker;
    struct mr_consumer *mine;
    struct mr_processor_options options;
    struct mr_processor processor;
    uint64_t base; /* first position */
    uint64_t batch_max;
    uint32_t fails, agains, alerts, flush_fails, flush_agains; /* of 1000 calls */

    /* The model. */
    enum state state;
    uint64_t released, at, next;
    uint32_t retries, rewinds;
    uint64_t attempt; /* of the last call */
    int failure;      /* of the position that is flushed before, decided about or held */
    bool ended;
    bool calm; /* nothing goes wrong any more */
    int work;

    struct entry ledger[POSITIONS];
    uint64_t calls, stops, skips, holds, cuts, pauses; /* of all trials: that there were some */
    alignas(MR_RING_PADDING) unsigned char memory[CAPACITY_MAX * MR_RING_PADDING];
    alignas(MR_RING_PADDING) unsigned char letter_memory[(LETTERS_MAX + 1) * MR_RING_PADDING];
} trial;

/* Ends the trial with its seed if something does not hold. */
#define CHECK(claim)                                                                        \
    do {                                                                                    \
        if (!(claim))                                                                       \
            fail_msg("MR_SEED=%" PRIu64 ", position %" PRIu64 ": %s (line %d)", trial.seed, \
                     trial.at - trial.base, #claim, __LINE__);                              \
    } while (0)

static bool chance(uint32_t of_1000)
{
    return mr_random_chance(&trial.random, of_1000, 1000);
}

static uint64_t below(uint64_t bound)
{
    return mr_random_below(&trial.random, bound);
}

static struct entry *entry_of(uint64_t position)
{
    CHECK(position - trial.base < POSITIONS);
    return &trial.ledger[position - trial.base];
}

/* -- The model. -------------------------------------------------------------------------------- */

static uint64_t position_now(void)
{
    return mr_ring_slowest(&trial.ring);
}

static uint64_t letters_now(void)
{
    return mr_ring_cursor(&trial.letters) - mr_consumer_position(&trial.letter_consumer);
}

static void model_release(uint64_t next)
{
    if (next != trial.released)
        trial.rewinds = 0;
    for (uint64_t p = trial.released; p != next; p++)
        CHECK(entry_of(p)->ok);
    trial.released = next;
}

/* A rewind, if there may be one. */
static bool model_rewind(uint64_t reached)
{
    uint32_t rewinds_max = trial.options.rewind.rewinds_max;
    if (rewinds_max != 0 && trial.rewinds == rewinds_max)
        return false;
    trial.rewinds++;
    trial.state = BETWEEN;
    for (uint64_t p = trial.released; p != reached; p++)
        entry_of(p)->ok = false;
    return true;
}

static void model_stop(int status)
{
    trial.state = STOPPED;
    trial.failure = status;
}

/* The letters of the position that holds, if there is room. */
static void model_hold(void)
{
    trial.state = HOLDING;
    if (letters_now() == mr_ring_capacity(&trial.letters)) {
        trial.holds++;
        return;
    }
    trial.skips++;
    trial.work++;
    trial.state = BETWEEN;
    trial.rewinds = 0;
    trial.released = trial.at + 1;
}

static void model_decide(enum mr_failure_action action)
{
    if (action == MR_FAILURE_SKIP) {
        model_hold();
        return;
    }
    trial.stops++;
    model_stop(trial.failure);
}

/* What is handled is flushed: so it is released, and then comes why it was flushed. */
static void model_flushed(void)
{
    model_release(trial.at);
    if (trial.failure == MR_OK)
        trial.state = BETWEEN;
    else if (trial.options.handler.failed != NULL)
        trial.state = DECIDING;
    else
        model_decide(trial.options.failure.action);
}

/* No more of this batch: it is handled, or cut short, or the position `at` failed. */
static void model_part_ends(int failure)
{
    trial.failure = failure;
    if (trial.at != trial.released && trial.options.handler.flush != NULL)
        trial.state = FLUSHING;
    else
        model_flushed();
}

static void model_handled(int status)
{
    struct entry *entry = entry_of(trial.at);
    entry->ok = status == MR_OK;
    if (status == MR_OK) {
        trial.retries = 0;
        trial.at++;
        if (trial.at == trial.next || trial.ended)
            model_part_ends(MR_OK);
        trial.cuts += trial.at != trial.next && trial.ended;
        return;
    }
    if (status == MR_AGAIN && model_rewind(trial.at + 1))
        return;
    if (trial.retries == trial.options.failure.retries) {
        model_part_ends(status == MR_AGAIN ? MR_E_LIMIT : status);
        return;
    }
    trial.retries++;
    if (trial.ended)
        model_part_ends(MR_OK);
}

/* -- What the processor calls. ----------------------------------------------------------------- */

static void maybe_alert(void)
{
    if (!chance(trial.alerts))
        return;
    trial.ended = true;
    mr_consumer_alert(trial.mine);
}

static int status_of(uint32_t fails, uint32_t agains)
{
    uint64_t dice = below(1000);
    if (dice < fails)
        return -1 - (int)below(10);
    return dice < fails + agains ? MR_AGAIN : MR_OK;
}

static void batch(void *context, uint64_t size, uint64_t backlog)
{
    CHECK(context == &trial);
    CHECK(trial.state == BETWEEN && !trial.ended);
    CHECK(position_now() == trial.released);
    CHECK(size >= 1 && size <= trial.batch_max);
    trial.state = HANDLING;
    trial.at = trial.released;
    trial.next = trial.at + size;
    trial.retries = 0;
    CHECK(backlog == mr_atomic_load(&trial.ring.claimed, relaxed) - trial.next);
    /* The handler is not called for a batch that is alerted here. */
    maybe_alert();
    if (trial.ended)
        model_part_ends(MR_OK);
}

static int handle(void *context, const struct mr_delivery *delivery)
{
    CHECK(context == &trial);
    CHECK(trial.state == HANDLING && !trial.ended);
    CHECK(position_now() == trial.released);
    CHECK(delivery->position == trial.at);
    CHECK(delivery->batch_left == trial.next - 1 - trial.at);
    CHECK(delivery->slot == mr_ring_slot(&trial.ring, trial.at));
    CHECK(*(uint64_t *)delivery->slot == trial.at);
    struct entry *entry = entry_of(trial.at);
    CHECK((delivery->attempt == 0) == (entry->calls == 0));
    CHECK(delivery->attempt >= trial.retries);
    CHECK(delivery->attempt <= trial.processor.counters.batches + trial.retries);
    entry->calls++;
    trial.attempt = delivery->attempt;
    trial.work++;
    trial.calls++;
    int status = status_of(trial.fails, trial.agains);
    maybe_alert();
    model_handled(status);
    return status;
}

static int flush(void *context, uint64_t first, uint64_t next)
{
    CHECK(context == &trial);
    CHECK(trial.state == FLUSHING);
    CHECK(first == trial.released && next == trial.at && first != next);
    CHECK(position_now() == trial.released);
    int status = status_of(trial.flush_fails, trial.flush_agains);
    maybe_alert();
    if (status == MR_OK)
        model_flushed();
    else if (status < 0)
        model_stop(status);
    else if (!model_rewind(trial.at))
        model_stop(MR_E_LIMIT);
    return status;
}

static enum mr_failure_action failed(void *context, const struct mr_delivery *delivery, int status)
{
    CHECK(context == &trial);
    CHECK(trial.state == DECIDING && status == trial.failure);
    CHECK(delivery->position == trial.at && position_now() == trial.at);
    CHECK(delivery->batch_left == trial.next - 1 - trial.at);
    CHECK(delivery->slot == mr_ring_slot(&trial.ring, trial.at));
    CHECK(delivery->attempt == trial.attempt);
    enum mr_failure_action action = below(4) == 0 ? MR_FAILURE_STOP : MR_FAILURE_SKIP;
    model_decide(action);
    return action;
}

/* -- What happens between turns. --------------------------------------------------------------- */

static void publish_some(void)
{
    uint32_t count = 1 + (uint32_t)below(mr_ring_capacity(&trial.ring));
    uint64_t first = 0;
    if (mr_ring_try_claim(&trial.ring, count, &first) != MR_OK)
        return;
    CHECK(first + count - trial.base <= POSITIONS);
    for (uint64_t p = first; p != first + count; p++)
        *(uint64_t *)mr_ring_slot(&trial.ring, p) = p;
    mr_ring_publish(&trial.ring, first, count);
}

static void letter_take(void)
{
    uint64_t at = mr_consumer_position(&trial.letter_consumer);
    if (mr_consumer_available(&trial.letter_consumer) == at)
        return;
    const struct mr_dead_letter *letter = mr_ring_slot(&trial.letters, at);
    CHECK(letter->source == &trial.ring);
    CHECK(letter->status < 0 && letter->calls >= 1);
    CHECK(*(const uint64_t *)mr_dead_letter_content(letter) == letter->position);
    CHECK(mr_position_ahead(position_now(), letter->position) > 0);
    struct entry *entry = entry_of(letter->position);
    CHECK(!entry->ok);
    entry->letters++;
    mr_consumer_release(&trial.letter_consumer, at + 1);
}

static void processor_open(void)
{
    struct mr_error error;
    if (mr_processor_init(&trial.processor, &trial.options, &error) != MR_OK)
        fail_msg("%s", error.text);
    trial.state = BETWEEN;
    trial.rewinds = 0;
    for (int i = 0; i < POSITIONS; i++)
        trial.ledger[i].calls = 0;
}

static void alert_clear(void)
{
    trial.ended = false;
    mr_consumer_alert_clear(trial.mine);
}

/* One turn, and whether it left things as the model has them. */
static void turn(void)
{
    if (trial.processor.resume_ns != 0 && (trial.calm || below(2) == 0))
        trial.processor.resume_ns = 1; /* the pause is over: no trial depends on the clock */
    bool waiting = trial.processor.resume_ns > 1;
    bool batch_due = trial.state == BETWEEN && !trial.ended && !waiting &&
                     mr_ring_cursor(&trial.ring) != position_now();
    uint64_t calls = trial.calls;
    trial.work = 0;
    if (trial.state == HOLDING && trial.ended)
        trial.state = BETWEEN;
    else if (trial.state == HOLDING)
        model_hold();
    int work = mr_processor_work(&trial.processor);
    CHECK(trial.state == BETWEEN || trial.state == HOLDING || trial.state == STOPPED);
    CHECK(work == (trial.state == STOPPED ? trial.failure : trial.work));
    CHECK(position_now() == trial.released);
    CHECK(!batch_due || work != 0 || trial.ended);
    CHECK(!waiting || trial.calls == calls);
    trial.pauses += waiting;
}

/* -- A trial. ---------------------------------------------------------------------------------- */

static uint32_t rate(void)
{
    static const uint32_t rates[] = {0, 5, 50, 200, 500};
    return rates[below(5)];
}

static void rings_open(void)
{
    uint64_t bases[] = {0, 1000, UINT64_MAX - below(200), (UINT64_C(1) << 36) - below(200)};
    struct mr_ring_options options = {.capacity = UINT64_C(1) << below(7),
                                      .slot_size = 8 + 8 * (uint32_t)below(4),
                                      .producers = (enum mr_producers)below(2),
                                      .layout = (enum mr_ring_layout)below(2),
                                      .first_position = bases[below(4)],
                                      .memory = trial.memory};
    const struct mr_consumer_options consumer = {.batch_max = 1 + (uint32_t)below(20)};
    trial.base = trial.released = options.first_position;
    trial.batch_max = consumer.batch_max;
    assert_true(mr_ring_memory_size(&options) <= sizeof trial.memory);
    assert_int_equal(mr_ring_init(&trial.ring, &options, NULL), MR_OK);
    if (below(2) == 0) {
        assert_int_equal(mr_pool_init(&trial.pool, &trial.ring, &trial.worker, 1, &consumer, NULL),
                         MR_OK);
        trial.options.worker = &trial.worker;
        trial.mine = &trial.worker.consumer;
    } else {
        assert_int_equal(mr_ring_consumer_add(&trial.ring, &trial.consumer, &consumer, NULL),
                         MR_OK);
        trial.options.consumer = &trial.consumer;
        trial.mine = &trial.consumer;
    }

    options.capacity = UINT64_C(1) << below(3);
    options.slot_size = (uint32_t)mr_dead_letter_size(&trial.ring);
    options.producers = (enum mr_producers)below(2);
    options.layout = (enum mr_ring_layout)below(2);
    options.memory = trial.letter_memory;
    assert_true(mr_ring_memory_size(&options) <= sizeof trial.letter_memory);
    assert_int_equal(mr_ring_init(&trial.letters, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_consumer_add(&trial.letters, &trial.letter_consumer, NULL, NULL),
                     MR_OK);
}

static void trial_open(uint64_t seed)
{
    trial.seed = seed;
    mr_random_init(&trial.random, seed);
    memset(&trial.options, 0, sizeof trial.options);
    memset(trial.ledger, 0, sizeof trial.ledger);
    trial.fails = rate();
    trial.agains = rate();
    trial.alerts = rate() / 4;
    trial.flush_fails = rate() / 8;
    trial.flush_agains = rate();
    trial.at = trial.next = 0;
    trial.calm = false;
    rings_open();
    alert_clear();
    trial.options.handler =
        (struct mr_handler){.handle = handle, .batch = batch, .context = &trial};
    if (below(2) == 0)
        trial.options.handler.flush = flush;
    if (below(3) == 0)
        trial.options.handler.failed = failed;
    trial.options.failure.retries = (uint32_t)below(4);
    trial.options.failure.dead_letters = &trial.letters;
    trial.options.failure.action = (enum mr_failure_action)below(2);
    trial.options.rewind.rewinds_max = (uint32_t)below(4);
    trial.options.rewind.pause_ns = below(4) == 0 ? UINT64_MAX : 0;
    processor_open();
}

static void between_turns(void)
{
    if (below(4) == 0)
        publish_some();
    if (below(4) == 0)
        letter_take();
    if (trial.ended && below(3) == 0)
        alert_clear();
    if (trial.state == STOPPED ? below(3) == 0 : below(40) == 0)
        processor_open();
}

/* Everything goes well from here on, so all is handled in the end. */
static void finish(void)
{
    trial.fails = trial.agains = trial.alerts = trial.flush_fails = trial.flush_agains = 0;
    trial.calm = true;
    alert_clear();
    if (trial.state == STOPPED)
        processor_open();
    for (int turns = 0; turns < 4 * TURNS && trial.state != STOPPED; turns++) {
        letter_take();
        turn();
    }
    while (letters_now() > 0)
        letter_take();
    CHECK(position_now() == mr_ring_cursor(&trial.ring));
    for (uint64_t p = trial.base; p - trial.base < POSITIONS; p++) {
        bool passed = mr_position_ahead(position_now(), p) > 0;
        CHECK(entry_of(p)->ok + entry_of(p)->letters == (passed ? 1 : 0));
    }
}

static void every_position_is_handled_once_or_is_one_dead_letter_or_is_where_it_stopped(
    void **state)
{
    (void)state;
    const char *text = getenv("MR_SEED");
    uint64_t base = text == NULL ? SEED_DEFAULT : strtoull(text, NULL, 10);
    printf("MR_SEED=%" PRIu64 "\n", base);
    for (uint64_t i = 0; i < (text == NULL ? TRIALS : 1); i++) {
        trial_open(base + i);
        for (int t = 0; t < TURNS; t++) {
            if (mr_ring_cursor(&trial.ring) - trial.base < POSITIONS - CAPACITY_MAX)
                between_turns();
            turn();
        }
        finish();
    }
    /* It was no walk in the park. */
    if (text == NULL)
        assert_true(trial.calls > 100000 && trial.stops > 1000 && trial.skips > 1000 &&
                    trial.holds > 1000 && trial.cuts > 1000 && trial.pauses > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            every_position_is_handled_once_or_is_one_dead_letter_or_is_where_it_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
