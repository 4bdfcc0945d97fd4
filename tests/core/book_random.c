#include "tests/core/book_random_make.h"

#include <string.h>

enum { STEPS_PER_PHASE = 700 };

/* -- Worlds. ----------------------------------------------------------------------------------- */

static void choose_limits(struct book_world *world)
{
    static const uint32_t orders_max[] = {1, 12, 60, 1500};
    static const uint32_t levels_max[] = {1, 7, 60, 1500};
    static const uint32_t fills_max[] = {1, 3, 10, 1000};
    static const uint32_t groups_max[] = {1, 4, 12, 40};
    struct mr_book_config *config = &world->setting.config;
    mr_logic_book.config_default(config);
    config->hash_seed = mr_random_u64(&world->random);
    config->instruments_max = (uint32_t)world->instruments + 1;
    config->tick_tables_max = 3;
    config->fills_max = PICK(world, fills_max);
    config->orders_max = 1500;
    config->levels_max = 1500;
    config->groups_max = 5000;
    if (!is_deep(world) && chance(world, 60)) {
        config->orders_max = PICK(world, orders_max);
        config->levels_max = PICK(world, levels_max);
    }
    if (!is_deep(world) && chance(world, 25))
        config->groups_max = PICK(world, groups_max);
    world->setting.in_image = chance(world, 30);
    world->setting.timers_max = chance(world, 10) ? 0 : 1;
}

static void choose_prices(struct book_world *world)
{
    static const int64_t mids[] = {1000, 1000, 0, -70};
    world->mid = PICK(world, mids);
    bool narrow = world->regime <= STILL && chance(world, 50);
    int64_t width = world->regime == TINY ? 2 : 12;
    world->price_min = narrow ? world->mid - width : INT64_MIN;
    world->price_max = narrow ? world->mid + width : INT64_MAX;
}

void book_world_open(struct book_world *world, uint64_t seed)
{
    static const uint64_t plains[] = {0, 20, 90};
    static const uint64_t units[] = {1, 1000, 600 * SECOND};
    static const uint64_t starts[] = {0, UINT64_C(1700000000) * SECOND, UINT64_MAX / 2};
    static const uint64_t quantities[] = {UINT64_MAX, UINT64_MAX / 8};
    *world = (struct book_world){.made = 0};
    mr_random_init(&world->random, seed);
    world->regime = (enum world_regime)pick(world, REGIME_COUNT);
    if (is_deep(world) && chance(world, 50)) /* the naive book is slow there */
        world->regime = TINY;
    world->instruments = 1 + pick(world, WORLD_INSTRUMENTS);
    choose_limits(world);
    choose_prices(world);
    uint64_t ids = 2 * world->setting.config.orders_max;
    world->ids = is_deep(world) ? 3 * ids : 4 + pick(world, ids > 120 ? 120 : ids);
    world->accounts = 2 + pick(world, 4);
    world->plain = PICK(world, plains);
    world->bad = chance(world, 50) ? 30 : 3;
    bool large = chance(world, 25);
    world->quantity_max = 10 + pick(world, 100);
    if (large)
        world->quantity_max = PICK(world, quantities);
    world->time_unit = is_deep(world) ? 1 : PICK(world, units);
    world->time_ns = PICK(world, starts);
}

/* -- Steps. ------------------------------------------------------------------------------------ */

/* Anything into one of its fields. */
static void spoil(struct book_world *world, struct book_step *step)
{
    const struct mr_message *message =
        mr_catalog_command(mr_logic_book.catalog, step->request.any.type);
    const struct mr_field *field = &message->fields[pick(world, message->field_count)];
    unsigned char *bytes = (unsigned char *)&step->request + field->offset;
    size_t size = field->size;
    if (field->offset + size == sizeof(step->request))
        size--; /* where the type stands */
    uint64_t dice = pick(world, 6);
    uint64_t at = pick(world, size);
    uint64_t noise = mr_random_u64(&world->random);
    if (dice == 0)
        memset(bytes, 0, size);
    else if (dice == 1)
        memset(bytes, 0xff, size);
    else if (dice == 2)
        bytes[at] = (unsigned char)noise;
    else if (dice == 3)
        bytes[0]++;
    else if (dice == 4)
        bytes[0] = (unsigned char)(noise % 8);
    else
        memcpy(bytes, &noise, size < sizeof(noise) ? size : sizeof(noise));
}

