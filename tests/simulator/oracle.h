/*
 * The oracle: what a journal's commands must lead to, worked out as plainly as can be, with lists
 * that are searched from end to end. It shares nothing with the engine and the image but the
 * structs of the messages. It foretells every event and every answer, to the byte.
 */
#ifndef MR_TESTS_SIMULATOR_ORACLE_H
#define MR_TESTS_SIMULATOR_ORACLE_H

#include "tests/simulator/logics.h"
#include "tests/simulator/records.h"

#include <millrace/common.h>

struct oracle_answer {
    uint64_t request;
    uint64_t sequence;
    uint64_t first_event;
    uint32_t event_count;
    uint32_t result;
};

struct oracle_session {
    uint64_t id;
    uint64_t last_request;
    uint64_t last_time_ns;
    unsigned char fingerprint[16];
    uint8_t role;
    struct mr_stream stream;
    struct oracle_answer *answers; /* all it ever had */
    uint32_t answer_count, answer_room;
};

struct oracle_timer {
    uint64_t due_ns;
    uint64_t order; /* of setting */
    uint64_t id;    /* the account; of a session's timer: its number */
    uint32_t kind;
    bool of_session;
};

struct oracle_account {
    int64_t balance;
    struct mr_stream stream;
    uint64_t last_timer; /* its order; 0: none is set */
    uint32_t timers;
};

/* Where a command stands in the batch that was sent: how many come before and behind it. */
struct oracle_place {
    uint32_t before, behind;
};

enum { ORACLE_SESSIONS_MAX = 64, ORACLE_TIMERS_MAX = 1024 + ORACLE_SESSIONS_MAX };

struct oracle {
    /* Genesis. */
    bool counts; /* the counter; else the till */
    uint64_t session_idle_ns;
    uint32_t sessions_max, answers_max, timers_max;
    uint32_t accounts_max, burst_max;
    uint8_t clock;

    uint64_t sequence, time_ns, events, rejects;
    uint32_t version, next_version;
    uint64_t forgotten; /* the highest number of a session that is gone */

    struct oracle_session sessions[ORACLE_SESSIONS_MAX];
    uint32_t session_count;
    struct oracle_timer timers[ORACLE_TIMERS_MAX];
    uint32_t timer_count;
    uint32_t logic_timers; /* among them */
    uint64_t timers_set;   /* since the beginning */

    int64_t total;
    uint64_t fee, fees, fees_before;
    struct oracle_account accounts[TILL_ACCOUNTS_MAX];

    struct records *out; /* what comes out; NULL: nobody wants to know */

    /* The command at hand. */
    uint64_t correlation;
    struct oracle_place place;
    struct mr_answer answer; /* of the last command */

    /* How much of each kind there was, to show that it was there. */
    uint64_t duplicates, too_old, expired, closed, fired, cancelled, differed, upgrades;
};

void oracle_init(struct oracle *oracle, bool counts, uint32_t version);
void oracle_free(struct oracle *oracle);

/* The journal's next command. */
void oracle_apply(struct oracle *oracle, const struct mr_command *command,
                  struct oracle_place place);

/* When the next timer is due, or a session would expire; UINT64_MAX: none. */
uint64_t oracle_next_due(const struct oracle *oracle);

/* Sets a timer and returns its order. */
uint64_t oracle_timer_set(struct oracle *oracle, const struct oracle_timer *timer);
/* Takes the timer of that order away; there is one. */
struct oracle_timer oracle_timer_take(struct oracle *oracle, uint64_t order);

/* NULL: none of that number. */
struct oracle_session *oracle_session(struct oracle *oracle, uint64_t id);

/* What a query is answered with when the last command applied is the last one before it; `place` in
 * the row of a session is left zero. */
void oracle_query(struct oracle *oracle, const struct mr_query *query, struct mr_reply *reply,
                  unsigned char *rows, uint32_t size);
/* Adds a row to the reply and returns its zeroed body; NULL: there is no room. */
void *oracle_row(struct mr_reply *reply, unsigned char *rows, uint32_t size, uint16_t type,
                 uint32_t body_size);

/* -- oracle_logic.c ---------------------------------------------------------------------------- */

/* What the logic makes of a command that was let through: 0, or a reason. */
uint32_t oracle_logic_apply(struct oracle *oracle, const struct mr_command *command);
void oracle_logic_fire(struct oracle *oracle, const struct oracle_timer *timer);
void oracle_logic_upgrade(struct oracle *oracle);
/* Body size of a logic's command type in the version that applies; UINT32_MAX: there is none. */
uint32_t oracle_logic_size(const struct oracle *oracle, uint16_t type, bool *tail, uint32_t *roles);
/* How many events the aggregate of a conditional command has had, and what it expects. */
bool oracle_logic_condition(const struct oracle *oracle, const struct mr_command *command,
                            uint64_t *count, uint64_t *expected);
/* What a query of the logic's own is answered with: rows, up to `size` bytes. */
void oracle_logic_query(const struct oracle *oracle, const struct mr_query *query,
                        struct mr_reply *reply, unsigned char *rows, uint32_t size);

/* Emits an event and returns its zeroed body; NULL when nobody wants to know. */
void *oracle_emit(struct oracle *oracle, uint16_t type, uint16_t body_size, uint16_t aggregate_kind,
                  uint64_t aggregate_id, struct mr_stream *stream);

#endif
