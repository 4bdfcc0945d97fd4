/*
 * `millrace demo`: the main job, for somebody who sees Millrace for the first time. It trades, is
 * killed, recovers, finishes, and proves that nothing was lost; it fails if any of that fails.
 */
#include "base/clock.h"
#include "tools/acks.h"
#include "tools/child.h"
#include "tools/command.h"
#include "tools/deep.h"
#include "tools/output.h"
#include "tools/picture.h"
#include "tools/stop.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEMO_OPTIONS(O, tag)                                                                     \
    O(tag, text, data, "DIR", "millrace-demo", "where the journal will lie; must not exist yet") \
    O(tag, choice, logic, "book|ledger", "book", "a market session, or a ledger's day")          \
    O(tag, number, orders, "N", "1000000", "orders of the session, or transfers of the day")     \
    O(tag, number, seed, "N", "1", "another seed, another session")                              \
    O(tag, number, instruments, "N", "10", "instruments that are traded")                        \
    O(tag, number, accounts, "N", "10000", "accounts of the ledger")
OPTIONS_STRUCT(demo_settings, DEMO_OPTIONS);

enum {
    KILL_TRIES = 3,
    LOOK_NS = 200000, /* between two looks at a run that is to be killed */
    OPEN_LOOP_S = 3,  /* how long the run at half speed shall take, at most */
    BOOKS_MAX = 1,
    LEVELS_MAX = 8,
    ORDERS_MIN = 1000,
    INPUT_SIZE = 256,
};

enum { DEMO_BOOK, DEMO_LEDGER };
static const char *const logic_names[] = {[DEMO_BOOK] = "book", [DEMO_LEDGER] = "ledger"};

struct demo {
    const struct demo_settings *settings;
    bool ledger;
    char input[INPUT_SIZE];
    char acks[512];
    char scratch[512]; /* the data directory of the open loop */
    struct child killed, finished, open_loop;
    uint64_t acknowledged; /* before the kill */
    uint64_t replay_ns;
    bool open_loop_whole; /* it ran the whole session, too */
};

/* -- Paths. ------------------------------------------------------------------------------------ */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void name_input(const struct demo *demo, uint64_t orders, char input[INPUT_SIZE])
{
    const struct demo_settings *settings = demo->settings;
    if (demo->ledger) {
        snprintf(input, INPUT_SIZE,
                 "gen:transfers=%" PRIu64 ",seed=%" PRIu64 ",accounts=%" PRIu64
                 ",skew=50,pending=20,chains=10,history=1",
                 orders, settings->seed, settings->accounts);
    } else {
        snprintf(input, INPUT_SIZE, "gen:orders=%" PRIu64 ",seed=%" PRIu64 ",instruments=%" PRIu64,
                 orders, settings->seed, settings->instruments);
    }
}

static int name_paths(struct demo *demo)
{
    const struct demo_settings *settings = demo->settings;
    if (strlen(settings->data) > sizeof demo->acks / 2) {
        return complain(EXIT_USAGE, "--data: the path is too long");
    }
    snprintf(demo->acks, sizeof demo->acks, "%s/acks", settings->data);
    snprintf(demo->scratch, sizeof demo->scratch, "%s/scratch", settings->data);
    name_input(demo, settings->orders, demo->input);
    if (mkdir(settings->data, 0777) != 0) {
        return complain(EXIT_USAGE, "cannot make %s: %s; name another directory with --data",
                        settings->data, strerror(errno));
    }
    return EXIT_OK;
}

/* -- The steps: each says what it saw, and returns an exit code. ------------------------------- */

