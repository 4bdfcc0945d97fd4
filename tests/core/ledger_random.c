#include "tests/core/ledger_random_make.h"

#include <string.h>

/* -- Worlds. ----------------------------------------------------------------------------------- */

static void choose_limits(struct ledger_world *world)
{
    static const uint32_t transfers_max[] = {1, 16, 16, 20, 32, 64, 64, 400};
    static const uint32_t free_max[] = {64, 400, 600};
    static const uint32_t pending_max[] = {2, 6, 30, 200, 200};
    static const uint32_t history_max[] = {1, 16, 60, 400};
    static const uint32_t ahead_ms[] = {0, 5, 5, 1000, UINT32_MAX};
    struct mr_ledger_config *config = &world->setting.config;
    mr_logic_ledger.config_default(config);
    config->hash_seed = mr_random_u64(&world->random);
    config->transfers_max = PICK(world, transfers_max);
    config->pending_max = PICK(world, pending_max);
    config->history_max = PICK(world, history_max);
    config->id_ahead_ms = PICK(world, ahead_ms);
    config->accounts_max = (uint32_t)world->accounts;
    if (chance(world, 20) && config->accounts_max > 3)
        config->accounts_max -= 2;
    config->ledgers_max = (uint32_t)world->ledgers + 1;
    if (chance(world, 20))
        config->ledgers_max = 1;
    uint32_t all = PICK(world, free_max);
    if (chance(world, 12)) {
        config->id_scheme = MR_LEDGER_IDS_FREE;
        config->transfers_max = all;
    }
    world->setting.in_image = chance(world, 50);
    uint32_t left = 1 + (uint32_t)pick(world, 300);
    if (chance(world, 15))
        world->setting.before_wrap = left;
}

/* A window in which lists have to stop and go on although they have found little. */
static void begin_long(struct ledger_world *world, uint32_t more)
{
    world->prelude = MR_LEDGER_SCAN_MAX + more;
    world->setting.config.transfers_max = world->prelude - 300;
    world->setting.config.id_scheme = MR_LEDGER_IDS_TIME_ORDERED;
    world->setting.config.accounts_max = (uint32_t)world->accounts;
    world->bad = 6;
}

void ledger_world_open(struct ledger_world *world, uint64_t seed)
{
    static const uint64_t units[] = {1, 1000000, WORLD_SECOND / 10};
    static const uint64_t days[] = {0, 20000, 20000, 20000, 20000, 20000, 70000, 106752};
    static const uint64_t larges[] = {0, 1, 40};
    static const uint64_t lones[] = {10, 50, 90};
    memset(world, 0, sizeof(*world));
    mr_random_init(&world->random, seed);
    bool many = chance(world, 10);
    world->accounts = 2 + pick(world, many ? 80 : 14);
    world->ledgers = 1 + pick(world, 2);
    world->bad = chance(world, 50) ? 60 : 6;
    world->large = PICK(world, larges);
    world->lone = PICK(world, lones);
    world->time_unit = PICK(world, units);
    world->time_ns = PICK(world, days) * 24 * 3600 * WORLD_SECOND;
    choose_limits(world);
    uint64_t more = pick(world, 2000);
    if (chance(world, 2))
        begin_long(world, (uint32_t)more);
    world->colliding = chance(world, 15);
}

uint64_t ledger_world_commands(const struct ledger_world *world, uint64_t usual)
{
    return usual + world->prelude;
}

/* -- Batches. ---------------------------------------------------------------------------------- */

static void pass_time(struct ledger_world *world)
{
    uint64_t dice = pick(world, 1000);
    uint64_t some = pick(world, 4);
    if (dice < 400)
        world->time_ns += some * world->time_unit;
    else if (dice < 500)
        world->time_ns += some * 1000000 + 1;
    else if (dice < 515)
        world->time_ns += WORLD_SECOND + some - 2;
    else if (dice < 518)
        world->time_ns += (1 + some) * 60 * WORLD_SECOND;
}

static uint32_t choose_size(struct ledger_world *world)
{
    uint64_t dice = pick(world, 100);
    uint64_t few = 2 + pick(world, 7), many = 2 + pick(world, 50);
    uint64_t most = 2 + pick(world, WORLD_BATCH_MAX - 1);
    if (chance(world, world->lone))
        return 1;
    if (dice < 70)
        return (uint32_t)few;
    return (uint32_t)(dice < 98 ? many : most);
}

