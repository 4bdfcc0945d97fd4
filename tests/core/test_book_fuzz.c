/*
 * Random commands, good and bad, to the book and to a naive one: the same reasons, the same events
 * byte for byte, the same answers to queries, and every invariant holds.
 *
 * MR_SEED=n replays a run; MR_FUZZ_COMMANDS=n makes it longer. Numbers are drawn one a statement,
 * so that every compiler draws them in the same order.
 */
#include "tests/core/book_driver.h"
#include "tests/core/naive_book.h"

#include "base/random.h"

#include <stdio.h>

enum {
    COMMANDS_DEFAULT = 1000000,
    COMMANDS_PER_ROUND = 10000,
    COMMANDS_PER_PHASE = 700, /* the book fills and empties */
    INSTRUMENTS = 3,
    DEPTH = 2000,
};

/* How prices behave. */
enum regime { STILL, DRIFT, JUMPS, EDGES, ANYWHERE, REGIME_COUNT };

struct world {
    struct mr_random random;
    enum regime regime;
    uint64_t ids; /* how many order ids are in use, so that many are stale or taken */
    bool filling;
    int64_t mid;
    int64_t price_min, price_max;
    uint64_t quantity_max;
    struct book_driver real;
    struct naive_book naive;
};

static uint64_t pick(struct world *world, uint64_t bound)
{
    return mr_random_below(&world->random, bound);
}

static bool chance(struct world *world, uint64_t percent)
{
    return pick(world, 100) < percent;
}

/* -- Making commands. -------------------------------------------------------------------------- */

static int64_t edge_price(struct world *world)
{
    static const int64_t edges[] = {INT64_MIN, -64, 0, 63, (INT64_C(1) << 60), INT64_MAX};
    uint64_t edge = (uint64_t)edges[pick(world, 6)];
    return (int64_t)(chance(world, 50) ? edge + pick(world, 5) : edge - pick(world, 5));
}

/* Of any magnitude. */
static int64_t any_price(struct world *world)
{
    uint64_t shift = pick(world, 64);
    return (int64_t)(mr_random_u64(&world->random) >> shift);
}

static int64_t some_price(struct world *world)
{
    int64_t distance = (int64_t)pick(world, 1 + pick(world, 40)) - 8;
    switch (world->regime) {
    case DRIFT:
        world->mid += (int64_t)pick(world, 3) - 1;
        return world->mid + (chance(world, 50) ? distance : -distance);
    case JUMPS:
        if (chance(world, 1))
            world->mid = (int64_t)pick(world, 2000000) - 1000000;
        return world->mid + (chance(world, 50) ? distance : -distance);
    case EDGES:
        return edge_price(world);
    case ANYWHERE:
        return any_price(world);
    case STILL:
    case REGIME_COUNT:
        break;
    }
    return 1000 + (chance(world, 50) ? distance : -distance);
}

static uint64_t some_quantity(struct world *world)
{
    switch (pick(world, 40)) {
    case 0:
        return 0;
    case 1:
        return world->quantity_max;
    case 2:
        return world->quantity_max + 1; /* 0 when it is the greatest there is */
    case 3:
        return world->quantity_max - pick(world, 10);
    default:
        return 1 + pick(world, 12);
    }
}

static uint64_t some_order(struct world *world)
{
    uint64_t n = pick(world, world->ids);
    switch (n % 4) {
    case 0:
        return UINT64_MAX - n / 4;
    case 1:
        return n << 40;
    default:
        return n;
    }
}

/* 1 to INSTRUMENTS are defined at once, the next ones now and then. */
static uint32_t some_instrument(struct world *world)
{
    return chance(world, 2) ? (uint32_t)pick(world, 8) : 1 + (uint32_t)pick(world, INSTRUMENTS);
}

/* A value of an enumeration of `count`, or rarely any byte. */
static uint8_t some_value(struct world *world, uint64_t count)
{
    return (uint8_t)(pick(world, 200) == 0 ? pick(world, 256) : pick(world, count));
}

