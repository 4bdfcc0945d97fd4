/*
 * The loop of `millrace run`, on the main thread: take a batch from the input, submit it, poll for
 * what came out. It never waits for one thing while another could go on.
 */
#include "tools/run_parts.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/limits.h"
#include "tools/executions.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <sched.h>
#include <time.h>

enum {
    SEND_LIMIT = 64,  /* commands sent between two polls */
    WINDOW = 16384,   /* commands on their way at most, unless a rate is given */
    IDLE_YIELDS = 32, /* idle turns before sleeping */
    IDLE_SLEEP_NS = 50000,
    INPUT_SLEEP_NS = 2000000, /* nothing to do but wait for somebody to type */
    SECOND_NS = 1000000000,
};
_Static_assert((int)WINDOW <= (int)RUN_FLIGHTS, "all that are on their way are remembered");
_Static_assert((int)WINDOW >= 2 * (int)MR_BATCH_COMMANDS_MAX,
               "another batch waits behind the largest");

static void fail(struct run *run, const struct mr_error *error)
{
    if (run->end != RUN_FAILED) {
        run->end = RUN_FAILED;
        run->error = *error;
    }
}

/* -- Sending. ---------------------------------------------------------------------------------- */

/* A malformed line: told and counted, or the end. */
static void on_bad_line(struct run *run, const struct mr_error *error)
{
    if (run->settings->on_error == RUN_ON_ERROR_SKIP) {
        say("%s; skipped%s", error->text, run->batch.spoiled ? ", and all of its batch" : "");
        run->report->bad_lines++;
        return;
    }
    run->end = RUN_INPUT_BAD;
    run->error = *error;
}

/* Has the source's next batch ready in run->batch; false: there is none now. */
static bool fetch(struct run *run)
{
    while (run->end == RUN_GOES_ON) {
        struct mr_error error = {0};
        switch (run_batch_next(run, &error)) {
        case SOURCE_COMMAND:
            return true;
        case SOURCE_END:
            run->end = RUN_INPUT_ENDED;
            break;
        case SOURCE_WAIT:
            run->schedule_ns = 0; /* nobody is late while the input has nothing */
            return false;
        case SOURCE_BAD:
            on_bad_line(run, &error);
            break;
        case SOURCE_FAILED:
            fail(run, &error);
            break;
        }
    }
    return false;
}

/* Has what is to be sent next ready in run->waiting; false: there is nothing now. */
static bool take_next(struct run *run)
{
    if (run->end != RUN_GOES_ON) {
        return false;
    }
    if (run->prefix_next == run->prefix_count) {
        bool has_one = run->fetched || fetch(run);
        run->fetched = false;
        run->waiting = run->batch.commands;
        run->waiting_count = has_one ? run->batch.count : 0;
        return has_one;
    }
    /* Nobody has typed anything yet: then an old journal is left as it is. */
    if (run->prefix_is_lazy && !run->fetched && !(run->fetched = fetch(run))) {
        return false;
    }
    run->waiting = &run->prefix[run->prefix_next++];
    run->waiting_count = 1;
    return true;
}

static bool is_setup(const struct run *run)
{
    return run->waiting != run->batch.commands;
}

/* When what waits is to be sent. */
static uint64_t due_ns(struct run *run, uint64_t now_ns)
{
    uint64_t rate = run->settings->rate;
    if (rate == 0 || is_setup(run)) {
        return now_ns;
    }
    if (run->schedule_ns == 0) {
        run->schedule_ns = now_ns;
        run->schedule_count = 0;
    }
    uint64_t seconds = run->schedule_count / rate;
    return run->schedule_ns + seconds * SECOND_NS + run->schedule_count % rate * SECOND_NS / rate;
}

/* The engine does not take what waits. */
static void on_refusal(struct run *run, int status)
{
    struct mr_error error = {0};
    if (mr_engine_failure(run->engine, &error) == MR_OK) {
        (void)mr_error_set(&error, status, "the engine does not take %s %llu: %s",
                           run->waiting_count == 1 ? "command" : "the batch from command",
                           (unsigned long long)run->waiting[0]->request, mr_status_text(status));
    }
    fail(run, &error);
}

/* True if the engine took it. */
static bool submit_waiting(struct run *run, uint64_t sent_ns)
{
    uint32_t count = run->waiting_count;
    int status = mr_engine_submit_batch(run->engine, run->waiting, count, NULL);
    if (status != MR_OK) {
        if (status != MR_AGAIN) {
            on_refusal(run, status);
        }
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_command *command = run->waiting[i];
        run->flights[run->sent++ % RUN_FLIGHTS] = (struct run_flight){.sent_ns = sent_ns,
                                                                      .session = command->session,
                                                                      .request = command->request,
                                                                      .setup = is_setup(run)};
    }
    if (!is_setup(run)) {
        run->schedule_count += count;
        batch_clear(&run->batch);
    }
    run->waiting_count = 0;
    return true;
}

/* Sends a few; returns how many. */
static uint32_t send_some(struct run *run, uint64_t now_ns)
{
    uint64_t window = run->settings->rate == 0 ? WINDOW : RUN_FLIGHTS;
    uint32_t sent = 0;
    while (sent < SEND_LIMIT && run->end == RUN_GOES_ON) {
        if (run->waiting_count == 0 && !take_next(run)) {
            break;
        }
        uint64_t due = due_ns(run, now_ns);
        uint32_t count = run->waiting_count;
        if (run->sent - run->answered + count > window || due > now_ns ||
            !submit_waiting(run, due)) {
            break;
        }
        sent += count;
    }
    return sent;
}

