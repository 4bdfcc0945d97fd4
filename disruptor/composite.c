#include "base/assert.h"
#include "disruptor/turn.h"

#include <millrace/agent.h>

#include <limits.h>
#include <string.h>

static void member_failed(struct mr_composite *composite, uint32_t index, int code)
{
    /* Release: pairs with the acquire in mr_composite_agent_status. */
    mr_atomic_store(&composite->agent_status[index], code, release);
}

/* Stops the first `started` members, in reverse: then none runs. */
static void members_stop(struct mr_composite *composite, uint32_t started)
{
    for (uint32_t i = started; i-- > 0;) {
        const struct mr_agent *member = composite->agents[i];
        if (member->stop != NULL)
            member->stop(member->context);
    }
    composite->running = false;
}

/* -- The composite as an agent. ---------------------------------------------------------------- */

static int composite_start(void *context)
{
    struct mr_composite *composite = context;
    ASSERT(!composite->running); /* a member of itself, by whatever detour, or of two others */
    composite->running = true;
    for (uint32_t i = 0; i < composite->agent_count; i++) {
        const struct mr_agent *member = composite->agents[i];
        int status = member->start == NULL ? MR_OK : member->start(member->context);
        if (status < 0) {
            member_failed(composite, i, status);
            members_stop(composite, i);
            return status;
        }
    }
    return MR_OK;
}

static uint64_t composite_patience(void *context)
{
    const struct mr_composite *composite = context;
    uint64_t patience = MR_WAIT_FOREVER;
    for (uint32_t i = 0; i < composite->agent_count; i++) {
        const struct mr_agent *member = composite->agents[i];
        uint64_t own = member->patience == NULL ? 0 : member->patience(member->context);
        patience = own < patience ? own : patience;
    }
    return patience;
}

static int composite_work(void *context)
{
    struct mr_composite *composite = context;
    int sum = 0;
    ASSERT(composite->running);
    for (uint32_t i = 0; i < composite->agent_count; i++) {
        int work = mr_agent_turn(composite->agents[i], &composite->counters[i]);
        if (work < 0) {
            member_failed(composite, i, work);
            return work;
        }
        if (__builtin_add_overflow(sum, work, &sum))
            sum = INT_MAX;
    }
    return sum;
}

static void composite_stop(void *context)
{
    struct mr_composite *composite = context;
    ASSERT(composite->running);
    members_stop(composite, composite->agent_count);
}

/* -- Setting up and looking at. ---------------------------------------------------------------- */

int mr_composite_init(struct mr_composite *composite, const char *name,
                      const struct mr_agent *const *agents, uint32_t count, struct mr_error *error)
{
    if (name == NULL)
        return mr_error_set(error, MR_E_INVALID, "composite: it needs a name");
    if (count == 0)
        return mr_error_set(error, MR_E_INVALID, "composite %s: it needs an agent", name);
    if (count > MR_COMPOSITE_AGENTS_MAX)
        return mr_error_set(error, MR_E_LIMIT, "composite %s: %u agents, at most %d are possible",
                            name, count, MR_COMPOSITE_AGENTS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (agents[i] == &composite->agent)
            return mr_error_set(error, MR_E_INVALID, "composite %s: agent %u is itself", name, i);
        if (agents[i]->name == NULL || agents[i]->work == NULL)
            return mr_error_set(error, MR_E_INVALID, "composite %s: agent %u lacks a name or work",
                                name, i);
    }

    memset(composite, 0, sizeof *composite);
    composite->agent = (struct mr_agent){.name = name,
                                         .work = composite_work,
                                         .start = composite_start,
                                         .stop = composite_stop,
                                         .context = composite,
                                         .patience = composite_patience};
    composite->agent_count = count;
    for (uint32_t i = 0; i < count; i++)
        composite->agents[i] = agents[i];
    return MR_OK;
}

const struct mr_agent *mr_composite_agent(const struct mr_composite *composite)
{
    return &composite->agent;
}

int mr_composite_agent_status(const struct mr_composite *composite, uint32_t index)
{
    ASSERT(index < composite->agent_count);
    /* Acquire: pairs with the release in member_failed. */
    return mr_atomic_load(&composite->agent_status[index], acquire);
}

const struct mr_agent_counters *mr_composite_agent_counters(const struct mr_composite *composite,
                                                            uint32_t index)
{
    ASSERT(index < composite->agent_count);
    return &composite->counters[index];
}
