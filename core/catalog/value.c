#include "core/catalog/value.h"

enum { QUOTED_MAX = 40 };

static const unsigned char *at_field(const struct mr_field *field, const void *body)
{
    return (const unsigned char *)body + field->offset;
}

/* A little-endian number of the field's size. */
static uint64_t load(const struct mr_field *field, const void *body)
{
    uint64_t value = 0;
    mr_copy(&value, at_field(field, body), field->size);
    return value;
}

const char *mr_enum_name(const struct mr_enum_names *names, uint32_t value)
{
    return value < names->count ? names->names[value] : NULL;
}

static bool is_printable(char c)
{
    return c > ' ' && c <= '~';
}

/* Where the text ends; its size if it fills the field. */
static size_t text_length(const char *text, size_t size)
{
    size_t length = 0;
    while (length < size && text[length] != 0) {
        length++;
    }
    return length;
}

static bool text_is_plain(const char *text, size_t size)
{
    size_t length = text_length(text, size);
    for (size_t i = 0; i < length; i++) {
        if (!is_printable(text[i])) {
            return false;
        }
    }
    return mr_is_zero(text + length, size - length);
}

bool mr_value_is_plain(const struct mr_catalog *catalog, const struct mr_field *field,
                       const void *body)
{
    switch (field->kind) {
    case MR_FIELD_text16:
    case MR_FIELD_text32:
        return text_is_plain((const char *)at_field(field, body), field->size);
    case MR_FIELD_reason: {
        uint32_t code = (uint32_t)load(field, body);
        return code == 0 || mr_catalog_reason(catalog, code) != NULL;
    }
    case MR_FIELD_enum8:
        return mr_enum_name(field->names, (uint32_t)load(field, body)) != NULL;
    case MR_FIELD_pad:
        return mr_is_zero(at_field(field, body), field->size);
    case MR_FIELD_u8:
    case MR_FIELD_u16:
    case MR_FIELD_u32:
    case MR_FIELD_u64:
    case MR_FIELD_i64:
    case MR_FIELD_id128:
    case MR_FIELD_u128:
    case MR_FIELD_flags16:
    default:
        return true;
    }
}

bool mr_body_is_plain(const struct mr_catalog *catalog, const struct mr_message *message,
                      const void *body)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        if (!mr_value_is_plain(catalog, &message->fields[i], body)) {
            return false;
        }
    }
    return true;
}

bool mr_value_is_number(const struct mr_field *field)
{
    return field->kind <= MR_FIELD_i64;
}

uint16_t mr_value_flags(const struct mr_field *field, const void *body)
{
    return (uint16_t)load(field, body);
}

void mr_value_write(struct mr_writer *writer, const struct mr_catalog *catalog,
                    const struct mr_field *field, const void *body)
{
    const char *text = (const char *)at_field(field, body);
    struct mr_u128 wide;
    switch (field->kind) {
    case MR_FIELD_i64:
        mr_write_i64(writer, (int64_t)load(field, body));
        break;
    case MR_FIELD_id128:
        mr_write_hex(writer, text, field->size);
        break;
    case MR_FIELD_text16:
    case MR_FIELD_text32:
        mr_write_bytes(writer, text, text_length(text, field->size));
        break;
    case MR_FIELD_reason:
        mr_write_text(writer, mr_catalog_reason_name(catalog, (uint32_t)load(field, body)));
        break;
    case MR_FIELD_enum8:
        mr_write_text(writer, mr_enum_name(field->names, (uint32_t)load(field, body)));
        break;
    case MR_FIELD_u128:
        mr_copy(&wide, text, sizeof wide);
        mr_write_u128(writer, wide);
        break;
    case MR_FIELD_flags16:
        mr_flags_write(writer, field->names, mr_value_flags(field, body), ",");
        break;
    case MR_FIELD_u8:
    case MR_FIELD_u16:
    case MR_FIELD_u32:
    case MR_FIELD_u64:
    case MR_FIELD_pad:
    default:
        mr_write_u64(writer, load(field, body));
        break;
    }
}

/* -- Reading. ---------------------------------------------------------------------------------- */

void mr_write_quoted(struct mr_writer *writer, const char *text, size_t length)
{
    mr_write_char(writer, '\'');
    for (size_t i = 0; i < length && i < QUOTED_MAX; i++) {
        char c = text[i];
        if (!is_printable(c)) {
            c = '?';
        }
        mr_write_char(writer, c);
    }
    mr_write_text(writer, length > QUOTED_MAX ? "...'" : "'");
}

bool mr_is_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
    }
    return length > 0 && (length == 1 || text[0] != '0');
}

/* False: more than 64 bits hold. */
static bool digits_value(const char *text, size_t length, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < length; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (*value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        *value = *value * 10 + digit;
    }
    return true;
}

bool mr_number_read(const char *text, size_t length, uint64_t max, uint64_t *value,
                    struct mr_writer *why)
{
    uint64_t number;
    if (!mr_is_digits(text, length)) {
        mr_write_quoted(why, text, length);
        mr_write_text(why, " is not a whole number in plain decimal digits");
        return false;
    }
    if (!digits_value(text, length, &number) || number > max) {
        mr_write_quoted(why, text, length);
        mr_write_text(why, " is out of range: 0 to ");
        mr_write_u64(why, max);
        return false;
    }
    *value = number;
    return true;
}

