/*
 * The applier: takes entries, applies their commands to the image one bounded turn at a time,
 * chains the digest of all events, and checks it against what the entries recorded. Live, in
 * recovery and in replay it is the same; only the sink differs.
 */
#ifndef MR_ENGINE_APPLIER_H
#define MR_ENGINE_APPLIER_H

#include <millrace/digest.h>
#include <millrace/error.h>
#include <millrace/image.h>
#include <millrace/journal.h>

/* Where events and answers go. `events` takes whole events from the front of `size` bytes and
 * returns how many bytes it took, fewer when it is full; `answer` false: full. */
struct mr_sink {
    uint32_t (*events)(void *context, const unsigned char *events, uint32_t size);
    bool (*answer)(void *context, const struct mr_answer *answer);
    void *context;
};

/* Digests at the ends of the latest entries: an entry records one that is at most as old as there
 * are blocks in flight. */
enum { MR_APPLIER_MARKS = 256 };

struct mr_applier_memory {
    void *image;
    uint64_t image_size;
    unsigned char *outbox;
    uint32_t outbox_size;
};

struct mr_applier {
    const struct mr_logic *newest; /* that the program carries; leads to those before it */
    const struct mr_logic *logic;  /* the version that applies */
    struct mr_image *image;
    struct mr_applier_memory memory;
    struct mr_outbox outbox;  /* the 16 bytes before it are the seat of the previous digest */
    struct mr_digest digest;  /* of all events of the finished turns */
    uint64_t digests_checked; /* recorded digests that were compared */
    uint64_t last_time_ns;    /* of the latest batch that was checked */
    uint64_t applied;         /* the last sequence of the last entry */

    /* The entry at hand; NULL: none. */
    const struct mr_entry *entry;
    const unsigned char *next;  /* its next command */
    const unsigned char *sound; /* what lies between is the rest of a batch that has been checked */
    uint32_t left;              /* commands not yet finished, the one at `next` included */

    /* The turn at hand. */
    bool turn_open;  /* applied, its events and perhaps its answer not yet all handed out */
    bool finished;   /* it was the command's last turn: `answer` is filled in */
    bool amid;       /* the command at `next` has had a turn, and will have more */
    bool switching;  /* it was a logic_upgrade */
    uint32_t handed; /* bytes of the outbox handed out */
    struct mr_answer answer;

    struct {
        uint64_t sequence;
        struct mr_digest digest;
    } marks[MR_APPLIER_MARKS];
    uint32_t mark_next;
};

/* Prepares image and outbox for a journal that begins with `genesis`, whose version `newest` leads
 * to (mr_genesis_logic has seen to it). MR_E_INVALID, MR_E_NO_MEMORY. */
int mr_applier_init(struct mr_applier *applier, const struct mr_logic *newest,
                    const struct mr_command *genesis, struct mr_error *error);
void mr_applier_free(struct mr_applier *applier);

/* Applies up to `limit` commands of `entry`; call again with the same entry until it is done.
 * MR_OK: done; MR_AGAIN: the limit was reached or the sink is full; MR_E_DIVERGED: the events are
 * not those that were recorded; MR_E_CORRUPT: the entry's commands do not fit its length, or a
 * batch does not end in it, told before any of that batch is applied; MR_E_VERSION: it switches to
 * a version of the logic that is not there; MR_E_NO_MEMORY: for that version's image. */
int mr_applier_entry(struct mr_applier *applier, const struct mr_entry *entry, uint32_t limit,
                     const struct mr_sink *sink, struct mr_error *error);

/* The sequence of the command whose answer is being handed out. */
static inline uint64_t mr_applier_sequence(const struct mr_applier *applier)
{
    return applier->entry->first_sequence + applier->entry->count - applier->left - 1;
}

/* The last sequence that was applied, to its last turn. */
static inline uint64_t mr_applier_applied(const struct mr_applier *applier)
{
    const struct mr_entry *entry = applier->entry;
    return entry == NULL ? applier->applied
                         : entry->first_sequence + (entry->count - applier->left) - 1;
}

/* Digest of the parts of an image that are in use. */
struct mr_digest mr_image_digest(const struct mr_image *image, const struct mr_logic *logic);

/* The command at `next` when `left` bytes remain; NULL when it does not fit in them or its length
 * is no command's. */
const struct mr_command *mr_command_at(const unsigned char *next, uint64_t left);

#endif
