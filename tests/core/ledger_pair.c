#include "tests/core/ledger_pair.h"

#include "base/bits.h"
#include "core/ledger/state.h"

#include <stdlib.h>
#include <string.h>

enum {
    QUERY_EVERY = 3, /* batches */
    CHECK_EVERY = 97,
    MOVE_EVERY = 499,
    EXPIRE_AT_ONCE = 7, /* in one call, alone */
    SPANS = 64,
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

/* It would take 2^31 transfers to get there. */
void ledger_pair_skip(struct mr_ledger *ledger, uint32_t before_wrap)
{
    if (before_wrap != 0)
        ledger->newest = ledger->balance_newest = LEDGER_ORDINALS - before_wrap;
}

static void ledger_open(struct ledger_pair *pair)
{
    const struct mr_ledger_config *config = &pair->setting.config;
    pair->ledger_size = mr_logic_ledger.state_size(config);
    if (pair->ledger_size == 0)
        abort();
    pair->ledger = zeroed(pair->ledger_size);
    mr_logic_ledger.init(pair->ledger, config);
    ledger_pair_skip(pair->ledger, pair->setting.before_wrap);
}

void ledger_pair_open(struct ledger_pair *pair, const struct ledger_setting *setting,
                      bool alone_naive)
{
    *pair = (struct ledger_pair){.setting = *setting, .alone_naive = alone_naive};
    naive_open(&pair->naive, &setting->config);
    pair->events = calloc(LEDGER_STEPS_MAX, sizeof(pair->events[0]));
    pair->places = calloc(LEDGER_STEPS_MAX, sizeof(pair->places[0]));
    pair->answers = calloc(LEDGER_STEPS_MAX, sizeof(pair->answers[0]));
    pair->results = calloc(LEDGER_STEPS_MAX, sizeof(pair->results[0]));
    if (!alone_naive && setting->in_image)
        ledger_image_open(pair);
    else if (!alone_naive)
        ledger_open(pair);
}

void ledger_pair_close(struct ledger_pair *pair)
{
    naive_close(&pair->naive);
    ledger_image_close(pair);
    free(pair->events);
    free(pair->places);
    free(pair->answers);
    free(pair->results);
    free(pair->expired);
    free(pair->ledger);
}

const struct mr_ledger *ledger_pair_ledger(const struct ledger_pair *pair)
{
    return pair->setting.in_image ? mr_image_state(pair->image) : pair->ledger;
}

/* -- The batch, as the naive ledger gets it. --------------------------------------------------- */

static bool reaches(const struct ledger_pair *pair, const struct ledger_step *step)
{
    return step->odd == ODD_NOTHING && (step->session != 0 || !pair->setting.in_image);
}

/* Whether a step may belong to the same chain as the one right before it, if that is of the same
 * type. Where the ledger stands alone, what does not reach it is not there. */
static bool joins(const struct ledger_pair *pair, const struct ledger_step *step)
{
    const struct ledger_step *before = step - 1;
    return !pair->setting.in_image || (reaches(pair, before) && step->session == before->session &&
                                       step->time_ns == before->time_ns);
}

static uint32_t make_events(struct ledger_pair *pair, const struct ledger_step *steps,
                            uint32_t count)
{
    uint32_t made = 0;
    for (uint32_t i = 0; i < count; i++) {
        pair->places[i] = UINT32_MAX;
        if (!reaches(pair, &steps[i]))
            continue;
        struct naive_event *event = &pair->events[made];
        event->type = steps[i].type;
        event->joins = i > 0 && joins(pair, &steps[i]);
        event->time_ns = pair->setting.in_image ? steps[i].time_ns : steps[0].time_ns;
        if (event->type == MR_LEDGER_ACCOUNT_CREATE)
            event->account = steps[i].account;
        else
            event->transfer = steps[i].transfer;
        pair->places[i] = made++;
    }
    return made;
}

void ledger_pair_expire(struct ledger_pair *pair, uint64_t time_ns)
{
    pair->expired_count = 0;
    for (;;) {
        if (pair->expired_count == pair->expired_room) {
            pair->expired_room = 2 * pair->expired_room + 64;
            pair->expired = realloc(pair->expired, pair->expired_room * sizeof(pair->expired[0]));
        }
        if (!naive_expire(&pair->naive, time_ns, &pair->expired[pair->expired_count]))
            break;
        pair->expired_count++;
        pair->expiries++;
    }
}

static void apply_naive(struct ledger_pair *pair, uint32_t place)
{
    if (place != UINT32_MAX)
        pair->answers[place] = *naive_apply(&pair->naive, place);
}

/* -- The batch, where the ledger stands alone. ------------------------------------------------- */

const char *ledger_pair_compare(struct ledger_pair *pair, const struct ledger_step *step,
                                uint32_t place, struct mr_ledger_result result)
{
    const struct naive_result *answer = &pair->answers[place];
    if (pair->setting.distortion != NULL)
        pair->setting.distortion(pair, step, &result);
    pair->results[place] = result;
    if (result.reason != answer->reason)
        return "the reasons differ";
    /* What is imported tells what it has brought. */
    uint64_t created = step->type == MR_LEDGER_ACCOUNT_CREATE ? answer->account.timestamp
                                                              : answer->transfer.timestamp;
    uint64_t timestamp = answer->reason == 0 ? created : answer->timestamp;
    return result.timestamp == timestamp ? NULL : "the timestamps differ";
}

static const char *expire_alone(struct ledger_pair *pair, uint64_t time_ns)
{
    struct mr_ledger_expired expired[EXPIRE_AT_ONCE];
    uint32_t total = 0, got;
    do {
        got = mr_ledger_expire(pair->ledger, time_ns, expired, EXPIRE_AT_ONCE);
        if (got > pair->expired_count - total)
            return "more transfers expire";
        if (got > 0 && memcmp(expired, &pair->expired[total], got * sizeof(expired[0])) != 0)
            return "other transfers expire, or in another order";
        total += got;
    } while (got == EXPIRE_AT_ONCE);
    return total == pair->expired_count ? NULL : "fewer transfers expire";
}

/* A request: the events `first` to `last`, which are of one kind. */
static void request_alone(struct ledger_pair *pair, uint32_t first, uint32_t last)
{
    static struct mr_ledger_account accounts[LEDGER_STEPS_MAX];
    static struct mr_ledger_transfer transfers[LEDGER_STEPS_MAX];
    uint32_t count = last - first + 1;
    uint64_t time_ns = pair->events[first].time_ns;
    struct mr_ledger_result *results = &pair->results[first];
    memset(results, 0xa5, count * sizeof(results[0]));
    for (uint32_t i = 0; i < count; i++) {
        accounts[i] = pair->events[first + i].account;
        transfers[i] = pair->events[first + i].transfer;
    }
    if (pair->events[first].type == MR_LEDGER_ACCOUNT_CREATE)
        mr_ledger_accounts_create(pair->ledger, accounts, count, time_ns, results);
    else
        mr_ledger_transfers_create(pair->ledger, transfers, count, time_ns, results);
}

/* Who uses the ledger alone may forget to expire what is due. */
static bool is_forgotten(uint64_t time_ns)
{
    return time_ns % 4 == 1;
}

static const char *batch_alone(struct ledger_pair *pair, const struct ledger_step *steps,
                               uint32_t count, uint32_t made)
{
    const char *flaw = NULL;
    pair->expired_count = 0;
    if (!is_forgotten(steps[0].time_ns)) {
        ledger_pair_expire(pair, steps[0].time_ns);
        flaw = expire_alone(pair, steps[0].time_ns);
    }
    if (flaw != NULL)
        return flaw;
    for (uint32_t first = 0, last; first < made; first = last + 1) {
        last = first;
        while (last + 1 < made && pair->events[last + 1].type == pair->events[first].type)
            last++;
        request_alone(pair, first, last);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place = pair->places[i];
        apply_naive(pair, place);
        if (place == UINT32_MAX)
            continue;
        pair->flaw_at = i;
        flaw = ledger_pair_compare(pair, &steps[i], place, pair->results[place]);
        if (flaw == NULL && pair->results[place].reserved != 0)
            flaw = "what is reserved in a result is not zero";
        if (flaw != NULL)
            return flaw;
    }
    return NULL;
}

/* Where there is no real one: the same order of things. */
static void batch_naive(struct ledger_pair *pair, const struct ledger_step *steps, uint32_t count)
{
    bool in_image = pair->setting.in_image;
    if (!in_image && !is_forgotten(steps[0].time_ns))
        ledger_pair_expire(pair, steps[0].time_ns);
    for (uint32_t i = 0; i < count; i++) {
        if (in_image)
            ledger_pair_expire(pair, steps[i].time_ns);
        apply_naive(pair, pair->places[i]);
    }
}

/* -- Both. ------------------------------------------------------------------------------------- */

/* Goes on with a copy of what is in use, in other memory: nothing else may matter. (What a chain
 * that failed leaves behind is not in use.) */
static void move_ledger(struct ledger_pair *pair)
{
    struct mr_span spans[SPANS];
    uint32_t count = mr_logic_ledger.used(pair->ledger, &pair->setting.config, spans, SPANS);
    unsigned char *copy = zeroed(pair->ledger_size);
    for (uint32_t i = 0; i < count; i++)
        memcpy(copy + spans[i].offset, (const unsigned char *)pair->ledger + spans[i].offset,
               spans[i].size);
    free(pair->ledger);
    pair->ledger = (struct mr_ledger *)(void *)copy;
}

bool ledger_pair_check(struct ledger_pair *pair)
{
    if (pair->flaw != NULL || pair->alone_naive)
        return pair->flaw == NULL;
    pair->flaw = ledger_compare_all(pair);
    bool sound = pair->setting.in_image
                     ? mr_image_check(pair->image, &mr_logic_ledger)
                     : mr_logic_ledger.check(pair->ledger, &pair->setting.config);
    if (pair->flaw == NULL && !sound)
        pair->flaw = "an invariant of the state does not hold";
    return pair->flaw == NULL;
}

/* What follows a batch that was answered alike. */
static const char *compare_after(struct ledger_pair *pair, const struct ledger_step *steps,
                                 uint32_t count)
{
    const char *flaw = ledger_compare_steps(pair, steps, count);
    if (flaw == NULL && pair->batches % QUERY_EVERY == 0)
        flaw = ledger_compare_query(pair, mr_mix64(pair->batches));
    if (flaw == NULL && pair->batches % MOVE_EVERY == 0 && !pair->setting.in_image)
        move_ledger(pair);
    return flaw;
}

bool ledger_pair_batch(struct ledger_pair *pair, const struct ledger_step *steps, uint32_t count)
{
    uint32_t made = make_events(pair, steps, count);
    naive_batch(&pair->naive, pair->events, made);
    pair->batches++;
    pair->commands += count;
    pair->flaw_at = 0;
    if (pair->alone_naive) {
        batch_naive(pair, steps, count);
        return true;
    }
    pair->flaw = pair->setting.in_image ? ledger_image_batch(pair, steps, count)
                                        : batch_alone(pair, steps, count, made);
    if (pair->flaw == NULL)
        pair->flaw = compare_after(pair, steps, count);
    if (pair->flaw == NULL && pair->batches % CHECK_EVERY == 0)
        ledger_pair_check(pair);
    return pair->flaw == NULL;
}
