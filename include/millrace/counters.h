/*
 * <millrace/counters.h>: what an engine is doing, told to other processes.
 *
 * An engine keeps its counters in a memory-mapped file (options.counters of <millrace/engine.h>, by
 * default DIRECTORY/counters), which anybody who may read it can look into at any time: also when
 * the engine hangs, and after it has died. `millrace stat` does so, and any program can:
 *
 *     mr_counters_open("d/counters", &counters, &error);
 *     mr_counters_snapshot_take(counters, &snapshot);
 *     snapshot.values[MR_COUNTER_applied] ...
 *     mr_counters_close(counters);
 *
 * Looking costs the engine nothing: it is never asked, it never waits, and nothing is locked.
 *
 * What a snapshot is. Each number is a 64-bit word of its own, written with one store and read with
 * one load, so that no number is ever torn. But numbers are read one after the other while the
 * engine goes on, so that two of them need not fit each other: *durable* may be read after
 * *sequenced* and be ahead of it, a histogram's sum may be ahead of its buckets. That does no harm:
 * each is right for itself, at some moment during the call, and the next look is as good. A
 * histogram's count is therefore the sum of its buckets as they were read.
 *
 * The file, little-endian; made whole under another name and renamed, so that whoever finds it
 * finds a complete one. Each life of an engine makes a new one; the one before is kept beside it as
 * NAME.previous, with the errors that it had.
 *
 *     offset  size
 *          0     8  "MRCOUNTS"
 *          8     4  version of this format: 0
 *         12     4  size of this header: 512
 *         16     8  size of the file
 *         24     4  groups of values: 5             28  4  values in a group: 32
 *         32     4  entries of the error log: 32    36  4  size of one: 512
 *         40     4  histograms: 5                   44  4  size of one: 9,856
 *         48     8  offset of the values: 512
 *         56     8  offset of the error log: 2,048
 *         64     8  offset of the histograms: 18,432
 *         72     8  which values and histograms they are: a hash of their names and places
 *         80     4  process id                      84  4  flags: 1: the writer holds a lock
 *         88     8  when that process started, in clock ticks since boot (/proc/PID/stat)
 *         96     8  when the file was made, ns since 1970 (UTC)
 *        104     8  the same moment on CLOCK_MONOTONIC, on which all other times are
 *        112    16  id of the boot (/proc/sys/kernel/random/boot_id)
 *        128    16  id of the journal; zero until it is known
 *        144    32  name of the logic, with zeros behind it
 *        176   336  zero
 *        512  1280  values, 8 bytes each: 5 groups of 32, one group a writer (below)
 *       1792   256  zero
 *       2048 16384  error log: 32 entries
 *      18432 49280  histograms: 5
 *      67712  1920  zero
 *
 *     an entry of the error log                     a histogram
 *          0     4  state: 0 free, 1 being               0     8  count
 *                   written, 2 there                      8     8  sum
 *          4     4  code (enum mr_status)                16     8  least, UINT64_MAX: none
 *          8     4  level (enum mr_log_level)            24     8  largest
 *         12     4  zero                                 32    96  zero
 *         16     8  how often                           128  9728  1,216 buckets
 *         24     8  first time, ns since 1970
 *         32     8  last time
 *         40    32  place, with zeros behind it
 *         72   440  text of the first time, with zeros behind it
 *
 * The lock is one of the open file (F_OFD_SETLK), on the whole of it, which the engine holds for as
 * long as it lives. It needs no clean-up and no process id: the kernel takes it away from the dead,
 * and a copy of the file has none.
 */
#ifndef MILLRACE_COUNTERS_H
#define MILLRACE_COUNTERS_H

