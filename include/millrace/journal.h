/*
 * <millrace/journal.h>: a durable, hash-chained log of entries in a directory.
 *
 * An *entry* is what is replicated and replayed: a header and a run of commands, which are opaque
 * bytes here. On disk each entry travels in a *frame*, which belongs to this node alone. Frames
 * fill *segments* (DIR/journal/NNNNNNNN.seg), which are zero-filled and synced before use. The
 * format is documented to the byte in docs/format-journal.md.
 *
 * Life of a writer: lock the storage, then create or recover, then (in one thread) start, append
 * and poll, stop, close. Acknowledge nothing above mr_journal_durable_index().
 */
#ifndef MILLRACE_JOURNAL_H
#define MILLRACE_JOURNAL_H

#include <millrace/digest.h>
#include <millrace/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct mr_storage; /* base/storage.h */
struct mr_journal;
struct mr_reader;

enum {
    MR_JOURNAL_ID_SIZE = 16,
    MR_ENTRY_SIZE = 128, /* of the header; the commands follow it */
    MR_FRAME_ROOM = 256, /* bytes in front of an entry that the writer fills in */
};

/* An entry's header, as stored and replicated; little-endian. `length` counts header and commands.
 * (digest_sequence, digest) is the event digest after that sequence, 0 and zeros when none is
 * known: with it a replay proves that it produced the same events. */
struct mr_entry {
    uint64_t term;             /*   0 */
    uint64_t index;            /*   8 dense, from 1 */
    uint64_t first_sequence;   /*  16 of the first command; the others follow it densely */
    uint64_t time_ns;          /*  24 of the last command */
    uint32_t count;            /*  32 commands, at least 1 */
    uint32_t length;           /*  36 bytes */
    uint16_t version;          /*  40 of this layout, 0 */
    uint16_t flags;            /*  42 zero */
    uint32_t reserved_a;       /*  44 zero */
    struct mr_digest previous; /* 48 of the entry before this one; zeros for index 1 */
    uint64_t digest_sequence;  /*  64 */
    struct mr_digest digest;   /*  72 */
    uint64_t reserved_b[5];    /*  88 zero */
};

/* The sequence of its last command. */
static inline uint64_t mr_entry_last_sequence(const struct mr_entry *entry)
{
    return entry->first_sequence + entry->count - 1;
}

/* Its commands: the bytes behind the header. */
static inline const void *mr_entry_commands(const struct mr_entry *entry)
{
    return (const unsigned char *)entry + MR_ENTRY_SIZE;
}

/* The digest by which the next entry names this one (`previous`): over all `length` bytes. */
struct mr_digest mr_entry_digest(const struct mr_entry *entry);

/* When an entry counts as durable, and what it takes to lose it then. docs/durability.md compares
 * them. A journal may be continued under another policy than it was written with. */
enum mr_durability {
    /* On stable storage: survives the end of the process, of the system, of power. */
    MR_DURABILITY_DISK = 0,
    /* Handed to the system (in its page cache): survives the end of the process; the end of the
     * system may lose what was not synced yet, always from some entry on and never in between. A
     * segment that is full, and a journal that is stopped, are synced. */
    MR_DURABILITY_OS,
    /* In memory only, no file is touched: for benches. See mr_journal_open_volatile. */
    MR_DURABILITY_NONE,
};

struct mr_journal_options {
    /* Of new segments: a multiple of 4 KiB, 4 to 256 MiB. 0: 64 MiB when a journal is created, and
     * when one is recovered, as large as the last one that is there. */
    uint64_t segment_bytes;
    uint32_t frames_in_flight; /* 0: the default, 4; 1 to 8 */
    enum mr_durability durability;
    /* Whoever replicates says what is committed (mr_journal_commit), and may truncate what is not.
     * Otherwise all that is durable is committed. */
    bool replicated;
    /* Below this much room on the file system mr_journal_space_low says so; 0: that of eight
     * segments. */
    uint64_t space_low_bytes;
    /* The memory that appended frames will lie in, for registration with the kernel; NULL: none. */
    void *buffers;
    size_t buffers_size;
};

