/*
 * An auction house (auction_house.h), run in two ways:
 *
 *     auction simulate MONTHS SEED    months of auctions on a simulated clock, in a moment
 *     auction live DIRECTORY          on the machine's clock: type commands, get answers
 *
 * Live, a line is a command of session 1 (the house) or 2 to 9 (bidders), or a query:
 *
 *     lot_open item=vase raise=10 reserve=100 lasts_s=30
 *     bid session=2 lot=1 price=50
 *     bid session=3 lot=1 price=60 expected=2
 *     ?lot lot=1
 *
 * From the root:
 *
 *     cc -I. -o auction examples/auction.c $(pkg-config --cflags --libs millrace)
 */
#include "examples/auction_house.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

MR_LOGIC_PLUGIN(auction_house) /* as a shared object: millrace --logic ./auction.so serve ... */

enum { HOUSE = 1, BIDDER_FIRST = 2, BIDDER_LAST = 9, SESSIONS = 10 };

static struct mr_error error;
static struct mr_engine *engine;
static uint64_t requests[SESSIONS]; /* each session's last one */

static int open_sessions(void)
{
    int status = MR_OK;
    for (uint64_t id = HOUSE; id < SESSIONS && status == MR_OK; id++)
        status = mr_engine_session(engine, id, id == HOUSE ? MR_ROLE_OPERATOR : MR_ROLE_USER,
                                   &requests[id], &error);
    return status;
}

struct command {
    struct mr_command header;
    union {
        struct lot_open open;
        struct bid bid;
    } body;
};

static void address(struct mr_command *header, uint16_t type, size_t body_size, uint64_t session)
{
    *header = (struct mr_command){.length = (uint32_t)(MR_COMMAND_HEADER + body_size),
                                  .type = type,
                                  .role = session == HOUSE ? MR_ROLE_OPERATOR : MR_ROLE_USER,
                                  .session = session,
                                  .request = ++requests[session]};
}

/* -- Simulated. -------------------------------------------------------------------------------- */

#define HOUR_NS  (3600 * SECOND_NS)
#define MONTH_NS (720 * HOUR_NS)

struct tally {
    uint64_t opened, bids, extended, outcomes[LOT_TOO_LITTLE + 1], turnover;
    uint64_t refused[REASON_OWN_BID + 1];
};

static struct mr_simulated_clock now = {.now_ns = UINT64_C(1767225600000000000)}; /* 2026-01-01 */
static uint64_t random_state;

static uint64_t random_below(uint64_t limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % limit;
}

static void count_event(void *context, const struct mr_event *event)
{
    struct tally *tally = context;
    if (event->type == CLOSED) {
        const struct lot_closed *closed = mr_event_body(event);
        tally->outcomes[closed->outcome]++;
        tally->turnover += closed->outcome == LOT_SOLD ? closed->price : 0;
    } else if (event->type == TAKEN) {
        const struct bid_taken *taken = mr_event_body(event);
        tally->extended += taken->ends_ns == event->time_ns + 300 * SECOND_NS;
    }
    tally->opened += event->type == OPENED;
}

static void count_answer(void *context, const struct mr_answer *answer)
{
    struct tally *tally = context;
    tally->bids += answer->session >= BIDDER_FIRST;
    tally->refused[answer->result]++;
}

/* Steps the engine by hand until all that is due at this time has happened. */
static int settle(struct tally *tally)
{
    const struct mr_engine_handlers handlers = {
        .event = count_event, .answer = count_answer, .context = tally};
    do {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++)
            if (mr_engine_step(engine, stage) < 0)
                return mr_engine_failure(engine, &error);
        (void)mr_engine_poll(engine, &handlers, UINT32_MAX);
    } while (!mr_engine_drained(engine) || mr_engine_next_timer(engine) <= now.now_ns);
    return MR_OK;
}

static int send(const struct command *command, struct tally *tally)
{
    int status = mr_engine_submit(engine, &command->header, NULL);
    return status == MR_OK ? settle(tally) : mr_engine_failure(engine, &error);
}

static int open_lot(struct tally *tally)
{
    struct command command = {
        .body.open = {.item = "thing",
                      .reserve = random_below(10000),
                      .raise = 100,
                      .lasts_s = 3600 + (uint32_t)random_below(UINT64_C(2) * 86400)}};
    address(&command.header, OPEN, sizeof command.body.open, HOUSE);
    return send(&command, tally);
}

