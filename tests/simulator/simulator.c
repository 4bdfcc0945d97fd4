/*
 * simulator: runs simulated worlds, each from a seed, and says whether all of them were as they
 * ought to be. See world.h for what happens in one, and --help for what may be asked for.
 *
 * Worlds run in child processes, so that whatever ends one (a check, an assertion, a signal) ends
 * with the seed, the step and the command that repeats it; and with the smallest number of steps
 * after which it still fails.
 */
#include "tests/simulator/world.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 16, COUNTING_COMMANDS = 100000, SHRINK_RUNS = 24 };

/* What a child tells its parent. */
struct report {
    uint64_t seed;
    volatile uint64_t step;
    struct sim_tally tally;
};

struct asked {
    struct sim_wish wish;
    uint64_t first, last;
    uint32_t jobs;
    bool json, shrink;
    const char *trace;
};

static const char usage[] =
    "usage: simulator [OPTION...]\n"
    "Runs the engine over a simulated disk and clock, with faults and crashes, from a seed.\n"
    "  --seed N          one seed (default: 1)\n"
    "  --seeds FROM..TO  many; MR_SEED=N in the environment: N million further on\n"
    "  --logic NAME      till (default) or counter: large batches, for speed\n"
    "  --commands N      of the counter: so many in each life (default: 100000)\n"
    "  --steps N         every world ends after so many steps\n"
    "  --jobs N          so many processes side by side (default: 1)\n"
    "  --trace FILE      write every step to a file\n"
    "  --no-shrink       do not look for the smallest number of steps that fails\n"
    "  --fail-at STEP    pretend that a check fails there\n"
    "  --json            what happened, as one line of JSON\n";

/* -- The command line. ------------------------------------------------------------------------- */

_Noreturn static void misused(const char *text)
{
    fprintf(stderr, "simulator: %s\n%s", text, usage);
    exit(2);
}

static uint64_t number_of(const char *text)
{
    char *end;
    errno = 0;
    uint64_t number = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || errno != 0 || end == text || *end != '\0') {
        misused("that takes a number");
    }
    return number;
}

static void take_range(struct asked *asked, const char *text)
{
    const char *dots = text == NULL ? NULL : strstr(text, "..");
    if (dots == NULL || dots - text > 20) {
        misused("--seeds takes FROM..TO");
    }
    char from[24] = {0};
    memcpy(from, text, (size_t)(dots - text));
    const char *moved = getenv("MR_SEED");
    uint64_t offset = moved == NULL ? 0 : number_of(moved) * 1000000;
    asked->first = offset + number_of(from);
    asked->last = offset + number_of(dots + 2);
    if (asked->first > asked->last) {
        misused("--seeds takes FROM..TO, the smaller one first");
    }
}

static void take_logic(struct asked *asked, const char *text)
{
    asked->wish.counts = text != NULL && strcmp(text, "counter") == 0;
    if (!asked->wish.counts && (text == NULL || strcmp(text, "till") != 0)) {
        misused("--logic takes till or counter");
    }
}

/* True when `option` takes a value, which was taken. */
static bool take_value(struct asked *asked, const char *option, const char *value)
{
    if (strcmp(option, "--seed") == 0) {
        asked->first = asked->last = number_of(value);
    } else if (strcmp(option, "--seeds") == 0) {
        take_range(asked, value);
    } else if (strcmp(option, "--logic") == 0) {
        take_logic(asked, value);
    } else if (strcmp(option, "--commands") == 0) {
        asked->wish.commands = number_of(value);
    } else if (strcmp(option, "--steps") == 0) {
        asked->wish.step_max = number_of(value);
    } else if (strcmp(option, "--fail-at") == 0) {
        asked->wish.fail_at = number_of(value);
    } else if (strcmp(option, "--jobs") == 0) {
        asked->jobs = (uint32_t)number_of(value);
    } else if (strcmp(option, "--trace") == 0 && value != NULL) {
        asked->trace = value;
    } else {
        return false;
    }
    return true;
}

