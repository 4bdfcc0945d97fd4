/*
 * The simulator: the engine's own code, stepped by hand in random order over a simulated disk and
 * clock, crashed at random, recovered, and crashed again. After every crash:
 *
 *   - every answer that was given is in the journal, with the same sequence;
 *   - nothing is in the journal that was not submitted; a batch is there whole or not at all;
 *   - the recovered image is what a naive model makes of the journal's commands;
 *   - the recorded event digests agree (the engine checks that itself, and refuses otherwise).
 *
 * Everything follows from one seed: MR_SEED=n runs that seed alone; MR_SIM_SEEDS=n says how many.
 */
#include "base/limits.h"
#include "base/random.h"
#include "tests/engine/model.h"
#include "tests/support/sim_storage.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdio.h>

enum {
    SEEDS = 400,
    LIVES = 8,
    STEPS_MAX = 600,
    REQUESTS_MAX = 1 << 14,
    BATCH_MAX = 12,
    SESSION = 7,
};

struct simulation {
    struct mr_random random;
    uint64_t seed;
    struct mr_sim *sim;
    uint64_t now_ns;
    struct mr_clock clock;
    struct mr_engine_options options;
    struct mr_engine *engine;

    /* How eager everybody is in this run: whoever polls at once hears of what is barely durable,
     * whoever polls rarely lets the rings fill up. */
    uint32_t weight_submit, weight_poll, weight_time, weight_stage[MR_ENGINE_STAGES];

    uint64_t first_of_life;             /* the first request of this life */
    uint64_t last_event;                /* of this life; event numbers are dense */
    uint64_t submitted;                 /* the highest request so far */
    uint64_t answered[REQUESTS_MAX];    /* by request: the sequence that its answer named */
    uint64_t batch_first[REQUESTS_MAX]; /* by request: the first request of its batch */
    uint64_t batch_last[REQUESTS_MAX];
    uint64_t crashes, answers;
};

static uint64_t now(void *context)
{
    return ((struct simulation *)context)->now_ns;
}

/* Command number `request` is always the same, whichever life sends it. */
static struct till_command command_of(const struct simulation *simulation, uint64_t request)
{
    struct mr_random random;
    mr_random_init(&random, simulation->seed * 1000003 + request);
    struct till_command command =
        till_move(SESSION, request, (uint32_t)mr_random_below(&random, TILL_ACCOUNTS),
                  (int64_t)mr_random_below(&random, 100) - 40);
    if (mr_random_chance(&random, 1, 10)) {
        command.body.burst = (uint32_t)mr_random_below(&random, 20);
    } else if (mr_random_chance(&random, 1, 10) && command.body.amount > 0) {
        command.body.delay_ns = 1 + mr_random_below(&random, 5000);
    }
    return command;
}

static void on_event(void *context, const struct mr_event *event)
{
    struct simulation *simulation = context;
    assert_int_equal(event->number, simulation->last_event + 1);
    simulation->last_event = event->number;
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct simulation *simulation = context;
    if (answer->session != SESSION) {
        return;
    }
    simulation->answers++;
    uint64_t *known = &simulation->answered[answer->request];
    /* A duplicate repeats the first answer, in whichever life that was given. */
    assert_true(*known == 0 || *known == answer->sequence);
    *known = answer->sequence;
}

static void submit(struct simulation *simulation)
{
    struct till_command commands[BATCH_MAX];
    const struct mr_command *pointers[BATCH_MAX];
    struct mr_random *random = &simulation->random;
    if (simulation->submitted > 0 && mr_random_chance(random, 1, 12)) {
        /* Somebody who heard nothing sends again. */
        uint64_t back = mr_random_below(random, 20);
        uint64_t request = simulation->submitted > back ? simulation->submitted - back : 1;
        commands[0] = command_of(simulation, request);
        (void)mr_engine_submit(simulation->engine, &commands[0].header, NULL);
        return;
    }
    uint32_t count =
        mr_random_chance(random, 1, 3) ? 1 + (uint32_t)mr_random_below(random, BATCH_MAX) : 1;
    if (simulation->submitted + count >= REQUESTS_MAX) {
        return;
    }
    uint64_t first = simulation->submitted + 1;
    for (uint32_t i = 0; i < count; i++) {
        commands[i] = command_of(simulation, first + i);
        pointers[i] = &commands[i].header;
    }
    if (mr_engine_submit_batch(simulation->engine, pointers, count, NULL) != MR_OK) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        simulation->batch_first[first + i] = first;
        simulation->batch_last[first + i] = first + count - 1;
    }
    simulation->submitted += count;
}

static struct mr_engine_handlers handlers_of(struct simulation *simulation)
{
    return (struct mr_engine_handlers){
        .event = on_event, .answer = on_answer, .context = simulation};
}

/* One of several things to do, each as likely as its weight says. */
static uint32_t draw(struct mr_random *random, const uint32_t *weights, uint32_t count)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += weights[i];
    }
    uint32_t at = (uint32_t)mr_random_below(random, total);
    uint32_t choice = 0;
    while (at >= weights[choice]) {
        at -= weights[choice++];
    }
    return choice;
}