static void pass_time(struct book_world *world)
{
    uint64_t dice = pick(world, 1000);
    uint64_t some = pick(world, 4);
    if (dice < 300)
        world->time_ns += some * world->time_unit;
    else if (dice < 303 && (!is_deep(world) || chance(world, 15)))
        world->time_ns += (1 + some) * QUARTER_DAY;
}

static void choose_sender(struct book_world *world, struct book_step *step)
{
    uint64_t sender = chance(world, 25) ? PAIR_OPERATOR : 1 + pick(world, PAIR_SESSIONS);
    bool nobody = chance(world, 15);
    step->time_ns = world->time_ns;
    step->session = nobody && !world->setting.in_image ? 0 : sender;
    step->role = MR_ROLE_USER;
    if (step->session == 0)
        step->role = MR_ROLE_SYSTEM;
    else if (step->session == PAIR_OPERATOR)
        step->role = MR_ROLE_OPERATOR;
}

/* What every world begins with: instruments, tick tables, accounts. */
static bool make_first(struct book_world *world, const struct naive_book *naive,
                       struct book_step *step)
{
    enum { BANDS = 8, UPDATES = 4, ACCOUNTS = 3 };
    uint64_t n = world->made - 1;
    if (n < BANDS) {
        random_make_band(world, naive, step);
    } else if (n < BANDS + world->instruments) {
        random_make_define(world, step, (uint32_t)(n - BANDS) + 1);
    } else if (n < BANDS + world->instruments + UPDATES) {
        random_make_update(world, naive, step);
    } else if (n < BANDS + world->instruments + UPDATES + ACCOUNTS) {
        step->request.any.type = MR_BOOK_ACCOUNT_DEFINE;
        step->request.account_define.account = 1 + pick(world, world->accounts);
        step->request.account_define.stp = (uint8_t)pick(world, 6);
    } else {
        return false;
    }
    return true;
}

/* Of ten thousand steps, how many are what; the others are new orders. */
struct mix {
    uint64_t bands, defines, updates, phases, accounts, sweeps, cancels, replaces;
};

static const struct mix usual = {80, 40, 80, 60, 80, 40, 4600, 1800};
static const struct mix filling = {80, 40, 80, 60, 80, 40, 800, 1800};
/* Rarely anything that leaves the book with less. */
static const struct mix deep = {10, 10, 20, 4, 20, 6, 100, 800};

static bool falls(uint64_t *dice, uint64_t share)
{
    bool within = *dice < share;
    *dice -= share; /* which may wrap: then it was within */
    return within;
}

static void make_any(struct book_world *world, const struct naive_book *naive,
                     struct book_step *step)
{
    const struct mix *mix = world->filling ? &filling : &usual;
    if (is_deep(world))
        mix = &deep;
    uint64_t dice = pick(world, 10000);
    if (random_make_open(world, naive, step))
        return;
    if (falls(&dice, mix->bands))
        random_make_band(world, naive, step);
    else if (falls(&dice, mix->defines))
        random_make_bad_define(world, step);
    else if (falls(&dice, mix->updates))
        random_make_update(world, naive, step);
    else if (falls(&dice, mix->phases))
        random_make_phase(world, step);
    else if (falls(&dice, mix->accounts))
        random_make_account(world, step);
    else if (falls(&dice, mix->sweeps))
        random_make_orders_cancel(world, step);
    else if (falls(&dice, naive_orders(naive) > 0 ? mix->cancels : mix->cancels / 8))
        random_make_cancel(world, naive, step);
    else if (falls(&dice, naive_orders(naive) > 0 ? mix->replaces : mix->replaces / 8))
        random_make_replace(world, naive, step);
    else
        random_make_new(world, naive, step);
}

static bool is_for_operators(uint8_t type)
{
    return type != MR_BOOK_ORDER_NEW && type != MR_BOOK_ORDER_CANCEL &&
           type != MR_BOOK_ORDER_REPLACE && type != MR_BOOK_ORDERS_CANCEL;
}

void book_world_step(struct book_world *world, const struct naive_book *naive,
                     struct book_step *step)
{
    memset(step, 0, sizeof(*step));
    if (world->made++ % STEPS_PER_PHASE == 0)
        world->filling = chance(world, 60);
    pass_time(world);
    choose_sender(world, step);
    if (!make_first(world, naive, step)) {
        make_any(world, naive, step);
        if (pick(world, 1000) < world->bad)
            spoil(world, step);
    }
    if (world->setting.in_image && is_for_operators(step->request.any.type)) {
        step->session = PAIR_OPERATOR;
        step->role = MR_ROLE_OPERATOR;
    }
}
