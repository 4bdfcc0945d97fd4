/* The naive book: instruments, ticks, accounts, and what is cancelled many at a time. */
#include "tests/core/naive_book.h"

#include <stdlib.h>
#include <string.h>

/* -- Ticks. ------------------------------------------------------------------------------------ */

/* Prices between two others, both included, are multiples of a tick. */
struct stretch {
    int64_t from, to;
    int64_t tick;
};

/* All prices, in rising stretches; returns how many. */
static uint32_t stretches_of(const struct naive_book *book,
                             const struct naive_instrument *instrument,
                             struct stretch out[MR_BOOK_TICK_BANDS_MAX])
{
    const struct mr_book_instrument_define *definition = &instrument->definition;
    if (definition->tick_table == 0) {
        out[0] = (struct stretch){INT64_MIN, INT64_MAX,
                                  definition->tick == 0 ? 1 : (int64_t)definition->tick};
        return 1;
    }
    const struct naive_table *table = &book->tables[definition->tick_table - 1];
    for (uint32_t i = 0; i < table->count; i++) {
        out[i].from = i == 0 ? INT64_MIN : table->bands[i].from;
        out[i].to = i + 1 == table->count ? INT64_MAX : table->bands[i + 1].from - 1;
        out[i].tick = (int64_t)table->bands[i].tick;
    }
    return table->count;
}

bool naive_on_tick(const struct naive_book *book, const struct naive_instrument *instrument,
                   int64_t price)
{
    struct stretch stretches[MR_BOOK_TICK_BANDS_MAX];
    uint32_t count = stretches_of(book, instrument, stretches);
    for (uint32_t i = 0; i < count; i++) {
        if (price >= stretches[i].from && price <= stretches[i].to)
            return price % stretches[i].tick == 0;
    }
    abort(); /* every price lies in one of them */
}

