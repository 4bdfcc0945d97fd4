/*
 * <millrace/ledger_messages.h>: what goes into the ledger of <millrace/ledger.h> and what comes out
 * of it: commands, events, flags, results, and the configuration. docs/ledger.md says what they
 * mean, with examples.
 *
 * Accounts and transfers have the fields, the order of fields and the 128 bytes that TigerBeetle's
 * public reference gives them, and results have its names.
 */
#ifndef MILLRACE_LEDGER_MESSAGES_H
#define MILLRACE_LEDGER_MESSAGES_H

#include <millrace/catalog.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* -- Flags. ------------------------------------------------------------------------------------ */

#define MR_LEDGER_ACCOUNT_FLAGS(V)                                                     \
    V(MR_LEDGER_ACCOUNT_LINKED, 0, linked) /* fails or succeeds with the next event */ \
    V(MR_LEDGER_ACCOUNT_DEBITS_LIMITED, 1, debits_must_not_exceed_credits)             \
    V(MR_LEDGER_ACCOUNT_CREDITS_LIMITED, 2, credits_must_not_exceed_debits)            \
    V(MR_LEDGER_ACCOUNT_HISTORY, 3, history)   /* balances after each transfer */      \
    V(MR_LEDGER_ACCOUNT_IMPORTED, 4, imported) /* it brings its own timestamp */       \
    V(MR_LEDGER_ACCOUNT_CLOSED, 5, closed)     /* refuses transfers */
enum mr_ledger_account_flag { MR_LEDGER_ACCOUNT_FLAGS(MR_FLAG_VALUE) };

#define MR_LEDGER_TRANSFER_FLAGS(V)                                                             \
    V(MR_LEDGER_LINKED, 0, linked)   /* fails or succeeds with the next event */                \
    V(MR_LEDGER_PENDING, 1, pending) /* reserves the amount */                                  \
    V(MR_LEDGER_POST, 2, post_pending_transfer)                                                 \
    V(MR_LEDGER_VOID, 3, void_pending_transfer)                                                 \
    V(MR_LEDGER_BALANCING_DEBIT, 4, balancing_debit)   /* at most what the debit side has */    \
    V(MR_LEDGER_BALANCING_CREDIT, 5, balancing_credit) /* at most what the credit side lacks */ \
    V(MR_LEDGER_CLOSING_DEBIT, 6, closing_debit)       /* closes the debit account */           \
    V(MR_LEDGER_CLOSING_CREDIT, 7, closing_credit)     /* closes the credit account */          \
    V(MR_LEDGER_IMPORTED, 8, imported)                 /* it brings its own timestamp */
enum mr_ledger_transfer_flag { MR_LEDGER_TRANSFER_FLAGS(MR_FLAG_VALUE) };

enum { MR_LEDGER_ACCOUNT_FLAGS_ALL = 0x3f, MR_LEDGER_TRANSFER_FLAGS_ALL = 0x1ff };

/* What has become of a pending transfer; `none`: the transfer is not pending. */
#define MR_LEDGER_STATES(V)                \
    V(MR_LEDGER_STATE_NONE, 0, none)       \
    V(MR_LEDGER_STATE_PENDING, 1, pending) \
    V(MR_LEDGER_STATE_POSTED, 2, posted)   \
    V(MR_LEDGER_STATE_VOIDED, 3, voided)   \
    V(MR_LEDGER_STATE_EXPIRED, 4, expired)
enum mr_ledger_state { MR_LEDGER_STATES(MR_ENUM_VALUE) };

/* How ids of transfers are made, which decides what may be forgotten. */
#define MR_LEDGER_ID_SCHEMES(V)                                                            \
    V(MR_LEDGER_IDS_TIME_ORDERED, 0, time_ordered) /* milliseconds in the upper 48 bits */ \
    V(MR_LEDGER_IDS_FREE, 1, free)                 /* any: nothing is ever forgotten */
enum mr_ledger_id_scheme { MR_LEDGER_ID_SCHEMES(MR_ENUM_VALUE) };

/* -- Results: 0 is `created`. The numbers are the order of precedence for transfers; for accounts,
 * see MR_LEDGER_ACCOUNT_PRECEDENCE. ------------------------------------------------------------ */

