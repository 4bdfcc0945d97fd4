/*
 * A world from its beginning to its end: what it is like, its lives, its steps.
 */
#include "tests/simulator/world.h"

#include "base/limits.h"

#include <unistd.h>

enum {
    LIVES_MAX = 7,
    LIVES_COUNTING = 2, /* of which each is replayed by all that follow */
    STEPS_MAX = 700,
    ROUNDS_MAX = 100000,
    QUIET_ROUNDS = 8,
    QUIET_STEPS = 60,
    LONG_NS = 10000000, /* beyond all that is set */
    SECONDS_MAX = 20,   /* of a world that takes milliseconds: it hangs */
};

_Noreturn void world_fail(const struct world *world, const char *format, ...)
{
    char text[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "simulator: seed %llu, life %u, step %llu: %s\n",
            (unsigned long long)world->wish.seed, world->life, (unsigned long long)world->step,
            text);
    TRACE(world, "FAILED: %s", text);
    fflush(NULL);
    _exit(1);
}

void world_trace(const struct world *world, const char *format, ...)
{
    va_list arguments;
    fprintf(world->wish.trace, "%llu/%u/%llu ", (unsigned long long)world->wish.seed, world->life,
            (unsigned long long)world->step);
    va_start(arguments, format);
    vfprintf(world->wish.trace, format, arguments);
    va_end(arguments);
    fputc('\n', world->wish.trace);
}

static uint64_t now(void *context)
{
    return ((struct world *)context)->now_ns;
}

/* -- What the world is like. ------------------------------------------------------------------- */

static const struct mr_logic *const tills[] = {&sim_till1, &sim_till2, &sim_till3, &sim_till4};
enum { TILLS = 4 };

static void choose_logic(struct world *world, struct mr_engine_options *options)
{
    options->logic = world->wish.counts ? &sim_counter : tills[draw(world, TILLS)];
    oracle_init(&world->oracle, world->wish.counts, options->logic->version);
    world->oracle.out = &world->expected;
}

/* The next process may be a newer program, which carries another version, and the old ones. */
static void choose_program(struct world *world)
{
    uint32_t version = world->options.logic->version;
    if (!world->wish.counts && version < TILLS && chance(world, 1, 2)) {
        world->options.logic = tills[version + draw(world, TILLS - version)];
        TRACE(world, "the program carries version %u", world->options.logic->version);
    }
}

/* Limits are small, so that they are met. */
static void choose_limits(struct world *world, struct mr_engine_options *options)
{
    static const uint64_t idle[] = {0, 10000, 30000, 200000};
    static const uint64_t ticks[] = {0, 500, 2000, 20000};
    options->sessions_max = 4 + (uint32_t)draw(world, 4);
    options->answers_max = 4U << draw(world, 5);
    options->timers_max = chance(world, 1, 4) ? 4 : 64;
    world->timely = chance(world, 1, 6);
    if (world->timely) {
        options->timers_max = 512;
    }
    options->session_idle_ns = idle[draw(world, 4)];
    options->tick_ns = ticks[draw(world, 4)];
    world->bulky = chance(world, 1, 12);
    options->input_slots = world->bulky ? 2048 : 32U << draw(world, 3);
    options->output_slots = 4U << draw(world, 8);
    options->frames_in_flight = 1 + (uint32_t)draw(world, MR_FRAMES_IN_FLIGHT_MAX);
}

static void choose_for_speed(struct mr_engine_options *options)
{
    options->answers_max = 1024;
    options->input_slots = 32768;
    options->output_slots = 32768;
    options->tick_ns = 0;
}

