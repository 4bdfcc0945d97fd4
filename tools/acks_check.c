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

/* -- A check: the promises, and how far the journal has kept them.
 * ------------------------------ */

struct acks_check {
    struct promises promises;
    size_t next;
    struct acks_report report;
};

int acks_check_open(const char *path, struct acks_check **check_out, struct mr_error *error)
{
    struct acks_check *check = calloc(1, sizeof *check);
    if (check == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the lines of '%s'", path);
    }
    struct promises *promises = &check->promises;
    int status = read_file(path, promises, error);
    if (status != MR_OK) {
        acks_check_close(check);
        return status;
    }
    if (promises->count > 0) {
        qsort(promises->items, promises->count, sizeof *promises->items, compare);
    }
    *check_out = check;
    return MR_OK;
}

void acks_check_close(struct acks_check *check)
{
    if (check != NULL) {
        free(check->promises.items);
    }
    free(check);
}

void acks_check_entry(struct acks_check *check, const struct mr_entry *entry)
{
    if (entry->index == 1) { /* all over again */
        check->next = 0;
        check->report = (struct acks_report){.lines = 0};
    }
    check->next = check_entry(entry, &check->promises, check->next, &check->report);
}

void acks_check_end(struct acks_check *check, struct acks_report *report)
{
    const struct promises *promises = &check->promises;
    for (; check->next < promises->count; check->next++) {
        note_missing(&check->report, &promises->items[check->next]);
    }
    *report = check->report;
    report->lines = promises->count;
    report->last_sequence =
        promises->count == 0 ? 0 : promises->items[promises->count - 1].sequence;
}

static void look_at_entry(void *context, const struct mr_entry *entry)
{
    acks_check_entry(context, entry);
}

int acks_check(const char *path, const char *directory, struct acks_report *report,
               struct mr_error *error)
{
    memset(report, 0, sizeof *report);
    struct acks_check *check = NULL;
    struct mr_storage *storage = NULL;
    struct mr_recovery plan;
    int status = acks_check_open(path, &check, error);
    if (check == NULL) {
        return status;
    }
    if (status == MR_OK) {
        status = mr_storage_open_files(directory, false, &storage, error);
    }
    if (status == MR_OK) {
        const struct mr_journal_watch watch = {.entry = look_at_entry, .context = check};
        status = mr_journal_inspect(storage, &watch, &plan, NULL, error);
        storage->calls->destroy(storage);
    }
    if (status == MR_OK) {
        acks_check_end(check, report);
    }
    acks_check_close(check);
    return status;
}
