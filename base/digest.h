/*
 * Computing 128-bit digests (XXH3-128, from libxxhash).
 */
#ifndef MR_BASE_DIGEST_H
#define MR_BASE_DIGEST_H

#include <millrace/digest.h>

/* Digest of `size` bytes. Any thread. */
struct mr_digest mr_digest_of(const void *bytes, size_t size);

/* The same, seeded: equal bytes under different seeds give unrelated digests. */
struct mr_digest mr_digest_seeded(const void *bytes, size_t size, uint64_t seed);

/* A digest over several pieces, in order: begin, then add each, then end. `state` is allocated at
 * begin and freed at end; never on the hot path. NULL from begin means no memory. */
struct mr_digest_stream;
struct mr_digest_stream *mr_digest_begin(void);
void mr_digest_add(struct mr_digest_stream *stream, const void *bytes, size_t size);
struct mr_digest mr_digest_end(struct mr_digest_stream *stream);

#endif
