/* docs/ledger.md and docs/ledger-recipes.md: what they show is so, and the first shows everything
 * there is. */
#include "tests/core/ledger_page.h"

static struct ledger_reader rules, recipes;

static void play(struct ledger_reader *reader, const char *path)
{
    char *text = page_load(path);
    bool holds = ledger_page_holds(reader, text);
    free(text);
    if (!holds)
        print_error("%s: %s\n", path, reader->page.error);
}

static int play_pages(void **state)
{
    (void)state;
    play(&rules, MR_LEDGER_PAGE);
    play(&recipes, MR_LEDGER_RECIPES);
    return 0;
}

static void every_example_of_the_rules_is_so(void **state)
{
    (void)state;
    assert_string_equal(rules.page.error, "");
    assert_true(rules.page.blocks >= 40);
    assert_true(rules.page.commands >= 250);
}

static void every_recipe_is_so(void **state)
{
    (void)state;
    assert_string_equal(recipes.page.error, "");
    assert_true(recipes.page.blocks >= 15);
    assert_true(recipes.page.commands >= 120);
}

/* Each example is played by a ledger alone, too, but those about two senders in a batch and about
 * the engine's timers. */
static void every_example_is_played_alone_too(void **state)
{
    (void)state;
    assert_int_equal(rules.left_alone, 2);
    assert_int_equal(recipes.left_alone, 0);
}

/* -- The rules show everything. ---------------------------------------------------------------- */

static void every_result_has_an_example(void **state)
{
    (void)state;
    const struct mr_catalog *catalog = mr_logic_ledger.catalog;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < catalog->reason_count; i++) {
        if (!rules.reasons[catalog->reasons[i].code & 255]) {
            print_error("no example is told %s\n", catalog->reasons[i].name);
            missing++;
        }
    }
    assert_int_equal(missing, 0);
}

static void all_shown(const char *what, const struct mr_message *messages, uint32_t count,
                      const bool *shown)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!shown[messages[i].type & 255])
            fail_msg("no example has the %s %s", what, messages[i].name);
    }
}

static void every_command_event_query_and_row_has_an_example(void **state)
{
    (void)state;
    const struct mr_catalog *catalog = mr_logic_ledger.catalog;
    assert_true(catalog->command_count == 2 && catalog->event_count >= 5);
    assert_true(catalog->query_count >= 7 && catalog->row_count >= 5);
    all_shown("command", catalog->commands, catalog->command_count, rules.command_types);
    all_shown("event", catalog->events, catalog->event_count, rules.event_types);
    all_shown("query", catalog->queries, catalog->query_count, rules.query_types);
    all_shown("row", catalog->rows, catalog->row_count, rules.row_types);
}

static void every_flag_state_and_setting_has_an_example(void **state)
{
    (void)state;
    assert_int_equal(rules.account_flags & MR_LEDGER_ACCOUNT_FLAGS_ALL,
                     MR_LEDGER_ACCOUNT_FLAGS_ALL);
    assert_int_equal(rules.transfer_flags & MR_LEDGER_TRANSFER_FLAGS_ALL,
                     MR_LEDGER_TRANSFER_FLAGS_ALL);
    assert_int_equal(rules.filter_flags & 7, 7);
    for (uint32_t i = 0; i <= MR_LEDGER_STATE_EXPIRED; i++) {
        if (!rules.states[i])
            fail_msg("no example has a transfer of state %u", i);
    }
    const struct mr_message *config = mr_logic_ledger.config;
    for (uint32_t i = 0; i < config->field_count; i++) {
        if (config->fields[i].kind != MR_FIELD_pad && !rules.config[i])
            fail_msg("no example sets %s", config->fields[i].name);
    }
}

static void the_tables_of_results_are_whole_and_in_order(void **state)
{
    (void)state;
    static const uint32_t account[] = {MR_LEDGER_LINKED_EVENT_FAILED,
#define CODE(name) MR_LEDGER_##name,
                                       MR_LEDGER_ACCOUNT_PRECEDENCE(CODE)
#undef CODE
    };
    const char *names[256];
    uint32_t count = 0;
    char *text = page_load(MR_LEDGER_PAGE);
    for (uint32_t code = MR_LEDGER_LINKED_EVENT_FAILED; code <= MR_LEDGER_PENDING_FULL; code++) {
        if (code != MR_LEDGER_RESERVED_FIELD) /* transfers have none */
            names[count++] = mr_catalog_reason_name(mr_logic_ledger.catalog, code);
    }
    page_assert_table(text, "\n### Results of a transfer\n", names, count);
    for (count = 0; count < sizeof account / sizeof account[0]; count++)
        names[count] = mr_catalog_reason_name(mr_logic_ledger.catalog, account[count]);
    page_assert_table(text, "\n### Results of an account\n", names, count);
    free(text);
}

