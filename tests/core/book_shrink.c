/* Making a script smaller: fewer steps first, then simpler ones. */
#include "tests/core/book_script.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SHRINK_SECONDS = 15, /* of the processor; then what it has come to must do */
};

struct shrinking {
    struct book_script *script;
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
    return book_script_play(shrinking->script) != SCRIPT_SAME;
}

/* -- Fewer steps. ------------------------------------------------------------------------------ */

/* Without `count` steps from `first` on, if it fails without them. */
static bool take_away(struct shrinking *shrinking, uint32_t first, uint32_t count)
{
    struct book_script *script = shrinking->script;
    size_t size = script->count * sizeof(script->steps[0]);
    struct book_step *before = malloc(size);
    uint32_t count_before = script->count;
    memcpy(before, script->steps, size);
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
    uint64_t value = 0;
    memcpy(&value, bytes, size);
    for (uint64_t small = 0; small <= 3 && small < value; small++) {
        if (try_bytes(shrinking, bytes, &small, size))
            return;
    }
    for (uint64_t less = value / 2; less > 3 && less < value; less = value / 2) {
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

static void simplify_fields(struct shrinking *shrinking, struct book_step *step)
{
    static const unsigned char nothing[16];
    static const char symbol[16] = "S";
    const struct mr_message *message =
        mr_catalog_command(mr_logic_book.catalog, step->request.any.type);
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        unsigned char *bytes = (unsigned char *)&step->request + field->offset;
        size_t size = field->size;
        if (field->offset + size == sizeof(step->request))
            size--; /* the type of the request, in the padding */
        if (field->kind == MR_FIELD_text16)
            try_bytes(shrinking, bytes, symbol, size);
        else if (field->kind == MR_FIELD_pad)
            try_bytes(shrinking, bytes, nothing, size);
        else
            simplify_number(shrinking, bytes, size);
    }
}

/* Who sends it, and when: nobody in particular, with the step before it, where that will do. */
static void simplify_header(struct shrinking *shrinking, uint32_t number)
{
    struct book_step *step = &shrinking->script->steps[number];
    bool in_image = shrinking->script->setting.in_image;
    uint64_t earlier = number == 0 ? 0 : step[-1].time_ns;
    try_bytes(shrinking, &step->time_ns, &earlier, sizeof(earlier));
    const struct book_step before = *step;
    step->session = in_image ? PAIR_OPERATOR : 0;
    step->role = in_image ? MR_ROLE_OPERATOR : MR_ROLE_SYSTEM;
    if ((step->session != before.session || step->role != before.role) && !fails(shrinking))
        *step = before;
}

static void simplify_setting(struct shrinking *shrinking)
{
    struct book_setting *setting = &shrinking->script->setting, before = *setting;
    setting->in_image = false;
    if (before.in_image && !fails(shrinking))
        *setting = before;
    before = *setting;
    mr_logic_book.config_default(&setting->config);
    setting->config.orders_max = setting->config.levels_max = setting->config.groups_max = 1000;
    setting->config.instruments_max = setting->config.tick_tables_max = 8;
    if (!fails(shrinking))
        *setting = before;
}

uint32_t book_script_shrink(struct book_script *script)
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
