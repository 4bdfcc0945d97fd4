#include "core/book/ids.h"

/* Makes the table of 2^bits slots the one in use, and says how many live orders it is for. */
static void use(struct mr_book *book, uint32_t bits)
{
    struct book_ids *ids = &book->ids;
    uint32_t slots = UINT32_C(1) << bits;
    uint32_t most = slots / (bits <= BOOK_ID_BITS_NEAR ? BOOK_ID_LOAD_NEAR : BOOK_ID_LOAD_FAR);
    uint32_t least = bits > BOOK_ID_BITS_MIN ? slots / 32 : 0;
    if (bits == book->layout.id_bits_max)
        most = UINT32_MAX;
    ids->at = book_id_offset(book, bits);
    ids->bits = bits;
    ids->mask = slots - 1;
    ids->shift = 32 - bits;
    ids->live_min = least;
    ids->live_span = most - least;
}

void mr_book_ids_init(struct mr_book *book)
{
    use(book, BOOK_ID_BITS_MIN);
}

/* Begins to replace the table by one of 2^bits slots. Until that is done, every insert and removal
 * has something to do. */
static void resize(struct mr_book *book, uint32_t bits)
{
    struct book_ids *ids = &book->ids;
    const struct book_id *slots = book_at(book, ids->at);
    uint32_t start = 0;
    while (slots[start].ref != 0)
        start++;
    ids->old_bits = ids->bits;
    ids->old_start = start;
    /* The empty slot is done: were it not, an entry whose home it is could still come into the old
     * table, and one from before it, the last to be moved, behind that one. */
    ids->old_moved = 1;
    use(book, bits);
    ids->live_min = UINT32_MAX;
    ids->live_span = 0;
}

static void put(const struct book_id_table *table, struct book_id entry)
{
    uint32_t i = entry.hash >> table->shift;
    while (table->slots[i].ref != 0)
        i = (i + 1) & table->mask;
    table->slots[i] = entry;
}

static void move(struct mr_book *book)
{
    struct book_ids *ids = &book->ids;
    struct book_id_table from = book_id_table(book, ids->old_bits);
    struct book_id_table to = book_id_table(book, ids->bits);
    uint32_t moved = ids->old_moved;
    uint32_t goal = moved + BOOK_ID_STEP;
    /* An entry whose home is the last slot may have gone round the end: the last step follows. */
    for (bool empty = false; !empty || (moved < goal && moved <= from.mask); moved++) {
        struct book_id *slot = &from.slots[(ids->old_start + moved) & from.mask];
        empty = slot->ref == 0;
        if (!empty) {
            put(&to, *slot);
            *slot = (struct book_id){0};
        }
    }
    ids->old_moved = moved;
    if (moved > from.mask) {
        ids->old_bits = 0;
        use(book, ids->bits);
    }
}

void mr_book_ids_move(struct mr_book *book)
{
    const struct book_ids *ids = &book->ids;
    if (ids->old_bits != 0)
        move(book);
    else
        resize(book, book->live < ids->live_min ? ids->bits - 1 : ids->bits + 1);
}
