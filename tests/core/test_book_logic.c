/* The book as a logic in an image, and alone: the same bodies, whatever is asked; and what only the
 * one or the other has: envelopes, roles and timers, rings and prefetching. */
#include "tests/core/book_twin.h"

enum { COMMANDS = 6000 };

static struct mr_book_config small(void)
{
    return (struct mr_book_config){.instruments_max = 3,
                                   .orders_max = 300,
                                   .levels_max = 40,
                                   .fills_max = 6,
                                   .groups_max = 24,
                                   .tick_tables_max = 2};
}

struct sent {
    struct mr_command header;
    unsigned char body[64];
};

static struct sent command_of(uint16_t type, const void *body)
{
    const struct mr_message *message = mr_catalog_command(mr_logic_book.catalog, type);
    struct sent sent = {.header = {.length = MR_COMMAND_HEADER + message->size,
                                   .type = type,
                                   .role = MR_ROLE_OPERATOR,
                                   .session = TWIN_OPERATOR}};
    memcpy(sent.body, body, message->size);
    return sent;
}

static uint32_t send(struct book_twin *twin, struct sent sent)
{
    sent.header.correlation = 7 * (twin->request + 1);
    uint32_t result = twin_apply(twin, &sent.header);
    assert_string_equal(twin->flaw, "");
    return result;
}

