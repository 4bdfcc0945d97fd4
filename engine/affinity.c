#include "engine/affinity.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

static const char *const stage_names[MR_ENGINE_STAGES] = {"sequence", "journal", "apply"};

/* -- The decision. ----------------------------------------------------------------------------- */

/* The CPU that serves the disk, or will when the journal's thread runs there; -1: unknown, and the
 * plan says why. */
static int disk_cpu(const struct mr_affinity_facts *facts, struct mr_affinity_plan *plan)
{
    const struct mr_disk_probe *last = NULL;
    bool agree = true;
    bool follow = true;
    for (uint32_t i = 0; i < facts->probe_count; i++) {
        const struct mr_disk_probe *probe = &facts->probes[i];
        if (!probe->known) {
            continue;
        }
        agree = agree && (last == NULL || last->served == probe->served);
        follow = follow && probe->served == probe->from;
        last = probe;
    }
    if (last == NULL) {
        (void)snprintf(plan->why, sizeof plan->why,
                       "left to the system: it could not be seen which CPU serves the disk");
    } else if (!agree && !follow) {
        (void)snprintf(plan->why, sizeof plan->why,
                       "left to the system: several CPUs serve the disk");
    } else if (last->served >= CPU_SETSIZE || !CPU_ISSET(last->served, &facts->allowed)) {
        (void)snprintf(plan->why, sizeof plan->why,
                       "left to the system: CPU %u serves the disk, and this process is not on it",
                       last->served);
    } else {
        return (int)last->served;
    }
    return -1;
}

void mr_affinity_decide(const struct mr_affinity_facts *facts, struct mr_affinity_plan *plan)
{
    memset(plan, 0, sizeof *plan);
    if (CPU_COUNT(&facts->allowed) < 2 || facts->threads < 2) {
        (void)snprintf(plan->why, sizeof plan->why, "left to the system: there is only one %s",
                       facts->threads < 2 ? "thread" : "CPU");
        return;
    }
    int disk = disk_cpu(facts, plan);
    if (disk < 0) {
        return;
    }
    /* The journal's thread sleeps while it waits for the disk, and what it asks for is done sooner
     * where it runs itself. All others are kept off. */
    for (uint32_t i = 0; i < facts->threads; i++) {
        plan->on[i] = facts->allowed;
        CPU_CLR((size_t)disk, &plan->on[i]);
        if (i == facts->journal_thread) {
            CPU_ZERO(&plan->on[i]);
            CPU_SET((size_t)disk, &plan->on[i]);
        }
    }
    plan->apart = true;
    (void)snprintf(
        plan->why, sizeof plan->why,
        "CPU %d serves the disk: the journal's thread runs there, the others on %d other "
        "CPU%s",
        disk, CPU_COUNT(&facts->allowed) - 1, CPU_COUNT(&facts->allowed) == 2 ? "" : "s");
}

/* -- Given by the embedder. -------------------------------------------------------------------- */

int mr_affinity_check(const uint32_t cpus[MR_ENGINE_STAGES],
                      const uint32_t thread_of[MR_ENGINE_STAGES], const cpu_set_t *allowed,
                      struct mr_error *error)
{
    for (uint32_t i = 0; i < MR_ENGINE_STAGES; i++) {
        if (cpus[i] >= CPU_SETSIZE || !CPU_ISSET(cpus[i], allowed)) {
            return mr_error_set(error, MR_E_INVALID,
                                "affinity: stage %s is to run on CPU %u, which there is not, or "
                                "which this process may not use (see taskset -p)",
                                stage_names[i], cpus[i]);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (thread_of[k] == thread_of[i] && cpus[k] != cpus[i]) {
                return mr_error_set(error, MR_E_INVALID,
                                    "affinity: stages %s and %s share a thread, so they take one "
                                    "CPU, not %u and %u",
                                    stage_names[k], stage_names[i], cpus[k], cpus[i]);
            }
        }
    }
    return MR_OK;
}

void mr_affinity_name(char name[MR_RUNNER_NAME_SIZE], const char *prefix, const char *label)
{
    prefix = prefix != NULL ? prefix : "mr";
    size_t label_length = strlen(label);
    ASSERT(label_length + 2 < MR_RUNNER_NAME_SIZE);
    /* Of many threads of many engines, what a thread does is worth more than the prefix' end. */
    int room = (int)(MR_RUNNER_NAME_SIZE - 2 - label_length);
    (void)snprintf(name, MR_RUNNER_NAME_SIZE, "%.*s-%s", room, prefix, label);
}
