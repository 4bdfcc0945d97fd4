#include "base/assert.h"

#include <millrace/agent.h>

uint32_t mr_topology_runner_count(enum mr_topology topology, uint32_t agent_count)
{
    switch (topology) {
    case MR_TOPOLOGY_TWO:
        return 2;
    case MR_TOPOLOGY_EACH:
        return agent_count;
    case MR_TOPOLOGY_ONE:
    default:
        return 1;
    }
}

uint32_t mr_topology_runner_of(enum mr_topology topology, uint64_t second, uint32_t index)
{
    ASSERT(index < MR_TOPOLOGY_AGENTS_MAX);
    switch (topology) {
    case MR_TOPOLOGY_TWO:
        return (second >> index) & 1;
    case MR_TOPOLOGY_EACH:
        return index;
    case MR_TOPOLOGY_ONE:
    default:
        return 0;
    }
}

int mr_topology_init(enum mr_topology topology, uint64_t second, struct mr_runner *runners,
                     const struct mr_runner_options *options, const struct mr_agent *const *agents,
                     uint32_t agent_count, struct mr_error *error)
{
    static const struct mr_runner_options plain;
    if (topology != MR_TOPOLOGY_ONE && topology != MR_TOPOLOGY_TWO && topology != MR_TOPOLOGY_EACH)
        return mr_error_set(error, MR_E_INVALID, "topology: %d is none", (int)topology);
    if (agent_count == 0)
        return mr_error_set(error, MR_E_INVALID, "topology: it needs an agent");
    if (agent_count > MR_TOPOLOGY_AGENTS_MAX)
        return mr_error_set(error, MR_E_LIMIT, "topology: %u agents, at most %d are possible",
                            agent_count, MR_TOPOLOGY_AGENTS_MAX);

    uint32_t runner_count = mr_topology_runner_count(topology, agent_count);
    for (uint32_t r = 0; r < runner_count; r++) {
        const struct mr_agent *members[MR_TOPOLOGY_AGENTS_MAX];
        uint32_t count = 0;
        for (uint32_t i = 0; i < agent_count; i++)
            if (mr_topology_runner_of(topology, second, i) == r)
                members[count++] = agents[i];
        int status = mr_runner_init(&runners[r], options == NULL ? &plain : &options[r], members,
                                    count, error);
        if (status != MR_OK)
            return status;
    }
    return MR_OK;
}
