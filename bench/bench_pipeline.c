/*
 * The whole pipeline on two cores: orders from this thread through the input ring, the sequencer,
 * the disk and the book to events and answers, back to this thread. Every command is on stable
 * storage before its answer counts. Runs in a directory of its own below the current one, removed
 * afterwards.
 *
 *     durable-orders   commands/s, orders submitted one by one, as fast as they are taken
 */
#include "base/random.h"
#include "bench/harness.h"

#include <millrace/millrace.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INSTRUMENTS = 10, ORDERS = 1000000, ORDERS_QUICK = 200000, LIVE = 4096 };

union order {
    struct mr_command header;
    unsigned char bytes[128];
};

struct session {
    union order *orders;
    uint32_t count;
};

static void fill_header(union order *order, uint16_t type, uint32_t body_size, uint64_t request)
{
    order->header = (struct mr_command){.length = MR_COMMAND_HEADER + body_size,
                                        .type = type,
                                        .role = MR_ROLE_USER,
                                        .session = 2,
                                        .request = request};
}

/* Half new orders near a fixed price, of which some cross; half cancels of what rests. */
static void make_orders(struct session *session)
{
    struct mr_random random;
    mr_random_init(&random, 1);
    for (uint32_t i = 0; i < session->count; i++) {
        union order *order = &session->orders[i];
        memset(order, 0, sizeof *order);
        uint32_t instrument = 1 + i / 2 % INSTRUMENTS;
        if (i % 2 == 1 && i > LIVE) {
            fill_header(order, MR_BOOK_ORDER_CANCEL, sizeof(struct mr_book_order_cancel), i + 1);
            struct mr_book_order_cancel *cancel = mr_command_body_mutable(&order->header);
            cancel->order = i - LIVE / 2 * 2;
            cancel->instrument = 1 + (uint32_t)(cancel->order - 1) / 2 % INSTRUMENTS;
            continue;
        }
        fill_header(order, MR_BOOK_ORDER_NEW, sizeof(struct mr_book_order_new), i + 1);
        struct mr_book_order_new *new = mr_command_body_mutable(&order->header);
        new->order = i + 1;
        new->side = (uint8_t)mr_random_below(&random, 2);
        int64_t distance = (int64_t)mr_random_below(&random, 40) - 2;
        new->price = 10000 + (new->side == MR_BOOK_SIDE_BUY ? -distance : distance);
        new->quantity = 1 + mr_random_below(&random, 100);
        new->instrument = instrument;
    }
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static void count_answer(void *context, const struct mr_answer *answer)
{
    (void)answer;
    ++*(uint64_t *)context;
}

static int define_instruments(struct mr_engine *engine, struct mr_error *error)
{
    int status = mr_engine_session(engine, 1, MR_ROLE_OPERATOR, NULL, error);
    if (status == MR_OK) {
        status = mr_engine_session(engine, 2, MR_ROLE_USER, NULL, error);
    }
    for (uint32_t i = 1; i <= INSTRUMENTS && status == MR_OK; i++) {
        union order order = {.bytes = {0}};
        fill_header(&order, MR_BOOK_INSTRUMENT_DEFINE, sizeof(struct mr_book_instrument_define), i);
        order.header.role = MR_ROLE_OPERATOR;
        order.header.session = 1;
        struct mr_book_instrument_define *define = mr_command_body_mutable(&order.header);
        *define = (struct mr_book_instrument_define){.symbol = "BENCH",
                                                     .price_min = 1,
                                                     .price_max = 1 << 20,
                                                     .quantity_max = 1 << 20,
                                                     .instrument = i};
        status = mr_engine_execute(engine, &order.header, NULL, NULL, error);
    }
    return status;
}

/* Submits everything and polls until the last answer; commands a second. */
static double drive(struct mr_engine *engine, const struct session *session, struct mr_error *error)
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
            if (mr_engine_failure(engine, error) != MR_OK) {
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
    char directory[] = "bench-pipeline-XXXXXX";
    if (mkdtemp(directory) == NULL) {
        perror("bench_pipeline: mkdtemp");
        return BENCH_FAILED;
    }
    struct mr_engine_options options = {.directory = directory,
                                        .create = true,
                                        .logic = &mr_logic_book,
                                        .clock_kind = MR_CLOCK_INPUT,
                                        .topology = MR_TOPOLOGY_TWO,
                                        .wait = MR_WAIT_PARK};
    struct mr_engine *engine = NULL;
    struct mr_error error = {0};
    double rate = BENCH_FAILED;
    if (mr_engine_open(&options, &engine, &error) == MR_OK &&
        mr_engine_start(engine, &error) == MR_OK) {
        if (define_instruments(engine, &error) == MR_OK) {
            rate = drive(engine, session, &error);
        }
        if (mr_engine_stop(engine, &error) != MR_OK) {
            rate = BENCH_FAILED;
        }
    }
    mr_engine_close(engine);
    if (rate < 0) {
        fprintf(stderr, "bench_pipeline: %s\n", error.text);
    }
    (void)nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return rate;
}

int main(int argc, char **argv)
{
    bench_begin("pipeline", argc, argv);
    struct session session = {.count = bench_quick() ? ORDERS_QUICK : ORDERS};
    session.orders = malloc(session.count * sizeof *session.orders);
    if (session.orders == NULL) {
        return 4;
    }
    make_orders(&session);
    bench_add((struct bench_case){.row = "durable-orders",
                                  .subject = "millrace",
                                  .unit = BENCH_COMMANDS_PER_S,
                                  .measure = measure,
                                  .context = &session});
    int status = bench_end();
    free(session.orders);
    return status;
}
