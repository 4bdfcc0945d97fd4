#include "tests/core/book_pair.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHECK_EVERY = 61, /* steps */
    MOVE_EVERY = 997,
    FILLED = 16, /* reports in whose place something stands */
    SPANS = 32,
};

/* -- Memory. ----------------------------------------------------------------------------------- */

static void *zeroed(size_t size)
{
    size_t rounded = (size + 4095) & ~(size_t)4095;
    void *memory = aligned_alloc(4096, rounded);
    if (memory == NULL)
        abort();
    memset(memory, 0, rounded);
    return memory;
}

static void book_open(struct book_pair *pair)
{
    const struct mr_book_config *config = &pair->setting.config;
    pair->book_size = mr_logic_book.state_size(config);
    if (pair->book_size == 0)
        abort();
    pair->book = zeroed(pair->book_size);
    mr_logic_book.init(pair->book, config);
    pair->ring_mask = 1;
    while (pair->ring_mask + 1 < mr_book_reports_max(config))
        pair->ring_mask = 2 * pair->ring_mask + 1;
    pair->turn_reports = zeroed((pair->ring_mask + 1) * sizeof(pair->turn_reports[0]));
}

void book_pair_open(struct book_pair *pair, const struct book_setting *setting, bool alone_naive)
{
    *pair = (struct book_pair){.setting = *setting, .alone_naive = alone_naive};
    naive_open(&pair->naive, &setting->config, setting->in_image && setting->timers_max == 0);
    book_views_open(&pair->views);
    if (!alone_naive && setting->in_image)
        pair_image_open(pair);
    else if (!alone_naive)
        book_open(pair);
}

void book_pair_close(struct book_pair *pair)
{
    naive_close(&pair->naive);
    book_views_close(&pair->views);
    free(pair->naive_log.reports);
    free(pair->log.reports);
    free(pair->book);
    free(pair->turn_reports);
    free(pair->memory);
    free(pair->outbox.bytes);
    free(pair->streams);
}

const struct mr_book *book_pair_book(const struct book_pair *pair)
{
    return pair->setting.in_image ? mr_image_state(pair->image) : pair->book;
}

void book_log_add(struct book_log *log, const union mr_book_report *report, uint32_t stream)
{
    if (log->count == log->room) {
        log->room = 2 * log->room + 16;
        log->reports = realloc(log->reports, log->room * sizeof(log->reports[0]));
    }
    log->reports[log->count++] = (struct naive_report){.report = *report, .stream = stream};
}

/* -- Turns. ------------------------------------------------------------------------------------ */

static void naive_log_turn(struct book_pair *pair)
{
    pair->turns++;
    for (uint32_t i = 0; i < pair->naive.report_count; i++)
        book_log_add(&pair->naive_log, &pair->naive.reports[i].report,
                     pair->naive.reports[i].stream);
}

/* Reports go to a plain array or to a ring, in turn, where something else stands already. */
static struct mr_book_turn begin_turn(struct book_pair *pair, const struct book_step *step)
{
    bool ring = pair->steps % 2 == 1;
    pair->turn_first = ring ? pair->steps * 11 : 0;
    uint64_t mask = ring ? pair->ring_mask : UINT64_MAX;
    for (uint64_t i = 0; i < FILLED && i <= pair->ring_mask; i++)
        memset(&pair->turn_reports[(pair->turn_first + i) & mask], 0xa5,
               sizeof(pair->turn_reports[0]));
    return (struct mr_book_turn){.reports = pair->turn_reports,
                                 .mask = mask,
                                 .next = pair->turn_first,
                                 .time_ns = step->time_ns,
                                 .session = step->session,
                                 .role = step->role};
}

static const char *end_turn(struct book_pair *pair, const struct mr_book_turn *turn)
{
    if (turn->next - pair->turn_first > mr_book_reports_max(&pair->setting.config))
        return "a turn has more reports than mr_book_reports_max";
    for (uint64_t i = pair->turn_first; i < turn->next; i++)
        book_log_add(&pair->log, &pair->turn_reports[i & turn->mask], 0);
    return turn->again == pair->naive.again ? NULL : "the turns are split elsewhere";
}

static const char *expire_alone(struct book_pair *pair, const struct book_step *step)
{
    if (mr_book_expiry_next(pair->book) > step->time_ns)
        return pair->naive.again ? "an order that is due does not expire" : NULL;
    struct mr_book_turn turn = begin_turn(pair, step);
    mr_book_expire(pair->book, &turn);
    return end_turn(pair, &turn);
}

/* Brings nearer what it needs, or does not: nothing depends on it. */
static const char *apply_alone(struct book_pair *pair, const struct book_step *step)
{
    for (uint32_t stage = 0; stage < MR_BOOK_PREFETCH_STAGES; stage++) {
        if (pair->steps % 5 != stage)
            mr_book_prefetch(pair->book, &step->request, stage);
    }
    struct mr_book_turn turn = begin_turn(pair, step);
    turn.again = pair->steps % 2 == 0; /* it is set, whatever it was */
    pair->reason = mr_book_apply(pair->book, &step->request, &turn);
    return end_turn(pair, &turn);
}

