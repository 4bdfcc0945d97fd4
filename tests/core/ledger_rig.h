/*
 * The ledger alone (<millrace/ledger.h>), one call for each request, and what came of it, result by
 * result. All invariants are checked after every request.
 */
#ifndef MR_TESTS_CORE_LEDGER_RIG_H
#define MR_TESTS_CORE_LEDGER_RIG_H

#include "base/bits.h"
#include "core/ledger/state.h"

#include <millrace/ledger.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The ledger and the code of whatever names no other. */
enum { UNIT = 1, CODE = 10 };
#define SECOND      UINT64_C(1000000000)
#define START       (1000 * SECOND)
#define AMOUNT_MAX  mr_u128_max()
#define BELOW_MAX   mr_u128_of(UINT64_MAX, UINT64_MAX - 1)
#define ID(n)       mr_u128_of(0, n)
#define EVENTS(...) (sizeof((__VA_ARGS__)) / sizeof((__VA_ARGS__)[0]))

struct ledger_rig {
    struct mr_ledger_config config;
    struct mr_ledger *ledger;
    size_t size;         /* bytes of it */
    uint64_t time_ns;    /* of the next request */
    bool unbalanced;     /* balances were set by force: debits are not equal to credits */
    uint32_t count;      /* events of the last request */
    uint64_t first_time; /* that its first event had to get */
    struct mr_ledger_result results[LEDGER_BATCH_MAX];
};

/* As much of everything as most scenarios need. */
static inline struct mr_ledger_config ledger_config(void)
{
    struct mr_ledger_config config;
    mr_logic_ledger.config_default(&config);
    config.accounts_max = 64;
    config.transfers_max = 512;
    config.pending_max = 64;
    config.history_max = 64;
    config.ledgers_max = 4;
    return config;
}

static inline void ledger_open(struct ledger_rig *rig, const struct mr_ledger_config *config)
{
    memset(rig, 0, sizeof *rig);
    rig->config = *config;
    rig->size = mr_logic_ledger.state_size(config);
    rig->time_ns = START;
    assert_true(rig->size > 0);
    rig->ledger = aligned_alloc(4096, mr_align_up(rig->size, 4096));
    assert_non_null(rig->ledger);
    memset((void *)rig->ledger, 0, rig->size);
    mr_logic_ledger.init(rig->ledger, &rig->config);
}

static inline void ledger_check(const struct ledger_rig *rig)
{
    if (!rig->unbalanced)
        assert_true(mr_logic_ledger.check(rig->ledger, &rig->config));
}

static inline void ledger_close(struct ledger_rig *rig)
{
    ledger_check(rig);
    free(rig->ledger);
}

/* -- Events. ----------------------------------------------------------------------------------- */

static inline struct mr_ledger_account ledger_new_account(uint64_t id, uint16_t flags)
{
    return (struct mr_ledger_account){.id = ID(id), .ledger = UNIT, .code = CODE, .flags = flags};
}

static inline struct mr_ledger_transfer ledger_move(uint64_t id, uint64_t debit, uint64_t credit,
                                                    struct mr_u128 amount, uint16_t flags)
{
    return (struct mr_ledger_transfer){.id = ID(id),
                                       .debit_account_id = ID(debit),
                                       .credit_account_id = ID(credit),
                                       .amount = amount,
                                       .ledger = UNIT,
                                       .code = CODE,
                                       .flags = flags};
}

static inline struct mr_ledger_transfer ledger_plain(uint64_t id, uint64_t debit, uint64_t credit,
                                                     uint64_t amount)
{
    return ledger_move(id, debit, credit, ID(amount), 0);
}

static inline struct mr_ledger_transfer ledger_pend(uint64_t id, uint64_t debit, uint64_t credit,
                                                    uint64_t amount, uint32_t timeout)
{
    struct mr_ledger_transfer transfer =
        ledger_move(id, debit, credit, ID(amount), MR_LEDGER_PENDING);
    transfer.timeout = timeout;
    return transfer;
}

static inline struct mr_ledger_transfer ledger_post(uint64_t id, uint64_t pending,
                                                    struct mr_u128 amount)
{
    return (struct mr_ledger_transfer){
        .id = ID(id), .pending_id = ID(pending), .amount = amount, .flags = MR_LEDGER_POST};
}

static inline struct mr_ledger_transfer ledger_void(uint64_t id, uint64_t pending)
{
    return (struct mr_ledger_transfer){
        .id = ID(id), .pending_id = ID(pending), .flags = MR_LEDGER_VOID};
}

/* The same event, linked to the next one. */
static inline struct mr_ledger_transfer ledger_linked(struct mr_ledger_transfer transfer)
{
    transfer.flags |= MR_LEDGER_LINKED;
    return transfer;
}

/* The same event, as one that is imported. */
static inline struct mr_ledger_transfer ledger_past(struct mr_ledger_transfer transfer,
                                                    uint64_t timestamp)
{
    transfer.flags |= MR_LEDGER_IMPORTED;
    transfer.timestamp = timestamp;
    return transfer;
}