/* The greatest multiple from `from` to `to` (which may lie below), or the least; false: none. */
static bool multiple_within(int64_t from, int64_t to, int64_t tick, bool greatest, int64_t *out)
{
    if (from > to)
        return false;
    int64_t beyond; /* how far the limit is above (below) the multiple */
    if (greatest) {
        beyond = to % tick < 0 ? to % tick + tick : to % tick;
        if ((uint64_t)to - (uint64_t)from < (uint64_t)beyond)
            return false;
        *out = to - beyond;
    } else {
        beyond = from % tick > 0 ? tick - from % tick : -(from % tick);
        if ((uint64_t)to - (uint64_t)from < (uint64_t)beyond)
            return false;
        *out = from + beyond;
    }
    return true;
}

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t greater(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

bool naive_short_of(const struct naive_book *book, const struct naive_instrument *instrument,
                    uint8_t side, int64_t price, int64_t *out)
{
    const struct mr_book_instrument_define *definition = &instrument->definition;
    struct stretch stretches[MR_BOOK_TICK_BANDS_MAX];
    uint32_t count = stretches_of(book, instrument, stretches);
    bool buys = side == MR_BOOK_SIDE_BUY;
    if (price == (buys ? INT64_MIN : INT64_MAX))
        return false;
    int64_t least = buys ? definition->price_min : greater(definition->price_min, price + 1);
    int64_t most = buys ? lesser(definition->price_max, price - 1) : definition->price_max;
    for (uint32_t i = 0; i < count; i++) {
        const struct stretch *stretch = &stretches[buys ? count - 1 - i : i];
        if (multiple_within(greater(least, stretch->from), lesser(most, stretch->to), stretch->tick,
                            buys, out))
            return true;
    }
    return false;
}

static uint32_t band_flaw(const struct naive_book *book,
                          const struct mr_book_tick_band_add *command)
{
    uint16_t number = command->tick_table;
    bool known = number >= 1 && number <= book->config.tick_tables_max;
    const struct naive_table *table = known ? &book->tables[number - 1] : NULL;
    if (command->tick == 0)
        return MR_BOOK_BAD_TICK;
    if (known && table->count > 0 && command->from <= table->bands[table->count - 1].from)
        return MR_BOOK_BAD_TICK;
    if (!known)
        return MR_BOOK_UNKNOWN_TICK_TABLE;
    for (uint32_t i = 0; i < book->instrument_count; i++) {
        if (book->instruments[i].definition.tick_table == number)
            return MR_BOOK_TICK_TABLE_IN_USE;
    }
    return table->count == MR_BOOK_TICK_BANDS_MAX ? MR_BOOK_TICK_TABLE_FULL : 0;
}

uint32_t naive_band(struct naive_book *book, const struct mr_book_tick_band_add *command)
{
    uint32_t flaw = band_flaw(book, command);
    if (flaw != 0)
        return naive_setup_rejected(book, NULL, MR_BOOK_ACTION_TICK_BAND_ADD, command->tick_table,
                                    flaw);
    struct naive_table *table = &book->tables[command->tick_table - 1];
    table->bands[table->count++] = *command;
    union mr_book_report *report = naive_report(book, NULL, MR_BOOK_TICK_BAND_ADDED);
    report->tick_band_added.from = command->from;
    report->tick_band_added.tick = command->tick;
    report->tick_band_added.tick_table = command->tick_table;
    return 0;
}

/* -- Instruments. ------------------------------------------------------------------------------ */

static bool symbol_is_good(const char symbol[16])
{
    size_t length = 0;
    while (length < 16 && symbol[length] != 0)
        length++;
    for (size_t i = 0; i < 16; i++) {
        if (i < length ? symbol[i] <= ' ' || symbol[i] > '~' : symbol[i] != 0)
            return false;
    }
    return length > 0;
}

static uint32_t define_flaw(const struct naive_book *book,
                            const struct mr_book_instrument_define *command)
{
    if (command->phase > MR_BOOK_PHASE_CLOSED)
        return MR_BOOK_BAD_PHASE;
    if (!symbol_is_good(command->symbol))
        return MR_BOOK_BAD_SYMBOL;
    uint64_t lot = command->lot == 0 ? 1 : command->lot;
    if (command->price_min > command->price_max || command->quantity_max < lot)
        return MR_BOOK_BAD_RANGE;
    if (command->price_decimals > 18 || command->quantity_decimals > 18)
        return MR_BOOK_BAD_DECIMALS;
    if (command->tick != 0 && command->tick_table != 0)
        return MR_BOOK_BAD_TICK;
    if (command->instrument == 0)
        return MR_BOOK_BAD_INSTRUMENT;
    if (naive_instrument(book, command->instrument) != NULL)
        return MR_BOOK_INSTRUMENT_EXISTS;
    if (book->instrument_count == book->config.instruments_max)
        return MR_BOOK_INSTRUMENTS_FULL;
    bool has_table =
        command->tick_table == 0 || (command->tick_table <= book->config.tick_tables_max &&
                                     book->tables[command->tick_table - 1].count > 0);
    return has_table ? 0 : MR_BOOK_UNKNOWN_TICK_TABLE;
}

uint32_t naive_define(struct naive_book *book, const struct mr_book_instrument_define *command)
{
    uint32_t flaw = define_flaw(book, command);
    if (flaw != 0)
        return naive_setup_rejected(book, naive_instrument(book, command->instrument),
                                    MR_BOOK_ACTION_INSTRUMENT_DEFINE, command->instrument, flaw);
    struct naive_instrument *instrument = &book->instruments[book->instrument_count++];
    instrument->definition = *command;
    memset(instrument->definition.padding, 0, sizeof(instrument->definition.padding));
    instrument->update.instrument = command->instrument;
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_INSTRUMENT_DEFINED);
    memcpy(report, &instrument->definition, sizeof(instrument->definition));
    report->any.type = MR_BOOK_INSTRUMENT_DEFINED; /* which lies in the padding */
    return 0;
}

