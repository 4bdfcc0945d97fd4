/* Batches of commands under an image: which of them are a request, and where chains end. */
#include "tests/core/ledger_twin.h"

enum { A = 1, B = 2 };
#define FAILED MR_LEDGER_LINKED_EVENT_FAILED
#define OPEN   MR_LEDGER_LINKED_EVENT_CHAIN_OPEN
#define ID(n)  mr_u128_of(0, n)

struct sent {
    struct mr_command header;
    union {
        struct mr_ledger_account account;
        struct mr_ledger_transfer transfer;
    } body;
};

static struct sent transfer(uint64_t id, uint32_t flags)
{
    return (struct sent){.header = {.length = MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer),
                                    .type = MR_LEDGER_TRANSFER_CREATE,
                                    .role = MR_ROLE_USER,
                                    .session = TWIN_USER},
                         .body.transfer = {.id = ID(id),
                                           .debit_account_id = ID(A),
                                           .credit_account_id = ID(B),
                                           .amount = ID(1),
                                           .ledger = 1,
                                           .code = 1,
                                           .flags = (uint16_t)flags}};
}

static struct sent account(uint64_t id, uint32_t flags)
{
    return (struct sent){
        .header = {.length = MR_COMMAND_HEADER + sizeof(struct mr_ledger_account),
                   .type = MR_LEDGER_ACCOUNT_CREATE,
                   .role = MR_ROLE_USER,
                   .session = TWIN_USER},
        .body.account = {.id = ID(id), .ledger = 1, .code = 1, .flags = (uint16_t)flags}};
}

/* No ledger event: time, and nothing else. */
static struct sent tick(void)
{
    return (struct sent){.header = {.length = MR_COMMAND_HEADER, .type = MR_COMMAND_TICK}};
}

_Static_assert(offsetof(struct mr_ledger_account, flags) ==
                   offsetof(struct mr_ledger_transfer, flags),
               "of both kinds");

static struct sent linked(struct sent sent)
{
    sent.body.transfer.flags |= MR_LEDGER_LINKED;
    return sent;
}

static struct sent imported(struct sent sent, uint64_t timestamp)
{
    bool account = sent.header.type == MR_LEDGER_ACCOUNT_CREATE;
    sent.body.transfer.flags =
        (uint16_t)(sent.body.transfer.flags |
                   (account ? (int)MR_LEDGER_ACCOUNT_IMPORTED : (int)MR_LEDGER_IMPORTED));
    sent.body.transfer.timestamp = timestamp;
    return sent;
}

static struct sent by_operator(struct sent sent)
{
    sent.header.session = TWIN_OPERATOR;
    sent.header.role = MR_ROLE_OPERATOR;
    return sent;
}

static void batch(struct ledger_twin *twin, const struct sent *sent, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(twin_add(twin, &sent[i].header));
    if (!twin_apply(twin, twin->rig.time_ns + 10))
        fail_msg("%s", twin->flaw);
}

static void results_at(const struct ledger_twin *twin, const uint32_t *expected, size_t count,
                       int line)
{
    for (size_t i = 0; i < count; i++)
        if (twin->results[i] != expected[i]) {
            print_error("command %zu: %s\n", i,
                        mr_catalog_reason_name(mr_logic_ledger.catalog, twin->results[i]));
            _fail(__FILE__, line);
        }
}

#define COUNT(...) (sizeof(__VA_ARGS__) / sizeof((__VA_ARGS__)[0]))
#define BATCH(twin, ...) \
    batch(twin, (const struct sent[]){__VA_ARGS__}, COUNT((const struct sent[]){__VA_ARGS__}))
#define RESULTS(twin, ...)                                                                    \
    results_at(twin, (const uint32_t[]){__VA_ARGS__}, COUNT((const uint32_t[]){__VA_ARGS__}), \
               __LINE__)

static int open_twin(void **state)
{
    static struct ledger_twin twin;
    struct mr_ledger_config config;
    mr_logic_ledger.config_default(&config);
    config.accounts_max = 16;
    config.transfers_max = 64;
    config.pending_max = 16;
    config.history_max = 16;
    config.ledgers_max = 2;
    twin_open(&twin, &config, 4);
    BATCH(&twin, account(A, 0), account(B, 0));
    RESULTS(&twin, 0, 0);
    *state = &twin;
    return 0;
}

static int close_twin(void **state)
{
    twin_close(*state);
    return 0;
}

static bool has(const struct ledger_twin *twin, uint64_t id)
{
    struct mr_ledger_transfer found;
    return mr_ledger_transfer_get(twin_ledger(twin), ID(id), &found, NULL);
}