static void make_define(struct world *world, struct book_command *command, uint32_t instrument)
{
    struct mr_book_instrument_define *body = &command->body.define;
    command->header.type = MR_BOOK_INSTRUMENT_DEFINE;
    *body = (struct mr_book_instrument_define){
        .symbol = {'S', (char)('0' + instrument % 10)},
        .price_min = world->price_min,
        .price_max = world->price_max,
        .quantity_max = world->quantity_max,
        .instrument = instrument,
        .price_decimals = (uint8_t)pick(world, 19),
    };
}

static void make_bad_define(struct world *world, struct book_command *command)
{
    make_define(world, command, (uint32_t)pick(world, 8));
    struct mr_book_instrument_define *body = &command->body.define;
    switch (pick(world, 6)) {
    case 0:
        body->price_min = 1;
        body->price_max = 0;
        break;
    case 1:
        body->quantity_max = 0;
        break;
    case 2:
        body->symbol[pick(world, 16)] = (char)pick(world, 256);
        break;
    case 3:
        body->quantity_decimals = 19;
        break;
    default:
        break; /* which exists, or does not fit, or is one more */
    }
}

static void make_new(struct world *world, struct book_command *command)
{
    command->header.type = MR_BOOK_ORDER_NEW;
    struct mr_book_order_new *body = &command->body.new_order;
    body->order = some_order(world);
    body->account = pick(world, 5);
    body->price = some_price(world);
    body->quantity = some_quantity(world);
    body->instrument = some_instrument(world);
    body->side = some_value(world, 2);
    if (chance(world, 5))
        body->kind = some_value(world, 2);
    if (chance(world, 30))
        body->tif = some_value(world, 3);
    body->padding[0] = some_value(world, 1);
    if (body->tif == MR_BOOK_TIF_FOK && chance(world, 50))
        body->quantity = 1 + pick(world, 60);
}

static void make_replace(struct world *world, struct book_command *command)
{
    command->header.type = MR_BOOK_ORDER_REPLACE;
    struct mr_book_order_replace *body = &command->body.replace;
    body->order = some_order(world);
    body->price = some_price(world);
    body->quantity = some_quantity(world);
    body->instrument = some_instrument(world);
    body->basis = some_value(world, 2);
    struct mr_book_order live;
    if (chance(world, 60) &&
        mr_book_order_get(world->real.book, body->instrument, body->order, &live)) {
        body->price = live.price;
        if (chance(world, 50))
            body->quantity = live.open + pick(world, 3) - 1;
    }
}

static void make_command(struct world *world, struct book_command *command)
{
    memset(command, 0, sizeof(*command));
    uint64_t dice = pick(world, 1000);
    uint64_t cancels = world->filling ? 100 : 550;
    if (dice < 3) {
        make_bad_define(world, command);
    } else if (dice < 3 + cancels) {
        command->header.type = MR_BOOK_ORDER_CANCEL;
        command->body.cancel.order = some_order(world);
        command->body.cancel.instrument = some_instrument(world);
    } else if (dice < 3 + cancels + 150) {
        make_replace(world, command);
    } else {
        make_new(world, command);
    }
}

/* -- Comparing. -------------------------------------------------------------------------------- */

static void compare_depth(const struct world *world, const struct naive_instrument *naive,
                          enum mr_book_side side)
{
    static struct mr_book_level levels[DEPTH];
    uint32_t count =
        mr_book_depth(world->real.book, naive->definition.instrument, side, levels, DEPTH);
    const struct naive_side *orders = &naive->sides[side];
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct mr_book_level sum = {.price = levels[i].price};
        for (; at < orders->count && orders->orders[at].price == sum.price; at++) {
            uint64_t total = sum.quantity + orders->orders[at].open;
            sum.quantity = total < sum.quantity ? UINT64_MAX : total;
            sum.orders++;
        }
        assert_int_equal(levels[i].quantity, sum.quantity);
        assert_int_equal(levels[i].orders, sum.orders);
        assert_true(sum.orders > 0);
    }
    assert_int_equal(at, orders->count);
    assert_int_equal(naive_side_levels(orders), count);
}

