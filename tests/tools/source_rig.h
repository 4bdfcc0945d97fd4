/*
 * Files to read from, and sources to read them with, for tests.
 */
#ifndef MR_TESTS_TOOLS_SOURCE_RIG_H
#define MR_TESTS_TOOLS_SOURCE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "tests/support/temp_directory.h"
#include "tools/source.h"

#include <millrace/book.h>

struct rig {
    char directory[PATH_MAX];
    char path[PATH_MAX + 16]; /* of the file */
    struct source *source;
    struct mr_error error;
    union {
        struct mr_command header;
        unsigned char bytes[256];
    } command;
};

static inline uint64_t rig_seed(void)
{
    const char *text = getenv("MR_SEED");
    uint64_t seed = text == NULL ? 20150501 : strtoull(text, NULL, 10);
    printf("MR_SEED=%" PRIu64 "\n", seed);
    return seed;
}

static inline int rig_set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    assert_non_null(rig);
    mr_temp_directory_make(rig->directory);
    (void)snprintf(rig->path, sizeof rig->path, "%s/input", rig->directory);
    *state = rig;
    return 0;
}

static inline void rig_close(struct rig *rig)
{
    if (rig->source != NULL)
        rig->source->calls->close(rig->source);
    rig->source = NULL;
}

static inline int rig_tear_down(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    mr_temp_directory_remove(rig->directory);
    free(rig);
    return 0;
}

static inline void rig_write(const struct rig *rig, const void *bytes, size_t size)
{
    FILE *file = fopen(rig->path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Opens a source on `input`, NULL: the rig's file. */
static inline int rig_open(struct rig *rig, const char *input, const char *format)
{
    const struct source_options options = {
        .input = input == NULL ? rig->path : input,
        .format = format,
        .logic = &mr_logic_book,
        .session = SESSION_IMPORTER,
        .role = MR_ROLE_USER,
    };
    rig_close(rig);
    memset(&rig->error, 0, sizeof rig->error);
    return source_open(&options, &rig->source, &rig->error);
}

static inline enum source_outcome rig_next(struct rig *rig)
{
    memset(&rig->command, 0xa5, sizeof rig->command);
    rig->command.header.more = 0;
    return rig->source->calls->next(rig->source, &rig->command.header, &rig->error);
}

static inline const void *rig_body(const struct rig *rig)
{
    return mr_command_body(&rig->command.header);
}

/* The whole input as text and at once. */
static inline void rig_open_text(struct rig *rig, const char *text, const char *format)
{
    rig_write(rig, text, strlen(text));
    if (rig_open(rig, NULL, format) != MR_OK)
        fail_msg("%s", rig->error.text);
}

#endif
