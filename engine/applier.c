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

int mr_applier_init(struct mr_applier *applier, const struct mr_logic *logic,
                    const struct mr_command *genesis, struct mr_error *error)
{
    memset(applier, 0, sizeof *applier);
    applier->logic = logic;
    const char *reason = NULL;
    uint64_t size = mr_image_size(logic, genesis, &reason);
    if (size == 0) {
        return mr_error_set(error, MR_E_INVALID, "genesis of logic '%s' is not usable: %s",
                            logic->name, reason == NULL ? "?" : reason);
    }
    applier->image_size = mr_align_up(size, 4096);
    applier->image_memory = map_zeroed(applier->image_size);
    applier->outbox.size = mr_image_outbox_size(logic, genesis);
    applier->outbox_memory = aligned_alloc(
        MR_CACHE_LINE, DIGEST_SEAT + mr_align_up(applier->outbox.size, MR_CACHE_LINE));
    if (applier->image_memory == NULL || applier->outbox_memory == NULL) {
        mr_applier_free(applier);
        return mr_error_set(error, MR_E_NO_MEMORY,
                            "cannot allocate %llu bytes for the memory image of logic '%s': lower "
                            "its limits, or free memory",
                            (unsigned long long)size, logic->name);
    }
    applier->outbox.bytes = applier->outbox_memory + DIGEST_SEAT;
    applier->image = mr_image_init(applier->image_memory, logic, genesis);
    return MR_OK;
}

void mr_applier_free(struct mr_applier *applier)
{
    if (applier->image_memory != NULL) {
        munmap(applier->image_memory, applier->image_size);
    }
    free(applier->outbox_memory);
    memset(applier, 0, sizeof *applier);
}

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

static int begin_entry(struct mr_applier *applier, const struct mr_entry *entry,
                       struct mr_error *error)
{
    uint64_t k = entry->digest_sequence;
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
    applier->left = entry->count;
    return MR_OK;
}

static void end_entry(struct mr_applier *applier)
{
    uint32_t at = applier->mark_next++ % MR_APPLIER_MARKS;
    applier->marks[at].sequence = mr_entry_last_sequence(applier->entry);
    applier->marks[at].digest = applier->digest;
    applier->entry = NULL;
}

static const struct mr_command *next_command(struct mr_applier *applier, struct mr_error *error)
{
    const struct mr_entry *entry = applier->entry;
    const unsigned char *end = (const unsigned char *)entry + entry->length;
    const struct mr_command *command =
        mr_command_at(applier->next, (uint64_t)(end - applier->next));
    uint64_t expected = entry->first_sequence + (entry->count - applier->left);
    if (command == NULL || command->sequence != expected ||
        command->time_ns < applier->last_time_ns) {
        mr_error_set(
            error, MR_E_CORRUPT,
            "entry %llu: the command at sequence %llu does not fit its entry, or lies before "
            "its predecessor in time",
            (unsigned long long)entry->index, (unsigned long long)expected);
        return NULL;
    }
    applier->last_time_ns = command->time_ns;
    return command;
}

int mr_applier_entry(struct mr_applier *applier, const struct mr_entry *entry, uint32_t limit,
                     const struct mr_sink *sink, struct mr_error *error)
{
    if (applier->entry == NULL) {
        int status = begin_entry(applier, entry, error);
        if (status != MR_OK) {
            return status;
        }
    }
    ASSERT(applier->entry == entry);
    if (applier->turn_open && !hand_out(applier, sink)) {
        return MR_AGAIN;
    }
    while (applier->left > 0) {
        if (limit-- == 0) {
            return MR_AGAIN;
        }
        const struct mr_command *command = next_command(applier, error);
        if (command == NULL) {
            return MR_E_CORRUPT;
        }
        applier->finished = mr_image_apply(applier->image, applier->logic, command,
                                           &applier->outbox, &applier->answer);
        chain_digest(applier);
        applier->turn_open = true;
        applier->handed = 0;
        if (applier->finished) {
            applier->next += command->length;
            applier->left--;
        }
        if (!hand_out(applier, sink)) {
            return MR_AGAIN;
        }
    }
    end_entry(applier);
    return MR_OK;
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
