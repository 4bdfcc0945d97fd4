/* What the tests of runners and composites share: agents that write their lives into a log. */
#ifndef MR_TESTS_DISRUPTOR_AGENT_FIXTURE_H
#define MR_TESTS_DISRUPTOR_AGENT_FIXTURE_H

#include <millrace/agent.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { LOG_SIZE = 256 };

static const enum mr_wait_kind kinds[] = {MR_WAIT_PARK, MR_WAIT_YIELD, MR_WAIT_SPIN, MR_WAIT_SLEEP};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Notes into a log that it may share: s tart, w ork, e nd, each with its letter. */
struct actor {
    char *log;
    char letter;
    int start_status;
    int works_left; /* turns in which it does 10, then it is idle */
    int work_after; /* what it returns when idle: 0, or a failure */
};

static inline void note(const struct actor *actor, char what)
{
    size_t used = strlen(actor->log);
    assert_true(used + 2 < LOG_SIZE);
    actor->log[used] = what;
    actor->log[used + 1] = actor->letter;
    actor->log[used + 2] = '\0';
}

static inline int actor_start(void *context)
{
    struct actor *actor = context;
    note(actor, 's');
    return actor->start_status;
}

static inline int actor_work(void *context)
{
    struct actor *actor = context;
    note(actor, 'w');
    if (actor->works_left == 0)
        return actor->work_after;
    actor->works_left--;
    return 10;
}

static inline void actor_stop(void *context)
{
    note(context, 'e');
}

static inline struct mr_agent actor_agent(struct actor *actor, const char *name)
{
    return (struct mr_agent){.name = name,
                             .start = actor_start,
                             .work = actor_work,
                             .stop = actor_stop,
                             .context = actor};
}

/* Does in its turns what `works` says, one after the other; a failure is the last. */
struct script {
    const int *works;
    uint32_t turns;
};

static inline int script_work(void *context)
{
    struct script *script = context;
    return script->works[script->turns++];
}

static inline void assert_counters(const struct mr_agent_counters *counters, uint64_t turns,
                                   uint64_t busy, uint64_t work, uint64_t work_largest)
{
    assert_int_equal(mr_atomic_load(&counters->turns, relaxed), turns);
    assert_int_equal(mr_atomic_load(&counters->busy, relaxed), busy);
    assert_int_equal(mr_atomic_load(&counters->work, relaxed), work);
    assert_int_equal(mr_atomic_load(&counters->work_largest, relaxed), work_largest);
}

#endif
