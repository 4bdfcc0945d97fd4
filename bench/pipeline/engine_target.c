#include "bench/pipeline/engine_target.h"

#include "bench/harness.h"
#include "disruptor/backoff.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum {
    POLL_LIMIT = 1024,
    NAP_MOST_NS = 999999999,
    TIMER_SLACK_NS = 1000, /* how late a nap may end; the system's default, 50 us, is too much */
};

/* -- Set-up. ----------------------------------------------------------------------------------- */

/* The place of `word` among `words`, which end with NULL; -1: not there, said so. */
static int place_of(const char *option, const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    fprintf(stderr, "bench_pipeline: --%s: '%s' is none of the words (see --help)\n", option, word);
    return -1;
}

bool engine_setup_read(struct engine_setup *setup)
{
    static const char *const topologies[] = {"two", "one", "each", NULL};
    static const char *const waits[] = {"park", "yield", "spin", "sleep", NULL};
    static const char *const affinities[] = {"auto", "none", NULL};
    int topology = place_of(
        "topology", bench_option("topology", "two", "of the engine: two, one, each"), topologies);
    int wait = place_of(
        "wait", bench_option("wait", "park", "of its idle threads: park, yield, spin, sleep"),
        waits);
    int affinity = place_of(
        "affinity", bench_option("affinity", "auto", "of its threads: auto, none"), affinities);
    static const char *const levels[] = {"error", "warning", "info", NULL};
    int level = place_of(
        "log", bench_option("log", "warning", "what it says: error, warning, info"), levels);
    const char *nap = bench_option("nap", "10000",
                                   "ns that the sender sleeps when nothing is due; "
                                   "0: spins");
    char *end;
    long nap_ns = strtol(nap, &end, 10);
    if (end == nap || *end != '\0' || nap_ns < 0 || nap_ns > NAP_MOST_NS) {
        fprintf(stderr, "bench_pipeline: --nap takes a number up to %d\n", NAP_MOST_NS);
        return false;
    }
    *setup = (struct engine_setup){.topology = (enum mr_topology)topology,
                                   .wait = (enum mr_wait_kind)wait,
                                   .affinity = (enum mr_affinity)affinity,
                                   .log = (enum mr_log_level)level,
                                   .nap_ns = nap_ns};
    if (topology >= 0 && wait >= 0) {
        setup->topology_word = topologies[topology];
        setup->wait_word = waits[wait];
    }
    return topology >= 0 && wait >= 0 && affinity >= 0 && level >= 0;
}

static bool said(const struct engine_target *target, int status, const char *what)
{
    if (status != MR_OK) {
        fprintf(stderr, "bench_pipeline: %s: %s\n", what, target->error.text);
    }
    return status == MR_OK;
}

static void say(void *context, enum mr_log_level level, const char *message)
{
    (void)context;
    fprintf(stderr, "bench_pipeline: engine: %s: %s\n", mr_log_level_name(level), message);
}

static int define_instruments(struct engine_target *target)
{
    struct mr_error *error = &target->error;
    int status = mr_engine_session(target->engine, ORDERS_OPERATOR, MR_ROLE_OPERATOR, NULL, error);
    if (status == MR_OK) {
        status = mr_engine_session(target->engine, ORDERS_SESSION, MR_ROLE_USER, NULL, error);
    }
    for (uint32_t i = 1; i <= ORDERS_INSTRUMENTS && status == MR_OK; i++) {
        orders_instrument(i, &target->order);
        status = mr_engine_execute(target->engine, &target->order.header, NULL, NULL, error);
    }
    return status;
}

bool engine_target_open(struct engine_target *target, const struct engine_setup *setup)
{
    *target = (struct engine_target){.setup = setup, .directory = "bench-pipeline-XXXXXX"};
    if (mkdtemp(target->directory) == NULL) {
        perror("bench_pipeline: mkdtemp");
        return false;
    }
    const struct mr_engine_options options = {.directory = target->directory,
                                              .create = true,
                                              .logic = &mr_logic_book,
                                              .clock_kind = MR_CLOCK_INPUT,
                                              .topology = setup->topology,
                                              .wait = setup->wait,
                                              .affinity = setup->affinity,
                                              .log = {.write = say, .level = setup->log}};
    (void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    int status = mr_engine_open(&options, &target->engine, &target->error);
    if (status == MR_OK) {
        status = mr_engine_start(target->engine, &target->error);
    }
    if (status == MR_OK) {
        status = define_instruments(target);
        target->first_sequence = mr_engine_applied_sequence(target->engine) + 1;
    }
    return said(target, status, "open");
}

/* -- The target. ------------------------------------------------------------------------------- */

static void prepare(void *context, uint64_t index)
{
    struct engine_target *target = context;
    orders_make(index, &target->order);
}

static bool hand_over(void *context, uint64_t index)
{
    struct engine_target *target = context;
    (void)index;
    return mr_engine_submit(target->engine, &target->order.header, NULL) == MR_OK;
}

static void count_answer(void *context, const struct mr_answer *answer)
{
    (void)answer;
    ++*(uint64_t *)context;
}

static bool look(void *context, struct open_loop_progress *progress)
{
    struct engine_target *target = context;
    const struct mr_engine_handlers handlers = {.answer = count_answer,
                                                .context = &target->answers};
    (void)mr_engine_poll(target->engine, &handlers, POLL_LIMIT);
    uint64_t durable = mr_engine_durable_sequence(target->engine);
    progress->answered = target->answers;
    progress->durable =
        durable >= target->first_sequence ? durable - target->first_sequence + 1 : 0;
    return mr_engine_failure(target->engine, NULL) == MR_OK ||
           said(target, mr_engine_failure(target->engine, &target->error), "run");
}

/* A sender that spins takes one of two cores from the engine and from the kernel's work for the
 * disk. So it naps, and what comes due meanwhile is late by that; naps much shorter than the least
 * that making a command durable takes hardly show. */
static void idle(void *context, uint64_t wait_ns)
{
    const struct engine_target *target = context;
    if (target->setup->nap_ns > 0) {
        const struct timespec nap = {.tv_nsec = target->setup->nap_ns};
        nanosleep(&nap, NULL);
    } else if (wait_ns == 0) {
        mr_engine_pause();
    } else {
        mr_relax();
    }
}

struct open_loop_target engine_target_of(struct engine_target *target)
{
    return (struct open_loop_target){
        .prepare = prepare, .send = hand_over, .look = look, .idle = idle, .context = target};
}

/* -- Afterwards. ------------------------------------------------------------------------------- */

bool engine_target_stop(struct engine_target *target)
{
    int status = mr_engine_stop(target->engine, &target->error);
    mr_engine_close(target->engine);
    target->engine = NULL;
    return said(target, status, "stop");
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

void engine_target_close(struct engine_target *target)
{
    if (target->engine != NULL) {
        (void)mr_engine_stop(target->engine, NULL);
        mr_engine_close(target->engine);
    }
    (void)nftw(target->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