/* Puts thousands apart, as the page does. */
static const char *digits(uint64_t value, char *text, size_t size)
{
    char plain[32];
    int length = snprintf(plain, sizeof plain, "%llu", (unsigned long long)value);
    size_t used = 0;
    for (int i = 0; i < length && used + 2 < size; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = plain[i];
    }
    text[used] = 0;
    return text;
}

static void assert_row(const char *text, const char *what, uint64_t value)
{
    char line[128], number[40];
    (void)snprintf(line, sizeof line, "\n| %s | %s | ", what, digits(value, number, sizeof number));
    if (strstr(text, line) == NULL)
        fail_msg("the page does not say: %s", line + 1);
}

static void the_defaults_that_are_stated_are_so(void **state)
{
    (void)state;
    struct mr_ledger_config config;
    mr_logic_ledger.config_default(&config);
    char *text = page_load(MR_LEDGER_PAGE);
    assert_row(text, "`accounts_max`", config.accounts_max);
    assert_row(text, "`transfers_max`", config.transfers_max);
    assert_row(text, "`pending_max`", config.pending_max);
    assert_row(text, "`history_max`", config.history_max);
    assert_row(text, "`ledgers_max`", config.ledgers_max);
    assert_row(text, "`id_ahead_ms`", config.id_ahead_ms);
    assert_int_equal(config.id_scheme, MR_LEDGER_IDS_TIME_ORDERED);
    char line[80], number[40];
    (void)snprintf(line, sizeof line, "At the defaults, all of it is %s bytes.",
                   digits(mr_logic_ledger.state_size(&config), number, sizeof number));
    if (strstr(text, line) == NULL)
        fail_msg("the page does not say: %s", line);
    free(text);
}

/* What each costs where a limit goes from one power of two to the next, less what chains have
 * beyond it. */
static uint64_t bytes_each(size_t limit, uint32_t beyond)
{
    const uint32_t each = 1 << 20;
    uint64_t sizes[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct mr_ledger_config config;
        mr_logic_ledger.config_default(&config);
        config.pending_max = 1;
        const uint32_t value = (each << i) - beyond;
        memcpy((unsigned char *)&config + limit, &value, sizeof value);
        sizes[i] = mr_logic_ledger.state_size(&config);
    }
    assert_int_equal((sizes[1] - sizes[0]) % each, 0);
    return (sizes[1] - sizes[0]) / each;
}

static void the_memory_that_is_stated_is_so(void **state)
{
    (void)state;
    struct mr_ledger_config config;
    char *text = page_load(MR_LEDGER_PAGE);
    assert_row(text, "an account", bytes_each(offsetof(struct mr_ledger_config, accounts_max), 0));
    assert_row(text, "a place of the window",
               bytes_each(offsetof(struct mr_ledger_config, transfers_max), 8190 + 1));
    assert_row(text, "a place of the history",
               bytes_each(offsetof(struct mr_ledger_config, history_max), 16380 + 1));
    mr_logic_ledger.config_default(&config);
    uint64_t before = mr_logic_ledger.state_size(&config);
    config.pending_max += 1024;
    assert_row(text, "a pending transfer, besides",
               (mr_logic_ledger.state_size(&config) - before) / 1024);
    free(text);
}

/* -- And a page that is wrong is found. -------------------------------------------------------- */

#define BLOCK(text) "A page.\n\n```ledger\n" text "```\n"
#define ACCOUNTS    "+ account_create id=1 ledger=1 code=1\n+ account_create id=2 ledger=1 code=1\n"
#define SCENE       "new ledger\n" ACCOUNTS /* lines 4 to 6 */
#define FIELDS      " debit_account_id=1 credit_account_id=2 amount=5 ledger=1 code=1"
#define TRANSFER    "> transfer_create id=100" FIELDS "\n"

