/* Queries as they are typed, and the rows that the image answers with, as they are shown. */
#include "tests/core/rig.h"

#include <millrace/common.h>
#include <millrace/ledger_queries.h>
#include <millrace/text.h>

enum { ROOM = 64 << 10, USER = 5 };
#define ID(n) mr_u128_of(0, n)

static void open_ledger(struct rig *rig)
{
    struct {
        struct mr_genesis genesis;
        struct mr_ledger_config config;
    } body = {.genesis = {.logic = "ledger",
                          .logic_version = mr_logic_ledger.version,
                          .layout_version = mr_logic_ledger.layout_version,
                          .sessions_max = 4,
                          .answers_max = 64,
                          .timers_max = 1,
                          .config_size = sizeof(struct mr_ledger_config),
                          .clock = MR_CLOCK_INPUT}};
    memset(rig, 0, sizeof *rig);
    mr_logic_ledger.config_default(&body.config);
    body.config.accounts_max = 512;
    body.config.transfers_max = 512;
    body.config.pending_max = 16;
    body.config.history_max = 512;
    rig->genesis.header = (struct mr_command){.length = MR_COMMAND_HEADER + sizeof body,
                                              .type = MR_COMMAND_GENESIS,
                                              .role = MR_ROLE_SYSTEM,
                                              .sequence = 1};
    memcpy(mr_command_body_mutable(&rig->genesis.header), &body, sizeof body);
    rig_begin(rig, &mr_logic_ledger);
    rig->time_ns = 1000;
    assert_int_equal(rig_open(rig, USER, MR_ROLE_USER).result, 0);
}

static uint32_t send(struct rig *rig, uint16_t type, const void *body, size_t size)
{
    uint64_t request = mr_image_status_get(rig->image).sequence;
    return rig_send(rig, USER, request, type, body, size).result;
}

static void make_account(struct rig *rig, uint64_t id, uint16_t flags)
{
    struct mr_ledger_account account = {
        .id = ID(id), .user_data_64 = id % 2, .ledger = 1, .code = 10, .flags = flags};
    assert_int_equal(send(rig, MR_LEDGER_ACCOUNT_CREATE, &account, sizeof account), 0);
}

static void move(struct rig *rig, struct mr_ledger_transfer transfer)
{
    transfer.ledger = 1;
    transfer.code = 20;
    assert_int_equal(send(rig, MR_LEDGER_TRANSFER_CREATE, &transfer, sizeof transfer), 0);
}

/* Accounts 1 to 3, and a transfer of each kind, at 1000 ns and on. */
static int open_some(void **state)
{
    static struct rig rig;
    open_ledger(&rig);
    make_account(&rig, 1, 0);
    make_account(&rig, 2, MR_LEDGER_ACCOUNT_DEBITS_LIMITED | MR_LEDGER_ACCOUNT_HISTORY);
    make_account(&rig, 3, 0);
    move(&rig, (struct mr_ledger_transfer){.id = ID(101),
                                           .debit_account_id = ID(1),
                                           .credit_account_id = ID(2),
                                           .amount = mr_u128_of(1, 0)});
    move(&rig, (struct mr_ledger_transfer){.id = ID(102),
                                           .debit_account_id = ID(2),
                                           .credit_account_id = ID(3),
                                           .amount = ID(7),
                                           .timeout = 3,
                                           .flags = MR_LEDGER_PENDING});
    *state = &rig;
    return 0;
}

static int close_some(void **state)
{
    rig_stop(*state);
    return 0;
}

/* -- Asking. ----------------------------------------------------------------------------------- */

/* A reply in text, a row a line. */
struct answer {
    struct mr_reply reply;
    char text[ROOM];
};