static void compare_orders(const struct world *world, const struct naive_instrument *naive,
                           enum mr_book_side side)
{
    for (uint32_t i = 0; i < naive->sides[side].count; i++) {
        const struct naive_order *order = &naive->sides[side].orders[i];
        struct mr_book_order found;
        assert_true(
            mr_book_order_get(world->real.book, naive->definition.instrument, order->id, &found));
        assert_int_equal(found.account, order->account);
        assert_int_equal(found.price, order->price);
        assert_int_equal(found.open, order->open);
        assert_int_equal(found.filled, order->filled);
        assert_int_equal(found.side, side);
    }
}

static void compare_all(const struct world *world)
{
    const struct naive_book *naive = &world->naive;
    struct mr_book_totals totals = mr_book_totals_get(world->real.book);
    assert_int_equal(totals.instruments, naive->instrument_count);
    assert_int_equal(totals.orders, naive_orders(naive));
    assert_int_equal(totals.levels, naive_levels(naive));
    for (uint32_t i = 0; i < naive->instrument_count; i++) {
        const struct naive_instrument *instrument = &naive->instruments[i];
        struct mr_book_instrument info;
        assert_true(mr_book_instrument_at(world->real.book, i, &info));
        assert_memory_equal(&info.definition, &instrument->definition, sizeof(info.definition));
        assert_int_equal(info.trades, instrument->trades);
        for (uint32_t side = 0; side < 2; side++) {
            assert_int_equal(info.orders[side], instrument->sides[side].count);
            assert_int_equal(info.levels[side], naive_side_levels(&instrument->sides[side]));
            compare_depth(world, instrument, side);
            compare_orders(world, instrument, side);
        }
    }
}

static void compare_best(struct world *world)
{
    for (uint32_t i = 0; i < world->naive.instrument_count; i++) {
        const struct naive_instrument *instrument = &world->naive.instruments[i];
        for (uint32_t side = 0; side < 2; side++) {
            int64_t price = 0;
            bool any =
                mr_book_best(world->real.book, instrument->definition.instrument, side, &price);
            assert_int_equal(any, instrument->sides[side].count > 0);
            if (any)
                assert_int_equal(price, instrument->sides[side].orders[0].price);
        }
    }
}

/* Goes on with a copy of what is in use, in other memory: nothing else may matter. */
static void move_state(struct world *world)
{
    struct book_driver *real = &world->real;
    struct mr_span spans[16];
    uint32_t count = mr_logic_book.used(real->book, &real->config, spans, 16);
    unsigned char *copy = book_memory(real->book_size);
    for (uint32_t i = 0; i < count; i++)
        memcpy(copy + spans[i].offset, (unsigned char *)real->book + spans[i].offset,
               spans[i].size);
    assert_memory_equal(copy, real->book, real->book_size); /* the rest was never touched */
    free(real->book);
    real->book = (struct mr_book *)(void *)copy;
    real->context.state = copy;
}

/* What has happened so far, so that a fuzzer that no longer reaches something is noticed. */
static struct {
    bool reason[MR_BOOK_LEVELS_FULL + 1];
    bool event[MR_BOOK_ORDER_CANCELLED + 1];
    bool cause[MR_BOOK_CANCEL_REPLACED + 1];
} seen;

static void see(const struct world *world, uint32_t reason)
{
    seen.reason[reason] = true;
    const unsigned char *at = world->real.outbox.bytes, *end = at + world->real.outbox.used;
    while (at < end) {
        const struct mr_event *event = (const void *)at;
        seen.event[event->type] = true;
        if (event->type == MR_BOOK_ORDER_CANCELLED)
            seen.cause[((const struct mr_book_order_cancelled *)mr_event_body(event))->cause] =
                true;
        at += event->length;
    }
}

