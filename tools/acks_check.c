/*
 * Whether a journal keeps what a file of acknowledgements promised.
 */
#include "tools/acks.h"

#include "base/storage.h"
#include "engine/applier.h"

#include <millrace/journal.h>
#include <millrace/message.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct promise {
    uint64_t sequence, request;
};

struct promises {
    struct promise *items;
    size_t count, room;
};

/* -- The file. --------------------------------------------------------------------------------- */

/* Digits and the character that ends them; NULL when it is something else. */
static const char *read_number(const char *text, char end, uint64_t *value)
{
    const char *start = text;
    *value = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (uint64_t)(*text - '0'), value)) {
            return NULL;
        }
    }
    return text > start && *text == end ? text + 1 : NULL;
}

static bool keep(struct promises *promises, struct promise promise)
{
    if (promises->count == promises->room) {
        size_t room = promises->room == 0 ? 4096 : promises->room * 2;
        struct promise *items = reallocarray(promises->items, room, sizeof *items);
        if (items == NULL) {
            return false;
        }
        promises->items = items;
        promises->room = room;
    }
    promises->items[promises->count++] = promise;
    return true;
}

static int read_lines(FILE *file, const char *path, struct promises *promises,
                      struct mr_error *error)
{
    char line[64];
    while (fgets(line, sizeof line, file) != NULL) {
        struct promise promise;
        const char *next = read_number(line, ' ', &promise.sequence);
        next = next == NULL ? NULL : read_number(next, '\n', &promise.request);
        if (next == NULL && strchr(line, '\n') == NULL && feof(file)) {
            break; /* cut by a kill */
        }
        if (next == NULL || *next != '\0') {
            return mr_error_set(error, MR_E_INVALID,
                                "%s:%zu: not a line 'sequence request', as run --acks writes", path,
                                promises->count + 1);
        }
        if (!keep(promises, promise)) {
            return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the lines of '%s'", path);
        }
    }
    return ferror(file) ? mr_error_set_errno(error, errno, "cannot read '%s'", path) : MR_OK;
}

static int read_file(const char *path, struct promises *promises, struct mr_error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return mr_error_set_errno(error, errno, "cannot read '%s'", path);
    }
    int status = read_lines(file, path, promises, error);
    (void)fclose(file);
    return status;
}

/* Stored answers, given again, come with old sequences: the lines need not rise. */
static int compare(const void *left, const void *right)
{
    const struct promise *a = left, *b = right;
    if (a->sequence != b->sequence) {
        return a->sequence < b->sequence ? -1 : 1;
    }
    return a->request < b->request ? -1 : a->request > b->request;
}

/* -- The journal. ------------------------------------------------------------------------------ */

static void note_missing(struct acks_report *report, const struct promise *promise)
{
    if (report->missing++ == 0) {
        report->first_sequence = promise->sequence;
        report->first_request = promise->request;
    }
}

/* Compares the promises from number `next` on that fall into the entry; returns the next one. */
static size_t check_entry(const struct mr_entry *entry, const struct promises *promises,
                          size_t next, struct acks_report *report)
{
    const unsigned char *at = mr_entry_commands(entry);
    uint64_t left = entry->length - MR_ENTRY_SIZE;
    for (uint32_t i = 0; i < entry->count && next < promises->count; i++) {
        const struct mr_command *command = mr_command_at(at, left);
        if (command == NULL) {
            break;
        }
        while (next < promises->count && promises->items[next].sequence <= command->sequence) {
            const struct promise *promise = &promises->items[next++];
            if (promise->sequence != command->sequence || promise->request != command->request) {
                note_missing(report, promise);
            }
        }
        at += command->length;
        left -= command->length;
    }
    return next;
}

static int check_all(struct mr_storage *storage, const struct promises *promises,
                     struct acks_report *report, struct mr_error *error)
{
    struct mr_recovery plan;
    int status = mr_journal_plan(storage, &plan, NULL, error);
    struct mr_reader *reader = NULL;
    size_t next = 0;
    if (status == MR_OK && plan.last_index > 0) {
        status = mr_reader_open(storage, &(struct mr_reader_options){.last_index = plan.last_index},
                                &reader, error);
        const struct mr_entry *entry;
        while (status == MR_OK && (status = mr_reader_next(reader, &entry, NULL, error)) == MR_OK) {
            next = check_entry(entry, promises, next, report);
        }
        if (reader != NULL) {
            mr_reader_close(reader);
        }
    }
    if (status != MR_OK && status != MR_AGAIN) {
        return status;
    }
    for (; next < promises->count; next++) {
        note_missing(report, &promises->items[next]);
    }
    return MR_OK;
}

int acks_check(const char *path, const char *directory, struct acks_report *report,
               struct mr_error *error)
{
    memset(report, 0, sizeof *report);
    struct promises promises = {0};
    struct mr_storage *storage = NULL;
    int status = read_file(path, &promises, error);
    if (status == MR_OK) {
        status = mr_storage_open_files(directory, false, &storage, error);
    }
    if (status == MR_OK) {
        if (promises.count > 0) {
            qsort(promises.items, promises.count, sizeof *promises.items, compare);
        }
        report->lines = promises.count;
        report->last_sequence =
            promises.count == 0 ? 0 : promises.items[promises.count - 1].sequence;
        status = check_all(storage, &promises, report, error);
        storage->calls->destroy(storage);
    }
    free(promises.items);
    return status;
}