static const struct answer *ask_room(const struct rig *rig, struct mr_query as, const char *line,
                                     uint32_t room)
{
    static union {
        struct mr_query header;
        unsigned char bytes[1024];
    } query;
    static uint64_t rows[ROOM / 8];
    static struct answer answer;
    struct mr_text_error error = {0};
    if (mr_text_query_read(&mr_logic_ledger, line, strlen(line), &query.header, sizeof query,
                           &error) != MR_TEXT_COMMAND)
        fail_msg("%s\ncolumn %u: %s", line, error.column, error.text);
    query.header.session = as.session;
    query.header.role = as.role;
    memset(&answer, 0, sizeof answer);
    memset(rows, 0xee, sizeof rows);
    mr_image_query(rig->image, &mr_logic_ledger, &query.header, &answer.reply, rows, room);
    assert_true(answer.reply.bytes <= room);
    size_t used = 0;
    for (uint32_t at = 0; at < answer.reply.bytes;) {
        const struct mr_row *row = (const void *)((const unsigned char *)rows + at);
        used += mr_text_row_write(&mr_logic_ledger, row, answer.text + used, ROOM - used);
        answer.text[used++] = '\n';
        at += row->length;
    }
    return &answer;
}

static const struct answer *ask(const struct rig *rig, const char *line)
{
    return ask_room(rig, (struct mr_query){.role = MR_ROLE_SYSTEM}, line, ROOM);
}

static void says(const struct rig *rig, const char *line, const char *text)
{
    const struct answer *answer = ask(rig, line);
    assert_int_equal(answer->reply.result, 0);
    assert_int_equal(answer->reply.truncated, 0);
    assert_string_equal(answer->text, text);
}

static void refuses(const struct rig *rig, const char *line, uint32_t reason)
{
    const struct answer *answer = ask(rig, line);
    if (answer->reply.result != reason)
        fail_msg("%s: %u", line, answer->reply.result);
    assert_int_equal(answer->reply.rows, 0);
}

/* -- What is answered. ------------------------------------------------------------------------- */

#define ACCOUNT_2                                                                        \
    "account id=2 debits_pending=7 debits_posted=0 credits_pending=0 "                   \
    "credits_posted=18446744073709551616 user_data_128=0 user_data_64=0 user_data_32=0 " \
    "reserved=0 ledger=1 code=10 flags=debits_must_not_exceed_credits,history timestamp=1001\n"
#define TRANSFER_101                                                                         \
    "transfer id=101 debit_account_id=1 credit_account_id=2 amount=18446744073709551616 "    \
    "pending_id=0 user_data_128=0 user_data_64=0 user_data_32=0 timeout=0 ledger=1 code=20 " \
    "flags=0 timestamp=1003 state=none\n"
#define TRANSFER_102                                                                          \
    "transfer id=102 debit_account_id=2 credit_account_id=3 amount=7 pending_id=0 "           \
    "user_data_128=0 user_data_64=0 user_data_32=0 timeout=3 ledger=1 code=20 flags=pending " \
    "timestamp=1004 state=pending\n"

static void one_account_one_transfer_and_the_totals_read_like_this(void **state)
{
    const struct rig *rig = *state;
    says(rig, "?account id=2", ACCOUNT_2);
    says(rig, "?transfer id=101", TRANSFER_101);
    says(rig, "?transfer id=102", TRANSFER_102);
    says(rig, "?ledger_totals",
         "ledger_totals floor=0 timestamp=1004 transfers=2 accounts=3 ledgers=1 remembered=2 "
         "pending=1 balances=2\n");
}

static void lists_read_like_this(void **state)
{
    const struct rig *rig = *state;
    says(rig, "?accounts timestamp_min=1001 timestamp_max=1001", ACCOUNT_2);
    says(rig, "?transfers", TRANSFER_101 TRANSFER_102);
    says(rig, "?transfers flags=reversed", TRANSFER_102 TRANSFER_101);
    says(rig, "?transfers user_data_64=1", "");
    says(rig, "?account_transfers account_id=2", TRANSFER_101 TRANSFER_102);
    says(rig, "?account_transfers account_id=2 flags=debits,reversed", TRANSFER_102);
    says(rig, "?account_transfers account_id=2 flags=credits", TRANSFER_101);
    says(rig, "?account_balances account_id=2",
         "balance debits_pending=0 debits_posted=0 credits_pending=0 "
         "credits_posted=18446744073709551616 timestamp=1003\n"
         "balance debits_pending=7 debits_posted=0 credits_pending=0 "
         "credits_posted=18446744073709551616 timestamp=1004\n");
}