uint32_t naive_update(struct naive_book *book, const struct mr_book_instrument_update *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    uint32_t flaw = 0;
    if (instrument == NULL)
        flaw = MR_BOOK_UNKNOWN_INSTRUMENT;
    else if (command->top > MR_BOOK_SWITCH_YES)
        flaw = MR_BOOK_BAD_SWITCH;
    else if (command->day_end >= 86400)
        flaw = MR_BOOK_BAD_TIME_OF_DAY;
    if (flaw != 0)
        return naive_setup_rejected(book, instrument, MR_BOOK_ACTION_INSTRUMENT_UPDATE,
                                    command->instrument, flaw);
    if (command->reference != instrument->update.reference)
        instrument->base = command->reference;
    instrument->update = *command;
    memset(instrument->update.padding, 0, sizeof(instrument->update.padding));
    if (command->top == MR_BOOK_SWITCH_NO) /* whoever asks for it again begins anew */
        memset(&instrument->published, 0, sizeof(instrument->published));
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_INSTRUMENT_UPDATED);
    memcpy(report, &instrument->update, sizeof(instrument->update));
    return 0;
}

uint32_t naive_phase(struct naive_book *book, const struct mr_book_phase_set *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    uint32_t flaw = 0;
    if (instrument == NULL)
        flaw = MR_BOOK_UNKNOWN_INSTRUMENT;
    else if (command->phase > MR_BOOK_PHASE_CLOSED)
        flaw = MR_BOOK_BAD_PHASE;
    if (flaw != 0)
        return naive_setup_rejected(book, instrument, MR_BOOK_ACTION_PHASE_SET, command->instrument,
                                    flaw);
    instrument->definition.phase = command->phase;
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_PHASE_CHANGED);
    report->phase_changed.instrument = command->instrument;
    report->phase_changed.phase = command->phase;
    return 0;
}

/* -- Accounts. --------------------------------------------------------------------------------- */

/* The settings of an account, made if need be; NULL: there is no room. */
static struct naive_account *settings_of(struct naive_book *book, uint64_t account)
{
    struct naive_account *settings = naive_account(book, account);
    if (settings != NULL)
        return settings;
    const struct naive_order of_it = {.account = account};
    if (naive_groups(book, &of_it) > book->config.groups_max)
        return NULL;
    settings = &book->accounts[book->account_count++];
    *settings = (struct naive_account){.account = account};
    return settings;
}

/* Forgets accounts that are as any other is. */
static void forget_plain_accounts(struct naive_book *book)
{
    for (uint32_t i = 0; i < book->account_count;) {
        if (book->accounts[i].stp == MR_BOOK_STP_ACCOUNT && !book->accounts[i].blocked)
            book->accounts[i] = book->accounts[--book->account_count];
        else
            i++;
    }
}

uint32_t naive_account_define(struct naive_book *book, const struct mr_book_account_define *command)
{
    struct naive_account *settings = NULL;
    bool nothing = command->stp == MR_BOOK_STP_ACCOUNT; /* needs no place */
    uint32_t flaw = 0;
    if (command->stp > MR_BOOK_STP_DECREMENT)
        flaw = MR_BOOK_BAD_STP;
    else if (command->account == 0)
        flaw = MR_BOOK_BAD_ACCOUNT;
    else if (nothing)
        settings = naive_account(book, command->account);
    else if ((settings = settings_of(book, command->account)) == NULL)
        flaw = MR_BOOK_GROUPS_FULL;
    if (flaw != 0)
        return naive_setup_rejected(book, NULL, MR_BOOK_ACTION_ACCOUNT_DEFINE, command->account,
                                    flaw);
    if (settings != NULL)
        settings->stp = command->stp;
    forget_plain_accounts(book);
    union mr_book_report *report = naive_report(book, NULL, MR_BOOK_ACCOUNT_DEFINED);
    report->account_defined.account = command->account;
    report->account_defined.stp = command->stp;
    return 0;
}

