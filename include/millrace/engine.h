/*
 * <millrace/engine.h>: durable, recoverable business logic in one process.
 *
 * An engine takes commands from any number of threads, puts them in one order, journals them,
 * applies them to the logic's memory image, and gives back events and answers. A producer chooses
 * when it hears back:
 *
 *   accepted   mr_engine_submit returned MR_OK: the command is in the input ring, and its ticket
 *              says where. A crash may still lose it.
 *   durable    mr_engine_stage(ticket) >= MR_STAGE_DURABLE: on stable storage; it will be applied,
 *              whatever happens to this process.
 *   applied    its answer is there: durable, applied, and this is the result.
 *
 * Answers and events come out in sequence order and never before the command is durable. They can
 * be had in four ways, of which an embedder chooses what fits:
 *
 *   polled     mr_engine_poll, on a thread of the embedder's: everything, in order
 *   called     options.handlers: everything, in order, on the engine's apply thread
 *   awaited    mr_engine_call with a future: one command's answer, polled, called or waited for
 *   subscribed mr_engine_subscribe: everything from now on, for each subscriber at its own pace
 *
 *     mr_engine_open(&options, &engine, &error);      recovers what is there
 *     mr_engine_start(engine, &error);                its threads
 *     mr_engine_submit(...), mr_engine_poll(...)
 *     mr_engine_stop(engine, &error);                 journals what was accepted, ends the threads
 *     mr_engine_close(engine);
 *
 * The directory is the truth: opening it again gives the same state. The library prints nothing:
 * failures are values, and what else there is to say goes to options.log.
 */
#ifndef MILLRACE_ENGINE_H
#define MILLRACE_ENGINE_H

#include <millrace/agent.h>
#include <millrace/clock.h>
#include <millrace/image.h>
#include <millrace/journal.h>
#include <millrace/log.h>
#include <millrace/logic.h>
#include <millrace/park.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct mr_storage;
struct mr_engine;

enum { MR_ENGINE_STAGES = 3 }; /* 0 sequence, 1 journal, 2 apply */

/* Who is told of events and answers; NULL: that kind is skipped. */
struct mr_engine_handlers {
    void (*event)(void *context, const struct mr_event *event);
    void (*answer)(void *context, const struct mr_answer *answer);
    void *context;
};

/* Where events and answers go, besides futures and subscribers. */
enum mr_output {
    MR_OUTPUT_POLL,     /* to mr_engine_poll; when nobody polls, the engine answers `busy` */
    MR_OUTPUT_CALLBACK, /* to options.handlers, on the apply thread, which waits for them */
    MR_OUTPUT_NONE,     /* nowhere */
};

/* On which CPUs the engine's threads run. */
enum mr_affinity {
    /* Where threads spin or yield, finds out at start which CPU serves the disk, and keeps them off
     * it; elsewhere as NONE. A thread that spins there costs the disk thirty times its latency. */
    MR_AFFINITY_AUTO,
    MR_AFFINITY_NONE,  /* wherever the system puts them */
    MR_AFFINITY_FIXED, /* each stage's thread on the CPU that `cpus` names */
};

/* All zero is valid but for `logic` and one of `directory` and `storage` (with durability NONE:
 * neither). */
struct mr_engine_options {
    /* Where. */
    const char *directory;        /* made if it is missing and `create` is set */
    struct mr_storage *storage;   /* instead of `directory`: the caller's, for simulation */
    const struct mr_clock *clock; /* NULL: the machine's wall clock; stays the caller's */
    bool create;                  /* false: the directory must hold a journal */
    uint32_t lock_wait_ms;        /* how long to wait for another process to let go; 0: 5,000 */

    /* What. Of a new journal these become its genesis; of an existing one only the logic's name is
     * compared: its genesis decides. */
    const struct mr_logic *logic; /* the newest version; see struct mr_logic, `previous` */
    const void *config;           /* the logic's configuration, NULL: its defaults */
    enum mr_clock_kind clock_kind;
    uint32_t sessions_max;    /* 0: 64 */
    uint32_t answers_max;     /* 0: 1,024 */
    uint32_t timers_max;      /* 0: 1,024 */
    uint64_t session_idle_ns; /* a session that sends nothing for so long is closed; 0: never */
    uint8_t journal_id[MR_JOURNAL_ID_SIZE]; /* all zero: a random one */
    /* Instead of all these: the whole genesis command of another journal (of a dump); NULL: no. */
    const struct mr_command *genesis;

