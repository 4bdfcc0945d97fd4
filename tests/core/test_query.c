/*
 * Queries: who may ask what, and what the image and the logic answer.
 */
#include "tests/core/jars_rig.h"

struct asked {
    struct mr_reply reply;
    union {
        uint64_t words[4096];
        struct mr_row first;
    } rows;
};

static struct asked ask_for(const struct rig *rig, uint64_t session, uint16_t type,
                            const void *body, uint32_t size, uint32_t room)
{
    static union {
        struct mr_query header;
        uint64_t words[16];
    } query;
    struct mr_session_info info = {0};
    (void)mr_image_session(rig->image, session, &info);
    query.header = (struct mr_query){.length = MR_QUERY_HEADER + size,
                                     .type = type,
                                     .role = (uint8_t)info.role,
                                     .session = session,
                                     .request = 77};
    memcpy((unsigned char *)&query + MR_QUERY_HEADER, body, size);
    struct asked asked;
    memset(&asked, 0xee, sizeof asked);
    mr_image_query(rig->image, rig->logic, &query.header, &asked.reply, &asked.rows, room);
    for (size_t i = room; i < sizeof asked.rows; i++) { /* not a byte more than there is room */
        assert_int_equal(((unsigned char *)&asked.rows)[i], 0xee);
    }
    assert_int_equal(asked.reply.request, 77);
    assert_int_equal(asked.reply.sequence, mr_image_status_get(rig->image).sequence);
    assert_int_equal(asked.reply.time_ns, mr_image_status_get(rig->image).time_ns);
    return asked;
}

static struct asked ask(const struct rig *rig, uint64_t session, uint16_t type, uint64_t number)
{
    return ask_for(rig, session, type, &number, sizeof number, sizeof(uint64_t) * 4096);
}

static struct asked ask_status(const struct rig *rig, uint64_t session)
{
    return ask_for(rig, session, MR_QUERY_STATUS, "", 0, sizeof(uint64_t) * 4096);
}

/* -- Who may ask what. ------------------------------------------------------------------------- */

static void the_embedder_may_ask_anything(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    assert_int_equal(ask_status(&rig, 0).reply.result, 0);
    assert_int_equal(ask(&rig, 0, MR_QUERY_SESSION, 1).reply.result, 0);
    assert_int_equal(ask(&rig, 0, MR_QUERY_SESSIONS, 0).reply.rows, 1);
    assert_int_equal(ask(&rig, 0, JARS_ONE, 3).reply.rows, 1);
    assert_int_equal(ask(&rig, 0, JARS_ALL, 0).reply.rows, 10);
    rig_stop(&rig);
}

static void a_session_asks_what_its_role_may(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    rig_open(&rig, 2, MR_ROLE_OPERATOR);
    assert_int_equal(ask_status(&rig, 1).reply.result, 0);
    assert_int_equal(ask(&rig, 1, MR_QUERY_SESSIONS, 0).reply.result, MR_REASON_ROLE_DENIED);
    assert_int_equal(ask(&rig, 2, MR_QUERY_SESSIONS, 0).reply.result, 0);
    assert_int_equal(ask(&rig, 1, JARS_ALL, 0).reply.result, MR_REASON_ROLE_DENIED);
    assert_int_equal(ask(&rig, 2, JARS_ALL, 0).reply.rows, 10);
    assert_int_equal(ask(&rig, 2, JARS_ONE, 0).reply.result, MR_REASON_ROLE_DENIED);
    assert_int_equal(ask_status(&rig, 3).reply.result, MR_REASON_UNKNOWN_SESSION);
    rig_stop(&rig);
}