static void move_clock(struct simulation *simulation)
{
    /* Clocks are set back now and then; commands' times are not. */
    if (mr_random_chance(&simulation->random, 1, 10)) {
        simulation->now_ns -= mr_random_below(&simulation->random, 500);
    } else {
        simulation->now_ns += mr_random_below(&simulation->random, 700);
    }
}

static void random_step(struct simulation *simulation)
{
    const struct mr_engine_handlers handlers = handlers_of(simulation);
    const uint32_t weights[] = {simulation->weight_submit,   simulation->weight_poll,
                                simulation->weight_time,     simulation->weight_stage[0],
                                simulation->weight_stage[1], simulation->weight_stage[2]};
    uint32_t choice = draw(&simulation->random, weights, 6);
    switch (choice) {
    case 0:
        submit(simulation);
        break;
    case 1:
        (void)mr_engine_poll(simulation->engine, &handlers,
                             (uint32_t)mr_random_below(&simulation->random, 100));
        break;
    case 2:
        move_clock(simulation);
        break;
    default:
        (void)mr_engine_step(simulation->engine, choice - 3);
        break;
    }
}

/* Power is lost between two instructions of ours; some of what was on its way to the disk arrives.
 */
static void crash(struct simulation *simulation)
{
    mr_sim_inject(
        simulation->sim,
        &(struct mr_sim_fault){.call = MR_SIM_ANY_CALL, .nth = 1, .span = MR_SIM_POWER_CUT});
    mr_engine_close(simulation->engine);
    simulation->engine = NULL;
    if (mr_random_chance(&simulation->random, 1, 4)) {
        mr_sim_kill(simulation->sim);
    } else {
        mr_sim_crash(simulation->sim, &simulation->random);
    }
    simulation->crashes++;
}

struct visit {
    struct simulation *simulation;
    uint64_t found; /* the highest request that was found */
    uint64_t time_ns;
    uint64_t sequence_of[REQUESTS_MAX];
};

static bool visit_command(void *context, const struct mr_command *command)
{
    struct visit *visit = context;
    if (command->time_ns < visit->time_ns) {
        return false;
    }
    visit->time_ns = command->time_ns;
    if (command->type != TILL_MOVE || command->request <= visit->found) {
        return true;
    }
    struct till_command expected = command_of(visit->simulation, command->request);
    bool same = command->length == sizeof expected && command->request == visit->found + 1 &&
                memcmp(mr_command_body(command), &expected.body, sizeof expected.body) == 0;
    visit->found = command->request;
    visit->sequence_of[command->request] = command->sequence;
    return same;
}

static void check_recovered(struct simulation *simulation)
{
    static struct visit visit;
    memset(&visit, 0, sizeof visit);
    visit.simulation = simulation;
    struct model model;
    struct mr_error error = {0};
    const struct mr_recovery *found = &mr_engine_recovery(simulation->engine)->journal;
    if (found->last_index > 0 &&
        model_replay(&model, simulation->options.storage, found->last_index, visit_command, &visit,
                     &error) != MR_OK) {
        fail_msg("seed %llu: the journal holds what was not submitted, or cannot be read: %s",
                 (unsigned long long)simulation->seed, error.text);
    }
    for (uint64_t request = 1; request <= simulation->submitted; request++) {
        uint64_t answered = simulation->answered[request];
        if (answered != 0 && visit.sequence_of[request] != answered) {
            fail_msg("seed %llu: request %llu was answered as sequence %llu and is lost",
                     (unsigned long long)simulation->seed, (unsigned long long)request,
                     (unsigned long long)answered);
        }
    }
    assert_true(visit.found == 0 || simulation->batch_last[visit.found] == visit.found);
    const struct mr_image *image = mr_engine_image(simulation->engine);
    if (found->last_index > 0) {
        const struct till *till = mr_image_state(image);
        assert_memory_equal(till->balance, model.balance, sizeof model.balance);
        assert_int_equal(mr_image_status(image).sequence, model.sequence);
        assert_true(mr_image_check(image, &till_logic));
    }
    /* What never reached the disk was never accepted for good: it is sent anew. */
    simulation->submitted = visit.found;
    simulation->first_of_life = visit.found + 1;
    simulation->last_event = mr_image_status(image).events;
}

static void open_engine(struct simulation *simulation)
{
    struct mr_error error = {0};
    if (mr_engine_open(&simulation->options, &simulation->engine, &error) != MR_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)simulation->seed, error.text);
    }
    check_recovered(simulation);
    if (mr_engine_begin(simulation->engine, &error) != MR_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)simulation->seed, error.text);
    }
}

