/*
 * Numbers of 128 bits as text. Without a type of that width: freestanding targets have none, or
 * divide it by a call into a library that is not there.
 */
#include "core/catalog/value.h"

enum {
    LIMBS = 4,        /* of 32 bits */
    GROUPS = 5,       /* of 9 digits: 45 are more than the 39 that there can be */
    GROUP_DIGITS = 9, /* as many as a remainder and a limb together can be divided by */
    GROUP = 1000000000,
    HEX_DIGITS_MAX = 32,
};

/* -- Writing. ---------------------------------------------------------------------------------- */

/* Divides the number, highest limb first, by 10^9; returns the remainder. */
static uint32_t divide(uint32_t limbs[LIMBS])
{
    uint64_t rest = 0;
    for (uint32_t i = 0; i < LIMBS; i++) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / GROUP);
        rest %= GROUP;
    }
    return (uint32_t)rest;
}

void mr_write_u128(struct mr_writer *writer, struct mr_u128 value)
{
    uint32_t limbs[LIMBS] = {(uint32_t)(value.high >> 32), (uint32_t)value.high,
                             (uint32_t)(value.low >> 32), (uint32_t)value.low};
    char digits[GROUPS * GROUP_DIGITS];
    for (uint32_t group = GROUPS; group-- > 0;) {
        uint32_t rest = divide(limbs);
        for (uint32_t i = GROUP_DIGITS; i-- > 0; rest /= 10) {
            digits[group * GROUP_DIGITS + i] = (char)('0' + rest % 10);
        }
    }
    size_t first = 0;
    while (first + 1 < sizeof digits && digits[first] == '0') {
        first++;
    }
    mr_write_bytes(writer, digits + first, sizeof digits - first);
}

/* -- Reading. ---------------------------------------------------------------------------------- */

static bool fail(struct mr_writer *why, const char *text, size_t length, const char *reason)
{
    mr_write_quoted(why, text, length);
    mr_write_text(why, reason);
    return false;
}

/* 10 * a + digit; true: it did not fit. */
static bool append_digit(struct mr_u128 a, uint64_t digit, struct mr_u128 *sum)
{
    struct mr_u128 two, four, five, ten;
    bool over = mr_u128_add(a, a, &two);
    over |= mr_u128_add(two, two, &four);
    over |= mr_u128_add(four, a, &five);
    over |= mr_u128_add(five, five, &ten);
    return mr_u128_add(ten, mr_u128_of(0, digit), sum) || over;
}

static bool decimal_read(const char *text, size_t length, struct mr_u128 *value,
                         struct mr_writer *why)
{
    if (!mr_is_digits(text, length)) {
        return fail(why, text, length, " is not a whole number in plain decimal digits, or 0x...");
    }
    struct mr_u128 number = mr_u128_of(0, 0);
    for (size_t i = 0; i < length; i++) {
        if (append_digit(number, (uint64_t)(text[i] - '0'), &number)) {
            (void)fail(why, text, length, " is out of range: 0 to ");
            mr_write_u128(why, mr_u128_max());
            return false;
        }
    }
    *value = number;
    return true;
}

static bool hex_read(const char *text, size_t length, struct mr_u128 *value, struct mr_writer *why)
{
    struct mr_u128 number = mr_u128_of(0, 0);
    bool good = length > 2 && length <= 2 + HEX_DIGITS_MAX;
    for (size_t i = 2; good && i < length; i++) {
        unsigned digit = mr_hex_digit(text[i]);
        good = digit < 16;
        number = mr_u128_of(number.high << 4 | number.low >> 60, number.low << 4 | digit);
    }
    if (!good) {
        return fail(why, text, length, " is not 0x and 1 to 32 hex digits in lower case");
    }
    *value = number;
    return true;
}

bool mr_u128_read(const char *text, size_t length, struct mr_u128 *value, struct mr_writer *why)
{
    bool hex = length >= 2 && text[0] == '0' && text[1] == 'x';
    return hex ? hex_read(text, length, value, why) : decimal_read(text, length, value, why);
}
