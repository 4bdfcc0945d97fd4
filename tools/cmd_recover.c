/*
 * `millrace recover`: what a start of the engine does to a directory's journal, by itself; or, with
 * --plan, what it would do.
 */
#include "base/clock.h"
#include "base/storage.h"
#include "tools/command.h"
#include "tools/condition.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <millrace/journal.h>

#include <stdio.h>

#define RECOVER_OPTIONS(O, tag)                                                           \
    OPTION_DATA(O, tag)                                                                   \
    O(tag, flag, plan, NULL, NULL, "only say what recovery would do; nothing is written") \
    O(tag, flag, json, NULL, NULL, "one JSON object on standard output")
OPTIONS_STRUCT(recover_settings, RECOVER_OPTIONS);

/* Long enough for the last writes of an engine that was just killed. */
enum { LOCK_WAIT_MS = 2000 };

struct recover {
    const struct recover_settings *settings;
    struct mr_recovery report;
    struct mr_damage damage;
    struct mr_error error;
};

/* -- Doing it. --------------------------------------------------------------------------------- */

static int plan(struct recover *recover, struct mr_storage *storage)
{
    struct condition_progress progress = {0};
    const struct mr_journal_watch watch = {.progress = condition_progress, .context = &progress};
    return mr_journal_inspect(storage, &watch, &recover->report, &recover->damage, &recover->error);
}

/* The journal is opened for appending and closed again: all that a start does, and no more. */
static int recover_now(struct recover *recover, struct mr_storage *storage)
{
    const struct mr_journal_options options = {.segment_bytes = 0};
    struct mr_journal *journal;
    int status = storage->calls->lock(storage, LOCK_WAIT_MS, &recover->error);
    if (status != MR_OK)
        return status;
    if (progress_due())
        progress_show("syncing and reading the journal");
    status = mr_journal_recover(storage, &options, &recover->report, &recover->damage, &journal,
                                &recover->error);
    if (status == MR_OK)
        mr_journal_close(journal);
    storage->calls->unlock(storage);
    return status;
}

static int work(struct recover *recover)
{
    struct mr_storage *storage;
    int status = mr_storage_open_files(recover->settings->data, false, &storage, &recover->error);
    if (status != MR_OK)
        return status;
    status = recover->settings->plan ? plan(recover, storage) : recover_now(recover, storage);
    storage->calls->destroy(storage);
    progress_clear();
    return status;
}

/* -- Telling. ---------------------------------------------------------------------------------- */

static bool is_refusal(int status)
{
    return status == MR_E_CORRUPT || status == MR_E_VERSION;
}

static void print_json(const struct recover *recover, int status)
{
    const struct mr_recovery *report = &recover->report;
    char letter[2] = {report->decided, '\0'};
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", status == MR_OK);
    json_bool(&json, "plan", recover->settings->plan);
    if (is_refusal(status)) {
        condition_put_damage(&json, &recover->damage);
        json_text(&json, "meaning", condition_of(recover->damage.decided)->what);
        json_u64(&json, "intact_to", recover->report.last_sequence);
        condition_put_hint(&json, recover->settings->data);
        json_u64(&json, "exit", (uint64_t)exit_code_of(status));
        json_text(&json, "error", recover->error.text);
    } else {
        json_text(&json, "case", letter);
        json_text(&json, "meaning", condition_of(report->decided)->what);
        condition_put_report(&json, report);
        json_seconds(&json, "elapsed_s", report->elapsed_ns);
    }
    json_end(&json);
    output_told();
}

static void print_contents(const struct mr_recovery *report)
{
    printf("  %-14s%s, up to sequence %s", "entries", number_grouped(report->last_index).text,
           number_grouped(report->last_sequence).text);
    if (report->last_index > 0)
        printf(" of %s", number_time(report->last_time_ns).text);
    printf("\n  %-14s%s in %u %s, read in %s\n", "journal",
           number_bytes(report->bytes_scanned).text, report->segments,
           report->segments == 1 ? "segment" : "segments",
           number_duration(report->elapsed_ns).text);
    printf("  %-14s%s durability, generation %llu\n", "written with",
           condition_durability(report->durability), (unsigned long long)report->generation);
}