static struct sent instrument_of(uint32_t instrument)
{
    const struct mr_book_instrument_define define = {.symbol = "TEST",
                                                     .price_max = 100,
                                                     .quantity_max = 50,
                                                     .instrument = instrument,
                                                     .tick = instrument == 2 ? 3 : 0,
                                                     .lot = instrument == 2 ? 2 : 0};
    return command_of(MR_BOOK_INSTRUMENT_DEFINE, &define);
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

/* -- Anything at random. ----------------------------------------------------------------------- */

static struct sent random_new(struct mr_random *random, uint64_t time_ns)
{
    bool special = mr_random_chance(random, 1, 2);
    struct mr_book_order_new body = {
        .order = mr_random_below(random, 60),
        .account = mr_random_below(random, 4),
        .price = (int64_t)mr_random_below(random, 22),
        .quantity = mr_random_below(random, 12),
        .instrument = 1 + (uint32_t)mr_random_below(random, 20) / 9,
        .side = (uint8_t)mr_random_below(random, 2),
    };
    if (special) {
        body.min_quantity = mr_random_below(random, 3) * mr_random_below(random, 4);
        body.kind = (uint8_t)mr_random_below(random, 2);
        body.tif = (uint8_t)mr_random_below(random, 6);
        body.post = (uint8_t)(mr_random_below(random, 4) % 3);
        body.stp = (uint8_t)mr_random_below(random, 7);
        body.expires_ns = body.tif == MR_BOOK_TIF_GTD ? time_ns + mr_random_below(random, 200) : 0;
    }
    return command_of(MR_BOOK_ORDER_NEW, &body);
}

static struct sent random_change(struct mr_random *random)
{
    if (mr_random_chance(random, 1, 3)) {
        const struct mr_book_order_cancel body = {.order = mr_random_below(random, 60),
                                                  .account = mr_random_below(random, 4),
                                                  .instrument =
                                                      1 + (uint32_t)mr_random_below(random, 2)};
        return command_of(MR_BOOK_ORDER_CANCEL, &body);
    }
    const struct mr_book_order_replace body = {
        .order = mr_random_below(random, 60),
        .account = mr_random_below(random, 4),
        .price = (int64_t)mr_random_below(random, 22),
        .quantity = mr_random_below(random, 12),
        .new_order = mr_random_below(random, 60),
        .instrument = 1 + (uint32_t)mr_random_below(random, 2),
        .basis = (uint8_t)(mr_random_below(random, 5) % 2),
        .renumber = (uint8_t)(mr_random_below(random, 5) % 2),
    };
    return command_of(MR_BOOK_ORDER_REPLACE, &body);
}

static struct sent random_setup(struct mr_random *random)
{
    const struct mr_book_instrument_update update = {
        .reference = (int64_t)mr_random_below(random, 22),
        .collar = mr_random_below(random, 6),
        .instrument = 1 + (uint32_t)mr_random_below(random, 3),
        .day_end = (uint32_t)mr_random_below(random, 90000),
        .top = (uint8_t)mr_random_below(random, 3) % 2,
    };
    const struct mr_book_phase_set phase = {
        .instrument = 1 + (uint32_t)mr_random_below(random, 3),
        .phase = mr_random_chance(random, 1, 4) ? (uint8_t)mr_random_below(random, 4) : 0};
    const struct mr_book_account_define account = {.account = mr_random_below(random, 4),
                                                   .stp = (uint8_t)mr_random_below(random, 7)};
    const struct mr_book_account_unblock unblock = {.account = mr_random_below(random, 4)};
    const struct mr_book_tick_band_add band = {.from = (int64_t)mr_random_below(random, 40),
                                               .tick = (uint32_t)mr_random_below(random, 3),
                                               .tick_table = (uint16_t)mr_random_below(random, 4)};
    const struct mr_book_orders_cancel many = {.account = mr_random_below(random, 4),
                                               .of_session = mr_random_below(random, 5),
                                               .instrument = (uint32_t)mr_random_below(random, 4),
                                               .side = (uint8_t)mr_random_below(random, 4)};
    switch (mr_random_below(random, 9)) {
    case 0:
    case 1:
        return command_of(MR_BOOK_INSTRUMENT_UPDATE, &update);
    case 2:
    case 3:
        return command_of(MR_BOOK_PHASE_SET, &phase);
    case 4:
        return command_of(MR_BOOK_ACCOUNT_DEFINE, &account);
    case 5:
        return command_of(MR_BOOK_ACCOUNT_BLOCK, &unblock);
    case 6:
        return command_of(MR_BOOK_ACCOUNT_UNBLOCK, &unblock);
    case 7:
        return command_of(MR_BOOK_TICK_BAND_ADD, &band);
    default:
        return command_of(MR_BOOK_ORDERS_CANCEL, &many);
    }
}

/* A command of somebody who may send such a one. */
static struct sent random_command(struct mr_random *random, uint64_t time_ns)
{
    uint64_t dice = mr_random_below(random, 100);
    struct sent sent = dice < 65   ? random_new(random, time_ns)
                       : dice < 92 ? random_change(random)
                                   : random_setup(random);
    uint8_t roles = mr_catalog_command(mr_logic_book.catalog, sent.header.type)->roles;
    if ((roles & MR_ROLE_BIT(MR_ROLE_USER)) != 0 && mr_random_chance(random, 4, 5)) {
        sent.header.role = MR_ROLE_USER;
        sent.header.session = TWIN_USER + mr_random_below(random, 3);
    }
    sent.header.time_ns = time_ns;
    return sent;
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
                     message->type == MR_BOOK_ORDERS_CANCEL ||
                     message->type == MR_BOOK_ACCOUNT_BLOCK;
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

/* -- Alone. ------------------------------------------------------------------------------------ */

struct lone {
    struct mr_book_config config;
    struct mr_book *book;
    size_t size;
    struct mr_book_turn turn;
};

static void open_lone(struct lone *lone, uint64_t slots, uint64_t mask)
{
    *lone = (struct lone){.config = small()};
    lone->size = mr_logic_book.state_size(&lone->config);
    lone->book = rig_zeroed(lone->size);
    mr_logic_book.init(lone->book, &lone->config);
    lone->turn.reports = rig_zeroed(slots * sizeof(union mr_book_report));
    lone->turn.mask = mask;
}

static void close_lone(struct lone *lone)
{
    free(lone->book);
    free(lone->turn.reports);
}

static union mr_book_request request_of(const struct sent *sent)
{
    union mr_book_request request = {.any = {.type = 0}};
    memcpy(&request, sent->body, sent->header.length - (size_t)MR_COMMAND_HEADER);
    request.any.type = (uint8_t)sent->header.type;
    return request;
}

static void apply_lone(struct lone *lone, const struct sent *sent)
{
    union mr_book_request request = request_of(sent);
    lone->turn.time_ns = sent->header.time_ns;
    lone->turn.session = sent->header.session;
    lone->turn.role = sent->header.role;
    do
        mr_book_expire(lone->book, &lone->turn);
    while (lone->turn.again);
    do
        (void)mr_book_apply(lone->book, &request, &lone->turn);
    while (lone->turn.again);
}

/* The ring holds 2,048 reports, and no request makes more: those of the last one are all there. */
static void a_ring_gets_the_reports_of_an_array(void **state)
{
    (void)state;
    enum { SLOTS = 2048 };
    struct lone array, ring;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    open_lone(&array, SLOTS, UINT64_MAX);
    open_lone(&ring, SLOTS, SLOTS - 1);
    assert_true(mr_book_reports_max(&array.config) < SLOTS / 2);
    ring.turn.next = UINT64_MAX / 2; /* a ring's numbers are large */
    for (uint32_t i = 0; i < COMMANDS; i++) {
        struct sent sent = i < 2 ? instrument_of(i + 1) : random_command(&random, 1 + i * 10);
        uint64_t first = ring.turn.next;
        array.turn.next = 0;
        apply_lone(&array, &sent);
        apply_lone(&ring, &sent);
        assert_int_equal(ring.turn.next - first, array.turn.next);
        for (uint64_t n = 0; n < array.turn.next; n++)
            assert_memory_equal(&ring.turn.reports[(first + n) & (SLOTS - 1)],
                                &array.turn.reports[n], sizeof array.turn.reports[n]);
    }
    assert_memory_equal(array.book, ring.book, array.size);
    close_lone(&array);
    close_lone(&ring);
}

/* Prefetching at every stage, also for requests that are nonsense, writes nothing at all. */
static void prefetching_changes_nothing(void **state)
{
    (void)state;
    struct lone lone;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    open_lone(&lone, 2048, 2047);
    unsigned char *before = rig_zeroed(lone.size);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        struct sent sent = i < 2 ? instrument_of(i + 1) : random_command(&random, 1 + i * 10);
        union mr_book_request request = request_of(&sent);
        if (i % 16 == 0)
            memcpy(before, lone.book, lone.size);
        for (uint32_t stage = 0; stage < MR_BOOK_PREFETCH_STAGES; stage++)
            mr_book_prefetch(lone.book, &request, stage);
        for (uint32_t n = 0; i % 16 == 0 && n < 200; n++) {
            for (uint32_t k = 0; k < sizeof request; k++)
                ((unsigned char *)&request)[k] = (unsigned char)mr_random_u64(&random);
            request.any.type = (uint8_t)(MR_CATALOG_LOGIC_FIRST + n % 12);
            mr_book_prefetch(lone.book, &request, n % MR_BOOK_PREFETCH_STAGES);
        }
        if (i % 16 == 0)
            assert_memory_equal(before, lone.book, lone.size);
        apply_lone(&lone, &sent);
    }
    free(before);
    close_lone(&lone);
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
        cmocka_unit_test(a_ring_gets_the_reports_of_an_array),
        cmocka_unit_test(prefetching_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
