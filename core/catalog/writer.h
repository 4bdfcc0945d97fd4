/*
 * Text into the caller's buffer, as snprintf does it: what does not fit is counted all the same.
 */
#ifndef MR_CORE_CATALOG_WRITER_H
#define MR_CORE_CATALOG_WRITER_H

#include "core/memory.h"

struct mr_writer {
    char *buffer;
    size_t size;
    size_t length; /* of all the text, also of what did not fit */
};

static inline struct mr_writer mr_writer_to(char *buffer, size_t size)
{
    return (struct mr_writer){.buffer = buffer, .size = size};
}

static inline void mr_write_bytes(struct mr_writer *writer, const char *text, size_t length)
{
    if (writer->length < writer->size) {
        size_t room = writer->size - writer->length;
        mr_copy(writer->buffer + writer->length, text, length < room ? length : room);
    }
    writer->length += length;
}

static inline void mr_write_char(struct mr_writer *writer, char c)
{
    if (writer->length < writer->size) {
        writer->buffer[writer->length] = c;
    }
    writer->length++;
}

static inline void mr_write_text(struct mr_writer *writer, const char *text)
{
    mr_write_bytes(writer, text, mr_length(text));
}

static inline void mr_write_u64(struct mr_writer *writer, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    mr_write_bytes(writer, digits + at, sizeof digits - at);
}

static inline void mr_write_i64(struct mr_writer *writer, int64_t value)
{
    if (value < 0) {
        mr_write_char(writer, '-');
    }
    mr_write_u64(writer, value < 0 ? UINT64_C(0) - (uint64_t)value : (uint64_t)value);
}

static inline void mr_write_hex(struct mr_writer *writer, const void *bytes, size_t size)
{
    const unsigned char *at = (const unsigned char *)bytes;
    for (size_t i = 0; i < size; i++) {
        mr_write_char(writer, "0123456789abcdef"[at[i] >> 4]);
        mr_write_char(writer, "0123456789abcdef"[at[i] & 15]);
    }
}

/* Ends the text with a zero, at the cost of its last byte if it did not fit; returns its length. */
static inline size_t mr_write_end(struct mr_writer *writer)
{
    if (writer->size > 0) {
        size_t last = writer->size - 1;
        writer->buffer[writer->length < last ? writer->length : last] = 0;
    }
    return writer->length;
}

#endif
