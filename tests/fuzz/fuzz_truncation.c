/*
 * The truncation record. An input is a byte that says by how many the file is too short, the
 * record's first 128 bytes, and changes of the rest of the page, three bytes each: an offset and a
 * value.
 */
#include "tests/fuzz/format.h"
#include "tests/fuzz/fuzz.h"

#include "journal/truncation.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD = 128, CHANGES = 1 + RECORD };

static void unfold(const uint8_t *data, size_t size, unsigned char *page)
{
    memset(page, 0, MR_PAGE_SIZE);
    memcpy(page, data + 1, RECORD);
    for (size_t i = CHANGES; i + 3 <= size; i += 3) {
        page[(data[i] | data[i + 1] << 8) % MR_PAGE_SIZE] = data[i + 2];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < CHANGES) {
        return 0;
    }
    unsigned char page[MR_PAGE_SIZE], again[MR_PAGE_SIZE];
    unfold(data, size, page);
    size_t stored = sizeof page - data[0];
    unsigned char *exact = malloc(stored);
    HOLDS(exact != NULL);
    memcpy(exact, page, stored);
    struct mr_truncation record;
    enum mr_fault fault = mr_truncation_get(exact, stored, &record);
    HOLDS(memcmp(exact, page, stored) == 0);
    HOLDS(fault == MR_FAULT_NONE || fault == MR_FAULT_RECORD || fault == MR_FAULT_VERSION);
    if (fault == MR_FAULT_NONE) {
        HOLDS(stored == MR_PAGE_SIZE);
        HOLDS(record.state == MR_TRUNCATION_PENDING || record.state == MR_TRUNCATION_DONE);
        HOLDS(record.generation > 1 && record.number > record.keep.index);
        HOLDS(record.offset >= MR_SEGMENT_HEAD && record.offset % MR_PAGE_SIZE == 0);
        mr_truncation_put(again, &record);
        HOLDS(memcmp(again, page, sizeof page) == 0);
    }
    free(exact);
    return 0;
}

/* Its checksum is at the same place as a superblock's, and computed alike. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size >= CHANGES && seed % 4 != 0) {
        unsigned char page[MR_PAGE_SIZE];
        unfold(data, size, page);
        format_repair_superblock(page);
        memcpy(data + 1, page, RECORD);
    }
    return size;
}