/* clang-format off */
#define MR_LEDGER_RESULTS(R)                                                                      \
    R(MR_LEDGER_LINKED_EVENT_FAILED, 64, linked_event_failed,                                     \
      "another event of its chain failed")                                                        \
    R(MR_LEDGER_LINKED_EVENT_CHAIN_OPEN, 65, linked_event_chain_open,                             \
      "the batch ends within its chain")                                                          \
    R(MR_LEDGER_IMPORTED_EVENT_EXPECTED, 66, imported_event_expected,                             \
      "the batch began with an imported event, and this is none")                                 \
    R(MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED, 67, imported_event_not_expected,                     \
      "the batch began with an event that is not imported")                                       \
    R(MR_LEDGER_TIMESTAMP_MUST_BE_ZERO, 68, timestamp_must_be_zero,                               \
      "the ledger gives the timestamp")                                                           \
    R(MR_LEDGER_IMPORTED_TIMESTAMP_OUT_OF_RANGE, 69, imported_event_timestamp_out_of_range,       \
      "the timestamp is 0, or not below 2^63")                                                    \
    R(MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE, 70,                                          \
      imported_event_timestamp_must_not_advance,                                                  \
      "the timestamp is not in the past")                                                         \
    R(MR_LEDGER_RESERVED_FIELD, 71, reserved_field, "a reserved field is not zero")               \
    R(MR_LEDGER_RESERVED_FLAG, 72, reserved_flag, "a flag that there is not")                     \
    R(MR_LEDGER_ID_MUST_NOT_BE_ZERO, 73, id_must_not_be_zero, "the id is zero")                   \
    R(MR_LEDGER_ID_MUST_NOT_BE_INT_MAX, 74, id_must_not_be_int_max, "the id is 2^128 - 1")        \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_FLAGS, 75, exists_with_different_flags,                     \
      "the id is taken, with other flags")                                                        \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_PENDING_ID, 76, exists_with_different_pending_id,           \
      "the id is taken, with another pending_id")                                                 \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_TIMEOUT, 77, exists_with_different_timeout,                 \
      "the id is taken, with another timeout")                                                    \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID, 78,                                       \
      exists_with_different_debit_account_id,                                                     \
      "the id is taken, with another debit account")                                              \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID, 79,                                      \
      exists_with_different_credit_account_id,                                                    \
      "the id is taken, with another credit account")                                             \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_AMOUNT, 80, exists_with_different_amount,                   \
      "the id is taken, with another amount")                                                     \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_128, 81, exists_with_different_user_data_128,     \
      "the id is taken, with another user_data_128")                                              \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_64, 82, exists_with_different_user_data_64,       \
      "the id is taken, with another user_data_64")                                               \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_USER_DATA_32, 83, exists_with_different_user_data_32,       \
      "the id is taken, with another user_data_32")                                               \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_LEDGER, 84, exists_with_different_ledger,                   \
      "the id is taken, with another ledger")                                                     \
    R(MR_LEDGER_EXISTS_WITH_DIFFERENT_CODE, 85, exists_with_different_code,                       \
      "the id is taken, with another code")                                                       \
    R(MR_LEDGER_EXISTS, 86, exists,                                                               \
      "it was created before, by the same event: treat it as created")                            \
    R(MR_LEDGER_ID_ALREADY_FAILED, 87, id_already_failed,                                         \
      "a transfer with this id failed for a passing reason: use a new id")                        \
    R(MR_LEDGER_ID_TOO_OLD, 88, id_too_old,                                                       \
      "the id is older than the window of transfers: it may have been created before, see "       \
      "millrace log")                                                                             \
    R(MR_LEDGER_ID_AHEAD_OF_TIME, 89, id_ahead_of_time,                                           \
      "the id's time is further ahead of the ledger's than id_ahead_ms")                          \
    R(MR_LEDGER_TRANSFERS_FULL, 90, transfers_full,                                               \
      "there are as many transfers as transfers_max allows, and free ids are never forgotten")    \
    R(MR_LEDGER_FLAGS_ARE_MUTUALLY_EXCLUSIVE, 91, flags_are_mutually_exclusive,                   \
      "flags that exclude each other")                                                            \
    R(MR_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, 92, debit_account_id_must_not_be_zero,         \
      "the debit account's id is zero")                                                           \
    R(MR_LEDGER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, 93, debit_account_id_must_not_be_int_max,   \
      "the debit account's id is 2^128 - 1")                                                      \
    R(MR_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO, 94, credit_account_id_must_not_be_zero,       \
      "the credit account's id is zero")                                                          \
    R(MR_LEDGER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX, 95, credit_account_id_must_not_be_int_max, \
      "the credit account's id is 2^128 - 1")                                                     \
    R(MR_LEDGER_ACCOUNTS_MUST_BE_DIFFERENT, 96, accounts_must_be_different,                       \
      "debit and credit account are the same")                                                    \
    R(MR_LEDGER_PENDING_ID_MUST_BE_ZERO, 97, pending_id_must_be_zero,                             \
      "only a post or a void has a pending_id")                                                   \
    R(MR_LEDGER_PENDING_ID_MUST_NOT_BE_ZERO, 98, pending_id_must_not_be_zero,                     \
      "a post or a void needs a pending_id")                                                      \
    R(MR_LEDGER_PENDING_ID_MUST_NOT_BE_INT_MAX, 99, pending_id_must_not_be_int_max,               \
      "the pending_id is 2^128 - 1")                                                              \
    R(MR_LEDGER_PENDING_ID_MUST_BE_DIFFERENT, 100, pending_id_must_be_different,                  \
      "the pending_id is the transfer's own id")                                                  \
    R(MR_LEDGER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER, 101,                                       \
      timeout_reserved_for_pending_transfer,                                                      \
      "only a pending transfer has a timeout")                                                    \
    R(MR_LEDGER_CLOSING_TRANSFER_MUST_BE_PENDING, 102, closing_transfer_must_be_pending,          \
      "only a pending transfer closes an account")                                                \
    R(MR_LEDGER_LEDGER_MUST_NOT_BE_ZERO, 103, ledger_must_not_be_zero, "the ledger is zero")      \
    R(MR_LEDGER_CODE_MUST_NOT_BE_ZERO, 104, code_must_not_be_zero, "the code is zero")            \
    R(MR_LEDGER_DEBIT_ACCOUNT_NOT_FOUND, 105, debit_account_not_found,                            \
      "no account has the debit account's id")                                                    \
    R(MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND, 106, credit_account_not_found,                          \
      "no account has the credit account's id")                                                   \
    R(MR_LEDGER_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER, 107, accounts_must_have_the_same_ledger,      \
      "the two accounts are of different ledgers")                                                \
    R(MR_LEDGER_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS, 108,                              \
      transfer_must_have_the_same_ledger_as_accounts,                                             \
      "the ledger is not the accounts'")                                                          \
    R(MR_LEDGER_PENDING_TRANSFER_NOT_FOUND, 109, pending_transfer_not_found,                      \
      "no transfer has the pending_id")                                                           \
    R(MR_LEDGER_PENDING_TRANSFER_NOT_PENDING, 110, pending_transfer_not_pending,                  \
      "the transfer with the pending_id was no pending one")                                      \
    R(MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID, 111,                             \
      pending_transfer_has_different_debit_account_id,                                            \
      "the pending transfer has another debit account")                                           \
    R(MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID, 112,                            \
      pending_transfer_has_different_credit_account_id,                                           \
      "the pending transfer has another credit account")                                          \
    R(MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER, 113,                                       \
      pending_transfer_has_different_ledger,                                                      \
      "the pending transfer has another ledger")                                                  \
    R(MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_CODE, 114, pending_transfer_has_different_code,    \
      "the pending transfer has another code")                                                    \
    R(MR_LEDGER_EXCEEDS_PENDING_TRANSFER_AMOUNT, 115, exceeds_pending_transfer_amount,            \
      "more than was reserved")                                                                   \
    R(MR_LEDGER_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT, 116,                                       \
      pending_transfer_has_different_amount,                                                      \
      "a void is of the whole amount: 0, or what was reserved")                                   \
    R(MR_LEDGER_PENDING_TRANSFER_ALREADY_POSTED, 117, pending_transfer_already_posted,            \
      "the pending transfer was posted")                                                          \
    R(MR_LEDGER_PENDING_TRANSFER_ALREADY_VOIDED, 118, pending_transfer_already_voided,            \
      "the pending transfer was voided")                                                          \
    R(MR_LEDGER_PENDING_TRANSFER_EXPIRED, 119, pending_transfer_expired,                          \
      "the pending transfer's timeout has passed")                                                \
    R(MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, 120,                                         \
      imported_event_timestamp_must_not_regress,                                                  \
      "the timestamp is not above those before, or taken")                                        \
    R(MR_LEDGER_IMPORTED_MUST_POSTDATE_DEBIT_ACCOUNT, 121,                                        \
      imported_event_timestamp_must_postdate_debit_account,                                       \
      "the debit account is not older than that")                                                 \
    R(MR_LEDGER_IMPORTED_MUST_POSTDATE_CREDIT_ACCOUNT, 122,                                       \
      imported_event_timestamp_must_postdate_credit_account,                                      \
      "the credit account is not older than that")                                                \
    R(MR_LEDGER_IMPORTED_TIMEOUT_MUST_BE_ZERO, 123, imported_event_timeout_must_be_zero,          \
      "an imported transfer has no timeout")                                                      \
    R(MR_LEDGER_DEBIT_ACCOUNT_ALREADY_CLOSED, 124, debit_account_already_closed,                  \
      "the debit account is closed")                                                              \
    R(MR_LEDGER_CREDIT_ACCOUNT_ALREADY_CLOSED, 125, credit_account_already_closed,                \
      "the credit account is closed")                                                             \
    R(MR_LEDGER_OVERFLOWS_DEBITS_PENDING, 126, overflows_debits_pending,                          \
      "debits_pending of the debit account would not fit")                                        \
    R(MR_LEDGER_OVERFLOWS_CREDITS_PENDING, 127, overflows_credits_pending,                        \
      "credits_pending of the credit account would not fit")                                      \
    R(MR_LEDGER_OVERFLOWS_DEBITS_POSTED, 128, overflows_debits_posted,                            \
      "debits_posted of the debit account would not fit")                                         \
    R(MR_LEDGER_OVERFLOWS_CREDITS_POSTED, 129, overflows_credits_posted,                          \
      "credits_posted of the credit account would not fit")                                       \
    R(MR_LEDGER_OVERFLOWS_DEBITS, 130, overflows_debits,                                          \
      "the debits of the debit account, pending and posted, would not fit")                       \
    R(MR_LEDGER_OVERFLOWS_CREDITS, 131, overflows_credits,                                        \
      "the credits of the credit account, pending and posted, would not fit")                     \
    R(MR_LEDGER_OVERFLOWS_TIMEOUT, 132, overflows_timeout,                                        \
      "timestamp and timeout together do not fit")                                                \
    R(MR_LEDGER_EXCEEDS_CREDITS, 133, exceeds_credits,                                            \
      "the debit account's debits must not exceed its credits")                                   \
    R(MR_LEDGER_EXCEEDS_DEBITS, 134, exceeds_debits,                                              \
      "the credit account's credits must not exceed its debits")                                  \
    R(MR_LEDGER_PENDING_FULL, 135, pending_full,                                                  \
      "as many transfers are pending as pending_max allows")                                      \
    R(MR_LEDGER_DEBITS_PENDING_MUST_BE_ZERO, 136, debits_pending_must_be_zero,                    \
      "a new account has no balance")                                                             \
    R(MR_LEDGER_DEBITS_POSTED_MUST_BE_ZERO, 137, debits_posted_must_be_zero,                      \
      "a new account has no balance")                                                             \
    R(MR_LEDGER_CREDITS_PENDING_MUST_BE_ZERO, 138, credits_pending_must_be_zero,                  \
      "a new account has no balance")                                                             \
    R(MR_LEDGER_CREDITS_POSTED_MUST_BE_ZERO, 139, credits_posted_must_be_zero,                    \
      "a new account has no balance")                                                             \
    R(MR_LEDGER_ACCOUNTS_FULL, 140, accounts_full,                                                \
      "there are as many accounts as accounts_max allows")                                        \
    R(MR_LEDGER_LEDGERS_FULL, 141, ledgers_full,                                                  \
      "there are as many ledgers as ledgers_max allows")                                          \
    R(MR_LEDGER_BAD_FILTER, 142, bad_filter,                                                      \
      "a filter that cannot be: no limit, a flag that there is not, or times that end before "    \
      "they begin")

