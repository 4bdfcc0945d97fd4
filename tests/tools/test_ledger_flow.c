/*
 * The ledger's generator: what it sends is what was asked for, and a ledger takes it as it expects.
 */
#include "tests/tools/source_rig.h"

#include "tools/ledger_flow.h"

#include <millrace/ledger.h>

enum { BATCH_MAX = 8190 };

/* -- Flows. ------------------------------------------------------------------------------------ */

union any_command {
    struct mr_command header;
    unsigned char bytes[MR_COMMAND_HEADER + sizeof(struct mr_ledger_transfer)];
};

static void flow_open(struct rig *rig, struct ledger_flow *flow, const char *text)
{
    struct ledger_spec spec;
    if (ledger_spec_parse(text, &spec, &rig->error) != MR_OK)
        fail_msg("%s", rig->error.text);
    assert_int_equal(ledger_flow_init(flow, &spec, &rig->error), MR_OK);
}

static const struct mr_ledger_transfer *transfer_of(const union any_command *command)
{
    assert_int_equal(command->header.type, MR_LEDGER_TRANSFER_CREATE);
    return mr_command_body(&command->header);
}

/* -- A ledger, used alone. --------------------------------------------------------------------- */

struct alone {
    struct mr_ledger *ledger;
    struct mr_ledger_account accounts[BATCH_MAX];
    struct mr_ledger_transfer transfers[BATCH_MAX];
    struct mr_ledger_result results[BATCH_MAX];
    uint32_t count;
    uint64_t rejects, expiries;
};

static struct alone *alone_open(const struct ledger_spec *spec)
{
    struct alone *alone = calloc(1, sizeof *alone);
    struct mr_ledger_config config;
    assert_non_null(alone);
    mr_logic_ledger.config_default(&config);
    config.accounts_max = (uint32_t)spec->key_accounts;
    config.transfers_max = 1 << 16;
    config.pending_max = 1 << 17;
    size_t size = (mr_logic_ledger.state_size(&config) + 4095) & ~(size_t)4095;
    assert_true(size > 0);
    alone->ledger = aligned_alloc(4096, size);
    assert_non_null(alone->ledger);
    memset(alone->ledger, 0, size);
    mr_logic_ledger.init(alone->ledger, &config);
    return alone;
}

static void alone_close(struct alone *alone)
{
    free(alone->ledger);
    free(alone);
}

static void expire(struct alone *alone, uint64_t time_ns)
{
    struct mr_ledger_expired expired[64];
    while (mr_ledger_expiry_next(alone->ledger) <= time_ns)
        alone->expiries += mr_ledger_expire(alone->ledger, time_ns, expired, 64);
}

/* Gathers a batch, and creates it when it is whole. */
static void alone_take(struct alone *alone, const union any_command *command)
{
    bool account = command->header.type == MR_LEDGER_ACCOUNT_CREATE;
    uint32_t at = alone->count++;
    assert_true(alone->count <= BATCH_MAX);
    if (account)
        memcpy(&alone->accounts[at], mr_command_body(&command->header), 128);
    else
        memcpy(&alone->transfers[at], mr_command_body(&command->header), 128);
    if (command->header.more)
        return;
    uint64_t time_ns = command->header.time_ns;
    expire(alone, time_ns);
    if (account)
        mr_ledger_accounts_create(alone->ledger, alone->accounts, alone->count, time_ns,
                                  alone->results);
    else
        mr_ledger_transfers_create(alone->ledger, alone->transfers, alone->count, time_ns,
                                   alone->results);
    for (uint32_t i = 0; i < alone->count; i++)
        alone->rejects += alone->results[i].reason != 0;
    alone->count = 0;
}

/* What the whole flow comes to. */
static struct alone *apply_all(struct rig *rig, struct ledger_flow *flow, const char *text)
{
    union any_command command;
    flow_open(rig, flow, text);
    struct alone *alone = alone_open(&flow->spec);
    while (ledger_flow_next(flow, 2, &command.header))
        alone_take(alone, &command);
    assert_int_equal(alone->count, 0); /* the last batch was whole */
    return alone;
}

/* -- Claims. ----------------------------------------------------------------------------------- */

static void test_a_ledger_takes_what_is_sent_as_the_generator_expects(void **state)
{
    struct rig *rig = *state;
    static const char *const flows[] = {
        "transfers=20000,accounts=100",
        "transfers=20000,accounts=2,batch=1",
        "transfers=30000,accounts=1000,ledgers=7,skew=80,batch=8190",
        "transfers=30000,accounts=100,pending=50,expire=30,rate=10000",
        "transfers=30000,accounts=100,chains=50,chain=7,broken=30",
        "transfers=30000,accounts=50,repeat=20,history=50",
        "transfers=40000,ledgers=3,skew=50,pending=30,chains=30,broken=10,repeat=5,batch=77",
    };
    uint64_t seed = rig_seed();
    for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        char text[512];
        struct ledger_flow flow;
        (void)snprintf(text, sizeof text, "%s,seed=%" PRIu64, flows[i], seed + i);
        struct alone *alone = apply_all(rig, &flow, text);
        expire(alone, flow.time_ns + UINT64_C(3000000000));
        if (alone->rejects != flow.expected_rejects || alone->expiries != flow.expected_expiries)
            fail_msg("%s: %" PRIu64 " rejects and %" PRIu64 " expiries, expected %" PRIu64
                     " and %" PRIu64,
                     text, alone->rejects, alone->expiries, flow.expected_rejects,
                     flow.expected_expiries);
        struct mr_ledger_totals totals = mr_ledger_totals_get(alone->ledger);
        assert_int_equal(totals.accounts, flow.spec.key_accounts);
        assert_int_equal(totals.transfers, flow.spec.key_transfers - alone->rejects);
        assert_int_equal(totals.pending, flow.open_count);
        alone_close(alone);
        ledger_flow_free(&flow);
    }
}

