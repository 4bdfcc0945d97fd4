/*
 * A logic that tells, command by command, what it sees of the batch that it is in: where that
 * begins, and how much of it is still ahead. Its state counts, and knows nothing of batches.
 */
#ifndef MR_TESTS_CORE_WITNESS_H
#define MR_TESTS_CORE_WITNESS_H

#include <millrace/image.h>

enum { WITNESS_NOTE = 64, WITNESS_COUNT };
enum { WITNESS_NOTED = 64 };
enum { WITNESS_REFUSED = 64 };

#define WITNESS_NOTE_FIELDS(F)                              \
    F(u32, turns, "", "how many, from 1; 0: it is refused") \
    F(u32, timer_ns, "ns", "sets a timer, so far away; 0: none")
MR_MESSAGE_STRUCT(witness_note, WITNESS_NOTE_FIELDS);
#define WITNESS_COUNT_FIELDS(F) F(u64, number, "", "any; any bytes may follow")
MR_MESSAGE_STRUCT(witness_count, WITNESS_COUNT_FIELDS);

#define WITNESS_NOTED_FIELDS(F)                     \
    F(u64, batch, "", "the batch's first sequence") \
    F(u64, ahead, "commands", "of the batch, behind this one")
MR_MESSAGE_STRUCT(witness_noted, WITNESS_NOTED_FIELDS);

static const struct mr_message witness_commands[] = {
    MR_COMMAND(WITNESS_NOTE, witness_note, note, WITNESS_NOTE_FIELDS, MR_ROLE_BIT(MR_ROLE_USER),
               "tells what it sees"),
    MR_COMMAND_WITH_TAIL(WITNESS_COUNT, witness_count, count, WITNESS_COUNT_FIELDS,
                         MR_ROLE_BIT(MR_ROLE_USER), "counts, and tells nothing"),
};
static const struct mr_message witness_events[] = {
    MR_EVENT(WITNESS_NOTED, witness_noted, noted, WITNESS_NOTED_FIELDS, 0, "what was seen"),
};
static const struct mr_reason witness_reasons[] = {{WITNESS_REFUSED, "refused", "as was asked"}};
static const struct mr_catalog witness_catalog = {
    .commands = witness_commands,
    .events = witness_events,
    .reasons = witness_reasons,
    .command_count = 2,
    .event_count = 1,
    .reason_count = 1,
};

/* The state: how often anything was told or counted. */
static uint64_t witness_state_size(const void *config)
{
    (void)config;
    return sizeof(uint64_t);
}

static void witness_tell(struct mr_context *context, const struct mr_command *command)
{
    uint64_t ahead = 0;
    while (command != NULL && (command = mr_command_next(command)) != NULL) {
        ahead++;
    }
    struct witness_noted *body = mr_emit(context, WITNESS_NOTED, 0, sizeof *body, 0, 0, NULL);
    body->batch = context->batch;
    body->ahead = ahead;
    ++*(uint64_t *)context->state;
}

static uint32_t witness_apply(struct mr_context *context, const struct mr_command *command)
{
    const struct witness_note *note = mr_command_body(command);
    if (command->type == WITNESS_COUNT) {
        ++*(uint64_t *)context->state;
        return 0;
    }
    witness_tell(context, command);
    if (note->timer_ns != 0 && context->turn == 0) {
        const struct mr_timer timer = {.due_ns = context->time_ns + note->timer_ns};
        (void)mr_timer_set(context, &timer, NULL);
    }
    context->again = context->turn + 1 < note->turns;
    return note->turns == 0 ? WITNESS_REFUSED : 0;
}

static void witness_timer(struct mr_context *context, const struct mr_timer *timer)
{
    (void)timer;
    witness_tell(context, NULL);
}

#define WITNESS_VERSION(number, before)                                                  \
    {                                                                                    \
        .name = "witness", .version = (number), .catalog = &witness_catalog,             \
        .command_size_max = 256, .event_size_max = 96, .state_size = witness_state_size, \
        .apply = witness_apply, .timer = witness_timer, .previous = (before)             \
    }
static const struct mr_logic witness_first = WITNESS_VERSION(1, NULL);
static const struct mr_logic witness_logic = WITNESS_VERSION(2, &witness_first);

#endif
