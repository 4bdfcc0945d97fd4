/*
 * Cancelling many orders: all that fit a filter, or all of an account that is blocked. A turn looks
 * at BOOK_STEP_ORDERS of them at most; book->sweep says where the next one goes on. Nothing happens
 * between the turns, so the place that it names stays good.
 */
#include "core/book/controls.h"
#include "core/book/groups.h"
#include "core/book/instruments.h"
#include "core/book/levels.h"
#include "core/book/report.h"

/* Instruments that one turn passes, so that many empty ones are no long turn, either. */
enum { STEP_INSTRUMENTS = 4096 };

/* Which orders are meant. */
struct filter {
    uint64_t account, session;                /* 0: any */
    const struct book_instrument *instrument; /* NULL: any */
    uint32_t sides;                           /* bit 0: buy, bit 1: sell */
};

/* -- Of an account or a session: along its list. ----------------------------------------------- */

static bool filter_fits(const struct mr_book *book, const struct filter *filter,
                        uint32_t session_group, const struct book_order *order)
{
    if ((filter->sides >> order->side & 1) == 0)
        return false;
    if (filter->account != 0 && order->account != filter->account)
        return false;
    if (filter->instrument != NULL &&
        order->instrument != book_instrument_index(book, filter->instrument))
        return false;
    if (filter->session == 0)
        return true;
    const struct book_membership *of = book_memberships(book, order)->of;
    return (order->groups >> BOOK_GROUP_SESSION & 1) != 0 &&
           of[BOOK_GROUP_SESSION].group == session_group;
}

/* Along which list to go: of an account and a session that are both named, the shorter one, as the
 * orders that are in both stand in the same order in both. */
static enum book_group_kind list_of(const struct mr_book *book, const struct filter *filter,
                                    uint32_t account, uint32_t session)
{
    if (filter->account == 0 || filter->session == 0)
        return filter->account != 0 ? BOOK_GROUP_ACCOUNT : BOOK_GROUP_SESSION;
    return book_group(book, session)->count < book_group(book, account)->count ? BOOK_GROUP_SESSION
                                                                               : BOOK_GROUP_ACCOUNT;
}

/* True: that was all. */
static bool sweep_list(struct book_cull *cull, const struct filter *filter)
{
    struct mr_book *book = cull->book;
    uint32_t account = 0, session = 0;
    if (filter->account != 0)
        account = book_group_lookup(book, BOOK_GROUP_ACCOUNT, filter->account);
    if (filter->session != 0)
        session = book_group_lookup(book, BOOK_GROUP_SESSION, filter->session);
    if ((filter->account != 0 && account == 0) || (filter->session != 0 && session == 0))
        return true;
    /* Both lists get shorter with every turn: which one it is stays as the first turn found it. */
    if (book->sweep.order == 0)
        book->sweep.kind = list_of(book, filter, account, session);
    enum book_group_kind kind = (enum book_group_kind)book->sweep.kind;
    const struct book_group *group =
        book_group(book, kind == BOOK_GROUP_ACCOUNT ? account : session);
    uint32_t ref = book->sweep.order != 0 ? book->sweep.order : group->first;
    for (; ref != 0 && cull->left > 0; cull->left--) {
        struct book_order *order = book_order(book, ref);
        ref = book_memberships(book, order)->of[kind].next;
        if (filter_fits(book, filter, session, order)) {
            mr_book_cull_order(cull, order);
            book->sweep.orders++;
        }
    }
    book->sweep.order = ref;
    return ref == 0;
}

/* -- Of anybody: instrument by instrument. ----------------------------------------------------- */

/* True: nothing that is meant is left of it. */
static bool sweep_instrument(struct book_cull *cull, const struct book_instrument *instrument,
                             uint32_t sides)
{
    struct mr_book *book = cull->book;
    for (uint32_t side = 0; side < 2; side++) {
        const struct book_side *of = &instrument->sides[side];
        while ((sides >> side & 1) != 0 && of->best_leaf != 0) {
            if (cull->left == 0)
                return false;
            cull->left--;
            uint32_t best = book_best_level(of);
            mr_book_cull_order(cull, book_order(book, book_link(book, best)->next));
            book->sweep.orders++;
        }
    }
    return true;
}

