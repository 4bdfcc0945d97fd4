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