static void choose(struct world *world)
{
    bool counts = world->wish.counts;
    uint64_t room = !counts && chance(world, 1, 8) ? 3 + draw(world, 3) : 0;
    world->sim = mr_sim_create(&(struct mr_sim_options){
        .seed = world->wish.seed,
        .delay_max = (uint32_t)draw(world, 6),
        .capacity = room * MR_SEGMENT_BYTES_MIN + (room > 0 ? 65536 : 0),
    });
    world->disk_trouble = room > 0;
    world->now_ns = 1000000;
    world->now_max_ns = world->now_ns;
    world->clock = (struct mr_clock){.now = now, .context = world};
    world->options = (struct mr_engine_options){
        .storage = mr_sim_storage(world->sim),
        .clock = &world->clock,
        .create = true,
        /* Under os durability no power is cut: that may take what was acknowledged. */
        .durability = !counts && chance(world, 1, 10) ? MR_DURABILITY_OS : MR_DURABILITY_DISK,
        .clock_kind = !counts && chance(world, 1, 10) ? MR_CLOCK_INPUT : MR_CLOCK_SIMULATED,
        .segment_bytes = counts ? 16 * MR_SEGMENT_BYTES_MIN : MR_SEGMENT_BYTES_MIN,
        .journal_id = {(uint8_t)world->wish.seed, 1}};
    choose_logic(world, &world->options);
    if (counts) {
        choose_for_speed(&world->options);
    } else {
        choose_limits(world, &world->options);
    }
    world->keeps_all = !counts && chance(world, 1, 4);
    clients_init(world);
}

/* -- Steps. ------------------------------------------------------------------------------------ */

static void stamp(struct world *world, uint64_t commands)
{
    if (world->stamp_count == world->stamp_room) {
        world->stamp_room = world->stamp_room * 2 + 64;
        world->stamps = realloc(world->stamps, world->stamp_room * sizeof(struct stamp));
        ASSERT(world->stamps != NULL);
    }
    world->stamps[world->stamp_count++] =
        (struct stamp){.commands = commands, .now_ns = world->now_ns};
}

static void step_stage(struct world *world, uint32_t stage)
{
    int64_t did = mr_engine_step(world->engine, stage);
    TRACE(world, "stage %u did %lld", stage, (long long)did);
    if (did > 0 && stage == 0) {
        stamp(world, (uint64_t)did);
    }
    process_look(world);
    CHECK(world, did >= 0 || world->failed, "stage %u says that it failed", stage);
    watch_marks(world);
}

/* Commands one after another, as whoever embeds an engine without a loop of its own: the engine
 * steps itself until the answer is there. */
static void execute(struct world *world)
{
    world_drain(world);
    if (world->failed) {
        return;
    }
    uint64_t before = mr_engine_applied_sequence(world->engine);
    uint64_t stamps = world->stamp_count;
    clients_execute(world);
    world_drain(world);
    /* The clock has not moved; and nothing is sequenced any more after a failure. */
    world->stamp_count = stamps;
    stamp(world, world->failed ? UINT64_MAX : mr_engine_applied_sequence(world->engine) - before);
}

static void move_clock(struct world *world)
{
    /* Clocks are set back now and then; commands' times are not. */
    if (chance(world, 1, 10)) {
        uint64_t back = draw(world, 500);
        world->now_ns -= back < world->now_ns ? back : 0;
    } else if (chance(world, 1, world->timely ? 200 : 40)) {
        world->now_ns += draw(world, 40000);
    } else {
        world->now_ns += draw(world, 700);
    }
    if (world->now_ns > world->now_max_ns) {
        world->now_max_ns = world->now_ns;
    }
    TRACE(world, "clock %llu", (unsigned long long)world->now_ns);
}

static enum pace choose_step(struct world *world)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < PACES; i++) {
        total += world->paces[i];
    }
    uint32_t at = (uint32_t)draw(world, total);
    uint32_t choice = 0;
    while (at >= world->paces[choice]) {
        at -= world->paces[choice++];
    }
    return (enum pace)choice;
}