/* Results of creating an account, highest precedence first. */
#define MR_LEDGER_ACCOUNT_PRECEDENCE(P)                                                           \
    P(LINKED_EVENT_CHAIN_OPEN) P(IMPORTED_EVENT_EXPECTED) P(IMPORTED_EVENT_NOT_EXPECTED)          \
    P(TIMESTAMP_MUST_BE_ZERO) P(IMPORTED_TIMESTAMP_OUT_OF_RANGE)                                  \
    P(IMPORTED_TIMESTAMP_MUST_NOT_ADVANCE) P(RESERVED_FIELD) P(RESERVED_FLAG)                     \
    P(ID_MUST_NOT_BE_ZERO) P(ID_MUST_NOT_BE_INT_MAX) P(EXISTS_WITH_DIFFERENT_FLAGS)               \
    P(EXISTS_WITH_DIFFERENT_USER_DATA_128) P(EXISTS_WITH_DIFFERENT_USER_DATA_64)                  \
    P(EXISTS_WITH_DIFFERENT_USER_DATA_32) P(EXISTS_WITH_DIFFERENT_LEDGER)                         \
    P(EXISTS_WITH_DIFFERENT_CODE) P(EXISTS) P(FLAGS_ARE_MUTUALLY_EXCLUSIVE)                       \
    P(DEBITS_PENDING_MUST_BE_ZERO) P(DEBITS_POSTED_MUST_BE_ZERO) P(CREDITS_PENDING_MUST_BE_ZERO)  \
    P(CREDITS_POSTED_MUST_BE_ZERO) P(LEDGER_MUST_NOT_BE_ZERO) P(CODE_MUST_NOT_BE_ZERO)            \
    P(IMPORTED_TIMESTAMP_MUST_NOT_REGRESS) P(ACCOUNTS_FULL) P(LEDGERS_FULL)