#include <millrace/error.h>
#include <millrace/log.h>

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* -- The list: all that there is, once. Everything else follows from it: file, reader, JSON,
 * OpenMetrics, documentation. ---------------------------------------------------------------------
 *
 * name, OpenMetrics family without "millrace_" (a counter's without "_total"), its labels, kind,
 * unit, meaning. The order is the order in the file; a group has one writer. */

/* By any thread (added to, not stored), seldom. */
#define MR_COUNTERS_SHARED(X)                                                                 \
    X(state, "state", "", GAUGE, NONE, "What the engine is doing: see enum mr_engine_state.") \
    X(state_since, "state_timestamp_seconds", "", TIME, NS, "Since when it is doing that.")   \
    X(busy, "busy_answers", "", COUNTER, NONE,                                                \
      "Submissions that were answered busy: the input ring was full.")                        \
    X(errors, "errors", "", COUNTER, NONE, "Warnings and errors, all in all.")                \
    X(errors_dropped, "errors_not_listed", "", COUNTER, NONE,                                 \
      "Of these: kinds that found no room in the error log.")

/* By the thread that opens, starts and stops the engine. */
#define MR_COUNTERS_ENGINE(X)                                                                  \
    X(durability, "durability", "", GAUGE, NONE,                                               \
      "What durable means: 0 stable storage, 1 page cache, 2 nothing is kept.")                \
    X(threads, "threads", "", GAUGE, NONE, "Threads of the engine; 0: it is stepped by hand.") \
    X(input_slots, "ring_slots", "ring=\"input\"", GAUGE, NONE, "Room in each ring.")          \
    X(block_slots, "ring_slots", "ring=\"blocks\"", GAUGE, NONE, "Room in each ring.")         \
    X(output_slots, "ring_slots", "ring=\"output\"", GAUGE, NONE, "Room in each ring.")        \
    X(recovery_sequence, "recovery_sequence", "", GAUGE, NONE,                                 \
      "How far recovery has replayed the journal.")                                            \
    X(recovery_last, "recovery_last_sequence", "", GAUGE, NONE,                                \
      "How far it has to; 0: it is still reading, or there was nothing to recover.")           \
    X(recovery_ns, "recovery_seconds", "", GAUGE, NS,                                          \
      "How long recovery took, reading and replaying.")

/* By the stage that gives commands their sequence. */
#define MR_COUNTERS_SEQUENCE(X)                                                                    \
    X(sequence_heartbeat, "stage_heartbeat_timestamp_seconds", "stage=\"sequence\"", TIME, NS,     \
      "When the stage was seen at work, or idle, for the last time.")                              \
    X(sequence_turns, "stage_turns", "stage=\"sequence\"", COUNTER, NONE, "Turns of the stage.")   \
    X(sequence_busy, "stage_busy_turns", "stage=\"sequence\"", COUNTER, NONE,                      \
      "Turns in which it had something to do.")                                                    \
    X(sequence_sleeps, "stage_sleeps", "stage=\"sequence\"", COUNTER, NONE,                        \
      "How often its thread went to sleep; stages that share a thread share the number.")          \
    X(accepted, "accepted_commands", "", COUNTER, NONE,                                            \
      "Commands accepted into the input ring in this life: the next ticket.")                      \
    X(sequenced, "sequence", "at=\"sequenced\"", GAUGE, NONE,                                      \
      "The last sequence that was given, is durable, is applied.")                                 \
    X(input_used, "ring_used_slots", "ring=\"input\"", GAUGE, NONE, "Slots of each ring in use.")  \
    X(block_used, "ring_used_slots", "ring=\"blocks\"", GAUGE, NONE, "Slots of each ring in use.") \
    X(batches, "batches", "", COUNTER, NONE, "Batches submitted; a single command counts as one.") \
    X(ticks, "ticks", "", COUNTER, NONE, "TICKs that the engine sent itself.")

/* By the stage that writes blocks to the disk. */
#define MR_COUNTERS_JOURNAL(X)                                                                   \
    X(journal_heartbeat, "stage_heartbeat_timestamp_seconds", "stage=\"journal\"", TIME, NS,     \
      "When the stage was seen at work, or idle, for the last time.")                            \
    X(journal_turns, "stage_turns", "stage=\"journal\"", COUNTER, NONE, "Turns of the stage.")   \
    X(journal_busy, "stage_busy_turns", "stage=\"journal\"", COUNTER, NONE,                      \
      "Turns in which it had something to do.")                                                  \
    X(journal_sleeps, "stage_sleeps", "stage=\"journal\"", COUNTER, NONE,                        \
      "How often its thread went to sleep; stages that share a thread share the number.")        \
    X(durable, "sequence", "at=\"durable\"", GAUGE, NONE,                                        \
      "The last sequence that was given, is durable, is applied.")                               \
    X(blocks, "journaled_blocks", "", COUNTER, NONE, "Blocks handed to the journal.")            \
    X(journaled_bytes, "journaled_bytes", "", COUNTER, BYTES,                                    \
      "Bytes of frames that hold these blocks.")                                                 \
    X(blocks_in_flight, "blocks_in_flight", "", GAUGE, NONE, "Blocks on their way to the disk.") \
    X(space_low, "space_low", "", GAUGE, NONE,                                                   \
      "1: the disk has little room for the journal left.")                                       \
    X(space_left_bytes, "space_left_bytes", "", GAUGE, BYTES, "How much it has, while that is so.")

/* By the stage that applies commands. */
#define MR_COUNTERS_APPLY(X)                                                                 \
    X(apply_heartbeat, "stage_heartbeat_timestamp_seconds", "stage=\"apply\"", TIME, NS,     \
      "When the stage was seen at work, or idle, for the last time.")                        \
    X(apply_turns, "stage_turns", "stage=\"apply\"", COUNTER, NONE, "Turns of the stage.")   \
    X(apply_busy, "stage_busy_turns", "stage=\"apply\"", COUNTER, NONE,                      \
      "Turns in which it had something to do.")                                              \
    X(apply_sleeps, "stage_sleeps", "stage=\"apply\"", COUNTER, NONE,                        \
      "How often its thread went to sleep; stages that share a thread share the number.")    \
    X(applied, "sequence", "at=\"applied\"", GAUGE, NONE,                                    \
      "The last sequence that was given, is durable, is applied.")                           \
    X(output_used, "ring_used_slots", "ring=\"output\"", GAUGE, NONE,                        \
      "Slots of each ring in use.")                                                          \
    X(events, "events", "", COUNTER, NONE, "Events since the journal began.")                \
    X(rejects, "rejects", "", COUNTER, NONE,                                                 \
      "Commands that were rejected since the journal began.")                                \
    X(logic_version, "logic_version", "", GAUGE, NONE, "Version of the logic that applies.") \
    X(sessions, "sessions", "", GAUGE, NONE, "Sessions that are open.")                      \
    X(timers, "timers", "", GAUGE, NONE,                                                     \
      "Timers that are set, those of sessions that may expire included.")                    \
    X(futures, "futures_outstanding", "", GAUGE, NONE,                                       \
      "Commands with a sequence whose answer a future waits for.")                           \
    X(queries, "queries", "", COUNTER, NONE, "Queries that were answered.")                  \
    X(queries_waiting, "queries_waiting", "", GAUGE, NONE, "Queries not yet answered.")      \
    X(subscribers, "subscribers", "", GAUGE, NONE, "Readers that have subscribed.")

/* All groups; a group's writer is the second argument of each. */
#define MR_COUNTERS_GROUPS(G)         \
    G(MR_COUNTERS_SHARED, SHARED)     \
    G(MR_COUNTERS_ENGINE, ENGINE)     \
    G(MR_COUNTERS_SEQUENCE, SEQUENCE) \
    G(MR_COUNTERS_JOURNAL, JOURNAL)   \
    G(MR_COUNTERS_APPLY, APPLY)

/* name, family, unit, meaning. Each has one writer, too. */
#define MR_COUNTERS_HISTOGRAMS(X)                                     \
    X(batch_commands, "batch_commands", NONE, "Commands in a batch.") \
    X(block_commands, "block_commands", NONE, "Commands in a block.") \
    X(block_bytes, "block_bytes", BYTES, "Bytes of a block's frame.") \
    X(disk_ns, "disk_latency_seconds", NS,                            \
      "From handing a block to the journal until it is durable.")     \
    X(apply_ns, "apply_latency_seconds", NS,                          \
      "Applying a block, or as much of it as one turn does (512 commands).")

enum { MR_COUNTERS_GROUP_SLOTS = 32 };
#define MR_COUNTERS_GROUP_ENUM(list, group) MR_COUNTERS_##group##_GROUP,
enum { MR_COUNTERS_GROUPS(MR_COUNTERS_GROUP_ENUM) MR_COUNTERS_GROUP_COUNT };
#undef MR_COUNTERS_GROUP_ENUM

/* Places of the values in the file and in a snapshot: MR_COUNTER_applied and so on. */
#define MR_COUNTERS_ID(name, family, labels, kind, unit, help) MR_COUNTER_##name,
#define MR_COUNTERS_IDS(list, group)                                                        \
    MR_COUNTERS_BEFORE_##group = MR_COUNTERS_##group##_GROUP * MR_COUNTERS_GROUP_SLOTS - 1, \
    list(MR_COUNTERS_ID)
enum mr_counter { MR_COUNTERS_GROUPS(MR_COUNTERS_IDS) };
#undef MR_COUNTERS_IDS
#undef MR_COUNTERS_ID
enum { MR_COUNTERS_PLACES = MR_COUNTERS_GROUP_COUNT * MR_COUNTERS_GROUP_SLOTS };

#define MR_COUNTERS_ID(name, family, unit, help) MR_HISTOGRAM_##name,
enum mr_counters_histogram_id {
    MR_COUNTERS_HISTOGRAMS(MR_COUNTERS_ID) MR_COUNTERS_HISTOGRAM_COUNT
};
#undef MR_COUNTERS_ID

enum mr_counter_kind {
    MR_COUNTER_KIND_COUNTER, /* only ever grows within a life */
    MR_COUNTER_KIND_GAUGE,   /* goes up and down */
    MR_COUNTER_KIND_TIME,    /* a moment; in a snapshot: ns since 1970 (UTC), 0: never */
};
enum mr_counter_unit { MR_COUNTER_UNIT_NONE, MR_COUNTER_UNIT_BYTES, MR_COUNTER_UNIT_NS };

/* A line of the list. Static storage. */
struct mr_counter_info {
    const char *name;
    const char *family;
    const char *labels;
    enum mr_counter_kind kind;
    enum mr_counter_unit unit;
    const char *help;
    uint32_t place; /* in mr_counters_snapshot.values; of a histogram: in .histograms */
};
/* All values, and all histograms (whose labels are "" and kind is not told), in the list's order.
 * Any thread. */
const struct mr_counter_info *mr_counters_list(uint32_t *count);
const struct mr_counter_info *mr_counters_histogram_list(uint32_t *count);
/* "counter", "gauge", "time"; "", "bytes", "ns". Static storage. */
const char *mr_counter_kind_name(enum mr_counter_kind kind);
const char *mr_counter_unit_name(enum mr_counter_unit unit);

/* -- What is read. ----------------------------------------------------------------------------- */

/* name, value, what it says */
#define MR_ENGINE_STATES(X)                                  \
    X(NONE, 0, "nothing yet")                                \
    X(RECOVERING, 1, "reading and replaying its journal")    \
    X(READY, 2, "open, and not started")                     \
    X(RUNNING, 3, "running")                                 \
    X(STOPPING, 4, "stopping: journaling what was accepted") \
    X(STOPPED, 5, "stopped")                                 \
    X(FAILED, 6, "stopped by a failure")

#define MR_ENGINE_STATE_ENUM(name, value, text) MR_ENGINE_##name = value,
enum mr_engine_state { MR_ENGINE_STATES(MR_ENGINE_STATE_ENUM) };
#undef MR_ENGINE_STATE_ENUM
/* "running" and so on; "unknown" for any other number. Static storage. */
const char *mr_engine_state_name(uint64_t state);

/* A histogram of 64-bit values: linear within a power of two, which has 32 buckets, and logarithmic
 * across them, so that a value is kept with a precision better than 1 in 32. Values from 2^42 on
 * (73 minutes in ns) are counted as that. */
enum {
    MR_COUNTERS_HISTOGRAM_BITS = 5,
    MR_COUNTERS_HISTOGRAM_TOP = 42,
    MR_COUNTERS_BUCKETS = (MR_COUNTERS_HISTOGRAM_TOP - MR_COUNTERS_HISTOGRAM_BITS + 1)
                          << MR_COUNTERS_HISTOGRAM_BITS,
};
struct mr_counters_histogram {
    uint64_t count; /* of all buckets */
    uint64_t sum;
    uint64_t min; /* UINT64_MAX: empty */
    uint64_t max;
    uint64_t buckets[MR_COUNTERS_BUCKETS];
};
/* The highest value that bucket `index` counts. Pure. */
uint64_t mr_counters_bucket_top(uint32_t index);
/* The least bucket's top that at least `thousandths` / 1000 percent of all values do not exceed
 * (50000 is the median, 99900 is p99.9), at most `max`; 0 when empty. Pure. */
uint64_t mr_counters_percentile(const struct mr_counters_histogram *histogram,
                                uint32_t thousandths);

/* An entry of the error log: what happened at one place with one code, however often. */
enum { MR_COUNTERS_ERRORS_MAX = 32, MR_COUNTERS_PLACE_SIZE = 32, MR_COUNTERS_TEXT_SIZE = 440 };
struct mr_counters_error {
    int code; /* enum mr_status; MR_OK: something slow, or scarce, and not wrong */
    enum mr_log_level level;
    uint64_t count;
    uint64_t first_ns, last_ns; /* since 1970 (UTC) */
    char place[MR_COUNTERS_PLACE_SIZE];
    char text[MR_COUNTERS_TEXT_SIZE]; /* of the first time */
};

/* How the engine is, as far as its counters and the system tell. */
#define MR_ENGINE_HEALTHS(X)                                                         \
    X(WELL, "well")       /* alive, and doing what its state says */                 \
    X(HUNG, "hung")       /* alive, but a stage has not been seen for two seconds */ \
    X(HALTED, "halted")   /* stopped by a signal (SIGSTOP, or a debugger) */         \
    X(FAILED, "failed")   /* it said so; its process may live on */                  \
    X(STOPPED, "stopped") /* it stopped in order; its process may live on */         \
    X(DEAD, "dead")       /* its process ended without stopping it */
#define MR_ENGINE_HEALTH_ENUM(name, text) MR_HEALTH_##name,
enum mr_engine_health { MR_ENGINE_HEALTHS(MR_ENGINE_HEALTH_ENUM) };
#undef MR_ENGINE_HEALTH_ENUM
/* "well" and so on. Static storage. */
const char *mr_engine_health_name(enum mr_engine_health health);

/* All of the counters at some moment. Plain data, 67 KB. */
struct mr_counters_snapshot {
    uint64_t taken_ns; /* since 1970 (UTC) */
    uint64_t taken_monotonic_ns;

    uint32_t pid;
    bool alive; /* the engine that writes here has not been closed, nor its process ended */
    enum mr_engine_health health;
    const char *silent_stage; /* of HUNG and HALTED: seen longest ago; else NULL */
    uint64_t silent_ns;       /* how long ago */
    uint64_t seen_ns;       /* when a stage was seen last, or the state changed; since 1970 (UTC) */
    uint64_t started_ns;    /* when the file was made, since 1970 (UTC) */
    uint8_t journal_id[16]; /* zero: not known yet */
    char logic[32];

    uint64_t values[MR_COUNTERS_PLACES]; /* at MR_COUNTER_name */
    struct mr_counters_histogram histograms[MR_COUNTERS_HISTOGRAM_COUNT];
    struct mr_counters_error errors[MR_COUNTERS_ERRORS_MAX]; /* in the order of their first time */
    uint32_t error_count;
};

struct mr_counters;

/* Opens a file of counters for reading; it may be written, or a dead engine's. MR_E_NOT_FOUND;
 * MR_E_INVALID: it holds no counters; MR_E_VERSION: another version's, or other counters than this
 * program knows; MR_E_CORRUPT: its sizes are not what they must be; MR_E_READ_ONLY: it may not be
 * read; MR_E_IO, MR_E_NO_MEMORY. Any thread. */
int mr_counters_open(const char *path, struct mr_counters **counters, struct mr_error *error);
/* Reads them all. The same file is read on although an engine may have put a new one in its place:
 * mr_counters_replaced tells, and opening again finds that. One thread at a time. */
void mr_counters_snapshot_take(struct mr_counters *counters, struct mr_counters_snapshot *snapshot);
bool mr_counters_replaced(const struct mr_counters *counters);
/* NULL does nothing. */
void mr_counters_close(struct mr_counters *counters);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
