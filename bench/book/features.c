/*
 * feature-NAME: what a feature costs where it is used: the flow `drift`, changed so that it uses
 * the feature, beside the plain flow, which does not. ns a message in the book alone.
 */
#include "bench/book/rows.h"
#include "bench/book/subjects.h"

#include "bench/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ACCOUNTS = 1000,
    TRADERS = 20,  /* accounts where self-trades are to be prevented: one meeting in 20 is one */
    SESSIONS = 64, /* a power of two */
    TICK = 5,
    LOT = 10,
    COLLAR = 20,
    TABLE = 1,
    MESSAGE_NS = 1000, /* from one message to the next */
    EXPIRY_NS = 1000000,
    EXPIRIES = 16, /* a GTD order lives for so many EXPIRY_NS at most */
};

/* How a feature is used. */
struct feature {
    const char *name;
    /* Changes message number `index` of the flow. NULL, here and below: nothing. */
    void (*change)(union mr_book_request *request, size_t index);
    void (*before)(struct desk *desk); /* the instrument is defined */
    void (*define)(union mr_book_request *define);
    void (*after)(struct desk *desk);
    bool sessions; /* orders come from many sessions */
    bool expires;  /* time goes on, and orders expire */
    bool same;     /* what comes of it is like what comes of the plain flow */
};

/* The flow with the feature in use, and what comes of it. */
struct stage {
    const struct feature *feature;
    union mr_book_request *requests;
    size_t count;
    struct outcome wanted;
    bool right;
};

/* -- What the requests have in common. --------------------------------------------------------- */

static uint64_t order_of(const union mr_book_request *request)
{
    return request->any.type == MR_BOOK_ORDER_NEW      ? request->order_new.order
           : request->any.type == MR_BOOK_ORDER_CANCEL ? request->order_cancel.order
                                                       : request->order_replace.order;
}

static bool is_resting(const union mr_book_request *request)
{
    return request->any.type == MR_BOOK_ORDER_NEW && request->order_new.tif == MR_BOOK_TIF_GTC;
}

static bool is_ioc(const union mr_book_request *request)
{
    return request->any.type == MR_BOOK_ORDER_NEW && request->order_new.tif == MR_BOOK_TIF_IOC;
}

static void scale_prices(union mr_book_request *request, int64_t factor)
{
    if (request->any.type == MR_BOOK_ORDER_NEW)
        request->order_new.price *= factor;
    else if (request->any.type == MR_BOOK_ORDER_REPLACE)
        request->order_replace.price *= factor;
}

static void scale_quantities(union mr_book_request *request, uint64_t factor)
{
    if (request->any.type == MR_BOOK_ORDER_NEW)
        request->order_new.quantity *= factor;
    else if (request->any.type == MR_BOOK_ORDER_REPLACE)
        request->order_replace.quantity *= factor;
}

static void set_account(union mr_book_request *request, uint64_t account)
{
    if (request->any.type == MR_BOOK_ORDER_NEW)
        request->order_new.account = account;
    else if (request->any.type == MR_BOOK_ORDER_CANCEL)
        request->order_cancel.account = account;
    else
        request->order_replace.account = account;
}

/* -- Features. --------------------------------------------------------------------------------- */

static void use_accounts(union mr_book_request *request, size_t index)
{
    (void)index;
    set_account(request, 1 + order_of(request) % ACCOUNTS);
}

static void use_stp(union mr_book_request *request, size_t index)
{
    (void)index;
    set_account(request, 1 + order_of(request) % TRADERS);
    if (request->any.type == MR_BOOK_ORDER_NEW)
        request->order_new.stp = MR_BOOK_STP_CANCEL_OLDEST;
}

static void use_day(union mr_book_request *request, size_t index)
{
    (void)index;
    if (is_resting(request))
        request->order_new.tif = MR_BOOK_TIF_DAY;
}

/* At a whole EXPIRY_NS, some of them ahead: about as long as a cancel would let it live. */
static void use_gtd(union mr_book_request *request, size_t index)
{
    if (!is_resting(request))
        return;
    uint64_t now = (uint64_t)index * MESSAGE_NS / EXPIRY_NS;
    request->order_new.tif = MR_BOOK_TIF_GTD;
    request->order_new.expires_ns = (now + 1 + order_of(request) % EXPIRIES) * EXPIRY_NS;
}

static void use_tick(union mr_book_request *request, size_t index)
{
    (void)index;
    scale_prices(request, TICK);
}