static void step(struct world *world)
{
    *world->wish.step_seen = ++world->step;
    world->life_steps++;
    CHECK(world, world->step != world->wish.fail_at, "as was asked for");
    switch (choose_step(world)) {
    case PACE_SUBMIT:
        clients_submit(world);
        break;
    case PACE_POLL:
        if (world->step >= world->stalled_until) {
            (void)watch_poll(world, world->wish.counts ? UINT32_MAX : (uint32_t)draw(world, 100));
        }
        break;
    case PACE_TIME:
        move_clock(world);
        break;
    case PACE_SEQUENCE:
        step_stage(world, 0);
        break;
    case PACE_JOURNAL:
        step_stage(world, 1);
        break;
    case PACE_APPLY:
        step_stage(world, 2);
        break;
    case PACE_ASK:
        /* A subscriber that does not read meanwhile would hold it up for ever. */
        if (chance(world, 1, 30) && !world->failed && !watch_has_followers(world)) {
            execute(world);
        } else {
            watch_ask(world);
        }
        break;
    case PACE_FOLLOW:
        watch_follow(world);
        break;
    case PACES: /* no choice */
        break;
    case PACE_FAULT:
        if (!world->disk_trouble) {
            process_inject(world);
        }
        break;
    default:
        ASSERT(false);
    }
}

static void choose_paces(struct world *world)
{
    bool counts = world->wish.counts;
    for (uint32_t i = 0; i < PACES; i++) {
        world->paces[i] = counts ? 4 : 1 + (uint32_t)draw(world, 10);
    }
    world->paces[PACE_TIME] = counts ? 1 : 1 + (uint32_t)draw(world, 4);
    world->paces[PACE_ASK] = counts ? 0 : (uint32_t)draw(world, 4);
    world->paces[PACE_FOLLOW] = counts ? 0 : (uint32_t)draw(world, 4);
    world->paces[PACE_FAULT] = !counts && chance(world, 1, 4) ? 1 : 0;
    world->stalled_until =
        !counts && chance(world, 1, 6) ? world->step + draw(world, STEPS_MAX) : 0;
}

/* -- Lives. ------------------------------------------------------------------------------------ */

static bool world_ends(struct world *world)
{
    world->cut_short |= world->wish.step_max > 0 && world->step >= world->wish.step_max;
    return world->cut_short;
}

static void begin_life(struct world *world, bool trouble)
{
    choose_paces(world);
    watch_choose(world);
    if (world->oracle.sequence > 0) {
        choose_program(world);
    }
    process_open(world, trouble);
    clients_begin_life(world);
    watch_begin_life(world);
}

static void end_life(struct world *world)
{
    switch (draw(world, 6)) {
    case 0: /* an orderly end, and power fails right behind it */
        process_stop(world);
        process_close(world);
        break;
    case 1: /* it ends as it is: what is in flight completes */
        process_close(world);
        break;
    default: /* power fails; some of what was on its way to the disk arrives */
        if (world->options.durability == MR_DURABILITY_DISK && !mr_sim_power_is_cut(world->sim)) {
            mr_sim_clear_faults(world->sim);
            mr_sim_cut_power(world->sim);
        }
        process_close(world);
        break;
    }
    process_lose(world);
}

static void live(struct world *world)
{
    bool small_disk = world->disk_trouble;
    begin_life(world, !world->wish.counts);
    world->tally.lives++;
    uint64_t steps = draw(world, STEPS_MAX);
    uint64_t commands = world->wish.commands;
    for (uint64_t i = 0; !world_ends(world); i++) {
        if (world->wish.counts ? world->life_commands >= commands : i >= steps) {
            break;
        }
        step(world);
    }
    end_life(world);
    world->disk_trouble = small_disk;
}

/* -- The end. ---------------------------------------------------------------------------------- */

static void step_all(struct world *world)
{
    for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
        step_stage(world, stage);
    }
    (void)watch_poll(world, UINT32_MAX);
    watch_follow_all(world);
}

