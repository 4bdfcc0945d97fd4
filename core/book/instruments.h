/*
 * Instruments, found by an id that the operator chose.
 */
#ifndef MR_CORE_BOOK_INSTRUMENTS_H
#define MR_CORE_BOOK_INSTRUMENTS_H

#include "core/book/state.h"

/* The instrument with that id, NULL: there is none. */
struct book_instrument *mr_book_instrument_find(const struct mr_book *book, uint32_t id);

/* The same, with the one used last tried first. */
static inline struct book_instrument *book_instrument_near(struct mr_book *book, uint32_t id)
{
    if (MR_LIKELY(book->recent_id == id && book->recent_instrument != 0))
        return book_instrument(book, book->recent_instrument - 1);
    struct book_instrument *instrument = mr_book_instrument_find(book, id);
    if (instrument != NULL) {
        book->recent_id = id;
        book->recent_instrument = book_instrument_index(book, instrument) + 1;
    }
    return instrument;
}

/* Applies the command instrument_define. */
uint32_t mr_book_instrument_apply(struct mr_context *context,
                                  const struct mr_book_instrument_define *command);

#endif
