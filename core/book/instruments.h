/*
 * Instruments, found by an id that the operator chose.
 */
#ifndef MR_CORE_BOOK_INSTRUMENTS_H
#define MR_CORE_BOOK_INSTRUMENTS_H

#include "core/book/state.h"

/* The instrument with that id, NULL: there is none. */
struct book_instrument *mr_book_instrument_find(const struct mr_book *book, uint32_t id);

/* Where the search for it begins, without a look at it; NULL: there is nothing. */
const struct book_instrument *mr_book_instrument_guess(const struct mr_book *book, uint32_t id);

/* As mr_book_instrument_find, with the one used last tried first. */
static inline struct book_instrument *book_instrument_near(struct mr_book *book, uint32_t id)
{
    if (MR_LIKELY(book->recent_id == id))
        return book_at(book, (uint64_t)book->recent_ref * BOOK_UNIT);
    struct book_instrument *instrument = mr_book_instrument_find(book, id);
    if (instrument != NULL) {
        book->recent_id = id;
        book->recent_instrument = book_instrument_index(book, instrument);
        book->recent_ref = (uint32_t)(book->layout.instruments / BOOK_UNIT +
                                      book->recent_instrument * (sizeof(*instrument) / BOOK_UNIT));
    }
    return instrument;
}

/* What `special` must be, by everything else. */
uint32_t mr_book_instrument_special(const struct mr_book *book,
                                    const struct book_instrument *instrument);

uint32_t mr_book_instrument_define_apply(struct mr_book *book,
                                         const struct mr_book_instrument_define *command,
                                         struct mr_book_turn *turn);
uint32_t mr_book_instrument_update_apply(struct mr_book *book,
                                         const struct mr_book_instrument_update *command,
                                         struct mr_book_turn *turn);
uint32_t mr_book_phase_set_apply(struct mr_book *book, const struct mr_book_phase_set *command,
                                 struct mr_book_turn *turn);

#endif
