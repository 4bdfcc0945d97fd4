/*
 * What a compiler calls by itself, where there is neither a C library nor its own. Built without
 * builtins, lest these functions call themselves.
 */
#include "base/assert.h"
#include "tests/digests/by_core.h"

#include <stdint.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
__extension__ typedef __int128 wide;
wide __multi3(wide a, wide b);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    }
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    if ((uintptr_t)to <= (uintptr_t)from) {
        return memcpy(to, from, size);
    }
    for (size_t i = size; i > 0; i--) {
        ((unsigned char *)to)[i - 1] = ((const unsigned char *)from)[i - 1];
    }
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = (unsigned char)byte;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];
        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}

/* The product modulo 2^128: halves of 64 bits, of which the low ones are multiplied in quarters. */
wide __multi3(wide a, wide b)
{
    uint64_t a_low = (uint64_t)a, b_low = (uint64_t)b;
    uint64_t a0 = (uint32_t)a_low, a1 = a_low >> 32;
    uint64_t b0 = (uint32_t)b_low, b1 = b_low >> 32;
    uint64_t low = a0 * b0;
    uint64_t middle = a1 * b0 + (low >> 32);
    uint64_t other = a0 * b1 + (uint32_t)middle;
    uint64_t high = a1 * b1 + (middle >> 32) + (other >> 32);
    high += (uint64_t)(a >> 64) * b_low + a_low * (uint64_t)(b >> 64);
    return (wide)high << 64 | (wide)(other << 32 | (uint32_t)low);
}

_Noreturn void mr_assert_failed(const char *expression, const char *file, int line)
{
    (void)file;
    (void)line;
    size_t length = 0;
    while (expression[length] != '\0') {
        length++;
    }
    print_line("broken invariant: ", 18);
    print_line(expression, length);
    __builtin_trap();
}
