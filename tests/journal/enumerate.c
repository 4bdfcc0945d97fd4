#include "tests/journal/enumerate.h"

#include <inttypes.h>
#include <malloc.h>

static void init(struct enumeration *e, uint64_t seed)
{
    /* The journal takes and frees megabytes that it hardly touches: keep them from the system. */
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    memset(e, 0, sizeof *e);
    e->seed = seed;
    mr_random_init(&e->random, seed);
    rec_disk_init(&e->disk);
    recorder_init(&e->recorder, &e->disk, NULL, seed);
    life_init(&e->life, &e->recorder);
    for (int i = 0; i < ENUMERATE_LEVELS; i++) {
        rec_trace_init(&e->levels[i].trace);
    }
}

static void release(struct enumeration *e)
{
    for (int i = 0; i < ENUMERATE_LEVELS; i++) {
        rec_trace_free(&e->levels[i].trace);
    }
    life_free(&e->life);
    rec_disk_free(&e->disk);
}

/* -- One state. -------------------------------------------------------------------------------- */

static void print_level(const struct enumerate_level *level, int depth)
{
    print_error("level %d: event %u of %u; there of the %u pending sectors:", depth, level->walk.at,
                level->trace.count, level->window.count);
    for (uint32_t i = 0; i < level->window.count; i++) {
        if (rec_window_is_on(&level->window, i)) {
            print_error(" %d:%" PRIu64, level->window.items[i].file, level->window.items[i].offset);
        }
    }
    print_error("\n");
}

static void refute(const struct enumeration *e, int depth, const char *what,
                   const struct model_outcome *expected, const struct mr_recovery *report,
                   const struct mr_error *error)
{
    print_error("%s, seed %" PRIu64 ", state %" PRIu64 ": %s\n", e->label, e->seed, e->states,
                what);
    print_error("expected: %s, index %" PRIu64 ", case %c\n", expected->exists ? "exists" : "none",
                expected->index, expected->decided);
    print_error("found: index %" PRIu64 ", durable %" PRIu64 ", case %c; %s\n", report->last_index,
                report->durable_index, report->decided, error->text);
    for (int i = 0; i <= depth; i++) {
        print_level(&e->levels[i], i);
    }
    fail();
}

static void compare(const struct enumeration *e, int depth, const struct model_outcome *expected,
                    int status, const struct mr_recovery *report, const struct mr_error *error)
{
    const struct model *model = &e->levels[depth].model;
    const char *wrong = NULL;
    if (!expected->exists) {
        wrong = status != MR_E_NOT_FOUND ? "there cannot be a journal yet" : NULL;
    } else if (status != MR_OK) {
        wrong = "an honest crash was refused";
    } else if (report->decided != expected->decided || report->torn != expected->torn) {
        wrong = "the wrong case";
    } else if (report->last_index != expected->index || expected->index < model->acknowledged) {
        wrong = report->last_index < expected->index ? "an entry was lost" : "an entry came back";
    } else if (!mr_digest_equal(report->last_digest, model->digests[expected->index])) {
        wrong = "the entries are not those that were appended";
    } else if (expected->generation < model->generation) {
        wrong = "what was truncated comes back";
    } else if (report->durable_index > report->last_index ||
               (report->last_index > 0 && report->first_index != 1)) {
        wrong = "the report contradicts itself";
    }
    if (wrong != NULL) {
        refute(e, depth, wrong, expected, report, error);
    }
}

static void enumerate_walk(struct enumeration *e, int depth);

/* Recovers for good, appends, stops, and looks again; then the disk is as it was. With `again` all
 * of that is crashed at each of its steps. */
