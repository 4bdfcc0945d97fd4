#include "base/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>

static struct mr_digest from_xxh(XXH128_hash_t hash)
{
    return (struct mr_digest){.low = hash.low64, .high = hash.high64};
}

struct mr_digest mr_digest_of(const void *bytes, size_t size)
{
    return from_xxh(XXH3_128bits(bytes, size));
}

struct mr_digest mr_digest_seeded(const void *bytes, size_t size, uint64_t seed)
{
    return from_xxh(XXH3_128bits_withSeed(bytes, size, seed));
}

struct mr_digest_stream *mr_digest_begin(void)
{
    XXH3_state_t *state = XXH3_createState();
    if (state != NULL) {
        XXH3_128bits_reset(state);
    }
    return (struct mr_digest_stream *)(void *)state;
}

void mr_digest_add(struct mr_digest_stream *stream, const void *bytes, size_t size)
{
    XXH3_128bits_update((XXH3_state_t *)(void *)stream, bytes, size);
}

struct mr_digest mr_digest_end(struct mr_digest_stream *stream)
{
    XXH3_state_t *state = (XXH3_state_t *)(void *)stream;
    struct mr_digest digest = from_xxh(XXH3_128bits_digest(state));
    XXH3_freeState(state);
    return digest;
}

void mr_digest_format(struct mr_digest digest, char text[MR_DIGEST_TEXT_SIZE])
{
    snprintf(text, MR_DIGEST_TEXT_SIZE, "%016llx%016llx", (unsigned long long)digest.high,
             (unsigned long long)digest.low);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return -1;
}

bool mr_digest_parse(const char *text, size_t length, struct mr_digest *digest)
{
    if (length != 32) {
        return false;
    }
    uint64_t halves[2] = {0, 0};
    for (size_t i = 0; i < 32; i++) {
        int value = hex_value(text[i]);
        if (value < 0) {
            return false;
        }
        halves[i / 16] = (halves[i / 16] << 4) | (uint64_t)value;
    }
    *digest = (struct mr_digest){.low = halves[1], .high = halves[0]};
    return true;
}