static void tell(const char *step, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(const char *step, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    printf("  %s%-12s%s", paint(PAINT_GREEN), step, paint(PAINT_NONE));
    vprintf(format, arguments);
    putchar('\n');
    (void)fflush(stdout);
    va_end(arguments);
}

static int start(struct demo *demo, struct child *child)
{
    const char *const arguments[] = {
        "--data",  demo->settings->data, "--logic", logic_names[demo->settings->logic],
        "--input", demo->input,          "--acks",  demo->acks,
        NULL};
    struct mr_error error;
    return child_start(child, arguments, &error) == MR_OK ? EXIT_OK : complain_of(&error);
}

/* Half of the session is acknowledged. */
static bool is_half_way(const struct child *child)
{
    uint64_t total = mr_atomic_load(&child->report->total, relaxed);
    return total > 0 && mr_atomic_load(&child->report->acknowledged, relaxed) >= total / 2;
}

static int interrupted(void)
{
    return complain(EXIT_FINDING, "stopped before all was shown");
}

/* Lets a run get half way and kills it; *was_killed false: it was faster than we. */
static int run_and_kill(struct demo *demo, bool *was_killed)
{
    int code = start(demo, &demo->killed);
    if (code != EXIT_OK) {
        return code;
    }
    while (child_runs(&demo->killed) && !is_half_way(&demo->killed) && !stop_requested()) {
        struct timespec pause = {.tv_nsec = LOOK_NS};
        (void)nanosleep(&pause, NULL);
    }
    child_kill(&demo->killed);
    demo->acknowledged = mr_atomic_load(&demo->killed.report->acknowledged, relaxed);
    *was_killed = demo->killed.code < 0;
    if (stop_requested()) {
        return interrupted();
    }
    return *was_killed ? EXIT_OK : demo->killed.code;
}

static int step_kill(struct demo *demo)
{
    bool was_killed = false;
    for (int i = 0; i < KILL_TRIES && !was_killed; i++) {
        child_free(&demo->killed);
        remove_tree(demo->settings->data);
        int code = run_and_kill(demo, &was_killed);
        if (code != EXIT_OK) {
            return code;
        }
    }
    if (!was_killed) {
        return complain(EXIT_FINDING, "the run ended before it could be killed: try more --orders");
    }
    tell("killed", "with SIGKILL, when it had acknowledged %s commands",
         number_grouped(demo->acknowledged).text);
    return EXIT_OK;
}

static int step_finish(struct demo *demo)
{
    int code = start(demo, &demo->finished);
    if (code != EXIT_OK || (code = child_wait(&demo->finished)) != EXIT_OK) {
        return code >= 0 ? code : complain(EXIT_FINDING, "the second run died");
    }
    if (stop_requested()) {
        return interrupted();
    }
    const struct mr_engine_recovery *recovery = &demo->finished.report->recovery;
    tell("recovered", "%s commands in %s%s", number_grouped(recovery->journal.last_sequence).text,
         number_duration(recovery->journal.elapsed_ns + recovery->replay_ns).text,
         recovery->journal.torn ? "; a torn write, never acknowledged, was set aside" : "");
    const struct summary *summary = &demo->finished.report->summary;
    tell("finished", "the %s: %s commands, %s events, %s %s", demo->ledger ? "day" : "session",
         number_grouped(summary->commands).text, number_grouped(summary->events).text,
         number_grouped(demo->ledger ? summary->transfers : summary->trades).text,
         demo->ledger ? "transfers" : "trades");
    return EXIT_OK;
}

static int step_check_acks(struct demo *demo)
{
    struct acks_report report;
    struct mr_error error;
    if (acks_check(demo->acks, demo->settings->data, &report, &error) != MR_OK) {
        return complain_of(&error);
    }
    if (report.missing > 0) {
        return complain(EXIT_FINDING,
                        "%" PRIu64 " acknowledged commands are not in the journal, the first one "
                        "at sequence %" PRIu64,
                        report.missing, report.first_sequence);
    }
    if (report.lines < demo->acknowledged) {
        return complain(EXIT_FINDING, "only %" PRIu64 " acknowledgements are on record",
                        report.lines);
    }
    tell("kept", "all %s acknowledgements, from before and after, are in the journal",
         number_grouped(report.lines).text);
    return EXIT_OK;
}

static int compare(const struct summary *summary, struct mr_digest state, struct mr_digest event,
                   const char *what)
{
    if (!mr_digest_equal(summary->state_digest, state) ||
        !mr_digest_equal(summary->event_digest, event)) {
        return complain(EXIT_FINDING, "%s gives other digests", what);
    }
    return EXIT_OK;
}

static int step_replay(struct demo *demo, struct mr_replay **replay)
{
    const struct mr_replay_options options = {.directory = demo->settings->data,
                                              .logics = logics_known,
                                              .progress = progress_of_sequences};
    struct mr_error error;
    uint64_t start_ns = mr_monotonic_ns();
    if (mr_replay_open(&options, replay, NULL, &error) != MR_OK) {
        return complain_of(&error);
    }
    demo->replay_ns = mr_monotonic_ns() - start_ns;
    struct mr_digest state = mr_replay_state_digest(*replay);
    struct mr_digest event = mr_replay_event_digest(*replay);
    progress_clear();
    int code = compare(&demo->finished.report->summary, state, event, "a replay of the journal");
    if (code == EXIT_OK) {
        char text[2][MR_DIGEST_TEXT_SIZE];
        mr_digest_format(state, text[0]);
        mr_digest_format(event, text[1]);
        tell("replayed", "in %s: the same digests, state %.12s..., events %.12s...",
             number_duration(demo->replay_ns).text, text[0], text[1]);
    }
    return code;
}

/* Of a ledger: what its events say is what its accounts have. */
static int step_balance(struct demo *demo)
{
    struct deep_report report;
    struct mr_error error;
    if (!demo->ledger) {
        return EXIT_OK;
    }
    if (deep_check(demo->settings->data, 0, &report, &error) != MR_OK) {
        return complain_of(&error);
    }
    tell("balanced",
         "every balance of %s accounts, recomputed from the events alone; debits equal "
         "credits",
         number_grouped(report.accounts).text);
    return EXIT_OK;
}

/* The same session, or its beginning if that would take long, at half the speed just seen and
 * without a kill. */
static int step_open_loop(struct demo *demo)
{
    const struct summary *full = &demo->finished.report->summary;
    uint64_t rate = rate_per_second(full->run_commands, full->elapsed_ns) / 2;
    rate = rate == 0 ? 1 : rate;
    uint64_t orders = demo->settings->orders;
    uint64_t all = mr_atomic_load(&demo->finished.report->total, relaxed);
    demo->open_loop_whole = all <= rate * OPEN_LOOP_S;
    if (!demo->open_loop_whole) {
        orders = rate * OPEN_LOOP_S * orders / all;
    }
    char input[INPUT_SIZE], rate_text[32];
    name_input(demo, orders, input);
    snprintf(rate_text, sizeof rate_text, "%" PRIu64, rate);
    const char *const arguments[] = {
        "--data", demo->scratch, "--logic", logic_names[demo->settings->logic], "--input", input,
        "--rate", rate_text,     NULL};
    struct mr_error error;
    if (child_start(&demo->open_loop, arguments, &error) != MR_OK) {
        return complain_of(&error);
    }
    int code = child_wait(&demo->open_loop);
    if (stop_requested()) {
        return interrupted();
    }
    if (code == EXIT_OK && demo->open_loop_whole) {
        const struct summary *calm = &demo->open_loop.report->summary;
        code = compare(full, calm->state_digest, calm->event_digest,
                       "the same session without a kill");
        if (code == EXIT_OK) {
            tell("compared", "with the same session that nobody killed: the same digests");
        }
    }
    return code >= 0 ? code : complain(EXIT_FINDING, "the run at half speed died");
}

/* -- The report. ------------------------------------------------------------------------------- */

static void print_figures(const struct demo *demo)
{
    const struct run_report *full = demo->finished.report;
    const struct run_report *half = demo->open_loop.report;
    const struct mr_engine_recovery *recovery = &full->recovery;
    uint64_t rate = rate_per_second(full->summary.run_commands, full->summary.elapsed_ns);
    printf("\n  %-12s%s%s%s durable commands a second (%s of them, after the recovery)\n",
           "throughput", paint(PAINT_BOLD), number_grouped(rate).text, paint(PAINT_NONE),
           number_grouped(full->summary.run_commands).text);
    printf("  %-12s", "latency");
    summary_print_latency(&half->latency);
    printf("  %-12sat %s a second, half of that speed, from when each command was due\n", "",
           number_grouped(rate / 2).text);
    printf("  %-12s", "");
    summary_print_latency(&full->latency);
    printf("  %-12sat full speed: mostly waiting in line behind %s\n", "",
           "commands that were sent before");
    printf("  %-12sread %s of journal in %s, replayed it in %s\n", "recovery",
           number_bytes(recovery->journal.bytes_scanned).text,
           number_duration(recovery->journal.elapsed_ns).text,
           number_duration(recovery->replay_ns).text);
}

static void print_next(const struct demo *demo)
{
    const char *data = demo->settings->data;
    printf("\n  %-12s%s/journal; acknowledgements: %s\n", "journal", data, demo->acks);
    const char *program = program_invocation_name;
    printf("\nWhat to try next:\n");
    printf("  %s dump --data %s\n", program, data);
    printf("  %s replay --data %s --to 1000 --events\n", program, data);
    printf("  %s verify --data %s --acks %s\n", program, data, demo->acks);
    if (demo->ledger) {
        printf("  %s state --data %s account 1\n", program, data);
        printf("  %s run --data %s-typed --logic ledger --input -      and type yourself\n",
               program, data);
    } else {
        printf("  %s run --data %s-typed --input -      and type orders yourself\n", program, data);
    }
}

static int show(struct demo *demo)
{
    int code = step_kill(demo);
    code = code == EXIT_OK ? step_finish(demo) : code;
    code = code == EXIT_OK ? step_check_acks(demo) : code;
    struct mr_replay *replay = NULL;
    code = code == EXIT_OK ? step_replay(demo, &replay) : code;
    code = code == EXIT_OK ? step_balance(demo) : code;
    code = code == EXIT_OK ? step_open_loop(demo) : code;
    if (code == EXIT_OK) {
        print_figures(demo);
        putchar('\n');
        picture_books(mr_replay_image(replay), mr_replay_logic(replay), BOOKS_MAX, LEVELS_MAX);
        picture_ledgers(mr_replay_image(replay), mr_replay_logic(replay));
        print_next(demo);
    }
    mr_replay_close(replay);
    remove_tree(demo->scratch);
    return code;
}

static int run_demo(const void *settings)
{
    struct demo demo = {.settings = settings};
    demo.ledger = demo.settings->logic == DEMO_LEDGER;
    if (demo.settings->orders < ORDERS_MIN || demo.settings->instruments == 0 ||
        demo.settings->accounts < 2) {
        return complain(EXIT_USAGE,
                        "--orders wants at least %d, --instruments at least 1, --accounts 2",
                        ORDERS_MIN);
    }
    int code = name_paths(&demo);
    if (code != EXIT_OK) {
        return code;
    }
    printf("%s%s of %s %s%s, every command durable before it is answered\n\n", paint(PAINT_BOLD),
           demo.ledger ? "A ledger's day" : "A market session",
           number_grouped(demo.settings->orders).text, demo.ledger ? "transfers" : "orders",
           paint(PAINT_NONE));
    (void)fflush(stdout);
    code = show(&demo);
    child_free(&demo.killed);
    child_free(&demo.finished);
    child_free(&demo.open_loop);
    if (code != EXIT_OK) {
        return complain(code, "FAILED; what there is lies in %s", demo.settings->data);
    }
    return code;
}

const struct command command_demo = {
    .name = "demo",
    .summary = "trade, be killed, recover, and prove that nothing was lost",
    .description =
        "Generates a market session, runs it durably, kills its own engine with SIGKILL\n"
        "in the middle, recovers, finishes, checks that every acknowledged command is\n"
        "in the journal and that a replay gives the same digests, and shows throughput,\n"
        "latency, recovery time and a book. Takes some seconds; leaves the journal\n"
        "behind to look at. With --logic ledger it is transfers, and every balance is\n"
        "recomputed.",
    .examples = "  millrace demo\n"
                "  millrace demo --data d --orders 100000 --seed 7\n"
                "  millrace demo --data l --logic ledger\n",
    COMMAND_OPTIONS(demo_settings, DEMO_OPTIONS),
    .run = run_demo,
};
