/*
 * `millrace repair`: what can be saved of a journal that recovery refuses. Says it, and with
 * --apply does it.
 */
#include "base/storage.h"
#include "tools/command.h"
#include "tools/condition.h"
#include "tools/json.h"
#include "tools/output.h"
#include "tools/stop.h"

#include <millrace/repair.h>

#include <stdio.h>
#include <stdlib.h>

#define REPAIR_OPTIONS(O, tag)                                                                \
    OPTION_DATA(O, tag)                                                                       \
    O(tag, flag, apply, NULL, NULL, "do it; without this it only says what it would do")      \
    O(tag, number, lose_from, "SEQUENCE", NULL,                                               \
      "accept the loss of all commands from this one on; the plan says which sequence it is") \
    O(tag, flag, json, NULL, NULL, "one JSON object on standard output")
OPTIONS_STRUCT(repair_settings, REPAIR_OPTIONS);

/* Long enough for the last writes of an engine that was just killed. */
enum { LOCK_WAIT_MS = 2000 };

struct repair_run {
    const struct repair_settings *settings;
    bool in_use; /* by an engine, which goes on writing */
    struct mr_repair plan;
    struct mr_error error;
};

static const char *kind_name(enum mr_repair_kind kind)
{
    static const char *const names[] = {
        [MR_REPAIR_HEAD] = "write_head",     [MR_REPAIR_GAP] = "clear_gap",
        [MR_REPAIR_TORN] = "clear_torn",     [MR_REPAIR_TRUNCATION] = "complete_truncation",
        [MR_REPAIR_RECORD] = "write_record", [MR_REPAIR_EXTEND] = "extend",
        [MR_REPAIR_DROP] = "drop",
    };
    return names[kind];
}

static const char *kind_words(enum mr_repair_kind kind)
{
    static const char *const words[] = {
        [MR_REPAIR_HEAD] = "write its head anew",
        [MR_REPAIR_GAP] = "clear what was never written",
        [MR_REPAIR_TORN] = "clear what a crash tore, as recovery would",
        [MR_REPAIR_TRUNCATION] = "complete the truncation",
        [MR_REPAIR_RECORD] = "write the record anew",
        [MR_REPAIR_EXTEND] = "give the file its length back",
        [MR_REPAIR_DROP] = "drop",
    };
    return words[kind];
}

/* -- Doing it. --------------------------------------------------------------------------------- */

/* What an engine is just writing looks torn, and is not. */
static void forget_writes(struct repair_run *run)
{
    struct mr_repair *plan = &run->plan;
    if (run->in_use && plan->step_count == 1 && plan->steps[0].kind == MR_REPAIR_TORN) {
        plan->step_count = 0;
        plan->archive_bytes = 0;
    }
}

static int work(struct repair_run *run)
{
    const struct repair_settings *settings = run->settings;
    struct condition_progress progress = {0};
    const struct mr_journal_watch watch = {.progress = condition_progress, .context = &progress};
    struct mr_storage *storage;
    int status = mr_storage_open_files(settings->data, false, &storage, &run->error);
    if (status != MR_OK)
        return status;
    if (progress_due())
        progress_show("reading the journal");
    if (settings->apply) {
        status = storage->calls->lock(storage, LOCK_WAIT_MS, &run->error);
        if (status == MR_OK)
            status = mr_repair_apply(storage, settings->lose_from, &run->plan, &run->error);
    } else {
        run->in_use = storage->calls->lock(storage, 0, NULL) == MR_E_BUSY;
        status = mr_repair_plan(storage, &watch, &run->plan, &run->error);
        forget_writes(run);
    }
    storage->calls->destroy(storage); /* and gives the lock back */
    progress_clear();
    return status;
}

/* -- Telling. ---------------------------------------------------------------------------------- */

static uint32_t listed(const struct mr_repair *plan)
{
    return plan->step_count < MR_REPAIR_STEPS_MAX ? plan->step_count : MR_REPAIR_STEPS_MAX;
}

