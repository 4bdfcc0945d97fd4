/*
 * Flags as text: the names of the bits that are set, with commas between. Bits that have no name
 * come last, together, as a number; no flags at all are 0.
 */
#include "core/catalog/value.h"

enum { FLAGS = 16 };

uint16_t mr_flags_unnamed(const struct mr_enum_names *names, uint16_t flags)
{
    for (uint32_t i = 0; i < FLAGS; i++) {
        if (mr_enum_name(names, i) != NULL) {
            flags &= (uint16_t) ~(UINT32_C(1) << i);
        }
    }
    return flags;
}

/* -- Writing. ---------------------------------------------------------------------------------- */

void mr_flags_write(struct mr_writer *writer, const struct mr_enum_names *names, uint16_t flags,
                    const char *comma)
{
    const char *before = "";
    for (uint32_t i = 0; i < FLAGS; i++) {
        if ((flags & UINT32_C(1) << i) != 0 && mr_enum_name(names, i) != NULL) {
            mr_write_text(writer, before);
            mr_write_text(writer, mr_enum_name(names, i));
            before = comma;
        }
    }
    uint16_t unnamed = mr_flags_unnamed(names, flags);
    if (unnamed != 0 || flags == 0) {
        mr_write_text(writer, before);
        mr_write_u64(writer, unnamed);
    }
}

/* -- Reading. ---------------------------------------------------------------------------------- */

static bool is_numeric(const char *text, size_t length)
{
    return length > 0 && text[0] >= '0' && text[0] <= '9';
}

/* One name, or a number that stands for several. */
static bool item_read(const struct mr_enum_names *names, const char *text, size_t length,
                      uint64_t *bits, struct mr_writer *why)
{
    if (names->count == 0 || is_numeric(text, length)) {
        return mr_number_read(text, length, UINT16_MAX, bits, why);
    }
    uint32_t place;
    if (!mr_name_read(names, text, length, &place, why)) {
        return false;
    }
    *bits = UINT64_C(1) << place;
    return true;
}

static bool fail(struct mr_writer *why, const char *text, size_t length, const char *reason)
{
    mr_write_quoted(why, text, length);
    mr_write_text(why, reason);
    return false;
}

bool mr_flags_read(const struct mr_enum_names *names, const char *text, size_t length,
                   uint16_t *flags, struct mr_writer *why)
{
    uint64_t seen = 0;
    size_t begin = 0;
    for (size_t end = 0; end <= length; end++) {
        if (end < length && text[end] != ',') {
            continue;
        }
        uint64_t bits;
        if (end == begin) {
            return fail(why, text, length, " lacks a flag: none at all are 0");
        }
        if (!item_read(names, text + begin, end - begin, &bits, why)) {
            return false;
        }
        if (bits == 0 && length != 1) {
            return fail(why, text, length, " has 0, which stands alone for no flags");
        }
        if ((seen & bits) != 0) {
            return fail(why, text + begin, end - begin, " is given twice");
        }
        seen |= bits;
        begin = end + 1;
    }
    *flags = (uint16_t)seen;
    return true;
}
