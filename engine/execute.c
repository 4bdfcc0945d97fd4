/*
 * The engine as a procedure call: submit one command and wait for its answer. For set-up, examples
 * and tests; what needs speed submits and polls.
 */
#include "engine/parts.h"

#include <string.h>
#include <time.h>

struct waiting {
    const struct mr_engine_handlers *handlers;
    uint64_t session, request;
    struct mr_answer answer;
    bool answered;
};

static void on_event(void *context, const struct mr_event *event)
{
    const struct waiting *waiting = context;
    if (waiting->handlers != NULL && waiting->handlers->event != NULL) {
        waiting->handlers->event(waiting->handlers->context, event);
    }
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct waiting *waiting = context;
    if (answer->session == waiting->session && answer->request == waiting->request) {
        waiting->answer = *answer;
        waiting->answered = true;
    }
    if (waiting->handlers != NULL && waiting->handlers->answer != NULL) {
        waiting->handlers->answer(waiting->handlers->context, answer);
    }
}

void mr_engine_pause(void)
{
    struct timespec pause = {.tv_nsec = 20000};
    (void)nanosleep(&pause, NULL);
}

/* Lets the stages go on: steps them by hand, or sleeps a little. */
static void let_work(struct mr_engine *engine)
{
    if (engine->begun_by_hand) {
        for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
            (void)mr_engine_step(engine, stage);
        }
        return;
    }
    mr_engine_pause();
}

int mr_engine_execute(struct mr_engine *engine, const struct mr_command *command,
                      const struct mr_engine_handlers *handlers, struct mr_answer *answer,
                      struct mr_error *error)
{
    struct waiting waiting = {
        .handlers = handlers, .session = command->session, .request = command->request};
    const struct mr_engine_handlers own = {
        .event = on_event, .answer = on_answer, .context = &waiting};
    int status;
    uint64_t ticket = 0;
    while ((status = mr_engine_submit(engine, command, &ticket)) == MR_AGAIN) {
        (void)mr_engine_poll(engine, &own, UINT32_MAX);
        let_work(engine);
    }
    while (status == MR_OK && !waiting.answered) {
        if (mr_engine_poll(engine, &own, UINT32_MAX) == 0) {
            let_work(engine);
            status = mr_engine_failure(engine, error);
        }
    }
    if (status == MR_OK && answer != NULL) {
        *answer = waiting.answer;
    }
    if (status == MR_E_INVALID || status == MR_E_FENCED) {
        return mr_engine_failure(engine, error) != MR_OK
                   ? status
                   : mr_error_set(error, status,
                                  status == MR_E_INVALID ? "the command's length is not possible"
                                                         : "the engine is stopping");
    }
    return status;
}

int mr_engine_session(struct mr_engine *engine, uint64_t id, enum mr_role role,
                      uint64_t *last_request, struct mr_error *error)
{
    struct mr_session_info info = {0};
    unsigned char bytes[MR_COMMAND_HEADER + sizeof(struct mr_session_open)] = {0};
    struct mr_command *command = (struct mr_command *)(void *)bytes;
    command->length = sizeof bytes;
    command->type = MR_COMMAND_SESSION_OPEN;
    command->role = MR_ROLE_SYSTEM;
    command->request = id; /* tells its answer from that of genesis or a TICK */
    struct mr_session_open *body = mr_command_body_mutable(command);
    body->new_session = id;
    body->new_role = (uint8_t)role;
    struct mr_answer answer = {0};
    bool exists = mr_engine_drained(engine) && mr_image_session(mr_engine_image(engine), id, &info);
    int status = exists ? MR_OK : mr_engine_execute(engine, command, NULL, &answer, error);
    if (status != MR_OK) {
        return status;
    }
    if (exists && info.role != (uint32_t)role) {
        return mr_error_set(error, MR_E_MISMATCH, "session %llu exists with another role",
                            (unsigned long long)id);
    }
    if (answer.result != 0) {
        return mr_error_set(error, MR_E_LIMIT, "session %llu cannot be opened: %s",
                            (unsigned long long)id,
                            mr_catalog_reason_name(engine->logic->catalog, answer.result));
    }
    if (last_request != NULL) {
        *last_request = info.last_request;
    }
    return MR_OK;
}
