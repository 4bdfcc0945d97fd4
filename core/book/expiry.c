/*
 * Orders that expire. Those of one time are a group; the groups are in a heap by their times, and
 * each knows its place there, so that one can go from anywhere when its last order does.
 *
 * Under the engine there is one timer, never later than the first of the heap. It may be earlier,
 * after the orders that it was set for have gone otherwise: then it finds nothing to do but to be
 * set again, which costs less than moving it with every cancel.
 */
#include "core/book/controls.h"
#include "core/book/groups.h"

#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)

void mr_book_expiry_push(struct mr_book *book, struct book_group *group)
{
    mr_heap_push(book_expiries(book), book_expiry_key(book, group));
}

void mr_book_expiry_remove(struct mr_book *book, struct book_group *group)
{
    mr_heap_remove(book_expiries(book), book_group_number(book, group));
}

/* -- When. ------------------------------------------------------------------------------------- */

/* The end of the trading day that `time_ns` is in; that of the last day that 64 bits hold may be
 * beyond them. */
static uint64_t day_end_after(uint32_t day_end, uint64_t time_ns)
{
    uint64_t midnight = time_ns / DAY * DAY;
    uint64_t until = day_end * SECOND;
    if (until <= time_ns - midnight)
        until += DAY;
    return until > UINT64_MAX - midnight ? UINT64_MAX : midnight + until;
}

uint64_t mr_book_expiry_of(const struct book_instrument *instrument, uint8_t tif,
                           uint64_t expires_ns, uint64_t time_ns)
{
    if (tif == MR_BOOK_TIF_DAY)
        return day_end_after(instrument->day_end, time_ns);
    return tif == MR_BOOK_TIF_GTD ? expires_ns : 0;
}

uint64_t mr_book_expiry_next(const struct mr_book *book)
{
    return mr_heap_next(book_expiries(book));
}

bool mr_book_expiry_arm(struct mr_book *book, struct mr_book_turn *turn, uint64_t expires_ns)
{
    if (turn->context == NULL || (book->expiry_armed != 0 && book->expiry_armed <= expires_ns))
        return true;
    if (book->expiry_armed != 0)
        mr_timer_cancel(turn->context, book->expiry_token);
    struct mr_timer timer = {.due_ns = expires_ns};
    if (!mr_timer_set(turn->context, &timer, &book->expiry_token)) {
        ASSERT(book->expiry_armed == 0); /* the one just cancelled would have left room */
        return false;
    }
    book->expiry_armed = expires_ns;
    return true;
}

/* -- Expiring. --------------------------------------------------------------------------------- */

/* Cancels what is due, as much as a turn may. */
static void expire_some(struct mr_book *book, struct mr_book_turn *turn)
{
    struct mr_heap expiries = book_expiries(book);
    struct book_cull cull;
    mr_book_cull_begin(&cull, book, turn, MR_BOOK_CANCEL_EXPIRED);
    for (; mr_heap_is_due(expiries, turn->time_ns) && cull.left > 0; cull.left--) {
        uint32_t group = mr_heap_first(expiries)->node;
        mr_book_cull_order(&cull, book_order(book, book_group(book, group)->first));
    }
    mr_book_cull_end(&cull);
}

void mr_book_expire(struct mr_book *book, struct mr_book_turn *turn)
{
    expire_some(book, turn);
    turn->again = mr_heap_is_due(book_expiries(book), turn->time_ns);
}

/* A time that has passed is as good as any: the timer fires again in the same round, so what is
 * left of a large group follows in a turn of its own. */
void mr_book_expiry_fire(struct mr_book *book, struct mr_book_turn *turn)
{
    book->expiry_armed = 0;
    book->expiry_token = 0;
    expire_some(book, turn);
    if (book->expiry_count > 0) {
        bool armed = mr_book_expiry_arm(book, turn, mr_book_expiry_next(book));
        ASSERT(armed); /* in the place of the one that has just fired */
    }
}