static void recover(struct enumeration *e, int depth, const struct model_outcome *expected,
                    bool again)
{
    struct enumerate_level *next = &e->levels[depth + 1];
    struct life_plan plan = {
        .seed = mr_random_u64(&e->random),
        .payload_max = 300,
        .frames_in_flight = 2,
        .entries = 1 + (uint32_t)mr_random_below(&e->random, 2),
        .polls = 1,
    };
    size_t mark = rec_disk_mark(&e->disk);
    rec_trace_clear(&next->trace);
    e->recorder.trace = again ? &next->trace : NULL;
    int status = life_run(&e->life, &plan);
    e->recorder.trace = NULL;
    compare(e, depth, expected, status, &e->life.report, &e->life.error);

    struct mr_recovery report;
    struct mr_error error;
    status = mr_journal_plan(&e->recorder.seam, &report, NULL, &error);
    struct model_outcome after = {
        .exists = true, .index = expected->index + plan.entries, .decided = 'A'};
    if (status != MR_OK || report.decided != 'A' || report.last_index != after.index ||
        report.durable_index != after.index ||
        !mr_digest_equal(report.last_digest, e->life.tip.digest)) {
        refute(e, depth, "recovered and appended to, it is not whole", &after, &report, &error);
    }
    rec_disk_rollback(&e->disk, mark);
    e->recovered++;
    if (again) {
        e->crashed_again++;
        model_follow(&next->model, &e->levels[depth].view, expected);
        mark = rec_disk_mark(&e->disk);
        enumerate_walk(e, depth + 1);
        rec_disk_rollback(&e->disk, mark);
    }
}

static bool one_in(struct enumeration *e, uint32_t many)
{
    return many != 0 && mr_random_chance(&e->random, 1, many);
}

/* The deeper levels must not crowd out the first. */
static bool has_budget(const struct enumeration *e, int depth)
{
    return depth + 1 < ENUMERATE_LEVELS && e->of_level[depth + 1] * 2 <= e->of_level[depth];
}

static void check_state(struct enumeration *e, int depth)
{
    struct enumerate_level *level = &e->levels[depth];
    struct model_outcome expected = model_expect(&level->view);
    struct mr_recovery report;
    struct mr_error error;
    size_t mark = e->disk.undo_used;
    int status = mr_journal_plan(&e->recorder.seam, &report, NULL, &error);
    e->states++;
    e->of_level[depth]++;
    e->torn += expected.torn;
    compare(e, depth, &expected, status, &report, &error);
    ASSERT(rec_disk_unchanged(&e->disk, mark));
    if (expected.exists && depth + 1 < ENUMERATE_LEVELS) {
        bool small = level->window.count <= MR_PAGE_SIZE / MR_SECTOR_SIZE;
        bool again =
            expected.decided != 'A' && has_budget(e, depth) &&
            one_in(e, small ? level->effort.crash_small_one_in : level->effort.crash_one_in);
        if (again || one_in(e, level->effort.recover_one_in)) {
            recover(e, depth, &expected, again);
        }
    }
}

/* -- One window: which subsets. ---------------------------------------------------------------- */

/* In Gray's order, so that one item changes at a time. */
static void try_all_subsets(struct enumeration *e, int depth)
{
    struct rec_window *window = &e->levels[depth].window;
    check_state(e, depth);
    for (uint32_t i = 1; i < UINT32_C(1) << window->count; i++) {
        rec_window_flip(window, (uint32_t)__builtin_ctz(i));
        check_state(e, depth);
    }
    e->all_subsets++;
}

static void try_prefixes(struct enumeration *e, int depth)
{
    struct rec_window *window = &e->levels[depth].window;
    check_state(e, depth);
    for (uint32_t i = 0; i < window->count; i++) {
        rec_window_flip(window, i);
        check_state(e, depth);
    }
}

/* All items are there. */
static void try_drops(struct enumeration *e, int depth)
{
    struct rec_window *window = &e->levels[depth].window;
    for (uint32_t i = 0; i < window->count; i++) {
        rec_window_flip(window, i);
        check_state(e, depth);
        for (uint32_t j = i + 1; j < window->count && e->levels[depth].effort.doubles; j++) {
            rec_window_flip(window, j);
            check_state(e, depth);
            rec_window_flip(window, j);
        }
        rec_window_flip(window, i);
    }
}