static inline struct mr_ledger_account ledger_past_account(uint64_t id, uint64_t timestamp)
{
    struct mr_ledger_account account = ledger_new_account(id, MR_LEDGER_ACCOUNT_IMPORTED);
    account.timestamp = timestamp;
    return account;
}

/* -- Requests. --------------------------------------------------------------------------------- */

static inline void ledger_before(struct ledger_rig *rig, size_t count)
{
    uint64_t last = mr_ledger_totals_get(rig->ledger).time_ns;
    assert_in_range(count, 1, LEDGER_BATCH_MAX);
    rig->count = (uint32_t)count;
    uint64_t at = rig->time_ns < MR_LEDGER_TIME_MAX ? rig->time_ns : MR_LEDGER_TIME_MAX;
    rig->first_time = at > last ? at : last + 1;
    memset(rig->results, 0xee, count * sizeof rig->results[0]);
}

/* What holds of whatever is asked: each event takes the next timestamp, and no more is told. */
static inline void ledger_after(struct ledger_rig *rig)
{
    for (uint32_t i = 0; i < rig->count; i++)
        assert_int_equal(rig->results[i].reserved, 0);
    assert_int_equal(mr_ledger_totals_get(rig->ledger).time_ns, rig->first_time + rig->count - 1);
    ledger_check(rig);
}

static inline void ledger_request(struct ledger_rig *rig, const struct mr_ledger_transfer *events,
                                  size_t count)
{
    ledger_before(rig, count);
    mr_ledger_transfers_create(rig->ledger, events, rig->count, rig->time_ns, rig->results);
    ledger_after(rig);
}

static inline void ledger_accounts_request(struct ledger_rig *rig,
                                           const struct mr_ledger_account *events, size_t count)
{
    ledger_before(rig, count);
    mr_ledger_accounts_create(rig->ledger, events, rig->count, rig->time_ns, rig->results);
    ledger_after(rig);
}

/* REQUEST(rig, transfer, ...), ACCOUNTS(rig, account, ...): one request of those events. */
#define REQUEST(rig, ...)                                                 \
    ledger_request(rig, (const struct mr_ledger_transfer[]){__VA_ARGS__}, \
                   EVENTS((const struct mr_ledger_transfer[]){__VA_ARGS__}))
#define ACCOUNTS(rig, ...)                                                        \
    ledger_accounts_request(rig, (const struct mr_ledger_account[]){__VA_ARGS__}, \
                            EVENTS((const struct mr_ledger_account[]){__VA_ARGS__}))

static inline uint32_t ledger_one(struct ledger_rig *rig, struct mr_ledger_transfer transfer)
{
    ledger_request(rig, &transfer, 1);
    return rig->results[0].reason;
}

static inline uint32_t ledger_one_account(struct ledger_rig *rig, struct mr_ledger_account account)
{
    ledger_accounts_request(rig, &account, 1);
    return rig->results[0].reason;
}

/* -- What came of it. -------------------------------------------------------------------------- */

static inline const char *ledger_reason(uint32_t reason)
{
    return reason == 0 ? "created" : mr_catalog_reason_name(mr_logic_ledger.catalog, reason);
}

static inline void ledger_reason_at(uint32_t got, uint32_t expected, uint32_t event,
                                    const char *file, int line)
{
    if (got != expected) {
        print_error("event %u: %s, not %s\n", event, ledger_reason(got), ledger_reason(expected));
        _fail(file, line);
    }
}

static inline void ledger_results_at(const struct ledger_rig *rig, const uint32_t *expected,
                                     size_t count, const char *file, int line)
{
    assert_int_equal(rig->count, count);
    for (uint32_t i = 0; i < count; i++)
        ledger_reason_at(rig->results[i].reason, expected[i], i, file, line);
}

/* RESULTS(rig, reason, ...): those of the last request, event by event. */
#define RESULTS(rig, ...)                                   \
    ledger_results_at(rig, (const uint32_t[]){__VA_ARGS__}, \
                      EVENTS((const uint32_t[]){__VA_ARGS__}), __FILE__, __LINE__)

/* GETS(rig, transfer, reason): a request of one event. */
#define GETS(rig, transfer, reason) \
    ledger_reason_at(ledger_one(rig, transfer), reason, 0, __FILE__, __LINE__)
#define ACCOUNT_GETS(rig, account, reason) \
    ledger_reason_at(ledger_one_account(rig, account), reason, 0, __FILE__, __LINE__)
#define MAKES(rig, transfer) GETS(rig, transfer, MR_LEDGER_CREATED)

/* Accounts 1 to `count`, without flags. */
static inline void ledger_make_accounts(struct ledger_rig *rig, uint64_t count)
{
    for (uint64_t id = 1; id <= count; id++)
        ACCOUNT_GETS(rig, ledger_new_account(id, 0), MR_LEDGER_CREATED);
}

static inline struct mr_ledger_account ledger_seen(const struct ledger_rig *rig, uint64_t id)
{
    struct mr_ledger_account account;
    assert_true(mr_ledger_account_get(rig->ledger, ID(id), &account));
    return account;
}