/* All turns of a step: the naive book's, and, where it stands alone, the real one's. */
static const char *take_turns(struct book_pair *pair, const struct book_step *step)
{
    const struct naive_asker asker = {step->time_ns, step->session, step->role};
    const bool both = !pair->alone_naive && !pair->setting.in_image;
    const char *flaw = NULL;
    pair->turns = 0;
    while (flaw == NULL && naive_expiry_next(&pair->naive) <= step->time_ns) {
        naive_expire(&pair->naive, step->time_ns);
        naive_log_turn(pair);
        flaw = both ? expire_alone(pair, step) : NULL;
    }
    pair->naive.again = false;
    if (flaw == NULL && both && mr_book_expiry_next(pair->book) <= step->time_ns)
        flaw = "an order is due that is not";
    pair->expired = pair->naive_log.count;
    do {
        if (flaw != NULL)
            return flaw;
        pair->naive_reason = naive_apply(&pair->naive, &step->request, &asker);
        naive_log_turn(pair);
        flaw = both ? apply_alone(pair, step) : NULL;
    } while (pair->naive.again);
    return flaw;
}

/* -- Comparing. -------------------------------------------------------------------------------- */

static const char *compare_logs(const struct book_pair *pair)
{
    if (pair->reason != pair->naive_reason)
        return "the reasons differ";
    if (pair->log.count != pair->naive_log.count)
        return "there are more reports, or fewer";
    for (uint32_t i = 0; i < pair->log.count; i++) {
        const struct naive_report *real = &pair->log.reports[i];
        const struct naive_report *naive = &pair->naive_log.reports[i];
        const void *bytes = &real->report, *naive_bytes = &naive->report;
        if (memcmp(bytes, naive_bytes, sizeof(real->report)) != 0)
            return "the reports differ";
        if (pair->setting.in_image && real->stream != naive->stream)
            return "the events belong to different streams";
    }
    return NULL;
}

static const char *view_logs(struct book_pair *pair)
{
    const struct book_log *log = pair->alone_naive ? &pair->naive_log : &pair->log;
    book_views_next(&pair->views);
    for (uint32_t i = 0; i < log->count; i++) {
        if (i == pair->expired)
            book_views_next(&pair->views);
        if (!book_views_report(&pair->views, &log->reports[i].report))
            return pair->views.flaw;
    }
    return NULL;
}

/* Goes on with a copy of what is in use, in other memory: nothing else may matter. */
static const char *move_book(struct book_pair *pair)
{
    struct mr_span spans[SPANS];
    uint32_t count = mr_logic_book.used(pair->book, &pair->setting.config, spans, SPANS);
    unsigned char *copy = zeroed(pair->book_size);
    for (uint32_t i = 0; i < count; i++)
        memcpy(copy + spans[i].offset, (const unsigned char *)pair->book + spans[i].offset,
               spans[i].size);
    int differs = memcmp(copy, pair->book, pair->book_size);
    free(pair->book);
    pair->book = (struct mr_book *)(void *)copy;
    return differs != 0 ? "memory was touched that is not said to be in use" : NULL;
}

bool book_pair_check(struct book_pair *pair)
{
    if (pair->flaw != NULL || pair->alone_naive)
        return pair->flaw == NULL;
    pair->flaw = pair_compare_all(pair);
    bool sound = pair->setting.in_image ? mr_image_check(pair->image, &mr_logic_book)
                                        : mr_logic_book.check(pair->book, &pair->setting.config);
    if (pair->flaw == NULL && !sound)
        pair->flaw = "an invariant of the state does not hold";
    return pair->flaw == NULL;
}

bool book_pair_step(struct book_pair *pair, const struct book_step *step)
{
    pair->naive_log.count = pair->log.count = 0;
    pair->steps++;
    pair->flaw = take_turns(pair, step);
    if (pair->alone_naive)
        return true;
    if (pair->setting.in_image)
        pair->flaw = pair_image_apply(pair, step);
    if (pair->setting.distortion != NULL)
        pair->setting.distortion(pair, &pair->log);
    if (pair->flaw == NULL)
        pair->flaw = compare_logs(pair);
    if (pair->flaw == NULL)
        pair->flaw = view_logs(pair);
    if (pair->flaw == NULL)
        pair->flaw = pair_compare_step(pair);
    if (pair->flaw == NULL && pair->steps % CHECK_EVERY == 0)
        book_pair_check(pair);
    if (pair->flaw == NULL && pair->steps % MOVE_EVERY == 0 && !pair->setting.in_image)
        pair->flaw = move_book(pair);
    return pair->flaw == NULL;
}
