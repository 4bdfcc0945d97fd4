/*
 * What a command costs in the book as a logic: no ring, no journal, no engine. Commands lie in
 * slots of 128 bytes, as they do in the block ring; events go to an outbox in cache.
 *
 *   add-cancel        a book of 10,000 orders at 200 prices a side; in turn, an order picked at
 *                     random is cancelled and entered anew at another price. ns a command
 *   add-cancel-image  the same through the memory image, with its session and answers
 *   mixed             GTC and IOC orders, replacements, cancels and trades around a price that
 *                     drifts; about 1,000 orders are live. ns a command
 */
#include "bench/book/rows.h"

#include "base/random.h"
#include "bench/harness.h"

#include <millrace/book.h>
#include <millrace/image.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SLOT_SIZE = 128,
    INSTRUMENT = 1,
    STANDING = 10000,
    PRICES = 200,
    ADD_CANCEL_COMMANDS = 8192,
    MIXED_COMMANDS = 20000,
    COMMANDS = 10000000, /* of a run */
    COMMANDS_QUICK = 1000000,
    MID = 100000,
    USER = 1, /* sessions */
    OPERATOR = 2,
};

union slot {
    struct mr_command header;
    unsigned char bytes[SLOT_SIZE];
};

/* Commands that leave the book as they found it, to be applied round and round. */
struct stream {
    union slot *slots;
    uint32_t count;
    uint32_t next;
};

static void out_of_memory(void)
{
    fputs("bench_book: not enough memory\n", stderr);
    exit(4);
}

static void *allocate(size_t size)
{
    size_t rounded = (size + 4095) & ~(size_t)4095;
    void *memory = aligned_alloc(4096, rounded);
    if (memory == NULL)
        out_of_memory();
    memset(memory, 0, rounded);
    return memory;
}

/* -- Commands. --------------------------------------------------------------------------------- */

static union slot make_command(uint16_t type, const void *body, size_t size)
{
    union slot slot = {.header = {.length = (uint32_t)(MR_COMMAND_HEADER + size),
                                  .type = type,
                                  .role = MR_ROLE_USER,
                                  .session = USER}};
    memcpy(slot.bytes + MR_COMMAND_HEADER, body, size);
    return slot;
}

static union slot make_define(void)
{
    struct mr_book_instrument_define body = {.symbol = "BENCH",
                                             .price_min = 1,
                                             .price_max = INT64_MAX,
                                             .quantity_max = 1000000,
                                             .instrument = INSTRUMENT};
    union slot slot = make_command(MR_BOOK_INSTRUMENT_DEFINE, &body, sizeof(body));
    slot.header.session = OPERATOR;
    slot.header.role = MR_ROLE_OPERATOR;
    return slot;
}

static union slot make_limit(uint64_t order, enum mr_book_side side, int64_t price,
                             uint64_t quantity, enum mr_book_tif tif)
{
    struct mr_book_order_new body = {.order = order,
                                     .price = price,
                                     .quantity = quantity,
                                     .instrument = INSTRUMENT,
                                     .side = (uint8_t)side,
                                     .tif = (uint8_t)tif};
    return make_command(MR_BOOK_ORDER_NEW, &body, sizeof(body));
}

static union slot make_cancel(uint64_t order)
{
    struct mr_book_order_cancel body = {.order = order, .instrument = INSTRUMENT};
    return make_command(MR_BOOK_ORDER_CANCEL, &body, sizeof(body));
}

static union slot make_replace(uint64_t order, int64_t price, uint64_t quantity)
{
    struct mr_book_order_replace body = {
        .order = order, .price = price, .quantity = quantity, .instrument = INSTRUMENT};
    return make_command(MR_BOOK_ORDER_REPLACE, &body, sizeof(body));
}

/* An order of the standing book: even ids buy, odd ids sell, and they never meet. */
static union slot make_standing(struct mr_random *random, uint64_t order)
{
    enum mr_book_side side = order % 2 == 0 ? MR_BOOK_SIDE_BUY : MR_BOOK_SIDE_SELL;
    int64_t distance = 1 + (int64_t)mr_random_below(random, PRICES);
    return make_limit(order, side, side == MR_BOOK_SIDE_BUY ? MID - distance : MID + distance, 10,
                      MR_BOOK_TIF_GTC);
}

static struct stream make_add_cancel(struct mr_random *random)
{
    struct stream stream = {.slots = allocate(ADD_CANCEL_COMMANDS * sizeof(union slot))};
    while (stream.count < ADD_CANCEL_COMMANDS) {
        uint64_t order = mr_random_below(random, STANDING);
        stream.slots[stream.count++] = make_cancel(order);
        stream.slots[stream.count++] = make_standing(random, order);
    }
    return stream;
}

static inline struct mr_command *next_command(struct stream *stream)
{
    struct mr_command *command = &stream->slots[stream->next].header;
    stream->next = stream->next + 1 == stream->count ? 0 : stream->next + 1;
    return command;
}

