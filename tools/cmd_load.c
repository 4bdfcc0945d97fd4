/*
 * `millrace load`: a journal out of what `millrace dump` wrote.
 *
 * It is made in DIR/.millrace-loading/journal and moved to DIR/journal when it is whole and
 * durable:
 *   1. A failure takes away what was made.
 *   2. A crash leaves DIR/.millrace-loading, which is no journal to anybody. The next load into
 *      DIR, which is empty but for that, clears it and begins again.
 *   3. The move is one rename, synced: there is a whole journal, or none.
 */
#include "base/clock.h"
#include "base/path.h"
#include "base/storage.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/load.h"
#include "tools/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOAD_OPTIONS(O, tag)                                                           \
    O(tag, text, data, "DIR", OPTION_REQUIRED, "the data directory; new, or empty")    \
    O(tag, text, input, "FILE|-", "-", "the dump")                                     \
    O(tag, number, segment_size, "MIB", "64", "size of the segments in MiB, 4 to 256") \
    O(tag, flag, json, NULL, NULL, "one JSON object on standard output, at the end")
OPTIONS_STRUCT(load_settings, LOAD_OPTIONS);

#define LOADING ".millrace-loading"

enum { MIB = 1 << 20, SEGMENT_MIB_MIN = 4, SEGMENT_MIB_MAX = 256 };

struct places {
    const char *data;
    char loading[PATH_MAX];
    char loading_journal[PATH_MAX];
    char journal[PATH_MAX];
    bool data_made; /* by us */
};

/* -- Directories. ------------------------------------------------------------------------------ */

static int name_places(const char *data, struct places *places, struct mr_error *error)
{
    places->data = data;
    int longest = snprintf(places->loading_journal, PATH_MAX, "%s/" LOADING "/journal", data);
    (void)snprintf(places->loading, PATH_MAX, "%s/" LOADING, data);
    (void)snprintf(places->journal, PATH_MAX, "%s/journal", data);
    return longest < PATH_MAX - NAME_MAX
               ? MR_OK
               : mr_error_set(error, MR_E_INVALID, "the name of the directory is too long");
}

/* MR_E_EXISTS if there is anything in the directory but what an earlier load left. */
static int check_empty(const struct places *places, struct mr_error *error)
{
    DIR *directory = opendir(places->data);
    if (directory == NULL)
        return mr_error_set_errno(error, errno, "%s", places->data);
    const struct dirent *entry;
    int status = MR_OK;
    while (status == MR_OK && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, LOADING) != 0)
            status = mr_error_set(error, MR_E_EXISTS,
                                  "%s is not empty (it holds %s): name a new or an empty directory",
                                  places->data, entry->d_name);
    }
    closedir(directory);
    return status;
}

/* Removes what a load has made, and nothing else: files in its journal, then the two. */
static void remove_loading(const struct places *places)
{
    DIR *directory = opendir(places->loading_journal);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        (void)unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    (void)rmdir(places->loading_journal);
    (void)rmdir(places->loading);
}

static int sync_directory(const char *path, struct mr_error *error)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = MR_OK;
    if (descriptor < 0 || fsync(descriptor) != 0)
        status = mr_error_set_errno(error, errno, "cannot sync %s", path);
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

static int publish(const struct places *places, struct mr_error *error)
{
    int status = sync_directory(places->loading_journal, error);
    if (status == MR_OK && rename(places->loading_journal, places->journal) != 0)
        status = mr_error_set_errno(error, errno, "cannot rename %s to %s", places->loading_journal,
                                    places->journal);
    if (status == MR_OK)
        status = sync_directory(places->data, error);
    return status;
}

/* -- Loading. ---------------------------------------------------------------------------------- */

static int load_into(const struct places *places, struct lines *lines, uint64_t segment_bytes,
                     struct load_report *report, struct mr_error *error)
{
    struct mr_storage *storage;
    remove_loading(places);
    int status = mr_storage_open_files(places->loading, true, &storage, error);
    if (status != MR_OK)
        return status;
    status = storage->calls->lock(storage, 0, error);
    if (status == MR_OK)
        status = load_journal(lines, storage, segment_bytes, report, error);
    storage->calls->destroy(storage);
    if (status == MR_OK)
        status = publish(places, error);
    remove_loading(places);
    return status;
}

/* The directory's own lock keeps engines away meanwhile. */
static int load_locked(struct places *places, struct lines *lines, uint64_t segment_bytes,
                       struct load_report *report, struct mr_error *error)
{
    struct mr_storage *storage;
    struct stat before;
    places->data_made = stat(places->data, &before) != 0;
    int status = mr_storage_open_files(places->data, true, &storage, error);
    if (status != MR_OK)
        return status;
    status = storage->calls->lock(storage, 0, error);
    if (status == MR_OK)
        status = check_empty(places, error);
    if (status == MR_OK)
        status = load_into(places, lines, segment_bytes, report, error);
    storage->calls->destroy(storage);
    if (status != MR_OK && places->data_made)
        (void)rmdir(places->data);
    return status;
}

static void print_json(const struct load_report *report, uint64_t elapsed_ns)
{
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", true);
    json_u64(&json, "entries", report->entries);
    json_u64(&json, "commands", report->commands);
    json_u64(&json, "last_sequence", report->commands);
    json_digest(&json, "chain", report->chain);
    json_seconds(&json, "elapsed_s", elapsed_ns);
    json_end(&json);
    output_told();
}

static int execute(const void *options)
{
    uint64_t started_ns = mr_monotonic_ns();
    const struct load_settings *settings = options;
    if (settings->segment_size < SEGMENT_MIB_MIN || settings->segment_size > SEGMENT_MIB_MAX)
        return complain(EXIT_USAGE, "--segment-size wants %d to %d MiB", SEGMENT_MIB_MIN,
                        SEGMENT_MIB_MAX);
    struct places *places = calloc(1, sizeof *places);
    if (places == NULL)
        return complain(EXIT_RESOURCES, "no memory for names");
    struct lines lines;
    struct load_report report = {0};
    struct mr_error error;
    int status = name_places(settings->data, places, &error);
    if (status == MR_OK)
        status = lines_open(&lines, settings->input, &error);
    if (status == MR_OK) {
        status = load_locked(places, &lines, settings->segment_size * MIB, &report, &error);
        lines_close(&lines);
    }
    free(places);
    if (status < 0)
        return complain_of(&error);
    if (status == MR_AGAIN) {
        say("stopped by a signal: nothing was made");
        return EXIT_RESOURCES;
    }
    if (settings->json)
        print_json(&report, mr_monotonic_ns() - started_ns);
    else
        say("loaded %s commands in %s entries into %s", number_grouped(report.commands).text,
            number_grouped(report.entries).text, settings->data);
    return EXIT_OK;
}

const struct command command_load = {
    .name = "load",
    .summary = "make a journal out of a dump",
    .description =
        "Makes the journal that 'millrace dump' has printed, with the same entries to the\n"
        "byte, and checks on the way that the dump is whole and unchanged. The directory\n"
        "must be new or empty, and stays so unless all goes well.\n"
        "\n"
        "Text that is not a dump, such as typed commands, is for 'millrace run --input'.",
    .examples = "  millrace load --data d --input d.txt\n"
                "  millrace dump --data d | millrace load --data copy\n",
    COMMAND_OPTIONS(load_settings, LOAD_OPTIONS),
    .run = execute,
};