static inline struct mr_ledger_transfer ledger_found(const struct ledger_rig *rig, uint64_t id)
{
    struct mr_ledger_transfer transfer;
    assert_true(mr_ledger_transfer_get(rig->ledger, ID(id), &transfer, NULL));
    return transfer;
}

static inline bool ledger_has(const struct ledger_rig *rig, uint64_t id)
{
    struct mr_ledger_transfer transfer;
    return mr_ledger_transfer_get(rig->ledger, ID(id), &transfer, NULL);
}

static inline enum mr_ledger_state ledger_state(const struct ledger_rig *rig, uint64_t id)
{
    struct mr_ledger_transfer transfer;
    enum mr_ledger_state state = MR_LEDGER_STATE_NONE;
    assert_true(mr_ledger_transfer_get(rig->ledger, ID(id), &transfer, &state));
    return state;
}

static inline bool ledger_closed(const struct ledger_rig *rig, uint64_t id)
{
    return (ledger_seen(rig, id).flags & MR_LEDGER_ACCOUNT_CLOSED) != 0;
}

static inline void ledger_balances_at(const struct ledger_rig *rig, uint64_t id,
                                      const struct mr_u128 *expected, const char *file, int line)
{
    struct mr_ledger_account account = ledger_seen(rig, id);
    const struct mr_u128 got[] = {account.debits_pending, account.debits_posted,
                                  account.credits_pending, account.credits_posted};
    static const char *const names[] = {"debits_pending", "debits_posted", "credits_pending",
                                        "credits_posted"};
    for (uint32_t i = 0; i < 4; i++)
        if (!mr_u128_equal(got[i], expected[i])) {
            print_error("account %llu: %s: %llx'%016llx, not %llx'%016llx\n",
                        (unsigned long long)id, names[i], (unsigned long long)got[i].high,
                        (unsigned long long)got[i].low, (unsigned long long)expected[i].high,
                        (unsigned long long)expected[i].low);
            _fail(file, line);
        }
}

/* BALANCES_128(rig, account, debits_pending, debits_posted, credits_pending, credits_posted);
 * BALANCES: the same with small numbers. */
#define BALANCES_128(rig, account, ...) \
    ledger_balances_at(rig, account, (const struct mr_u128[4]){__VA_ARGS__}, __FILE__, __LINE__)
#define BALANCES(rig, account, dp, dd, cp, cd) \
    BALANCES_128(rig, account, ID(dp), ID(dd), ID(cp), ID(cd))

/* Lets time come and expires what is due, `limit` a call; how many that were. */
static inline uint32_t ledger_expire(struct ledger_rig *rig, uint64_t time_ns, uint32_t limit)
{
    struct mr_ledger_expired expired[LEDGER_EXPIRE_MAX];
    uint32_t all = 0, count = limit;
    rig->time_ns = time_ns;
    while (count == limit) {
        count = mr_ledger_expire(rig->ledger, time_ns, expired, limit);
        assert_in_range(count, 0, limit);
        all += count;
        ledger_check(rig);
    }
    return all;
}

/* -- Everything that can be seen of it, but its time. ------------------------------------------ */

static inline uint64_t ledger_mixed(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static inline uint64_t ledger_transfers_mixed(const struct mr_ledger *ledger, uint64_t hash)
{
    for (uint32_t age = ledger->count; age-- > 0;) {
        const struct ledger_transfer *transfer =
            ledger_transfer(ledger, ledger_ordinal_before(ledger->newest, age));
        struct mr_ledger_transfer told;
        memset(&told, 0, sizeof told);
        if ((transfer->marks & LEDGER_FAILED) != 0)
            told.id = transfer->id;
        else
            mr_ledger_transfer_tell(ledger, transfer, &told);
        hash = ledger_mixed(hash, &told, sizeof told);
        hash = ledger_mixed(hash, &transfer->state, 1);
    }
    return hash;
}

static inline uint64_t ledger_view(const struct ledger_rig *rig)
{
    struct mr_ledger_totals totals = mr_ledger_totals_get(rig->ledger);
    struct mr_ledger_account account;
    uint64_t expiry = mr_ledger_expiry_next(rig->ledger);
    totals.time_ns = 0;
    uint64_t hash = ledger_mixed(UINT64_C(0xcbf29ce484222325), &totals, sizeof totals);
    hash = ledger_mixed(hash, &expiry, sizeof expiry);
    for (uint32_t i = 0; mr_ledger_account_at(rig->ledger, i, &account); i++)
        hash = ledger_mixed(hash, &account, sizeof account);
    return ledger_transfers_mixed(rig->ledger, hash);
}

/* -- Scenarios. -------------------------------------------------------------------------------- */

/* Accounts 1 to 4 without flags: `state` of most scenarios. */
static inline int ledger_open_plain(void **state)
{
    static struct ledger_rig rig;
    struct mr_ledger_config config = ledger_config();
    ledger_open(&rig, &config);
    *state = &rig;
    ledger_make_accounts(&rig, 4);
    return 0;
}

static inline int ledger_close_plain(void **state)
{
    ledger_close(*state);
    return 0;
}

#define SCENARIO(name) cmocka_unit_test_setup_teardown(name, ledger_open_plain, ledger_close_plain)

#endif
