/*
 * The logics that the simulator runs: a counter, as small as can be, for speed; and a till, which
 * uses all that a logic may: conditions, timers that are cancelled and set anew, turns, tails,
 * queries, and four versions. What they are to do is written once more, naively, in
 * oracle_logic.c.
 */
#ifndef MR_TESTS_SIMULATOR_LOGICS_H
#define MR_TESTS_SIMULATOR_LOGICS_H

#include <millrace/common.h>
#include <millrace/logic.h>

/* -- The counter. ------------------------------------------------------------------------------ */

#define COUNTER_ADD_FIELDS(F) F(i64, amount, "", "how much is added")
MR_MESSAGE_STRUCT(counter_add, COUNTER_ADD_FIELDS);
#define COUNTER_ADDED_FIELDS(F) F(i64, total, "", "what it comes to")
MR_MESSAGE_STRUCT(counter_added, COUNTER_ADDED_FIELDS);

enum { COUNTER_ADD = MR_CATALOG_LOGIC_FIRST };
enum { COUNTER_ADDED = MR_CATALOG_LOGIC_FIRST };
enum { COUNTER_QUERY = MR_CATALOG_LOGIC_FIRST, COUNTER_ROW = MR_CATALOG_LOGIC_FIRST };

struct counter {
    int64_t total;
};

extern const struct mr_logic sim_counter;

/* -- The till. --------------------------------------------------------------------------------- */

#define TILL_MOVE_FIELDS(F)                                                              \
    F(i64, amount, "units", "put in, or taken out when negative")                        \
    F(u64, account, "", "which")                                                         \
    F(optional(u64), expected, "events", "events that the account has had; 0: whatever") \
    F(u64, delay_ns, "ns", "0: at once; else when this time has passed")                 \
    F(u32, burst, "events", "how many more events each turn causes")                     \
    F(u32, turns, "turns", "how many more turns this takes")                             \
    F(u32, repeat, "", "how often the timer is set anew")                                \
    F(pad(4), reserved, "", "")
MR_MESSAGE_STRUCT(till_move, TILL_MOVE_FIELDS);
#define TILL_CANCEL_FIELDS(F) F(u64, account, "", "whose last timer is cancelled")
MR_MESSAGE_STRUCT(till_cancel, TILL_CANCEL_FIELDS);
#define TILL_NOTE_FIELDS(F) F(u64, account, "", "which; any bytes may follow")
MR_MESSAGE_STRUCT(till_note, TILL_NOTE_FIELDS);
#define TILL_FEE_FIELDS(F) F(u64, fee, "units", "of every withdrawal from here on")
MR_MESSAGE_STRUCT(till_fee, TILL_FEE_FIELDS);

#define TILL_MOVED_FIELDS(F)                            \
    F(i64, balance, "units", "of the account, with it") \
    F(u32, turn, "", "of the command")                  \
    F(u32, step, "", "within the turn")                 \
    F(u32, place, "", "of the command in its batch")    \
    F(u32, ahead, "commands", "of the batch; of a timer 0")
MR_MESSAGE_STRUCT(till_moved, TILL_MOVED_FIELDS);
#define TILL_FEE_SET_FIELDS(F) F(u64, fee, "units", "of every withdrawal")
MR_MESSAGE_STRUCT(till_fee_set, TILL_FEE_SET_FIELDS);

#define TILL_QUERY_FIELDS(F) F(u64, from, "", "the first account")
MR_MESSAGE_STRUCT(till_query, TILL_QUERY_FIELDS);
#define TILL_ROW_FIELDS(F)                    \
    F(u64, account, "", "which")              \
    F(i64, balance, "units", "what is in it") \
    F(u64, events, "events", "that it has had")
MR_MESSAGE_STRUCT(till_row, TILL_ROW_FIELDS);

#define TILL_CONFIG_FIELDS(F)                  \
    F(u32, accounts, "", "how many there are") \
    F(u32, burst_max, "events", "in one turn")
MR_MESSAGE_STRUCT(till_config, TILL_CONFIG_FIELDS);
/* From version 2 on. */
#define TILL_CONFIG2_FIELDS(F)                  \
    F(u64, fee, "units", "of every withdrawal") \
    F(u32, accounts, "", "how many there are")  \
    F(u32, burst_max, "events", "in one turn")
MR_MESSAGE_STRUCT(till_config2, TILL_CONFIG2_FIELDS);

enum { TILL_MOVE = MR_CATALOG_LOGIC_FIRST, TILL_CANCEL, TILL_NOTE, TILL_FEE };
enum { TILL_MOVED = MR_CATALOG_LOGIC_FIRST, TILL_FEE_SET };
enum { TILL_QUERY = MR_CATALOG_LOGIC_FIRST, TILL_ROW = MR_CATALOG_LOGIC_FIRST };
enum { TILL_ACCOUNT = MR_CATALOG_LOGIC_FIRST };
enum {
    TILL_EMPTY = MR_CATALOG_LOGIC_FIRST,
    TILL_NO_ACCOUNT,
    TILL_NO_TIMER,
    TILL_BAD_MOVE,
    TILL_TOO_MUCH, /* from version 3 on */
};
enum {
    TILL_ACCOUNTS_MAX = 16,
    TILL_ACCOUNTS = 8, /* by default */
    TILL_BURST_MAX = 40,
    TILL_TURNS_MAX = 5,
    TILL_REPEATS_MAX = 3,
    TILL_COMMAND_MAX = 1024,
    TILL_FEE_AT_FIRST = 1, /* of those that began before version 2 */
    TILL_MOVE_MAX = 50,    /* from version 3 on */
    TILL_REPEAT_NS = 700,  /* between a timer and the one that follows it */
};

/* What a timer of the till is to do, in its 32 bits of `kind`. */
static inline uint32_t till_timer_kind(int64_t amount, uint32_t repeat)
{
    return (uint32_t)(amount & 0xffff) | repeat << 16;
}

struct till_account {
    int64_t balance;
    struct mr_stream stream;
    uint32_t token;  /* of the last timer, while it is set */
    uint32_t timers; /* set so far: their ids tell them apart */
};

struct till {
    uint32_t turn; /* of the command at hand */
    uint32_t reserved;
    struct till_account accounts[TILL_ACCOUNTS_MAX];
};

/* From version 2 on. */
struct till2 {
    uint64_t fee;
    uint64_t fees; /* taken so far */
    struct till till;
};

/* From version 4 on. */
struct till4 {
    uint64_t fees_before; /* that were taken before this version applied */
    struct till2 till2;
};

extern const struct mr_logic sim_till1, sim_till2, sim_till3, sim_till4;

static inline uint32_t till_layout(uint32_t version)
{
    return version == 1 ? 1 : version < 4 ? 2 : 3;
}

#endif
