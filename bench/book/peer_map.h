/*
 * What one would write first: an order book of std::map (price levels), std::list (the orders of
 * one) and std::unordered_map (ids). Limit and IOC orders, replacements and cancels in one
 * instrument, by the same rules and with the same reports as ours: a peer to measure, and the
 * independent opinion on what the outcome must be.
 */
#ifndef MR_BENCH_BOOK_PEER_MAP_H
#define MR_BENCH_BOOK_PEER_MAP_H

#include <millrace/book.h>

#ifdef __cplusplus
extern "C" {
#endif

struct peer_map;

struct peer_map *peer_map_open(void);
void peer_map_close(struct peer_map *peer);

/* As mr_book_apply, for the plain flow (it knows neither limits nor features). */
void peer_map_apply(struct peer_map *peer, const union mr_book_request *request,
                    struct mr_book_turn *turn);

uint64_t peer_map_orders(const struct peer_map *peer);
uint64_t peer_map_levels(const struct peer_map *peer);

/* As mr_book_depth, with a walk over all that rests there. */
uint32_t peer_map_depth(const struct peer_map *peer, uint8_t side, struct mr_book_level *levels,
                        uint32_t limit);

#ifdef __cplusplus
}
#endif
#endif