static void take_arguments(struct asked *asked, int count, char **arguments)
{
    *asked = (struct asked){.jobs = 1, .shrink = true};
    asked->wish.commands = COUNTING_COMMANDS;
    asked->first = asked->last = 1;
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0) {
            asked->json = true;
        } else if (strcmp(arguments[i], "--no-shrink") == 0) {
            asked->shrink = false;
        } else if (strcmp(arguments[i], "--help") == 0) {
            printf("%s", usage);
            exit(0);
        } else if (take_value(asked, arguments[i], i + 1 < count ? arguments[i + 1] : NULL)) {
            i++;
        } else {
            misused("there is no such option");
        }
    }
    if (asked->jobs < 1 || asked->jobs > JOBS_MAX || asked->wish.commands == 0) {
        misused("--jobs takes 1 to 16, --commands a number above 0");
    }
    if (asked->trace != NULL && asked->jobs > 1) {
        misused("a trace is written by one job");
    }
}

/* -- Running. ---------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* Every `jobs`-th seed from `first` on, in this process. */
static void run_seeds(const struct asked *asked, uint64_t first, struct report *report)
{
    struct sim_wish wish = asked->wish;
    wish.step_seen = &report->step;
    if (asked->trace != NULL) {
        wish.trace = fopen(asked->trace, "w");
        if (wish.trace != NULL) {
            setvbuf(wish.trace, NULL, _IOLBF, 1 << 16); /* also up to where a signal ends it */
        }
        if (wish.trace == NULL) {
            fprintf(stderr, "simulator: cannot write %s: %s\n", asked->trace, strerror(errno));
            _exit(4);
        }
    }
    for (wish.seed = first; wish.seed <= asked->last; wish.seed += asked->jobs) {
        report->seed = wish.seed;
        world_run(&wish, &report->tally);
    }
    fflush(NULL);
    _exit(0);
}

static pid_t start(const struct asked *asked, uint64_t first, struct report *report)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        fprintf(stderr, "simulator: cannot start a process: %s\n", strerror(errno));
        exit(4);
    }
    if (child == 0) {
        run_seeds(asked, first, report);
    }
    return child;
}

static bool wait_for(pid_t child, int *status)
{
    while (waitpid(child, status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(*status) && WEXITSTATUS(*status) == 0;
}

/* -- Failures. --------------------------------------------------------------------------------- */

static bool still_fails(const struct asked *asked, uint64_t seed, uint64_t steps,
                        struct report *report)
{
    struct asked again = *asked;
    again.last = seed;
    again.trace = NULL;
    again.wish.step_max = steps;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        (void)dup2(nowhere, STDERR_FILENO);
        run_seeds(&again, seed, report);
    }
    int status;
    return child > 0 && !wait_for(child, &status);
}

/* The smallest number of steps that is found to fail, by halving. */
static uint64_t shrink(const struct asked *asked, uint64_t seed, uint64_t steps,
                       struct report *report)
{
    uint64_t fails = steps;
    uint64_t passes = 0;
    for (uint32_t i = 0; i < SHRINK_RUNS && fails - passes > 1; i++) {
        uint64_t middle = passes + (fails - passes) / 2;
        if (still_fails(asked, seed, middle, report)) {
            fails = middle;
        } else {
            passes = middle;
        }
    }
    return fails;
}

static void tell_failure(const struct asked *asked, struct report *report, int status)
{
    uint64_t seed = report->seed;
    uint64_t steps = report->step + 1;
    char options[120] = "";
    int used = 0;
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "simulator: seed %" PRIu64 ", step %" PRIu64 ": ended by signal %d%s\n",
                seed, report->step, WTERMSIG(status),
                WTERMSIG(status) == SIGALRM ? ": it hangs" : "");
    }
    if (asked->wish.counts) {
        used = snprintf(options, sizeof options, " --logic counter --commands %" PRIu64,
                        asked->wish.commands);
    }
    if (asked->wish.fail_at > 0) {
        (void)snprintf(options + used, sizeof options - (size_t)used, " --fail-at %" PRIu64,
                       asked->wish.fail_at);
    }
    fprintf(stderr, "simulator: FAILED; to repeat: simulator --seed %" PRIu64 "%s", seed, options);
    if (asked->wish.step_max > 0) {
        fprintf(stderr, " --steps %" PRIu64, asked->wish.step_max);
    }
    fprintf(stderr, " --trace FILE\n");
    uint64_t fewest = asked->shrink ? shrink(asked, seed, steps, report) : steps;
    if (fewest < steps) {
        fprintf(stderr,
                "simulator: fails with fewer steps: simulator --seed %" PRIu64 "%s --steps %" PRIu64
                "\n",
                seed, options, fewest);
    }
}

