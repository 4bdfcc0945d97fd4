#include "tests/core/book_random_make.h"

/* -- Values. ----------------------------------------------------------------------------------- */

static int64_t edge_price(struct book_world *world)
{
    static const int64_t edges[] = {INT64_MIN, -64, 0, 63, (INT64_C(1) << 60), INT64_MAX};
    uint64_t edge = (uint64_t)PICK(world, edges);
    uint64_t distance = pick(world, 5);
    return (int64_t)(chance(world, 50) ? edge + distance : edge - distance);
}

static int64_t raw_price(struct book_world *world, uint8_t side)
{
    uint64_t reach = 1 + pick(world, 40);
    int64_t distance = (int64_t)pick(world, reach) - 8;
    switch (world->regime) {
    case TINY:
        return world->mid + (int64_t)pick(world, 7) - 3;
    case DRIFT:
        world->mid += (int64_t)pick(world, 3) - 1;
        break;
    case JUMPS:
        if (chance(world, 1))
            world->mid = (int64_t)pick(world, 2000000) - 1000000;
        break;
    case EDGES:
        return edge_price(world);
    case ANYWHERE:
        reach = pick(world, 64);
        return (int64_t)(mr_random_u64(&world->random) >> reach);
    case DEEP:
        distance = 20 - (int64_t)pick(world, 22); /* it rarely meets anybody */
        break;
    case WIDE:
        reach = 2 + pick(world, 61);
        distance = (int64_t)(mr_random_u64(&world->random) >> reach);
        break;
    case STILL:
    case REGIME_COUNT:
        break;
    }
    return side == MR_BOOK_SIDE_BUY ? world->mid - distance : world->mid + distance;
}

/* Mostly one that is allowed. */
static int64_t some_price(struct book_world *world, const struct naive_book *naive,
                          const struct naive_instrument *instrument, uint8_t side)
{
    int64_t price = raw_price(world, side);
    bool as_it_is = chance(world, 5);
    if (instrument == NULL || as_it_is || naive_on_tick(naive, instrument, price))
        return price;
    int64_t allowed;
    return naive_short_of(naive, instrument, side, price, &allowed) ? allowed : price;
}

static uint64_t some_quantity(struct book_world *world, const struct naive_instrument *instrument)
{
    uint64_t lot =
        instrument == NULL || instrument->definition.lot == 0 ? 1 : instrument->definition.lot;
    uint64_t quantity = (1 + pick(world, 12)) * lot;
    switch (pick(world, 60)) {
    case 0:
        return 0;
    case 1:
        return world->quantity_max / lot * lot;
    case 2:
        return world->quantity_max + 1; /* 0 when it is the greatest there is */
    case 3:
        return world->quantity_max - pick(world, 10);
    case 4:
        return quantity + 1;
    default:
        return quantity;
    }
}

static uint64_t some_order(struct book_world *world)
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

/* The first ones are defined at once, the next ones now and then. */
static uint32_t some_instrument(struct book_world *world)
{
    uint64_t bound = chance(world, 1) ? WORLD_INSTRUMENTS + 4 : world->instruments;
    return (uint32_t)pick(world, bound) + 1;
}

static uint64_t some_account(struct book_world *world)
{
    return pick(world, world->accounts);
}

/* A live order, NULL: none was found. */
static const struct naive_order *some_live(struct book_world *world, const struct naive_book *naive,
                                           const struct naive_instrument **instrument)
{
    if (naive->instrument_count == 0)
        return NULL;
    for (uint32_t i = 0; i < 6; i++) {
        *instrument = &naive->instruments[pick(world, naive->instrument_count)];
        const struct naive_side *side = &(*instrument)->sides[pick(world, 2)];
        if (side->count > 0)
            return &side->orders[pick(world, side->count)];
    }
    return NULL;
}

/* -- Orders. ----------------------------------------------------------------------------------- */