static void drain(struct simulation *simulation)
{
    const struct mr_engine_handlers handlers = handlers_of(simulation);
    for (uint32_t i = 0; i < 100000 && !mr_engine_drained(simulation->engine); i++) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            assert_true(mr_engine_step(simulation->engine, stage) >= 0);
        }
        (void)mr_engine_poll(simulation->engine, &handlers, UINT32_MAX);
    }
    assert_true(mr_engine_drained(simulation->engine));
    for (uint64_t i = simulation->first_of_life; i <= simulation->submitted; i++) {
        assert_true(simulation->answered[i] != 0);
    }
}

/* A replay without engine agrees with the engine that wrote the journal. */
static void check_replay(struct simulation *simulation, struct mr_digest state,
                         struct mr_digest events)
{
    const struct mr_logic *const logics[] = {&till_logic, NULL};
    const struct mr_replay_options options = {.storage = simulation->options.storage,
                                              .logics = logics};
    struct mr_replay *replay = NULL;
    struct mr_error error = {0};
    if (mr_replay_open(&options, &replay, NULL, &error) != MR_OK) {
        fail_msg("seed %llu: %s", (unsigned long long)simulation->seed, error.text);
    }
    assert_true(mr_digest_equal(state, mr_replay_state_digest(replay)));
    assert_true(mr_digest_equal(events, mr_replay_event_digest(replay)));
    mr_replay_close(replay);
}

static void choose_weights(struct simulation *simulation)
{
    struct mr_random *random = &simulation->random;
    simulation->weight_submit = 1 + (uint32_t)mr_random_below(random, 10);
    simulation->weight_poll = 1 + (uint32_t)mr_random_below(random, 10);
    simulation->weight_time = 1 + (uint32_t)mr_random_below(random, 3);
    for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
        simulation->weight_stage[i] = 1 + (uint32_t)mr_random_below(random, 10);
    }
}

static void simulate(uint64_t seed, uint64_t *crashes, uint64_t *answers)
{
    struct simulation *simulation = calloc(1, sizeof *simulation);
    simulation->seed = seed;
    mr_random_init(&simulation->random, seed);
    struct mr_random *random = &simulation->random;
    simulation->sim = mr_sim_create(
        &(struct mr_sim_options){.seed = seed, .delay_max = (uint32_t)mr_random_below(random, 6)});
    simulation->now_ns = 1000000;
    simulation->clock = (struct mr_clock){.now = now, .context = simulation};
    simulation->options = (struct mr_engine_options){
        .storage = mr_sim_storage(simulation->sim),
        .clock = &simulation->clock,
        .create = true,
        .logic = &till_logic,
        .clock_kind = MR_CLOCK_SIMULATED,
        .answers_max = 64,
        .input_slots = 32,
        .output_slots = 4U << mr_random_below(random, 8),
        .frames_in_flight = 1 + (uint32_t)mr_random_below(random, MR_FRAMES_IN_FLIGHT_MAX),
        .tick_ns = 2000,
        .segment_bytes = MR_SEGMENT_BYTES_MIN,
        .journal_id = {(uint8_t)seed, 1}};
    for (uint32_t life = 0; life < LIVES; life++) {
        choose_weights(simulation);
        open_engine(simulation);
        struct mr_error error;
        if (mr_engine_session(simulation->engine, SESSION, MR_ROLE_USER, NULL, &error) != MR_OK) {
            fail_msg("seed %llu: %s", (unsigned long long)seed, error.text);
        }
        simulation->last_event = mr_image_status(mr_engine_image(simulation->engine)).events;
        uint64_t steps = mr_random_below(random, STEPS_MAX);
        for (uint64_t i = 0; i < steps; i++) {
            random_step(simulation);
        }
        crash(simulation);
    }
    open_engine(simulation);
    drain(simulation);
    struct mr_error error = {0};
    assert_int_equal(mr_engine_stop(simulation->engine, &error), MR_OK);
    struct mr_digest state = mr_engine_state_digest(simulation->engine);
    struct mr_digest events = mr_engine_event_digest(simulation->engine);
    mr_engine_close(simulation->engine);
    check_replay(simulation, state, events);
    mr_sim_destroy(simulation->sim);
    *crashes += simulation->crashes;
    *answers += simulation->answers;
    free(simulation);
}

static void no_crash_loses_what_was_answered_or_invents_what_was_not_sent(void **state)
{
    (void)state;
    const char *seed = getenv("MR_SEED");
    const char *seeds = getenv("MR_SIM_SEEDS");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    uint64_t count = seed != NULL ? 1 : seeds != NULL ? strtoull(seeds, NULL, 10) : SEEDS;
    printf("simulator: seeds %llu to %llu\n", (unsigned long long)first,
           (unsigned long long)(first + count - 1));
    fflush(stdout);
    uint64_t crashes = 0, answers = 0;
    for (uint64_t i = 0; i < count; i++) {
        simulate(first + i, &crashes, &answers);
    }
    printf("simulator: %llu crashes, %llu answers\n", (unsigned long long)crashes,
           (unsigned long long)answers);
    assert_true(answers > count); /* it did something */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_crash_loses_what_was_answered_or_invents_what_was_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
