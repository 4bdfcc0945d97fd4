#include "tests/digests/by_core.h"

#include "tests/digests/script.h"

#include <millrace/image.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { IMAGE_SIZE = 8 << 20, OUTBOX_SIZE = 1 << 20, SPANS_MAX = 64 };

static _Alignas(4096) unsigned char image_memory[IMAGE_SIZE];
/* Behind the digest of all events before, as engine/applier.c has it. */
static _Alignas(16) unsigned char outbox_memory[sizeof(struct mr_digest) + OUTBOX_SIZE];
static XXH3_state_t hasher;

static struct mr_digest digest_of(XXH128_hash_t hash)
{
    return (struct mr_digest){.low = hash.low64, .high = hash.high64};
}

static struct mr_digest state_digest(const struct mr_image *image, const struct mr_logic *logic)
{
    struct mr_span spans[SPANS_MAX];
    uint32_t count = mr_image_used(image, logic, spans, SPANS_MAX);
    XXH3_128bits_reset(&hasher);
    for (uint32_t i = 0; i < count; i++) {
        XXH3_128bits_update(&hasher, &spans[i], sizeof spans[i]);
        XXH3_128bits_update(&hasher, (const unsigned char *)image + spans[i].offset, spans[i].size);
    }
    return digest_of(XXH3_128bits_digest(&hasher));
}

/* Applies one command, turn by turn, and chains its events. */
static void apply(struct mr_image *image, const struct mr_logic *logic,
                  const struct mr_command *command, struct mr_digest *events)
{
    struct mr_outbox outbox = {.bytes = outbox_memory + sizeof *events, .size = OUTBOX_SIZE};
    struct mr_answer answer;
    bool finished;
    do {
        finished = mr_image_apply(image, logic, command, &outbox, &answer);
        if (outbox.used > 0) {
            __builtin_memcpy(outbox_memory, events, sizeof *events);
            *events = digest_of(XXH3_128bits(outbox_memory, sizeof *events + outbox.used));
        }
    } while (!finished);
}

/* The next commands, up to the end of a batch, one behind the other; returns how many. */
static uint32_t next_batch(struct script *script, unsigned char *room, uint64_t sequence)
{
    struct mr_command *command;
    uint32_t count = 0;
    do {
        (void)script_next(script, room);
        command = (struct mr_command *)(void *)room;
        command->sequence = sequence + count++;
        room += command->length;
    } while (command->more);
    return count;
}

static int run(const struct mr_logic *logic)
{
    static _Alignas(8) unsigned char room[(SCRIPT_BATCH_MAX + 1) * SCRIPT_COMMAND_SIZE];
    char line[SCRIPT_LINE_SIZE];
    struct script script;
    script_begin(&script, logic);
    const struct mr_command *command = script_genesis(&script, room);
    uint64_t size = mr_image_size(logic, command, NULL);
    if (size == 0 || size > IMAGE_SIZE || mr_image_outbox_size(logic, command) > OUTBOX_SIZE) {
        static const char no_room[] = "the image does not fit\n";
        print_line(no_room, sizeof no_room - 1);
        return 1;
    }
    __builtin_memset(image_memory, 0, IMAGE_SIZE);
    struct mr_image *image = mr_image_init(image_memory, logic, command);
    struct mr_digest events = {0, 0};
    ((struct mr_command *)(void *)room)->sequence = 1;
    apply(image, logic, command, &events);
    for (uint64_t sequence = 1; sequence < SCRIPT_COMMANDS;) {
        sequence += next_batch(&script, room, sequence + 1);
        command = (const struct mr_command *)(const void *)room;
        for (; command != NULL; command = mr_command_next(command)) {
            apply(image, logic, command, &events);
        }
        if (sequence % SCRIPT_EVERY == 0) {
            struct mr_digest state = state_digest(image, logic);
            print_line(line, script_line(&script, sequence, state, events, line));
        }
    }
    if (!mr_image_check(image, logic)) {
        static const char broken[] = "an invariant of the image is broken\n";
        print_line(broken, sizeof broken - 1);
        return 1;
    }
    return 0;
}

int by_core(void)
{
    int status = 0;
    for (const struct mr_logic *const *logic = script_logics; *logic != NULL; logic++) {
        status |= run(*logic);
    }
    return status;
}
