/*
 * The engine as a procedure call: submit one command and wait for its answer. For set-up, examples
 * and tests; what needs speed submits and polls.
 */
#include "engine/parts.h"

#include <string.h>
#include <time.h>

enum { LOOK_AGAIN_NS = 20000 };

void mr_engine_pause(void)
{
    struct timespec pause = {.tv_nsec = LOOK_AGAIN_NS};
    (void)nanosleep(&pause, NULL);
}

static void step_all(struct mr_engine *engine)
{
    for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
        (void)mr_engine_step(engine, stage);
    }
}

/* The engine is busy: makes room. */
static void make_room(struct mr_engine *engine, const struct mr_engine_handlers *handlers)
{
    (void)mr_engine_poll(engine, handlers, UINT32_MAX);
    if (engine->begun_by_hand) {
        step_all(engine);
    } else {
        mr_engine_pause();
    }
}

static int call(struct mr_engine *engine, const struct mr_command *command,
                const struct mr_engine_handlers *handlers, struct mr_future *future)
{
    int status;
    while ((status = mr_engine_call(engine, command, future)) == MR_AGAIN) {
        make_room(engine, handlers);
    }
    return status;
}

/* The answer is there, and what came out with it was published. */
static bool came_out(const struct mr_engine *engine, const struct mr_future *future)
{
    return mr_future_ready(future) &&
           (mr_engine_stage(engine, future->ticket) == MR_STAGE_APPLIED ||
            mr_engine_end(engine) != MR_OK);
}

static int call_and_wait(struct mr_engine *engine, const struct mr_command *command,
                         const struct mr_engine_handlers *handlers, struct mr_answer *answer)
{
    static const struct mr_engine_handlers nobody;
    handlers = handlers != NULL ? handlers : &nobody;
    struct mr_future future = {.done = NULL};
    int status = call(engine, command, handlers, &future);
    if (status != MR_OK) {
        return status;
    }
    while (!came_out(engine, &future)) {
        (void)mr_engine_poll(engine, handlers, UINT32_MAX);
        if (engine->begun_by_hand) {
            step_all(engine);
        } else {
            (void)mr_future_wait(&future, LOOK_AGAIN_NS);
        }
    }
    while (mr_engine_poll(engine, handlers, UINT32_MAX) > 0) {
    }
    if (answer != NULL && future.status == MR_OK) {
        *answer = future.answer;
    }
    return future.status;
}

int mr_engine_execute(struct mr_engine *engine, const struct mr_command *command,
                      const struct mr_engine_handlers *handlers, struct mr_answer *answer,
                      struct mr_error *error)
{
    int status = call_and_wait(engine, command, handlers, answer);
    if (status == MR_OK || mr_engine_failure(engine, error) != MR_OK) {
        return status;
    }
    switch (status) {
    case MR_E_INVALID:
        return mr_error_set(error, status, "the command's length is not possible");
    case MR_E_VERSION:
        return mr_error_set(error, status,
                            "this program does not carry that version of logic '%s', or the image "
                            "cannot be migrated to it",
                            engine->logic->name);
    default:
        return mr_error_set(error, status, "the engine is stopping");
    }
}

static const char *reason_name(const struct mr_engine *engine, uint32_t reason)
{
    return mr_catalog_reason_name(engine->logic->catalog, reason);
}

/* A command of the engine's own with a body of `size` bytes. */
static int execute_own(struct mr_engine *engine, uint16_t type, const void *body, uint32_t size,
                       struct mr_answer *answer, struct mr_error *error)
{
    struct {
        struct mr_command header;
        unsigned char body[64];
    } command = {.header = {.type = type, .role = MR_ROLE_SYSTEM}};
    ASSERT(size <= sizeof command.body && size % 8 == 0);
    command.header.length = MR_COMMAND_HEADER + size;
    memcpy(command.body, body, size);
    return mr_engine_execute(engine, &command.header, NULL, answer, error);
}

/* Asks, and steps or waits until it is answered. Polls meanwhile: apply may stand before a full
 * output ring amid a command, and answers queries only behind it. */
