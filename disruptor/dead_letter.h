/* Dead letters: copies of slots whose positions could not be handled (<millrace/processor.h>). */
#ifndef MR_DISRUPTOR_DEAD_LETTER_H
#define MR_DISRUPTOR_DEAD_LETTER_H

#include <millrace/processor.h>

/* Whether the slots of `dead_letters` can take letters from `source`. */
bool mr_dead_letter_fits(const struct mr_ring *dead_letters, const struct mr_ring *source);

/* Publishes the letter that `head` begins; `source` and `length` are filled in here. The position's
 * slot must be the caller's to read. MR_OK; MR_AGAIN: there is no room now; MR_E_HALTED: nor will
 * there be, since `dead_letters` is halted. Never waits. */
int mr_dead_letter_write(struct mr_ring *dead_letters, const struct mr_ring *source,
                         struct mr_dead_letter head);

#endif
