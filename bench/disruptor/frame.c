#include "bench/disruptor/frame.h"

#include "base/assert.h"

#include <millrace/atomic.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

enum { QUICK_PART = 5, HUGE_PAGE = 2 << 20, SUBJECTS_MAX = 100 };

struct start {
    MR_ATOMIC(size_t) ready; /* threads that are at the line */
    size_t count;
};

struct actor {
    struct frame_role role;
    struct start *start;
    pthread_t thread;
    uint64_t start_ns;
    uint64_t end_ns;
    bool in_order;
};

/* Nobody begins before everybody is there and on its core. */
static void await_start(struct start *start)
{
    mr_atomic_fetch_add(&start->ready, (size_t)1, acq_rel);
    while (mr_atomic_load(&start->ready, acquire) != start->count)
        sched_yield();
}

static void *act(void *context)
{
    struct actor *actor = context;
    bool pinned = bench_pin(actor->role.cpu);
    await_start(actor->start);
    actor->start_ns = bench_now_ns();
    actor->in_order = actor->role.run(actor->role.context, actor->role.messages) && pinned;
    actor->end_ns = bench_now_ns();
    return NULL;
}

static bool start_all(struct actor *actors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&actors[i].thread, NULL, act, &actors[i]) != 0)
            return false;
    return true;
}

double frame_run(const struct frame_role *roles, size_t count)
{
    struct actor actors[FRAME_ROLES_MAX];
    struct start start = {.count = count};
    if (bench_cpus() < 2) {
        fprintf(stderr, "threads that hand over to one another need two CPUs\n");
        return BENCH_SKIPPED;
    }
    for (size_t i = 0; i < count; i++)
        actors[i] = (struct actor){.role = roles[i], .start = &start};
    if (!start_all(actors, count)) {
        fprintf(stderr, "cannot start a thread\n");
        exit(EXIT_FAILURE); /* those that did start wait for the others */
    }

    bool in_order = true;
    uint64_t start_ns = UINT64_MAX;
    uint64_t end_ns = 0;
    for (size_t i = 0; i < count; i++) {
        pthread_join(actors[i].thread, NULL);
        in_order = in_order && actors[i].in_order;
        start_ns = actors[i].start_ns < start_ns ? actors[i].start_ns : start_ns;
        end_ns = actors[i].end_ns > end_ns ? actors[i].end_ns : end_ns;
    }
    return in_order ? (double)(end_ns - start_ns) : BENCH_FAILED;
}

double frame_run_shared(bool (*produce)(void *context, uint64_t messages),
                        bool (*consume)(void *context, uint64_t messages), void *context,
                        uint64_t messages)
{
    const uint64_t each = messages / FRAME_PRODUCERS;
    const struct frame_role roles[] = {
        {.cpu = 0, .run = produce, .context = context, .messages = each},
        {.cpu = 1, .run = produce, .context = context, .messages = each},
        {.cpu = 0, .run = produce, .context = context, .messages = each},
        {.cpu = 1, .run = consume, .context = context, .messages = FRAME_PRODUCERS * each},
    };
    return frame_run(roles, sizeof roles / sizeof roles[0]);
}

void *frame_memory(size_t size)
{
    size_t rounded = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, rounded);
    if (memory == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(EXIT_FAILURE);
    }
    /* Where the system has none to give, everybody has small pages. */
    (void)madvise(memory, rounded, MADV_HUGEPAGE);
    memset(memory, 0, rounded);
    return memory;
}

/* What the harness hands back to measure(). */
static struct {
    struct frame_subject all[SUBJECTS_MAX];
    size_t count;
} subjects;

static double measure(void *context)
{
    const struct frame_subject *subject = context;
    uint64_t messages = bench_quick() ? subject->messages / QUICK_PART : subject->messages;
    double ns = subject->measure(messages);
    return ns < 0 ? ns : ns / (double)messages;
}

void frame_add(const struct frame_subject *added, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ASSERT(subjects.count < SUBJECTS_MAX);
        struct frame_subject *subject = &subjects.all[subjects.count++];
        *subject = added[i];
        bench_add((struct bench_case){.row = subject->row,
                                      .subject = subject->subject,
                                      .unit = BENCH_NS,
                                      .measure = measure,
                                      .context = subject});
    }
}
