/*
 * The sessions of an input, and where it goes on. In a new journal, after genesis:
 *
 *     session_open   session 1, role operator       sent by session 0, the engine's own
 *     the set-up     session 1, requests 1 to n     what the input needs first: instruments
 *     session_open   session 2, role user           with the input's fingerprint
 *     the input      session 2
 *
 * Standard input has no fingerprint and is session 3 in place of session 2; it may come on top of
 * an importer's journal, whose set-up it then takes over. What is already in the image when a run
 * begins is not sent again, so that a kill at any moment and a restart leave no trace in the
 * journal.
 */
#include "tools/run_parts.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

static bool is_zero(const uint64_t fingerprint[2])
{
    return fingerprint[0] == 0 && fingerprint[1] == 0;
}

/* What the session has done in an earlier life, in *info; *is_there is false when there is none. */
static int look_up(const struct run *run, uint64_t id, enum mr_role role, bool *is_there,
                   struct mr_session_info *info, struct mr_error *error)
{
    memset(info, 0, sizeof *info);
    *is_there = mr_image_session(mr_engine_image(run->engine), id, info);
    if (*is_there && info->role != role) {
        return mr_error_set(error, MR_E_MISMATCH,
                            "%s was not begun by 'millrace run': its session %llu has another "
                            "role; name another directory",
                            run->settings->data, (unsigned long long)id);
    }
    return MR_OK;
}

/* Writes the command that opens a session; returns it. Its request number tells its answer from
 * those of ticks, which are session 0's, too. */
static const struct mr_command *session_open(void *room, size_t size, uint64_t id,
                                             enum mr_role role, struct mr_digest fingerprint)
{
    struct mr_command *command = room;
    ASSERT(size >= MR_COMMAND_HEADER + sizeof(struct mr_session_open));
    *command = (struct mr_command){
        .length = MR_COMMAND_HEADER + (uint32_t)sizeof(struct mr_session_open),
        .type = MR_COMMAND_SESSION_OPEN,
        .role = MR_ROLE_SYSTEM,
        .request = id,
    };
    struct mr_session_open *body = mr_command_body_mutable(command);
    memset(body, 0, sizeof *body);
    body->new_session = id;
    body->new_role = (uint8_t)role;
    memcpy(body->fingerprint, &fingerprint, sizeof body->fingerprint);
    return command;
}

static void add(struct run *run, const struct mr_command *command)
{
    run->prefix[run->prefix_count++] = command;
}

/* The operator's session and what of the set-up it has not sent yet. */
static int prepare_setup(struct run *run, struct mr_error *error)
{
    bool is_there;
    struct mr_session_info info;
    int status = look_up(run, SESSION_OPERATOR, MR_ROLE_OPERATOR, &is_there, &info, error);
    if (status != MR_OK) {
        return status;
    }
    if (!is_there) {
        static const struct mr_digest none;
        add(run, session_open(run->session_opens[0], sizeof run->session_opens[0], SESSION_OPERATOR,
                              MR_ROLE_OPERATOR, none));
    }
    for (uint32_t i = 0; i < run->source->setup_count; i++) {
        ASSERT(run->source->setup[i]->session == SESSION_OPERATOR);
        if (run->source->setup[i]->request > info.last_request) {
            add(run, run->source->setup[i]);
        }
    }
    return MR_OK;
}

/* MR_OK when the directory's input is this one, or it has none yet. */
static int check_input(const struct run *run, bool is_there, const struct mr_session_info *info,
                       struct mr_error *error)
{
    uint64_t expected[2];
    memcpy(expected, &run->source->fingerprint, sizeof expected);
    struct mr_session_info keyboard;
    const char *other = NULL;
    if (is_there && memcmp(info->fingerprint, expected, sizeof expected) != 0) {
        other = is_zero(info->fingerprint) ? "commands without a fingerprint" : "another input";
    } else if (!is_there &&
               mr_image_session(mr_engine_image(run->engine), SESSION_KEYBOARD, &keyboard)) {
        other = "standard input";
    }
    if (other == NULL) {
        return MR_OK;
    }
    return mr_error_set(
        error, MR_E_MISMATCH,
        "%s was begun with %s, not with '%s': nothing was changed; name that input, "
        "or another directory",
        run->settings->data, other, run->settings->input);
}

static int prepare_importer(struct run *run, struct mr_error *error)
{
    bool is_there;
    struct mr_session_info info;
    int status = look_up(run, SESSION_IMPORTER, MR_ROLE_USER, &is_there, &info, error);
    if (status == MR_OK) {
        status = check_input(run, is_there, &info, error);
    }
    if (status == MR_OK) {
        status = prepare_setup(run, error);
    }
    if (status != MR_OK) {
        return status;
    }
    if (!is_there) {
        add(run, session_open(run->session_opens[1], sizeof run->session_opens[1], SESSION_IMPORTER,
                              MR_ROLE_USER, run->source->fingerprint));
        return MR_OK;
    }
    run->done_before = info.last_request;
    return info.last_request == 0
               ? MR_OK
               : run->source->calls->resume(run->source, info.last_request, error);
}

static int prepare_keyboard(struct run *run, struct mr_error *error)
{
    bool is_there;
    struct mr_session_info info;
    int status = look_up(run, SESSION_KEYBOARD, MR_ROLE_USER, &is_there, &info, error);
    if (status != MR_OK) {
        return status;
    }
    struct mr_session_info importer;
    if (!mr_image_session(mr_engine_image(run->engine), SESSION_IMPORTER, &importer)) {
        status = prepare_setup(run, error);
    }
    if (status != MR_OK) {
        return status;
    }
    if (!is_there) {
        add(run, session_open(run->session_opens[1], sizeof run->session_opens[1], SESSION_KEYBOARD,
                              MR_ROLE_USER, run->source->fingerprint));
        run->prefix_is_lazy = run->sequence_before > 0;
        return MR_OK;
    }
    return info.last_request == 0
               ? MR_OK
               : run->source->calls->resume(run->source, info.last_request, error);
}

int run_sessions_prepare(struct run *run, struct mr_error *error)
{
    struct mr_session_info operator_info;
    if (mr_image_session(mr_engine_image(run->engine), SESSION_OPERATOR, &operator_info)) {
        run->source->operator_last = operator_info.last_request;
    }
    run->prefix = calloc(run->source->setup_count + 2, sizeof(const struct mr_command *));
    if (run->prefix == NULL) {
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for the set-up of '%s'",
                            run->settings->input);
    }
    uint64_t fingerprint[2];
    memcpy(fingerprint, &run->source->fingerprint, sizeof fingerprint);
    return is_zero(fingerprint) ? prepare_keyboard(run, error) : prepare_importer(run, error);
}
