#include "bench/pipeline/open_loop.h"

#include "base/clock.h"
#include "base/random.h"
#include "disruptor/backoff.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    BURST = 64,         /* commands sent between two looks */
    ACCEPTED_SHARE = 8, /* one command in so many is timed while it is handed over */
    LEAD_NS = 1000000,  /* from here to the first command */
    NOTHING_LEFT_NS = 1000000,
};

static const uint64_t give_up_ns = 30000000000; /* longer than a disk's flush was ever seen */

/* -- Schedules. -------------------------------------------------------------------------------- */

static bool allocate(struct open_loop_schedule *schedule, uint64_t count)
{
    schedule->count = count;
    schedule->due_ns = calloc(count, sizeof *schedule->due_ns);
    return schedule->due_ns != NULL;
}

bool open_loop_at_once(struct open_loop_schedule *schedule, uint64_t count)
{
    return allocate(schedule, count);
}

bool open_loop_constant(struct open_loop_schedule *schedule, uint64_t count, double per_s)
{
    if (!allocate(schedule, count)) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        schedule->due_ns[i] = (uint64_t)((double)i * 1e9 / per_s);
    }
    return true;
}

bool open_loop_poisson(struct open_loop_schedule *schedule, uint64_t count, double per_s,
                       uint64_t seed)
{
    if (!allocate(schedule, count)) {
        return false;
    }
    struct mr_random random;
    mr_random_init(&random, seed);
    double due_ns = 0;
    for (uint64_t i = 0; i < count; i++) {
        schedule->due_ns[i] = (uint64_t)due_ns;
        /* 53 bits, from above 0 up to 1. */
        double chance = (double)((mr_random_u64(&random) >> 11) + 1) * 0x1p-53;
        due_ns += -log(chance) * 1e9 / per_s;
    }
    return true;
}

void open_loop_schedule_free(struct open_loop_schedule *schedule)
{
    free(schedule->due_ns);
    *schedule = (struct open_loop_schedule){0};
}

/* -- The run. ---------------------------------------------------------------------------------- */

/* At `now_ns` the first `count` commands had come so far. */
struct mark {
    uint64_t now_ns;
    uint64_t count;
};

struct marks {
    struct mark *list;
    uint64_t count;
    uint64_t reached;
};

/* Little is computed while the clock runs: moments are written down, latencies follow from them
 * afterwards. */
struct run {
    const struct open_loop_schedule *schedule;
    const struct open_loop_target *target;
    uint64_t start_ns;
    uint64_t sent;
    struct mr_histogram *accepted;
    struct marks durable;
    struct marks answered;
};

static void note(struct marks *marks, uint64_t count, uint64_t now_ns)
{
    if (count > marks->reached) {
        marks->list[marks->count++] = (struct mark){.now_ns = now_ns, .count = count};
        marks->reached = count;
    }
}

/* Drawn by lot, so that no rhythm of the subject is met or missed. */
static bool is_timed(uint64_t index)
{
    return mr_mix64(index) % ACCEPTED_SHARE == 0;
}

static bool send_one(struct run *run)
{
    const struct open_loop_target *target = run->target;
    if (target->prepare != NULL) {
        target->prepare(target->context, run->sent);
    }
    if (!is_timed(run->sent)) {
        return target->send(target->context, run->sent);
    }
    uint64_t before_ns = mr_monotonic_ns();
    bool taken = target->send(target->context, run->sent);
    if (taken) {
        mr_histogram_record(run->accepted, mr_monotonic_ns() - before_ns);
    }
    return taken;
}

/* Sends what is due, as far as one burst goes; returns how many. */
static uint32_t send_due(struct run *run, uint64_t now_ns, bool *busy)
{
    uint32_t burst = 0;
    while (burst < BURST && run->sent < run->schedule->count &&
           run->start_ns + run->schedule->due_ns[run->sent] <= now_ns) {
        *busy = !send_one(run);
        if (*busy) {
            break;
        }
        run->sent++;
        burst++;
    }
    return burst;
}

static void pass_time(struct run *run, uint64_t now_ns, bool busy)
{
    uint64_t wait_ns = busy ? 0 : NOTHING_LEFT_NS;
    if (!busy && run->sent < run->schedule->count) {
        uint64_t due_ns = run->start_ns + run->schedule->due_ns[run->sent];
        wait_ns = due_ns > now_ns ? due_ns - now_ns : 1;
    }
    if (run->target->idle != NULL) {
        run->target->idle(run->target->context, wait_ns);
    } else {
        mr_relax();
    }
}

static bool give_up(const struct run *run)
{
    fprintf(stderr,
            "bench_pipeline: %" PRIu64 " commands were sent, %" PRIu64
            " were answered, and for 30 s no more\n",
            run->sent, run->answered.reached);
    return false;
}

static bool send_all(struct run *run)
{
    struct open_loop_progress progress = {0};
    run->start_ns = mr_monotonic_ns() + LEAD_NS;
    uint64_t moved_ns = run->start_ns;
    while (run->answered.reached < run->schedule->count) {
        uint64_t now_ns = mr_monotonic_ns();
        bool busy = false;
        uint32_t did = send_due(run, now_ns, &busy);
        if (!run->target->look(run->target->context, &progress)) {
            return false;
        }
        moved_ns = did > 0 ? now_ns : moved_ns;
        if (progress.durable > run->durable.reached || progress.answered > run->answered.reached) {
            now_ns = mr_monotonic_ns(); /* the look took its time */
            note(&run->durable, progress.durable, now_ns);
            note(&run->answered, progress.answered, now_ns);
            moved_ns = now_ns;
        } else if (did == 0 && now_ns > moved_ns + give_up_ns) {
            return give_up(run);
        } else if (did == 0) {
            pass_time(run, now_ns, busy);
        }
    }
    return true;
}

/* -- What follows from it. --------------------------------------------------------------------- */

static void count_latencies(const struct run *run, const struct marks *marks,
                            struct mr_histogram *histogram)
{
    mr_histogram_clear(histogram);
    uint64_t next = 0;
    for (uint64_t i = 0; i < marks->count; i++) {
        for (; next < marks->list[i].count; next++) {
            uint64_t due_ns = run->start_ns + run->schedule->due_ns[next];
            mr_histogram_record(histogram, marks->list[i].now_ns - due_ns);
        }
    }
}

static void finish(const struct run *run, struct open_loop_result *result)
{
    count_latencies(run, &run->durable, &result->durable);
    count_latencies(run, &run->answered, &result->answered);
    result->elapsed_ns = run->answered.list[run->answered.count - 1].now_ns - run->start_ns;
}

bool open_loop_run(const struct open_loop_schedule *schedule, const struct open_loop_target *target,
                   struct open_loop_result *result)
{
    struct run run = {.schedule = schedule, .target = target, .accepted = &result->accepted};
    mr_histogram_clear(&result->accepted);
    /* Each mark is of one command or more. They are so few that the kernel may bring their pages
     * when they come. */
    run.durable.list = malloc(schedule->count * sizeof *run.durable.list);
    run.answered.list = malloc(schedule->count * sizeof *run.answered.list);
    bool good = run.durable.list != NULL && run.answered.list != NULL;
    if (good) {
        good = send_all(&run);
    } else {
        fprintf(stderr, "bench_pipeline: no memory\n");
    }
    if (good) {
        finish(&run, result);
    }
    free(run.durable.list);
    free(run.answered.list);
    return good;
}