/* A half, a quarter, or three of them. */
static uint64_t random_word(struct enumeration *e, uint32_t density)
{
    uint64_t word = mr_random_u64(&e->random);
    if (density == 1) {
        word &= mr_random_u64(&e->random);
    } else if (density == 2) {
        word |= mr_random_u64(&e->random);
    }
    return word;
}

static void try_randoms(struct enumeration *e, int depth)
{
    struct enumerate_level *level = &e->levels[depth];
    struct rec_window *window = &level->window;
    for (uint32_t n = 0; n < level->effort.randoms; n++) {
        for (uint32_t at = 0; at < window->count; at += 64) {
            uint32_t bits = window->count - at < 64 ? window->count - at : 64;
            uint64_t change = random_word(e, n % 3) ^ window->on[at / 64];
            change &= bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
            for (; change != 0; change &= change - 1) {
                rec_window_flip(window, at + (uint32_t)__builtin_ctzll(change));
            }
        }
        check_state(e, depth);
    }
}

/* While a segment is being prepared, too much is pending for all subsets of it; but of the frames
 * in flight they can be tried, each with some subset of the rest. */
static void try_frames(struct enumeration *e, int depth)
{
    struct enumerate_level *level = &e->levels[depth];
    uint32_t items[32];
    uint32_t count = 0;
    for (uint32_t i = 0; i < level->view.flight_count; i++) {
        const struct model_flight *flight = &level->view.flights[i];
        for (uint32_t n = 0; n < flight->count && count < 32; n++) {
            items[count++] = flight->first + n;
        }
    }
    if (count == 0 || count > level->effort.all_bits) {
        return;
    }
    for (uint32_t i = 1; i < UINT32_C(1) << count; i++) {
        uint32_t other = (uint32_t)mr_random_below(&e->random, level->window.count);
        rec_window_flip(&level->window, items[__builtin_ctz(i)]);
        if (other < items[0] || other > items[count - 1]) {
            rec_window_flip(&level->window, other);
        }
        check_state(e, depth);
    }
    e->all_of_frames++;
}

static void try_window(struct enumeration *e, int depth, const uint32_t names[REC_DIRECTORIES])
{
    struct enumerate_level *level = &e->levels[depth];
    rec_window_open(&level->window, &level->walk, names);
    model_look(&level->view, &level->model, &level->window);
    e->windows++;
    const struct model *model = &level->model;
    if (model->handed_over > 0) { /* the end of the process alone leaves all that was written */
        ASSERT(model->frames[model->frame_count - 1].index >= model->handed_over);
    }
    if (level->window.count <= level->effort.all_bits) {
        try_all_subsets(e, depth);
    } else {
        try_prefixes(e, depth);
        try_drops(e, depth);
        try_frames(e, depth);
        try_randoms(e, depth);
    }
    rec_window_close(&level->window);
}

/* Will the directory have its name, with the first `count` of the root's changes? */
static bool reachable(const struct rec_walk *walk, enum rec_directory directory, uint32_t count)
{
    bool found = walk->disk->exists[directory];
    for (uint32_t i = 0; i < count && !found; i++) {
        const struct rec_change *change =
            &walk->trace->changes[walk->changes[REC_ROOT].list[i].change];
        found = change->kind == REC_ADD && rec_disk_directory_named(change->from) == directory;
    }
    return found;
}

/* Names that no path leads to are not tried. */
static void try_names(struct enumeration *e, int depth)
{
    const struct rec_walk *walk = &e->levels[depth].walk;
    uint32_t names[REC_DIRECTORIES];
    for (uint32_t root = 0; root <= walk->changes[REC_ROOT].count; root++) {
        names[REC_ROOT] = root;
        uint32_t counts[REC_DIRECTORIES];
        for (int i = REC_JOURNAL; i < REC_DIRECTORIES; i++) {
            bool found = reachable(walk, (enum rec_directory)i, root);
            counts[i] = found ? walk->changes[i].count : 0;
        }
        for (names[REC_JOURNAL] = 0; names[REC_JOURNAL] <= counts[REC_JOURNAL];
             names[REC_JOURNAL]++) {
            for (names[REC_ARCHIVE] = 0; names[REC_ARCHIVE] <= counts[REC_ARCHIVE];
                 names[REC_ARCHIVE]++) {
                try_window(e, depth, names);
            }
        }
    }
}

