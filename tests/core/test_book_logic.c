/* The book as a logic in an image, and alone: the same bodies, whatever is asked; and what only the
 * logic has: envelopes, roles and timers. */
#include "tests/core/book_dice.h"

enum { COMMANDS = 6000 };

static uint32_t send(struct book_twin *twin, struct sent sent)
{
    sent.header.correlation = 7 * (twin->request + 1);
    uint32_t result = twin_apply(twin, &sent.header);
    assert_string_equal(twin->flaw, "");
    return result;
}

static void open_twin(struct book_twin *twin, uint32_t timers_max)
{
    struct mr_book_config config = small();
    twin_open(twin, &config, timers_max);
    for (uint32_t instrument = 1; instrument <= 2; instrument++)
        assert_int_equal(send(twin, instrument_of(instrument)), 0);
}

static struct sent order_of(uint64_t order, enum mr_book_side side, int64_t price)
{
    const struct mr_book_order_new body = {
        .order = order, .price = price, .quantity = 5, .instrument = 1, .side = (uint8_t)side};
    return command_of(MR_BOOK_ORDER_NEW, &body);
}

static void the_book_alone_says_what_the_image_says(void **state)
{
    (void)state;
    struct book_twin twin;
    struct mr_random random;
    uint64_t time_ns = 1;
    uint32_t rejected = 0;
    mr_random_init(&random, rig_seed());
    open_twin(&twin, 1); /* however many orders expire: one timer */
    for (uint32_t i = 0; i < COMMANDS; i++) {
        time_ns += mr_random_chance(&random, 1, 4) ? mr_random_below(&random, 50) : 0;
        uint32_t result = send(&twin, random_command(&random, time_ns));
        assert_int_not_equal(result, MR_REASON_TIMERS_FULL);
        rejected += result != 0;
    }
    assert_true(rejected > COMMANDS / 10 && rejected < COMMANDS - COMMANDS / 10);
    assert_true(mr_book_totals_get(twin.alone).trades > COMMANDS / 50);
    twin_close(&twin);
}

/* -- As a logic. ------------------------------------------------------------------------------- */

static void events_are_chained_within_their_instrument(void **state)
{
    (void)state;
    struct book_twin twin;
    open_twin(&twin, 0);
    assert_int_equal(send(&twin, order_of(1, MR_BOOK_SIDE_SELL, 50)), 0);
    size_t at = twin.first;
    const struct mr_event *before = twin_event(&twin, &at);
    assert_int_equal(send(&twin, order_of(2, MR_BOOK_SIDE_BUY, 50)), 0);
    at = twin.first;
    const struct mr_event *accepted = twin_event(&twin, &at);
    const struct mr_event *trade = twin_event(&twin, &at);
    assert_int_equal(before->aggregate_kind, MR_BOOK_AGGREGATE_INSTRUMENT);
    assert_int_equal(before->aggregate_id, 1);
    assert_int_equal(before->aggregate_sequence, 2); /* behind its definition */
    assert_int_equal(accepted->number, before->number + 1);
    assert_int_equal(accepted->aggregate_sequence, 3);
    assert_int_equal(accepted->previous, before->number);
    assert_int_equal(trade->aggregate_sequence, 4);
    assert_int_equal(trade->previous, accepted->number);
    assert_int_equal(trade->correlation, accepted->correlation);
    assert_int_equal(trade->correlation, 7 * twin.request);
    twin_close(&twin);
}

static void what_names_no_instrument_belongs_to_none(void **state)
{
    (void)state;
    struct book_twin twin;
    open_twin(&twin, 0);
    struct sent sent = order_of(1, MR_BOOK_SIDE_SELL, 50);
    ((struct mr_book_order_new *)(void *)sent.body)->instrument = 3;
    assert_int_equal(send(&twin, sent), MR_BOOK_UNKNOWN_INSTRUMENT);
    size_t at = twin.first;
    const struct mr_event *event = twin_event(&twin, &at);
    assert_int_equal(event->type, MR_BOOK_ORDER_REJECTED);
    assert_int_equal(event->aggregate_kind, 0);
    assert_int_equal(event->aggregate_sequence, 0);
    assert_int_equal(event->previous, 0);
    twin_close(&twin);
}

