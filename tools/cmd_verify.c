/*
 * `millrace verify`: every byte of a journal that a checksum covers, and what acknowledgements
 * promised. All in one reading.
 */
#include "base/clock.h"
#include "base/storage.h"
#include "tools/acks.h"
#include "tools/command.h"
#include "tools/condition.h"
#include "tools/deep.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/stop.h"
#include "tools/walk.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define VERIFY_OPTIONS(O, tag)                                                       \
    OPTION_DATA(O, tag)                                                              \
    O(tag, text, acks, "FILE", NULL,                                                 \
      "check that the journal has every command that run --acks noted in this file") \
    O(tag, flag, deep, NULL, NULL,                                                   \
      "replay it, too: check digests, the state's invariants, a ledger's balances")  \
    O(tag, number, every, "N", "1000",                                               \
      "with --deep: check the state every N entries and at the end; 0: at the end")  \
    O(tag, flag, json, NULL, NULL, "one JSON object on standard output")
OPTIONS_STRUCT(verify_settings, VERIFY_OPTIONS);

struct verify {
    const struct verify_settings *settings;
    struct condition_progress progress;
    struct mr_recovery report;
    struct mr_damage damage;
    uint64_t entries, commands; /* seen */
    struct mr_entry unsound;    /* the first one whose commands do not make it up */
    struct acks_check *check;   /* NULL: not asked for */
    struct acks_report acks;
    struct mr_error error;
    struct deep_report deep;
    int deep_status; /* MR_OK: all is well, or it was not asked for */
    struct mr_error deep_error;
};

/* -- Reading. ---------------------------------------------------------------------------------- */

static void on_entry(void *context, const struct mr_entry *entry)
{
    struct verify *verify = context;
    if (entry->index == 1) { /* perhaps all over again */
        verify->entries = 0;
        verify->commands = 0;
        verify->unsound = (struct mr_entry){.index = 0};
    }
    verify->entries++;
    verify->commands += entry->count;
    if (verify->unsound.index == 0 && !walk_entry_is_sound(entry))
        verify->unsound = *entry;
    else if (verify->check != NULL && verify->unsound.index == 0)
        acks_check_entry(verify->check, entry);
}

static bool on_progress(void *context, uint64_t bytes, uint64_t total)
{
    struct verify *verify = context;
    return condition_progress(&verify->progress, bytes, total);
}

static int read_journal(struct verify *verify)
{
    struct mr_storage *storage;
    int status = mr_storage_open_files(verify->settings->data, false, &storage, &verify->error);
    if (status != MR_OK)
        return status;
    const struct mr_journal_watch watch = {
        .entry = on_entry, .progress = on_progress, .context = verify};
    status = mr_journal_inspect(storage, &watch, &verify->report, &verify->damage, &verify->error);
    storage->calls->destroy(storage);
    if (status == MR_OK && verify->unsound.index != 0) {
        verify->damage = (struct mr_damage){.sequence = verify->unsound.first_sequence};
        status = mr_error_set(&verify->error, MR_E_CORRUPT,
                              "entry %llu, from sequence %llu on: its commands do not make it up; "
                              "it was written so, by a faulty program",
                              (unsigned long long)verify->unsound.index,
                              (unsigned long long)verify->unsound.first_sequence);
    }
    return status;
}

/* -- Acknowledgements. ------------------------------------------------------------------------- */

/* A line that a kill has cut was never written whole, so nobody relies on it. */
static void tell_cut_line(const char *path)
{
    char last = '\n';
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return;
    off_t size = lseek(file, 0, SEEK_END);
    if (size > 0 && pread(file, &last, 1, size - 1) == 1 && last != '\n')
        say("the last line of %s is incomplete and is not looked at", path);
    close(file);
}

static int open_acks(struct verify *verify)
{
    const char *path = verify->settings->acks;
    if (path == NULL)
        return MR_OK;
    int status = acks_check_open(path, &verify->check, &verify->error);
    if (status == MR_OK)
        tell_cut_line(path);
    return status;
}

/* -- Telling. ---------------------------------------------------------------------------------- */

