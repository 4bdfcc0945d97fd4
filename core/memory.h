/*
 * Bytes, without the C library: core/ compiles freestanding. The compiler turns these into plain
 * moves or into calls of memcpy, memset and memcmp, which every target has.
 */
#ifndef MR_CORE_MEMORY_H
#define MR_CORE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void mr_copy(void *to, const void *from, size_t size)
{
    __builtin_memcpy(to, from, size);
}

static inline void mr_zero(void *to, size_t size)
{
    __builtin_memset(to, 0, size);
}

static inline bool mr_equal(const void *a, const void *b, size_t size)
{
    return __builtin_memcmp(a, b, size) == 0;
}

static inline bool mr_is_zero(const void *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes;
    unsigned char any = 0;
    for (size_t i = 0; i < size; i++) {
        any |= at[i];
    }
    return any == 0;
}

static inline size_t mr_length(const char *text)
{
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}

/* Whether the `length` bytes at `text` are exactly the string `other`. */
static inline bool mr_same_text(const char *text, size_t length, const char *other)
{
    size_t same = 0;
    while (same < length && other[same] != 0 && other[same] == text[same]) {
        same++;
    }
    return same == length && other[same] == 0;
}

static inline bool mr_starts_with(const char *text, const char *prefix)
{
    while (*prefix != 0 && *text == *prefix) {
        text++;
        prefix++;
    }
    return *prefix == 0;
}

#endif
