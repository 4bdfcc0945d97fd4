/*
 * Applying a command: timers first, then who sends it and whether it was sent before, then what the
 * catalog says about it, then the logic (or, for the common commands, core/common.c). The answer
 * goes to its session's ring.
 */
#include "base/assert.h"
#include "base/limits.h"
#include "core/image.h"
#include "core/memory.h"

/* The row of a command type; NULL: unknown. Types are dense, see struct mr_catalog. */
static const struct mr_message *row_of(const struct mr_logic *logic, uint16_t type)
{
    uint32_t index = (uint32_t)type - MR_CATALOG_LOGIC_FIRST;
    if (MR_LIKELY(index < logic->catalog->command_count)) {
        return &logic->catalog->commands[index];
    }
    index = (uint32_t)type - 1;
    return index < mr_catalog_common.command_count ? &mr_catalog_common.commands[index] : NULL;
}

/* Whether a session with `role` may have this applied: 0, or a reason. */
static uint32_t admit(const struct mr_message *row, const struct mr_command *command, uint8_t role)
{
    if (MR_UNLIKELY(row == NULL)) {
        return MR_REASON_UNKNOWN_TYPE;
    }
    if (MR_UNLIKELY(command->version != row->version)) {
        return MR_REASON_UNKNOWN_VERSION;
    }
    uint32_t length = MR_COMMAND_HEADER + (uint32_t)row->size;
    if (MR_UNLIKELY(command->length != length && (command->length < length || !row->tail))) {
        return MR_REASON_BAD_LENGTH;
    }
    if (MR_UNLIKELY(command->role != role || (row->roles & MR_ROLE_BIT(role)) == 0)) {
        return MR_REASON_ROLE_DENIED;
    }
    return 0;
}

/* A number of the body that a row of the catalog points to, plus 1. */
static uint64_t body_number(const struct mr_command *command, uint16_t at)
{
    uint64_t number;
    mr_copy(&number, (const unsigned char *)mr_command_body(command) + at - 1, sizeof number);
    return number;
}

/* Whether the aggregate is in the version that a command on a condition expects: 0, or a reason. */
static uint32_t compare_version(const struct mr_context *context, const struct mr_logic *logic,
                                const struct mr_message *row, const struct mr_command *command)
{
    uint64_t expected = body_number(command, row->expected_at);
    if (expected == 0) {
        return 0;
    }
    const struct mr_stream *stream =
        logic->stream(context->state, context->config, row->aggregate_kind,
                      body_number(command, row->aggregate_at));
    uint64_t count = stream == NULL ? 0 : stream->count;
    return count == (expected == MR_EXPECT_NEW ? 0 : expected) ? 0 : MR_REASON_VERSION_DIFFERS;
}

/* Checks and applies; 0 or a reason. What the image refuses is told by an event of its own; what
 * the logic refuses, by the logic. *session becomes NULL when the command has closed it. */
static uint32_t execute(struct mr_context *context, const struct mr_logic *logic,
                        const struct mr_command *command, struct mr_session **session)
{
    uint8_t role = *session == NULL ? (uint8_t)MR_ROLE_SYSTEM : (*session)->role;
    const struct mr_message *row = row_of(logic, command->type);
    uint32_t reason = admit(row, command, role);
    if (MR_UNLIKELY(context->image->sequence == 0 && command->type != MR_COMMAND_GENESIS)) {
        reason = MR_REASON_GENESIS_MISPLACED;
    }
    if (MR_LIKELY(reason == 0)) {
        if (MR_LIKELY(command->type >= MR_CATALOG_LOGIC_FIRST)) {
            if (MR_UNLIKELY(row->expected_at != 0)) {
                reason = compare_version(context, logic, row, command);
            }
            if (MR_LIKELY(reason == 0)) {
                return logic->apply(context, command);
            }
        } else {
            reason = mr_common_apply(context, command);
            if (*session != NULL && (*session)->id == 0) {
                *session = NULL;
            }
        }
    }
    if (reason != 0) {
        mr_common_rejected(context, command, *session, reason);
    }
    return reason;
}

/* Fires what is due by the command's time, as much as one turn may; false: there is more. */
static bool fire_timers(struct mr_context *context, const struct mr_logic *logic)
{
    for (uint32_t fired = 0; mr_timer_is_due(context->image, context->time_ns); fired++) {
        if (fired == MR_TURN_TIMERS_MAX || context->outbox->count >= MR_TURN_EVENTS_FULL) {
            return false;
        }
        uint32_t session;
        struct mr_timer timer = mr_timer_take_first(context->image, &session);
        if (session != 0) {
            mr_common_expire(context, session, timer.due_ns);
        } else {
            ASSERT(logic->timer != NULL);
            logic->timer(context, &timer);
            ASSERT(!context->again); /* that is for `apply` */
        }
    }
    return context->outbox->count < MR_TURN_EVENTS_FULL;
}

/* Finds the session, which has sent something now, and whether the command is a new one of it: 0,
 * or a reason. */
static uint32_t identify(const struct mr_image *image, const struct mr_command *command,
                         struct mr_session **session)
{
    *session = NULL;
    if (command->session == 0) { /* the engine's own, which sends everything once */
        return 0;
    }
    *session = mr_session_find(image, command->session);
    if (MR_UNLIKELY(*session == NULL)) {
        return MR_REASON_UNKNOWN_SESSION;
    }
    (*session)->last_time_ns = command->time_ns;
    if (MR_LIKELY(command->request > (*session)->last_request)) {
        return 0;
    }
    return command->request == 0 ? MR_REASON_BAD_REQUEST : MR_REASON_TOO_OLD;
}

