/*
 * book-many, book-many-skewed: 10,000 instruments and 10 million live orders in one image: far more
 * than any cache holds. New orders, cancels of orders picked at random, some replacements and some
 * IOC orders that trade; instruments are equally likely, or (skewed) by Zipf's law. Requests are
 * prefetched some ahead, as those of a block can be; `millrace-plain` does without. ns a message.
 *
 * `limit:random-load` follows a chain of loads from anywhere in as much memory, on pages of
 * the same kind.
 */
#include "bench/book/law.h"
#include "bench/book/rows.h"
#include "bench/book/subjects.h"

#include "bench/harness.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    INSTRUMENTS = 10000,
    INSTRUMENTS_QUICK = 1000,
    ORDERS = 1000, /* of each, half of them on either side */
    MESSAGES = 2000000,
    MESSAGES_QUICK = 200000,
    MID = 50000,
    NEARER = 4, /* distances are so many times less than in the flow: more orders at a price */
    QUANTITIES = 100,
    GONE_MAX = 4096, /* orders that were cancelled, and will be entered anew */
    TRIES = 8,

    /* Percent of the messages; the rest are cancels and new orders. */
    IOC = 5,
    REPLACED = 10,

    /* How many requests ahead the first stage of prefetching looks, and each other less. */
    AHEAD = 16,
    AHEAD_LESS = 4,

    SPANS_MAX = 64,
    LOADS = 1000000,
    SEED = 1,
};

enum variant { VARIANT_UNIFORM, VARIANT_SKEWED, VARIANTS };

/* Place `index` in the book, of instrument index / ORDERS, is taken by one order after another:
 * `generations` counts them, twice each: it is odd while the place is empty. */
struct crowd {
    uint32_t instruments;
    uint32_t places;
    uint32_t *generations;
    uint32_t gone[GONE_MAX]; /* places that are empty */
    uint32_t gone_count;
    struct law law;
    struct mr_random random;
    enum variant variant;
};

/* A variant's messages, and what must come of them. */
struct stream {
    union mr_book_request *requests;
    size_t count;
    struct outcome wanted;
};

/* The book as it is before the first message: what is in use of it, one span after the other. */
struct copy {
    struct mr_span spans[SPANS_MAX];
    uint32_t count;
    uint64_t size;
    struct mr_mapping mapping;
};

struct many {
    struct crowd crowd;
    struct desk desk;
    struct copy copy;
    struct stream streams[VARIANTS];
    bool opened;
    bool skipped;
};

static struct many many;

/* -- Messages. --------------------------------------------------------------------------------- */

static uint32_t instrument_of(uint32_t place)
{
    return 1 + place / ORDERS;
}

static uint64_t order_at(const struct crowd *crowd, uint32_t place)
{
    return mr_mix64((uint64_t)crowd->generations[place] << 32 | place);
}

static int64_t price_at(struct crowd *crowd, uint32_t place, bool through)
{
    int64_t distance = law_distance(&crowd->law, &crowd->random) / NEARER;
    bool below = (place % 2 == MR_BOOK_SIDE_BUY) != through;
    return below ? MID - distance : MID + 1 + distance;
}

static union mr_book_request make_new(struct crowd *crowd, uint32_t place, uint64_t order, bool ioc)
{
    union mr_book_request request;
    memset(&request, 0, sizeof(request));
    request.order_new.order = order;
    request.order_new.price = price_at(crowd, place, ioc);
    request.order_new.quantity = 1 + mr_random_below(&crowd->random, QUANTITIES);
    request.order_new.instrument = instrument_of(place);
    request.order_new.side = place % 2;
    request.order_new.tif = ioc ? MR_BOOK_TIF_IOC : MR_BOOK_TIF_GTC;
    request.any.type = MR_BOOK_ORDER_NEW;
    return request;
}

static union mr_book_request make_cancel(const struct crowd *crowd, uint32_t place)
{
    union mr_book_request request;
    memset(&request, 0, sizeof(request));
    request.order_cancel.order = order_at(crowd, place);
    request.order_cancel.instrument = instrument_of(place);
    request.any.type = MR_BOOK_ORDER_CANCEL;
    return request;
}

static union mr_book_request make_replace(struct crowd *crowd, uint32_t place)
{
    union mr_book_request request;
    memset(&request, 0, sizeof(request));
    request.order_replace.order = order_at(crowd, place);
    request.order_replace.price = price_at(crowd, place, false);
    request.order_replace.quantity = 1 + mr_random_below(&crowd->random, QUANTITIES);
    request.order_replace.instrument = instrument_of(place);
    request.any.type = MR_BOOK_ORDER_REPLACE;
    return request;
}

/* Zipf's law with the exponent 1, over instruments in an order of their own. */
static uint32_t pick_skewed(struct crowd *crowd)
{
    enum { STEP = 7919 }; /* a prime that does not divide how many there are */
    double ranks = (double)crowd->instruments + 1;
    uint64_t rank = (uint64_t)(pow(ranks, law_chance(&crowd->random)) - 1);
    return (uint32_t)(rank * STEP % crowd->instruments);
}

