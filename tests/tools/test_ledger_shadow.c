/*
 * The shadow that `verify --deep` holds against a ledger: events that must not be, and journals
 * that a faulty logic replays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/ledger/state.h"
#include "tests/support/temp_directory.h"
#include "tools/command.h"
#include "tools/deep.h"
#include "tools/ledger_shadow.h"
#include "tools/logics.h"
#include "tools/output.h"

/* -- Events, made up. -------------------------------------------------------------------------- */

struct rig {
    struct ledger_shadow shadow;
    struct mr_error error;
    uint64_t number;
    uint64_t time_ns; /* of what is created */
};

static int give(struct rig *rig, uint16_t type, const void *body, size_t size)
{
    alignas(8) unsigned char bytes[MR_EVENT_HEADER + sizeof(struct mr_ledger_transfer)] = {0};
    struct mr_event *event = (void *)bytes;
    assert_true(size <= sizeof bytes - MR_EVENT_HEADER);
    *event = (struct mr_event){
        .number = ++rig->number, .type = type, .length = (uint16_t)(MR_EVENT_HEADER + size)};
    memcpy(bytes + MR_EVENT_HEADER, body, size);
    memset(&rig->error, 0, sizeof rig->error);
    return ledger_shadow_event(&rig->shadow, event, &rig->error);
}

static int account(struct rig *rig, uint64_t id, uint32_t ledger, uint16_t flags)
{
    struct mr_ledger_account body = {.id = mr_u128_of(0, id),
                                     .ledger = ledger,
                                     .code = 1,
                                     .flags = flags,
                                     .timestamp = ++rig->time_ns};
    return give(rig, MR_LEDGER_ACCOUNT_CREATED, &body, sizeof body);
}

static struct mr_ledger_transfer transfer_of(uint64_t id, uint64_t debit, uint64_t credit,
                                             uint64_t amount, uint16_t flags)
{
    return (struct mr_ledger_transfer){.id = mr_u128_of(0, id),
                                       .debit_account_id = mr_u128_of(0, debit),
                                       .credit_account_id = mr_u128_of(0, credit),
                                       .amount = mr_u128_of(0, amount),
                                       .ledger = 1,
                                       .code = 1,
                                       .flags = flags};
}

static int transfer(struct rig *rig, struct mr_ledger_transfer body)
{
    body.timestamp = ++rig->time_ns;
    return give(rig, MR_LEDGER_TRANSFER_CREATED, &body, sizeof body);
}

static int resolve(struct rig *rig, uint64_t pending, uint64_t debit, uint64_t amount,
                   uint16_t flags)
{
    struct mr_ledger_transfer body = transfer_of(900 + pending, debit, 2, amount, flags);
    body.pending_id = mr_u128_of(0, pending);
    return transfer(rig, body);
}

/* Two accounts, and one that must not owe; all in ledger 1, and another in ledger 2. */
static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    assert_int_equal(account(rig, 1, 1, 0), MR_OK);
    assert_int_equal(account(rig, 2, 1, 0), MR_OK);
    assert_int_equal(account(rig, 3, 1, MR_LEDGER_ACCOUNT_DEBITS_LIMITED), MR_OK);
    assert_int_equal(account(rig, 4, 1, MR_LEDGER_ACCOUNT_CREDITS_LIMITED), MR_OK);
    assert_int_equal(account(rig, 5, 2, 0), MR_OK);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    ledger_shadow_free(&rig->shadow);
    free(rig);
    return 0;
}

static void finds(struct rig *rig, int status, const char *text)
{
    assert_int_equal(status, MR_E_DIVERGED);
    if (strstr(rig->error.text, text) == NULL)
        fail_msg("'%s' has no '%s'", rig->error.text, text);
}

static void test_limits_that_are_passed_are_found(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(transfer(rig, transfer_of(1, 1, 3, 10, 0)), MR_OK);
    assert_int_equal(transfer(rig, transfer_of(2, 3, 1, 6, MR_LEDGER_PENDING)), MR_OK);
    assert_int_equal(transfer(rig, transfer_of(3, 3, 1, 4, 0)), MR_OK);
    finds(rig, transfer(rig, transfer_of(4, 3, 1, 1, 0)),
          "account 3: its debits are 11, but must not exceed its credits, 10");
    finds(rig, transfer(rig, transfer_of(5, 1, 4, 1, MR_LEDGER_PENDING)),
          "account 4: its credits are 1, but must not exceed its debits, 0");
}

