/*
 * <millrace/image.h>: the memory image, and applying commands to it.
 *
 * All state (sessions with their answers, timers, the logic's own) lies in one block of memory
 * without pointers. Applying the same commands gives the same bytes, events and answers,
 * everywhere. Pure: no system call, lock, allocation, clock or randomness; one thread at a time.
 */
#ifndef MILLRACE_IMAGE_H
#define MILLRACE_IMAGE_H

#include <millrace/common.h>
#include <millrace/logic.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* State that the image keeps beside the logic's: readable at any time by the applying thread. */
struct mr_image_status {
    uint64_t sequence; /* of the last command applied, 0: none */
    uint64_t time_ns;  /* of it */
    uint64_t events;   /* emitted since the beginning */
    uint64_t rejects;  /* commands answered with a reason */
    uint32_t logic_version;
    uint32_t clock; /* enum mr_clock_kind */
};

/* Bytes of image that `genesis` (a whole command) asks for with this logic, which is of the version
 * that genesis names (mr_logic_version finds it). 0 with *reason (may be NULL; a static string)
 * saying why the logic cannot begin like that ("unknown version of the logic", "sessions_max is not
 * 1 to 1048576", ...). Any thread. */
uint64_t mr_image_size(const struct mr_logic *logic, const struct mr_command *genesis,
                       const char **reason);
/* Bytes of outbox that the largest turn can need; 0 where mr_image_size gives 0. Any thread. */
uint32_t mr_image_outbox_size(const struct mr_logic *logic, const struct mr_command *genesis);

/* Prepares an image in zeroed memory (aligned to 4096, mr_image_size bytes), ready for its first
 * command, which must be `genesis`. mr_image_size has accepted it (asserted). */
struct mr_image *mr_image_init(void *memory, const struct mr_logic *logic,
                               const struct mr_command *genesis);

/* One bounded turn of applying `command`: fires timers that are due by its time, then the command
 * itself, with as many turns as the logic wants (context->again). `logic` is of the version that
 * the image is in. True: the command is finished and *answer is filled in; false: there is more to
 * do, call again with the same command after taking the events out of the outbox; there may be
 * none. Resets the outbox first.
 * Events are in outbox->bytes, outbox->count of them, one behind the other by their `length`. How a
 * command is split into turns follows from the history alone, not from the outbox.
 *
 * The command must be the next in sequence, and its time not below the last one (asserted). If it
 * has `more`, the rest of its batch lies behind it in memory, whole and sound, for the logic may
 * look ahead (mr_command_next), and a batch has up to 8,190 commands (asserted). What becomes of
 * it:
 *
 *     request above its session's last one   executed, and the answer kept
 *     request seen before                    the answer that it had, with duplicate = 1; no event
 *     seen too long ago, or passed over      too_old
 *     session 0 (the engine's own)           executed; requests are not looked at
 *
 * Whatever becomes of it, its session has sent something, and expires that much later. A session
 * that closes itself takes the answer to that with it: a resend finds no such session.
 *
 * To execute it, type, version, length and role must fit the catalog and the session; the values of
 * its fields are the logic's to check. What the image refuses (a reason of <millrace/common.h>)
 * changes nothing but the counts, emits one command_rejected, and is an answer as any other: it is
 * kept. The events and counts in the answer are the command's own, not those of timers that fired
 * before it. */
bool mr_image_apply(struct mr_image *image, const struct mr_logic *logic,
                    const struct mr_command *command, struct mr_outbox *outbox,
                    struct mr_answer *answer);

/* True when the last command was a logic_upgrade: before the next one, mr_image_migrate must have
 * made an image of that version (mr_image_status_get(image).logic_version is still the old one);
 * *version is the one to come. Between commands only. */
bool mr_image_upgrade_due(const struct mr_image *image, uint32_t *version);
/* Bytes that an image of the version that is due needs; `to` is that version of the logic, whose
 * `previous` leads to the image's. 0 with *reason as mr_image_size. The same for its outbox. */
uint64_t mr_image_migrated_size(const struct mr_image *image, const struct mr_logic *to,
                                const char **reason);
uint32_t mr_image_migrated_outbox_size(const struct mr_image *image, const struct mr_logic *to);
/* Bytes of memory that is needed besides, for the states of versions between the two. */
uint64_t mr_image_migrated_scratch(const struct mr_image *image, const struct mr_logic *to);
/* Makes an image of the version that is due in zeroed memory (aligned to 4096;
 * mr_image_migrated_size has accepted it, which is asserted): sessions, timers and counts as they
 * are, configuration and state as the logic migrates them, version by version. `scratch` is zeroed
 * memory of the same alignment, mr_image_migrated_scratch bytes (0: NULL will do). The old image is
 * not changed. */
struct mr_image *mr_image_migrate(const struct mr_image *image, const struct mr_logic *to,
                                  void *memory, void *scratch);

/* Answers a query from the image: fills in *reply, and up to `size` bytes of rows at `rows`
 * (aligned to 8). Refuses with a reason what the catalog does not know, what is malformed, and what
 * the role may not ask (session 0 may ask anything; a user's role must be its session's).
 * `not_before` is the caller's to look at. Changes nothing; between commands, or between their
 * turns. */
void mr_image_query(const struct mr_image *image, const struct mr_logic *logic,
                    const struct mr_query *query, struct mr_reply *reply, void *rows,
                    uint32_t size);

/* When the next timer is due (sessions that may expire count); UINT64_MAX: none is set. */
uint64_t mr_image_next_timer(const struct mr_image *image);

/* Between commands, or between their turns. */
struct mr_image_status mr_image_status_get(const struct mr_image *image);
/* The logic's own state, and its configuration (NULL: it has none). */
const void *mr_image_state(const struct mr_image *image);
const void *mr_image_config(const struct mr_image *image);

/* What a session is, and how far it has come; false: no such session. `fingerprint` identifies the
 * input of an importer (zeros: none). */
struct mr_session_info {
    uint64_t id;
    uint64_t last_request; /* 0: none yet */
    uint64_t last_time_ns; /* when it last sent something */
    uint64_t fingerprint[2];
    uint32_t role;
};
bool mr_image_session(const struct mr_image *image, uint64_t id, struct mr_session_info *info);

/* The parts of the image that are in use, for digest and snapshots: up to `limit` spans of offsets
 * into it, in rising order; returns how many. Equal histories give equal spans and equal bytes in
 * them. `limit` is at least 8 more than the logic's own spans (asserted). Between commands only. */
uint32_t mr_image_used(const struct mr_image *image, const struct mr_logic *logic,
                       struct mr_span *spans, uint32_t limit);

/* Checks every invariant of sessions, timers and the logic; slow. False: something is broken.
 * Between commands only. */
bool mr_image_check(const struct mr_image *image, const struct mr_logic *logic);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
