#include "tools/run.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/storage.h"
#include "tools/executions.h"
#include "tools/output.h"
#include "tools/run_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { TIMER_SLACK_NS = 1000 };

/* -- Opening, in this order: nothing is made before the input is known to be there. ------------ */

static int open_input(struct run *run, struct mr_error *error)
{
    const struct run_settings *settings = run->settings;
    const struct source_options options = {
        .input = settings->input,
        .format = settings->format,
        .date = settings->date,
        .logic = run->logic,
        .session = strcmp(settings->input, "-") == 0 ? SESSION_KEYBOARD : SESSION_IMPORTER,
        .role = MR_ROLE_USER,
    };
    int status = source_open(&options, &run->source, error);
    if (status == MR_OK && run->source->genesis != NULL && settings->config != NULL) {
        return mr_error_set(error, MR_E_INVALID,
                            "%s is a whole dump, whose genesis has the configuration: leave "
                            "--config away",
                            settings->input);
    }
    return status == MR_OK ? config_choose(run->logic, run->source->config, settings->config,
                                           &run->config, error)
                           : status;
}

static enum mr_clock_kind chosen_clock(const struct run *run)
{
    switch ((enum run_clock)run->settings->clock) {
    case RUN_CLOCK_WALL:
        return MR_CLOCK_WALL;
    case RUN_CLOCK_INPUT:
        return MR_CLOCK_INPUT;
    case RUN_CLOCK_AUTO:
        break;
    }
    return run->source->clock;
}

static int open_engine(struct run *run, struct mr_error *error)
{
    struct mr_engine_options options = {
        .logic = run->logic,
        .config = run->config == NULL ? run->source->config : run->config,
        .clock_kind = chosen_clock(run),
        .genesis = run->source->genesis,
        .log = {.write = run->report->watched ? NULL : tell_log, .level = MR_LOG_WARNING},
        .progress = progress_of_sequences,
    };
    engine_choice_take(&ENGINE_CHOICE(run->settings), &options);
    int status = mr_engine_open(&options, &run->engine, error);
    progress_clear();
    return status;
}

/* What the directory turned out to be. */
static int look_at_journal(struct run *run, struct mr_error *error)
{
    run->report->recovery = *mr_engine_recovery_get(run->engine);
    run->sequence_before = run->report->recovery.journal.last_sequence;
    if (run->sequence_before == 0) {
        run->clock = run->source->genesis == NULL
                         ? chosen_clock(run)
                         : (enum mr_clock_kind)(
                               (const struct mr_genesis *)mr_command_body(run->source->genesis))
                               ->clock;
        return MR_OK;
    }
    const struct mr_image *image = mr_engine_image(run->engine);
    run->clock = (enum mr_clock_kind)mr_image_status_get(image).clock;
    if (run->settings->clock != RUN_CLOCK_AUTO && chosen_clock(run) != run->clock) {
        return mr_error_set(error, MR_E_MISMATCH,
                            "the journal in %s has another clock than --clock asks for: leave "
                            "--clock away, or name another directory",
                            run->settings->data);
    }
    return config_check(run->logic, image, run->settings->config, error);
}

/* The source may make ids, which carry the journal's time. */
static void tell_source(struct run *run)
{
    run->source->journal_clock = run->clock;
    run->source->journal_time_ns =
        run->sequence_before == 0 ? 0 : mr_image_status_get(mr_engine_image(run->engine)).time_ns;
}

/* What earlier runs did counts, too: their events come again, from the journal. */
static int look_at_executions(struct run *run, struct mr_error *error)
{
    if (run->source->executions == NULL || run->sequence_before == 0) {
        return MR_OK;
    }
    return executions_replay(run->source->executions, run->settings->data, run->sequence_before,
                             error);
}

static int take_memory(struct run *run, struct mr_error *error)
{
    run->flights = calloc(RUN_FLIGHTS, sizeof *run->flights);
    mr_histogram_clear(&run->recent);
    mr_histogram_clear(&run->report->latency);
    if (run->flights == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for sending");
    }
    return batch_make(&run->batch, run->logic->command_size_max, error);
}

static bool holds_journal(const char *directory)
{
    struct mr_storage *storage;
    if (mr_storage_open_files(directory, false, &storage, NULL) != MR_OK) {
        return false;
    }
    bool holds = mr_journal_exists(storage, NULL) == MR_OK;
    storage->calls->destroy(storage);
    return holds;
}

/* Where there is no journal yet, acknowledgements are refused before one is made. They may lie in
 * the data directory, which is not there yet either: then it is tried again. */
static int open_acks_early(struct run *run, struct mr_error *error)
{
    const struct run_settings *settings = run->settings;
    if (settings->acks == NULL || settings->data == NULL || holds_journal(settings->data)) {
        return MR_OK;
    }
    int status = acks_open(settings->acks, 0, &run->acks, error);
    bool inside = strncmp(settings->acks, settings->data, strlen(settings->data)) == 0;
    return status == MR_E_NOT_FOUND && inside ? MR_OK : status;
}