/* Not damage, but not as it was written either. */
static bool head_is_damaged(const struct verify *verify)
{
    return verify->report.head_segment[0] != '\0';
}

static bool is_damage(int status)
{
    return status == MR_E_CORRUPT || status == MR_E_VERSION;
}

static void print_json(const struct verify *verify, int status)
{
    const struct mr_recovery *report = &verify->report;
    bool ok = status == MR_OK && verify->acks.missing == 0 && !head_is_damaged(verify) &&
              verify->deep_status == MR_OK;
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", ok);
    if (is_damage(status)) {
        condition_put_damage(&json, &verify->damage);
        json_text(&json, "meaning", condition_of(verify->damage.decided)->what);
        json_u64(&json, "intact_to", verify->report.last_sequence);
    }
    if (status == MR_OK) {
        json_u64(&json, "entries", verify->entries);
        json_u64(&json, "commands", verify->commands);
        condition_put_report(&json, report);
        json_seconds(&json, "elapsed_s", report->elapsed_ns);
    }
    if (status == MR_OK && verify->settings->acks != NULL) {
        json_u64(&json, "acks", verify->acks.lines);
        json_u64(&json, "acks_missing", verify->acks.missing);
    }
    if (status == MR_OK && verify->settings->deep)
        deep_put(&verify->deep, &json);
    if (is_damage(status) || head_is_damaged(verify))
        condition_put_hint(&json, verify->settings->data);
    if (status == MR_OK && verify->deep_status != MR_OK) {
        json_u64(&json, "exit", (uint64_t)exit_code_of(verify->deep_status));
        json_text(&json, "error", verify->deep_error.text);
    }
    if (status != MR_OK) {
        json_u64(&json, "exit", (uint64_t)exit_code_of(status));
        json_text(&json, "error", verify->error.text);
    }
    json_end(&json);
    output_told();
}

static void print_end(const struct verify *verify)
{
    const struct mr_recovery *report = &verify->report;
    char line[512];
    if (report->torn) {
        (void)snprintf(
            line, sizeof line,
            "%s from offset %llu of %s on. If no engine is writing there just now: %s %s",
            number_bytes(report->torn_bytes).text, (unsigned long long)report->torn_offset,
            report->torn_segment, condition_of(report->decided)->what,
            condition_of(report->decided)->next);
        condition_print("torn tail", line);
    }
    if (report->decided == 'K')
        condition_print("truncation", "was cut off in the middle; the next 'millrace run' or "
                                      "'millrace recover' completes it");
}

static void print_text(const struct verify *verify)
{
    const struct mr_recovery *report = &verify->report;
    char chain[MR_DIGEST_TEXT_SIZE];
    mr_digest_format(report->last_digest, chain);
    printf("  %-14s%s in %s entries, up to sequence %s\n", "commands",
           number_grouped(verify->commands).text, number_grouped(verify->entries).text,
           number_grouped(report->last_sequence).text);
    printf("  %-14s%s in %u %s, read in %s, %s/s\n", "journal",
           number_bytes(report->bytes_scanned).text, report->segments,
           report->segments == 1 ? "segment" : "segments", number_duration(report->elapsed_ns).text,
           number_bytes(rate_per_second(report->bytes_scanned, report->elapsed_ns)).text);
    printf("  %-14s%s\n", "chain", chain);
    print_end(verify);
    if (verify->settings->acks != NULL && verify->acks.missing == 0)
        printf("  %-14s%s, all in the journal\n", "acknowledged",
               number_grouped(verify->acks.lines).text);
    if (!head_is_damaged(verify))
        printf("  %-14severy byte that a checksum covers is as it was written\n", "intact");
    if (verify->settings->deep && verify->deep_status == MR_OK)
        deep_print(&verify->deep);
}

