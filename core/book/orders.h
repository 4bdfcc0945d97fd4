/*
 * The commands about orders. Each returns 0 or the reason why it was rejected.
 */
#ifndef MR_CORE_BOOK_ORDERS_H
#define MR_CORE_BOOK_ORDERS_H

#include "core/book/state.h"

uint32_t mr_book_new_apply(struct mr_context *context, const struct mr_book_order_new *command);
uint32_t mr_book_cancel_apply(struct mr_context *context,
                              const struct mr_book_order_cancel *command);
uint32_t mr_book_replace_apply(struct mr_context *context,
                               const struct mr_book_order_replace *command);

#endif
