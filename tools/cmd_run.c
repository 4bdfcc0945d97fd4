#include "tools/command.h"
#include "tools/output.h"
#include "tools/run.h"

#include <stdlib.h>

static const struct option options[] = OPTIONS_TABLE(run_settings, RUN_OPTIONS);

int run_settings_parse(const char *const *arguments, struct run_settings *settings,
                       struct mr_error *error)
{
    return options_parse(options, OPTIONS_COUNT(RUN_OPTIONS), arguments, settings, error);
}

static int execute(const void *settings)
{
    struct run_report *report = calloc(1, sizeof *report);
    if (report == NULL) {
        return complain(EXIT_RESOURCES, "no memory to run");
    }
    int code = run_execute(settings, report);
    free(report);
    return code;
}

const struct command command_run = {
    .name = "run",
    .summary = "run an engine on an input: a file, standard input, or the generator",
    .description = "Creates the data directory, or recovers it after whatever happened to it, and\n"
                   "runs a durable engine on the input. The same command on the same directory\n"
                   "goes on where the journal ends: nothing is done twice, and nothing is lost\n"
                   "that was acknowledged. Typed commands (--input -) answer with their events.\n"
                   "\n"
                   "Ctrl-C and SIGTERM stop sending, wait for what was sent, report, and exit\n"
                   "with 0. With --json, the last line of standard output is one object that sums\n"
                   "up the run.",
    .examples = "  millrace run --data d --input gen:orders=1000000,seed=1,instruments=10\n"
                "  millrace run --data d --input orders.csv --format bitstamp --acks d.acks\n"
                "  millrace run --data d --input day.csv --format lobster --date 2012-06-21\n"
                "  echo 'order_new order=1 instrument=1 side=buy price=100 quantity=5' |\n"
                "      millrace run --data d --input -\n"
                "  millrace run --data l --logic ledger --input gen:transfers=1000000\n"
                "  echo 'account_create id=1 ledger=1 code=1' |\n"
                "      millrace run --data l --logic ledger --input -\n",
    COMMAND_OPTIONS(run_settings, RUN_OPTIONS),
    .run = execute,
};