    /* How. */
    /* What MR_STAGE_DURABLE and every answer promise; 0: stable storage. See
     * <millrace/journal.h>. */
    enum mr_durability durability;
    uint64_t space_low_bytes;  /* below this mr_engine_space_low says so; 0: eight segments */
    enum mr_topology topology; /* threads of mr_engine_start; 0: two */
    enum mr_wait_kind wait;    /* of idle threads; 0: park, which leaves the core to the disk */
    uint32_t input_slots;      /* power of two; 0: 16,384, which holds two largest batches */
    uint32_t output_slots;     /* power of two; 0: 8,192 */
    /* Power of two: futures that are on their way from sequencer to apply at once (more than that
     * wait in the input ring), and so of one batch; 0: 4,096. */
    uint32_t futures_max;
    uint32_t queries_max;      /* power of two: queries waiting at once; 0: 64 */
    uint32_t frames_in_flight; /* 0: 4 */
    uint64_t segment_bytes;    /* 0: 64 MiB */
    /* Timers fire when they are due, also when nothing comes in: an idle engine sends itself a TICK
     * then (not where the clock is the input's: time stands still there). Besides, it sends one
     * after so much idle time; 0: none. */
    uint64_t tick_ns;
    enum mr_output output;
    /* Of MR_OUTPUT_CALLBACK. They are to be quick, and may call nothing of the engine but submit,
     * call, query, stage and what else is wait-free; and not repeat what was answered `busy` there:
     * it is this thread that makes room. */
    struct mr_engine_handlers handlers;
    enum mr_affinity affinity;
    uint32_t cpus[MR_ENGINE_STAGES]; /* of FIXED; stages that share a thread name the same */
    const char *name; /* threads are called NAME-sequence and so on (15 bytes); NULL: "mr" */
    struct mr_log log;
    /* Counters that other processes can read, see <millrace/counters.h>: a file of this path; NULL:
     * DIRECTORY/counters, or none where there is no directory. "" : none. Trouble with it is logged
     * and disables it. */
    const char *counters;
    /* Called now and then while recovery replays the journal; NULL: not. */
    void (*progress)(void *context, uint64_t sequence, uint64_t last_sequence);
    void *progress_context;
};

/* How far a command has come. */
enum mr_stage { MR_STAGE_ACCEPTED, MR_STAGE_DURABLE, MR_STAGE_APPLIED };

/* Takes the directory's lock; recovers the journal (a torn tail is archived and zeroed, damage is
 * refused) and replays it, or makes a new one; allocates all memory. On success *engine is ready to
 * start. MR_E_NOT_FOUND (no journal, and not to create one), MR_E_MISMATCH (another logic),
 * MR_E_VERSION, MR_E_CORRUPT (nothing was changed), MR_E_DIVERGED (the replay gives other events
 * than were recorded), MR_E_BUSY (locked), MR_E_INVALID (options), MR_E_IO, MR_E_NO_SPACE,
 * MR_E_READ_ONLY, MR_E_NO_MEMORY. */
int mr_engine_open(const struct mr_engine_options *options, struct mr_engine **engine,
                   struct mr_error *error);

/* What recovery found and did, and how long it and the replay took. Valid after open. */
struct mr_engine_recovery {
    struct mr_recovery journal;
    bool created;       /* a new journal: there was nothing to recover */
    uint64_t replay_ns; /* applying what was found */
};
const struct mr_engine_recovery *mr_engine_recovery_get(const struct mr_engine *engine);

/* Starts the engine's threads. Once: when it fails, the engine has ended, futures and queries that
 * were accepted are completed, and what is left is to close it. The codes of opening the journal
 * for writing. */
int mr_engine_start(struct mr_engine *engine, struct mr_error *error);