static void a_user_asks_for_its_own_session_only(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    rig_open(&rig, 2, MR_ROLE_OPERATOR);
    assert_int_equal(ask(&rig, 1, MR_QUERY_SESSION, 1).reply.rows, 1);
    assert_int_equal(ask(&rig, 1, MR_QUERY_SESSION, 2).reply.result, MR_REASON_ROLE_DENIED);
    assert_int_equal(ask(&rig, 1, MR_QUERY_SESSION, 9).reply.result, MR_REASON_ROLE_DENIED);
    assert_int_equal(ask(&rig, 2, MR_QUERY_SESSION, 1).reply.rows, 1);
    assert_int_equal(ask(&rig, 2, MR_QUERY_SESSION, 9).reply.result, MR_REASON_NOT_FOUND);
    rig_stop(&rig);
}

static void a_role_that_is_not_the_sessions_is_denied(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    for (uint32_t role = 0; role < 256; role++) {
        struct mr_query query = {.length = MR_QUERY_HEADER,
                                 .type = MR_QUERY_STATUS,
                                 .role = (uint8_t)role,
                                 .session = 1};
        struct mr_reply reply;
        uint64_t rows[20];
        mr_image_query(rig.image, &jars_1, &query, &reply, rows, sizeof rows);
        assert_int_equal(reply.result, role == MR_ROLE_USER ? 0 : MR_REASON_ROLE_DENIED);
        assert_int_equal(reply.rows, role == MR_ROLE_USER);
    }
    rig_stop(&rig);
}

static void what_the_catalog_does_not_know_is_refused(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    static const uint16_t unknown[] = {0, 4, 63, 66, 1000, 65535};
    for (uint32_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(ask(&rig, 0, unknown[i], 0).reply.result, MR_REASON_UNKNOWN_TYPE);
    }
    struct mr_query query = {
        .length = MR_QUERY_HEADER, .type = MR_QUERY_STATUS, .version = 1, .session = 0};
    struct mr_reply reply;
    mr_image_query(rig.image, &jars_1, &query, &reply, NULL, 0);
    assert_int_equal(reply.result, MR_REASON_UNKNOWN_VERSION);
    assert_int_equal(ask_for(&rig, 0, MR_QUERY_STATUS, "12345678", 8, 4096).reply.result,
                     MR_REASON_BAD_LENGTH);
    assert_int_equal(ask_for(&rig, 0, MR_QUERY_SESSION, "", 0, 4096).reply.result,
                     MR_REASON_BAD_LENGTH);
    query = (struct mr_query){.length = 0, .type = MR_QUERY_STATUS};
    mr_image_query(rig.image, &jars_1, &query, &reply, NULL, 0);
    assert_int_equal(reply.result, MR_REASON_BAD_LENGTH);
    assert_int_equal(reply.rows, 0);
    assert_int_equal(reply.bytes, 0);
    rig_stop(&rig);
}

static void asking_changes_nothing(void **state)
{
    (void)state;
    struct rig rig, same;
    jars_start(&rig, &jars_1);
    jars_start(&same, &jars_1);
    for (uint64_t session = 0; session < 4; session++) {
        rig_open(&rig, session, MR_ROLE_OPERATOR);
        rig_open(&same, session, MR_ROLE_OPERATOR);
        for (uint16_t type = 0; type < 70; type++) {
            (void)ask(&rig, session, type, session);
            (void)ask_for(&rig, session, type, "", 0, 16);
        }
    }
    rig_assert_same(&rig, &same);
    rig_stop(&rig);
    rig_stop(&same);
}

/* -- What is answered. ------------------------------------------------------------------------- */

static void status_tells_of_the_image_as_a_whole(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_2);
    struct asked asked = ask_status(&rig, 0);
    const struct mr_row_status *row = mr_row_body(&asked.rows.first);
    assert_int_equal(asked.rows.first.type, MR_ROW_STATUS);
    assert_int_equal(asked.rows.first.length, asked.reply.bytes);
    assert_string_equal(row->logic, "jars");
    assert_int_equal(row->logic_version, 2);
    assert_int_equal(row->events, 1);
    assert_int_equal(row->next_timer_ns, 0);
    assert_int_equal(row->clock, MR_CLOCK_INPUT);
    rig.time_ns = 5;
    rig_open(&rig, 1, MR_ROLE_USER);
    rig_open(&rig, 1, MR_ROLE_USER);
    jars_alarm(&rig, 1, 1, 2, 900);
    asked = ask_status(&rig, 1);
    row = mr_row_body(&asked.rows.first);
    assert_int_equal(row->rejects, 1);
    assert_int_equal(row->sessions, 1);
    assert_int_equal(row->timers, 1); /* not that of the session */
    assert_int_equal(row->next_timer_ns, 900);
    assert_int_equal(asked.reply.truncated, 0);
    rig_stop(&rig);
}

