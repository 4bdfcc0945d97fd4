#include "core/book/ids.h"

void mr_book_ids_resize(struct mr_book *book, uint32_t bits)
{
    struct book_ids *ids = &book->ids;
    ASSERT(ids->old_bits == 0);
    const struct book_id *table = book_id_table(book, ids->bits);
    uint32_t start = 0;
    while (table[start].ref != 0)
        start++;
    ids->old_bits = ids->bits;
    ids->old_start = start;
    /* The empty slot is done: were it not, an entry whose home it is could still come into the old
     * table, and one from before it, the last to be moved, behind that one. */
    ids->old_moved = 1;
    ids->bits = bits;
}

static void put(struct book_id *table, uint32_t bits, struct book_id entry)
{
    uint32_t mask = (UINT32_C(1) << bits) - 1;
    uint32_t i = book_id_home(entry.hash, bits);
    while (table[i].ref != 0)
        i = (i + 1) & mask;
    table[i] = entry;
}

void mr_book_ids_move(struct mr_book *book)
{
    struct book_ids *ids = &book->ids;
    struct book_id *from = book_id_table(book, ids->old_bits);
    struct book_id *to = book_id_table(book, ids->bits);
    uint32_t slots = UINT32_C(1) << ids->old_bits;
    uint32_t moved = ids->old_moved;
    uint32_t goal = moved + BOOK_ID_STEP;
    /* An entry whose home is the last slot may have gone round the end: the last step follows. */
    for (bool empty = false; !empty || (moved < goal && moved < slots); moved++) {
        struct book_id *slot = &from[(ids->old_start + moved) & (slots - 1)];
        empty = slot->ref == 0;
        if (!empty) {
            put(to, ids->bits, *slot);
            *slot = (struct book_id){0};
        }
    }
    ids->old_moved = moved;
    if (moved >= slots)
        ids->old_bits = 0;
}