/* By hand instead of start: no threads; the caller steps. begin as start; step calls one of the
 * stages (0 sequence, 1 journal, 2 apply) once and returns how much it did, 0: nothing, negative:
 * it has failed earlier (mr_engine_failure says so at once). The very same code, for tests and
 * simulation. */
int mr_engine_begin(struct mr_engine *engine, struct mr_error *error);
int64_t mr_engine_step(struct mr_engine *engine, uint32_t stage);

/* Puts a copy of `command` into the input ring. The caller fills in type, version, role, length,
 * session, request, correlation, cause, the body, and, where the clock is the input's, time_ns; the
 * sequencer gives sequence, time and `more`. MR_OK; MR_AGAIN: busy, the ring is full, nothing has
 * happened; MR_E_INVALID: length is not a multiple of 8, or below the header's, or above what a
 * slot holds (the logic's largest command, or one of the engine's own where that is longer);
 * MR_E_FENCED: the engine has failed or is stopping, see mr_engine_failure; MR_E_VERSION: a
 * logic_upgrade to a version that this program does not carry, or to which the image cannot be
 * migrated. `ticket` (may be NULL) names the command for mr_engine_stage. Any thread; lock-free. */
int mr_engine_submit(struct mr_engine *engine, const struct mr_command *command, uint64_t *ticket);

/* Submits `count` commands (1 to 8,190 and 2 MiB) as one batch: they take consecutive sequences
 * and one time (where the clock is the input's, the first one's), and a crash keeps all of them or
 * none. The journal says where a batch ends (`more` in the header of all commands but its last),
 * so that the logic may look ahead in it (mr_command_next), in every replay as at first. `ticket`
 * is the first one's, the others follow densely. Codes as mr_engine_submit, MR_E_LIMIT when the
 * batch is too large. */
int mr_engine_submit_batch(struct mr_engine *engine, const struct mr_command *const *commands,
                           uint32_t count, uint64_t *ticket);

/* -- Futures. ---------------------------------------------------------------------------------- */

/* The answer to one command, to come. The caller's memory: all zero but for `done`, `context`, and
 * it stays where it is until the future is complete. It becomes complete once: with the answer, or
 * with the code of what ended the engine before (then it is not known whether the command took
 * effect: open again, send it again with the same request, and the answer tells). */
struct mr_future {
    /* Called when it is complete, on the apply thread, one after another in sequence order, so in
     * order within a session. Those that are left when the engine ends are called still one after
     * another, but on whichever thread finds them: the one that stops it, one of the engine's, or
     * one in mr_engine_call. From the call on the engine does not touch the future: it may be freed
     * or used again in there. Either be called or wait: with both, the wait may be over before this
     * has run. What it may call: as options.handlers. NULL: nobody. */
    void (*done)(void *context, struct mr_future *future);
    void *context;

    /* The engine's. */
    uint64_t ticket;
    struct mr_answer answer; /* valid once complete with MR_OK */
    int status;              /* MR_OK or a code, once complete */
    struct mr_park park; /* where those wait who wait for it; beyond MR_PARK_OCCUPIED: complete */
};

/* As mr_engine_submit, and the answer comes to `future`, also while mr_engine_call is still on its
 * way back. Unless it returns MR_OK, the future is untouched. Any thread; lock-free.
 *
 * When the engine has just failed or is stopping, the call itself may find it ended. Then it calls
 * `done`, of this future and of other callers' futures, on this thread and before it returns (or
 * another thread, which is doing so, calls them). So hold no lock around mr_engine_call that any
 * `done` takes. */
int mr_engine_call(struct mr_engine *engine, const struct mr_command *command,
                   struct mr_future *future);
/* As mr_engine_submit_batch, MR_E_LIMIT also above futures_max; futures[i] is of commands[i]. */
int mr_engine_call_batch(struct mr_engine *engine, const struct mr_command *const *commands,
                         uint32_t count, struct mr_future *futures);

/* True when it is complete: `status` and `answer` are there to be read. Any thread; wait-free. */
static inline bool mr_future_ready(const struct mr_future *future)
{
    /* Acquire: pairs with the release of whoever completed it. The word says both that somebody
     * sleeps and that it is complete, so that completing it is one last touch: the caller may drop
     * it as soon as it is ready. */
    return mr_atomic_load(&future->park.word, acquire) > MR_PARK_OCCUPIED;
}

