/*
 * One simulated world: an engine, stepped by hand, over a simulated disk and clock; clients that
 * send, readers that read or stall; and the oracle that knows better. All that happens follows from
 * the seed.
 *
 * A world has lives. Each begins with recovery (perhaps after a few that were cut off) and ends
 * with a power cut, a kill, a failing disk or an orderly stop. Then the books are settled: the
 * journal's commands are the ones that were sent, in order, batches whole; and what came out of the
 * engine is what the oracle makes of them, to the byte.
 */
#ifndef MR_TESTS_SIMULATOR_WORLD_H
#define MR_TESTS_SIMULATOR_WORLD_H

#include "base/random.h"
#include "tests/simulator/oracle.h"
#include "tests/support/sim_storage.h"

#include <millrace/engine.h>

#include <stdarg.h>
#include <stdio.h>

enum {
    CLIENTS_MAX = 6,
    RECENT_MAX = 64,
    RECENT_BYTES = 192,
    BATCH_MAX = 24,
    PROMISES_MAX = 16,
    QUERIES_MAX = 16,
    ROWS_BYTES = 512,
    FOLLOWERS_MAX = 3,
};

/* What is asked for on the command line. */
struct sim_wish {
    uint64_t seed;
    bool counts;                  /* the counter, in large strides: for speed; else the till */
    uint64_t commands;            /* of the counter: commands in each life */
    uint64_t step_max;            /* the world ends after so many steps; 0: when it likes */
    uint64_t fail_at;             /* pretend that a check fails at this step; 0: no */
    FILE *trace;                  /* every step goes there; NULL: not wanted */
    volatile uint64_t *step_seen; /* is told each step, for when the process ends in it */
};

/* What happened, to show that it did. */
/* clang-format off */
#define SIM_TALLY(X) \
    X(seeds) X(steps) X(lives) X(commands) X(events) \
    X(replayed) X(crashes) X(kills) X(stops) X(faults) \
    X(failed_opens) X(busy) X(batches) X(duplicates) X(too_old) \
    X(rejects) X(expired) X(closed) X(fired) X(cancelled) \
    X(differed) X(upgrades) X(ticks) X(futures) X(queries) \
    X(followed)
/* clang-format on */
#define SIM_TALLY_MEMBER(name) uint64_t name;
#define SIM_TALLY_ADD(name)    sum->name += tally->name;
struct sim_tally {
    SIM_TALLY(SIM_TALLY_MEMBER)
};
static inline void sim_tally_add(struct sim_tally *sum, const struct sim_tally *tally)
{
    SIM_TALLY(SIM_TALLY_ADD)
}

/* A command that was accepted in this life, by its ticket. */
struct sent_command {
    size_t offset;
    uint64_t batch_begin, batch_end; /* the first ticket of its batch, and one past the last */
};
struct sent {
    unsigned char *bytes;
    size_t used, room;
    struct sent_command *items;
    uint64_t count, item_room;
    uint64_t first_ticket;
};

/* How many commands a step of the sequencer took, and what the clock said. */
struct stamp {
    uint64_t commands;
    uint64_t now_ns;
};

/* How far a client has come. */
struct client_place {
    uint64_t session;  /* 0: none was asked for yet */
    uint64_t asked_at; /* the step in which it was asked for */
    uint64_t next_request;
    uint32_t recent_count; /* so many were sent; the last ones are kept */
};
struct client {
    struct client_place at;
    uint8_t role;
    uint64_t recent[RECENT_MAX][RECENT_BYTES / 8]; /* commands */
};

/* How eager everybody is in this life: whoever polls at once hears of what is barely durable,
 * whoever polls rarely lets the rings fill up. */
enum pace {
    PACE_SUBMIT,
    PACE_POLL,
    PACE_TIME,
    PACE_SEQUENCE,
    PACE_JOURNAL,
    PACE_APPLY,
    PACE_ASK,
    PACE_FOLLOW,
    PACE_FAULT,
    PACES,
};

/* A subscriber, and all that it saw. */
struct follower {
    struct mr_subscriber *subscriber; /* NULL: it left */
    struct records seen;
    size_t from; /* where it begins in what came out in this life */
};

/* The futures of one batch. */
struct promises {
    struct world *world;
    struct mr_future futures[BATCH_MAX];
    bool seen[BATCH_MAX];
    uint32_t open; /* not complete yet, 0: free */
    uint32_t count;
    bool calls; /* they call on completion; else they are looked at */
};
/* A query, on its way or answered. */
struct question {
    struct mr_query_call call;
    bool open;
    union {
        struct mr_query header;
        unsigned char bytes[sizeof(struct mr_query) + 16];
    } query;
    uint64_t rows[ROWS_BYTES / 8];
};
struct completion {
    uint64_t ticket;
    int status;
    struct mr_answer answer;
};

struct world {
    struct sim_wish wish;
    struct mr_random random;
    struct mr_sim *sim;
    uint64_t now_ns, now_max_ns;
    struct mr_clock clock;
    struct mr_engine_options options;
    struct mr_engine *engine;
    struct oracle oracle;
    struct records expected; /* of this life */
    struct records all; /* of all lives, in worlds that are replayed to look at what comes out */
    bool keeps_all;
    struct records polled; /* what mr_engine_poll or the callbacks gave in this life */