/* -- What happened. ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t offset;
} figures[] = {
#define FIGURE(name) {#name, offsetof(struct sim_tally, name)},
    SIM_TALLY(FIGURE)};
enum { FIGURES = sizeof figures / sizeof figures[0] };

static uint64_t figure_of(const struct sim_tally *tally, uint32_t i)
{
    uint64_t value;
    memcpy(&value, (const unsigned char *)tally + figures[i].offset, sizeof value);
    return value;
}

/* CPU time that all jobs took. */
static double cpu_seconds(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_CHILDREN, &used) != 0) {
        return 0;
    }
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void print(const struct asked *asked, const struct sim_tally *tally, uint64_t elapsed_ns)
{
    double seconds = (double)elapsed_ns / 1e9;
    double cpu = cpu_seconds();
    double commands = (double)tally->commands / cpu;
    double seeds = (double)tally->seeds / seconds;
    if (asked->json) {
        printf("{");
        for (uint32_t i = 0; i < FIGURES; i++) {
            printf("\"%s\":%" PRIu64 ",", figures[i].name, figure_of(tally, i));
        }
        printf("\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"jobs\":%u,\"seeds_per_second\":%.1f,"
               "\"commands_per_core_second\":%.0f}\n",
               seconds, cpu, asked->jobs, seeds, commands);
        return;
    }
    printf("simulator:");
    for (uint32_t i = 0; i < FIGURES; i++) {
        printf(" %" PRIu64 " %s%s", figure_of(tally, i), figures[i].name,
               i + 1 < FIGURES ? "," : "\n");
    }
    printf("simulator: %.1f s (%.1f s of CPU) with %u job%s: %.1f seeds/s, %.0f commands/s a core "
           "(replays not counted)\n",
           seconds, cpu, asked->jobs, asked->jobs == 1 ? "" : "s", seeds, commands);
}

int main(int argument_count, char **arguments)
{
    struct asked asked;
    take_arguments(&asked, argument_count, arguments);
    struct report *reports = mmap(NULL, sizeof *reports * JOBS_MAX, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reports == MAP_FAILED) {
        fprintf(stderr, "simulator: no memory\n");
        return 4;
    }
    fprintf(stderr, "simulator: seeds %" PRIu64 " to %" PRIu64 "\n", asked.first, asked.last);
    uint64_t begin_ns = now_ns();
    pid_t children[JOBS_MAX];
    for (uint32_t i = 0; i < asked.jobs; i++) {
        children[i] = start(&asked, asked.first + i, &reports[i]);
    }
    int result = 0;
    struct sim_tally sum = {0};
    for (uint32_t i = 0; i < asked.jobs; i++) {
        int status;
        if (!wait_for(children[i], &status)) {
            result = 1;
            tell_failure(&asked, &reports[i], status);
        }
        sim_tally_add(&sum, &reports[i].tally);
    }
    if (result == 0) {
        print(&asked, &sum, now_ns() - begin_ns);
    }
    return result;
}
