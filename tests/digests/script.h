/*
 * What is applied for the digests: a logic's genesis and its commands, out of a seed, the same
 * everywhere. Sessions are opened, closed, and left alone until they expire; requests are sent
 * twice; what is asked for is often refused. Freestanding.
 */
#ifndef MR_TESTS_DIGESTS_SCRIPT_H
#define MR_TESTS_DIGESTS_SCRIPT_H

#include "base/random.h"

#include <millrace/digest.h>
#include <millrace/logic.h>
#include <millrace/u128.h>

enum {
    SCRIPT_COMMANDS = 20000, /* of each logic, genesis included */
    SCRIPT_EVERY = 1000,     /* so often there is a line */
    SCRIPT_SENDERS = 6,
    SCRIPT_BATCH_MAX = 40,     /* commands */
    SCRIPT_IDS = 64,           /* of transfers, that are used again */
    SCRIPT_COMMAND_SIZE = 256, /* bytes that each command fits in */
    SCRIPT_LINE_SIZE = 160,
};

/* Somebody with a session. */
struct script_sender {
    uint64_t session; /* 0: none yet */
    uint64_t request; /* the last one */
    uint8_t role;
};

struct script {
    const struct mr_logic *logic;
    struct mr_random random;
    uint64_t time_ns;
    uint64_t last_session;
    struct script_sender senders[SCRIPT_SENDERS];

    /* Commands come in batches, each at one time. `whole`: it matters to the logic which ones. */
    bool whole;
    bool imported;                /* this batch is of imported events */
    uint32_t made;                /* commands */
    uint32_t left;                /* of the batch under way */
    struct script_sender *sender; /* of it, mostly */

    struct mr_u128 ids[SCRIPT_IDS]; /* the last ones */
    uint64_t imported_ns;
};

/* The logics there are, ended by NULL. */
extern const struct mr_logic *const script_logics[];

void script_begin(struct script *script, const struct mr_logic *logic);
/* Both write into `room`: SCRIPT_COMMAND_SIZE bytes, aligned to 8. The sequence is left to the
 * caller. */
const struct mr_command *script_genesis(const struct script *script, void *room);
const struct mr_command *script_next(struct script *script, void *room);

/* For those who make commands: a number below `bound`, and a command with a zeroed body of that
 * size. */
uint64_t script_below(struct script *script, uint64_t bound);
struct mr_command *script_command(void *room, uint16_t type, size_t body_size);

/* Writes a line about the state after `sequence`, with its end; returns its length. */
size_t script_line(const struct script *script, uint64_t sequence, struct mr_digest state,
                   struct mr_digest events, char line[SCRIPT_LINE_SIZE]);

#endif