static void next_command(const struct repair_run *run, char *text, size_t size)
{
    char lose[64] = "";
    if (run->plan.lose_from != 0)
        (void)snprintf(lose, sizeof lose, " --lose-from %llu",
                       (unsigned long long)run->plan.lose_from);
    (void)snprintf(text, size, "millrace repair --data %s --apply%s", run->settings->data, lose);
}

static void put_steps(struct json *json, const struct mr_repair *plan)
{
    json_array(json, "steps");
    for (uint32_t i = 0; i < listed(plan); i++) {
        const struct mr_repair_step *step = &plan->steps[i];
        json_item(json);
        json_text(json, "do", kind_name(step->kind));
        json_text(json, "file", step->file);
        json_u64(json, "offset", step->offset);
        json_u64(json, "bytes", step->bytes);
        json_close(json);
    }
    json_array_end(json);
}

static void print_json(const struct repair_run *run, int status)
{
    const struct mr_repair *plan = &run->plan;
    char next[512];
    struct json json;
    json_begin(&json, stdout);
    json_bool(&json, "ok", status == MR_OK && (run->settings->apply || plan->step_count == 0));
    json_bool(&json, "applied", status == MR_OK && run->settings->apply);
    if (!run->settings->apply)
        json_bool(&json, "in_use", run->in_use);
    if (plan->damage.decided != 0) {
        condition_put_damage(&json, &plan->damage);
        json_text(&json, "meaning", condition_of(plan->damage.decided)->what);
    }
    if (status == MR_OK || status == MR_E_INVALID) {
        json_u64(&json, "step_count", plan->step_count);
        put_steps(&json, plan);
        json_u64(&json, "keep_sequence", plan->keep_sequence);
        json_u64(&json, "keep_index", plan->keep_index);
        json_u64(&json, "keep_time", plan->keep_time_ns);
        json_u64(&json, "lose_from", plan->lose_from);
        json_u64(&json, "seen_to", plan->seen_to);
        json_u64(&json, "generation", plan->generation);
        json_u64(&json, "archive_bytes", plan->archive_bytes);
    }
    if (plan->archive[0] != '\0')
        json_text(&json, "archive", plan->archive);
    next_command(run, next, sizeof next);
    if (status == MR_OK && !run->settings->apply && plan->step_count > 0)
        json_text(&json, "hint", next);
    if (status != MR_OK) {
        json_u64(&json, "exit", (uint64_t)exit_code_of(status));
        json_text(&json, "error", run->error.text);
    }
    json_end(&json);
    output_told();
}

static void print_found(const struct repair_run *run)
{
    const struct mr_damage *damage = &run->plan.damage;
    char line[512];
    if (damage->decided == 0)
        return;
    (void)snprintf(line, sizeof line, "case %c. %s", damage->decided,
                   condition_of(damage->decided)->what);
    condition_print("found", line);
    printf("  %-14s%s, offset %llu\n", "where", damage->segment,
           (unsigned long long)damage->offset);
}

static void print_loss(const struct repair_run *run)
{
    const struct mr_repair *plan = &run->plan;
    bool done = run->settings->apply;
    char line[512];
    printf("  %-14s%s entries, up to sequence %s of %s\n", done ? "kept" : "keeps",
           number_grouped(plan->keep_index).text, number_grouped(plan->keep_sequence).text,
           number_time(plan->keep_time_ns).text);
    if (plan->decided == 'J') {
        condition_print(
            done ? "lost" : "loses",
            "what the torn end held, as recovery would: commands that were acknowledged "
            "under --durability os, and not yet synced, may be among it");
        return;
    }
    if (plan->lose_from == 0) {
        condition_print(done ? "lost" : "loses", "nothing that was ever acknowledged");
        return;
    }
    if (plan->seen_to != 0)
        (void)snprintf(line, sizeof line,
                       "all commands from sequence %s on; what can still be read behind the "
                       "damage goes up to sequence %s, at least, and %s to the archive",
                       number_grouped(plan->lose_from).text, number_grouped(plan->seen_to).text,
                       done ? "went" : "goes");
    else
        (void)snprintf(line, sizeof line,
                       "all commands from sequence %s on, if there were any: nothing that can be "
                       "read tells of them",
                       number_grouped(plan->lose_from).text);
    condition_print(done ? "lost" : "loses", line);
}