/* Waits until it is complete, for at most `timeout_ns` (0: for ever). MR_OK or another of its
 * `status`; MR_AGAIN: the time is over. Any thread but the engine's own; blocking. Not where the
 * engine is stepped by hand. */
int mr_future_wait(struct mr_future *future, uint64_t timeout_ns);

/* -- Waiting. None of these is needed by those who poll. --------------------------------------- */

/* Waits until the command with this ticket has come to `stage`, for at most `timeout_ns` (0: for
 * ever). MR_OK; MR_AGAIN: the time is over; else the code of what ended the engine. Any thread but
 * the engine's own; blocking. */
int mr_engine_await(struct mr_engine *engine, uint64_t ticket, enum mr_stage stage,
                    uint64_t timeout_ns);
/* The same until the input ring has room for `count` commands. What room there is, others may take:
 * submit may still say `busy`. */
int mr_engine_await_room(struct mr_engine *engine, uint32_t count, uint64_t timeout_ns);
/* The same until mr_engine_poll has something to take. */
int mr_engine_await_output(struct mr_engine *engine, uint64_t timeout_ns);

/* Leaves the core to others for some 50 us: for a thread that was told `busy` or polled nothing.
 * Where cores are few, spinning instead, with or without sched_yield, takes the core from the
 * engine's threads and the kernel's disk workers and costs two thirds of the throughput
 * (docs/BENCHMARKS.md). Any thread; blocking. */
void mr_engine_pause(void);

/* How far the command with this ticket has come. Any thread; wait-free. */
enum mr_stage mr_engine_stage(const struct mr_engine *engine, uint64_t ticket);

/* The last sequence that is on stable storage, and the last that was applied. Any thread;
 * wait-free. */
uint64_t mr_engine_durable_sequence(const struct mr_engine *engine);
uint64_t mr_engine_applied_sequence(const struct mr_engine *engine);

/* True when the file system has little room left for the journal; `bytes` (may be NULL) gets how
 * much. Long before it is needed: when none is left, the engine stops with MR_E_NO_SPACE. Any
 * thread; wait-free. */
bool mr_engine_space_low(const struct mr_engine *engine, uint64_t *bytes);

/* Takes up to `limit` events and answers, in order, and calls back for each (NULL: skip that kind,
 * or all).
 * Returns how many it took. One thread at a time; wait-free but for the callbacks. Whoever embeds
 * an engine must poll: when nobody does, the output ring fills and the engine answers `busy`. */
uint32_t mr_engine_poll(struct mr_engine *engine, const struct mr_engine_handlers *handlers,
                        uint32_t limit);

/* -- Subscribers. ------------------------------------------------------------------------------ */

/* Each sees every event and answer from the moment it subscribed, at its own pace: for answers to
 * clients, event logs, read models. Like mr_engine_poll, one that does not read holds the engine up
 * when the output ring is full: whoever serves strangers must read on, whatever they do. */
struct mr_subscriber;

enum { MR_SUBSCRIBERS_MAX = 8 };

/* MR_E_LIMIT: there are MR_SUBSCRIBERS_MAX; MR_E_NO_MEMORY. Any thread; may block for a moment.
 * `engine` outlives the subscriber. */
int mr_engine_subscribe(struct mr_engine *engine, struct mr_subscriber **subscriber,
                        struct mr_error *error);
void mr_engine_unsubscribe(struct mr_subscriber *subscriber);
/* As mr_engine_poll. By one thread at a time, as all of a subscriber; its handlers must not end
 * it. */
uint32_t mr_subscriber_poll(struct mr_subscriber *subscriber,
                            const struct mr_engine_handlers *handlers, uint32_t limit);
/* As mr_engine_await_output. */
int mr_subscriber_await(struct mr_subscriber *subscriber, uint64_t timeout_ns);
/* For those who wait in poll(2) or epoll: a descriptor that becomes readable when there is
 * something to take, once mr_subscriber_arm has been called and returned true (false: there is
 * something already, or the engine has failed or ended; do not wait). Reading it is not needed. It
 * is the engine's: take it out of an epoll set before unsubscribing. -1: the system gives none. */
