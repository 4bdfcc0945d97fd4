/*
 * Damaged journals. The first byte of an input chooses a small journal that the writer made
 * (bases.h), the rest are changes of its files, eight bytes each: what, segment, page, place in the
 * page (2), value (3). Some put checksums right again, so that what is behind them is met.
 */
#ifndef MR_TESTS_FUZZ_DAMAGES_H
#define MR_TESTS_FUZZ_DAMAGES_H

#include "tests/support/memory_storage.h"

struct damage {
    struct memory_storage *memory; /* NULL: the input is none */
    bool forged;                   /* a checksum was put right: anything may be claimed */
    bool flipped;                  /* nothing but bits that flipped */
};

struct damage damages_make(const uint8_t *data, size_t size);

#endif