/* clang-format on */

enum mr_ledger_reason { MR_LEDGER_CREATED = 0, MR_LEDGER_RESULTS(MR_REASON_VALUE) };

/* -- Commands: each is an event of a batch, in the words of the reference. --------------------- */

enum mr_ledger_command {
    MR_LEDGER_ACCOUNT_CREATE = MR_CATALOG_LOGIC_FIRST,
    MR_LEDGER_TRANSFER_CREATE
};

#define MR_LEDGER_ACCOUNT_FIELDS(F)                                                            \
    F(u128, id, "", "the account's id, any but 0 and 2^128 - 1")                               \
    F(optional(u128), debits_pending, "units", "reserved on the debit side; 0 in a command")   \
    F(optional(u128), debits_posted, "units", "debited; 0 in a command")                       \
    F(optional(u128), credits_pending, "units", "reserved on the credit side; 0 in a command") \
    F(optional(u128), credits_posted, "units", "credited; 0 in a command")                     \
    F(optional(u128), user_data_128, "", "the user's own")                                     \
    F(optional(u64), user_data_64, "", "the user's own")                                       \
    F(optional(u32), user_data_32, "", "the user's own")                                       \
    F(optional(u32), reserved, "", "zero")                                                     \
    F(u32, ledger, "", "which accounts it can transfer to: those of the same ledger")          \
    F(u16, code, "", "what kind of account it is; the user's own, not 0")                      \
    F(optional(flags16(mr_ledger_account_flag)), flags, "", "what it does, names with commas") \
    F(optional(u64), timestamp, "ns", "when it was created; 0 in a command that is not imported")