/* What a directory holds and what recovery found, planned or did. An entry that is whole and
 * chained counts, whether or not a watermark covers it: once recovered, all up to last_index is
 * durable. */
struct mr_recovery {
    /* The case in docs/format-journal.md: 'A' clean, 'B' torn, 'J' torn under os durability, 'K' a
     * truncation that had been cut off; all others are refused. */
    char decided;
    uint8_t journal_id[MR_JOURNAL_ID_SIZE];
    uint64_t first_index, last_index;       /* of whole, chained entries; 0: none */
    uint64_t first_sequence, last_sequence; /* 0: none */
    uint64_t durable_index;       /* the highest watermark that anything on disk carries */
    uint64_t committed_index;     /* the highest that was committed, as far as frames tell */
    struct mr_digest last_digest; /* of the last entry; chain the next one to it */
    uint64_t last_time_ns;
    uint32_t segments;
    uint64_t bytes_scanned;
    bool torn;           /* a torn tail was found (and, unless only planned, archived and zeroed) */
    uint64_t torn_bytes; /* zeroed or to be zeroed */
    char torn_segment[32];
    uint64_t torn_offset;
    char archive[64]; /* where the torn bytes went, "" when nothing was torn */
    /* Under which policy the last frames were written. Case J: entries that were acknowledged under
     * os durability may be among those that were torn. */
    enum mr_durability durability;
    uint64_t generation; /* from 1; a truncation raises it */
    /* Case L, beside the others: of this segment ("": none) one copy of the superblock is damaged;
     * the other one is whole and was used. `millrace repair` writes it anew. */
    char head_segment[32];
    uint64_t head_offset;
    uint64_t elapsed_ns;
};

/* Where damage was found. */
struct mr_damage {
    char decided;     /* the letter of the case in docs/format-journal.md, 'C' and later */
    char segment[32]; /* file name below the data directory */
    uint64_t offset;
    uint64_t sequence; /* of the first command that is damaged or would follow */
};

/* MR_OK when the directory holds a journal, MR_E_NOT_FOUND when it holds none (a creation that was
 * cut off counts as none); MR_E_IO. Writes nothing. Any thread. */
int mr_journal_exists(struct mr_storage *storage, struct mr_error *error);

/* Makes an empty journal: directory, first segment, all synced; blocks while a segment is zeroed.
 * A failure leaves none, or a whole one that recovery accepts. MR_E_EXISTS, MR_E_IO,
 * MR_E_NO_SPACE, MR_E_READ_ONLY, MR_E_INVALID (options), MR_E_NO_MEMORY. The caller holds the
 * storage's lock. */
int mr_journal_create(struct mr_storage *storage, const uint8_t id[MR_JOURNAL_ID_SIZE],
                      const struct mr_journal_options *options, struct mr_error *error);

/* A journal that touches no file and calls everything durable at the next poll
 * (MR_DURABILITY_NONE): what remains of the engine when there is no disk. It begins empty; start,
 * append, poll, stop and close are used as ever. `options` as for recover, with durability NONE,
 * which those that have a storage refuse. MR_E_INVALID, MR_E_NO_MEMORY. */
int mr_journal_open_volatile(const struct mr_journal_options *options, struct mr_journal **journal,
                             struct mr_error *error);

/* Reads the whole journal, checks every covered byte and the chain, and decides what is there, as
 * docs/format-journal.md's decision table says. Writes nothing and needs no lock, so it works on a
 * read-only directory. While a writer is at work, the report ends in front of what it is just
 * writing, which may look torn. MR_E_CORRUPT and MR_E_VERSION (with `damage` filled in, if not
 * NULL, and of the report what was read), MR_E_NOT_FOUND, MR_E_IO, MR_E_NO_MEMORY. A torn tail is
 * no error: the report tells of it. Any thread; blocks. */
int mr_journal_plan(struct mr_storage *storage, struct mr_recovery *report,
                    struct mr_damage *damage, struct mr_error *error);