static uint8_t some_tif(struct book_world *world)
{
    static const uint8_t tifs[] = {MR_BOOK_TIF_GTC, MR_BOOK_TIF_GTC, MR_BOOK_TIF_GTC,
                                   MR_BOOK_TIF_IOC, MR_BOOK_TIF_FOK, MR_BOOK_TIF_DAY,
                                   MR_BOOK_TIF_GTD, MR_BOOK_TIF_GTD};
    return PICK(world, tifs);
}

static uint64_t some_expiry(struct book_world *world, uint8_t tif)
{
    uint64_t ahead = (1 + pick(world, 30)) * world->time_unit;
    if (is_deep(world)) /* many at one time */
        ahead = QUARTER_DAY - world->time_ns % QUARTER_DAY;
    if (tif == MR_BOOK_TIF_GTD)
        return pick(world, 100) == 0 ? world->time_ns : world->time_ns + ahead;
    return pick(world, 300) == 0 ? ahead : 0;
}

static void make_plain(struct book_world *world, struct mr_book_order_new *body)
{
    static const uint8_t tifs[] = {MR_BOOK_TIF_GTC, MR_BOOK_TIF_GTC, MR_BOOK_TIF_GTC,
                                   MR_BOOK_TIF_IOC, MR_BOOK_TIF_FOK};
    body->tif = PICK(world, tifs);
}

static void make_fancy(struct book_world *world, const struct naive_instrument *instrument,
                       struct mr_book_order_new *body)
{
    body->account = some_account(world);
    body->tif = some_tif(world);
    body->stp = chance(world, 60) ? (uint8_t)pick(world, 6) : 0;
    bool rests = body->tif != MR_BOOK_TIF_IOC && body->tif != MR_BOOK_TIF_FOK;
    if (!rests && chance(world, 40))
        body->kind = MR_BOOK_KIND_MARKET;
    if (chance(world, 20))
        body->post = (uint8_t)(1 + pick(world, 2));
    if (body->post != 0 && !rests && chance(world, 90))
        body->post = 0;
    if (chance(world, 12))
        body->min_quantity = some_quantity(world, instrument);
    if (body->min_quantity > body->quantity && chance(world, 80))
        body->min_quantity = body->quantity;
    if (body->post != 0 && chance(world, 90))
        body->min_quantity = 0;
    body->expires_ns = some_expiry(world, body->tif);
}

void random_make_new(struct book_world *world, const struct naive_book *naive,
                     struct book_step *step)
{
    struct mr_book_order_new *body = &step->request.order_new;
    step->request.any.type = MR_BOOK_ORDER_NEW;
    body->instrument = some_instrument(world);
    const struct naive_instrument *instrument = naive_instrument(naive, body->instrument);
    body->order = some_order(world);
    body->side = (uint8_t)pick(world, 2);
    body->price = some_price(world, naive, instrument, body->side);
    body->quantity = some_quantity(world, instrument);
    if (chance(world, world->plain)) {
        make_plain(world, body);
        if (!world->setting.in_image) {
            step->session = 0;
            step->role = MR_ROLE_SYSTEM;
        }
    } else {
        make_fancy(world, instrument, body);
    }
    if (body->tif == MR_BOOK_TIF_FOK && chance(world, 20))
        body->quantity *= 1 + pick(world, 5);
}

/* Mostly, who touches an order is who entered it. */
static void choose_owner(struct book_world *world, struct book_step *step,
                         const struct naive_order *live)
{
    if (chance(world, 40) || (live->session == 0 && world->setting.in_image))
        return;
    step->session = live->session;
    step->role = MR_ROLE_USER;
    if (live->session == 0)
        step->role = MR_ROLE_SYSTEM;
    else if (live->session == PAIR_OPERATOR)
        step->role = MR_ROLE_OPERATOR;
}