static void print_damage(const struct verify *verify)
{
    const struct mr_damage *damage = &verify->damage;
    const struct condition *condition = condition_of(damage->decided);
    char line[512];
    if (damage->decided == 0)
        return;
    (void)snprintf(line, sizeof line, "case %c. %s", damage->decided, condition->what);
    condition_print("damaged", line);
    printf("  %-14s%s, offset %llu\n", "where", damage->segment,
           (unsigned long long)damage->offset);
    printf("  %-14sall commands up to sequence %s\n", "intact",
           number_grouped(verify->report.last_sequence).text);
    condition_print("next", condition->next);
    if (damage->decided != 'I')
        printf("  %-14smillrace repair --data %s\n", "", verify->settings->data);
}

/* -- The end. ---------------------------------------------------------------------------------- */

/* What is not damage that recovery would refuse, but ought to be known. */
static int find_flaws(const struct verify *verify)
{
    int code = EXIT_OK;
    const struct mr_recovery *report = &verify->report;
    if (head_is_damaged(verify))
        code = complain(EXIT_FINDING,
                        "%s: offset %llu: one copy of the superblock is damaged, the other is "
                        "whole and is used; 'millrace repair --data %s' writes it anew",
                        report->head_segment, (unsigned long long)report->head_offset,
                        verify->settings->data);
    if (verify->acks.missing > 0)
        code = complain(EXIT_FINDING,
                        "%llu of %llu acknowledged commands are not in the journal, the first "
                        "being sequence %llu, request %llu",
                        (unsigned long long)verify->acks.missing,
                        (unsigned long long)verify->acks.lines,
                        (unsigned long long)verify->acks.first_sequence,
                        (unsigned long long)verify->acks.first_request);
    return code;
}

static int conclude(struct verify *verify, int status)
{
    progress_clear();
    if (status == MR_E_IO && stop_requested())
        return complain(EXIT_RESOURCES,
                        "stopped by a signal behind %s commands; up to there nothing is wrong",
                        number_grouped(verify->commands).text);
    if (status == MR_OK && verify->check != NULL)
        acks_check_end(verify->check, &verify->acks);
    if (verify->settings->json && (status == MR_OK || is_damage(status)))
        print_json(verify, status);
    else if (status == MR_OK)
        print_text(verify);
    else if (is_damage(status))
        print_damage(verify);
    if (status != MR_OK)
        return complain_of(&verify->error);
    int code = find_flaws(verify);
    return verify->deep_status == MR_OK ? code : complain_of(&verify->deep_error);
}

/* Bytes first: what is not as it was written, need not be replayed. */
static void look_deeper(struct verify *verify)
{
    const struct verify_settings *settings = verify->settings;
    if (settings->deep)
        verify->deep_status =
            deep_check(settings->data, settings->every, &verify->deep, &verify->deep_error);
}

static int execute(const void *settings)
{
    struct verify verify = {.settings = settings};
    int status = open_acks(&verify);
    if (status == MR_OK)
        status = read_journal(&verify);
    if (status == MR_OK)
        look_deeper(&verify);
    int code = conclude(&verify, status);
    acks_check_close(verify.check);
    return code;
}

const struct command command_verify = {
    .name = "verify",
    .summary = "check every byte of a journal that a checksum covers",
    .description =
        "Reads the whole journal and checks every checksum and the chain of entries. On\n"
        "damage it exits with 3, names segment, offset and the first sequence that is\n"
        "concerned, and says what to do next. It exits with 1 if one copy of a segment's\n"
        "superblock is damaged, which costs nothing as long as the other one is whole;\n"
        "and, with --acks, if a command that was acknowledged is missing. A torn tail,\n"
        "which a crash may leave and nobody was promised, is told of and is no error.\n"
        "\n"
        "With --deep it also replays the journal from the beginning, compares every\n"
        "recorded digest of events, and checks that the state contradicts itself\n"
        "nowhere. Of a ledger, it recomputes the balances of every account from the\n"
        "events alone and compares them with the state's; debits have to equal credits,\n"
        "and no limit may have been passed. What differs is named, and the exit is 1.\n"
        "\n"
        "The directory may be in use, and is only read.",
    .examples = "  millrace verify --data d\n"
                "  millrace verify --data d --acks d.acks --json\n"
                "  millrace verify --data d --deep\n",
    COMMAND_OPTIONS(verify_settings, VERIFY_OPTIONS),
    .run = execute,
};
