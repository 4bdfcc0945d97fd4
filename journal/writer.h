/*
 * The writer: one thread appends entries, several frames are in flight, and only the contiguous
 * durable prefix counts. Inside of journal/ only.
 */
#ifndef MR_JOURNAL_WRITER_H
#define MR_JOURNAL_WRITER_H

#include "base/limits.h"
#include "base/storage.h"
#include "journal/frame.h"
#include "journal/recovery.h"
#include "journal/segment.h"

#include <millrace/journal.h>

enum {
    MR_FRAMES_IN_FLIGHT_DEFAULT = 4,
    MR_ZERO_CHUNKS_IN_FLIGHT = 2,
};

/* A frame that is queued, in flight, or done but behind one that is not. */
struct mr_flight {
    uint64_t number;
    uint32_t segment;
    uint64_t offset;
    struct mr_tip after; /* the tip with this frame; for the durable prefix */
    uint64_t records;    /* the durable index that the frame carries */
    int retire;          /* for a seal: the file that no frame needs any more; else -1 */
    bool done;
    bool bounced; /* it lies in the bounce buffer */
};

/* Preparing the next segment, one step at a time (prepare.c). */
enum mr_prepare_state {
    MR_PREPARE_IDLE,
    MR_PREPARE_ZEROS, /* writing zeros, and the head */
    MR_PREPARE_SYNC,  /* of the file */
    MR_PREPARE_NAMED, /* renamed; syncing the directory */
};

struct mr_prepare {
    enum mr_prepare_state state;
    int file;
    int directory;
    uint32_t segment;
    uint64_t begun_at; /* how much had been appended when it began */
    uint64_t offset;   /* of the next chunk to zero */
    bool head_written;
    uint32_t in_flight; /* operations */
    bool paused;        /* nothing new is begun */
};

/* Under os durability: the sync of a segment that is full. */
struct mr_segment_sync {
    bool due; /* a seal was written, and what lies before it is not known to be synced */
    int file; /* -1: not in flight */
    uint64_t number;
    struct mr_tip tip;
};

struct mr_journal {
    struct mr_storage *storage; /* NULL: volatile */
    struct mr_journal_options options;
    uint8_t id[MR_JOURNAL_ID_SIZE];
    uint64_t generation;
    bool started;
    bool queueless; /* a truncation failed when the queue had been given back */

    /* The segment in hand and, once it is open, the one after it (file -1: not yet). */
    uint32_t segment;
    uint32_t segment_last; /* the highest that has its name for good */
    int file;
    uint64_t segment_bytes;
    uint64_t offset; /* of the next frame */
    int next_file;
    uint64_t next_bytes;
    struct mr_prepare prepare;
    bool starved;      /* a frame waits for the next segment */
    uint64_t appended; /* bytes of frames, since it was opened; what preparing is paced by */
    bool space_low;
    uint64_t space_bytes;

    /* Frames are numbered; those above `durable_number` and below `number` are in flight, each in
     * the slot of its number. */
    uint64_t number;
    uint64_t durable_number;
    struct mr_flight flights[MR_FRAMES_IN_FLIGHT_MAX];
    struct mr_tip tip;     /* with everything appended */
    struct mr_tip durable; /* with everything durable, as the policy means it */
    /* With everything that is on stable storage whatever happens: what frames carry as their
     * watermark. Under disk durability the same as durable. */
    uint64_t synced_number;
    struct mr_tip synced;
    struct mr_segment_sync syncing;
    enum mr_durability written; /* the policy of the last frame before this writer */
    uint64_t committed_index, committed_sequence;
    uint64_t recorded_index; /* the highest durable index that a durable frame carries */
    uint32_t submitted;      /* since the last poll, for its return value */

    struct mr_error fence; /* the first error; code 0: none */

    unsigned char *memory; /* all of the following, in one piece */
    unsigned char *bounce; /* MR_FRAME_BYTES_MAX */
    unsigned char *pages;  /* one for each slot: watermarks and seals */
    unsigned char *head;   /* MR_SEGMENT_HEAD, of the segment that is being prepared */
    bool bounce_taken;
};

int mr_journal_options_check(const struct mr_journal_options *options, struct mr_error *error);
/* The same, of a journal that has a storage. */
int mr_journal_options_check_stored(const struct mr_journal_options *options,
                                    struct mr_error *error);

/* A writer that goes on where `resume` says. */
int mr_writer_open(struct mr_storage *storage, const struct mr_journal_options *options,
                   const struct mr_resume *resume, struct mr_journal **journal,
                   struct mr_error *error);

/* Stops all acknowledgement for good; the first error is kept. Returns `code`. */
int mr_writer_fence(struct mr_journal *journal, const struct mr_error *error);

static inline bool mr_writer_is_os(const struct mr_journal *journal)
{
    return journal->options.durability == MR_DURABILITY_OS;
}

/* How segments are opened for writing: os durability goes through the page cache. */
static inline int mr_writer_open_flags(const struct mr_journal *journal)
{
    return MR_OPEN_WRITE | (mr_writer_is_os(journal) ? 0 : MR_OPEN_DIRECT);
}

/* Queues a watermark frame. MR_OK, or MR_AGAIN: no room for it yet, poll. */
int mr_writer_mark(struct mr_journal *journal);

/* Nothing is in flight any more, and how it ended is known; or the fence fell. */
int mr_writer_settle(struct mr_journal *journal, struct mr_error *error);

/* Syncs what was written under os durability, so that the watermark may say so; nothing else to do
 * otherwise. Nothing is in flight. A failure fences. */
int mr_writer_sync(struct mr_journal *journal, struct mr_error *error);

/* journal.c: takes the queue, and gives it back once nothing is in flight. */
int mr_writer_take_queue(struct mr_journal *journal, struct mr_error *error);
void mr_writer_give_queue_back(struct mr_journal *journal);

/* Opens the segment in hand. */
int mr_writer_open_segment(struct mr_journal *journal, uint32_t segment, int *file,
                           struct mr_error *error);

static inline uint32_t mr_writer_in_flight(const struct mr_journal *journal)
{
    return (uint32_t)(journal->number - 1 - journal->durable_number);
}

/* True when the next segment has its name and is open. */
static inline bool mr_writer_next_ready(const struct mr_journal *journal)
{
    return journal->next_file >= 0;
}

/* Opens the next segment if it has been prepared already. */
int mr_writer_open_next(struct mr_journal *journal, struct mr_error *error);

/* prepare.c: tags of its operations have this bit. */
#define MR_TAG_PREPARE (UINT64_C(1) << 63)
/* The sync of a full segment under os durability. */
#define MR_TAG_SYNC (UINT64_C(1) << 62)

/* Takes the steps that are due. Returns how many operations it queued, or a negative code. */
int mr_prepare_step(struct mr_journal *journal, struct mr_error *error);
/* One of its operations has ended well. */
int mr_prepare_done(struct mr_journal *journal, struct mr_error *error);
/* Asks how much room the file system has, and notes whether that is little. */
void mr_prepare_look_at_space(struct mr_journal *journal);
/* Gives up what is half done; the queue is stopped. */
void mr_prepare_abandon(struct mr_journal *journal);

#endif