static bool signed_read(const char *text, size_t length, int64_t *value, struct mr_writer *why)
{
    bool negative = length > 0 && text[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    uint64_t number;
    if (!mr_is_digits(text + negative, length - negative)) {
        mr_write_quoted(why, text, length);
        mr_write_text(why, " is not a whole number in plain decimal digits");
        return false;
    }
    if (!digits_value(text + negative, length - negative, &number) || number > limit) {
        mr_write_quoted(why, text, length);
        mr_write_text(why, " is out of range: ");
        mr_write_i64(why, INT64_MIN);
        mr_write_text(why, " to ");
        mr_write_i64(why, INT64_MAX);
        return false;
    }
    *value = (int64_t)(negative ? UINT64_C(0) - number : number);
    return true;
}

enum { NO_DIGIT = 16 };

unsigned mr_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : NO_DIGIT;
}

bool mr_hex_read(const char *text, size_t length, void *bytes, size_t size)
{
    if (length % 2 != 0 || length / 2 != size) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (mr_hex_digit(text[i]) == NO_DIGIT) {
            return false;
        }
    }
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)bytes)[i] =
            (unsigned char)(mr_hex_digit(text[2 * i]) << 4 | mr_hex_digit(text[2 * i + 1]));
    }
    return true;
}

static bool text_read(char *to, size_t size, const char *text, size_t length, struct mr_writer *why)
{
    if (length > size) {
        mr_write_quoted(why, text, length);
        mr_write_text(why, " is longer than ");
        mr_write_u64(why, size);
        mr_write_text(why, " characters");
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        if (!is_printable(text[i])) {
            mr_write_quoted(why, text, length);
            mr_write_text(why, " has a character that is not printable ASCII");
            return false;
        }
    }
    mr_zero(to, size);
    mr_copy(to, text, length);
    return true;
}

bool mr_name_read(const struct mr_enum_names *names, const char *text, size_t length,
                  uint32_t *value, struct mr_writer *why)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->names[i] != NULL && mr_same_text(text, length, names->names[i])) {
            *value = i;
            return true;
        }
    }
    mr_write_quoted(why, text, length);
    const char *before = " is none of ";
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->names[i] != NULL) {
            mr_write_text(why, before);
            mr_write_text(why, names->names[i]);
            before = ", ";
        }
    }
    return false;
}

static bool reason_read(const struct mr_catalog *catalog, unsigned char *to, const char *text,
                        size_t length, struct mr_writer *why)
{
    uint32_t code = 0;
    if (!mr_same_text(text, length, "none")) {
        const struct mr_reason *reason = mr_catalog_reason_named(catalog, text, length);
        if (reason == NULL) {
            mr_write_quoted(why, text, length);
            mr_write_text(why, " is no reason of the catalog");
            return false;
        }
        code = reason->code;
    }
    mr_copy(to, &code, sizeof code);
    return true;
}

static bool enum_read(const struct mr_enum_names *names, unsigned char *to, const char *text,
                      size_t length, struct mr_writer *why)
{
    uint32_t value;
    if (!mr_name_read(names, text, length, &value, why)) {
        return false;
    }
    *to = (unsigned char)value;
    return true;
}

/* The kinds that are a number, whatever it is written as. */
static bool numeric_read(const struct mr_field *field, void *to, const char *text, size_t length,
                         struct mr_writer *why)
{
    union {
        uint64_t number;
        int64_t with_sign;
        struct mr_u128 wide;
        uint16_t flags;
    } value;
    bool read;
    if (field->kind == MR_FIELD_i64) {
        read = signed_read(text, length, &value.with_sign, why);
    } else if (field->kind == MR_FIELD_u128) {
        read = mr_u128_read(text, length, &value.wide, why);
    } else if (field->kind == MR_FIELD_flags16) {
        read = mr_flags_read(field->names, text, length, &value.flags, why);
    } else {
        uint64_t max = UINT64_MAX >> (64 - 8 * field->size);
        read = mr_number_read(text, length, max, &value.number, why);
    }
    if (read) {
        mr_copy(to, &value, field->size);
    }
    return read;
}

bool mr_value_read(const struct mr_catalog *catalog, const struct mr_field *field, void *body,
                   const char *text, size_t length, struct mr_writer *why)
{
    unsigned char *to = (unsigned char *)body + field->offset;
    switch (field->kind) {
    case MR_FIELD_id128:
        if (!mr_hex_read(text, length, to, field->size)) {
            mr_write_quoted(why, text, length);
            mr_write_text(why, " is not 32 hex digits in lower case");
            return false;
        }
        return true;
    case MR_FIELD_text16:
    case MR_FIELD_text32:
        return text_read((char *)to, field->size, text, length, why);
    case MR_FIELD_reason:
        return reason_read(catalog, to, text, length, why);
    case MR_FIELD_enum8:
        return enum_read(field->names, to, text, length, why);
    case MR_FIELD_u8:
    case MR_FIELD_u16:
    case MR_FIELD_u32:
    case MR_FIELD_u64:
    case MR_FIELD_i64:
    case MR_FIELD_pad:
    case MR_FIELD_u128:
    case MR_FIELD_flags16:
    default:
        return numeric_read(field, to, text, length, why);
    }
}
