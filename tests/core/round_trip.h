/*
 * Commands that are written as text and read again.
 */
#ifndef MR_TESTS_CORE_ROUND_TRIP_H
#define MR_TESTS_CORE_ROUND_TRIP_H

#include "tests/core/rig.h"

#include <millrace/text.h>

enum { ROOM = 64 << 10 };

union room {
    struct mr_command header;
    unsigned char bytes[ROOM];
};

/* Values that a field can have, edges among them; whether the text form can name them or not. */
static inline void random_value(const struct mr_field *field, unsigned char *body,
                                struct mr_random *random, bool plain)
{
    unsigned char *at = body + field->offset;
    uint64_t value = mr_random_u64(random);
    value = mr_random_chance(random, 1, 4)   ? 0
            : mr_random_chance(random, 1, 4) ? UINT64_MAX
            : mr_random_chance(random, 1, 4) ? UINT64_C(1) << 63
                                             : value;
    if (!plain) {
        for (uint32_t i = 0; i < field->size; i++) {
            at[i] = (unsigned char)mr_random_u64(random);
        }
        if (field->size >= 16 && mr_random_chance(random, 1, 2)) {
            memcpy(at, "text\0hidden\0\0\0\0", 16);
        }
        return;
    }
    switch (field->kind) {
    case MR_FIELD_u8:
    case MR_FIELD_u16:
    case MR_FIELD_u32:
    case MR_FIELD_u64:
    case MR_FIELD_i64:
        memcpy(at, &value, field->size);
        break;
    case MR_FIELD_id128:
        memcpy(at, &value, 8);
        memcpy(at + 8, &value, 8);
        break;
    case MR_FIELD_text16:
    case MR_FIELD_text32: {
        uint64_t length = mr_random_below(random, field->size + UINT64_C(1));
        for (uint64_t i = 0; i < length; i++) {
            at[i] = (unsigned char)(33 + mr_random_below(random, 94));
        }
        break;
    }
    case MR_FIELD_reason: {
        static const uint32_t codes[] = {0, MR_REASON_TOO_OLD, 64, 65, MR_REASON_UNKNOWN_TYPE};
        memcpy(at, &codes[mr_random_below(random, 5)], 4);
        break;
    }
    case MR_FIELD_enum8:
        do {
            *at = (unsigned char)mr_random_below(random, field->names->count);
        } while (field->names->names[*at] == NULL);
        break;
    case MR_FIELD_u128: {
        struct mr_u128 wide = mr_u128_of(mr_random_chance(random, 1, 2) ? 0 : value, ~value);
        memcpy(at, &wide, field->size);
        break;
    }
    case MR_FIELD_flags16:
        value = mr_random_chance(random, 1, 2) ? value >> 48 : UINT64_C(1) << value % 16;
        memcpy(at, &value, field->size);
        break;
    case MR_FIELD_pad:
        break;
    default:
        fail();
    }
}

static inline void random_fields(const struct mr_message *message, unsigned char *body,
                                 struct mr_random *random, bool plain)
{
    for (uint16_t i = 0; i < message->field_count; i++) {
        random_value(&message->fields[i], body, random, plain);
    }
}

static inline void random_header(struct mr_command *command, struct mr_random *random)
{
    uint64_t *words[] = {&command->sequence, &command->time_ns,     &command->session,
                         &command->request,  &command->correlation, &command->cause};
    for (int i = 0; i < 6; i++) {
        *words[i] = mr_random_chance(random, 1, 3) ? 0 : mr_random_u64(random);
    }
    command->more = mr_random_chance(random, 1, 3);
    command->role = (uint8_t)mr_random_below(random, mr_random_chance(random, 1, 8) ? 256 : 3);
}

static inline void expect_round_trip(const struct mr_logic *logic, const struct mr_command *command)
{
    static char line[MR_TEXT_LINE_MAX + 1];
    static union room read;
    struct mr_text_error error = {0};
    size_t length = mr_text_command_write(logic, command, line, sizeof line);
    assert_true(length < sizeof line);
    assert_int_equal(strlen(line), length);
    memset(&read, 0xa5, sizeof read);
    enum mr_text_outcome outcome =
        mr_text_command_read(logic, line, length, &read.header, sizeof read, NULL, &error);
    if (outcome != MR_TEXT_COMMAND) {
        fail_msg("%s\ncolumn %u: %s", line, error.column, error.text);
    }
    if (read.header.length != command->length || memcmp(&read, command, command->length) != 0) {
        fail_msg("%s\nwas read as another command", line);
    }
}

#endif