static void assert_all_was_seen(void)
{
    for (uint32_t reason = MR_BOOK_UNKNOWN_INSTRUMENT; reason <= MR_BOOK_LEVELS_FULL; reason++)
        assert_true(seen.reason[reason]);
    for (uint32_t type = MR_BOOK_INSTRUMENT_DEFINED; type <= MR_BOOK_ORDER_CANCELLED; type++)
        assert_true(seen.event[type]);
    for (uint32_t cause = 0; cause <= MR_BOOK_CANCEL_REPLACED; cause++)
        assert_true(seen.cause[cause]);
}

static void step(struct world *world, struct book_command *command, uint64_t number)
{
    uint32_t reason = book_apply(&world->real, command);
    uint32_t expected = naive_apply(&world->naive, &command->header);
    assert_int_equal(reason, expected);
    assert_int_equal(world->real.outbox.used, world->naive.events_size);
    assert_memory_equal(world->real.outbox.bytes, world->naive.events, world->naive.events_size);
    see(world, reason);
    compare_best(world);
    if (number % 61 == 0)
        book_check(&world->real);
    if (number % 127 == 0)
        compare_all(world);
    if (number % 997 == 0)
        move_state(world);
}

/* -- Rounds. ----------------------------------------------------------------------------------- */

static void open_world(struct world *world, uint64_t seed)
{
    static const uint32_t orders_max[] = {1, 12, 60, 1500};
    static const uint32_t levels_max[] = {1, 7, 60, 1500};
    static const uint32_t fills_max[] = {1, 4, 1000};
    *world = (struct world){.mid = 1000};
    mr_random_init(&world->random, seed);
    world->regime = (enum regime)pick(world, REGIME_COUNT);
    struct mr_book_config config = {.orders_max = 1500, .levels_max = 1500};
    config.hash_seed = mr_random_u64(&world->random);
    config.instruments_max = INSTRUMENTS + 1;
    config.fills_max = fills_max[pick(world, 3)];
    if (chance(world, 50)) {
        config.orders_max = orders_max[pick(world, 4)];
        config.levels_max = levels_max[pick(world, 4)];
    }
    world->ids = 4 + 2 * pick(world, config.orders_max);
    world->quantity_max = chance(world, 30) ? UINT64_MAX : 10 + pick(world, 100);
    bool narrow = chance(world, 30);
    world->price_min = narrow ? 985 : INT64_MIN;
    world->price_max = narrow ? 1030 : INT64_MAX;
    book_open(&world->real, &config);
    naive_open(&world->naive, &config);
}

static void play_round(uint64_t seed, uint64_t commands)
{
    struct world world;
    struct book_command command;
    open_world(&world, seed);
    for (uint32_t i = 1; i <= INSTRUMENTS; i++) {
        memset(&command, 0, sizeof(command));
        make_define(&world, &command, i);
        step(&world, &command, 0);
    }
    for (uint64_t n = 1; n <= commands; n++) {
        if (n % COMMANDS_PER_PHASE == 1)
            world.filling = chance(&world, 60);
        make_command(&world, &command);
        step(&world, &command, n);
    }
    book_check(&world.real);
    compare_all(&world);
    naive_close(&world.naive);
    book_close(&world.real);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 0);
}

static void the_book_does_what_the_naive_one_does(void **state)
{
    (void)state;
    uint64_t seed = from_environment("MR_SEED", 1);
    uint64_t left = from_environment("MR_FUZZ_COMMANDS", COMMANDS_DEFAULT);
    bool long_enough = left >= COMMANDS_DEFAULT;
    while (left > 0) {
        uint64_t commands = left < COMMANDS_PER_ROUND ? left : COMMANDS_PER_ROUND;
        printf("MR_SEED=%llu MR_FUZZ_COMMANDS=%llu\n", (unsigned long long)seed,
               (unsigned long long)commands);
        fflush(stdout);
        play_round(seed, commands);
        left -= commands;
        seed++;
    }
    if (long_enough)
        assert_all_was_seen();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_book_does_what_the_naive_one_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