static void a_session_is_told_with_all_that_is_known_of_it(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    struct mr_session_open open = {
        .new_session = 9, .new_role = MR_ROLE_USER, .fingerprint = {1, 2, 3}};
    rig_send(&rig, 0, 0, MR_COMMAND_SESSION_OPEN, &open, sizeof open);
    rig.time_ns = 44;
    jars_put(&rig, 9, 12, 3, 1, 0);
    struct asked asked = ask(&rig, 9, MR_QUERY_SESSION, 9);
    const struct mr_row_session *row = mr_row_body(&asked.rows.first);
    assert_int_equal(asked.rows.first.type, MR_ROW_SESSION);
    assert_int_equal(row->id, 9);
    assert_int_equal(row->last_request, 12);
    assert_int_equal(row->last_time_ns, 44);
    assert_int_equal(row->session_role, MR_ROLE_USER);
    assert_memory_equal(row->fingerprint, open.fingerprint, 16);
    rig_stop(&rig);
}

/* All sessions, by asking on from the last row; how many replies it took. */
static uint32_t list_sessions(const struct rig *rig, uint32_t room, uint8_t *seen)
{
    uint64_t after = 0;
    for (uint32_t replies = 1;; replies++) {
        struct asked asked = ask_for(rig, 0, MR_QUERY_SESSIONS, &after, sizeof after, room);
        const unsigned char *at = (const unsigned char *)&asked.rows;
        assert_true(asked.reply.rows <= 100 && asked.reply.bytes <= room);
        for (uint32_t i = 0; i < asked.reply.rows; i++) {
            const struct mr_row *header = (const struct mr_row *)(const void *)at;
            const struct mr_row_session *row = mr_row_body(header);
            seen[row->id]++;
            after = row->place;
            at += header->length;
        }
        assert_ptr_equal(at, (const unsigned char *)&asked.rows + asked.reply.bytes);
        if (!asked.reply.truncated) {
            return replies;
        }
        assert_true(asked.reply.rows > 0);
    }
}

static void all_sessions_are_listed_a_hundred_at_a_time_each_once(void **state)
{
    (void)state;
    enum { MANY = 450 };
    static uint8_t seen[MANY + 1], open[MANY + 1];
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    struct rig rig;
    rig_start(&rig, (struct rig_limits){MANY, 1, 0});
    memset(open, 0, sizeof open);
    memset(seen, 0, sizeof seen);
    assert_int_equal(list_sessions(&rig, 8192, seen), 1);
    for (uint64_t id = 1; id <= MANY; id++) {
        rig_open(&rig, id, MR_ROLE_USER);
        open[id] = 1;
    }
    assert_int_equal(list_sessions(&rig, 8192, seen), 5);
    assert_memory_equal(seen, open, sizeof open);
    for (uint64_t round = 0; round < 30; round++) {
        for (int i = 0; i < 20; i++) {
            uint64_t id = 1 + mr_random_below(&random, MANY);
            rig_close(&rig, 0, 0, id);
            open[id] = 0;
        }
        memset(seen, 0, sizeof seen);
        /* With room for less than a hundred, too. */
        (void)list_sessions(&rig, 64 * (1 + (uint32_t)mr_random_below(&random, 128)), seen);
        assert_memory_equal(seen, open, sizeof open);
    }
    assert_int_equal(ask(&rig, 0, MR_QUERY_SESSIONS, MANY).reply.rows, 0);
    assert_int_equal(ask(&rig, 0, MR_QUERY_SESSIONS, UINT64_MAX).reply.rows, 0);
    assert_int_equal(ask(&rig, 0, MR_QUERY_SESSIONS, UINT64_C(1) << 32).reply.rows, 0);
    rig_stop(&rig);
}

