#include "tools/engine_options.h"

#include "tools/command.h"
#include "tools/output.h"

enum { MIB = 1 << 20, SEGMENT_MIB_MIN = 4, SEGMENT_MIB_MAX = 256 };

/* What the names of the options' choices stand for, in their order there. */
static const enum mr_topology topologies[] = {MR_TOPOLOGY_ONE, MR_TOPOLOGY_TWO, MR_TOPOLOGY_EACH};
static const enum mr_wait_kind waits[] = {MR_WAIT_SPIN, MR_WAIT_YIELD, MR_WAIT_PARK};
static const enum mr_durability durabilities[] = {MR_DURABILITY_DISK, MR_DURABILITY_OS,
                                                  MR_DURABILITY_NONE};

enum mr_durability engine_choice_durability(const struct engine_choice *choice)
{
    return durabilities[choice->durability];
}

bool engine_choice_keeps(const struct engine_choice *choice)
{
    return engine_choice_durability(choice) != MR_DURABILITY_NONE;
}

int engine_choice_check(const struct engine_choice *choice)
{
    if (choice->segment_size < SEGMENT_MIB_MIN || choice->segment_size > SEGMENT_MIB_MAX) {
        return complain(EXIT_USAGE, "--segment-size wants %d to %d MiB", SEGMENT_MIB_MIN,
                        SEGMENT_MIB_MAX);
    }
    bool kept = engine_choice_keeps(choice);
    if (kept != (choice->data != NULL)) {
        return complain(EXIT_USAGE, kept ? "--data DIR is missing: --help tells all options"
                                         : "--durability none keeps nothing: leave --data away");
    }
    return EXIT_OK;
}

void engine_choice_take(const struct engine_choice *choice, struct mr_engine_options *options)
{
    options->directory = choice->data;
    options->create = true;
    /* One more than asked for: to the engine, 0 is its default. */
    options->lock_wait_ms =
        (uint32_t)(choice->lock_wait < UINT32_MAX ? choice->lock_wait + 1 : UINT32_MAX);
    options->durability = engine_choice_durability(choice);
    options->topology = topologies[choice->topology];
    options->wait = waits[choice->wait];
    options->segment_bytes = choice->segment_size * MIB;
}
