#include "engine/applier.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/digest.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { DIGEST_SEAT = 64 }; /* room before the outbox; its last 16 bytes hold the previous digest */

static void *map_zeroed(uint64_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return NULL;
    }
    /* A hint only: fewer translation misses where the system has huge pages to give. */
    (void)madvise(memory, size, MADV_HUGEPAGE);
    return memory;
}

/* -- Memory. ----------------------------------------------------------------------------------- */

static void free_memory(struct mr_applier_memory *memory)
{
    if (memory->image != NULL) {
        munmap(memory->image, memory->image_size);
    }
    free(memory->outbox);
    memset(memory, 0, sizeof *memory);
}

static int take_memory(struct mr_applier_memory *memory, const struct mr_logic *logic,
                       uint64_t image_size, uint32_t outbox_size, struct mr_error *error)
{
    memory->image_size = mr_align_up(image_size, 4096);
    memory->image = map_zeroed(memory->image_size);
    memory->outbox_size = outbox_size;
    memory->outbox =
        aligned_alloc(MR_CACHE_LINE, DIGEST_SEAT + mr_align_up(outbox_size, MR_CACHE_LINE));
    if (memory->image == NULL || memory->outbox == NULL) {
        free_memory(memory);
        return mr_error_set(error, MR_E_NO_MEMORY,
                            "cannot allocate %llu bytes for the memory image of logic '%s', "
                            "version %u: lower its limits, or free memory",
                            (unsigned long long)image_size, logic->name, logic->version);
    }
    return MR_OK;
}

/* From here on `image`, which lies in `memory`, is the one that commands are applied to. */
static void move_in(struct mr_applier *applier, const struct mr_applier_memory *memory,
                    struct mr_image *image, const struct mr_logic *logic)
{
    applier->memory = *memory;
    applier->image = image;
    applier->logic = logic;
    applier->outbox =
        (struct mr_outbox){.bytes = memory->outbox + DIGEST_SEAT, .size = memory->outbox_size};
}

int mr_applier_init(struct mr_applier *applier, const struct mr_logic *newest,
                    const struct mr_command *genesis, struct mr_error *error)
{
    memset(applier, 0, sizeof *applier);
    applier->newest = newest;
    const struct mr_genesis *body = mr_command_body(genesis);
    const struct mr_logic *logic = mr_logic_version(newest, body->logic_version);
    ASSERT(logic != NULL);
    const char *reason = NULL;
    uint64_t size = mr_image_size(logic, genesis, &reason);
    if (size == 0) {
        return mr_error_set(error, MR_E_INVALID, "genesis of logic '%s' is not usable: %s",
                            logic->name, reason == NULL ? "?" : reason);
    }
    struct mr_applier_memory memory;
    int status = take_memory(&memory, logic, size, mr_image_outbox_size(logic, genesis), error);
    if (status == MR_OK) {
        move_in(applier, &memory, mr_image_init(memory.image, logic, genesis), logic);
    }
    return status;
}

void mr_applier_free(struct mr_applier *applier)
{
    free_memory(&applier->memory);
    memset(applier, 0, sizeof *applier);
}

/* -- Another version. -------------------------------------------------------------------------- */

static int migrate(struct mr_applier *applier, const struct mr_logic *to, struct mr_error *error)
{
    const struct mr_image *old = applier->image;
    const char *reason = NULL;
    uint64_t size = mr_image_migrated_size(old, to, &reason);
    if (size == 0) {
        return mr_error_set(error, MR_E_VERSION,
                            "logic '%s' cannot go from version %u to version %u: %s", to->name,
                            applier->logic->version, to->version, reason == NULL ? "?" : reason);
    }
    struct mr_applier_memory memory, scratch = {.image = NULL};
    int status = take_memory(&memory, to, size, mr_image_migrated_outbox_size(old, to), error);
    uint64_t scratch_size = mr_image_migrated_scratch(old, to);
    if (status == MR_OK && scratch_size > 0) {
        status = take_memory(&scratch, to, scratch_size, 0, error);
    }
    if (status == MR_OK) {
        struct mr_image *image = mr_image_migrate(old, to, memory.image, scratch.image);
        free_memory(&applier->memory);
        move_in(applier, &memory, image, to);
    } else {
        free_memory(&memory);
    }
    free_memory(&scratch);
    return status;
}

