/*
 * Random commands, good and bad, to the book and to a naive one: the same reasons, the same reports
 * byte for byte, the same answers to queries, every invariant; and what consumers keep from the
 * reports alone is what the book holds. How runs are told what to do: fuzz_rounds.h.
 */
#include "tests/core/book_random.h"
#include "tests/core/book_script.h"
#include "tests/core/fuzz_rounds.h"

#ifndef FUZZ_COMMANDS
#define FUZZ_COMMANDS 1000000
#endif

struct book_seen {
    uint64_t reason[256], event[256], cause[256], action[256];
    uint64_t commands, expired, expired_turns, turns;
};

/* So that a fuzzer that no longer reaches something is noticed. */
static void see(struct book_seen *seen, const struct book_pair *pair)
{
    seen->commands++;
    seen->reason[pair->naive_reason]++;
    seen->expired += pair->expired != 0;
    seen->expired_turns += pair->expired > NAIVE_STEP_ORDERS;
    seen->turns += pair->expired == 0 && pair->turns > 1;
    for (uint32_t i = 0; i < pair->naive_log.count; i++) {
        const union mr_book_report *report = &pair->naive_log.reports[i].report;
        seen->event[report->any.type]++;
        if (report->any.type == MR_BOOK_ORDER_CANCELLED)
            seen->cause[report->cancelled.cause]++;
        else if (report->any.type == MR_BOOK_ORDER_REJECTED)
            seen->action[report->rejected.action]++;
        else if (report->any.type == MR_BOOK_SETUP_REJECTED)
            seen->action[report->setup_rejected.action]++;
    }
}

static bool play(uint64_t seed, uint64_t commands, uint64_t *begun, void *seen)
{
    struct book_world world;
    struct book_pair pair;
    struct book_step step;
    book_world_open(&world, seed);
    book_pair_open(&pair, &world.setting, false);
    bool same = true;
    while (*begun < commands && same) {
        book_world_step(&world, &pair.naive, &step);
        ++*begun;
        same = book_pair_step(&pair, &step);
        see(seen, &pair);
    }
    same = same && book_pair_check(&pair);
    book_pair_close(&pair);
    return same;
}

static uint32_t tell_counts(const char *of, const uint64_t *counts, uint32_t first, uint32_t last)
{
    uint32_t missing = 0;
    for (uint32_t i = first; i <= last; i++) {
        printf("  %10llu %s %u\n", (unsigned long long)counts[i], of, i);
        missing += counts[i] == 0;
    }
    return missing;
}

static uint32_t tell(const void *memory)
{
    const struct book_seen *seen = memory;
    printf("  %10llu commands, %llu of several turns\n", (unsigned long long)seen->commands,
           (unsigned long long)seen->turns);
    printf("  %10llu times orders expired, %llu of several turns\n",
           (unsigned long long)seen->expired, (unsigned long long)seen->expired_turns);
    uint32_t missing = seen->turns == 0 || seen->expired_turns == 0;
    missing += fuzz_tell("done", seen->reason[0]);
    missing +=
        fuzz_tell_reasons(&fuzz_book, seen->reason, MR_REASON_TIMERS_FULL, MR_REASON_TIMERS_FULL);
    missing += fuzz_tell_reasons(&fuzz_book, seen->reason, MR_BOOK_UNKNOWN_INSTRUMENT,
                                 MR_BOOK_TICK_TABLE_FULL);
    missing += tell_counts("events of type", seen->event, MR_BOOK_INSTRUMENT_DEFINED,
                           MR_BOOK_ORDERS_CANCELLED);
    missing += tell_counts("orders cancelled for cause", seen->cause, 0, MR_BOOK_CANCEL_BLOCKED);
    missing += tell_counts("rejects of action", seen->action, 0, MR_BOOK_ACTION_ORDERS_CANCEL);
    return missing;
}

int main(int argc, char **argv)
{
    static const struct fuzz_rounds rounds = {
        .logic = &fuzz_book,
        .claim = "the_book_does_what_the_naive_one_does",
        .commands = FUZZ_COMMANDS,
        .commands_of_round = 10000,
        .commands_to_see_all = 1000000,
        .seen_size = sizeof(struct book_seen),
        .play = play,
        .tell = tell,
    };
    return fuzz_rounds_main(&rounds, argc, argv);
}