/* -- The book alone. --------------------------------------------------------------------------- */

struct alone {
    struct mr_book_config config;
    struct mr_book *book;
    struct mr_outbox outbox;
    struct mr_context context;
    struct stream stream;
    uint64_t rejects;
};

static uint32_t alone_apply(struct alone *alone, const struct mr_command *command)
{
    alone->outbox.used = 0;
    alone->outbox.count = 0;
    alone->context.sequence++;
    alone->context.time_ns += 100;
    alone->context.correlation = command->correlation;
    return mr_logic_book.apply(&alone->context, command);
}

static void alone_open(struct alone *alone)
{
    memset(alone, 0, sizeof(*alone));
    mr_logic_book.config_default(&alone->config);
    alone->book = allocate(mr_logic_book.state_size(&alone->config));
    mr_logic_book.init(alone->book, &alone->config);
    alone->outbox.size =
        mr_logic_book.turn_events_max(&alone->config) * mr_logic_book.event_size_max;
    alone->outbox.bytes = allocate(alone->outbox.size);
    alone->context = (struct mr_context){
        .state = alone->book, .config = &alone->config, .outbox = &alone->outbox};
    union slot define = make_define();
    alone_apply(alone, &define.header);
}

static void alone_loop(void *context, uint64_t commands)
{
    struct alone *alone = context;
    uint64_t rejects = 0;
    for (uint64_t i = 0; i < commands; i++)
        rejects += alone_apply(alone, next_command(&alone->stream)) != 0;
    alone->rejects += rejects;
}

static void open_add_cancel(struct alone *alone)
{
    struct mr_random random;
    mr_random_init(&random, 1);
    alone_open(alone);
    for (uint64_t order = 0; order < STANDING; order++) {
        union slot slot = make_standing(&random, order);
        alone_apply(alone, &slot.header);
    }
    alone->stream = make_add_cancel(&random);
}

/* -- Through the image. ------------------------------------------------------------------------ */

struct through_image {
    struct mr_image *image;
    struct mr_outbox outbox;
    struct stream stream;
    uint64_t sequence;
    uint64_t rejects;
};

static void image_apply(struct through_image *through, struct mr_command *command)
{
    struct mr_answer answer;
    command->sequence = ++through->sequence;
    command->time_ns = command->sequence * 100;
    command->request = command->sequence;
    while (!mr_image_apply(through->image, &mr_logic_book, command, &through->outbox, &answer))
        continue;
    through->rejects += answer.result != 0;
}

/* Genesis is the one command that is larger than a slot. */
union genesis {
    struct mr_command header;
    struct {
        unsigned char header[MR_COMMAND_HEADER];
        struct mr_genesis genesis;
        struct mr_book_config config;
    } whole;
};

static union genesis make_genesis(void)
{
    union genesis command = {.header = {.length = sizeof(command.whole),
                                        .type = MR_COMMAND_GENESIS,
                                        .role = MR_ROLE_SYSTEM,
                                        .sequence = 1}};
    command.whole.genesis = (struct mr_genesis){.logic_version = mr_logic_book.version,
                                                .layout_version = mr_logic_book.layout_version,
                                                .sessions_max = 64,
                                                .answers_max = 1024,
                                                .timers_max = 64,
                                                .config_size = sizeof(struct mr_book_config),
                                                .clock = MR_CLOCK_INPUT};
    memcpy(command.whole.genesis.logic, mr_logic_book.name, strlen(mr_logic_book.name));
    mr_logic_book.config_default(&command.whole.config);
    return command;
}

static void open_session(struct through_image *through, uint64_t session, enum mr_role role)
{
    struct mr_session_open open = {.new_session = session, .new_role = (uint8_t)role};
    union slot slot = make_command(MR_COMMAND_SESSION_OPEN, &open, sizeof(open));
    slot.header.session = 0;
    slot.header.role = MR_ROLE_SYSTEM;
    image_apply(through, &slot.header);
}

static void open_image(struct through_image *through)
{
    struct mr_random random;
    mr_random_init(&random, 1);
    memset(through, 0, sizeof(*through));
    union genesis genesis = make_genesis();
    through->image = mr_image_init(allocate(mr_image_size(&mr_logic_book, &genesis.header, NULL)),
                                   &mr_logic_book, &genesis.header);
    through->outbox.size = mr_image_outbox_size(&mr_logic_book, &genesis.header);
    through->outbox.bytes = allocate(through->outbox.size);
    image_apply(through, &genesis.header);
    open_session(through, USER, MR_ROLE_USER);
    open_session(through, OPERATOR, MR_ROLE_OPERATOR);
    union slot slot = make_define();
    image_apply(through, &slot.header);
    for (uint64_t order = 0; order < STANDING; order++) {
        slot = make_standing(&random, order);
        image_apply(through, &slot.header);
    }
    through->stream = make_add_cancel(&random);
}

static void image_loop(void *context, uint64_t commands)
{
    struct through_image *through = context;
    for (uint64_t i = 0; i < commands; i++)
        image_apply(through, next_command(&through->stream));
}