/* True: that was all. */
static bool sweep_all(struct book_cull *cull, uint32_t sides)
{
    struct mr_book *book = cull->book;
    uint32_t index = book->sweep.instrument, passed = 0;
    for (; index < book->instrument_count && passed < STEP_INSTRUMENTS; passed++) {
        if (!sweep_instrument(cull, book_instrument(book, index), sides))
            break;
        index++;
    }
    book->sweep.instrument = index;
    return index == book->instrument_count;
}

/* -- orders_cancel ----------------------------------------------------------------------------- */

/* A user cancels what is known to be the user's: orders of an account, or of the own session. */
static bool is_allowed(const struct mr_book_orders_cancel *command, const struct mr_book_turn *turn)
{
    if (turn->role != MR_ROLE_USER || command->account != 0)
        return true;
    return command->of_session != 0 && command->of_session == turn->session;
}

static uint32_t flaw_of(const struct book_instrument *instrument,
                        const struct mr_book_orders_cancel *command,
                        const struct mr_book_turn *turn)
{
    if (command->instrument != 0 && instrument == NULL)
        return MR_BOOK_UNKNOWN_INSTRUMENT;
    if (command->side > MR_BOOK_SIDES_SELL_ONLY)
        return MR_BOOK_BAD_SIDE;
    return is_allowed(command, turn) ? 0 : MR_BOOK_NOT_OWNER;
}

static bool sweep_some(struct book_cull *cull, const struct filter *filter)
{
    if (filter->account != 0 || filter->session != 0)
        return sweep_list(cull, filter);
    if (filter->instrument != NULL)
        return sweep_instrument(cull, filter->instrument, filter->sides);
    return sweep_all(cull, filter->sides);
}

uint32_t mr_book_orders_cancel_apply(struct mr_book *book,
                                     const struct mr_book_orders_cancel *command,
                                     struct mr_book_turn *turn)
{
    struct book_instrument *instrument =
        command->instrument == 0 ? NULL : mr_book_instrument_find(book, command->instrument);
    uint32_t reason = flaw_of(instrument, command, turn);
    if (reason != 0) {
        uint64_t subject = command->instrument != 0 ? command->instrument : command->account;
        return book_report_setup_rejected(turn, instrument, MR_BOOK_ACTION_ORDERS_CANCEL, subject,
                                          reason);
    }
    struct filter filter = {.account = command->account,
                            .session = command->of_session,
                            .instrument = instrument,
                            .sides = command->side == MR_BOOK_SIDES_BOTH ? 3 : command->side};
    struct book_cull cull;
    mr_book_cull_begin(&cull, book, turn, MR_BOOK_CANCEL_MANY);
    turn->again = !sweep_some(&cull, &filter);
    mr_book_cull_end(&cull);
    if (turn->again)
        return 0;
    BOOK_REPORT(turn, instrument, MR_BOOK_ORDERS_CANCELLED, orders_cancelled,
                .account = command->account, .of_session = command->of_session,
                .orders = book->sweep.orders, .instrument = command->instrument,
                .side = command->side);
    book->sweep = (struct book_sweep){0};
    return 0;
}

/* -- account_block ----------------------------------------------------------------------------- */

/* The account is blocked from the first turn on, so that nothing is added to what is pulled. */
uint32_t mr_book_account_block_apply(struct mr_book *book,
                                     const struct mr_book_account_block *command,
                                     struct mr_book_turn *turn)
{
    struct book_group *account = NULL;
    uint32_t reason = MR_BOOK_BAD_ACCOUNT;
    if (command->account != 0) {
        account = mr_book_group_make(book, BOOK_GROUP_ACCOUNT, command->account);
        reason = account == NULL ? MR_BOOK_GROUPS_FULL : 0;
    }
    if (reason != 0)
        return book_report_setup_rejected(turn, NULL, MR_BOOK_ACTION_ACCOUNT_BLOCK,
                                          command->account, reason);
    account->blocked = 1;
    struct book_cull cull;
    mr_book_cull_begin(&cull, book, turn, MR_BOOK_CANCEL_BLOCKED);
    for (; account->first != 0 && cull.left > 0; cull.left--) {
        mr_book_cull_order(&cull, book_order(book, account->first));
        book->sweep.orders++;
    }
    mr_book_cull_end(&cull);
    turn->again = account->first != 0;
    if (turn->again)
        return 0;
    BOOK_REPORT(turn, NULL, MR_BOOK_ACCOUNT_BLOCKED, account_blocked, .account = command->account,
                .orders = book->sweep.orders);
    book->sweep = (struct book_sweep){0};
    return 0;
}