static int open_all(struct run *run, struct mr_error *error)
{
    int status = take_memory(run, error);
    if (status == MR_OK) {
        status = open_input(run, error);
    }
    if (status == MR_OK) {
        mr_atomic_store(&run->report->total, run->source->total, relaxed);
    }
    if (status == MR_OK) {
        status = open_acks_early(run, error);
    }
    if (status == MR_OK) {
        status = open_engine(run, error);
    }
    if (status == MR_OK) {
        status = look_at_journal(run, error);
    }
    if (status == MR_OK) {
        tell_source(run);
        status = run->source->genesis != NULL ? run_dump_prepare(run, error)
                                              : run_sessions_prepare(run, error);
    }
    if (status == MR_OK) {
        status = look_at_executions(run, error);
    }
    if (status == MR_OK && run->settings->acks != NULL && run->acks == NULL) {
        status = acks_open(run->settings->acks, run->sequence_before, &run->acks, error);
    }
    if (status == MR_OK) {
        run_report_recovery(run);
        status = mr_engine_start(run->engine, error);
    }
    if (status == MR_OK) {
        if (strcmp(run->settings->input, "-") == 0 && isatty(STDIN_FILENO) == 1) {
            say("type commands, one a line; 'millrace catalog --logic %s' lists them, Ctrl-D ends",
                run->logic->name);
        }
        bool cached = engine_choice_durability(&ENGINE_CHOICE(run->settings)) == MR_DURABILITY_OS;
        (void)snprintf(run->storage, sizeof run->storage, "%s",
                       cached ? "page cache; synced when a segment is full and at the end"
                              : mr_engine_storage(run->engine));
    }
    return status;
}

static void close_all(struct run *run)
{
    acks_close(run->acks);
    mr_engine_close(run->engine);
    if (run->source != NULL) {
        run->source->calls->close(run->source);
    }
    free(run->config);
    free(run->prefix);
    free(run->flights);
    batch_free(&run->batch);
}

/* -- Running. ---------------------------------------------------------------------------------- */

/* The engine stands still: what is in it now? */
static void sum_up(struct run *run, uint64_t ended_ns)
{
    struct summary *summary = &run->report->summary;
    summary_count(summary, mr_engine_image(run->engine), run->logic);
    summary->durable_sequence = mr_engine_durable_sequence(run->engine);
    summary->state_digest = mr_engine_state_digest(run->engine);
    summary->event_digest = mr_engine_event_digest(run->engine);
    summary->run_commands = summary->commands - run->sequence_before;
    summary->elapsed_ns = ended_ns - run->started_ns;
    if (run->source->executions != NULL) {
        summary->executions = &run->source->executions->counts;
        summary->catalog = run->logic->catalog;
    }
}

/* What the loop ended with, as an exit code; says what is to be said. */
static int conclude(struct run *run)
{
    switch (run->end) {
    case RUN_INPUT_BAD:
        return complain(EXIT_USAGE, "%s (what came before it is done; --on-error skip goes on)",
                        run->error.text);
    case RUN_STOPPED:
        say("stopped by a signal; all that was sent is done, and the same command goes on");
        return EXIT_OK;
    case RUN_FAILED:
        /* A file that was there at the start and is gone is a failure, not bad usage. */
        if (run->error.code == MR_E_NOT_FOUND || run->error.code == MR_E_EXISTS) {
            run->error.code = MR_E_IO;
        }
        return complain_of(&run->error);
    case RUN_GOES_ON:
    case RUN_INPUT_ENDED:
        break;
    }
    return EXIT_OK;
}

static int run_all(struct run *run)
{
    run_loop(run);
    uint64_t ended_ns = mr_monotonic_ns();
    progress_clear();
    struct mr_error error;
    bool engine_failed = mr_engine_stop(run->engine, &error) != MR_OK;
    if (engine_failed && run->end != RUN_FAILED) {
        run->end = RUN_FAILED;
        run->error = error;
    }
    if (run->source->executions != NULL &&
        executions_finish(run->source->executions, &error) != MR_OK && run->end != RUN_FAILED) {
        run->end = RUN_FAILED;
        run->error = error;
    }
    if (!engine_failed) {
        sum_up(run, ended_ns);
        run_report_result(run);
    }
    return conclude(run);
}

int run_execute(const struct run_settings *settings, struct run_report *report)
{
    const struct engine_choice choice = ENGINE_CHOICE(settings);
    int wrong = engine_choice_check(&choice);
    if (wrong != EXIT_OK) {
        return wrong;
    }
    if (!engine_choice_keeps(&choice) && settings->acks != NULL) {
        return complain(EXIT_USAGE, "--durability none promises nothing that --acks could note");
    }
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return complain(EXIT_RESOURCES, "no memory to run");
    }
    /* Short sleeps shall be short; the engine's threads inherit this. */
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    run->settings = settings;
    run->report = report;
    struct mr_error error;
    int code = logic_chosen(settings->logic, &run->logic, &error) == MR_OK &&
                       open_all(run, &error) == MR_OK
                   ? run_all(run)
                   : complain_of(&error);
    close_all(run);
    free(run);
    return code;
}