static void a_list_that_goes_on_ends_with_where(void **state)
{
    const struct rig *rig = *state;
    says(rig, "?transfers limit=1", TRANSFER_101 "next timestamp=1004\n");
    says(rig, "?transfers limit=1 timestamp_min=1004", TRANSFER_102);
    says(rig, "?transfers limit=1 flags=reversed", TRANSFER_102 "next timestamp=1003\n");
    says(rig, "?transfers limit=1 flags=reversed timestamp_max=1003", TRANSFER_101);
    says(rig, "?account_transfers account_id=2 limit=1", TRANSFER_101 "next timestamp=1004\n");
    says(rig, "?accounts limit=1 timestamp_min=1001", ACCOUNT_2 "next timestamp=1002\n");
    says(rig, "?account_balances account_id=2 limit=1",
         "balance debits_pending=0 debits_posted=0 credits_pending=0 "
         "credits_posted=18446744073709551616 timestamp=1003\nnext timestamp=1004\n");
}

static void what_is_not_there_or_cannot_be_is_refused(void **state)
{
    const struct rig *rig = *state;
    refuses(rig, "?account id=9", MR_REASON_NOT_FOUND);
    refuses(rig, "?account id=0", MR_REASON_NOT_FOUND);
    refuses(rig, "?transfer id=9", MR_REASON_NOT_FOUND);
    refuses(rig, "?account_transfers account_id=9", MR_REASON_NOT_FOUND);
    refuses(rig, "?account_balances account_id=9", MR_REASON_NOT_FOUND);
    refuses(rig, "?account_balances account_id=1", MR_REASON_NOT_FOUND);
    refuses(rig, "?account_transfers account_id=0", MR_LEDGER_BAD_FILTER);
    refuses(rig, "?account_balances account_id=0", MR_LEDGER_BAD_FILTER);
    refuses(rig, "?accounts flags=debits", MR_LEDGER_BAD_FILTER);
    refuses(rig, "?transfers timestamp_min=2 timestamp_max=1", MR_LEDGER_BAD_FILTER);
    refuses(rig, "?transfers flags=8", MR_LEDGER_BAD_FILTER);
}

/* -- Who may ask. ------------------------------------------------------------------------------ */

static void users_and_operators_may_ask_anything_of_the_catalog(void **state)
{
    const struct rig *rig = *state;
    const struct mr_catalog *catalog = mr_logic_ledger.catalog;
    const uint32_t both = MR_ROLE_BIT(MR_ROLE_USER) | MR_ROLE_BIT(MR_ROLE_OPERATOR);
    assert_int_equal(catalog->query_count, 7);
    for (uint32_t i = 0; i < catalog->query_count; i++)
        assert_int_equal(catalog->queries[i].roles, both);
    assert_null(mr_catalog_flaw(catalog));
    const struct answer *answer = ask_room(
        rig, (struct mr_query){.session = USER, .role = MR_ROLE_USER}, "?account id=2", ROOM);
    assert_int_equal(answer->reply.result, 0);
    assert_string_equal(answer->text, ACCOUNT_2);
}

/* -- Room. ------------------------------------------------------------------------------------- */

enum { MANY = 250 };

static int open_many(void **state)
{
    static struct rig rig;
    open_ledger(&rig);
    for (uint64_t id = 1; id <= MANY; id++)
        make_account(&rig, id, MR_LEDGER_ACCOUNT_HISTORY);
    for (uint64_t id = 1; id <= MANY; id++)
        move(&rig, (struct mr_ledger_transfer){.id = ID(id),
                                               .debit_account_id = ID(1),
                                               .credit_account_id = ID(2),
                                               .amount = ID(1)});
    *state = &rig;
    return 0;
}