static void print_steps(const struct repair_run *run)
{
    const struct mr_repair *plan = &run->plan;
    for (uint32_t i = 0; i < listed(plan); i++) {
        const struct mr_repair_step *step = &plan->steps[i];
        printf("  %-14s%s: %s",
               i > 0                  ? ""
               : run->settings->apply ? "done"
                                      : "steps",
               step->file, kind_words(step->kind));
        if (step->bytes > 0)
            printf(" (%s from offset %llu on)", number_bytes(step->bytes).text,
                   (unsigned long long)step->offset);
        putchar('\n');
    }
    if (plan->step_count > listed(plan))
        printf("  %-14sand %u more\n", "", plan->step_count - listed(plan));
    if (run->settings->apply && plan->archive[0] != '\0')
        printf("  %-14s%s/%s%s: every byte that was overwritten or dropped\n", "archived",
               run->settings->data, plan->archive, plan->step_count > 1 ? " and others" : "");
    else if (plan->archive_bytes > 0)
        printf("  %-14s%s, to %s/archive/, before anything else\n", "archives",
               number_bytes(plan->archive_bytes).text, run->settings->data);
}

static void print_text(const struct repair_run *run)
{
    char next[512];
    print_found(run);
    if (run->in_use)
        condition_print("in use", "An engine is running there; it must end before a repair.");
    if (run->plan.step_count == 0) {
        condition_print("whole", "There is nothing to repair.");
        return;
    }
    print_loss(run);
    print_steps(run);
    next_command(run, next, sizeof next);
    if (run->settings->apply)
        printf("  %-14smillrace run --data %s ... goes on from here\n", "repaired",
               run->settings->data);
    else
        printf("\nNothing was done. This does it:\n  %s\n", next);
    if (!run->settings->apply && run->plan.lose_from != 0)
        puts("If you have a copy of the damaged file, put it back instead: that loses nothing.");
}

static int execute(const void *options)
{
    const struct repair_settings *settings = options;
    if (settings->lose_from != 0 && !settings->apply)
        return complain(EXIT_USAGE, "--lose-from is for --apply; without it nothing is done");
    struct repair_run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return complain(EXIT_RESOURCES, "no memory for a plan");
    run->settings = settings;
    int status = work(run);
    if (status != MR_OK && !settings->apply && stop_requested()) {
        free(run);
        return complain(EXIT_RESOURCES, "stopped by a signal before all was read");
    }
    if (settings->json)
        print_json(run, status);
    else if (status == MR_OK)
        print_text(run);
    else if (status == MR_E_CORRUPT)
        print_found(run);
    int code = run->plan.step_count == 0 || settings->apply ? EXIT_OK : EXIT_FINDING;
    if (status == MR_E_INVALID)
        code = complain(EXIT_USAGE, "%s: --lose-from %llu", run->error.text,
                        (unsigned long long)run->plan.lose_from);
    else if (status != MR_OK)
        code = complain_of(&run->error);
    free(run);
    return code;
}

const struct command command_repair = {
    .name = "repair",
    .summary = "save what can be saved of a damaged journal; a plan first",
    .description =
        "Says what is damaged, what a repair would do, and what it would lose; exits\n"
        "with 1 if there is something to do, and with 3 if nothing can be saved. With\n"
        "--apply it does it, and refuses to while an engine is running there.\n"
        "\n"
        "It keeps all that stands in front of the damage, and copies every byte to\n"
        "DIR/archive/ before it overwrites or drops it. What was never acknowledged goes\n"
        "without a question. Where commands may be lost that were acknowledged, the plan\n"
        "says from which sequence on, and only --lose-from with that very sequence makes\n"
        "it so. Cut off in the middle, the same command completes it.",
    .examples = "  millrace repair --data d\n"
                "  millrace repair --data d --apply\n"
                "  millrace repair --data d --apply --lose-from 12346\n",
    COMMAND_OPTIONS(repair_settings, REPAIR_OPTIONS),
    .run = execute,
};