/* Who watches while a journal is read. Either call may be NULL. */
struct mr_journal_watch {
    /* A whole entry that continues the chain, in order; it lies in memory until this returns. When
     * what a writer is just writing was taken for damage, all is read again, from the first. */
    void (*entry)(void *context, const struct mr_entry *entry);
    /* So many bytes of so many have been read, some 256 KiB more than the last time. false: give
     * up, with MR_E_IO. */
    bool (*progress)(void *context, uint64_t bytes, uint64_t total);
    void *context;
};

/* As mr_journal_plan, and tells on the way what it reads. */
int mr_journal_inspect(struct mr_storage *storage, const struct mr_journal_watch *watch,
                       struct mr_recovery *report, struct mr_damage *damage,
                       struct mr_error *error);

/* Syncs what is there, decides as plan does, and then makes it so: removes a half-prepared segment,
 * archives and zeroes a torn tail, and opens the journal for appending after the last entry. Errors
 * as plan, and MR_E_INVALID (options), MR_E_NO_SPACE, MR_E_READ_ONLY; on MR_E_CORRUPT and
 * MR_E_VERSION no file has been changed; after any other failure, or a crash, it can be repeated.
 * `options` are copied. The caller holds the lock. */
int mr_journal_recover(struct mr_storage *storage, const struct mr_journal_options *options,
                       struct mr_recovery *report, struct mr_damage *damage,
                       struct mr_journal **journal, struct mr_error *error);

/* Takes the storage's queue for the calling thread; from here to stop, only that thread calls
 * append, poll, mark and stop. MR_E_UNSUPPORTED (no io_uring), MR_E_IO, MR_E_NO_MEMORY: not
 * started. */
int mr_journal_start(struct mr_journal *journal, struct mr_error *error);

/* Queues one entry. `frame` is 4 KiB-aligned, has MR_FRAME_ROOM bytes of room, then the entry, then
 * room up to the next multiple of 4 KiB for padding, all in all MR_FRAME_BYTES_MAX at most
 * (base/limits.h). The writer fills in room and padding, and the whole must stay unchanged until
 * the entry is durable, or, after a failure, until stop has returned. `digest` is mr_entry_digest
 * of it. index, first_sequence and previous must continue the journal (asserted). MR_AGAIN, nothing
 * done: as many frames as allowed are in flight, the next segment is not ready, or a second entry
 * with a sector of zeros needs the one bounce buffer: poll and try again. MR_E_FENCED. Never
 * blocks. */
int mr_journal_append(struct mr_journal *journal, void *frame, struct mr_digest digest,
                      struct mr_error *error);

/* One bounded turn of the writer: hands queued frames to the disk, takes completions, prepares the
 * next segment. Returns how much it did (0: nothing), or a negative code: a failed write or sync
 * fences the journal for good, MR_E_IO, MR_E_NO_SPACE or MR_E_READ_ONLY the first time, MR_E_FENCED
 * ever after.
 * `wait_us` above 0: sleeps that long at most until something completes, if anything is in flight;
 * with 0 it never waits for the disk (but a new segment is opened and named in here, which the file
 * system may take its time for). */
int mr_journal_poll(struct mr_journal *journal, uint32_t wait_us, struct mr_error *error);

/* When nothing is in flight and the last entry's durability is not yet recorded by a later frame:
 * queues a watermark frame that records it. Call it when idle. Returns 1 when it queued one; 0 when
 * there was no need, or no room before the next segment is ready; MR_E_FENCED. */
int mr_journal_mark(struct mr_journal *journal, struct mr_error *error);

/* The highest index at and below which every entry is durable, as the policy means it; frozen once
 * fenced. The writer's thread only, as the next three. */
uint64_t mr_journal_durable_index(const struct mr_journal *journal);

/* True when room on the file system is low; `bytes` (may be NULL) gets how much there was. Looked
 * at when the journal starts and whenever a segment is prepared, which is one or two segments ahead
 * of need: time enough to act before an append fails with MR_E_NO_SPACE. */