/* -- Mixed. ------------------------------------------------------------------------------------ */

/* Who makes up the stream: it tries every command on the book to know what is live. */
struct maker {
    struct alone *alone;
    struct mr_random random;
    uint64_t ids[MIXED_COMMANDS]; /* that came to rest; some are gone since */
    uint32_t id_count;
    uint64_t next_id;
    int64_t mid;
};

static void maker_add(struct maker *maker, union slot slot)
{
    struct stream *stream = &maker->alone->stream;
    stream->slots[stream->count++] = slot;
    maker->alone->rejects += alone_apply(maker->alone, &slot.header) != 0;
}

/* One of the live orders at random; false: there is none. */
static bool maker_pick(struct maker *maker, struct mr_book_order *order)
{
    while (maker->id_count > 0) {
        uint32_t pick = (uint32_t)mr_random_below(&maker->random, maker->id_count);
        if (mr_book_order_get(maker->alone->book, INSTRUMENT, maker->ids[pick], order))
            return true;
        maker->ids[pick] = maker->ids[--maker->id_count];
    }
    return false;
}

static void maker_new(struct maker *maker, enum mr_book_tif tif)
{
    enum mr_book_side side = (enum mr_book_side)mr_random_below(&maker->random, 2);
    uint64_t reach = 1 + mr_random_below(&maker->random, 100); /* most are near the middle */
    int64_t distance = (int64_t)mr_random_below(&maker->random, reach) - 2;
    int64_t price = side == MR_BOOK_SIDE_BUY ? maker->mid - distance : maker->mid + distance;
    uint64_t order = ++maker->next_id;
    uint64_t quantity = 1 + mr_random_below(&maker->random, 100);
    maker_add(maker, make_limit(order, side, price, quantity, tif));
    maker->ids[maker->id_count++] = order;
}

static void maker_step(struct maker *maker)
{
    uint64_t dice = mr_random_below(&maker->random, 100);
    bool few = mr_book_totals_get(maker->alone->book).orders < 1000;
    struct mr_book_order order;
    maker->mid += (int64_t)mr_random_below(&maker->random, 3) - 1;
    if (dice < 10) {
        maker_new(maker, MR_BOOK_TIF_IOC);
    } else if (dice < (few ? 70 : 50) || !maker_pick(maker, &order)) {
        maker_new(maker, MR_BOOK_TIF_GTC);
    } else if (dice > 90) {
        maker_add(maker, make_replace(order.order, order.price + 1, order.open + 1));
    } else {
        maker_add(maker, make_cancel(order.order));
    }
}

static void open_mixed(struct alone *alone)
{
    static struct maker maker;
    struct mr_book_order order;
    maker = (struct maker){.alone = alone, .mid = MID};
    mr_random_init(&maker.random, 1);
    alone_open(alone);
    alone->stream.slots = allocate(sizeof(union slot) * 2 * MIXED_COMMANDS);
    for (uint32_t i = 0; i < MIXED_COMMANDS; i++)
        maker_step(&maker);
    while (maker_pick(&maker, &order)) /* so that it can begin again */
        maker_add(&maker, make_cancel(order.order));
}

/* -- All of it. -------------------------------------------------------------------------------- */

static struct alone add_cancel, mixed;
static struct through_image image;

static void open_add_cancel_alone(void)
{
    open_add_cancel(&add_cancel);
}

static void open_add_cancel_image(void)
{
    open_image(&image);
}

static void open_mixed_alone(void)
{
    open_mixed(&mixed);
}

static struct row {
    const char *name;
    void (*open)(void);
    void (*loop)(void *context, uint64_t commands);
    void *context;
    const uint64_t *rejects;
    bool opened;
} rows[] = {
    {"add-cancel", open_add_cancel_alone, alone_loop, &add_cancel, &add_cancel.rejects, false},
    {"add-cancel-image", open_add_cancel_image, image_loop, &image, &image.rejects, false},
    {"mixed", open_mixed_alone, alone_loop, &mixed, &mixed.rejects, false},
};

/* The streams go round, and end as they began: nothing in them is ever rejected. */
static double measure(void *context)
{
    struct row *row = context;
    uint64_t commands = bench_quick() ? COMMANDS_QUICK : COMMANDS;
    if (!row->opened) {
        row->open();
        row->loop(row->context, commands / 10); /* a little of it, to get warm */
        row->opened = true;
    }
    uint64_t begin = bench_now_ns();
    row->loop(row->context, commands);
    uint64_t end = bench_now_ns();
    if (*row->rejects == 0)
        return (double)(end - begin) / (double)commands;
    fprintf(stderr, "bench_book: commands of %s were rejected that should not have been\n",
            row->name);
    return BENCH_FAILED;
}

void commands_add(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        bench_add((struct bench_case){.row = rows[i].name,
                                      .subject = "millrace",
                                      .unit = BENCH_NS,
                                      .measure = measure,
                                      .context = &rows[i]});
}