/* Where the last row says to go on; 0: it does not. */
static uint64_t next_of(const struct answer *answer)
{
    const char *last = strstr(answer->text, "next timestamp=");
    if (last == NULL)
        return 0;
    assert_ptr_equal(strchr(last, '\n') + 1, answer->text + strlen(answer->text));
    return strtoull(last + strlen("next timestamp="), NULL, 10);
}

static const char *const lists[] = {"?accounts", "?transfers", "?account_transfers account_id=1",
                                    "?account_balances account_id=1"};
static const uint32_t row_sizes[] = {128, 136, 136, 72}; /* of their bodies */

static void a_reply_has_a_hundred_rows_at_most(void **state)
{
    const struct rig *rig = *state;
    static const char *const limits[] = {"", " limit=100", " limit=101", " limit=4294967295"};
    for (uint32_t i = 0; i < 16; i++) {
        char line[200];
        uint64_t from = 0;
        for (uint32_t left = MANY; left > 0;) {
            snprintf(line, sizeof line, "%s%s timestamp_min=%llu", lists[i % 4], limits[i / 4],
                     (unsigned long long)from);
            const struct answer *answer = ask(rig, line);
            uint32_t rows = left < 100 ? left : 100;
            assert_int_equal(answer->reply.rows, rows + (left > rows));
            assert_int_equal(answer->reply.truncated, 0);
            from = next_of(answer);
            left -= rows;
            assert_int_equal(from != 0, left > 0);
        }
    }
}

/* A row less than there would be room for without the last one. */
static void where_there_is_little_room_there_is_some_for_where_to_go_on(void **state)
{
    const struct rig *rig = *state;
    const struct mr_query as = {.role = MR_ROLE_SYSTEM};
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t size = MR_ROW_HEADER + row_sizes[i], last = MR_ROW_HEADER + 8;
        for (uint32_t rows = 1; rows < 5; rows++) {
            const struct answer *answer = ask_room(rig, as, lists[i], rows * size + last);
            assert_int_equal(answer->reply.rows, rows + 1);
            uint64_t next = next_of(answer);
            assert_true(next != 0);
            answer = ask_room(rig, as, lists[i], (rows + 1) * size + last - 8);
            assert_int_equal(answer->reply.rows, rows + 1);
            assert_int_equal(next_of(answer), next);
        }
        const struct answer *answer = ask_room(rig, as, lists[i], size + last - 8);
        assert_int_equal(answer->reply.rows, 0); /* going on would get nowhere */
        assert_int_equal(answer->reply.truncated, 1);
        answer = ask_room(rig, as, lists[i], 0);
        assert_int_equal(answer->reply.rows, 0);
        assert_int_equal(answer->reply.truncated, 1);
    }
    assert_int_equal(ask_room(rig, as, "?account id=1", 128)->reply.truncated, 1);
    assert_int_equal(ask_room(rig, as, "?account id=1", 136)->reply.rows, 1);
    assert_int_equal(ask_room(rig, as, "?transfer id=1", 136)->reply.truncated, 1);
    assert_int_equal(ask_room(rig, as, "?ledger_totals", 8)->reply.truncated, 1);
}

#define SOME(name)    cmocka_unit_test_setup_teardown(name, open_some, close_some)
#define OF_MANY(name) cmocka_unit_test_setup_teardown(name, open_many, close_some)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SOME(one_account_one_transfer_and_the_totals_read_like_this),
        SOME(lists_read_like_this),
        SOME(a_list_that_goes_on_ends_with_where),
        SOME(what_is_not_there_or_cannot_be_is_refused),
        SOME(users_and_operators_may_ask_anything_of_the_catalog),
        OF_MANY(a_reply_has_a_hundred_rows_at_most),
        OF_MANY(where_there_is_little_room_there_is_some_for_where_to_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
