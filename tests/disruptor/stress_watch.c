/* What the stress test says when something is wrong, and how it notices that nothing moves. */
#include "tests/disruptor/stress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A trial takes a fraction of a second, or some seconds under a sanitizer on a busy machine. */
enum { SECONDS_MAX = 60 };

static pthread_mutex_t watch_mutex = PTHREAD_MUTEX_INITIALIZER;
static const struct trial *watched; /* guarded by the mutex */

static void print_state(const struct trial *trial)
{
    const struct mr_ring *ring = &trial->ring;
    fprintf(stderr,
            "ring: claimed %" PRIu64 ", published %" PRIu64 ", gate %" PRIu64 ", floor %" PRIu64
            ", gating %" PRIx64 ", version %" PRIu32 "%s\n",
            mr_atomic_load(&ring->claimed, relaxed), mr_atomic_load(&ring->published, relaxed),
            mr_atomic_load(&ring->gate, relaxed), mr_atomic_load(&ring->floor, relaxed),
            mr_atomic_load(&ring->gating, relaxed), mr_atomic_load(&ring->version, relaxed),
            mr_ring_halted(ring) ? ", halted" : "");
    for (uint32_t c = 0; c < MR_RING_CONSUMERS_MAX; c++) {
        uint64_t position = mr_atomic_load(&ring->cursors[c].position, relaxed);
        if (position != 0)
            fprintf(stderr, "cursor %" PRIu32 ": %" PRIu64 "\n", c, position);
    }
}

void stress_failed(const struct trial *trial, const char *what, const char *file, int line)
{
    fflush(stdout);
    fprintf(stderr, "stress: MR_SEED=%" PRIu64 " repeats the trial that failed: %s (%s:%d)\n",
            trial->plan.seed, what, file, line);
    print_state(trial);
    abort();
}

/* Changes whenever anybody gets on. */
static uint64_t progress(const struct trial *trial)
{
    const struct mr_ring *ring = &trial->ring;
    uint64_t sum = trial->plan.seed + mr_atomic_load(&ring->claimed, relaxed) +
                   mr_atomic_load(&ring->version, relaxed);
    for (uint32_t c = 0; c < MR_RING_CONSUMERS_MAX; c++)
        sum = mr_mix64(sum) + mr_atomic_load(&ring->cursors[c].position, relaxed);
    return sum;
}

static void *watch(void *unused)
{
    uint64_t last = 0;
    (void)unused;
    for (uint32_t seconds = 0;; seconds++) {
        stress_nap(UINT64_C(1000000000));
        pthread_mutex_lock(&watch_mutex);
        uint64_t now = watched == NULL ? 0 : progress(watched);
        if (now != last || watched == NULL)
            seconds = 0;
        last = now;
        if (seconds >= SECONDS_MAX)
            stress_failed(watched, "it makes progress", __FILE__, __LINE__);
        pthread_mutex_unlock(&watch_mutex);
    }
    return NULL;
}

void stress_watch_start(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch, NULL) == 0)
        pthread_detach(thread);
}

void stress_watch_begin(const struct trial *trial)
{
    pthread_mutex_lock(&watch_mutex);
    watched = trial;
    pthread_mutex_unlock(&watch_mutex);
}

void stress_watch_end(void)
{
    stress_watch_begin(NULL);
}