/* Behind a logic_upgrade, before the next command. In the live engine as in every replay. */
static int switch_version(struct mr_applier *applier, struct mr_error *error)
{
    uint32_t version;
    applier->switching = false;
    if (!mr_image_upgrade_due(applier->image, &version)) {
        return MR_OK; /* it was refused */
    }
    const struct mr_logic *to = mr_logic_version(applier->newest, version);
    if (to == NULL) {
        return mr_error_set(error, MR_E_VERSION,
                            "at sequence %llu the journal switches to version %u of the logic "
                            "'%s', which this program does not carry; its newest is %u: use a "
                            "newer program",
                            (unsigned long long)mr_image_status_get(applier->image).sequence,
                            version, applier->newest->name, applier->newest->version);
    }
    return migrate(applier, to, error);
}

/* -- Entries. ---------------------------------------------------------------------------------- */

const struct mr_command *mr_command_at(const unsigned char *next, uint64_t left)
{
    if (left < MR_COMMAND_HEADER) {
        return NULL;
    }
    const struct mr_command *command = (const struct mr_command *)(const void *)next;
    if (command->length < MR_COMMAND_HEADER || command->length > left || command->length % 8 != 0) {
        return NULL;
    }
    return command;
}

/* digest' = H(digest || events of the turn). Turns without events leave it alone. */
static void chain_digest(struct mr_applier *applier)
{
    if (applier->outbox.used == 0) {
        return;
    }
    unsigned char *seat = applier->outbox.bytes - sizeof applier->digest;
    memcpy(seat, &applier->digest, sizeof applier->digest);
    applier->digest = mr_digest_of(seat, sizeof applier->digest + applier->outbox.used);
}

/* Hands out what the turn at hand produced; false: the sink is full. */
static bool hand_out(struct mr_applier *applier, const struct mr_sink *sink)
{
    const struct mr_outbox *outbox = &applier->outbox;
    if (applier->handed < outbox->used) {
        applier->handed += sink->events(sink->context, outbox->bytes + applier->handed,
                                        outbox->used - applier->handed);
        if (applier->handed < outbox->used) {
            return false;
        }
    }
    if (applier->finished && !sink->answer(sink->context, &applier->answer)) {
        return false;
    }
    applier->turn_open = false;
    return true;
}

/* Ends the turn at hand, once the sink has all of it. */
static int end_turn(struct mr_applier *applier, const struct mr_sink *sink, struct mr_error *error)
{
    if (!hand_out(applier, sink)) {
        return MR_AGAIN;
    }
    return MR_UNLIKELY(applier->switching) && applier->finished ? switch_version(applier, error)
                                                                : MR_OK;
}

static int corrupt(const struct mr_entry *entry, uint64_t sequence, const char *what,
                   struct mr_error *error)
{
    return mr_error_set(error, MR_E_CORRUPT, "entry %llu: the command at sequence %llu %s",
                        (unsigned long long)entry->index, (unsigned long long)sequence, what);
}

static int begin_entry(struct mr_applier *applier, const struct mr_entry *entry,
                       struct mr_error *error)
{
    uint64_t k = entry->digest_sequence;
    if (applier->next != applier->sound) {
        return corrupt(entry, entry->first_sequence, "comes amid a batch of the entry before it",
                       error);
    }
    if (k != 0) {
        bool equal = false;
        bool known = false;
        for (uint32_t i = 1; i <= MR_APPLIER_MARKS && !known; i++) {
            uint32_t at = (applier->mark_next - i) % MR_APPLIER_MARKS;
            known = applier->marks[at].sequence == k;
            equal = known && mr_digest_equal(applier->marks[at].digest, entry->digest);
        }
        if (!equal) {
            return mr_error_set(
                error, MR_E_DIVERGED,
                "entry %llu (sequence %llu) recorded another event digest after sequence %llu "
                "than this replay %s: the logic '%s' of this program does not behave as the one "
                "that wrote the journal",
                (unsigned long long)entry->index, (unsigned long long)entry->first_sequence,
                (unsigned long long)k, known ? "gives" : "reached", applier->logic->name);
        }
        applier->digests_checked++;
    }
    applier->entry = entry;
    applier->next = (const unsigned char *)mr_entry_commands(entry);
    applier->sound = applier->next;
    applier->left = entry->count;
    return MR_OK;
}

static void end_entry(struct mr_applier *applier)
{
    uint32_t at = applier->mark_next++ % MR_APPLIER_MARKS;
    applier->marks[at].sequence = mr_entry_last_sequence(applier->entry);
    applier->marks[at].digest = applier->digest;
    applier->applied = mr_entry_last_sequence(applier->entry);
    applier->entry = NULL;
}