static void test_transfers_that_cannot_be_are_found(void **state)
{
    struct rig *rig = *state;
    assert_int_equal(transfer(rig, transfer_of(800, 2, 1, 1, 0)), MR_OK);
    struct mr_ledger_transfer late = transfer_of(801, 2, 1, 1, 0);
    late.timestamp = rig->time_ns;
    finds(rig, give(rig, MR_LEDGER_TRANSFER_CREATED, &late, sizeof late), "timestamp");
    finds(rig, transfer(rig, transfer_of(1, 1, 9, 1, 0)), "transfer 1: its accounts are not two");
    finds(rig, transfer(rig, transfer_of(1, 2, 2, 1, 0)), "transfer 1: its accounts are not two");
    finds(rig, transfer(rig, transfer_of(1, 1, 5, 1, 0)), "not of its accounts' ledger");
    finds(rig, account(rig, 2, 1, 0), "account 2: it was created twice");
    struct mr_ledger_transfer large = transfer_of(7, 1, 2, 0, 0);
    large.amount = mr_u128_max();
    assert_int_equal(transfer(rig, large), MR_OK);
    finds(rig, transfer(rig, transfer_of(9, 1, 2, 1, MR_LEDGER_PENDING)),
          "account 1: debits_pending overflows");
    finds(rig, transfer(rig, transfer_of(8, 1, 2, 1, 0)), "account 1: debits_posted overflows");
}

static void test_second_phases_that_do_not_fit_the_first_are_found(void **state)
{
    struct rig *rig = *state;
    finds(rig, resolve(rig, 1, 1, 5, MR_LEDGER_POST), "transfer 1: it is posted, voided");
    assert_int_equal(transfer(rig, transfer_of(1, 1, 2, 5, MR_LEDGER_PENDING)), MR_OK);
    finds(rig, transfer(rig, transfer_of(1, 1, 2, 5, MR_LEDGER_PENDING)), "created twice");
    finds(rig, resolve(rig, 1, 1, 6, MR_LEDGER_POST), "posts more than was reserved");
    assert_int_equal(transfer(rig, transfer_of(2, 1, 2, 5, MR_LEDGER_PENDING)), MR_OK);
    finds(rig, resolve(rig, 2, 3, 5, MR_LEDGER_VOID), "its accounts are not those");
    assert_int_equal(transfer(rig, transfer_of(5, 1, 2, 5, MR_LEDGER_PENDING)), MR_OK);
    finds(rig, resolve(rig, 5, 1, 4, MR_LEDGER_VOID), "less than was reserved");
    assert_int_equal(transfer(rig, transfer_of(3, 1, 2, 5, MR_LEDGER_PENDING)), MR_OK);
    assert_int_equal(resolve(rig, 3, 1, 2, MR_LEDGER_POST), MR_OK);
    finds(rig, resolve(rig, 3, 1, 2, MR_LEDGER_VOID), "but is not pending");
    assert_int_equal(transfer(rig, transfer_of(4, 1, 2, 5, MR_LEDGER_PENDING)), MR_OK);
    struct mr_ledger_expired expired = {.id = mr_u128_of(0, 4), .amount = mr_u128_of(0, 4)};
    finds(rig, give(rig, MR_LEDGER_TRANSFER_EXPIRED, &expired, sizeof expired),
          "4 were released when it expired, but 5 were reserved");
}

static void test_closed_accounts_only_take_back(void **state)
{
    struct rig *rig = *state;
    uint16_t closing = MR_LEDGER_PENDING | MR_LEDGER_CLOSING_DEBIT;
    assert_int_equal(transfer(rig, transfer_of(1, 1, 2, 5, MR_LEDGER_PENDING)), MR_OK);
    assert_int_equal(transfer(rig, transfer_of(2, 1, 2, 0, closing)), MR_OK);
    finds(rig, transfer(rig, transfer_of(3, 2, 1, 1, 0)), "one of its accounts is closed");
    finds(rig, resolve(rig, 1, 1, 5, MR_LEDGER_POST), "one of its accounts is closed");
    assert_int_equal(resolve(rig, 1, 1, 5, MR_LEDGER_VOID), MR_OK);
    assert_int_equal(resolve(rig, 2, 1, 0, MR_LEDGER_VOID), MR_OK);
    assert_int_equal(transfer(rig, transfer_of(4, 2, 1, 1, 0)), MR_OK);
    uint16_t other = MR_LEDGER_PENDING | MR_LEDGER_CLOSING_CREDIT;
    assert_int_equal(transfer(rig, transfer_of(5, 1, 2, 3, other)), MR_OK);
    finds(rig, transfer(rig, transfer_of(6, 1, 2, 1, 0)), "one of its accounts is closed");
    struct mr_ledger_expired expired = {.id = mr_u128_of(0, 5), .amount = mr_u128_of(0, 3)};
    assert_int_equal(give(rig, MR_LEDGER_TRANSFER_EXPIRED, &expired, sizeof expired), MR_OK);
    assert_int_equal(transfer(rig, transfer_of(6, 1, 2, 1, 0)), MR_OK);
}

/* -- A logic with a fault. --------------------------------------------------------------------- */

/* A sequence behind which no number of transfers is a power of two: test builds check the ledger
 * there. */
enum { FAULT_AT = 1500 };

static struct mr_ledger *ledger_of(struct mr_context *context)
{
    return context->state;
}

