/*
 * Applying a command: timers first, then who sends it and whether it was sent before, then what the
 * catalog says about it, then the logic (or, for the common commands, what stands here). The answer
 * goes to its session's ring.
 */
#include "base/assert.h"
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
static uint32_t admit(const struct mr_logic *logic, const struct mr_command *command, uint8_t role)
{
    const struct mr_message *row = row_of(logic, command->type);
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

static void emit_rejected(struct mr_context *context, const struct mr_command *command,
                          struct mr_session *session, uint32_t reason)
{
    struct mr_command_rejected *body = (struct mr_command_rejected *)mr_emit(
        context, MR_EVENT_COMMAND_REJECTED, 0, sizeof *body,
        session == NULL ? 0 : MR_AGGREGATE_SESSION, session == NULL ? 0 : session->id,
        session == NULL ? NULL : &session->stream);
    body->request = command->request;
    body->reason = reason;
    body->command_type = command->type;
    body->command_version = command->version;
    body->claimed_role = command->role;
}

/* The image was prepared from this command already; it only remains to say so. */
static uint32_t apply_genesis(struct mr_context *context, const struct mr_command *command)
{
    const struct mr_image *image = context->image;
    if (image->sequence != 0) {
        return MR_REASON_GENESIS_MISPLACED;
    }
    if (!mr_genesis_fits(image, command)) {
        return MR_REASON_BAD_VALUE;
    }
    struct mr_genesis_applied *body = (struct mr_genesis_applied *)mr_emit(
        context, MR_EVENT_GENESIS_APPLIED, 0, sizeof *body, 0, 0, NULL);
    mr_copy(body->logic, image->logic, sizeof body->logic);
    body->logic_version = image->logic_version;
    body->layout_version = image->logic_layout_version;
    body->sessions_max = image->sessions_max;
    body->answers_max = image->answers_max;
    body->timers_max = image->timers_max;
    body->clock = (uint8_t)image->clock;
    return 0;
}

static uint32_t apply_session_open(struct mr_context *context, const struct mr_command *command)
{
    const struct mr_session_open *open = (const struct mr_session_open *)mr_command_body(command);
    struct mr_session *opened;
    uint32_t reason = mr_session_open(context->image, open, &opened);
    if (reason != 0) {
        return reason;
    }
    struct mr_session_opened *body =
        (struct mr_session_opened *)mr_emit(context, MR_EVENT_SESSION_OPENED, 0, sizeof *body,
                                            MR_AGGREGATE_SESSION, opened->id, &opened->stream);
    mr_copy(body->fingerprint, open->fingerprint, sizeof body->fingerprint);
    body->new_role = open->new_role;
    return 0;
}

/* The common commands, which admit() has let through. */
static uint32_t apply_common(struct mr_context *context, const struct mr_command *command)
{
    switch (command->type) {
    case MR_COMMAND_GENESIS:
        return apply_genesis(context, command);
    case MR_COMMAND_SESSION_OPEN:
        return apply_session_open(context, command);
    default:
        ASSERT(command->type == MR_COMMAND_TICK); /* it has fired the timers: all it is for */
        return 0;
    }
}

/* Checks and applies; 0 or a reason. What the image refuses is told by an event of its own; what
 * the logic refuses, by the logic. */
static uint32_t execute(struct mr_context *context, const struct mr_logic *logic,
                        const struct mr_command *command, struct mr_session *session)
{
    uint8_t role = session == NULL ? (uint8_t)MR_ROLE_SYSTEM : session->role;
    uint32_t reason = admit(logic, command, role);
    if (MR_UNLIKELY(context->image->sequence == 0 && command->type != MR_COMMAND_GENESIS)) {
        reason = MR_REASON_GENESIS_MISPLACED;
    }
    if (MR_LIKELY(reason == 0)) {
        if (MR_LIKELY(command->type >= MR_CATALOG_LOGIC_FIRST)) {
            return logic->apply(context, command);
        }
        reason = apply_common(context, command);
    }
    if (reason != 0) {
        emit_rejected(context, command, session, reason);
    }
    return reason;
}

/* Fires what is due by the command's time, as much as one turn may; false: there is more. */
static bool fire_timers(struct mr_context *context, const struct mr_logic *logic)
{
    ASSERT(logic->timer != NULL);
    for (uint32_t fired = 0; mr_timer_is_due(context->image, context->time_ns); fired++) {
        if (fired == MR_TURN_TIMERS_MAX || context->outbox->count >= MR_TURN_EVENTS_FULL) {
            return false;
        }
        struct mr_timer timer = mr_timer_take_first(context->image);
        logic->timer(context, &timer);
    }
    return context->outbox->count < MR_TURN_EVENTS_FULL;
}

/* Finds the session and whether the command is a new one of it: 0, or a reason. */
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

/* The command itself: executes it, or refuses it, or gives the answer that it had. */
static void run(struct mr_context *context, const struct mr_logic *logic,
                const struct mr_command *command, struct mr_answer *answer)
{
    struct mr_image *image = context->image;
    struct mr_session *session;
    uint32_t refusal = identify(image, command, &session);
    *answer = (struct mr_answer){
        .sequence = command->sequence, .session = command->session, .request = command->request};
    if (MR_UNLIKELY(refusal == MR_REASON_TOO_OLD) && give_again(image, session, answer)) {
        return;
    }
    uint64_t before = context->event_number;
    if (MR_LIKELY(refusal == 0)) {
        answer->result = execute(context, logic, command, session);
    } else {
        answer->result = refusal;
        emit_rejected(context, command, session, refusal);
    }
    answer->event_count = (uint32_t)(context->event_number - before);
    answer->first_event = answer->event_count == 0 ? 0 : before + 1;
    image->rejects += answer->result != 0;
    if (MR_LIKELY(session != NULL && refusal == 0)) {
        mr_session_store(image, session, answer);
    }
}

bool mr_image_apply(struct mr_image *image, const struct mr_logic *logic,
                    const struct mr_command *command, struct mr_outbox *outbox,
                    struct mr_answer *answer)
{
    ASSERT(command->sequence == image->sequence + 1);
    ASSERT(command->time_ns >= image->time_ns);
    ASSERT(outbox->size >= image->outbox_size);
    outbox->used = 0;
    outbox->count = 0;
    struct mr_context context = {
        .state = mr_image_at(image, image->parts.state),
        .config = mr_image_config(image),
        .time_ns = command->time_ns,
        .sequence = command->sequence,
        .event_number = image->events,
        .outbox = outbox,
        .image = image,
    };
    bool ready = true;
    if (MR_UNLIKELY(mr_timer_is_due(image, command->time_ns))) {
        ready = fire_timers(&context, logic);
    }
    if (MR_LIKELY(ready)) {
        context.correlation = command->correlation;
        run(&context, logic, command, answer);
        image->sequence = command->sequence;
        image->time_ns = command->time_ns;
    }
    image->events = context.event_number;
    return ready;
}
