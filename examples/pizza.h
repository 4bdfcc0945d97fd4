/*
 * What both ways to order a pizza share: the menu, how long each takes, how the result is told, and
 * a node: an engine that is stepped by hand, on a simulated clock, and may crash at any step.
 */
#ifndef MR_EXAMPLES_PIZZA_H
#define MR_EXAMPLES_PIZZA_H

#include <millrace/millrace.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS (60 * UINT64_C(1000000000))
#define START_NS  UINT64_C(1767225600000000000) /* 2026-01-01 */

/* What happens to a pizza, in this order; each has an undoing that compensates for it. */
enum { CHARGE, BAKE, DELIVER, STEPS };
static const char *const step_names[STEPS] = {"charge", "bake", "deliver"};
/* Minutes that one waits for each. */
static const uint64_t patience[STEPS] = {5, 30, 40};

#define OUTCOMES(V)                                                                  \
    V(OUTCOME_OPEN, 0, open)                                                         \
    V(OUTCOME_DONE, 1, delivered)                                                    \
    V(OUTCOME_REFUSED, 2, refused) /* somebody could not, and the rest was undone */ \
    V(OUTCOME_LATE, 3, late)       /* somebody took too long, and all was undone */
enum outcome { OUTCOMES(MR_ENUM_VALUE) };
MR_ENUM_NAMES(outcome, OUTCOMES);

/* An order names a customer, a pizza and a street by numbers, which say how many minutes the
 * customer's bank takes, the pizza bakes, and the ride to the street takes. 0: it is refused (no
 * money, not on the menu, too far). */
struct wish {
    uint32_t minutes[STEPS];
};

enum { ORDERS_MAX = 256 };

/* What has come of an order. */
struct result {
    enum outcome outcome;
    uint32_t blamed;                   /* the step that was refused or late */
    uint32_t did[STEPS], undid[STEPS]; /* how often */
};

/* -- The command line: [--crash N] DIRECTORY CUSTOMER/PIZZA/STREET... -------------------------- */

struct plan {
    const char *directory;
    uint32_t crash_every; /* so many steps that did something; 0: never */
    uint32_t wish_count;
    struct wish wishes[ORDERS_MAX];
};

static inline bool read_wish(const char *text, struct wish *wish)
{
    char *end = NULL;
    for (int i = 0; i < STEPS; i++) {
        wish->minutes[i] = (uint32_t)strtoul(text, &end, 10);
        if (end == text || *end != (i == STEPS - 1 ? '\0' : '/'))
            return false;
        text = end + 1;
    }
    return true;
}

static inline bool read_plan(int argc, char **argv, struct plan *plan)
{
    int at = 1;
    if (argc > 2 && strcmp(argv[at], "--crash") == 0) {
        plan->crash_every = (uint32_t)strtoul(argv[at + 1], NULL, 10);
        at += 2;
    }
    bool good = argc - at >= 2 && argc - at - 1 <= ORDERS_MAX;
    plan->directory = good ? argv[at++] : NULL;
    for (; good && at < argc; at++)
        good = read_wish(argv[at], &plan->wishes[plan->wish_count++]);
    if (!good)
        fprintf(stderr,
                "usage: %s [--crash N] DIRECTORY CUSTOMER/PIZZA/STREET...\n"
                "the minutes that a bank, an oven and a ride take; 0: refused\n",
                argv[0]);
    return good;
}

/* -- The result. ------------------------------------------------------------------------------- */

/* Tells what has come of an order; false: it was left half done, or something was done twice. */
static inline bool tell_result(uint64_t order, const struct result *result)
{
    const char *outcome = outcome_names.names[result->outcome];
    bool done = result->outcome == OUTCOME_DONE;
    bool right = result->outcome != OUTCOME_OPEN;
    printf("order %" PRIu64 ": %s%s", order, done ? "" : step_names[result->blamed],
           done ? "" : " ");
    printf("%s;", outcome);
    for (int i = 0; i < STEPS; i++) {
        printf(" %s %" PRIu32 "-%" PRIu32, step_names[i], result->did[i], result->undid[i]);
        right = right && result->did[i] <= 1 && result->did[i] - result->undid[i] == done;
    }
    printf("%s\n", right ? "" : " WRONG");
    return right;
}

/* -- A node. ----------------------------------------------------------------------------------- */

struct node {
    char directory[512];
    struct mr_engine_options options;
    struct mr_engine *engine;
};

static struct mr_error error; /* of whatever fails; then the program ends */
static struct mr_simulated_clock clock_now = {.now_ns = START_NS};
static struct mr_clock simulated;
static uint32_t steps_done, crashes, crash_every;

static inline int node_open(struct node *node)
{
    int status = mr_engine_open(&node->options, &node->engine, &error);
    return status == MR_OK ? mr_engine_begin(node->engine, &error) : status;
}

static inline int node_make(struct node *node, const char *parent, const struct mr_logic *logic)
{
    simulated = mr_clock_simulated(&clock_now);
    snprintf(node->directory, sizeof node->directory, "%s/%s", parent, logic->name);
    node->options = (struct mr_engine_options){.directory = node->directory,
                                               .create = true,
                                               .logic = logic,
                                               .clock_kind = MR_CLOCK_SIMULATED,
                                               .clock = &simulated,
                                               /* processes crash here, machines do not */
                                               .durability = MR_DURABILITY_OS,
                                               .segment_bytes = 4 << 20};
    return node_open(node);
}

/* Steps one stage: more than 0: it did something, 0: nothing, less: it has failed. *crash: here the
 * plan wants a crash. */
static inline int64_t node_step(struct node *node, uint32_t stage, bool *crash)
{
    int64_t did = mr_engine_step(node->engine, stage);
    if (did < 0)
        (void)mr_engine_failure(node->engine, &error);
    steps_done += did > 0;
    *crash = did > 0 && crash_every > 0 && steps_done % crash_every == 0;
    crashes += *crash;
    return did;
}

/* What a journal says has happened so far goes to `event`, from the first event on. This is how a
 * reader catches up: it knows the number up to which it has read, and skips that. */
static inline int node_history(const struct node *node, void *context,
                               void (*event)(void *, const struct mr_event *))
{
    const struct mr_logic *const logics[] = {node->options.logic, NULL};
    const struct mr_replay_options options = {.directory = node->directory,
                                              .logics = logics,
                                              .handlers = {.event = event, .context = context}};
    struct mr_replay *replay = NULL;
    int status = mr_replay_open(&options, &replay, NULL, &error);
    if (status == MR_OK)
        mr_replay_close(replay);
    return status == MR_E_NOT_FOUND ? MR_OK : status; /* a new journal holds nothing yet */
}

/* All that was accepted is applied, and no timer is due. */
static inline bool node_quiet(const struct node *node)
{
    return mr_engine_drained(node->engine) &&
           mr_engine_next_timer(node->engine) > mr_clock_now(&simulated);
}

#endif
