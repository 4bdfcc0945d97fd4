/*
 * Orders that expire. Those of one time are a group; the groups are in a binary heap by their
 * times, and each knows its place there, so that one can go from anywhere when its last order does.
 *
 * Under the engine there is one timer, never later than the first of the heap. It may be earlier,
 * after the orders that it was set for have gone otherwise: then it finds nothing to do but to be
 * set again, which costs less than moving it with every cancel.
 */
#include "core/book/controls.h"
#include "core/book/groups.h"

#define SECOND UINT64_C(1000000000)
#define DAY    (86400 * SECOND)

/* -- The heap. --------------------------------------------------------------------------------- */

static void put(struct mr_book *book, uint32_t place, uint32_t group)
{
    book_expiries(book)[place] = group;
    book_group(book, group)->place = place;
}

static uint64_t time_at(const struct mr_book *book, uint32_t place)
{
    return book_group(book, book_expiries(book)[place])->key;
}

/* Finds the place for `group`, beginning at the free `place` and going towards the top. */
static void sift_up(struct mr_book *book, uint32_t place, uint32_t group)
{
    uint64_t time = book_group(book, group)->key;
    while (place > 1 && time < time_at(book, place / 2)) {
        put(book, place, book_expiries(book)[place / 2]);
        place /= 2;
    }
    put(book, place, group);
}

/* The same, going away from the top. */
static void sift_down(struct mr_book *book, uint32_t place, uint32_t group)
{
    uint64_t time = book_group(book, group)->key;
    for (;;) {
        uint32_t child = place * 2;
        if (child > book->expiry_count)
            break;
        if (child < book->expiry_count && time_at(book, child + 1) < time_at(book, child))
            child++;
        if (time_at(book, child) >= time)
            break;
        put(book, place, book_expiries(book)[child]);
        place = child;
    }
    put(book, place, group);
}

void mr_book_expiry_push(struct mr_book *book, struct book_group *group)
{
    sift_up(book, ++book->expiry_count, book_group_number(book, group));
}

/* Closes the gap with the heap's last group. */
void mr_book_expiry_remove(struct mr_book *book, struct book_group *group)
{
    uint32_t place = group->place;
    ASSERT(place >= 1 && place <= book->expiry_count);
    VERIFY(book_expiries(book)[place] == book_group_number(book, group));
    uint32_t last = book_expiries(book)[book->expiry_count];
    book_expiries(book)[book->expiry_count--] = 0;
    group->place = 0;
    if (place > book->expiry_count)
        return;
    if (place > 1 && book_group(book, last)->key < time_at(book, place / 2))
        sift_up(book, place, last);
    else
        sift_down(book, place, last);
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
    return book->expiry_count == 0 ? UINT64_MAX : time_at(book, 1);
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
    struct book_cull cull;
    mr_book_cull_begin(&cull, book, turn, MR_BOOK_CANCEL_EXPIRED);
    for (; book->expiry_count > 0 && time_at(book, 1) <= turn->time_ns && cull.left > 0;
         cull.left--)
        mr_book_cull_order(&cull,
                           book_order(book, book_group(book, book_expiries(book)[1])->first));
    mr_book_cull_end(&cull);
}

void mr_book_expire(struct mr_book *book, struct mr_book_turn *turn)
{
    expire_some(book, turn);
    turn->again = book->expiry_count > 0 && time_at(book, 1) <= turn->time_ns;
}

/* A time that has passed is as good as any: the timer fires again in the same round, so what is
 * left of a large group follows in a turn of its own. */
void mr_book_expiry_fire(struct mr_book *book, struct mr_book_turn *turn)
{
    book->expiry_armed = 0;
    book->expiry_token = 0;
    expire_some(book, turn);
    if (book->expiry_count > 0) {
        bool armed = mr_book_expiry_arm(book, turn, time_at(book, 1));
        ASSERT(armed); /* in the place of the one that has just fired */
    }
}