/* -- Polling. ---------------------------------------------------------------------------------- */

/* The answer to a command that run itself sent, to begin with. */
static void check_setup(struct run *run, const struct mr_answer *answer)
{
    if (answer->result != 0) {
        struct mr_error error;
        const char *reason = mr_catalog_reason_name(run->logic->catalog, answer->result);
        (void)mr_error_set(&error, MR_E_MISMATCH,
                           "the directory refuses the set-up of this input (%s at sequence %llu): "
                           "name another directory",
                           reason, (unsigned long long)answer->sequence);
        fail(run, &error);
    }
}

/* Answers come in the order of sending; those that nobody waits for are of the engine's own
 * ticks. */
static void on_answer(void *context, const struct mr_answer *answer)
{
    struct run *run = context;
    const struct run_flight *flight = &run->flights[run->answered % RUN_FLIGHTS];
    if (run->answered == run->sent || flight->session != answer->session ||
        flight->request != answer->request) {
        return;
    }
    run->answered++;
    run->batch_sent_ns[run->batch_count++] = flight->sent_ns;
    summary_answer(&run->report->summary, answer);
    if (flight->setup) {
        check_setup(run, answer);
        return;
    }
    if (run->acks != NULL && answer->session != 0) {
        acks_add(run->acks, answer->sequence, answer->request);
    }
}

static bool shows_events(const struct run *run)
{
    return run->settings->events || run->source->interactive;
}

/* The promise is on record before anything else tells of it. */
static void acknowledge_batch(struct run *run)
{
    struct mr_error error;
    if (run->acks != NULL && acks_flush(run->acks, &error) != MR_OK) {
        fail(run, &error);
    }
    if (shows_events(run)) {
        (void)fflush(stdout);
    }
    uint64_t now_ns = mr_monotonic_ns();
    for (uint32_t i = 0; i < run->batch_count; i++) {
        mr_histogram_record(&run->recent, now_ns - run->batch_sent_ns[i]);
    }
    /* Relaxed: a number for whoever watches. */
    uint64_t own = run->answered < run->prefix_count ? run->answered : run->prefix_count;
    mr_atomic_store(&run->report->acknowledged, run->answered - own, relaxed);
}

/* Of an input whose executions are followed. */
static void on_followed_event(void *context, const struct mr_event *event)
{
    struct run *run = context;
    executions_event(run->source->executions, event);
    if (shows_events(run)) {
        run_report_event(context, event);
    }
}

/* Takes some of what came out; returns how many. */
static uint32_t poll_some(struct run *run)
{
    struct mr_engine_handlers handlers = {.answer = on_answer, .context = run};
    if (run->source->executions != NULL) {
        handlers.event = on_followed_event;
    } else if (shows_events(run)) {
        handlers.event = run_report_event;
    }
    run->batch_count = 0;
    uint32_t polled = mr_engine_poll(run->engine, &handlers, RUN_POLL_LIMIT);
    if (polled > 0) {
        acknowledge_batch(run);
    }
    return polled;
}

/* -- The loop. --------------------------------------------------------------------------------- */

/* The latencies of the last second become those of the run. */
static void end_second(struct run *run, uint64_t now_ns)
{
    run->recent_p99_ns = mr_histogram_percentile(&run->recent, 99000);
    run->recent_rate =
        rate_per_second(run->answered - run->recent_answered, now_ns - run->recent_since_ns);
    run->recent_answered = run->answered;
    run->recent_since_ns = now_ns;
    mr_histogram_merge(&run->report->latency, &run->recent);
    mr_histogram_clear(&run->recent);
}

/* A little politeness when nothing moves: the disk's interrupts and the engine's threads need a
 * core, too. */
static void relax(const struct run *run, uint32_t idle_turns)
{
    if (idle_turns < IDLE_YIELDS) {
        (void)sched_yield();
        return;
    }
    bool quiet = run->waiting_count == 0 && run->sent == run->answered && run->source->interactive;
    struct timespec pause = {.tv_nsec = quiet ? INPUT_SLEEP_NS : IDLE_SLEEP_NS};
    (void)nanosleep(&pause, NULL);
}

static void look_around(struct run *run, uint64_t now_ns)
{
    struct mr_error error;
    if (mr_engine_failure(run->engine, &error) != MR_OK) {
        fail(run, &error);
    }
    if (stop_requested() && run->end == RUN_GOES_ON) {
        run->end = RUN_STOPPED;
    }
    if (now_ns - run->recent_since_ns >= SECOND_NS) {
        end_second(run, now_ns);
    }
    run_report_progress(run);
}

/* Nothing more will come out. After a failure of the engine, what was sent may never be
 * answered. */
static bool is_over(const struct run *run)
{
    return run->end != RUN_GOES_ON &&
           (mr_engine_failure(run->engine, NULL) != MR_OK || mr_engine_drained(run->engine));
}

void run_loop(struct run *run)
{
    uint32_t idle_turns = 0;
    uint64_t now_ns = mr_monotonic_ns();
    run->started_ns = now_ns;
    run->recent_since_ns = now_ns;
    if (stop_requested()) { /* while it recovered */
        run->end = RUN_STOPPED;
    }
    do {
        now_ns = mr_monotonic_ns();
        uint32_t moved = send_some(run, now_ns);
        moved += poll_some(run);
        idle_turns = moved > 0 ? 0 : idle_turns + 1;
        look_around(run, now_ns);
        if (moved == 0) {
            relax(run, idle_turns);
        }
    } while (!is_over(run));
    end_second(run, mr_monotonic_ns());
}