/* The first command of the batch at hand; NULL: what is there does not fit. */
static inline const struct mr_command *first_of_batch(struct mr_applier *applier,
                                                      struct mr_error *error)
{
    const struct mr_entry *entry = applier->entry;
    const unsigned char *end = (const unsigned char *)entry + entry->length;
    const struct mr_command *command =
        mr_command_at(applier->next, (uint64_t)(end - applier->next));
    uint64_t expected = entry->first_sequence + (entry->count - applier->left);
    if (MR_UNLIKELY(command == NULL || command->sequence != expected ||
                    command->time_ns < applier->last_time_ns)) {
        (void)corrupt(entry, expected,
                      "does not fit its entry, or lies before its predecessor in time", error);
        return NULL;
    }
    return command;
}

/* Why what lies at `next` does not go on with its batch; `command` is NULL if it is none. */
static int does_not_go_on(const struct mr_entry *entry, const unsigned char *next,
                          const struct mr_command *command, uint64_t expected,
                          struct mr_error *error)
{
    const char *what = "does not fit its entry";
    if (next == (const unsigned char *)entry + entry->length) {
        what = "is missing: the one before it says that more of its batch follows";
    } else if (command != NULL && command->sequence == expected) {
        what = "has another time than its batch began with";
    }
    return corrupt(entry, expected, what, error);
}

/* Checks what follows the first command of a batch, which has `more`. */
__attribute__((noinline)) static int check_more(struct mr_applier *applier,
                                                const struct mr_command *command,
                                                struct mr_error *error)
{
    const struct mr_entry *entry = applier->entry;
    const unsigned char *end = (const unsigned char *)entry + entry->length;
    uint64_t time_ns = command->time_ns;
    uint64_t expected = command->sequence;
    uint64_t limit = expected + MR_BATCH_COMMANDS_MAX;
    while (command->more) {
        const unsigned char *next = (const unsigned char *)command + command->length;
        command = mr_command_at(next, (uint64_t)(end - next));
        expected++;
        if (MR_UNLIKELY(command == NULL || command->sequence != expected ||
                        command->time_ns != time_ns)) {
            return does_not_go_on(entry, next, command, expected, error);
        }
        if (MR_UNLIKELY(expected == limit)) {
            return corrupt(entry, expected, "is one too many for its batch", error);
        }
    }
    applier->sound = (const unsigned char *)command + command->length;
    return MR_OK;
}

/* Checks the batch that begins at applier->next, whole, before any of it is applied: a logic may
 * look ahead in it. Each command is looked at once, here. */
static inline int check_batch(struct mr_applier *applier, struct mr_error *error)
{
    const struct mr_command *command = first_of_batch(applier, error);
    if (command == NULL) {
        return MR_E_CORRUPT;
    }
    applier->last_time_ns = command->time_ns;
    if (command->more) {
        return check_more(applier, command, error);
    }
    applier->sound = applier->next + command->length;
    return MR_OK;
}

int mr_applier_entry(struct mr_applier *applier, const struct mr_entry *entry, uint32_t limit,
                     const struct mr_sink *sink, struct mr_error *error)
{
    int status = MR_OK;
    if (applier->entry == NULL) {
        status = begin_entry(applier, entry, error);
    }
    if (applier->turn_open) {
        ASSERT(applier->entry == entry);
        status = end_turn(applier, sink, error);
    }
    ASSERT(status != MR_OK || applier->entry == entry);
    while (status == MR_OK && applier->left > 0) {
        if (limit-- == 0) {
            return MR_AGAIN;
        }
        if (applier->next == applier->sound && (status = check_batch(applier, error)) != MR_OK) {
            return status;
        }
        const struct mr_command *command = (const struct mr_command *)(const void *)applier->next;
        applier->finished = mr_image_apply(applier->image, applier->logic, command,
                                           &applier->outbox, &applier->answer);
        chain_digest(applier);
        applier->turn_open = true;
        applier->handed = 0;
        applier->amid = !applier->finished;
        applier->switching = command->type == MR_COMMAND_LOGIC_UPGRADE;
        if (applier->finished) {
            applier->next += command->length;
            applier->left--;
        }
        status = end_turn(applier, sink, error);
    }
    if (status == MR_OK) {
        end_entry(applier);
    }
    return status;
}

struct mr_digest mr_image_digest(const struct mr_image *image, const struct mr_logic *logic)
{
    struct mr_span spans[64];
    uint32_t count = mr_image_used(image, logic, spans, 64);
    ASSERT(count <= 64);
    struct mr_digest_stream *stream = mr_digest_begin();
    ASSERT(stream != NULL);
    for (uint32_t i = 0; i < count; i++) {
        mr_digest_add(stream, &spans[i], sizeof spans[i]);
        mr_digest_add(stream, (const unsigned char *)image + spans[i].offset, spans[i].size);
    }
    return mr_digest_end(stream);
}
