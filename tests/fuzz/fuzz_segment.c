/*
 * The head of a segment. An input is the segment's number (one byte), the first 128 bytes of each
 * copy of the superblock, and changes of the rest, three bytes each: an offset and a value.
 */
#include "tests/fuzz/format.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { COPY = 128, CHANGES = 1 + 2 * COPY };

/* The 16 KiB that an input stands for. */
static void unfold(const uint8_t *data, size_t size, unsigned char *head)
{
    memset(head, 0, MR_SEGMENT_HEAD);
    memcpy(head + MR_SUPERBLOCK_COPY_A, data + 1, COPY);
    memcpy(head + MR_SUPERBLOCK_COPY_B, data + 1 + COPY, COPY);
    for (size_t i = CHANGES; i + 3 <= size; i += 3) {
        head[(data[i] | data[i + 1] << 8) % MR_SEGMENT_HEAD] = data[i + 2];
    }
}

static bool differs(const unsigned char *a, const unsigned char *b, uint64_t copy)
{
    return memcmp(a + copy, b + copy, MR_PAGE_SIZE) != 0;
}

/* Accepted: it can be written again; of a damaged copy, only that one copy differs. */
static void check(const unsigned char *head, uint32_t number, struct mr_superblock superblock,
                  uint64_t offset, bool half)
{
    unsigned char *again = malloc(MR_SEGMENT_HEAD);
    HOLDS(again != NULL);
    HOLDS(superblock.segment == number && superblock.generation > 0);
    HOLDS(mr_segment_bytes_valid(superblock.segment_bytes));
    HOLDS(superblock.segment_bytes > MR_SEGMENT_HEAD + MR_PAGE_SIZE);
    mr_segment_put_head(again, &superblock);
    bool a = differs(head, again, MR_SUPERBLOCK_COPY_A);
    bool b = differs(head, again, MR_SUPERBLOCK_COPY_B);
    HOLDS(!half || offset == MR_SUPERBLOCK_COPY_A || offset == MR_SUPERBLOCK_COPY_B);
    HOLDS(a == (half && offset == MR_SUPERBLOCK_COPY_A));
    HOLDS(b == (half && offset == MR_SUPERBLOCK_COPY_B));
    HOLDS(!differs(head, again, MR_SUPERBLOCK_COPY_A + MR_PAGE_SIZE));
    HOLDS(!differs(head, again, MR_SUPERBLOCK_COPY_B + MR_PAGE_SIZE));
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHANGES) {
        return 0;
    }
    unsigned char *head = malloc(MR_SEGMENT_HEAD);
    unsigned char *stored = malloc(MR_SEGMENT_HEAD);
    HOLDS(head != NULL && stored != NULL);
    unfold(data, size, head);
    memcpy(stored, head, MR_SEGMENT_HEAD);
    struct mr_superblock superblock;
    uint64_t offset = UINT64_MAX;
    bool half;
    uint32_t number = data[0] + UINT32_C(1);
    enum mr_fault fault = mr_segment_get_head(head, number, &superblock, &offset, &half);
    HOLDS(memcmp(head, stored, MR_SEGMENT_HEAD) == 0);
    HOLDS(offset < MR_SEGMENT_HEAD && offset % MR_PAGE_SIZE == 0);
    HOLDS(fault == MR_FAULT_NONE || fault == MR_FAULT_SUPERBLOCK || fault == MR_FAULT_FOREIGN ||
          fault == MR_FAULT_VERSION || fault == MR_FAULT_GARBAGE);
    if (fault == MR_FAULT_NONE) {
        check(head, number, superblock, offset, half);
    }
    free(head);
    free(stored);
    return 0;
}

/* Most mutations only break a checksum; so three of four put one or both right. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size < CHANGES || seed % 4 == 0) {
        return size;
    }
    unsigned char *head = malloc(MR_SEGMENT_HEAD);
    HOLDS(head != NULL);
    unfold(data, size, head);
    if ((seed & 1) != 0) {
        format_repair_superblock(head + MR_SUPERBLOCK_COPY_A);
        memcpy(data + 1, head + MR_SUPERBLOCK_COPY_A, COPY);
    }
    if ((seed & 2) != 0) {
        format_repair_superblock(head + MR_SUPERBLOCK_COPY_B);
        memcpy(data + 1 + COPY, head + MR_SUPERBLOCK_COPY_B, COPY);
    }
    free(head);
    return size;
}
