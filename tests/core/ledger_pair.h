/*
 * The ledger and the naive one, side by side: every batch goes to both, and all that can be seen of
 * them must be the same afterwards. The ledger stands alone (mr_ledger_transfers_create), or is the
 * logic of an image, with sessions, timers and events in envelopes.
 */
#ifndef MR_TESTS_CORE_LEDGER_PAIR_H
#define MR_TESTS_CORE_LEDGER_PAIR_H

#include "tests/core/naive_ledger.h"

#include <millrace/image.h>

#include <stddef.h>

enum {
    LEDGER_SESSIONS = 3, /* numbered from 1; the first is the operator's, the others are users' */
    LEDGER_STEPS_MAX = 8190,
    LEDGER_NUMBERS_MAX = 64, /* ledgers with small numbers, whose streams are watched */
};

/* What is odd about a command, so that the image refuses it, or ignores it. It then stands between
 * two others of its batch. Where the ledger stands alone, there is no such command. */
#define LEDGER_ODDITIES(X)                                                   \
    X(ODD_NOTHING, none)                                                     \
    X(ODD_VERSION, version)     /* of a layout that there is not */          \
    X(ODD_ROLE, role)           /* another one than its session's */         \
    X(ODD_LENGTH, length)       /* too long */                               \
    X(ODD_SESSION, session)     /* that nobody has opened */                 \
    X(ODD_DUPLICATE, duplicate) /* the last request of its session, again */ \
    X(ODD_TICK, tick)           /* it carries nothing but time */
#define LEDGER_ODDITY_VALUE(constant, name) constant,
enum ledger_oddity { LEDGER_ODDITIES(LEDGER_ODDITY_VALUE) LEDGER_ODDITY_COUNT };

/* A command of a batch. Where the ledger stands alone, a batch has the time of its first one, and
 * time may run backwards. */
struct ledger_step {
    uint64_t time_ns;
    uint16_t type;   /* enum mr_ledger_command */
    uint8_t session; /* 0: the engine itself, which is refused */
    uint8_t odd;     /* enum ledger_oddity */
    bool more;       /* the next step is of the same batch */
    union {
        struct mr_ledger_account account;
        struct mr_ledger_transfer transfer;
    };
};

struct ledger_pair;

/* For tests of the test: may change what the ledger is taken to have answered. */
typedef void ledger_distortion(const struct ledger_pair *pair, const struct ledger_step *step,
                               struct mr_ledger_result *result);

/* What both begin with. */
struct ledger_setting {
    struct mr_ledger_config config;
    uint32_t before_wrap; /* ordinals that are left before they begin again; 0: all of them */
    bool in_image;
    ledger_distortion *distortion; /* NULL: none */
};

struct pair_stream {
    uint64_t count, last;
};

struct ledger_pair {
    struct ledger_setting setting;
    bool alone_naive; /* there is no real one */
    struct naive_ledger naive;
    struct naive_event *events;   /* of the batch: those that reach the ledger */
    uint32_t *places;             /* of the steps among them; UINT32_MAX: it does not reach it */
    struct naive_result *answers; /* of the naive one, to each step that reaches the ledger */
    struct mr_ledger_result *results;
    struct mr_ledger_expired *expired; /* by the naive one, before the step that is under way */
    uint32_t expired_count, expired_room;
    uint64_t batches, commands, expiries;
    const char *flaw; /* what differs, NULL: nothing so far */
    uint32_t flaw_at; /* the step of the batch */

    /* Alone. */
    struct mr_ledger *ledger;
    uint64_t ledger_size;

    /* In an image. */
    void *memory;
    size_t memory_size;
    struct mr_image *image; /* in it */
    struct mr_outbox outbox;
    unsigned char *commands_memory; /* a batch, one command behind the other */
    uint64_t sequence, sequence_applied, event_number;
    uint64_t requests[LEDGER_SESSIONS + 1];
    struct mr_answer last_answers[LEDGER_SESSIONS + 1];
    struct pair_stream streams[LEDGER_NUMBERS_MAX];
};

/* With `alone_naive`, the naive ledger alone takes the batches. */
void ledger_pair_open(struct ledger_pair *pair, const struct ledger_setting *setting,
                      bool alone_naive);
void ledger_pair_close(struct ledger_pair *pair);

/* The steps of a batch (1 to LEDGER_STEPS_MAX), whatever their `more` says. False: something
 * differs; pair->flaw says what. */
bool ledger_pair_batch(struct ledger_pair *pair, const struct ledger_step *steps, uint32_t count);

/* What is looked at now and then only: everything, and every invariant. */
bool ledger_pair_check(struct ledger_pair *pair);

/* -- For the parts of it. ---------------------------------------------------------------------- */

const struct mr_ledger *ledger_pair_ledger(const struct ledger_pair *pair);

/* The naive ledger expires what is due by then. */
void ledger_pair_expire(struct ledger_pair *pair, uint64_t time_ns);
/* Whether a step was answered as the naive ledger answers it. NULL, or what differs. */
const char *ledger_pair_compare(struct ledger_pair *pair, const struct ledger_step *step,
                                uint32_t place, struct mr_ledger_result result);

/* A ledger in which nothing has happened yet is near the end of its ordinals. */
void ledger_pair_skip(struct mr_ledger *ledger, uint32_t before_wrap);

/* The image: makes it, and applies a batch to it. NULL, or what is wrong. */
void ledger_image_open(struct ledger_pair *pair);
void ledger_image_close(struct ledger_pair *pair);
const char *ledger_image_batch(struct ledger_pair *pair, const struct ledger_step *steps,
                               uint32_t count);

const char *ledger_compare_totals(const struct ledger_pair *pair);
/* What queries say: a random one; and everything. NULL, or what differs. */
const char *ledger_compare_query(const struct ledger_pair *pair, uint64_t seed);
const char *ledger_compare_all(const struct ledger_pair *pair);
/* What a batch has touched. */
const char *ledger_compare_steps(const struct ledger_pair *pair, const struct ledger_step *steps,
                                 uint32_t count);

#endif