static void print_torn(const struct recover *recover)
{
    const struct mr_recovery *report = &recover->report;
    printf("  %-14s%s from offset %llu of %s on", "torn", number_bytes(report->torn_bytes).text,
           (unsigned long long)report->torn_offset, report->torn_segment);
    if (report->archive[0] != '\0')
        printf(",\n  %-14scopied to %s/%s, and cleared", "", recover->settings->data,
               report->archive);
    putchar('\n');
}

static void print_case(const char *title, char letter, const char *text)
{
    char line[512];
    (void)snprintf(line, sizeof line, "case %c. %s", letter, text);
    condition_print(title, line);
}

static void print_text(const struct recover *recover)
{
    const struct mr_recovery *report = &recover->report;
    const struct condition *condition = condition_of(report->decided);
    print_case("found", report->decided, condition->what);
    if (recover->settings->plan && report->decided != 'A')
        condition_print("would do", condition->next);
    if (report->torn)
        print_torn(recover);
    if (report->decided == 'K' && !recover->settings->plan)
        printf("  %-14sthe truncation, behind sequence %s\n", "completed",
               number_grouped(report->last_sequence).text);
    if (report->head_segment[0] != '\0') {
        print_case("also", 'L', condition_of('L')->what);
        printf("  %-14soffset %llu of %s; next: millrace repair --data %s\n", "",
               (unsigned long long)report->head_offset, report->head_segment,
               recover->settings->data);
    }
    print_contents(report);
    if (!recover->settings->plan)
        printf("  %-14smillrace run --data %s ... goes on from here\n", "recovered",
               recover->settings->data);
}

static void print_refusal(const struct recover *recover)
{
    const struct mr_damage *damage = &recover->damage;
    const struct condition *condition = condition_of(damage->decided);
    print_case("found", damage->decided, condition->what);
    printf("  %-14s%s, offset %llu\n  %-14sall commands up to sequence %s\n", "where",
           damage->segment, (unsigned long long)damage->offset, "intact",
           number_grouped(recover->report.last_sequence).text);
    condition_print("recovery", "Refuses to go on, and has changed no file.");
    condition_print("next", condition->next);
    if (damage->decided != 'I')
        printf("  %-14smillrace repair --data %s\n", "", recover->settings->data);
}

static int execute(const void *settings)
{
    struct recover recover = {.settings = settings};
    int status = work(&recover);
    if (status != MR_OK && stop_requested())
        return complain(EXIT_RESOURCES, "stopped by a signal before all was read");
    if (recover.settings->json && (status == MR_OK || is_refusal(status)))
        print_json(&recover, status);
    else if (status == MR_OK)
        print_text(&recover);
    else if (is_refusal(status))
        print_refusal(&recover);
    return status == MR_OK ? EXIT_OK : complain_of(&recover.error);
}

const struct command command_recover = {
    .name = "recover",
    .summary = "make a journal ready to go on, or say what that would take",
    .description =
        "Does what every start of an engine does first, and nothing else: reads the whole\n"
        "journal, keeps what is whole, archives and clears what a crash has torn, and\n"
        "completes a truncation that was cut off. What no crash explains it refuses,\n"
        "changes nothing, and exits with 3: 'millrace repair' is for that.\n"
        "\n"
        "With --plan it only says what it would do. That writes nothing, and works beside\n"
        "a running engine and on a directory that cannot be written.",
    .examples = "  millrace recover --data d --plan\n"
                "  millrace recover --data d --json\n",
    COMMAND_OPTIONS(recover_settings, RECOVER_OPTIONS),
    .run = execute,
};