static const struct {
    const char *page, *error;
} wrong[] = {
    {"A page.\n", "line 1: there are no examples"},
    {BLOCK("new ledger\n?ledger_totals\nledger_totals\n"), "line 7: there are no examples"},
    {"```book\nnew ledger\n" TRANSFER "```\n", "line 4: there are no examples"},
    {"```ledger\n" SCENE, "line 4: the block of line 1 does not end"},
    {BLOCK(TRANSFER), "line 4: there is no ledger yet: begin with `new ledger`"},
    {BLOCK("= 1 debits 0 credits 0\n"), "line 4: there is no ledger yet"},
    {BLOCK("?ledger_totals\n"), "line 4: there is no ledger yet"},
    {BLOCK("transfer_created\n"), "line 4: there is no such event: nothing more came out"},
    {BLOCK("new ledgers\n"), "line 4: 'new' is no event of the catalog"},
    {BLOCK("new ledger accounts=1\n"), "line 4: 'accounts' is no key of "},
    {BLOCK("new ledger accounts_max=0\n"), "line 4: no ledger can have this configuration"},
    {BLOCK("new ledger\n> transfer_make id=1\n"), "line 5: 'transfer_make' is no command"},
    {BLOCK("new ledger\n> tick time=5\n> tick time=4\n"), "line 6: time does not go back"},
    {BLOCK("new ledger\n?account_of id=1\n"), "line 5: 'account_of' is no query"},
    /* Events. */
    {BLOCK(SCENE TRANSFER), "line 8: before it, this came out, too: transfer_created "},
    {BLOCK(SCENE TRANSFER "transfer_rejected\n"), "line 8: came out instead: transfer_created "},
    {BLOCK(SCENE TRANSFER "transfer_created amount=4\n"),
     "line 8: 'amount=4' is not so: transfer_created "},
    {BLOCK(SCENE TRANSFER "transfer_created flags=linked\n"),
     "line 8: 'flags=linked' is not so: transfer_created "},
    {BLOCK(SCENE TRANSFER "transfer_created amounts=5\n"), "line 8: 'amounts' is no key of "},
    {BLOCK(SCENE TRANSFER "transfer_created\ntransfer_created\n"),
     "line 9: there is no such event: nothing more came out"},
    {BLOCK(SCENE TRANSFER "transfer_created\n" TRANSFER "transfer_rejected reason=exists_with\n"),
     "line 10: reason: 'exists_with' is no "},
    {BLOCK(SCENE TRANSFER "transfer_created\n" TRANSFER
                          "transfer_rejected reason=id_already_failed\n"),
     "line 10: 'reason=id_already_failed' is not so: transfer_rejected "},
    /* What prepares the scene. */
    {BLOCK(SCENE ACCOUNTS), "line 7: command 1 of what prepares the scene is rejected: exists"},
    {BLOCK(SCENE "+ transfer_create id=100 timeout=1 flags=pending" FIELDS "\n"
                 "+ account_create id=3 ledger=1 code=1 time=2000000000\n"),
     "line 8: what prepares the scene causes 2 events, not 1"},
    /* Batches. */
    {BLOCK(SCENE "> transfer_create id=100 more=1" FIELDS "\n"),
     "line 8: the batch of line 7 is open: its last command has more=1"},
    {BLOCK(SCENE "> transfer_create id=100 more=1" FIELDS "\ntransfer_created\n"),
     "line 8: the batch of line 7 is open"},
    {BLOCK(SCENE "> transfer_create id=100 more=1" FIELDS "\n+ transfer_create id=101" FIELDS "\n"),
     "line 8: a batch that begins with > goes on with it"},
    {BLOCK(SCENE "> transfer_create id=100 more=1" FIELDS "\n"
                 "> transfer_create id=101 time=9" FIELDS "\n"),
     "line 8: a batch has one time: its first command says it"},
    {BLOCK(SCENE "> transfer_create id=100 flags=linked more=1" FIELDS "\n"
                 "> transfer_create id=0" FIELDS "\n"
                 "transfer_rejected id=100 reason=linked_event_failed\n"
                 "transfer_rejected reason=linked_event_failed\n"),
     "line 10: 'reason=linked_event_failed' is not so: transfer_rejected "},
    /* Queries. */
    {BLOCK(SCENE "?account id=1\n"), "line 8: before it, the reply has this, too: account id=1 "},
    {BLOCK(SCENE "?account id=1\ntransfer\n"), "line 8: the row is another: account id=1 "},
    {BLOCK(SCENE "?account id=1\naccount code=2\n"), "line 8: 'code=2' is not so: account id=1 "},
    {BLOCK(SCENE "?account id=1\naccount\naccount\n"),
     "line 9: there is no such row: the reply has no more (none)"},
    {BLOCK(SCENE "?account id=3\naccount\n"),
     "line 8: there is no such row: the reply has no more (not_found)"},
    {BLOCK(SCENE "?account id=3\n"), "line 8: before it, the query was refused: not_found"},
    {BLOCK(SCENE "?account id=3\nreply result=bad_filter\n"),
     "line 8: it is otherwise: reply result=not_found"},
    {BLOCK(SCENE "?account id=1\nreply result=not_found\n"),
     "line 8: it is otherwise: reply result=none"},
    /* Balances. */
    {BLOCK(SCENE "= 3 debits 0 credits 0\n"), "line 7: there is no account 3"},
    {BLOCK(SCENE "= one debits 0 credits 0\n"), "line 7: id: 'one' is not a whole number"},
    {BLOCK(SCENE "= 1 debits 0 credits 1\n"),
     "line 7: the account is otherwise: debits 0 credits 0"},
    {BLOCK(SCENE "+ transfer_create id=100 flags=pending,closing_debit" FIELDS "\n"
                 "= 1 debits 0 (5) credits 0\n"),
     "line 8: the account is otherwise: debits 0 (5) credits 0 closed"},
};