static void fault_credit(struct mr_context *context)
{
    struct ledger_balances *balances = &ledger_account(ledger_of(context), 7)->balances;
    (void)mr_u128_add(balances->credits_posted, mr_u128_of(0, 1), &balances->credits_posted);
}

/* Debits equal credits all the same. */
static void fault_wrong_account(struct mr_context *context)
{
    struct ledger_balances *from = &ledger_account(ledger_of(context), 7)->balances;
    struct ledger_balances *to = &ledger_account(ledger_of(context), 8)->balances;
    (void)mr_u128_subtract(from->debits_posted, mr_u128_of(0, 1), &from->debits_posted);
    (void)mr_u128_add(to->debits_posted, mr_u128_of(0, 1), &to->debits_posted);
}

static void fault_reserved(struct mr_context *context)
{
    struct ledger_balances *balances = &ledger_account(ledger_of(context), 9)->balances;
    (void)mr_u128_add(balances->debits_pending, mr_u128_of(1, 0), &balances->debits_pending);
}

static void fault_free_again(struct mr_context *context)
{
    struct ledger_balances *balances = &ledger_account(ledger_of(context), 10)->balances;
    (void)mr_u128_add(balances->credits_pending, mr_u128_of(0, 1), &balances->credits_pending);
}

static void fault_closed(struct mr_context *context)
{
    ledger_account(ledger_of(context), 50)->flags |= MR_LEDGER_ACCOUNT_CLOSED;
}

static void fault_count(struct mr_context *context)
{
    ledger_of(context)->transfers++;
}

static const struct {
    void (*make)(struct mr_context *context);
    const char *text;
} faults[] = {
    {fault_credit, "account 7: credits_posted: expected "},
    {fault_wrong_account, "account 7: debits_posted: expected "},
    {fault_reserved, "account 9: debits_pending: expected "},
    {fault_free_again, "account 10: credits_pending: expected "},
    {fault_closed, "account 50: flags: expected 0, as its events make it, found 32"},
    {fault_count, "transfers: expected "},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static uint32_t fault; /* FAULTS: none */

static uint32_t apply(struct mr_context *context, const struct mr_command *command)
{
    uint32_t result = mr_logic_ledger.apply(context, command);
    if (fault < FAULTS && command->sequence == FAULT_AT)
        faults[fault].make(context);
    return result;
}

/* The tool's own commands, as if from a command line. */
static int tool(const struct command *command, const char *const *arguments)
{
    alignas(16) unsigned char settings[512] = {0};
    struct mr_error error;
    assert_true(command->settings_size <= sizeof settings);
    if (options_parse(command->options, command->option_count, arguments, settings, &error) !=
        MR_OK)
        fail_msg("%s", error.text);
    return command->run(settings);
}

static void test_a_state_that_its_events_do_not_make_is_found(void **state)
{
    (void)state;
    static struct mr_logic faulty;
    char data[PATH_MAX], journal[PATH_MAX + 8];
    mr_temp_directory_make(data);
    (void)snprintf(journal, sizeof journal, "%s/d", data);
    const char *const run[] = {
        "--data",       journal,
        "--logic",      "ledger",
        "--input",      "gen:transfers=2000,accounts=100,pending=30,batch=50",
        "--durability", "os",
        "--json",       NULL};
    output_start("test");
    assert_int_equal(tool(&command_run, run), EXIT_OK);
    faulty = mr_logic_ledger;
    faulty.apply = apply;
    faulty.check = NULL; /* it has checks of its own, which are not what is tested here */
    for (uint32_t i = 0; logics_known[i] != NULL; i++) {
        if (logics_known[i] == &mr_logic_ledger)
            logics_known[i] = &faulty;
    }
    struct deep_report report;
    struct mr_error error;
    fault = FAULTS;
    assert_int_equal(deep_check(journal, 1, &report, &error), MR_OK);
    assert_true(report.is_ledger);
    assert_int_equal(report.accounts, 100);
    assert_int_equal(report.transfers, 2000);
    assert_true(report.checks > 1);
    for (fault = 0; fault < FAULTS; fault++) {
        assert_int_equal(deep_check(journal, 0, &report, &error), MR_E_DIVERGED);
        if (strstr(error.text, faults[fault].text) == NULL)
            fail_msg("'%s' has no '%s'", error.text, faults[fault].text);
        assert_int_equal(report.checks, 1);
        assert_int_equal(deep_check(journal, 1, &report, &error), MR_E_DIVERGED);
        const char *const verify[] = {"--data", journal, "--deep", NULL};
        assert_int_equal(tool(&command_verify, verify), EXIT_FINDING);
    }
    mr_temp_directory_remove(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_limits_that_are_passed_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transfers_that_cannot_be_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second_phases_that_do_not_fit_the_first_are_found,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_closed_accounts_only_take_back, set_up, tear_down),
        cmocka_unit_test(test_a_state_that_its_events_do_not_make_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