void random_make_cancel(struct book_world *world, const struct naive_book *naive,
                        struct book_step *step)
{
    struct mr_book_order_cancel *body = &step->request.order_cancel;
    const struct naive_instrument *instrument;
    step->request.any.type = MR_BOOK_ORDER_CANCEL;
    body->order = some_order(world);
    body->instrument = some_instrument(world);
    body->account = some_account(world);
    const struct naive_order *live = some_live(world, naive, &instrument);
    if (live == NULL || chance(world, 10))
        return;
    body->order = live->id;
    body->instrument = instrument->definition.instrument;
    if (chance(world, 85))
        body->account = live->account;
    choose_owner(world, step, live);
}

static void make_replace_live(struct book_world *world, struct mr_book_order_replace *body,
                              const struct naive_order *live)
{
    body->order = live->id;
    if (chance(world, 85))
        body->account = live->account;
    if (chance(world, 45))
        body->price = live->price;
    uint64_t dice = pick(world, 100);
    if (dice < 20)
        body->quantity = live->open;
    else if (dice < 35)
        body->quantity = live->open + pick(world, 3) - 1;
    else if (dice < 50)
        body->quantity = live->filled + pick(world, 3) - 1;
    else if (dice < 60)
        body->quantity = live->filled + live->open;
}

void random_make_replace(struct book_world *world, const struct naive_book *naive,
                         struct book_step *step)
{
    struct mr_book_order_replace *body = &step->request.order_replace;
    const struct naive_instrument *instrument = NULL;
    step->request.any.type = MR_BOOK_ORDER_REPLACE;
    const struct naive_order *live = some_live(world, naive, &instrument);
    if (live != NULL && chance(world, 85)) {
        body->instrument = instrument->definition.instrument;
    } else {
        live = NULL;
        body->instrument = some_instrument(world);
        instrument = naive_instrument(naive, body->instrument);
    }
    uint8_t side = live == NULL ? 0 : live->side;
    body->order = some_order(world);
    body->account = some_account(world);
    body->price = some_price(world, naive, instrument, side);
    body->quantity = some_quantity(world, instrument);
    body->basis = (uint8_t)pick(world, 2);
    body->renumber = chance(world, 25);
    if (chance(world, 40))
        body->new_order = some_order(world);
    if (live != NULL) {
        make_replace_live(world, body, live);
        choose_owner(world, step, live);
    }
    if (body->renumber && chance(world, 10))
        body->new_order = body->order;
}

/* -- Setting up. ------------------------------------------------------------------------------- */

void random_make_define(struct book_world *world, struct book_step *step, uint32_t instrument)
{
    static const uint32_t ticks[] = {1, 2, 5, 7, UINT32_MAX};
    static const uint64_t lots[] = {1, 2, 10};
    struct mr_book_instrument_define *body = &step->request.instrument_define;
    step->request.any.type = MR_BOOK_INSTRUMENT_DEFINE;
    body->symbol[0] = 'S';
    body->symbol[1] = (char)('0' + instrument % 10);
    body->price_min = world->price_min;
    body->price_max = world->price_max;
    body->quantity_max = world->quantity_max;
    body->instrument = instrument;
    body->price_decimals = (uint8_t)pick(world, 19);
    if (chance(world, 25))
        body->tick = PICK(world, ticks);
    else if (chance(world, 40))
        body->tick_table = (uint16_t)(1 + pick(world, 2)); /* the third may grow */
    if (chance(world, 35))
        body->lot = PICK(world, lots);
    if (chance(world, 5))
        body->phase = (uint8_t)pick(world, 3);
}

/* What is wrong with it is not the same as with others. */
void random_make_bad_define(struct book_world *world, struct book_step *step)
{
    struct mr_book_instrument_define *body = &step->request.instrument_define;
    random_make_define(world, step, (uint32_t)(1 + pick(world, WORLD_INSTRUMENTS + 4)));
    uint64_t at = pick(world, 16);
    switch (pick(world, 10)) {
    case 0:
        body->price_min = 1;
        body->price_max = 0;
        break;
    case 1:
        body->quantity_max = body->lot - 1;
        break;
    case 2:
        body->symbol[at] = (char)pick(world, 256);
        break;
    case 3:
        body->quantity_decimals = 19;
        break;
    case 4:
        body->tick = 1;
        break;
    case 5:
        body->tick_table = (uint16_t)pick(world, 6);
        break;
    case 6:
        body->phase = 3;
        break;
    case 7:
        body->instrument = 0;
        break;
    default:
        break; /* which exists, or does not fit, or is one more */
    }
}