uint32_t naive_account_unblock(struct naive_book *book,
                               const struct mr_book_account_unblock *command)
{
    if (command->account == 0)
        return naive_setup_rejected(book, NULL, MR_BOOK_ACTION_ACCOUNT_UNBLOCK, 0,
                                    MR_BOOK_BAD_ACCOUNT);
    struct naive_account *settings = naive_account(book, command->account);
    if (settings != NULL)
        settings->blocked = false;
    forget_plain_accounts(book);
    naive_report(book, NULL, MR_BOOK_ACCOUNT_UNBLOCKED)->account_unblocked.account =
        command->account;
    return 0;
}

/* -- Many at a time. --------------------------------------------------------------------------- */

static void sweep_add(struct naive_book *book, uint64_t entry)
{
    book->sweep[book->sweep_count++] = entry;
}

static int compare_entries(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* How many live orders an account, or a session, has. */
static uint32_t live_of(const struct naive_book *book, uint64_t account, uint64_t session)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < book->instrument_count; n++) {
        for (uint32_t side = 0; side < 2; side++) {
            const struct naive_side *orders = &book->instruments[n].sides[side];
            for (uint32_t i = 0; i < orders->count; i++)
                count += account != 0 ? orders->orders[i].account == account
                                      : orders->orders[i].session == session;
        }
    }
    return count;
}

/* What a command will look at: all orders of an account or session (of whichever has fewer, if both
 * are named) in the order of their entry, or all of an instrument (any), in the order in which they
 * would trade. */
static void sweep_plan(struct naive_book *book, const struct mr_book_orders_cancel *what)
{
    bool by_session = what->of_session != 0 &&
                      (what->account == 0 ||
                       live_of(book, 0, what->of_session) < live_of(book, what->account, 0));
    book->sweep = realloc(book->sweep, (naive_orders(book) + 1) * sizeof(book->sweep[0]));
    book->sweep_count = book->sweep_next = 0;
    book->swept = 0;
    for (uint32_t n = 0; n < book->instrument_count; n++) {
        const struct naive_instrument *instrument = &book->instruments[n];
        for (uint32_t side = 0; side < 2; side++) {
            for (uint32_t i = 0; i < instrument->sides[side].count; i++) {
                const struct naive_order *order = &instrument->sides[side].orders[i];
                bool looked_at =
                    by_session ? order->session == what->of_session
                    : what->account != 0
                        ? order->account == what->account
                        : (what->instrument == 0 ||
                           what->instrument == instrument->definition.instrument) &&
                              (what->side == MR_BOOK_SIDES_BOTH || what->side == side + 1);
                if (looked_at)
                    sweep_add(book, order->entry);
            }
        }
    }
    if (what->account != 0 || what->of_session != 0)
        qsort(book->sweep, book->sweep_count, sizeof(book->sweep[0]), compare_entries);
}

/* A turn of it. */
static void sweep_turn(struct naive_book *book, const struct mr_book_orders_cancel *what,
                       enum mr_book_cancel cause)
{
    for (uint32_t n = 0; n < NAIVE_STEP_ORDERS && book->sweep_next < book->sweep_count; n++) {
        struct naive_instrument *instrument;
        const struct naive_order *order =
            naive_entered(book, book->sweep[book->sweep_next++], &instrument);
        if ((what->account != 0 && order->account != what->account) ||
            (what->of_session != 0 && order->session != what->of_session) ||
            (what->instrument != 0 && instrument->definition.instrument != what->instrument) ||
            (what->side != MR_BOOK_SIDES_BOTH && what->side != order->side + 1))
            continue;
        naive_report_cancelled(book, instrument, order, cause);
        naive_remove(instrument, order);
        book->swept++;
    }
    book->again = book->sweep_next < book->sweep_count;
}

