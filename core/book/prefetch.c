/*
 * Bringing near what requests will need, for whoever has several of them at hand. With a few
 * thousand live orders all of it is in cache anyway; with millions of them nearly every step of a
 * request waits for memory, and the steps of different requests can wait at the same time.
 *
 * Each stage looks at what the one before has brought, so that none of them waits:
 *
 *     0  the instrument, through its slot
 *     1  the slot of the order's id, and the sides
 *     2  a live order; for a new one the leaf of its price, and the best leaf of the other side
 *     3  the neighbours and the level of a live order; the level of a new one
 */
#include "core/book/ids.h"
#include "core/book/instruments.h"
#include "core/book/levels.h"

static inline void fetch(const void *address)
{
    __builtin_prefetch(address);
}

/* The order to which an id probably leads: the first whose hash fits. NULL: none does. */
static const struct book_order *likely_order(const struct mr_book *book,
                                             const struct book_instrument *instrument, uint64_t id)
{
    uint32_t hash = book_id_hash(book, instrument, id);
    struct book_id_table table = book_id_table_of(book, hash);
    for (uint32_t i = hash >> table.shift; table.slots[i].ref != 0; i = (i + 1) & table.mask) {
        if (table.slots[i].hash == hash)
            return book_order(book, table.slots[i].ref);
    }
    return NULL;
}

static void fetch_slot(const struct mr_book *book, const struct book_instrument *instrument,
                       uint64_t id)
{
    uint32_t hash = book_id_hash(book, instrument, id);
    struct book_id_table table = book_id_table_of(book, hash);
    fetch(&table.slots[hash >> table.shift]);
}

/* -- An order that is live. -------------------------------------------------------------------- */

static void fetch_live(const struct mr_book *book, const struct book_instrument *instrument,
                       uint64_t id, uint32_t stage)
{
    if (stage == 1) {
        fetch_slot(book, instrument, id);
        fetch(&instrument->sides[0]);
        fetch(&instrument->sides[1]);
        return;
    }
    const struct book_order *order = likely_order(book, instrument, id);
    if (order == NULL)
        return;
    if (stage == 2) {
        fetch(order);
        return;
    }
    fetch(book_link(book, order->link.next));
    fetch(book_link(book, order->link.prev));
    fetch(book_leaf(book, order->leaf));
    fetch(book_level_of(book, order));
}

/* -- An order that comes. ---------------------------------------------------------------------- */

static void fetch_new(const struct mr_book *book, const struct book_instrument *instrument,
                      const struct mr_book_order_new *command, uint32_t stage)
{
    uint8_t side = command->side & 1;
    const struct book_side *own = &instrument->sides[side];
    const struct book_side *other = &instrument->sides[side ^ 1];
    uint64_t key = book_key(side, command->price);
    uint32_t near = own->near[key / BOOK_PAGE_LEVELS % BOOK_NEAR_LEAVES];
    if (stage == 1) {
        fetch_slot(book, instrument, command->order);
        fetch(own);
        fetch(other);
        fetch(&own->near[key / BOOK_PAGE_LEVELS % BOOK_NEAR_LEAVES]);
    } else if (stage == 2) {
        fetch(book_leaf(book, near));
        fetch(&book_leaf(book, near)->levels[key % BOOK_PAGE_LEVELS]);
        fetch(book_leaf(book, other->best_leaf));
    } else if (book_leaf(book, near)->page.base == key - key % BOOK_PAGE_LEVELS) {
        fetch(book_link(book, book_leaf(book, near)->levels[key % BOOK_PAGE_LEVELS].link.prev));
    }
}

void mr_book_prefetch(const struct mr_book *book, const union mr_book_request *request,
                      uint32_t stage)
{
    const struct mr_book_order_cancel *cancel = &request->order_cancel;
    const struct mr_book_order_replace *replace = &request->order_replace;
    uint32_t type = request->any.type;
    bool is_new = type == MR_BOOK_ORDER_NEW;
    if (!is_new && type != MR_BOOK_ORDER_CANCEL && type != MR_BOOK_ORDER_REPLACE)
        return;
    uint32_t id = is_new                          ? request->order_new.instrument
                  : type == MR_BOOK_ORDER_REPLACE ? replace->instrument
                                                  : cancel->instrument;
    const struct book_instrument *instrument =
        stage == 0 ? mr_book_instrument_guess(book, id) : mr_book_instrument_find(book, id);
    if (instrument == NULL)
        return;
    if (stage == 0)
        fetch(instrument);
    else if (is_new)
        fetch_new(book, instrument, &request->order_new, stage);
    else
        fetch_live(book, instrument, cancel->order, stage);
}

_Static_assert(offsetof(struct mr_book_order_cancel, order) ==
                   offsetof(struct mr_book_order_replace, order),
               "a replacement names its order where a cancel does");