int mr_subscriber_fd(struct mr_subscriber *subscriber);
bool mr_subscriber_arm(struct mr_subscriber *subscriber);

/* -- Queries. ---------------------------------------------------------------------------------- */

/* A query and its result. The caller's memory, all zero but for the first part; it stays where it
 * is until the call is complete. */
struct mr_query_call {
    const struct mr_query *query;
    void *rows; /* room for them, aligned to 8 */
    uint32_t rows_size;
    void (*done)(void *context, struct mr_query_call *call); /* as of a future; NULL: nobody */
    void *context;

    /* The engine's. */
    struct mr_reply reply; /* valid once complete with MR_OK */
    int status;            /* MR_OK, or what ended the engine before */
    struct mr_park park;   /* as of a future */
};

/* Asks: the apply thread answers between two commands, and says which sequence it saw (not before
 * query->not_before, which makes a session read its own writes). Only what is durable is ever seen.
 * MR_OK: it will be complete; MR_AGAIN: queries_max are waiting; MR_E_INVALID: its length;
 * MR_E_FENCED. Any thread; lock-free. As mr_engine_call, it may find the engine ended, and then
 * calls `done` of queries that are left, on this thread and before it returns. */
int mr_engine_query(struct mr_engine *engine, struct mr_query_call *call);
static inline bool mr_query_ready(const struct mr_query_call *call)
{
    /* Acquire: pairs with the release of whoever completed it. */
    return mr_atomic_load(&call->park.word, acquire) > MR_PARK_OCCUPIED;
}
/* As mr_future_wait. A query that is waited for longer than that goes on; its memory stays in
 * use. */
int mr_query_wait(struct mr_query_call *call, uint64_t timeout_ns);

/* -- One thing after another. ------------------------------------------------------------------ */

/* Submits `command` and waits until it is applied. Where the output goes to mr_engine_poll, polls
 * meanwhile, with `handlers` (NULL: nobody) called back for everything that comes out. *answer (may
 * be NULL) is the command's. For programs that do one thing after another, set-up and tests.
 * MR_E_INVALID, MR_E_FENCED or the engine's failure. The polling thread; blocking, steps the stages
 * itself when begun by hand. */
int mr_engine_execute(struct mr_engine *engine, const struct mr_command *command,
                      const struct mr_engine_handlers *handlers, struct mr_answer *answer,
                      struct mr_error *error);

/* Opens session `id` (not 0) for `role`, unless the image has it already; *last_request (may be
 * NULL) is where its numbers have come to, 0 for a new one. As mr_engine_execute, MR_E_MISMATCH
 * when it exists with another role, MR_E_LIMIT when there can be no more, or the number was that of
 * a session that is gone. Before anything of that session is submitted. */
int mr_engine_session(struct mr_engine *engine, uint64_t id, enum mr_role role,
                      uint64_t *last_request, struct mr_error *error);

/* Closes a session, which forgets its answers. MR_E_NOT_FOUND when there is none. As
 * mr_engine_execute. */
int mr_engine_session_close(struct mr_engine *engine, uint64_t id, struct mr_error *error);

/* Switches to a newer version of the logic that options.logic carries (through `previous`): a
 * journaled command, so that every replay switches at the same place. Commands before it are
 * applied by the old version, those behind it by the new one; migrating the state takes what it
 * takes, and memory for a second image meanwhile. MR_E_VERSION: this program does not carry that
 * version, or the image cannot be migrated to it (nothing was journaled); MR_E_EXISTS: it applies
 * already, or a newer one does; else as mr_engine_execute. */
int mr_engine_upgrade(struct mr_engine *engine, uint32_t version, struct mr_error *error);

/* When the next timer is due, UINT64_MAX: none is set. As of the last command applied. Any thread;
 * wait-free. */
uint64_t mr_engine_next_timer(const struct mr_engine *engine);

/* True when all that was accepted is applied, and polled where the output goes to mr_engine_poll
 * (handlers have returned by then; a subscriber who finds nothing after this has had all). After a
 * failure it may never be: look at mr_engine_failure, too, when waiting for it. Any thread;
 * wait-free. */