static void test_limits_make_transfers_fail_and_nothing_else_does(void **state)
{
    struct rig *rig = *state;
    struct ledger_flow flow;
    struct alone *alone = apply_all(rig, &flow, "transfers=20000,accounts=100,limits=50");
    assert_int_equal(flow.expected_rejects, 0);
    assert_true(alone->rejects > 1000);
    assert_true(alone->rejects < 12000);
    alone_close(alone);
    ledger_flow_free(&flow);
}

static void test_the_same_specification_gives_the_same_bytes(void **state)
{
    struct rig *rig = *state;
    const char *text = "transfers=5000,pending=20,chains=20,skew=30,limits=5,history=5";
    struct ledger_flow a, b;
    union any_command one, other;
    flow_open(rig, &a, text);
    flow_open(rig, &b, text);
    while (ledger_flow_next(&a, 2, &one.header)) {
        assert_true(ledger_flow_next(&b, 2, &other.header));
        assert_memory_equal(&one, &other, sizeof one);
    }
    assert_false(ledger_flow_next(&b, 2, &other.header));
    assert_int_equal(a.requests, ledger_spec_total(&a.spec));
    ledger_flow_free(&a);
    ledger_flow_free(&b);
}

static void test_batches_are_as_long_as_asked_for_and_have_one_time(void **state)
{
    struct rig *rig = *state;
    struct ledger_flow flow;
    union any_command command;
    uint32_t count = 0, batches = 0, last = 0;
    uint64_t time_ns = 0;
    flow_open(rig, &flow, "transfers=1005,accounts=250,batch=100,chains=50");
    while (ledger_flow_next(&flow, 2, &command.header)) {
        assert_true(count == 0 ? command.header.time_ns >= time_ns
                               : command.header.time_ns == time_ns);
        time_ns = command.header.time_ns;
        count++;
        if (command.header.more)
            continue;
        batches++;
        last = count;
        assert_true(count == 100 || count == 50 || count == 5); /* the last ones of each kind */
        count = 0;
    }
    assert_int_equal(batches, 3 + 11);
    assert_int_equal(last, 5);
    ledger_flow_free(&flow);
}

static void test_ids_of_transfers_rise_and_carry_the_time(void **state)
{
    struct rig *rig = *state;
    struct ledger_flow flow;
    union any_command command;
    struct mr_u128 last = mr_u128_of(0, 0);
    flow_open(rig, &flow, "transfers=5000,pending=30,rate=3000,batch=3");
    while (ledger_flow_next(&flow, 2, &command.header)) {
        if (command.header.type != MR_LEDGER_TRANSFER_CREATE)
            continue;
        struct mr_u128 id = transfer_of(&command)->id;
        assert_true(mr_u128_below(last, id));
        assert_int_equal(mr_ledger_id_time_ms(id), command.header.time_ns / 1000000);
        last = id;
    }
    ledger_flow_free(&flow);
}

/* Shares of 100, within a few. */
static void test_shares_are_those_that_were_asked_for(void **state)
{
    struct rig *rig = *state;
    struct ledger_flow flow;
    union any_command command;
    uint32_t linked = 0, pending = 0, second = 0, hot[1000] = {0};
    flow_open(rig, &flow, "transfers=100000,accounts=1000,pending=25,chains=40,chain=4,skew=70");
    while (ledger_flow_next(&flow, 2, &command.header)) {
        if (command.header.type != MR_LEDGER_TRANSFER_CREATE)
            continue;
        const struct mr_ledger_transfer *transfer = transfer_of(&command);
        linked += (transfer->flags & MR_LEDGER_LINKED) != 0;
        pending += (transfer->flags & MR_LEDGER_PENDING) != 0;
        second += (transfer->flags & (MR_LEDGER_POST | MR_LEDGER_VOID)) != 0;
        if (transfer->debit_account_id.low != 0)
            hot[transfer->debit_account_id.low - 1]++;
    }
    /* Three of a chain's four are linked; of what is in no chain, a quarter is a first phase. */
    assert_in_range(linked, 100000 * 30 / 100 - 1500, 100000 * 30 / 100 + 1500);
    assert_in_range(pending, 60000 * 25 / 100 - 1000, 60000 * 25 / 100 + 1000);
    assert_in_range(second, pending * 90 / 100, pending);
    /* A tenth of the accounts has at least 70 of 100, and 3 of the rest's 30. */
    uint32_t all = 0, top = 0;
    for (uint32_t i = 0; i < 1000; i++)
        all += hot[i];
    for (uint32_t rank = 0; rank < 100; rank++)
        top += hot[rank * UINT64_C(2654435761) % 1000];
    assert_in_range(top, (uint64_t)all * 71 / 100, (uint64_t)all * 75 / 100);
    ledger_flow_free(&flow);
}

