/* Making a script smaller: fewer steps first, then smaller batches, then simpler steps. */
#include "tests/core/ledger_script.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SHRINK_SECONDS = 15, /* of the processor; then what it has come to must do */
};

struct shrinking {
    struct ledger_script *script;
    uint32_t plays;
    int64_t until; /* seconds of the processor that all plays have taken */
};

static int64_t seconds_taken(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec;
}

/* Whether the script, as it is now, still fails. */
static bool fails(struct shrinking *shrinking)
{
    if (seconds_taken() > shrinking->until)
        return false;
    shrinking->plays++;
    return ledger_script_play(shrinking->script) != SCRIPT_SAME;
}

/* -- Fewer steps. ------------------------------------------------------------------------------ */

/* Without `count` steps from `first` on, if it fails without them. A batch whose end is taken away
 * ends earlier. */
static bool take_away(struct shrinking *shrinking, uint32_t first, uint32_t count)
{
    struct ledger_script *script = shrinking->script;
    size_t size = script->count * sizeof(script->steps[0]);
    struct ledger_step *before = malloc(size);
    uint32_t count_before = script->count;
    memcpy(before, script->steps, size);
    if (first > 0 && !script->steps[first + count - 1].more)
        script->steps[first - 1].more = false;
    memmove(&script->steps[first], &script->steps[first + count],
            (script->count - first - count) * sizeof(script->steps[0]));
    script->count -= count;
    bool gone = fails(shrinking);
    if (!gone) {
        memcpy(script->steps, before, size);
        script->count = count_before;
    }
    free(before);
    return gone;
}

/* Takes chunks of a size away, wherever that is possible; true: some were. */
static bool take_chunks(struct shrinking *shrinking, uint32_t size)
{
    bool any = false;
    /* From the end: what comes early is more often needed. */
    uint32_t end = shrinking->script->count;
    while (end > 0) {
        uint32_t count = end < size ? end : size;
        any |= take_away(shrinking, end - count, count);
        end -= count;
    }
    return any;
}

static void take_steps(struct shrinking *shrinking)
{
    uint32_t size = shrinking->script->count / 2;
    while (size > 1) {
        take_chunks(shrinking, size);
        size /= 2;
    }
    while (take_chunks(shrinking, 1)) {
    }
}

/* -- Simpler steps. ---------------------------------------------------------------------------- */

/* Another value for some bytes, if it fails with that, too. */
static bool try_bytes(struct shrinking *shrinking, void *bytes, const void *value, size_t size)
{
    unsigned char before[16];
    if (memcmp(bytes, value, size) == 0)
        return false;
    memcpy(before, bytes, size);
    memcpy(bytes, value, size);
    if (fails(shrinking))
        return true;
    memcpy(bytes, before, size);
    return false;
}

/* A number becomes as small as it can: 0, a small one, or a part of it. */
static void simplify_number(struct shrinking *shrinking, void *bytes, size_t size)
{
    wide value = 0;
    memcpy(&value, bytes, size);
    for (wide small = 0; small <= 3 && small < value; small++) {
        if (try_bytes(shrinking, bytes, &small, size))
            return;
    }
    for (wide less = value / 2; less > 3 && less < value; less = value / 2) {
        if (!try_bytes(shrinking, bytes, &less, size))
            break;
        value = less;
    }
    for (uint32_t i = 0; i < 16 && value > 0; i++) {
        value--;
        if (!try_bytes(shrinking, bytes, &value, size))
            break;
    }
}

/* Without each of the flags that it can do without. */
static void simplify_flags(struct shrinking *shrinking, void *bytes)
{
    for (uint32_t bit = 0; bit < 16; bit++) {
        uint16_t flags;
        memcpy(&flags, bytes, sizeof(flags));
        flags &= (uint16_t) ~(1U << bit);
        try_bytes(shrinking, bytes, &flags, sizeof(flags));
    }
}

static void simplify_fields(struct shrinking *shrinking, struct ledger_step *step)
{
    const struct mr_message *message = mr_catalog_command(mr_logic_ledger.catalog, step->type);
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        unsigned char *bytes = (unsigned char *)&step->transfer + field->offset;
        if (field->kind == MR_FIELD_flags16)
            simplify_flags(shrinking, bytes);
        else
            simplify_number(shrinking, bytes, field->size);
    }
}

/* Who sends it, when, and with which others: nobody in particular, at the time of the step before
 * it, alone, where that will do. */
static void simplify_header(struct shrinking *shrinking, uint32_t number)
{
    static const uint8_t session = 1, nothing = ODD_NOTHING;
    static const bool no_more = false;
    struct ledger_step *step = &shrinking->script->steps[number];
    uint64_t earlier = number == 0 ? 0 : step[-1].time_ns;
    try_bytes(shrinking, &step->time_ns, &earlier, sizeof(earlier));
    try_bytes(shrinking, &step->session, &session, sizeof(session));
    try_bytes(shrinking, &step->odd, &nothing, sizeof(nothing));
    try_bytes(shrinking, &step->more, &no_more, sizeof(no_more));
}

static void simplify_setting(struct shrinking *shrinking)
{
    struct ledger_setting *setting = &shrinking->script->setting, before = *setting;
    setting->in_image = false;
    if (before.in_image && !fails(shrinking))
        *setting = before;
    before = *setting;
    setting->before_wrap = 0;
    if (before.before_wrap != 0 && !fails(shrinking))
        *setting = before;
    before = *setting;
    mr_logic_ledger.config_default(&setting->config);
    setting->config.accounts_max = setting->config.transfers_max = 1000;
    setting->config.pending_max = setting->config.history_max = 1000;
    setting->config.ledgers_max = 16;
    if (!fails(shrinking))
        *setting = before;
}

uint32_t ledger_script_shrink(struct ledger_script *script)
{
    struct shrinking shrinking = {.script = script, .until = seconds_taken() + SHRINK_SECONDS};
    if (script->count == 0 || !fails(&shrinking))
        return shrinking.plays;
    take_steps(&shrinking);
    simplify_setting(&shrinking);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < script->count; i++) {
            simplify_header(&shrinking, i);
            simplify_fields(&shrinking, &script->steps[i]);
        }
        while (take_chunks(&shrinking, 1)) {
        }
    }
    return shrinking.plays;
}