bool mr_engine_drained(const struct mr_engine *engine);

/* MR_OK while all is well, else the code (and, in `error`, the story) of the failure that stopped
 * the engine. Any thread. */
int mr_engine_failure(const struct mr_engine *engine, struct mr_error *error);

/* Refuses further commands, journals and applies what was accepted, and ends the threads. It does
 * not wait for readers: where one of them leaves the output ring full, what comes after that goes
 * to handlers and futures alone; poll until mr_engine_drained first if every answer is wanted. What
 * a failure left unapplied is applied by the next recovery. Futures and queries that are left are
 * completed. What other threads submit meanwhile is refused, or, where it overtakes the end, as
 * good as lost in a crash: submit before, or use mr_engine_call, whose futures tell. Returns
 * mr_engine_failure. */
int mr_engine_stop(struct mr_engine *engine, struct mr_error *error);

/* Frees everything and releases the lock. After stop, or instead of start. An engine stepped by
 * hand may be closed at any time: that is what a crash looks like to its directory. NULL does
 * nothing. */
void mr_engine_close(struct mr_engine *engine);

/* -- The image: while no thread runs (before start, after stop, between steps). ---------------- */

/* The image itself, for the functions of <millrace/image.h>. */
const struct mr_image *mr_engine_image(const struct mr_engine *engine);
/* The first command of the journal: the logic that it began with, all limits, its clock and id; its
 * body is a struct mr_genesis (<millrace/common.h>). Any thread; wait-free. */
const struct mr_command *mr_engine_genesis(const struct mr_engine *engine);
/* The version of the logic that applies. */
const struct mr_logic *mr_engine_logic(const struct mr_engine *engine);
/* Digest of the image's used parts. */
struct mr_digest mr_engine_state_digest(const struct mr_engine *engine);
/* Digest of the chain of all events since sequence 1. */
struct mr_digest mr_engine_event_digest(const struct mr_engine *engine);
/* One line on how the storage writes ("DSYNC; buffers registered"). */
const char *mr_engine_storage(const struct mr_engine *engine);

/* -- Replay, without an engine. ---------------------------------------------------------------- */

struct mr_replay;

struct mr_replay_options {
    const char *directory;
    struct mr_storage *storage;           /* instead of `directory` */
    const struct mr_logic *const *logics; /* those that may be needed, ended by NULL */
    uint64_t to; /* stop after this sequence; 0: the last that recovery would keep */
    /* Called for every event and answer; NULL: not. */
    struct mr_engine_handlers handlers;
    /* Called for every command, in front of its events; with the handlers' context. NULL: not. */
    void (*command)(void *context, const struct mr_command *command);
    /* Called behind every entry of the journal, between batches, to look at the image as it is then
     * (mr_replay_image, mr_replay_logic); with the handlers' context. What it returns other than
     * MR_OK, with *error filled in, ends the replay. NULL: not. */
    int (*entry)(void *context, const struct mr_replay *replay, struct mr_error *error);
    void (*progress)(void *context, uint64_t sequence, uint64_t last_sequence);
    void *progress_context;
};

/* Applies a directory's journal to a fresh image, writing nothing and taking no lock, and checks
 * every recorded digest on the way. The result is to be freed with mr_replay_close. Codes as
 * mr_engine_open; `damage` (may be NULL) is filled in with MR_E_CORRUPT. */
int mr_replay_open(const struct mr_replay_options *options, struct mr_replay **replay,
                   struct mr_damage *damage, struct mr_error *error);
const struct mr_image *mr_replay_image(const struct mr_replay *replay);
const struct mr_logic *mr_replay_logic(const struct mr_replay *replay);
const struct mr_recovery *mr_replay_plan(const struct mr_replay *replay);
struct mr_digest mr_replay_state_digest(const struct mr_replay *replay);
struct mr_digest mr_replay_event_digest(const struct mr_replay *replay);
/* Recorded digests that were compared, all equal. */
uint64_t mr_replay_digests_checked(const struct mr_replay *replay);
void mr_replay_close(struct mr_replay *replay);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