/* Bids for one of the last lots, most often knowing how it stands: by its version, or by its price.
 */
static int make_bid(struct tally *tally)
{
    const struct house *house = mr_image_state(mr_engine_image(engine));
    uint64_t newest = house->count;
    uint64_t id = newest - random_below(newest < 4 ? newest : 4);
    const struct lot *lot = &house->lots[id - 1];
    struct command command = {.body.bid = {.lot = id, .price = lot->price + random_below(1500)}};
    uint64_t late = random_below(10) == 0; /* somebody was quicker */
    if (random_below(2) == 0)
        command.body.bid.expected = lot->stream.count - late;
    else
        command.body.bid.seen = lot->price == 0 ? 0 : lot->price - late;
    address(&command.header, BID, sizeof command.body.bid,
            BIDDER_FIRST + random_below(BIDDER_LAST - BIDDER_FIRST + 1));
    return send(&command, tally);
}

static void tell_tally(const struct tally *tally)
{
    printf("lots %" PRIu64 ": sold %" PRIu64 " for %" PRIu64 " cents, no bid %" PRIu64
           ", too little %" PRIu64 "\n",
           tally->opened, tally->outcomes[LOT_SOLD], tally->turnover, tally->outcomes[LOT_NO_BID],
           tally->outcomes[LOT_TOO_LITTLE]);
    printf("bids %" PRIu64 ", of which near the end %" PRIu64 "; refused", tally->bids,
           tally->extended);
    for (uint32_t reason = 1; reason <= REASON_OWN_BID; reason++)
        if (tally->refused[reason] > 0)
            printf(" %s %" PRIu64, mr_catalog_reason_name(&house_catalog, reason),
                   tally->refused[reason]);
    struct mr_digest digest = mr_engine_event_digest(engine);
    printf("\nevents %" PRIu64 ", digest %016" PRIx64 "%016" PRIx64 "\n",
           mr_image_status_get(mr_engine_image(engine)).events, digest.high, digest.low);
}

/* Time goes from one thing to the next: a new lot every six hours or so, a bid every half an hour.
 */
static int run_months(uint64_t months, struct tally *tally)
{
    uint64_t end_ns = now.now_ns + months * MONTH_NS;
    uint64_t open_ns = now.now_ns, bid_ns = now.now_ns + 1;
    int status = MR_OK;
    while (status == MR_OK) {
        uint64_t timer_ns = mr_engine_next_timer(engine);
        uint64_t next_ns = open_ns < bid_ns ? open_ns : bid_ns;
        next_ns = timer_ns < next_ns ? timer_ns : next_ns;
        if (next_ns >= end_ns)
            break;
        mr_simulated_clock_set(&now, next_ns);
        if (next_ns == open_ns) {
            status = open_lot(tally);
            open_ns += 1 + random_below(12 * HOUR_NS);
        } else if (next_ns == bid_ns) {
            status = make_bid(tally);
            bid_ns += 1 + random_below(HOUR_NS);
        } else {
            status = settle(tally);
        }
    }
    return status;
}

static int simulate(uint64_t months, uint64_t seed)
{
    struct tally tally = {0};
    struct mr_clock clock = mr_clock_simulated(&now);
    /* Nothing is stored: what makes it the same again is the seed. */
    const struct mr_engine_options options = {.logic = &auction_house,
                                              .clock_kind = MR_CLOCK_SIMULATED,
                                              .clock = &clock,
                                              .durability = MR_DURABILITY_NONE};
    random_state = seed + 1;
    int status = mr_engine_open(&options, &engine, &error);
    if (status == MR_OK)
        status = mr_engine_begin(engine, &error);
    if (status == MR_OK)
        status = open_sessions();
    if (status == MR_OK)
        status = run_months(months, &tally);
    if (status == MR_OK) {
        tell_tally(&tally);
        if (!mr_image_check(mr_engine_image(engine), &auction_house))
            status = mr_error_set(&error, MR_E_CORRUPT, "an invariant is broken");
    }
    return status;
}

/* -- Live. ------------------------------------------------------------------------------------- */

static void show_event(void *context, const struct mr_event *event)
{
    char line[1024];
    (void)context;
    if (event->type < MR_CATALOG_LOGIC_FIRST)
        return;
    (void)mr_text_event_write(&auction_house, event, line, sizeof line);
    puts(line);
}