void world_drain(struct world *world)
{
    bool quiet = world->quiet;
    world->quiet = true;
    for (uint32_t i = 0; i < ROUNDS_MAX && !world->failed; i++) {
        if (mr_engine_drained(world->engine)) {
            break;
        }
        step_all(world);
    }
    CHECK(world, world->failed || mr_engine_drained(world->engine),
          "what was accepted does not come out, however long one waits");
    uint64_t last = world->sent.first_ticket + world->sent.count;
    CHECK(world,
          world->failed || world->sent.count == 0 ||
              mr_engine_stage(world->engine, last - 1) == MR_STAGE_APPLIED,
          "drained, but ticket %llu is not applied", (unsigned long long)last - 1);
    world->quiet = quiet;
}

/* An engine to which nobody says anything lets timers fire on its own, and sessions expire. */
static void let_time_pass(struct world *world)
{
    if (world->options.clock_kind == MR_CLOCK_INPUT) {
        return; /* its time stands still when nothing comes in */
    }
    for (uint32_t round = 0; round < QUIET_ROUNDS; round++) {
        uint64_t next_ns = mr_engine_next_timer(world->engine);
        if (next_ns == UINT64_MAX) {
            return;
        }
        next_ns += round + 1 < QUIET_ROUNDS ? 0 : LONG_NS;
        world->now_ns = next_ns > world->now_ns ? next_ns : world->now_ns;
        TRACE(world, "quiet until %llu", (unsigned long long)world->now_ns);
        for (uint32_t i = 0; i < QUIET_STEPS; i++) {
            step_all(world);
        }
        world_drain(world);
        next_ns = mr_engine_next_timer(world->engine);
        CHECK(world, next_ns > world->now_ns,
              "it is %llu; what was due at %llu does not happen, however long one waits",
              (unsigned long long)world->now_ns, (unsigned long long)next_ns);
    }
}

/* A replay without an engine agrees with the engine that wrote the journal. */
static void check_replay(struct world *world, struct mr_digest state, struct mr_digest events)
{
    const struct mr_logic *const logics[] = {world->options.logic, NULL};
    struct records seen = {0};
    struct mr_replay_options options = {.storage = world->options.storage, .logics = logics};
    if (world->keeps_all) {
        options.handlers = watch_into(&seen);
    }
    struct mr_replay *replay = NULL;
    struct mr_error error = {0};
    int status = mr_replay_open(&options, &replay, NULL, &error);
    CHECK(world, status == MR_OK, "cannot replay: %s", error.text);
    settle_image(world, mr_replay_image(replay), mr_replay_logic(replay));
    CHECK(world, mr_digest_equal(state, mr_replay_state_digest(replay)),
          "a replay gives another state");
    CHECK(world, mr_digest_equal(events, mr_replay_event_digest(replay)),
          "a replay gives other events");
    CHECK(world,
          !world->keeps_all ||
              (seen.used == world->all.used && records_begin(&world->all, 0, &seen)),
          "a replay tells something else than the lives did");
    records_free(&seen);
    mr_replay_close(replay);
}

/* One that ends earlier tells the same, as far as it goes. */
static void check_replay_to(struct world *world, uint64_t to)
{
    const struct mr_logic *const logics[] = {world->options.logic, NULL};
    struct records seen = {0};
    const struct mr_replay_options options = {.storage = world->options.storage,
                                              .logics = logics,
                                              .to = to,
                                              .handlers = watch_into(&seen)};
    struct mr_replay *replay = NULL;
    struct mr_error error = {0};
    int status = mr_replay_open(&options, &replay, NULL, &error);
    CHECK(world, status == MR_OK, "cannot replay to %llu: %s", (unsigned long long)to, error.text);
    CHECK(world, mr_image_status_get(mr_replay_image(replay)).sequence == to,
          "a replay to %llu ends at %llu", (unsigned long long)to,
          (unsigned long long)mr_image_status_get(mr_replay_image(replay)).sequence);
    CHECK(world, records_begin(&world->all, 0, &seen),
          "a replay to %llu tells something else than the lives did", (unsigned long long)to);
    records_free(&seen);
    mr_replay_close(replay);
}

