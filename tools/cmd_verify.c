/*
 * `millrace verify`: every byte of a journal that a checksum covers, and what acknowledgements
 * promised.
 */
#include "base/clock.h"
#include "base/storage.h"
#include "tools/acks.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/stop.h"
#include "tools/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERIFY_OPTIONS(O, tag)                                                       \
    OPTION_DATA(O, tag)                                                              \
    O(tag, text, acks, "FILE", NULL,                                                 \
      "check that the journal has every command that run --acks noted in this file") \
    O(tag, flag, json, NULL, NULL, "one JSON object on standard output")
OPTIONS_STRUCT(verify_settings, VERIFY_OPTIONS);

struct verify {
    const struct verify_settings *settings;
    struct walk walk;
    uint64_t entries, commands, bytes; /* read so far */
    uint64_t started_ns;
    struct acks_report acks;
    struct mr_error error;
};

static void show_progress(const struct verify *verify)
{
    if (!progress_due())
        return;
    uint64_t elapsed_ns = mr_monotonic_ns() - verify->started_ns;
    progress_show("%s of %s commands   %s   %s/s", number_grouped(verify->commands).text,
                  number_grouped(verify->walk.plan.last_sequence).text,
                  number_bytes(verify->bytes).text,
                  number_bytes(rate_per_second(verify->bytes, elapsed_ns)).text);
}

/* Opening has read it all once: frames, chain, watermarks. This reads the entries again, and looks
 * at the commands in them. */
static int read_entries(struct verify *verify)
{
    const struct mr_entry *entry;
    int status;
    if (verify->walk.plan.last_index == 0)
        return MR_OK;
    if ((status = walk_begin(&verify->walk, 0, &verify->error)) != MR_OK)
        return status;
    while ((status = walk_next(&verify->walk, &entry, &verify->error)) == MR_OK) {
        verify->entries++;
        verify->commands += entry->count;
        verify->bytes += entry->length;
        show_progress(verify);
        if (stop_requested())
            return MR_AGAIN;
    }
    return status == MR_AGAIN ? MR_OK : status;
}

/* A line that a kill has cut was never written whole, so nobody relies on it. */
static void tell_cut_line(const char *path)
{
    char last = '\n';
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return; /* acks_check tells */
    off_t size = lseek(file, 0, SEEK_END);
    if (size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n')
        say("the last line of %s is incomplete and is not looked at", path);
    close(file);
}

static int check_acks(struct verify *verify)
{
    const struct verify_settings *settings = verify->settings;
    if (settings->acks == NULL)
        return MR_OK;
    tell_cut_line(settings->acks);
    return acks_check(settings->acks, settings->data, &verify->acks, &verify->error);
}

static void put_damage(struct json *json, const struct verify *verify, int status)
{
    if (status == MR_OK)
        return;
    if (status == MR_E_CORRUPT) {
        json_text(json, "segment", verify->walk.damage.segment);
        json_u64(json, "offset", verify->walk.damage.offset);
        json_u64(json, "sequence", verify->walk.damage.sequence);
    }
    json_text(json, "error", verify->error.text);
}

static void print_json(const struct verify *verify, int status)
{
    const struct mr_recovery *plan = &verify->walk.plan;
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", status == MR_OK && verify->acks.missing == 0);
    put_damage(&json, verify, status);
    if (status == MR_OK) {
        json_u64(&json, "entries", verify->entries);
        json_u64(&json, "commands", verify->commands);
        json_u64(&json, "last_sequence", plan->last_sequence);
        json_u64(&json, "last_index", plan->last_index);
        json_u64(&json, "durable_index", plan->durable_index);
        json_u64(&json, "segments", plan->segments);
        json_u64(&json, "bytes", plan->bytes_scanned);
        json_digest(&json, "chain", plan->last_digest);
        json_bool(&json, "torn", plan->torn);
    }
    if (status == MR_OK && plan->torn) {
        json_text(&json, "torn_segment", plan->torn_segment);
        json_u64(&json, "torn_offset", plan->torn_offset);
        json_u64(&json, "torn_bytes", plan->torn_bytes);
    }
    if (status == MR_OK && verify->settings->acks != NULL) {
        json_u64(&json, "acks", verify->acks.lines);
        json_u64(&json, "acks_missing", verify->acks.missing);
    }
    json_end(&json);
}

static void print_text(const struct verify *verify)
{
    const struct mr_recovery *plan = &verify->walk.plan;
    uint64_t elapsed_ns = mr_monotonic_ns() - verify->started_ns;
    char chain[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(plan->last_digest, chain);
    printf("  %-14s%s in %s entries, up to sequence %s\n", "commands",
           number_grouped(verify->commands).text, number_grouped(verify->entries).text,
           number_grouped(plan->last_sequence).text);
    printf("  %-14s%s in %u segments, read in %s\n", "journal",
           number_bytes(plan->bytes_scanned).text, plan->segments,
           number_duration(elapsed_ns).text);
    printf("  %-14s%s\n", "chain", chain);
    if (plan->torn)
        printf("  %-14s%s from offset %llu of %s on, never acknowledged: 'millrace run' keeps a\n"
               "  %-14scopy of them, clears them, and goes on (if no engine is writing just now)\n",
               "torn tail", number_bytes(plan->torn_bytes).text,
               (unsigned long long)plan->torn_offset, plan->torn_segment, "");
    if (verify->settings->acks != NULL && verify->acks.missing == 0)
        printf("  %-14s%s, all in the journal\n", "acknowledged",
               number_grouped(verify->acks.lines).text);
    printf("  %-14severy byte that a checksum covers is as it was written\n", "intact");
}

static int conclude(struct verify *verify, int status)
{
    progress_clear();
    if (status == MR_AGAIN) {
        say("stopped by a signal behind sequence %llu; up to there nothing is wrong",
            (unsigned long long)verify->commands);
        return EXIT_RESOURCES; /* not all was looked at */
    }
    if (verify->settings->json)
        print_json(verify, status);
    else if (status == MR_OK)
        print_text(verify);
    if (status != MR_OK)
        return complain_of(&verify->error);
    if (verify->acks.missing > 0)
        return complain(EXIT_FINDING,
                        "%llu of %llu acknowledged commands are not in the journal, the first "
                        "being sequence %llu, request %llu",
                        (unsigned long long)verify->acks.missing,
                        (unsigned long long)verify->acks.lines,
                        (unsigned long long)verify->acks.first_sequence,
                        (unsigned long long)verify->acks.first_request);
    return EXIT_OK;
}

static int execute(const void *settings)
{
    struct verify verify = {.settings = settings, .started_ns = mr_monotonic_ns()};
    if (progress_due())
        progress_show("reading the journal");
    int status = walk_open(&verify.walk, verify.settings->data, &verify.error);
    if (status == MR_OK)
        status = read_entries(&verify);
    if (status == MR_OK)
        status = check_acks(&verify);
    int code = conclude(&verify, status);
    walk_close(&verify.walk);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "check every byte of a journal that a checksum covers",
    .description =
        "Reads the whole journal and checks every checksum and the chain of entries. On\n"
        "damage it exits with 3 and names segment, offset and the first sequence that is\n"
        "concerned. A torn tail, which a crash may leave and nobody was promised, is told\n"
        "of and is no error. With --acks, exits with 1 if a command that was acknowledged\n"
        "is missing.\n"
        "\n"
        "The directory may be in use, and is only read.",
    .examples = "  millrace verify --data d\n"
                "  millrace verify --data d --acks d.acks --json\n",
    COMMAND_OPTIONS(verify_settings, VERIFY_OPTIONS),
    .run = execute,
};