static uint32_t pick_place(struct crowd *crowd)
{
    uint32_t instrument = crowd->variant == VARIANT_SKEWED
                              ? pick_skewed(crowd)
                              : (uint32_t)mr_random_below(&crowd->random, crowd->instruments);
    return instrument * ORDERS + (uint32_t)mr_random_below(&crowd->random, ORDERS);
}

/* A place that is taken, as far as the crowd knows (its order may have been filled). False: none
 * was found by so many tries. */
static bool pick_taken(struct crowd *crowd, uint32_t *place)
{
    for (int try = 0; try < TRIES; try++) {
        *place = pick_place(crowd);
        if (crowd->generations[*place] % 2 == 0)
            return true;
    }
    return false;
}

/* Takes one of the empty places. */
static uint32_t take_gone(struct crowd *crowd)
{
    uint32_t pick = (uint32_t)mr_random_below(&crowd->random, crowd->gone_count);
    uint32_t place = crowd->gone[pick];
    crowd->gone[pick] = crowd->gone[--crowd->gone_count];
    crowd->generations[place]++;
    return place;
}

static union mr_book_request make_message(struct crowd *crowd)
{
    uint64_t dice = mr_random_below(&crowd->random, 100);
    uint32_t place;
    if (!pick_taken(crowd, &place) || dice < IOC)
        return make_new(crowd, place, mr_random_u64(&crowd->random), true);
    if (dice < IOC + REPLACED)
        return make_replace(crowd, place);
    /* Half of the empty places' room is in use in the mean. */
    if (mr_random_below(&crowd->random, GONE_MAX) < crowd->gone_count) {
        place = take_gone(crowd);
        return make_new(crowd, place, order_at(crowd, place), false);
    }
    union mr_book_request cancel = make_cancel(crowd, place);
    crowd->gone[crowd->gone_count++] = place;
    crowd->generations[place]++;
    return cancel;
}

/* Both variants begin with the same book: what one has done to the crowd must not show. */
static void make_stream(struct crowd *crowd, enum variant variant)
{
    struct stream *stream = &many.streams[variant];
    stream->count = bench_quick() ? MESSAGES_QUICK : MESSAGES;
    stream->requests = flow_requests(stream->count);
    memset(crowd->generations, 0, crowd->places * sizeof(*crowd->generations));
    crowd->gone_count = 0;
    crowd->variant = variant;
    for (size_t i = 0; i < stream->count; i++)
        stream->requests[i] = make_message(crowd);
}

/* -- The book. --------------------------------------------------------------------------------- */

static struct mr_book_config make_config(uint32_t instruments)
{
    struct mr_book_config config = desk_config();
    uint32_t orders = instruments * ORDERS;
    config.instruments_max = instruments;
    config.orders_max = orders + orders / 16;
    config.levels_max = orders / 4;
    return config;
}

static void fill(struct desk *desk, struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->instruments; i++) {
        union mr_book_request define = flow_define();
        define.instrument_define.instrument = i + 1;
        desk_prepare(desk, &define, 1);
    }
    /* In an order that scatters each instrument's orders, as time does. */
    for (uint32_t generation = 0; generation < ORDERS; generation++) {
        for (uint32_t i = 0; i < crowd->instruments; i++) {
            uint32_t place = i * ORDERS + generation;
            union mr_book_request request = make_new(crowd, place, order_at(crowd, place), false);
            desk_prepare(desk, &request, 1);
        }
    }
}

static bool copy_take(struct copy *copy, const struct desk *desk)
{
    copy->count = mr_logic_book.used(desk->book, &desk->config, copy->spans, SPANS_MAX);
    copy->size = 0;
    for (uint32_t i = 0; i < copy->count; i++)
        copy->size += copy->spans[i].size;
    struct mr_error error;
    if (mr_mapping_init(&copy->mapping, copy->size, MR_PAGES_HUGE, &error) != MR_OK)
        return false;
    unsigned char *to = copy->mapping.memory;
    for (uint32_t i = 0; i < copy->count; i++) {
        memcpy(to, (unsigned char *)desk->book + copy->spans[i].offset, copy->spans[i].size);
        to += copy->spans[i].size;
    }
    return true;
}

static void copy_give_back(const struct copy *copy, struct desk *desk)
{
    const unsigned char *from = copy->mapping.memory;
    desk_renew(desk);
    for (uint32_t i = 0; i < copy->count; i++) {
        memcpy((unsigned char *)desk->book + copy->spans[i].offset, from, copy->spans[i].size);
        from += copy->spans[i].size;
    }
    memset(desk->reports, 0, DESK_SLOTS * sizeof(*desk->reports));
}

static void say_size(const struct desk *desk, uint64_t size)
{
    struct mr_book_totals totals = mr_book_totals_get(desk->book);
    fprintf(stderr,
            "bench_book: book-many: %" PRIu32 " instruments, %" PRIu32 " orders at %" PRIu32
            " levels take %.1f MB%s\n",
            totals.instruments, totals.orders, totals.levels, (double)size / 1e6,
            bench_quick() ? " (--quick: a tenth of the real thing)" : "");
}

/* -- Running. ---------------------------------------------------------------------------------- */