/* A program that is older than the journal says so, and touches nothing. */
static void check_older_program(struct world *world)
{
    struct mr_engine_options options = world->options;
    if (world->wish.counts || world->oracle.next_version == 1) {
        return;
    }
    options.logic = tills[world->oracle.next_version - 2];
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    int status = mr_engine_open(&options, &engine, &error);
    CHECK(world, status == MR_E_VERSION, "version %u opens a journal of version %u: %d",
          options.logic->version, world->oracle.next_version, status);
}

/* All that was accepted comes out; then the engine stops, and a replay agrees with it. */
static void end_world(struct world *world)
{
    world->life++;
    mr_sim_set_capacity(world->sim, 0);
    world->disk_trouble = false;
    mr_sim_clear_faults(world->sim);
    begin_life(world, false);
    world->stalled_until = 0;
    world->quiet = true;
    world_drain(world);
    let_time_pass(world);
    process_stop(world);
    struct mr_digest state = mr_engine_state_digest(world->engine);
    struct mr_digest events = mr_engine_event_digest(world->engine);
    process_trace(world);
    uint64_t last = mr_engine_applied_sequence(world->engine);
    process_close(world);
    mr_sim_crash(world->sim, &world->random); /* all was synced, also under os durability */
    struct mr_recovery plan;
    struct mr_error error = {0};
    int status = mr_journal_plan(world->options.storage, &plan, NULL, &error);
    CHECK(world, status == MR_OK, "cannot read the journal: %s", error.text);
    CHECK(world, plan.last_sequence == last, "applied up to %llu, the journal ends at %llu",
          (unsigned long long)last, (unsigned long long)plan.last_sequence);
    settle(world, plan.last_index, plan.last_sequence);
    CHECK(world, world->complete || world->options.output == MR_OUTPUT_NONE,
          "not all came out in the end");
    check_replay(world, state, events);
    if (world->keeps_all) {
        check_replay_to(world, 1 + draw(world, last));
    }
    check_older_program(world);
    world->tally.replayed += last;
}

static void count(struct world *world, struct sim_tally *tally)
{
    const struct oracle *oracle = &world->oracle;
    world->tally.seeds = 1;
    world->tally.steps = world->step;
    world->tally.commands = oracle->sequence;
    world->tally.events = oracle->events;
    world->tally.rejects = oracle->rejects;
    world->tally.duplicates = oracle->duplicates;
    world->tally.too_old = oracle->too_old;
    world->tally.expired = oracle->expired;
    world->tally.closed = oracle->closed;
    world->tally.fired = oracle->fired;
    world->tally.cancelled = oracle->cancelled;
    world->tally.differed = oracle->differed;
    world->tally.upgrades = oracle->upgrades;
    sim_tally_add(tally, &world->tally);
}

void world_run(const struct sim_wish *wish, struct sim_tally *tally)
{
    struct world *world = calloc(1, sizeof *world);
    ASSERT(world != NULL);
    world->wish = *wish;
    (void)alarm(wish->counts ? 0 : SECONDS_MAX);
    mr_random_init(&world->random, wish->seed);
    choose(world);
    uint64_t lives = wish->counts ? LIVES_COUNTING : 1 + draw(world, LIVES_MAX);
    for (uint64_t i = 0; i < lives && !world_ends(world); i++) {
        world->life++;
        live(world);
    }
    end_world(world);
    (void)alarm(0);
    count(world, tally);
    mr_sim_destroy(world->sim);
    oracle_free(&world->oracle);
    records_free(&world->expected);
    records_free(&world->polled);
    records_free(&world->all);
    free(world->sent.bytes);
    free(world->sent.items);
    free(world->stamps);
    free(world->answers);
    free(world->completions);
    free(world->replies);
    for (uint32_t i = 0; i < FOLLOWERS_MAX; i++) {
        records_free(&world->followers[i].seen);
    }
    free(world);
}