/* What a crash may leave is looked at once for all the time that it stays the same, with all that
 * was promised by the end of it. */
static void enumerate_walk(struct enumeration *e, int depth)
{
    struct enumerate_level *level = &e->levels[depth];
    bool fresh = true;
    rec_walk_begin(&level->walk, &level->trace, &e->disk);
    while (rec_walk_peek(&level->walk) != NULL) {
        bool alters = rec_walk_alters(&level->walk);
        if (alters && fresh) {
            try_names(e, depth);
            fresh = false;
        }
        fresh = fresh || alters;
        model_take(&level->model, &level->walk);
        rec_walk_step(&level->walk);
    }
    try_names(e, depth);
}

void enumerate_run(struct enumeration *e, const struct life_plan *plans, uint32_t count)
{
    struct enumerate_level *level = &e->levels[0];
    size_t mark = rec_disk_mark(&e->disk);
    rec_trace_clear(&level->trace);
    e->recorder.trace = &level->trace;
    life_create(&e->life, plans[0].segment_bytes);
    e->life.tip = (struct mr_tip){0};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t before = e->life.tip.index;
        assert_int_equal(life_run(&e->life, &plans[i]), MR_OK);
        /* The end of a process alone loses nothing, under any policy. */
        assert_int_equal(e->life.report.last_index, before);
        assert_int_equal(e->life.report.decided, 'A');
    }
    e->recorder.trace = NULL;
    rec_disk_rollback(&e->disk, mark);

    mark = rec_disk_mark(&e->disk);
    memset(&level->model, 0, sizeof level->model);
    enumerate_walk(e, 0);
    rec_disk_rollback(&e->disk, mark);
}

static void print(const struct enumeration *e)
{
    printf("%s: %" PRIu64 " states (", e->label, e->states);
    for (int i = 0; i < ENUMERATE_LEVELS; i++) {
        printf("%s%" PRIu64, i == 0 ? "by depth of crashes: " : ", ", e->of_level[i]);
    }
    printf("), %" PRIu64 " torn, %" PRIu64 " recovered and appended to, %" PRIu64
           " crashed again; %" PRIu64 " windows, of %" PRIu64 " all subsets, of %" PRIu64
           " all subsets of the frames\n",
           e->torn, e->recovered, e->crashed_again, e->windows, e->all_subsets, e->all_of_frames);
    fflush(stdout);
}

void enumeration_begin(struct enumeration *e, const char *label, uint32_t share,
                       uint32_t crash_one_in, uint32_t crash_small_one_in)
{
    init(e, rig_seed());
    e->label = label;
    e->levels[0].effort = (struct effort){
        .all_bits = share == 1 ? 16 : 8,
        .randoms = 10000 / share,
        .doubles = true,
        .recover_one_in = 64,
        .crash_one_in = crash_one_in,
        .crash_small_one_in = crash_small_one_in,
    };
    e->levels[1].effort = (struct effort){
        .all_bits = 8,
        .randoms = 32,
        .recover_one_in = 16,
        .crash_one_in = 1024,
        .crash_small_one_in = 1024,
    };
    e->levels[2].effort = (struct effort){.all_bits = 4, .randoms = 8, .recover_one_in = 16};
}

void enumeration_end(struct enumeration *e, uint64_t states)
{
    print(e);
    assert_true(e->states >= states);
    assert_true(e->torn < e->states && e->torn > e->states / 4);
    assert_true(e->of_level[1] > e->states / 20 && e->of_level[2] > 0);
    release(e);
}