static void a_reply_without_room_says_that_it_was_truncated(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    uint64_t from = 0;
    uint32_t row_size = MR_ROW_HEADER + sizeof(struct jars_row);
    for (uint32_t room = 0; room <= 11 * row_size; room += 8) {
        struct asked asked = ask_for(&rig, 0, JARS_ALL, &from, sizeof from, room);
        uint32_t expected = room / row_size < 10 ? room / row_size : 10;
        assert_int_equal(asked.reply.result, 0);
        assert_int_equal(asked.reply.rows, expected);
        assert_int_equal(asked.reply.bytes, expected * row_size);
        assert_int_equal(asked.reply.truncated, expected < 10);
    }
    struct asked asked = ask_for(&rig, 0, MR_QUERY_STATUS, "", 0, 16);
    assert_int_equal(asked.reply.truncated, 1);
    assert_int_equal(asked.reply.rows, 0);
    rig_stop(&rig);
}

static void the_logic_answers_from_its_state_or_refuses(void **state)
{
    (void)state;
    struct rig rig;
    jars_start(&rig, &jars_1);
    rig_open(&rig, 1, MR_ROLE_USER);
    jars_put(&rig, 1, 1, 3, 500, 0);
    struct asked asked = ask(&rig, 1, JARS_ONE, 3);
    const struct jars_row *row = mr_row_body(&asked.rows.first);
    assert_int_equal(row->jar, 3);
    assert_int_equal(row->amount, 500);
    assert_int_equal(row->changes, 1);
    asked = ask(&rig, 1, JARS_ONE, 10);
    assert_int_equal(asked.reply.result, MR_REASON_NOT_FOUND);
    assert_int_equal(asked.reply.rows, 0);
    assert_int_equal(asked.reply.bytes, 0);
    rig_stop(&rig);
}

static uint32_t add_and_refuse(struct mr_inquiry *inquiry, const struct mr_query *query)
{
    (void)query;
    assert_non_null(mr_row_add(inquiry, JARS_ONE, 0, sizeof(struct jars_row)));
    return JARS_NO_SUCH;
}

static void a_query_that_is_refused_after_all_has_no_rows(void **state)
{
    (void)state;
    struct mr_logic logic = jars_1;
    logic.query = add_and_refuse;
    struct rig rig = {0};
    jars_genesis(&rig.genesis.header, &logic);
    rig_begin(&rig, &logic);
    struct asked asked = ask(&rig, 0, JARS_ONE, 3);
    assert_int_equal(asked.reply.result, JARS_NO_SUCH);
    assert_int_equal(asked.reply.rows, 0);
    assert_int_equal(asked.reply.bytes, 0);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_embedder_may_ask_anything),
        cmocka_unit_test(a_session_asks_what_its_role_may),
        cmocka_unit_test(a_user_asks_for_its_own_session_only),
        cmocka_unit_test(a_role_that_is_not_the_sessions_is_denied),
        cmocka_unit_test(what_the_catalog_does_not_know_is_refused),
        cmocka_unit_test(asking_changes_nothing),
        cmocka_unit_test(status_tells_of_the_image_as_a_whole),
        cmocka_unit_test(a_session_is_told_with_all_that_is_known_of_it),
        cmocka_unit_test(all_sessions_are_listed_a_hundred_at_a_time_each_once),
        cmocka_unit_test(a_reply_without_room_says_that_it_was_truncated),
        cmocka_unit_test(the_logic_answers_from_its_state_or_refuses),
        cmocka_unit_test(a_query_that_is_refused_after_all_has_no_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
