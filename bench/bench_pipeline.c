/*
 * The whole pipeline on two cores: orders from this thread through the input ring, the sequencer,
 * the disk and the book to events and answers, back to this thread. Every command is on stable
 * storage before its answer counts. All is written in directories below the current one, removed
 * afterwards.
 *
 *     durable-orders        commands/s, orders submitted one by one, as fast as they are taken
 *
 * and, in bench/pipeline/, the open-loop rows: how long a command takes at a rate that is given.
 */
#include "bench/harness.h"
#include "bench/journal/common.h"
#include "bench/pipeline/engine_target.h"
#include "bench/pipeline/latency.h"

#include <stdlib.h>

enum { ORDERS = 1000000, ORDERS_QUICK = 200000 };

struct session {
    const struct engine_setup *setup;
    union order *orders;
    uint32_t count;
};

static void count_answer(void *context, const struct mr_answer *answer)
{
    (void)answer;
    ++*(uint64_t *)context;
}

/* Submits everything and polls until the last answer; commands a second. */
static double drive(struct mr_engine *engine, const struct session *session)
{
    uint64_t answers = 0;
    const struct mr_engine_handlers handlers = {.answer = count_answer, .context = &answers};
    uint64_t begin = bench_now_ns();
    uint32_t submitted = 0;
    while (answers < session->count) {
        uint32_t burst = 0;
        while (submitted < session->count && burst < 256 &&
               mr_engine_submit(engine, &session->orders[submitted].header, NULL) == MR_OK) {
            submitted++;
            burst++;
        }
        uint32_t polled = mr_engine_poll(engine, &handlers, 1024);
        if (burst == 0 && polled == 0) {
            if (mr_engine_failure(engine, NULL) != MR_OK) {
                return BENCH_FAILED;
            }
            mr_engine_pause();
        }
    }
    return (double)session->count * 1e9 / (double)(bench_now_ns() - begin);
}

static double measure(void *context)
{
    const struct session *session = context;
    struct engine_target target;
    double rate = BENCH_FAILED;
    if (engine_target_open(&target, session->setup)) {
        rate = drive(target.engine, session);
        rate = engine_target_stop(&target) ? rate : BENCH_FAILED;
    }
    engine_target_close(&target);
    return rate;
}

static bool make_orders(struct session *session)
{
    session->count = bench_quick() ? ORDERS_QUICK : ORDERS;
    session->orders = malloc(session->count * sizeof *session->orders);
    for (uint32_t i = 0; session->orders != NULL && i < session->count; i++) {
        orders_make(i, &session->orders[i]);
    }
    return session->orders != NULL;
}

int main(int argc, char **argv)
{
    enum { USAGE = 2, FAILED = 4 };
    bench_begin("pipeline", argc, argv);
    struct engine_setup setup;
    orders_begin();
    struct session session = {.setup = &setup};
    if (!engine_setup_read(&setup)) {
        return USAGE;
    }
    if (!make_orders(&session) || !common_begin(".")) {
        return FAILED;
    }
    bench_add((struct bench_case){.row = "durable-orders",
                                  .subject = "millrace",
                                  .unit = BENCH_COMMANDS_PER_S,
                                  .measure = measure,
                                  .context = &session});
    int status = latency_add(&setup) ? bench_end() : USAGE;
    if (!latency_end() && status == 0) {
        status = FAILED;
    }
    common_end();
    free(session.orders);
    return status;
}