MR_MESSAGE_STRUCT(mr_ledger_account, MR_LEDGER_ACCOUNT_FIELDS);

#define MR_LEDGER_TRANSFER_FIELDS(F)                                                            \
    F(u128, id, "", "the transfer's id, any but 0 and 2^128 - 1")                               \
    F(optional(u128), debit_account_id, "", "whom to debit")                                    \
    F(optional(u128), credit_account_id, "", "whom to credit")                                  \
    F(optional(u128), amount, "units", "how much")                                              \
    F(optional(u128), pending_id, "", "the pending transfer that is posted or voided")          \
    F(optional(u128), user_data_128, "", "the user's own")                                      \
    F(optional(u64), user_data_64, "", "the user's own")                                        \
    F(optional(u32), user_data_32, "", "the user's own")                                        \
    F(optional(u32), timeout, "s", "when a pending transfer expires; 0: never")                 \
    F(optional(u32), ledger, "", "that of both accounts")                                       \
    F(optional(u16), code, "", "what kind of transfer it is; the user's own, not 0")            \
    F(optional(flags16(mr_ledger_transfer_flag)), flags, "", "what it does, names with commas") \
    F(optional(u64), timestamp, "ns", "when it was created; 0 in a command that is not imported")
MR_MESSAGE_STRUCT(mr_ledger_transfer, MR_LEDGER_TRANSFER_FIELDS);