static void a_page_that_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    static struct ledger_reader other;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bool holds = ledger_page_holds(&other, wrong[i].page);
        if (holds || strncmp(other.page.error, wrong[i].error, strlen(wrong[i].error)) != 0)
            fail_msg("of the page\n%s\nis said '%s', not '%s'", wrong[i].page, other.page.error,
                     wrong[i].error);
    }
}

static void a_page_that_is_right_is_not_found_fault_with(void **state)
{
    (void)state;
    static struct ledger_reader other;
    bool holds = ledger_page_holds(
        &other, "```\nnot looked at\n```\n" BLOCK(
                    "new ledger transfers_max=3\n\n" ACCOUNTS "# a remark\n" TRANSFER
                    "transfer_created id=100 amount=0x5\n=  1   debits  5  credits "
                    "0\n") "Text.\n" BLOCK("> transfer_create id=101 flags=linked "
                                           "more=1" FIELDS "\n"
                                           "> transfer_create id=102" FIELDS "\n"
                                           "transfer_created id=101 "
                                           "flags=1\ntransfer_created\n"
                                           "?accounts limit=1\naccount id=1\nnext "
                                           "timestamp=2\n"));
    assert_string_equal(other.page.error, "");
    assert_true(holds);
    assert_int_equal(other.page.blocks, 2);
    assert_int_equal(other.page.commands, 5);
}

/* A batch with commands that only an image can be told leaves the other ledger behind, and that is
 * known. */
static void what_only_an_image_can_be_told_is_counted(void **state)
{
    (void)state;
    static struct ledger_reader other;
    bool holds = ledger_page_holds(
        &other, BLOCK(SCENE "> transfer_create id=101 flags=linked more=1" FIELDS "\n"
                            "> transfer_create id=102 session=3" FIELDS "\n"
                            "transfer_rejected id=101 reason=linked_event_chain_open\n"
                            "transfer_created id=102\n"));
    assert_string_equal(other.page.error, "");
    assert_true(holds);
    assert_int_equal(other.left_alone, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_is_wrong_is_told_with_its_line),
        cmocka_unit_test(a_page_that_is_right_is_not_found_fault_with),
        cmocka_unit_test(what_only_an_image_can_be_told_is_counted),
        cmocka_unit_test(every_example_of_the_rules_is_so),
        cmocka_unit_test(every_recipe_is_so),
        cmocka_unit_test(every_example_is_played_alone_too),
        cmocka_unit_test(every_result_has_an_example),
        cmocka_unit_test(every_command_event_query_and_row_has_an_example),
        cmocka_unit_test(every_flag_state_and_setting_has_an_example),
        cmocka_unit_test(the_tables_of_results_are_whole_and_in_order),
        cmocka_unit_test(the_defaults_that_are_stated_are_so),
        cmocka_unit_test(the_memory_that_is_stated_is_so),
    };
    return cmocka_run_group_tests(tests, play_pages, NULL);
}