static void define_tick(union mr_book_request *define)
{
    define->instrument_define.tick = TICK;
    define->instrument_define.price_max *= TICK;
}

static void define_table(union mr_book_request *define)
{
    define->instrument_define.tick_table = TABLE;
    define->instrument_define.price_max *= TICK;
}

/* A table of eight bands, the flow in the middle of them. */
static void add_bands(struct desk *desk)
{
    for (uint32_t band = 0; band < 8; band++) {
        union mr_book_request request = {
            .tick_band_add = {.from = (int64_t)band * 40000, .tick = TICK, .tick_table = TABLE}};
        request.any.type = MR_BOOK_TICK_BAND_ADD;
        desk_prepare(desk, &request, 1);
    }
}

static void use_lot(union mr_book_request *request, size_t index)
{
    (void)index;
    scale_quantities(request, LOT);
}

static void define_lot(union mr_book_request *define)
{
    define->instrument_define.lot = LOT;
    define->instrument_define.quantity_max *= LOT;
}

static void update_instrument(struct desk *desk, uint64_t collar, bool top)
{
    union mr_book_request request = {
        .instrument_update = {
            .reference = 33504, .collar = collar, .instrument = FLOW_INSTRUMENT, .top = top}};
    request.any.type = MR_BOOK_INSTRUMENT_UPDATE;
    desk_prepare(desk, &request, 1);
}

static void publish_top(struct desk *desk)
{
    update_instrument(desk, 0, true);
}

static void set_collar(struct desk *desk)
{
    update_instrument(desk, COLLAR, false);
}

static void use_market(union mr_book_request *request, size_t index)
{
    (void)index;
    if (is_ioc(request))
        request->order_new.kind = MR_BOOK_KIND_MARKET;
}

static void use_post_reject(union mr_book_request *request, size_t index)
{
    (void)index;
    if (is_resting(request))
        request->order_new.post = MR_BOOK_POST_REJECT;
}

static void use_post_reprice(union mr_book_request *request, size_t index)
{
    (void)index;
    if (is_resting(request))
        request->order_new.post = MR_BOOK_POST_REPRICE;
}

static void use_min_quantity(union mr_book_request *request, size_t index)
{
    (void)index;
    if (is_ioc(request))
        request->order_new.min_quantity = (request->order_new.quantity + 1) / 2;
}

static void use_fok(union mr_book_request *request, size_t index)
{
    (void)index;
    if (is_ioc(request))
        request->order_new.tif = MR_BOOK_TIF_FOK;
}

static const struct feature plain = {.name = "plain", .same = true};

static const struct feature features[] = {
    {.name = "accounts", .change = use_accounts, .same = true},
    {.name = "sessions", .sessions = true, .same = true},
    {.name = "day", .change = use_day, .same = true},
    {.name = "gtd", .change = use_gtd, .expires = true},
    {.name = "stp", .change = use_stp},
    {.name = "top-of-book", .after = publish_top},
    {.name = "tick", .change = use_tick, .define = define_tick, .same = true},
    {.name = "tick-table",
     .change = use_tick,
     .before = add_bands,
     .define = define_table,
     .same = true},
    {.name = "lot", .change = use_lot, .define = define_lot, .same = true},
    {.name = "market", .change = use_market},
    {.name = "collar", .change = use_market, .after = set_collar},
    {.name = "post-reject", .change = use_post_reject},
    {.name = "post-reprice", .change = use_post_reprice},
    {.name = "min-quantity", .change = use_min_quantity},
    {.name = "fok", .change = use_fok},
};

enum { FEATURES = sizeof(features) / sizeof(features[0]) };

/* -- Running. ---------------------------------------------------------------------------------- */

/* The book as it is before the first message. */
static struct desk *begin(const struct feature *feature)
{
    struct desk *desk = &subjects_get()->desk;
    union mr_book_request define = flow_define();
    desk_renew(desk);
    if (feature->before != NULL)
        feature->before(desk);
    if (feature->define != NULL)
        feature->define(&define);
    desk_prepare(desk, &define, 1);
    if (feature->after != NULL)
        feature->after(desk);
    memset(desk->reports, 0, DESK_SLOTS * sizeof(*desk->reports));
    desk->turn.role = MR_ROLE_USER;
    return desk;
}

/* Every request begins with its order's id. */
static void apply_from_sessions(struct desk *desk, const union mr_book_request *requests,
                                size_t count)
{
    struct mr_book_turn turn = desk->turn;
    for (size_t i = 0; i < count; i++) {
        turn.session = 1 + requests[i].order_new.order % SESSIONS;
        mr_book_apply(desk->book, &requests[i], &turn);
    }
    desk->turn = turn;
}

