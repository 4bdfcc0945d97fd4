/*
 * `millrace stat`: the counters of an engine, from outside its process, also when it hangs or is
 * dead.
 */
#include "tools/command.h"
#include "tools/output.h"
#include "tools/stat.h"
#include "tools/stop.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define STAT_OPTIONS(O, tag)                                                                \
    O(tag, text, data, "DIR", NULL, "the data directory; its file 'counters' is read")      \
    O(tag, text, file, "PATH", NULL, "this file instead")                                   \
    O(tag, flag, once, NULL, NULL, "look once; so it does also where there is no terminal") \
    O(tag, flag, watch, NULL, NULL, "look again each second, and tell rates; Ctrl-C ends")  \
    O(tag, flag, json, NULL, NULL,                                                          \
      "one JSON object on standard output, with --watch one a second")                      \
    O(tag, flag, openmetrics, NULL, NULL, "OpenMetrics text on standard output")            \
    O(tag, flag, list, NULL, NULL, "say what there is and what it means, and read nothing")
OPTIONS_STRUCT(stat_settings, STAT_OPTIONS);

struct watching {
    const struct stat_settings *settings;
    char path[PATH_MAX];
    struct mr_counters *counters;
    struct mr_counters_snapshot snapshots[2]; /* the latest and the one before, by turns */
    uint64_t looks;                           /* since the file was opened */
    bool redraws;                             /* on a terminal: over what stands there */
};

static const struct mr_counters_snapshot *latest(const struct watching *watching)
{
    return &watching->snapshots[(watching->looks - 1) % 2];
}

static int check(struct watching *watching)
{
    const struct stat_settings *settings = watching->settings;
    if ((settings->data == NULL) == (settings->file == NULL)) {
        return complain(EXIT_USAGE, "either --data DIR or --file PATH: see 'millrace stat --help'");
    }
    if ((settings->watch && settings->once) || (settings->json && settings->openmetrics) ||
        (settings->watch && settings->openmetrics)) {
        return complain(EXIT_USAGE, "--watch goes with --json alone, --once with either form");
    }
    int length =
        settings->file != NULL
            ? snprintf(watching->path, sizeof watching->path, "%s", settings->file)
            : snprintf(watching->path, sizeof watching->path, "%s/counters", settings->data);
    return length > 0 && (size_t)length < sizeof watching->path
               ? EXIT_OK
               : complain(EXIT_USAGE, "the path is too long");
}

/* A new engine has put a file of its own in the place of this one: on to that. */
static int open_anew(struct watching *watching, struct mr_error *error)
{
    struct mr_counters *fresh;
    int status = mr_counters_open(watching->path, &fresh, error);
    if (status == MR_OK) {
        mr_counters_close(watching->counters);
        watching->counters = fresh;
        watching->looks = 0;
    }
    return status;
}

static void look(struct watching *watching)
{
    struct mr_error error;
    if (mr_counters_replaced(watching->counters)) {
        (void)open_anew(watching, &error); /* else there is none yet: this one's last words */
    }
    mr_counters_snapshot_take(watching->counters, &watching->snapshots[watching->looks % 2]);
    watching->looks++;
    const struct stat_view view = {
        .path = watching->path,
        .now = latest(watching),
        .before = watching->looks > 1 ? &watching->snapshots[watching->looks % 2] : NULL};
    if (watching->settings->openmetrics) {
        stat_print_openmetrics(&view);
    } else if (watching->settings->json) {
        stat_print_json(&view);
    } else {
        fputs(watching->redraws ? "\033[H\033[J" : "", stdout);
        stat_print_text(&view);
    }
    (void)fflush(stdout);
}

/* A second, or until a signal asks for the end. */
static void wait_a_second(void)
{
    const struct timespec tenth = {.tv_nsec = 100000000};
    for (int i = 0; i < 10 && !stop_requested(); i++) {
        (void)nanosleep(&tenth, NULL);
    }
}

static bool reader_is_there(void)
{
    return ferror(stdout) == 0;
}

static int show(struct watching *watching)
{
    const struct stat_settings *settings = watching->settings;
    bool terminal = isatty(STDOUT_FILENO) == 1;
    bool watch = settings->watch ||
                 (terminal && !settings->once && !settings->json && !settings->openmetrics);
    watching->redraws = terminal && watch && !settings->json;
    look(watching);
    while (watch && !stop_requested() && reader_is_there()) {
        wait_a_second();
        if (!stop_requested()) {
            look(watching);
        } else if (watching->redraws) {
            putchar('\n');
        }
    }
    output_told();
    return watch || settings->openmetrics || stat_is_well(latest(watching)) ? EXIT_OK
                                                                            : EXIT_FINDING;
}

/* The table of docs/counters.md. */
static int list_all(void)
{
    uint32_t count;
    const struct mr_counter_info *list = mr_counters_list(&count);
    printf("| name | OpenMetrics | kind | unit | meaning |\n|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_counter_info *info = &list[i];
        bool labelled = info->labels[0] != '\0';
        printf("| `%s` | `millrace_%s%s%s%s%s` | %s | %s | %s |\n", info->name, info->family,
               info->kind == MR_COUNTER_KIND_COUNTER ? "_total" : "", labelled ? "{" : "",
               info->labels, labelled ? "}" : "", mr_counter_kind_name(info->kind),
               mr_counter_unit_name(info->unit), info->help);
    }
    list = mr_counters_histogram_list(&count);
    for (uint32_t i = 0; i < count; i++) {
        printf("| `%s` | `millrace_%s` | histogram | %s | %s |\n", list[i].name, list[i].family,
               mr_counter_unit_name(list[i].unit), list[i].help);
    }
    return EXIT_OK;
}

static int execute(const void *settings)
{
    if (((const struct stat_settings *)settings)->list) {
        return list_all();
    }
    struct watching *watching = calloc(1, sizeof *watching);
    if (watching == NULL) {
        return complain(EXIT_RESOURCES, "no memory to look at counters");
    }
    watching->settings = settings;
    int code = check(watching);
    struct mr_error error;
    if (code == EXIT_OK && mr_counters_open(watching->path, &watching->counters, &error) != MR_OK) {
        code = complain_of(&error);
    } else if (code == EXIT_OK) {
        code = show(watching);
    }
    mr_counters_close(watching->counters);
    free(watching);
    return code;
}

const struct command command_stat = {
    .name = "stat",
    .summary = "show an engine's counters, also when it hangs or is dead",
    .description =
        "Reads the file in which an engine keeps its counters: how far it has come, how\n"
        "full its rings are, how long the disk and the logic take, what went wrong. The\n"
        "engine is not asked, so this works also when it hangs, and after it has died,\n"
        "and costs it nothing.\n"
        "\n"
        "On a terminal it looks again each second until Ctrl-C; --once looks once. It\n"
        "then exits with 1 if the engine hangs, was halted, failed, or died without\n"
        "stopping. --openmetrics gives what Prometheus and its like read, and exits with\n"
        "0 whatever it says.",
    .examples = "  millrace stat --data d\n"
                "  millrace stat --data d --once --json\n"
                "  millrace stat --file d/counters.previous --once\n"
                "  millrace stat --data d --openmetrics >/var/lib/node_exporter/millrace.prom\n",
    COMMAND_OPTIONS(stat_settings, STAT_OPTIONS),
    .run = execute,
};