MR_STATIC_ASSERT(sizeof(struct mr_ledger_account) == 128, "as in the reference");
MR_STATIC_ASSERT(sizeof(struct mr_ledger_transfer) == 128, "as in the reference");

/* -- Events, of the aggregate `ledger`, whose id is its number; rejected ones of none. --------- */

enum mr_ledger_event {
    MR_LEDGER_ACCOUNT_CREATED = MR_CATALOG_LOGIC_FIRST, /* the account as it is now */
    MR_LEDGER_ACCOUNT_REJECTED,
    MR_LEDGER_TRANSFER_CREATED, /* the transfer as it is recorded, with all filled in */
    MR_LEDGER_TRANSFER_REJECTED,
    MR_LEDGER_TRANSFER_EXPIRED,
};
enum { MR_LEDGER_AGGREGATE_LEDGER = MR_CATALOG_LOGIC_FIRST };

/* account_rejected, transfer_rejected. */
#define MR_LEDGER_REJECTED_FIELDS(F)                                                \
    F(u128, id, "", "of the account or transfer")                                   \
    F(u64, timestamp, "ns", "the ledger's time; for `exists`, when it was created") \
    F(reason, reason, "", "why it was not created")                                 \
    F(pad(4), padding, "", "")
MR_MESSAGE_STRUCT(mr_ledger_rejected, MR_LEDGER_REJECTED_FIELDS);

/* transfer_expired: what was reserved is free again. */
#define MR_LEDGER_EXPIRED_FIELDS(F)                               \
    F(u128, id, "", "of the pending transfer")                    \
    F(u128, debit_account_id, "", "whom it would have debited")   \
    F(u128, credit_account_id, "", "whom it would have credited") \
    F(u128, amount, "units", "released")                          \
    F(u64, timestamp, "ns", "the ledger's time")                  \
    F(u32, ledger, "", "that of both accounts")                   \
    F(u16, code, "", "the pending transfer's")                    \
    F(flags16(mr_ledger_transfer_flag), flags, "", "the pending transfer's")
MR_MESSAGE_STRUCT(mr_ledger_expired, MR_LEDGER_EXPIRED_FIELDS);

/* -- Configuration, fixed by genesis. ---------------------------------------------------------- */

#define MR_LEDGER_CONFIG_FIELDS(F)                                                           \
    F(u64, hash_seed, "", "spreads ids; where strangers choose ids, a secret")               \
    F(u32, accounts_max, "accounts", "accounts, of all ledgers")                             \
    F(u32, transfers_max, "transfers", "transfers that are remembered: the window")          \
    F(u32, pending_max, "transfers", "transfers that can be pending at once")                \
    F(u32, history_max, "balances", "balances remembered, of accounts with `history`")       \
    F(u32, ledgers_max, "ledgers", "ledgers")                                                \
    F(u32, id_ahead_ms, "ms", "how far time-ordered ids may lie ahead of the ledger's time") \
    F(enum8(mr_ledger_id_scheme), id_scheme, "", "how ids of transfers are made")            \
    F(pad(7), padding, "", "")
MR_MESSAGE_STRUCT(mr_ledger_config, MR_LEDGER_CONFIG_FIELDS);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
