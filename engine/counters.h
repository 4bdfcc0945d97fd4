/*
 * The counters' file as its writer and its reader see it, byte by byte as <millrace/counters.h>
 * tells, and the writer: the making of the file, and the error log in it.
 */
#ifndef MR_ENGINE_COUNTERS_H
#define MR_ENGINE_COUNTERS_H

#include "base/bits.h"

#include <millrace/atomic.h>
#include <millrace/counters.h>

#include <pthread.h>
#include <stddef.h>

#define MR_COUNTERS_MAGIC UINT64_C(0x53544e554f43524d) /* "MRCOUNTS" */

enum {
    MR_COUNTERS_VERSION = 0,
    MR_COUNTERS_HEADER_SIZE = 512,
    MR_COUNTERS_PAGE = 4096,
    MR_COUNTERS_LOCKED = 1, /* flag: the writer holds the lock */
};

struct mr_counters_header {
    uint64_t magic;
    uint32_t version, header_size;
    uint64_t file_size;
    uint32_t groups, group_slots;
    uint32_t error_slots, error_size;
    uint32_t histograms, histogram_size;
    uint64_t values_offset, errors_offset, histograms_offset;
    uint64_t list_hash;
    uint32_t pid, flags;
    uint64_t process_start;
    uint64_t made_ns, made_monotonic_ns;
    uint8_t boot_id[16];
    MR_ATOMIC(uint64_t) journal_id[2];
    char logic[32];
    uint8_t zero[336];
};

enum { MR_ERROR_SLOT_FREE, MR_ERROR_SLOT_WRITING, MR_ERROR_SLOT_THERE };

struct mr_error_slot {
    MR_ATOMIC(uint32_t) state;
    int32_t code;
    uint32_t level, zero;
    MR_ATOMIC(uint64_t) count;
    uint64_t first_ns;
    MR_ATOMIC(uint64_t) last_ns;
    char place[MR_COUNTERS_PLACE_SIZE];
    char text[MR_COUNTERS_TEXT_SIZE];
};

struct mr_histogram_slot {
    MR_ATOMIC(uint64_t) count, sum, min, max;
    uint64_t zero[12];
    MR_ATOMIC(uint64_t) buckets[MR_COUNTERS_BUCKETS];
};

