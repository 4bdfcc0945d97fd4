/* Making a script smaller: fewer commands first, then smaller batches, then simpler commands. */
#include "tests/core/fuzz_script.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    SHRINK_SECONDS = 15, /* of the processor; then what it has come to must do */
    VALUE_MAX = 64,      /* bytes: fields, and a logic's configuration */
};

__extension__ typedef unsigned __int128 wide;

struct shrinking {
    struct fuzz_script *script;
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
    return fuzz_script_play(shrinking->script) != FUZZ_SAME;
}

/* -- Fewer commands. --------------------------------------------------------------------------- */

/* Without `count` commands from `first` on, if it fails without them. A batch whose end is taken
 * away ends earlier. */
static bool take_away(struct shrinking *shrinking, uint32_t first, uint32_t count)
{
    struct fuzz_script *script = shrinking->script;
    struct fuzz_command *commands = script->commands;
    size_t size = script->count * sizeof(commands[0]);
    struct fuzz_command *before = malloc(size);
    uint32_t count_before = script->count;
    memcpy(before, commands, size);
    if (first > 0 && !commands[first + count - 1].header.more)
        commands[first - 1].header.more = false;
    memmove(&commands[first], &commands[first + count],
            (script->count - first - count) * sizeof(commands[0]));
    script->count -= count;
    bool gone = fails(shrinking);
    if (!gone) {
        memcpy(commands, before, size);
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

static void take_commands(struct shrinking *shrinking)
{
    uint32_t size = shrinking->script->count / 2;
    while (size > 1) {
        take_chunks(shrinking, size);
        size /= 2;
    }
    while (take_chunks(shrinking, 1)) {
    }
}

/* -- Simpler commands. ------------------------------------------------------------------------- */

/* Another value for some bytes, if it fails with that, too. */
static bool try_bytes(struct shrinking *shrinking, void *bytes, const void *value, size_t size)
{
    unsigned char before[VALUE_MAX];
    ASSERT(size <= sizeof(before));
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
    ASSERT(size <= sizeof(value));
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

static void simplify_fields(struct shrinking *shrinking, struct fuzz_command *command)
{
    static const char nothing[VALUE_MAX], symbol[VALUE_MAX] = "S";
    const struct mr_message *message =
        mr_catalog_command(shrinking->script->logic->logic->catalog, command->header.type);
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        unsigned char *bytes = command->bytes + MR_COMMAND_HEADER + field->offset;
        if (field->kind == MR_FIELD_text16 || field->kind == MR_FIELD_text32)
            try_bytes(shrinking, bytes, symbol, field->size);
        else if (field->kind == MR_FIELD_pad)
            try_bytes(shrinking, bytes, nothing, field->size);
        else if (field->kind == MR_FIELD_flags16)
            simplify_flags(shrinking, bytes);
        else
            simplify_number(shrinking, bytes, field->size);
    }
}

/* When it is sent, by whom, and with which others: with the command before it, by nobody in
 * particular, alone, where that will do. */
static void simplify_header(struct shrinking *shrinking, uint32_t number)
{
    static const uint8_t nothing = 0;
    const struct fuzz_script *script = shrinking->script;
    struct fuzz_command *command = &script->commands[number];
    uint64_t earlier = number == 0 ? 0 : command[-1].header.time_ns;
    struct mr_command plain;
    try_bytes(shrinking, &command->header.time_ns, &earlier, sizeof(earlier));
    plain = command->header;
    script->logic->sender_plain(script->setting, &plain);
    try_bytes(shrinking, &command->header, &plain, sizeof(plain));
    try_bytes(shrinking, &command->odd, &nothing, sizeof(nothing));
    plain = command->header;
    plain.more = false;
    try_bytes(shrinking, &command->header, &plain, sizeof(plain));
}

static void simplify_setting(struct shrinking *shrinking)
{
    const struct fuzz_logic *logic = shrinking->script->logic;
    unsigned char *setting = shrinking->script->setting, *plain = calloc(1, logic->setting_size);
    logic->setting_plain(plain);
    for (uint32_t i = 0; i < logic->setting->field_count; i++) {
        const struct mr_field *field = &logic->setting->fields[i];
        try_bytes(shrinking, setting + field->offset, plain + field->offset, field->size);
    }
    try_bytes(shrinking, setting + logic->config_offset, plain + logic->config_offset,
              logic->logic->config->size);
    free(plain);
}

uint32_t fuzz_script_shrink(struct fuzz_script *script)
{
    struct shrinking shrinking = {.script = script, .until = seconds_taken() + SHRINK_SECONDS};
    if (script->count == 0 || !fails(&shrinking))
        return shrinking.plays;
    take_commands(&shrinking);
    simplify_setting(&shrinking);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < script->count; i++) {
            simplify_header(&shrinking, i);
            simplify_fields(&shrinking, &script->commands[i]);
        }
        while (take_chunks(&shrinking, 1)) {
        }
    }
    return shrinking.plays;
}
