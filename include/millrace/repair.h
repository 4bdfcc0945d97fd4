/*
 * <millrace/repair.h>: what can be saved of a journal that recovery refuses.
 *
 * A repair keeps every entry in front of the first bad place, and never destroys a byte that it has
 * not copied to DIR/archive/ first. Some damage costs nothing: a copy of a superblock, bytes where
 * nothing was ever written in front of a seal, a torn tail. Everything else costs all that follows
 * it, and that is done only when the caller names the first sequence that will be lost. What can
 * not be repaired at all is to be restored from a copy.
 *
 * Plan first, show it to somebody, then apply. docs/format-journal.md explains the letters.
 */
#ifndef MILLRACE_REPAIR_H
#define MILLRACE_REPAIR_H

#include <millrace/journal.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What is done at a place. The first four lose nothing that was acknowledged. */
enum mr_repair_kind {
    MR_REPAIR_HEAD,       /* pages of a segment's head are written anew */
    MR_REPAIR_GAP,        /* bytes where nothing was ever written are zeroed */
    MR_REPAIR_TORN,       /* a torn tail is zeroed, as a recovery would do it */
    MR_REPAIR_TRUNCATION, /* a truncation that was cut off is completed */
    MR_REPAIR_RECORD,     /* the truncation record is damaged, and is written anew */
    MR_REPAIR_EXTEND,     /* a segment that has become too short gets its length back, as zeros */
    MR_REPAIR_DROP,       /* everything from here to the end of the segment is dropped */
};

struct mr_repair_step {
    enum mr_repair_kind kind;
    char file[32]; /* below the data directory */
    uint64_t offset;
    uint64_t bytes; /* that are written anew, or archived and dropped */
};

enum { MR_REPAIR_STEPS_MAX = 48 };

/* What a repair would do, or did. */
struct mr_repair {
    /* The first bad place, and what recovery says of it; `damage.decided` 0: it does not refuse. */
    struct mr_damage damage;
    struct mr_error refusal;
    /* What recovery will say of the rest: A, B, J (what was acknowledged under os durability may be
     * torn) or K. */
    char decided;

    /* In the order in which they are done. 0: the journal is whole, there is nothing to do. Of more
     * than MR_REPAIR_STEPS_MAX only the first are listed. */
    uint32_t step_count;
    struct mr_repair_step steps[MR_REPAIR_STEPS_MAX];

    uint64_t keep_index, keep_sequence, keep_time_ns; /* of the last entry that stays */
    /* The first sequence that will be lost; 0: nothing is lost that was ever acknowledged. */
    uint64_t lose_from;
    /* Behind the bad place, whole frames tell of commands up to this sequence, at least; 0: there
     * are none. They are archived, and lost to the journal. */
    uint64_t seen_to;
    uint64_t generation;    /* that the journal goes on in */
    uint64_t archive_bytes; /* that go to DIR/archive/ */
    char archive[64];       /* after apply: the first of the files there, "": none */
};

/* Reads the whole journal, some of it twice, and says what apply would do. Writes nothing and needs
 * no lock; while a writer is at work, what it is just writing is left out. MR_OK, also when there
 * is nothing to do; MR_E_CORRUPT: nothing can be saved, not even the first entry; MR_E_VERSION: a
 * newer program wrote it, and may be able to; MR_E_NOT_FOUND, MR_E_IO, MR_E_NO_MEMORY, MR_E_LIMIT.
 * Of `plan`, damage and refusal are filled in whatever happens. `watch` (may be NULL) is told
 * what is read, again and again from the first entry. Any thread; blocks. */
int mr_repair_plan(struct mr_storage *storage, const struct mr_journal_watch *watch,
                   struct mr_repair *plan, struct mr_error *error);

/* Plans, and does it: archives, then records what is dropped, then writes. Each step may be the
 * last one: doing it again completes it. `lose_from` must be what the plan says, unless that is 0.
 * Then recovery goes on, and verifies clean. Errors as plan, and MR_E_INVALID: `lose_from` is not
 * what the plan says (nothing was done, and `done` has the plan); MR_E_NO_SPACE (for the archive;
 * nothing was changed), MR_E_READ_ONLY. The caller holds the storage's lock. */
int mr_repair_apply(struct mr_storage *storage, uint64_t lose_from, struct mr_repair *done,
                    struct mr_error *error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
