/*
 * Random batches, good and bad, to the ledger and to a naive one, alone or in an image: the same
 * results, events byte for byte, balances, states, totals, the same answers to queries, every
 * invariant; and no money is made or lost. How runs are told what to do: fuzz_rounds.h.
 */
#include "tests/core/fuzz_rounds.h"
#include "tests/core/ledger_random.h"
#include "tests/core/ledger_script.h"

#ifndef FUZZ_COMMANDS
#define FUZZ_COMMANDS 1250000
#endif

struct ledger_seen {
    uint64_t reason[256], odd[LEDGER_ODDITY_COUNT];
    uint64_t commands, batches, expired, in_image, kept, chains_beyond, wrapped;
};

/* So that a fuzzer that no longer reaches something is noticed. */
static void see(struct ledger_seen *seen, const struct ledger_pair *pair,
                const struct ledger_step *steps, uint32_t count)
{
    uint32_t chain = 0;
    seen->commands += count;
    seen->batches++;
    seen->expired += pair->expired_count;
    seen->in_image += pair->setting.in_image ? count : 0;
    seen->wrapped +=
        pair->setting.before_wrap != 0 && pair->naive.now.created > pair->setting.before_wrap;
    seen->kept += pair->naive.now.kept.end - pair->naive.now.kept.first;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = pair->places[i];
        seen->odd[steps[i].odd]++;
        if (place == UINT32_MAX)
            continue;
        seen->reason[pair->answers[place].reason]++;
        bool linked = (steps[i].transfer.flags & MR_LEDGER_LINKED) != 0;
        bool created = pair->answers[place].reason == 0;
        chain = created && linked && steps[i].type == MR_LEDGER_TRANSFER_CREATE ? chain + 1 : 0;
        seen->chains_beyond += chain == pair->setting.config.transfers_max;
    }
}

static bool play(uint64_t seed, uint64_t commands, uint64_t *begun, void *seen)
{
    static struct ledger_step steps[WORLD_BATCH_MAX];
    static struct ledger_world world;
    struct ledger_pair pair;
    ledger_world_open(&world, seed);
    ledger_pair_open(&pair, &world.setting, false);
    bool same = true;
    commands = ledger_world_commands(&world, commands);
    while (*begun < commands && same) {
        uint32_t count = ledger_world_batch(&world, &pair.naive, steps);
        *begun += count;
        same = ledger_pair_batch(&pair, steps, count);
        see(seen, &pair, steps, count);
    }
    same = same && ledger_pair_check(&pair);
    ledger_pair_close(&pair);
    return same;
}

static uint32_t tell(const void *memory)
{
    const struct ledger_seen *seen = memory;
    uint32_t missing = fuzz_tell("commands", seen->commands) + fuzz_tell("batches", seen->batches);
    missing += fuzz_tell("commands to an image", seen->in_image);
    missing += fuzz_tell("times a transfer expired", seen->expired);
    missing += fuzz_tell("times a pending transfer was beyond the window", seen->kept);
    missing += fuzz_tell("times a chain was created that is longer than it", seen->chains_beyond);
    missing += fuzz_tell("batches after ordinals had begun again", seen->wrapped);
    for (uint32_t odd = ODD_NOTHING + 1; odd < LEDGER_ODDITY_COUNT; odd++)
        missing += fuzz_tell("odd commands", seen->odd[odd]);
    missing += fuzz_tell("created", seen->reason[0]);
    missing += fuzz_tell_reasons(&fuzz_ledger, seen->reason, MR_LEDGER_LINKED_EVENT_FAILED,
                                 MR_LEDGER_BAD_FILTER - 1);
    return missing;
}

int main(int argc, char **argv)
{
    static const struct fuzz_rounds rounds = {
        .logic = &fuzz_ledger,
        .claim = "the_ledger_does_what_the_naive_one_does",
        .commands = FUZZ_COMMANDS,
        .commands_of_round = 4000,
        .commands_to_see_all = 1250000,
        .seen_size = sizeof(struct ledger_seen),
        .play = play,
        .tell = tell,
    };
    return fuzz_rounds_main(&rounds, argc, argv);
}