static void apply_prefetched(const struct stream *stream, struct mr_book *book,
                             struct mr_book_turn *turn)
{
    const union mr_book_request *requests = stream->requests;
    size_t last = stream->count - AHEAD;
    for (size_t i = 0; i < last; i++) {
        flow_look_ahead(&requests[i + AHEAD]);
        for (uint32_t stage = 0; stage < MR_BOOK_PREFETCH_STAGES; stage++)
            mr_book_prefetch(book, &requests[i + AHEAD - (size_t)stage * AHEAD_LESS], stage);
        mr_book_apply(book, &requests[i], turn);
    }
    for (size_t i = last; i < stream->count; i++)
        mr_book_apply(book, &requests[i], turn);
}

static void apply_plainly(const struct stream *stream, struct mr_book *book,
                          struct mr_book_turn *turn)
{
    for (size_t i = 0; i < stream->count; i++) {
        flow_look_ahead(&stream->requests[i]);
        mr_book_apply(book, &stream->requests[i], turn);
    }
}

/* A run without prefetching that looks at every report. */
static struct outcome foretell(const struct stream *stream)
{
    struct desk *desk = &many.desk;
    uint64_t digest = 1;
    copy_give_back(&many.copy, desk);
    struct mr_book_turn turn = desk->turn;
    for (size_t i = 0; i < stream->count; i++) {
        uint64_t report = turn.next;
        mr_book_apply(desk->book, &stream->requests[i], &turn);
        for (; report < turn.next; report++)
            digest = outcome_add(digest, &turn.reports[report & turn.mask]);
    }
    desk->turn = turn;
    struct outcome outcome = desk_outcome(desk, 1);
    outcome.digest = digest;
    return outcome;
}

static bool open_all(void)
{
    struct crowd *crowd = &many.crowd;
    crowd->instruments = bench_quick() ? INSTRUMENTS_QUICK : INSTRUMENTS;
    crowd->places = crowd->instruments * ORDERS;
    crowd->generations = calloc(crowd->places, sizeof(*crowd->generations));
    law_init(&crowd->law);
    mr_random_init(&crowd->random, SEED);
    struct mr_book_config config = make_config(crowd->instruments);
    if (crowd->generations == NULL || !desk_open(&many.desk, &config))
        return false;
    fill(&many.desk, crowd);
    if (!copy_take(&many.copy, &many.desk))
        return false;
    say_size(&many.desk, many.copy.size);
    for (int variant = 0; variant < VARIANTS; variant++) {
        make_stream(crowd, (enum variant)variant);
        many.streams[variant].wanted = foretell(&many.streams[variant]);
    }
    return true;
}

static bool opened(void)
{
    if (!many.opened) {
        many.opened = true;
        many.skipped = !open_all();
        if (many.skipped)
            fputs("bench_book: book-many is left out: not enough memory\n", stderr);
    }
    return !many.skipped;
}

struct run {
    enum variant variant;
    bool prefetched;
};

static double measure(void *context)
{
    const struct run *run = context;
    if (!opened())
        return BENCH_SKIPPED;
    struct desk *desk = &many.desk;
    const struct stream *stream = &many.streams[run->variant];
    copy_give_back(&many.copy, desk);
    struct mr_book_turn turn = desk->turn;
    uint64_t begin = bench_now_ns();
    if (run->prefetched)
        apply_prefetched(stream, desk->book, &turn);
    else
        apply_plainly(stream, desk->book, &turn);
    uint64_t end = bench_now_ns();
    desk->turn = turn;
    struct outcome outcome = desk_outcome(desk, 1);
    if (!outcome_equal("book-many", &stream->wanted, &outcome))
        return BENCH_FAILED;
    return (double)(end - begin) / (double)stream->count;
}

/* Where each load goes depends on what the one before has found. */
static double measure_loads(void *context)
{
    (void)context;
    if (!opened())
        return BENCH_SKIPPED;
    const uint64_t *words = many.copy.mapping.memory;
    uint64_t count = many.copy.size / sizeof(*words);
    uint64_t found = 0;
    uint64_t begin = bench_now_ns();
    for (uint64_t i = 0; i < LOADS; i++)
        found = words[(uint64_t)(((mr_u128)mr_mix64(found + i) * count) >> 64)];
    uint64_t end = bench_now_ns();
    bench_keep(found);
    return (double)(end - begin) / LOADS;
}

static void add(const char *row, const char *subject, double (*measured)(void *), void *context)
{
    bench_add((struct bench_case){
        .row = row, .subject = subject, .unit = BENCH_NS, .measure = measured, .context = context});
}

void many_add(void)
{
    static const char *const names[] = {"book-many", "book-many-skewed"};
    static struct run runs[VARIANTS][2];
    for (int variant = 0; variant < VARIANTS; variant++) {
        for (int plain = 0; plain < 2; plain++)
            runs[variant][plain] = (struct run){(enum variant)variant, plain == 0};
        add(names[variant], "millrace", measure, &runs[variant][0]);
        add(names[variant], "millrace-plain", measure, &runs[variant][1]);
        add(names[variant], "limit:random-load", measure_loads, NULL);
    }
}
