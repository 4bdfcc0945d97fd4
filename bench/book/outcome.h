/*
 * What came of a run, to be compared: a book that is wrong cannot be fast.
 */
#ifndef MR_BENCH_BOOK_OUTCOME_H
#define MR_BENCH_BOOK_OUTCOME_H

#include <millrace/book.h>

#include <stdbool.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

struct outcome {
    uint64_t reports; /* how many */
    uint64_t digest;  /* of all of them; 0 where nobody looked at each */
    uint64_t tail;    /* of those that were still in the buffer at the end */
    uint64_t orders;  /* that rest at the end */
    uint64_t levels;  /* digest of the levels at the end */
};

/* Says on standard error what differs, if anything does. Digests of all reports count only where
 * both have them. */
bool outcome_equal(const char *what, const struct outcome *wanted, const struct outcome *got);

/* The digest of what the turn's buffer still holds, oldest first. */
uint64_t outcome_tail(const struct mr_book_turn *turn);

/* The digest of levels, which continues `digest`. */
uint64_t outcome_levels(uint64_t digest, const struct mr_book_level *levels, uint32_t count);

__extension__ typedef unsigned __int128 outcome_u128;

static inline uint64_t outcome_fold(uint64_t a, uint64_t b)
{
    outcome_u128 product = (outcome_u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The digest after one more report, whose order counts: fast enough for a thread that must keep up
 * with the book, since only one multiplication waits for the digest before. */
static inline uint64_t outcome_add(uint64_t digest, const union mr_book_report *report)
{
    uint64_t words[8];
    memcpy(words, report, sizeof(words));
    uint64_t all = outcome_fold(words[0] ^ UINT64_C(0xa0761d6478bd642f),
                                words[1] ^ UINT64_C(0xe7037ed1a0b428db));
    all += outcome_fold(words[2] ^ UINT64_C(0x8ebc6af09c88c6e3),
                        words[3] ^ UINT64_C(0x589965cc75374cc3));
    all ^= outcome_fold(words[4] ^ UINT64_C(0x1d8e4e27c47d124f),
                        words[5] ^ UINT64_C(0xeb44accab455d165));
    all += outcome_fold(words[6] ^ UINT64_C(0x9c6e6877736c46e3),
                        words[7] ^ UINT64_C(0x2127599bf4325c37));
    return outcome_fold(digest ^ all, UINT64_C(0x9e3779b97f4a7c15));
}

#ifdef __cplusplus
}
#endif
#endif