/* A step of the image's own, or one that it refuses. */
static void choose_sender(struct ledger_world *world, struct ledger_step *step, uint8_t session)
{
    uint64_t odd = 1 + pick(world, LEDGER_ODDITY_COUNT - 1);
    uint64_t other = pick(world, LEDGER_SESSIONS + 1);
    step->session = chance(world, 97) ? session : (uint8_t)other;
    if (!world->setting.in_image)
        step->session = 1;
    else if (chance(world, 3) && step->session != 0)
        step->odd = (uint8_t)odd;
}

static bool is_linked(struct ledger_world *world, uint64_t links)
{
    return pick(world, 100) < links;
}

static void link_with_next(struct ledger_step *step)
{
    if (step->type == MR_LEDGER_ACCOUNT_CREATE)
        step->account.flags |= MR_LEDGER_ACCOUNT_LINKED;
    else
        step->transfer.flags |= MR_LEDGER_LINKED;
}

/* What a batch is like. */
struct mood {
    uint64_t accounts, imports, links; /* of a hundred steps */
    uint64_t bad;                      /* of a thousand */
    uint8_t session;
    bool open;        /* it ends within a chain */
    uint64_t back_ns; /* how far its time lies behind that of others */
};

static struct mood choose_mood(struct ledger_world *world, const struct naive_ledger *naive)
{
    static const uint64_t links[] = {5, 50, 90, 100};
    struct mood mood = {.bad = world->bad};
    uint64_t link = PICK(world, links);
    mood.session = (uint8_t)(1 + pick(world, LEDGER_SESSIONS));
    mood.accounts = chance(world, 85) ? 1 : 40;
    if (naive->now.account_count < world->accounts / 2 || chance(world, 1))
        mood.accounts = 100;
    /* Before an account has had a transfer, one that is older than it can be imported. */
    bool fresh = naive->now.account_time > naive->now.transfer_time;
    if (chance(world, fresh ? 25 : 8))
        mood.imports = chance(world, 80) ? 100 : 80;
    if (chance(world, 25)) {
        mood.links = link;
        mood.bad /= 4; /* lest every chain fails */
    }
    mood.open = chance(world, 3);
    uint64_t back_ns = pick(world, 2 * WORLD_SECOND);
    if (!world->setting.in_image && chance(world, 3) && back_ns < world->time_ns)
        mood.back_ns = back_ns;
    return mood;
}

static void make_step(struct ledger_world *world, const struct naive_ledger *naive,
                      const struct mood *mood, struct ledger_step *step)
{
    memset(step, 0, sizeof(*step));
    step->time_ns = world->time_ns - mood->back_ns;
    if (chance(world, mood->accounts))
        random_make_account(world, naive, step);
    else
        random_make_transfer(world, naive, step);
    if (chance(world, mood->imports))
        random_import(world, naive, step);
    if (pick(world, 1000) < mood->bad)
        random_spoil(world, step);
    choose_sender(world, step, mood->session);
}

/* Plain transfers, most of which are created. */
static uint32_t make_prelude(struct ledger_world *world, const struct naive_ledger *naive,
                             struct ledger_step *steps)
{
    uint32_t count = world->prelude < WORLD_BATCH_MAX ? world->prelude : WORLD_BATCH_MAX;
    world->prelude -= count;
    world->time_ns += WORLD_SECOND / 1000;
    for (uint32_t i = 0; i < count; i++) {
        memset(&steps[i], 0, sizeof(steps[i]));
        steps[i].time_ns = world->time_ns;
        steps[i].session = 1;
        steps[i].more = i + 1 < count;
        random_make_plain(world, naive, &steps[i]);
    }
    return count;
}

uint32_t ledger_world_batch(struct ledger_world *world, const struct naive_ledger *naive,
                            struct ledger_step *steps)
{
    if (world->prelude > 0 && naive->now.account_count >= 2)
        return make_prelude(world, naive, steps);
    uint32_t count = choose_size(world);
    pass_time(world);
    if (chance(world, 1))
        world->rushing = !world->rushing;
    struct mood mood = choose_mood(world, naive);
    for (uint32_t i = 0; i < count; i++) {
        make_step(world, naive, &mood, &steps[i]);
        if (i + 1 < count ? is_linked(world, mood.links) : mood.open)
            link_with_next(&steps[i]);
        steps[i].more = i + 1 < count;
        if (world->setting.in_image && chance(world, 1))
            pass_time(world); /* the input's clock may tick within a batch */
    }
    return count;
}