void random_make_band(struct book_world *world, const struct naive_book *naive,
                      struct book_step *step)
{
    static const uint32_t ticks[] = {1, 1, 2, 3, 5, 10};
    struct mr_book_tick_band_add *body = &step->request.tick_band_add;
    step->request.any.type = MR_BOOK_TICK_BAND_ADD;
    body->tick = PICK(world, ticks);
    body->tick_table = (uint16_t)(1 + pick(world, 3));
    if (chance(world, 30))
        body->tick_table = 3;
    const struct naive_table *table = &naive->tables[body->tick_table - 1];
    body->from = table->count == 0 ? world->mid - (int64_t)pick(world, 20)
                                   : table->bands[table->count - 1].from + (int64_t)pick(world, 9);
}

void random_make_update(struct book_world *world, const struct naive_book *naive,
                        struct book_step *step)
{
    struct mr_book_instrument_update *body = &step->request.instrument_update;
    step->request.any.type = MR_BOOK_INSTRUMENT_UPDATE;
    body->instrument = some_instrument(world);
    body->reference = raw_price(world, 0);
    const struct naive_instrument *instrument = naive_instrument(naive, body->instrument);
    if (chance(world, 40) && instrument != NULL) /* then the last price stays what counts */
        body->reference = instrument->update.reference;
    if (chance(world, 60))
        body->collar = 1 + pick(world, 10);
    if (chance(world, 5))
        body->collar = UINT64_MAX - pick(world, 3);
    if (chance(world, 50))
        body->day_end = (uint32_t)pick(world, 86401);
    body->top = chance(world, 70);
}

void random_make_phase(struct book_world *world, struct book_step *step)
{
    struct mr_book_phase_set *body = &step->request.phase_set;
    step->request.any.type = MR_BOOK_PHASE_SET;
    body->instrument = some_instrument(world);
    body->phase = (uint8_t)pick(world, 3);
}

/* Opens one that is halted or closed; false: there is none. */
bool random_make_open(struct book_world *world, const struct naive_book *naive,
                      struct book_step *step)
{
    for (uint32_t i = 0; i < naive->instrument_count; i++) {
        const struct mr_book_instrument_define *definition = &naive->instruments[i].definition;
        if (definition->phase == MR_BOOK_PHASE_CONTINUOUS || chance(world, 92))
            continue;
        step->request.any.type = MR_BOOK_PHASE_SET;
        step->request.phase_set.instrument = definition->instrument;
        return true;
    }
    return false;
}

void random_make_account(struct book_world *world, struct book_step *step)
{
    uint64_t account = some_account(world);
    uint64_t dice = pick(world, 10);
    if (dice < 3) {
        step->request.any.type = MR_BOOK_ACCOUNT_DEFINE;
        step->request.account_define.account = account;
        step->request.account_define.stp = (uint8_t)pick(world, 6);
    } else if (dice < 4) {
        step->request.any.type = MR_BOOK_ACCOUNT_BLOCK;
        step->request.account_block.account = account;
    } else {
        step->request.any.type = MR_BOOK_ACCOUNT_UNBLOCK;
        step->request.account_unblock.account = account;
    }
}

void random_make_orders_cancel(struct book_world *world, struct book_step *step)
{
    struct mr_book_orders_cancel *body = &step->request.orders_cancel;
    step->request.any.type = MR_BOOK_ORDERS_CANCEL;
    if (chance(world, 40))
        body->account = some_account(world);
    if (chance(world, 30))
        body->of_session = chance(world, 50) ? step->session : pick(world, PAIR_SESSIONS + 2);
    if (chance(world, 40))
        body->instrument = some_instrument(world);
    if (chance(world, 30))
        body->side = (uint8_t)pick(world, 3);
}