static const struct mr_ledger_config *config_of(struct rig *rig, const char *input)
{
    const struct source_options options = {.input = input,
                                           .logic = &mr_logic_ledger,
                                           .session = SESSION_IMPORTER,
                                           .role = MR_ROLE_USER};
    rig_close(rig);
    if (source_open(&options, &rig->source, &rig->error) != MR_OK)
        fail_msg("%s", rig->error.text);
    return rig->source->config;
}

static void test_the_configuration_has_room_for_what_is_sent(void **state)
{
    struct rig *rig = *state;
    struct mr_ledger_config usual;
    mr_logic_ledger.config_default(&usual);
    const struct mr_ledger_config *config = config_of(rig, "gen:transfers=10");
    assert_memory_equal(config, &usual, sizeof usual);
    config = config_of(rig, "gen:transfers=10,accounts=3000000");
    assert_int_equal(config->accounts_max, 3000000);
    /* Half of a million transfers a second are pending for ten seconds. */
    config =
        config_of(rig, "gen:transfers=100000000,pending=50,expire=100,rate=1000000,timeout=10");
    assert_true(config->pending_max >= 5000000);
    assert_true(mr_logic_ledger.state_size(config) > 0);
    rig_close(rig);
}

static void test_resuming_goes_on_as_though_nothing_had_been(void **state)
{
    struct rig *rig = *state;
    static const char input[] = "gen:transfers=3000,accounts=200,batch=50,pending=30,chains=20";
    static union any_command whole[3200];
    (void)config_of(rig, input);
    assert_int_equal(rig->source->total, 3200);
    for (uint32_t i = 0; i < 3200; i++)
        assert_int_equal(rig->source->calls->next(rig->source, &whole[i].header, &rig->error),
                         SOURCE_COMMAND);
    for (uint32_t last = 50; last < 3200; last += 700) {
        union any_command command;
        (void)config_of(rig, input);
        assert_int_equal(rig->source->calls->resume(rig->source, last, &rig->error), MR_OK);
        for (uint32_t i = last; i < 3200; i++) {
            assert_int_equal(rig->source->calls->next(rig->source, &command.header, &rig->error),
                             SOURCE_COMMAND);
            assert_memory_equal(&command, &whole[i], sizeof command);
        }
        assert_int_equal(rig->source->calls->next(rig->source, &command.header, &rig->error),
                         SOURCE_END);
    }
    (void)config_of(rig, input);
    assert_int_equal(rig->source->calls->resume(rig->source, 3201, &rig->error), MR_E_MISMATCH);
    rig_close(rig);
}

static void test_a_specification_that_cannot_be_is_refused(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "say how many transfers"},
        {"accounts=10", "say how many transfers"},
        {"transfers=0", "transfers is a whole number from 1"},
        {"transfers=10,transfers=10", "transfers is given twice"},
        {"transfers=10,orders=5", "no key 'orders'; the keys are transfers seed accounts"},
        {"transfers=10,accounts=1", "accounts is a whole number from 2"},
        {"transfers=10,accounts=9,ledgers=5", "each ledger has at least two"},
        {"transfers=10,pending=51", "pending is a whole number from 0 to 50"},
        {"transfers=10,partial=60,void=41", "at most 100 together"},
        {"transfers=10,chains=5,chain=7,batch=6", "batch is at least 7"},
        {"transfers=10,batch=8191", "batch is a whole number from 1 to 8190"},
        {"transfers=1000000000000,rate=1", "after the year 2262"},
    };
    struct ledger_spec spec;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(ledger_spec_parse(bad[i].text, &spec, &rig->error), MR_E_INVALID);
        if (strstr(rig->error.text, bad[i].message) == NULL)
            fail_msg("gen:%s: '%s' has no '%s'", bad[i].text, rig->error.text, bad[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_ledger_takes_what_is_sent_as_the_generator_expects),
        cmocka_unit_test(test_limits_make_transfers_fail_and_nothing_else_does),
        cmocka_unit_test(test_the_same_specification_gives_the_same_bytes),
        cmocka_unit_test(test_batches_are_as_long_as_asked_for_and_have_one_time),
        cmocka_unit_test(test_ids_of_transfers_rise_and_carry_the_time),
        cmocka_unit_test(test_shares_are_those_that_were_asked_for),
        cmocka_unit_test(test_the_configuration_has_room_for_what_is_sent),
        cmocka_unit_test(test_resuming_goes_on_as_though_nothing_had_been),
        cmocka_unit_test(test_a_specification_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