bool mr_journal_space_low(const struct mr_journal *journal, uint64_t *bytes);

/* True while frames (of entries, watermarks, seals) are queued or in flight. */
bool mr_journal_busy(const struct mr_journal *journal);

/* Is an append worth trying right now? (It may still find that its frame needs the next segment.)
 * */
bool mr_journal_ready(const struct mr_journal *journal);

/* Only with `replicated`: the entry `index`, whose last sequence is `sequence`, and all before it
 * are committed and will never be truncated. `index` does not fall and is at most the last one
 * appended (asserted). The writer's thread. */
void mr_journal_commit(struct mr_journal *journal, uint64_t index, uint64_t sequence);

/* Only with `replicated`: drops all entries above `last_index`, which is not below what is
 * committed (asserted). Waits for what is in flight, writes a durable truncation record, and only
 * then zeroes what is dropped; a crash in between is completed by the next recovery. On MR_OK the
 * journal goes on behind `last_index`, in a new generation. Any failure fences: MR_E_IO,
 * MR_E_NO_SPACE, MR_E_NO_MEMORY, MR_E_FENCED. The writer's thread; blocks for as long as the disk
 * takes. */
int mr_journal_truncate(struct mr_journal *journal, uint64_t last_index, struct mr_error *error);

/* Waits for what is in flight, records the watermark, gives the queue back. Its error is the one
 * that made the fence fall, if it fell; then nothing is recorded. Blocks for as long as the disk
 * takes. */
int mr_journal_stop(struct mr_journal *journal, struct mr_error *error);
/* Frees the journal. After stop; or instead of it, when it was never started or is to end as in a
 * crash: what is in flight completes, and no watermark is recorded. */
void mr_journal_close(struct mr_journal *journal);

/* Where a reader begins and ends. All zero: the whole journal, as far as it is durable and
 * committed when the reader is opened. */
struct mr_reader_options {
    uint64_t from_sequence; /* begin with the entry that holds it; 0: with the first one */
    /* Instead of from_sequence: begin with the first entry whose time_ns is not less; 0: not. */
    uint64_t from_time_ns;
    /* End with this index, which a plan or a recovery has reported. 0: end where the journal's
     * watermarks end: at what is durable and, with `replicated`, committed. */
    uint64_t last_index;
    /* Instead of ending there, go on when there is more: MR_AGAIN means nothing yet. For tailing a
     * journal that a writer is working on, in this process or another. `last_index` is 0. An entry
     * is shown once a later frame says that it is durable and, with `replicated`, committed; under
     * os durability as soon as it is whole (and committed). */
    bool follow;
};

/* Opens a reader. Any number of readers, each used by one thread at a time, also while a writer is
 * at work. Finds its place in O(log n) reads. MR_E_NOT_FOUND: the journal begins later or ends
 * earlier (with `follow` it is no error that what is wanted is still to come); MR_E_CORRUPT,
 * MR_E_VERSION and MR_E_IO from looking for the place; MR_E_INVALID (both places to begin, or an
 * end with `follow`), MR_E_NO_MEMORY. A reader has one file open, one that follows two; a storage
 * can have 128. */
int mr_reader_open(struct mr_storage *storage, const struct mr_reader_options *options,
                   struct mr_reader **reader, struct mr_error *error);
/* MR_OK: *entry lies in the reader's memory until the next call; MR_AGAIN: that was all (with
 * `follow`: for now). Checks what it reads: MR_E_CORRUPT and MR_E_VERSION (with `damage`, if not
 * NULL), MR_E_IO; after any of these the reader can only be closed. What a watermark does not cover
 * yet may be half written, and is never damage to a reader that follows; one that finds nothing for
 * long (64 calls, then ever more rarely) reads a few MiB to see whether something is missing.
 * Blocks while it reads ahead. */
int mr_reader_next(struct mr_reader *reader, const struct mr_entry **entry,
                   struct mr_damage *damage, struct mr_error *error);
void mr_reader_close(struct mr_reader *reader);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
