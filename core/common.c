/*
 * The commands that every logic has: genesis, sessions, ticks, and the switch to a newer version of
 * the logic; with the events that the image itself emits.
 */
#include "base/assert.h"
#include "core/image.h"
#include "core/memory.h"

/* -- Events. ----------------------------------------------------------------------------------- */

void mr_common_rejected(struct mr_context *context, const struct mr_command *command,
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

/* The event is the last one of the session's stream, which goes with it. */
static void close_session(struct mr_context *context, struct mr_session *session,
                          enum mr_session_end why)
{
    struct mr_session_closed *body =
        (struct mr_session_closed *)mr_emit(context, MR_EVENT_SESSION_CLOSED, 0, sizeof *body,
                                            MR_AGGREGATE_SESSION, session->id, &session->stream);
    body->last_request = session->last_request;
    body->why = (uint8_t)why;
    mr_session_close(context->image, session);
}

void mr_common_expire(struct mr_context *context, uint32_t place, uint64_t due_ns)
{
    struct mr_session *session = &mr_sessions(context->image)[place];
    ASSERT(session->id != 0);
    if (mr_session_fired(context->image, session, due_ns)) {
        close_session(context, session, MR_SESSION_END_EXPIRED);
    }
}

/* -- Commands. --------------------------------------------------------------------------------- */

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
    body->session_idle_ns = image->limits.session_idle_ns;
    body->logic_version = image->logic_version;
    body->layout_version = image->logic_layout_version;
    body->sessions_max = image->limits.sessions_max;
    body->answers_max = image->limits.answers_max;
    body->timers_max = image->limits.timers_max;
    body->clock = (uint8_t)image->limits.clock;
    return 0;
}

static uint32_t apply_session_open(struct mr_context *context, const struct mr_command *command)
{
    const struct mr_session_open *open = (const struct mr_session_open *)mr_command_body(command);
    struct mr_session *opened;
    uint32_t reason = mr_session_open(context->image, open, context->time_ns, &opened);
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

static uint32_t apply_session_close(struct mr_context *context, const struct mr_command *command)
{
    const struct mr_session_close *close =
        (const struct mr_session_close *)mr_command_body(command);
    if (command->role == MR_ROLE_USER && close->closed_session != command->session) {
        return MR_REASON_ROLE_DENIED;
    }
    struct mr_session *session = mr_session_find(context->image, close->closed_session);
    if (session == NULL) {
        return MR_REASON_UNKNOWN_SESSION;
    }
    close_session(context, session, MR_SESSION_END_CLOSED);
    return 0;
}

/* Whether this program carries that version is for the engine to find out, before the next command
 * (mr_image_migrate). */
static uint32_t apply_logic_upgrade(struct mr_context *context, const struct mr_command *command)
{
    struct mr_image *image = context->image;
    const struct mr_logic_upgrade *upgrade =
        (const struct mr_logic_upgrade *)mr_command_body(command);
    if (upgrade->to_version <= image->logic_version) {
        return MR_REASON_NOT_NEWER;
    }
    image->upgrade_version = upgrade->to_version;
    image->upgrade_layout = upgrade->to_layout;
    struct mr_logic_upgraded *body = (struct mr_logic_upgraded *)mr_emit(
        context, MR_EVENT_LOGIC_UPGRADED, 0, sizeof *body, 0, 0, NULL);
    body->from_version = image->logic_version;
    body->to_version = upgrade->to_version;
    body->from_layout = image->logic_layout_version;
    body->to_layout = upgrade->to_layout;
    return 0;
}

uint32_t mr_common_apply(struct mr_context *context, const struct mr_command *command)
{
    switch (command->type) {
    case MR_COMMAND_GENESIS:
        return apply_genesis(context, command);
    case MR_COMMAND_SESSION_OPEN:
        return apply_session_open(context, command);
    case MR_COMMAND_SESSION_CLOSE:
        return apply_session_close(context, command);
    case MR_COMMAND_LOGIC_UPGRADE:
        return apply_logic_upgrade(context, command);
    default:
        ASSERT(command->type == MR_COMMAND_TICK); /* it has fired the timers: all it is for */
        return 0;
    }
}