/* Gives a request that was sent before the answer it had; false: that is not known. */
static bool give_again(const struct mr_image *image, const struct mr_session *session,
                       struct mr_answer *answer)
{
    const struct mr_stored_answer *stored = mr_session_recall(image, session, answer->request);
    if (stored == NULL) {
        return false;
    }
    answer->sequence = stored->sequence;
    answer->first_event = stored->first_event;
    answer->event_count = stored->event_count;
    answer->result = stored->result;
    answer->duplicate = 1;
    return true;
}

/* The command is executed, or refused; `before` is the last event that is not its own. */
static inline void finish(struct mr_context *context, struct mr_session *session, uint64_t before,
                          struct mr_answer *answer)
{
    uint64_t count = context->event_number - before;
    answer->event_count = (uint32_t)count;
    answer->first_event = count == 0 ? 0 : before + 1;
    context->image->rejects += answer->result != 0;
    if (MR_LIKELY(session != NULL)) {
        mr_session_store(context->image, session, answer);
    }
}

static struct mr_answer answer_to(const struct mr_command *command)
{
    return (struct mr_answer){
        .sequence = command->sequence, .session = command->session, .request = command->request};
}

/* The command's first turn: executes it, or refuses it, or gives the answer that it had. False: the
 * logic has more to do for it. */
static bool run(struct mr_context *context, const struct mr_logic *logic,
                const struct mr_command *command, struct mr_answer *answer)
{
    struct mr_image *image = context->image;
    struct mr_session *session;
    uint32_t refusal = identify(image, command, &session);
    *answer = answer_to(command);
    if (MR_UNLIKELY(refusal == MR_REASON_TOO_OLD) && give_again(image, session, answer)) {
        return true;
    }
    uint64_t before = context->event_number;
    if (MR_LIKELY(refusal == 0)) {
        answer->result = execute(context, logic, command, &session);
        if (MR_UNLIKELY(context->again)) {
            ASSERT(answer->result == 0);
            image->turn = 1;
            image->turn_events = before;
            return false;
        }
    } else {
        answer->result = refusal;
        mr_common_rejected(context, command, session, refusal);
        session = NULL; /* what has no request of its own leaves no answer */
    }
    finish(context, session, before, answer);
    return true;
}

/* A further turn of a command that the logic wants to be called with again. Kept out of the way of
 * those that are done at once. */
__attribute__((noinline)) static bool go_on(struct mr_context *context,
                                            const struct mr_logic *logic,
                                            const struct mr_command *command,
                                            struct mr_answer *answer)
{
    struct mr_image *image = context->image;
    ASSERT(image->upgrade_version == 0); /* else mr_image_migrate was forgotten */
    context->turn = image->turn;
    context->correlation = command->correlation;
    *answer = answer_to(command);
    answer->result = logic->apply(context, command);
    if (context->again) {
        ASSERT(answer->result == 0);
        ASSERT(image->turn < MR_TURNS_MAX - 1);
        image->turn++;
        return false;
    }
    ASSERT(context->event_number - image->turn_events <= UINT32_MAX);
    struct mr_session *session =
        command->session == 0 ? NULL : mr_session_find(image, command->session);
    finish(context, session, image->turn_events, answer);
    image->turn = 0;
    image->turn_events = 0;
    return true;
}

/* A turn of a command of which nothing has happened yet but timers. */
static bool begin(struct mr_context *context, const struct mr_logic *logic,
                  const struct mr_command *command, struct mr_answer *answer)
{
    if (MR_UNLIKELY(mr_timer_is_due(context->image, command->time_ns)) &&
        !fire_timers(context, logic)) {
        return false;
    }
    context->correlation = command->correlation;
    return run(context, logic, command, answer);
}

bool mr_image_apply(struct mr_image *image, const struct mr_logic *logic,
                    const struct mr_command *command, struct mr_outbox *outbox,
                    struct mr_answer *answer)
{
    ASSERT(command->sequence == image->sequence + 1);
    ASSERT(command->time_ns >= image->time_ns);
    ASSERT(outbox->size >= image->outbox_size);
    VERIFY(logic->version == image->logic_version);
    outbox->used = 0;
    outbox->count = 0;
    struct mr_context context = {
        .state = mr_image_at(image, image->parts.state),
        .config = mr_config(image),
        .time_ns = command->time_ns,
        .sequence = command->sequence,
        .batch = command->sequence - image->batch_done,
        .event_number = image->events,
        .outbox = outbox,
        .image = image,
    };
    bool done = MR_LIKELY((image->turn | image->upgrade_version) == 0)
                    ? begin(&context, logic, command, answer)
                    : go_on(&context, logic, command, answer);
    if (MR_LIKELY(done)) {
        image->sequence = command->sequence;
        image->time_ns = command->time_ns;
        uint32_t batch_done = command->more ? image->batch_done + 1U : 0;
        ASSERT(batch_done < MR_BATCH_COMMANDS_MAX);
        image->batch_done = (uint16_t)batch_done;
    }
    image->events = context.event_number;
    return done;
}