static void apply_in_time(struct desk *desk, const union mr_book_request *requests, size_t count)
{
    struct mr_book_turn turn = desk->turn;
    for (size_t i = 0; i < count; i++) {
        turn.time_ns += MESSAGE_NS;
        while (mr_book_expiry_next(desk->book) <= turn.time_ns)
            mr_book_expire(desk->book, &turn);
        mr_book_apply(desk->book, &requests[i], &turn);
    }
    desk->turn = turn;
}

static void apply_plainly(struct desk *desk, const union mr_book_request *requests, size_t count)
{
    struct mr_book_turn turn = desk->turn;
    for (size_t i = 0; i < count; i++)
        mr_book_apply(desk->book, &requests[i], &turn);
    desk->turn = turn;
}

static void apply(const struct stage *stage, struct desk *desk, size_t first, size_t count)
{
    if (stage->feature->sessions)
        apply_from_sessions(desk, stage->requests + first, count);
    else if (stage->feature->expires)
        apply_in_time(desk, stage->requests + first, count);
    else
        apply_plainly(desk, stage->requests + first, count);
}

static struct outcome foretell(const struct stage *stage)
{
    struct desk *desk = begin(stage->feature);
    uint64_t digest = 1;
    for (size_t i = 0; i < stage->count; i++) {
        uint64_t report = desk->turn.next;
        apply(stage, desk, i, 1);
        for (; report < desk->turn.next; report++)
            digest = outcome_add(digest, &desk->reports[report & desk->turn.mask]);
    }
    struct outcome outcome = desk_outcome(desk, FLOW_INSTRUMENT);
    outcome.digest = digest;
    return outcome;
}

/* What a feature does that changes nothing else must come to what the plain flow does: that, the
 * other book has confirmed. */
static bool is_right(const struct stage *stage, const struct scene *scene)
{
    const struct outcome *others = &scene->wanted[SUBJECT_MILLRACE];
    if (!stage->feature->same ||
        (stage->wanted.reports == others->reports && stage->wanted.orders == others->orders))
        return scene->right;
    fprintf(stderr, "bench_book: the book comes to something else when '%s' is used\n",
            stage->feature->name);
    return false;
}

static void prepare(struct stage *stage, const struct feature *feature)
{
    const struct scene *scene = scene_get(FLOW_DRIFT);
    size_t size = scene_count(scene) * sizeof(*stage->requests);
    free(stage->requests);
    *stage = (struct stage){.feature = feature, .count = scene_count(scene)};
    stage->requests = flow_requests(stage->count);
    memcpy(stage->requests, scene_requests(scene), size);
    for (size_t i = 0; feature->change != NULL && i < stage->count; i++)
        feature->change(&stage->requests[i], i);
    stage->wanted = foretell(stage);
    stage->right = is_right(stage, scene);
}

static double measure(void *context)
{
    static struct stage stages[2]; /* the feature's, and the plain one */
    const struct feature *feature = context;
    struct stage *stage = &stages[feature == &plain];
    if (stage->feature != feature)
        prepare(stage, feature);
    struct desk *desk = begin(feature);
    uint64_t ns = 0;
    for (size_t i = 0; i < stage->count; i += FLOW_CHUNK) {
        size_t count = stage->count - i < FLOW_CHUNK ? stage->count - i : FLOW_CHUNK;
        flow_touch(stage->requests + i, count);
        uint64_t start = bench_now_ns();
        apply(stage, desk, i, count);
        ns += bench_now_ns() - start;
    }
    struct outcome outcome = desk_outcome(desk, FLOW_INSTRUMENT);
    if (!stage->right || !outcome_equal(feature->name, &stage->wanted, &outcome))
        return BENCH_FAILED;
    return (double)ns / (double)stage->count;
}

void features_add(void)
{
    for (size_t i = 0; i < FEATURES; i++) {
        char row[64];
        snprintf(row, sizeof(row), "feature-%s", features[i].name);
        bench_add((struct bench_case){.row = row,
                                      .subject = "millrace",
                                      .unit = BENCH_NS,
                                      .measure = measure,
                                      .context = (void *)(uintptr_t)&features[i]});
        bench_add((struct bench_case){.row = row,
                                      .subject = "millrace-plain",
                                      .unit = BENCH_NS,
                                      .measure = measure,
                                      .context = (void *)(uintptr_t)&plain});
    }
}
