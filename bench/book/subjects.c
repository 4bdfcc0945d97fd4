#include "bench/book/subjects.h"

#include "bench/harness.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUICK_MESSAGES = 250000, SEED = 1, FAILED = 4 };

const char *subject_name(enum subject subject)
{
    static const char *const names[] = {"millrace", "std::map", "limit:empty-book",
                                        "limit:hand-over"};
    return names[subject];
}

struct subjects *subjects_get(void)
{
    static struct subjects subjects;
    if (subjects.desk.book == NULL) {
        struct mr_book_config config = desk_config();
        if (!desk_open(&subjects.desk, &config))
            exit(FAILED);
    }
    return &subjects;
}

/* -- The limits. ------------------------------------------------------------------------------- */

void subject_acknowledge(const union mr_book_request *request, struct mr_book_turn *turn)
{
    union mr_book_report *report = &turn->reports[turn->next++ & turn->mask];
    switch (request->any.type) {
    case MR_BOOK_ORDER_NEW:
        *report = (union mr_book_report){.accepted = {.order = request->order_new.order,
                                                      .price = request->order_new.price,
                                                      .quantity = request->order_new.quantity,
                                                      .instrument = request->order_new.instrument,
                                                      .side = request->order_new.side,
                                                      .tif = request->order_new.tif}};
        report->any.type = MR_BOOK_ORDER_ACCEPTED;
        break;
    case MR_BOOK_ORDER_REPLACE:
        *report =
            (union mr_book_report){.replaced = {.order = request->order_replace.order,
                                                .old_order = request->order_replace.order,
                                                .price = request->order_replace.price,
                                                .quantity = request->order_replace.quantity,
                                                .instrument = request->order_replace.instrument}};
        report->any.type = MR_BOOK_ORDER_REPLACED;
        break;
    default:
        *report =
            (union mr_book_report){.cancelled = {.order = request->order_cancel.order,
                                                 .instrument = request->order_cancel.instrument}};
        report->any.type = MR_BOOK_ORDER_CANCELLED;
        break;
    }
}

void subject_report(struct subjects *subjects, struct mr_book_turn *turn)
{
    for (subjects->due += subjects->share; subjects->due >> 32 > 0;
         subjects->due -= UINT64_C(1) << 32) {
        uint64_t number = turn->next++;
        union mr_book_report *report = &turn->reports[number & turn->mask];
        *report = (union mr_book_report){.trade = {.trade = number, .taker = number}};
        report->any.type = MR_BOOK_TRADE;
    }
}

/* -- Beginning and ending. --------------------------------------------------------------------- */

static void begin_map(struct subjects *subjects, const struct scene *scene)
{
    if (subjects->map != NULL)
        peer_map_close(subjects->map);
    subjects->map = peer_map_open();
    struct mr_book_turn turn = subjects->desk.turn;
    for (size_t i = 0; i < scene->flow.standing; i++)
        peer_map_apply(subjects->map, &scene->flow.requests[i], &turn);
}

struct mr_book_turn subject_begin(struct subjects *subjects, enum subject subject,
                                  const struct scene *scene)
{
    struct desk *desk = &subjects->desk;
    union mr_book_request define = flow_define();
    desk_renew(desk);
    memset(desk->reports, 0, DESK_SLOTS * sizeof(*desk->reports));
    if (subject == SUBJECT_MILLRACE) {
        desk_prepare(desk, &define, 1);
        desk_prepare(desk, scene->flow.requests, scene->flow.standing);
    } else if (subject == SUBJECT_MAP) {
        begin_map(subjects, scene);
    }
    uint64_t messages = scene_count(scene);
    if (messages > 0)
        subjects->share = (scene->wanted[SUBJECT_MAP].reports << 32) / messages;
    subjects->due = 0;
    return desk->turn;
}

static uint64_t map_levels(const struct peer_map *map)
{
    static struct mr_book_level levels[1 << 14];
    uint64_t digest = 0;
    for (uint8_t side = 0; side < 2; side++) {
        uint32_t count = peer_map_depth(map, side, levels, sizeof(levels) / sizeof(levels[0]));
        digest = outcome_levels(digest, levels, count);
    }
    return digest;
}

struct outcome subject_end(struct subjects *subjects, enum subject subject,
                           const struct mr_book_turn *turn)
{
    struct outcome outcome = {.reports = turn->next, .tail = outcome_tail(turn)};
    if (subject == SUBJECT_MILLRACE) {
        subjects->desk.turn = *turn;
        outcome = desk_outcome(&subjects->desk, FLOW_INSTRUMENT);
    } else if (subject == SUBJECT_MAP) {
        outcome.orders = peer_map_orders(subjects->map);
        outcome.levels = map_levels(subjects->map);
    }
    return outcome;
}

/* -- Scenes. ----------------------------------------------------------------------------------- */

/* A run that looks at every report. */
static struct outcome foretell(struct subjects *subjects, enum subject subject,
                               const struct scene *scene)
{
    struct mr_book_turn turn = subject_begin(subjects, subject, scene);
    uint64_t digest = 1;
    for (size_t i = 0; i < scene_count(scene); i++) {
        uint64_t report = turn.next;
        subject_apply(subjects, subject, scene_requests(scene) + i, &turn);
        for (; report < turn.next; report++)
            digest = outcome_add(digest, &turn.reports[report & turn.mask]);
    }
    struct outcome outcome = subject_end(subjects, subject, &turn);
    outcome.digest = digest;
    return outcome;
}

bool scene_confirms(const struct scene *scene, enum subject subject, const struct outcome *outcome)
{
    return (scene->right || subject != SUBJECT_MILLRACE) &&
           outcome_equal(subject_name(subject), &scene->wanted[subject], outcome);
}

const struct scene *scene_get(enum flow_regime regime)
{
    static struct scene scene;
    if (scene.flow.requests != NULL && scene.regime == regime)
        return &scene;
    flow_free(&scene.flow);
    struct subjects *subjects = subjects_get();
    scene = (struct scene){.regime = regime};
    scene.flow = flow_make(regime, bench_quick() ? QUICK_MESSAGES : FLOW_MESSAGES, SEED);
    scene.wanted[SUBJECT_MAP] = foretell(subjects, SUBJECT_MAP, &scene);
    scene.wanted[SUBJECT_MILLRACE] = scene.wanted[SUBJECT_MAP];
    scene.wanted[SUBJECT_EMPTY] = foretell(subjects, SUBJECT_EMPTY, &scene);
    scene.wanted[SUBJECT_HAND_OVER] = foretell(subjects, SUBJECT_HAND_OVER, &scene);
    struct outcome ours = foretell(subjects, SUBJECT_MILLRACE, &scene);
    scene.right = outcome_equal(flow_name(regime), &scene.wanted[SUBJECT_MILLRACE], &ours);
    return &scene;
}