    uint32_t paces[PACES];
    uint64_t stalled_until; /* the step up to which nobody polls */

    struct client clients[CLIENTS_MAX];
    uint32_t client_count;
    uint64_t next_session;

    struct follower followers[FOLLOWERS_MAX];
    uint32_t follower_count;
    struct promises promises[PROMISES_MAX];
    struct completion *completions;
    uint64_t completion_count, completion_room;
    uint64_t called_next; /* tickets below were called */
    struct question questions[QUERIES_MAX];
    struct question *replies; /* those that were answered in this life, in that order */
    uint64_t reply_count, reply_room;
    bool ending; /* the engine is being stopped or closed */

    struct sent sent;
    struct stamp *stamps;
    uint64_t stamp_count, stamp_room;
    struct mr_answer *answers; /* by ticket of this life, once the books are settled */
    uint64_t answer_count, answer_room;
    uint64_t durable_ticket;   /* tickets below were durable */
    uint64_t durable_sequence; /* was seen */
    bool complete;             /* all that was to come out in the last life did */

    bool quiet;        /* nobody sends from within a callback: they would never end */
    bool timely;       /* most of what is sent sets timers */
    bool bulky;        /* now and then a client sends very much */
    bool failed;       /* the engine said so */
    bool disk_trouble; /* a fault was injected: it may */
    bool cut_short;    /* by wish.step_max */
    uint32_t life;
    uint64_t step, life_steps, life_commands;
    struct sim_tally tally;
};

/* Runs one world from its beginning to its end. A check that fails ends the process. */
void world_run(const struct sim_wish *wish, struct sim_tally *tally);

/* Steps and reads until all that was accepted has come out, or the engine has failed. */
void world_drain(struct world *world);

/* Says what is wrong, where, and how to repeat it; does not come back. */
_Noreturn void world_fail(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define CHECK(world, condition, ...)        \
    do {                                    \
        if (!(condition)) {                 \
            world_fail(world, __VA_ARGS__); \
        }                                   \
    } while (0)

/* A line of the trace, if there is one. */
#define TRACE(world, ...)                    \
    do {                                     \
        if ((world)->wish.trace != NULL) {   \
            world_trace(world, __VA_ARGS__); \
        }                                    \
    } while (0)
void world_trace(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A number from 0 to `bound` - 1, and a coin. */
static inline uint64_t draw(struct world *world, uint64_t bound)
{
    return mr_random_below(&world->random, bound);
}
static inline bool chance(struct world *world, uint64_t numerator, uint64_t denominator)
{
    return mr_random_chance(&world->random, numerator, denominator);
}

/* -- process.c: the engine's process. ---------------------------------------------------------- */

/* Opens the engine, settles the books of the life before, and begins the next one; with trouble,
 * perhaps after some attempts that fail or are cut off. */
void process_open(struct world *world, bool trouble);
/* A call of the disk will fail. */
void process_inject(struct world *world);
/* Refuses further commands, journals and applies what was accepted. */
void process_stop(struct world *world);
void process_close(struct world *world);
/* The process is gone, and perhaps power was. */
void process_lose(struct world *world);
/* Notes a failure of the engine, for which there must be a reason. */
void process_look(struct world *world);
/* The engine's digests go to the trace. */
void process_trace(const struct world *world);

/* -- clients.c: who sends. --------------------------------------------------------------------- */

void clients_init(struct world *world);
/* Sends a command or a batch, new ones or old. */
void clients_submit(struct world *world);
/* Executes one command, and sees its answer. */
void clients_execute(struct world *world);
void clients_begin_life(struct world *world);

/* -- watch.c: who reads. ----------------------------------------------------------------------- */

/* Whoever is called with these writes it all down. */
struct mr_engine_handlers watch_into(struct records *records);
/* Who reads in the next life. */
void watch_choose(struct world *world);
void watch_begin_life(struct world *world);
/* Takes what came out, or some of it; returns how much. */
uint32_t watch_poll(struct world *world, uint32_t limit);
/* Something with a subscriber; all of them take what there is. */
void watch_follow(struct world *world);
void watch_follow_all(struct world *world);
bool watch_has_followers(const struct world *world);
/* A query, or a look at what was promised. */
void watch_ask(struct world *world);
/* Notes how far the engine says it has come. */
void watch_marks(struct world *world);
/* Futures for a batch, NULL: as many as there can be are waited for; back, when it was refused. */
struct mr_future *watch_promise(struct world *world, uint32_t count);
void watch_take_back(struct world *world, const struct mr_future *futures);
void watch_futures(struct world *world);
/* A command's answer, however it came. */
void watch_answered(struct world *world, uint64_t ticket, int status,
                    const struct mr_answer *answer);
/* The engine has stopped; is about to be closed; is gone. */
void watch_stopped(struct world *world);
void watch_leave(struct world *world);
void watch_forget(struct world *world);

/* -- settle.c: the books. ---------------------------------------------------------------------- */

/* After an engine is gone: what its journal holds, up to the entry `last_index`, and what came
 * out, are compared with what was sent and what the oracle says. */
void settle(struct world *world, uint64_t last_index, uint64_t last_sequence);
/* The image of a recovered engine is what the oracle says. */
void settle_image(struct world *world, const struct mr_image *image, const struct mr_logic *logic);

#endif