/* -- Chains in a batch. ------------------------------------------------------------------------ */

static void a_chain_of_commands_succeeds_or_fails_as_a_request_does(void **state)
{
    struct ledger_twin *twin = *state;
    BATCH(twin, linked(transfer(1, 0)), linked(transfer(2, 0)), transfer(3, 0), transfer(4, 0));
    RESULTS(twin, 0, 0, 0, 0);
    BATCH(twin, linked(transfer(5, 0)), linked(transfer(1, 0)), transfer(6, 0), transfer(7, 0));
    RESULTS(twin, FAILED, MR_LEDGER_EXISTS, FAILED, 0);
    assert_false(has(twin, 5) || has(twin, 6));
}

static void a_chain_does_not_go_on_in_the_next_batch(void **state)
{
    struct ledger_twin *twin = *state;
    BATCH(twin, transfer(1, 0), linked(transfer(2, 0)));
    RESULTS(twin, 0, OPEN);
    BATCH(twin, transfer(3, 0));
    RESULTS(twin, 0);
    BATCH(twin, linked(transfer(4, 0)));
    RESULTS(twin, OPEN);
    BATCH(twin, linked(transfer(4, 0)), linked(transfer(0, 0)), linked(transfer(5, 0)));
    RESULTS(twin, FAILED, MR_LEDGER_ID_MUST_NOT_BE_ZERO, OPEN);
    assert_true(has(twin, 3));
    assert_false(has(twin, 2) || has(twin, 4));
}

static void a_chain_ends_where_the_kind_changes(void **state)
{
    struct ledger_twin *twin = *state;
    BATCH(twin, linked(transfer(1, 0)), linked(transfer(2, 0)), account(11, 0), transfer(3, 0));
    RESULTS(twin, FAILED, OPEN, 0, 0);
    BATCH(twin, linked(account(12, 0)), transfer(4, 0), account(13, 0));
    RESULTS(twin, OPEN, 0, 0);
    assert_false(has(twin, 1) || has(twin, 2));
    assert_true(has(twin, 3) && has(twin, 4));
}

static void a_chain_ends_at_a_command_that_is_no_event(void **state)
{
    struct ledger_twin *twin = *state;
    BATCH(twin, linked(transfer(1, 0)), tick(), transfer(2, 0));
    RESULTS(twin, OPEN, 0, 0);
    assert_false(has(twin, 1));
    assert_true(has(twin, 2));
}

static void a_chain_ends_where_the_sender_changes(void **state)
{
    struct ledger_twin *twin = *state;
    BATCH(twin, linked(transfer(1, 0)), by_operator(linked(transfer(2, 0))),
          by_operator(transfer(3, 0)), transfer(4, 0));
    RESULTS(twin, OPEN, 0, 0, 0);
}

static void a_chain_ends_where_another_session_of_the_same_role_goes_on(void **state)
{
    struct ledger_twin *twin = *state;
    struct sent other = transfer(2, 0);
    other.header.session = TWIN_USER + 1;
    BATCH(twin, linked(transfer(1, 0)), other, transfer(3, 0));
    RESULTS(twin, OPEN, 0, 0);
}

static void a_failure_in_passing_is_remembered_of_a_command_too(void **state)
{
    struct ledger_twin *twin = *state;
    struct sent lost = transfer(1, 0);
    lost.body.transfer.credit_account_id = ID(99);
    BATCH(twin, lost, transfer(1, 0), linked(transfer(2, 0)), lost);
    RESULTS(twin, MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND, MR_LEDGER_ID_ALREADY_FAILED, FAILED,
            MR_LEDGER_ID_ALREADY_FAILED);
    lost.body.transfer.id = ID(3);
    BATCH(twin, linked(transfer(2, 0)), lost, transfer(3, 0));
    RESULTS(twin, FAILED, MR_LEDGER_CREDIT_ACCOUNT_NOT_FOUND, MR_LEDGER_ID_ALREADY_FAILED);
}

/* What the image itself refuses is no event of a chain. */
static void a_chain_ends_at_a_command_that_cannot_be_read(void **state)
{
    struct ledger_twin *twin = *state;
    struct sent other_version = transfer(2, 0), short_one = transfer(3, 0);
    other_version.header.version = 9;
    short_one.header.length -= 8;
    BATCH(twin, linked(transfer(1, 0)), other_version, transfer(4, 0));
    assert_int_equal(twin->results[0], OPEN);
    assert_in_range(twin->results[1], 1, MR_CATALOG_LOGIC_FIRST - 1);
    assert_int_equal(twin->results[2], 0);
    BATCH(twin, linked(transfer(5, 0)), linked(transfer(6, 0)), short_one);
    assert_int_equal(twin->results[0], FAILED);
    assert_int_equal(twin->results[1], OPEN);
    assert_in_range(twin->results[2], 1, MR_CATALOG_LOGIC_FIRST - 1);
}