static const struct mr_engine_handlers show = {.event = show_event};

static void type_command(const char *line, size_t length)
{
    union {
        struct mr_command header;
        unsigned char bytes[512];
    } command;
    struct mr_text_error bad;
    uint32_t stated = 0;
    enum mr_text_outcome outcome = mr_text_command_read(
        &auction_house, line, length, &command.header, sizeof command, &stated, &bad);
    if (outcome == MR_TEXT_NOTHING)
        return;
    if (outcome == MR_TEXT_BAD) {
        printf("column %" PRIu32 ": %s\n", bad.column, bad.text);
        return;
    }
    struct mr_command *header = &command.header;
    if ((stated & MR_TEXT_SESSION) == 0)
        header->session = HOUSE;
    if (header->session == 0 || header->session >= SESSIONS) {
        printf("sessions are 1 to %d\n", SESSIONS - 1);
        return;
    }
    header->role = header->session == HOUSE ? MR_ROLE_OPERATOR : MR_ROLE_USER;
    header->request = ++requests[header->session];
    struct mr_answer answer;
    if (mr_engine_execute(engine, header, &show, &answer, &error) == MR_OK && answer.result != 0)
        printf("refused: %s\n", mr_catalog_reason_name(&house_catalog, answer.result));
}

static void type_query(const char *line, size_t length)
{
    union {
        struct mr_query header;
        unsigned char bytes[512];
    } query;
    static uint64_t found[8192];
    struct mr_text_error bad;
    if (mr_text_query_read(&auction_house, line, length, &query.header, sizeof query, &bad) !=
        MR_TEXT_COMMAND) {
        printf("column %" PRIu32 ": %s\n", bad.column, bad.text);
        return;
    }
    struct mr_query_call call = {.query = &query.header, .rows = found, .rows_size = sizeof found};
    if (mr_engine_query(engine, &call) != MR_OK || mr_query_wait(&call, 0) != MR_OK)
        return;
    if (call.reply.result != 0)
        printf("refused: %s\n", mr_catalog_reason_name(&house_catalog, call.reply.result));
    const struct mr_row *row = call.rows;
    for (uint32_t i = 0; i < call.reply.rows; i++) {
        char text[1024];
        (void)mr_text_row_write(&auction_house, row, text, sizeof text);
        puts(text);
        row = (const struct mr_row *)(const void *)((const char *)row + row->length);
    }
}

/* Takes lines as they come, and shows what happens meanwhile. */
static int converse(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    char line[4096];
    setvbuf(stdin, NULL, _IONBF, 0); /* so that poll knows of every line */
    setvbuf(stdout, NULL, _IOLBF, 0);
    while (mr_engine_failure(engine, &error) == MR_OK) {
        (void)mr_engine_poll(engine, &show, UINT32_MAX);
        if (poll(&input, 1, 20) <= 0)
            continue;
        if (fgets(line, sizeof line, stdin) == NULL)
            break;
        size_t length = strcspn(line, "\n");
        if (line[0] == '?')
            type_query(line, length);
        else
            type_command(line, length);
    }
    return mr_engine_failure(engine, &error);
}

static int live(const char *directory)
{
    static const struct house_config config = {.lots_max = 4096, .soft_close_s = 2};
    const struct mr_engine_options options = {.directory = directory,
                                              .create = true,
                                              .logic = &auction_house,
                                              .config = &config,
                                              .segment_bytes = 4 << 20};
    int status = mr_engine_open(&options, &engine, &error);
    if (status != MR_OK || (status = mr_engine_start(engine, &error)) != MR_OK)
        return status;
    status = open_sessions();
    if (status == MR_OK)
        status = converse();
    int stopped = mr_engine_stop(engine, status == MR_OK ? &error : NULL);
    return status == MR_OK ? stopped : status;
}

int main(int argc, char **argv)
{
    int status;
    if (argc == 4 && strcmp(argv[1], "simulate") == 0) {
        status = simulate(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    } else if (argc == 3 && strcmp(argv[1], "live") == 0) {
        status = live(argv[2]);
    } else {
        fprintf(stderr, "usage: auction simulate MONTHS SEED\n"
                        "       auction live DIRECTORY\n");
        return 2;
    }
    mr_engine_close(engine);
    if (status != MR_OK)
        fprintf(stderr, "auction: %s\n", error.text);
    return status == MR_OK ? 0 : 4;
}