static int query_and_wait(struct mr_engine *engine, struct mr_query_call *call)
{
    int status;
    while ((status = mr_engine_query(engine, call)) == MR_AGAIN) {
        make_room(engine, NULL);
    }
    while (status == MR_OK && !mr_query_ready(call)) {
        (void)mr_engine_poll(engine, NULL, UINT32_MAX);
        if (engine->begun_by_hand) {
            step_all(engine);
        } else {
            (void)mr_query_wait(call, LOOK_AGAIN_NS);
        }
    }
    return status != MR_OK ? status : call->status;
}

/* MR_OK with *found saying whether there is such a session. */
static int find_session(struct mr_engine *engine, uint64_t id, struct mr_row_session *session,
                        bool *found)
{
    struct {
        struct mr_query header;
        struct mr_query_session body;
    } query = {.header = {.length = sizeof query, .type = MR_QUERY_SESSION}, .body = {.id = id}};
    struct {
        struct mr_row header;
        struct mr_row_session body;
    } row = {.header = {0}};
    struct mr_query_call call = {
        .query = &query.header, .rows = &row, .rows_size = sizeof row, .done = NULL};
    int status = query_and_wait(engine, &call);
    *found = status == MR_OK && call.reply.rows == 1;
    if (*found) {
        *session = row.body;
    }
    return status;
}

int mr_engine_session(struct mr_engine *engine, uint64_t id, enum mr_role role,
                      uint64_t *last_request, struct mr_error *error)
{
    struct mr_row_session session = {.last_request = 0};
    struct mr_answer answer = {0};
    bool found;
    int status = find_session(engine, id, &session, &found);
    if (status != MR_OK) {
        return mr_engine_failure(engine, error) != MR_OK
                   ? status
                   : mr_error_set(error, status, "the engine is stopping");
    }
    if (found && session.session_role != (uint8_t)role) {
        return mr_error_set(error, MR_E_MISMATCH, "session %llu exists with another role",
                            (unsigned long long)id);
    }
    if (!found) {
        const struct mr_session_open body = {.new_session = id, .new_role = (uint8_t)role};
        status = execute_own(engine, MR_COMMAND_SESSION_OPEN, &body, sizeof body, &answer, error);
    }
    if (status == MR_OK && answer.result != 0) {
        return mr_error_set(error, MR_E_LIMIT, "session %llu cannot be opened: %s",
                            (unsigned long long)id, reason_name(engine, answer.result));
    }
    if (status == MR_OK && last_request != NULL) {
        *last_request = session.last_request;
    }
    return status;
}

int mr_engine_session_close(struct mr_engine *engine, uint64_t id, struct mr_error *error)
{
    const struct mr_session_close body = {.closed_session = id};
    struct mr_answer answer = {0};
    int status = execute_own(engine, MR_COMMAND_SESSION_CLOSE, &body, sizeof body, &answer, error);
    if (status == MR_OK && answer.result != 0) {
        return mr_error_set(error, MR_E_NOT_FOUND, "session %llu cannot be closed: %s",
                            (unsigned long long)id, reason_name(engine, answer.result));
    }
    return status;
}

int mr_engine_upgrade(struct mr_engine *engine, uint32_t version, struct mr_error *error)
{
    const struct mr_logic *to = mr_logic_version(engine->logic, version);
    struct mr_answer answer = {0};
    if (to == NULL) {
        return mr_error_set(error, MR_E_VERSION,
                            "this program does not carry version %u of the logic '%s'", version,
                            engine->logic->name);
    }
    const char *obstacle = mr_upgrade_obstacle(engine, to);
    if (obstacle != NULL) {
        return mr_error_set(error, MR_E_VERSION,
                            "logic '%s' cannot go to version %u: %s; nothing was journaled",
                            engine->logic->name, version, obstacle);
    }
    const struct mr_logic_upgrade body = {.to_version = version, .to_layout = to->layout_version};
    int status = execute_own(engine, MR_COMMAND_LOGIC_UPGRADE, &body, sizeof body, &answer, error);
    if (status == MR_OK && answer.result != 0) {
        return mr_error_set(error, MR_E_EXISTS, "logic '%s' does not go to version %u: %s",
                            engine->logic->name, version, reason_name(engine, answer.result));
    }
    /* The command is one thing; whether the state could be migrated is another. */
    return status == MR_OK ? mr_engine_failure(engine, error) : status;
}