static uint32_t many_flaw(const struct naive_book *book,
                          const struct mr_book_orders_cancel *command)
{
    if (command->instrument != 0 && naive_instrument(book, command->instrument) == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (command->side > MR_BOOK_SIDES_SELL_ONLY)
        return MR_BOOK_BAD_SIDE;
    bool own = command->of_session != 0 && command->of_session == book->session;
    if (book->role == MR_ROLE_USER && command->account == 0 && !own)
        return MR_BOOK_NOT_OWNER;
    return 0;
}

uint32_t naive_orders_cancel(struct naive_book *book, const struct mr_book_orders_cancel *command)
{
    struct naive_instrument *instrument = naive_instrument(book, command->instrument);
    if (command->instrument == 0)
        instrument = NULL; /* any */
    if (!book->again) {
        uint32_t flaw = many_flaw(book, command);
        if (flaw != 0)
            return naive_setup_rejected(
                book, instrument, MR_BOOK_ACTION_ORDERS_CANCEL,
                command->instrument != 0 ? command->instrument : command->account, flaw);
        sweep_plan(book, command);
    }
    sweep_turn(book, command, MR_BOOK_CANCEL_MANY);
    if (book->again)
        return 0;
    naive_publish(book);
    union mr_book_report *report = naive_report(book, instrument, MR_BOOK_ORDERS_CANCELLED);
    report->orders_cancelled.account = command->account;
    report->orders_cancelled.of_session = command->of_session;
    report->orders_cancelled.orders = book->swept;
    report->orders_cancelled.instrument = command->instrument;
    report->orders_cancelled.side = command->side;
    return 0;
}

/* Blocks it: 0, or why it cannot. */
static uint32_t block(struct naive_book *book, uint64_t account)
{
    if (account == 0)
        return MR_BOOK_BAD_ACCOUNT;
    struct naive_account *settings = settings_of(book, account);
    if (settings == NULL)
        return MR_BOOK_GROUPS_FULL;
    settings->blocked = true;
    return 0;
}

uint32_t naive_account_block(struct naive_book *book, const struct mr_book_account_block *command)
{
    const struct mr_book_orders_cancel all = {.account = command->account};
    if (!book->again) {
        uint32_t flaw = block(book, command->account);
        if (flaw != 0)
            return naive_setup_rejected(book, NULL, MR_BOOK_ACTION_ACCOUNT_BLOCK, command->account,
                                        flaw);
        sweep_plan(book, &all);
    }
    sweep_turn(book, &all, MR_BOOK_CANCEL_BLOCKED);
    if (book->again)
        return 0;
    naive_publish(book);
    union mr_book_report *report = naive_report(book, NULL, MR_BOOK_ACCOUNT_BLOCKED);
    report->account_blocked.account = command->account;
    report->account_blocked.orders = book->swept;
    return 0;
}

static bool next_due(const struct naive_book *book, uint64_t *entry)
{
    uint64_t earliest = naive_expiry_next(book);
    bool found = false;
    if (earliest > book->time_ns)
        return false;
    for (uint32_t n = 0; n < book->instrument_count; n++) {
        for (uint32_t side = 0; side < 2; side++) {
            const struct naive_side *orders = &book->instruments[n].sides[side];
            for (uint32_t i = 0; i < orders->count; i++) {
                const struct naive_order *order = &orders->orders[i];
                if (order->expires_ns == earliest && (!found || order->entry < *entry)) {
                    *entry = order->entry;
                    found = true;
                }
            }
        }
    }
    return found;
}

void naive_expire(struct naive_book *book, uint64_t time_ns)
{
    uint64_t entry;
    book->time_ns = time_ns;
    book->report_count = 0;
    for (uint32_t n = 0; n < NAIVE_STEP_ORDERS && next_due(book, &entry); n++) {
        struct naive_instrument *instrument;
        const struct naive_order *order = naive_entered(book, entry, &instrument);
        naive_report_cancelled(book, instrument, order, MR_BOOK_CANCEL_EXPIRED);
        naive_remove(instrument, order);
    }
    book->again = next_due(book, &entry);
    naive_publish(book);
}