static void chains_follow_one_another(void **state)
{
    struct ledger_twin *twin = *state;
    struct sent wrong = transfer(4, 0);
    wrong.body.transfer.code = 0;
    BATCH(twin, linked(transfer(1, 0)), transfer(2, 0), linked(transfer(3, 0)), wrong,
          linked(transfer(5, 0)), transfer(6, 0), linked(transfer(7, 0)));
    RESULTS(twin, 0, 0, FAILED, MR_LEDGER_CODE_MUST_NOT_BE_ZERO, 0, 0, OPEN);
}

static void a_whole_batch_may_be_one_chain(void **state)
{
    struct ledger_twin *twin = *state;
    struct sent all[TWIN_BATCH_MAX];
    for (uint64_t i = 0; i < TWIN_BATCH_MAX; i++)
        all[i] = i + 1 < TWIN_BATCH_MAX ? linked(transfer(i + 1, 0)) : transfer(i + 1, 0);
    all[TWIN_BATCH_MAX - 1].body.transfer.amount = mr_u128_max();
    batch(twin, all, TWIN_BATCH_MAX);
    for (uint32_t i = 0; i + 1 < TWIN_BATCH_MAX; i++)
        assert_int_equal(twin->results[i], FAILED);
    assert_int_equal(twin->results[TWIN_BATCH_MAX - 1], MR_LEDGER_OVERFLOWS_DEBITS_POSTED);
    all[TWIN_BATCH_MAX - 1].body.transfer.amount = ID(1);
    batch(twin, all, TWIN_BATCH_MAX);
    for (uint32_t i = 0; i < TWIN_BATCH_MAX; i++)
        assert_int_equal(twin->results[i], 0);
}

/* -- Requests. --------------------------------------------------------------------------------- */

static void each_batch_is_imported_or_not(void **state)
{
    struct ledger_twin *twin = *state;
    BATCH(twin, imported(account(11, 0), 1), account(12, 0));
    RESULTS(twin, MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, MR_LEDGER_IMPORTED_EVENT_EXPECTED);
    BATCH(twin, account(12, 0));
    RESULTS(twin, 0);
    BATCH(twin, transfer(1, 0), imported(transfer(2, 0), 600));
    RESULTS(twin, 0, MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED);
    BATCH(twin, imported(transfer(3, 0), 1), transfer(4, 0));
    RESULTS(twin, MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS, MR_LEDGER_IMPORTED_EVENT_EXPECTED);
    BATCH(twin, transfer(5, 0));
    RESULTS(twin, 0);
}

/* In one batch, a change of kind begins a new request. */
static void each_run_of_a_kind_is_imported_or_not(void **state)
{
    struct ledger_twin *twin = *state;
    BATCH(twin, transfer(1, 0), imported(account(11, 0), 1), account(12, 0), transfer(2, 0),
          account(13, 0), imported(account(14, 0), 1));
    RESULTS(twin, 0, MR_LEDGER_IMPORTED_TIMESTAMP_MUST_NOT_REGRESS,
            MR_LEDGER_IMPORTED_EVENT_EXPECTED, 0, 0, MR_LEDGER_IMPORTED_EVENT_NOT_EXPECTED);
}

int main(void)
{
#define WITH_TWIN(name) cmocka_unit_test_setup_teardown(name, open_twin, close_twin)
    const struct CMUnitTest tests[] = {
        WITH_TWIN(a_chain_of_commands_succeeds_or_fails_as_a_request_does),
        WITH_TWIN(a_chain_does_not_go_on_in_the_next_batch),
        WITH_TWIN(a_chain_ends_where_the_kind_changes),
        WITH_TWIN(a_chain_ends_at_a_command_that_is_no_event),
        WITH_TWIN(a_chain_ends_where_the_sender_changes),
        WITH_TWIN(a_chain_ends_where_another_session_of_the_same_role_goes_on),
        WITH_TWIN(a_failure_in_passing_is_remembered_of_a_command_too),
        WITH_TWIN(a_chain_ends_at_a_command_that_cannot_be_read),
        WITH_TWIN(chains_follow_one_another),
        WITH_TWIN(a_whole_batch_may_be_one_chain),
        WITH_TWIN(each_batch_is_imported_or_not),
        WITH_TWIN(each_run_of_a_kind_is_imported_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
