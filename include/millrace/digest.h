/*
 * <millrace/digest.h>: the 128-bit digests (XXH3-128) that prove that a replay, a replica or a copy
 * holds the same as the original. They find accidents, not attackers.
 */
#ifndef MILLRACE_DIGEST_H
#define MILLRACE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* Stored little-endian, low half first; printed as 32 hex digits, high half first. */
struct mr_digest {
    uint64_t low, high;
};

enum { MR_DIGEST_TEXT_SIZE = 33 };

/* Writes 32 lower-case hex digits and a zero byte. Any thread; wait-free. */
void mr_digest_format(struct mr_digest digest, char text[MR_DIGEST_TEXT_SIZE]);

/* Reads exactly 32 lower-case hex digits; false, leaving `digest` alone, for anything else. Any
 * thread; wait-free. */
bool mr_digest_parse(const char *text, size_t length, struct mr_digest *digest);

/* Any thread; wait-free. */
static inline bool mr_digest_equal(struct mr_digest a, struct mr_digest b)
{
    return a.low == b.low && a.high == b.high;
}

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