static void only_operators_set_things_up(void **state)
{
    (void)state;
    struct book_twin twin;
    open_twin(&twin, 0);
    for (uint16_t i = 0; i < mr_logic_book.catalog->command_count; i++) {
        const struct mr_message *message = &mr_logic_book.catalog->commands[i];
        bool order = message->type == MR_BOOK_ORDER_NEW || message->type == MR_BOOK_ORDER_CANCEL ||
                     message->type == MR_BOOK_ORDER_REPLACE ||
                     message->type == MR_BOOK_ORDERS_CANCEL;
        static const unsigned char zeros[64];
        struct sent sent = command_of(message->type, zeros);
        sent.header.session = TWIN_USER;
        sent.header.role = MR_ROLE_USER;
        uint32_t result = send(&twin, sent);
        assert_int_equal(result == MR_REASON_ROLE_DENIED, !order);
        sent = command_of(message->type, zeros);
        assert_int_not_equal(send(&twin, sent), MR_REASON_ROLE_DENIED);
    }
    twin_close(&twin);
}

static void one_timer_is_set_for_the_next_order_to_expire(void **state)
{
    (void)state;
    struct book_twin twin;
    open_twin(&twin, 1);
    for (uint64_t i = 0; i < 5; i++) {
        struct sent sent = order_of(i, MR_BOOK_SIDE_SELL, 50);
        struct mr_book_order_new *body = (void *)sent.body;
        body->tif = MR_BOOK_TIF_GTD;
        body->expires_ns = 100 - 10 * i;
        assert_int_equal(send(&twin, sent), 0);
        uint64_t due = mr_image_next_timer(twin.rig.image);
        assert_true(due <= 100 - 10 * i);
    }
    struct sent tick = {
        .header = {.length = MR_COMMAND_HEADER, .type = MR_COMMAND_TICK, .time_ns = 85}};
    assert_int_equal(send(&twin, tick), 0);
    assert_int_equal(twin.turn.next, 3); /* compared with the events of the timer */
    tick.header.time_ns = 100;
    assert_int_equal(send(&twin, tick), 0);
    assert_int_equal(twin.turn.next, 2);
    assert_int_equal(mr_book_totals_get(twin.alone).orders, 0);
    assert_int_equal(mr_image_next_timer(twin.rig.image), UINT64_MAX);
    twin_close(&twin);
}

static void a_command_of_another_type_is_refused(void **state)
{
    (void)state;
    struct book_twin twin;
    open_twin(&twin, 0);
    union mr_book_request request = {.any = {.type = MR_BOOK_ORDERS_CANCEL + 1}};
    twin.turn.next = 0;
    memcpy(twin.before, twin.alone, twin.size);
    assert_int_equal(mr_book_apply(twin.alone, &request, &twin.turn), MR_REASON_UNKNOWN_TYPE);
    request.any.type = 0;
    assert_int_equal(mr_book_apply(twin.alone, &request, &twin.turn), MR_REASON_UNKNOWN_TYPE);
    assert_int_equal(twin.turn.next, 0);
    assert_true(book_same_bytes(twin.before, twin.alone, twin.size));
    twin_close(&twin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_book_alone_says_what_the_image_says),
        cmocka_unit_test(events_are_chained_within_their_instrument),
        cmocka_unit_test(what_names_no_instrument_belongs_to_none),
        cmocka_unit_test(only_operators_set_things_up),
        cmocka_unit_test(one_timer_is_set_for_the_next_order_to_expire),
        cmocka_unit_test(a_command_of_another_type_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