struct mr_counters_file {
    struct mr_counters_header header;
    MR_ATOMIC(uint64_t) values[MR_COUNTERS_PLACES];
    uint8_t zero[256];
    struct mr_error_slot errors[MR_COUNTERS_ERRORS_MAX];
    struct mr_histogram_slot histograms[MR_COUNTERS_HISTOGRAM_COUNT];
    uint8_t rest[1920];
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file is little-endian");
_Static_assert(sizeof(MR_ATOMIC(uint64_t)) == 8, "a value is 8 bytes");
_Static_assert(offsetof(struct mr_counters_header, file_size) == 16, "byte table");
_Static_assert(offsetof(struct mr_counters_header, values_offset) == 48, "byte table");
_Static_assert(offsetof(struct mr_counters_header, list_hash) == 72, "byte table");
_Static_assert(offsetof(struct mr_counters_header, pid) == 80, "byte table");
_Static_assert(offsetof(struct mr_counters_header, made_ns) == 96, "byte table");
_Static_assert(offsetof(struct mr_counters_header, boot_id) == 112, "byte table");
_Static_assert(offsetof(struct mr_counters_header, journal_id) == 128, "byte table");
_Static_assert(offsetof(struct mr_counters_header, logic) == 144, "byte table");
_Static_assert(sizeof(struct mr_counters_header) == MR_COUNTERS_HEADER_SIZE, "byte table");
_Static_assert(offsetof(struct mr_error_slot, count) == 16, "byte table");
_Static_assert(offsetof(struct mr_error_slot, place) == 40, "byte table");
_Static_assert(sizeof(struct mr_error_slot) == 512, "byte table");
_Static_assert(offsetof(struct mr_histogram_slot, buckets) == 128, "byte table");
_Static_assert(sizeof(struct mr_histogram_slot) == 9856, "byte table");
_Static_assert(offsetof(struct mr_counters_file, values) == 512, "byte table");
_Static_assert(offsetof(struct mr_counters_file, errors) == 2048, "byte table");
_Static_assert(offsetof(struct mr_counters_file, histograms) == 18432, "byte table");
_Static_assert(sizeof(struct mr_counters_file) == 69632, "byte table: 17 pages");
_Static_assert(sizeof(struct mr_counters_file) % MR_COUNTERS_PAGE == 0, "whole pages");

/* What the hash in the header is of: the names of all values and histograms and their places. */
uint64_t mr_counters_list_hash(void);

/* -- Who runs where: for the header, and for the reader who asks whether the writer lives. ----- */

/* The 16 bytes of the boot's id; zeros where the system does not tell. */
void mr_boot_id(uint8_t id[16]);
/* When process `pid` started, in ticks since boot, and its state ('R', 'S', 'T', ...); false: there
 * is none. */
bool mr_process_look(uint32_t pid, uint64_t *start, char *state);

/* -- Writing. ---------------------------------------------------------------------------------- */

/* All zero: off, and every call below does nothing. */
struct mr_counters_writer {
    struct mr_counters_file *file; /* mapped; NULL: off */
    pthread_mutex_t errors;        /* of those who add to the error log */
};

/* Makes the file at `path` and maps it. MR_E_IO, MR_E_NO_SPACE, ...: the writer is off. */
int mr_counters_make(struct mr_counters_writer *writer, const char *path, const char *logic,
                     struct mr_error *error);
/* The file stays, with its last numbers; the lock goes. */
void mr_counters_end(struct mr_counters_writer *writer);

/* Adds to the error log: counts what happened at this place with this code before, or notes it as
 * new. Any thread; blocks for a moment when others do so, too. */
void mr_counters_note(struct mr_counters_writer *writer, enum mr_log_level level, const char *place,
                      int code, const char *text);

/* A value that only the caller writes. */
static inline void mr_counters_set(struct mr_counters_writer *writer, enum mr_counter id,
                                   uint64_t value)
{
    if (writer->file != NULL) {
        mr_atomic_store(&writer->file->values[id], value, relaxed);
    }
}

static inline void mr_counters_grow(struct mr_counters_writer *writer, enum mr_counter id,
                                    uint64_t by)
{
    if (writer->file != NULL) {
        uint64_t value = mr_atomic_load(&writer->file->values[id], relaxed);
        mr_atomic_store(&writer->file->values[id], value + by, relaxed);
    }
}

/* A value that several threads write; `by` may be negative. */
static inline void mr_counters_add(struct mr_counters_writer *writer, enum mr_counter id,
                                   int64_t by)
{
    if (writer->file != NULL) {
        (void)mr_atomic_fetch_add(&writer->file->values[id], (uint64_t)by, relaxed);
    }
}

static inline uint64_t mr_counters_get(const struct mr_counters_writer *writer, enum mr_counter id)
{
    return writer->file == NULL ? 0 : mr_atomic_load(&writer->file->values[id], relaxed);
}

static inline uint32_t mr_counters_bucket(uint64_t value)
{
    const uint64_t top = (UINT64_C(1) << MR_COUNTERS_HISTOGRAM_TOP) - 1;
    value = value < top ? value : top;
    uint32_t highest = mr_log2(value | ((2U << MR_COUNTERS_HISTOGRAM_BITS) - 1));
    uint32_t shift = highest - MR_COUNTERS_HISTOGRAM_BITS;
    return (shift << MR_COUNTERS_HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

static inline void mr_counters_raise(MR_ATOMIC(uint64_t) * word, uint64_t by)
{
    mr_atomic_store(word, mr_atomic_load(word, relaxed) + by, relaxed);
}

/* Counts `value` `times` times in a histogram that only the caller writes. */
static inline void mr_counters_record(struct mr_counters_writer *writer,
                                      enum mr_counters_histogram_id id, uint64_t value,
                                      uint64_t times)
{
    if (writer->file == NULL) {
        return;
    }
    struct mr_histogram_slot *slot = &writer->file->histograms[id];
    mr_counters_raise(&slot->count, times);
    mr_counters_raise(&slot->sum, value * times);
    mr_counters_raise(&slot->buckets[mr_counters_bucket(value)], times);
    if (value < mr_atomic_load(&slot->min, relaxed)) {
        mr_atomic_store(&slot->min, value, relaxed);
    }
    if (value > mr_atomic_load(&slot->max, relaxed)) {
        mr_atomic_store(&slot->max, value, relaxed);
    }
}

#endif
