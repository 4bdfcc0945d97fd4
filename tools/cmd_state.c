/*
 * `millrace state`: asks a query of the image that a journal's commands make, at its end or after
 * any of them.
 */
#include "tools/ask.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/logics.h"
#include "tools/output.h"
#include "tools/stop.h"
#include "tools/walk.h"

#include <millrace/common.h>
#include <millrace/engine.h>
#include <millrace/text.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STATE_OPTIONS(O, tag)                                                              \
    O(tag, words, words, "[QUERY [VALUE ...] [KEY=VALUE ...]]", NULL,                      \
      "what to ask, and its fields; without a query, tells which there are")               \
    OPTION_DATA(O, tag)                                                                    \
    O(tag, text, at, "N", NULL, "the state after sequence N; default: after the last one") \
    O(tag, flag, json, NULL, NULL, "one JSON object a row")
OPTIONS_STRUCT(state_settings, STATE_OPTIONS);

enum { ROWS_SIZE = 1 << 20, LINE_SIZE = 64 << 10 };

struct state {
    const struct state_settings *settings;
    uint64_t at; /* 0: the end */
    const struct mr_logic *logic;
    struct ask ask;
    struct mr_reply reply;
    unsigned char *rows;
    char *line;
    char next[128]; /* what to ask for next, as key=value; "": nothing */
};

/* -- What there is to see. --------------------------------------------------------------------- */

/* The field of that name, if it is a u64. */
static const struct mr_field *number_named(const struct mr_message *message, const char *name)
{
    for (uint32_t i = 0; message != NULL && i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        if (field->kind == MR_FIELD_u64 && strcmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

/* Whether the query asks for what it lists to come back in time: a flag that is called so. */
static bool is_reversed(const struct ask *ask)
{
    const unsigned char *body = ask->query + MR_QUERY_HEADER;
    for (uint32_t i = 0; i < ask->message->field_count; i++) {
        const struct mr_field *field = &ask->message->fields[i];
        uint16_t flags;
        if (field->kind != MR_FIELD_flags16)
            continue;
        memcpy(&flags, body + field->offset, sizeof flags);
        for (uint32_t bit = 0; bit < field->names->count; bit++) {
            const char *name = field->names->names[bit];
            if (name != NULL && strcmp(name, "reversed") == 0 && (flags >> bit & 1) != 0)
                return true;
        }
    }
    return false;
}

/* Of a row `next`, which lists by time end with when there is more: where to go on. */
static void look_for_next(struct state *state, const struct mr_row *row)
{
    const struct mr_message *message = mr_catalog_row(state->logic->catalog, row->type);
    if (message == NULL || strcmp(message->name, "next") != 0)
        return;
    const struct mr_field *field = number_named(message, "timestamp");
    if (field == NULL)
        return;
    uint64_t timestamp;
    memcpy(&timestamp, (const unsigned char *)mr_row_body(row) + field->offset, sizeof timestamp);
    const char *key = is_reversed(&state->ask) ? "timestamp_max" : "timestamp_min";
    (void)snprintf(state->next, sizeof state->next, "%s=%" PRIu64, key, timestamp);
}

static void print_rows(struct state *state)
{
    const unsigned char *at = state->rows;
    for (uint32_t i = 0; i < state->reply.rows; i++) {
        const struct mr_row *row = (const struct mr_row *)(const void *)at;
        size_t length = state->settings->json
                            ? mr_json_row_write(state->logic, row, state->line, LINE_SIZE)
                            : mr_text_row_write(state->logic, row, state->line, LINE_SIZE);
        if (length < LINE_SIZE)
            puts(state->line);
        look_for_next(state, row);
        at += row->length;
    }
}

static void print_reply(const struct state *state)
{
    const struct mr_reply *reply = &state->reply;
    const char *name = mr_catalog_reason_name(state->logic->catalog, reply->result);
    const char *result = reply->result == 0 ? "done" : name;
    bool truncated = reply->truncated != 0 || state->next[0] != '\0';
    if (!state->settings->json) {
        printf("reply sequence=%" PRIu64 " time=%" PRIu64 " result=%s rows=%u%s\n", reply->sequence,
               reply->time_ns, result, reply->rows, truncated ? " truncated=1" : "");
        return;
    }
    struct json json;
    json_begin(&json, stdout);
    json_text(&json, "type", "reply");
    json_u64(&json, "sequence", reply->sequence);
    json_u64(&json, "time", reply->time_ns);
    json_text(&json, "result", result);
    json_u64(&json, "rows", reply->rows);
    json_bool(&json, "truncated", truncated);
    if (state->next[0] != '\0')
        json_text(&json, "next", state->next);
    json_end(&json);
    output_told();
}

/* The words that ask for what follows: those that were given, but for the key that says where. */
static void say_how_to_go_on(const struct state *state)
{
    const struct option_words *words = &state->settings->words;
    size_t key = strcspn(state->next, "=") + 1;
    char text[1024] = "";
    for (uint32_t i = 0; i < words->count; i++) {
        size_t used = strlen(text);
        if (strncmp(words->words[i], state->next, key) != 0)
            (void)snprintf(text + used, sizeof text - used, " %s", words->words[i]);
    }
    char at[40] = "";
    if (state->settings->at != NULL)
        (void)snprintf(at, sizeof at, " --at %s", state->settings->at);
    say("there is more: millrace state --data %s%s%s %s", state->settings->data, at, text,
        state->next);
}

static void tell_more(const struct state *state)
{
    if (state->next[0] != '\0')
        say_how_to_go_on(state);
    else if (state->reply.truncated != 0 && number_named(state->ask.message, "after") != NULL)
        say("there is more: ask again with after=, naming the last one seen");
    else if (state->reply.truncated != 0)
        say("there is more than a reply holds: ask for less at once");
}

/* What the state has not, the journal may know: where things are asked for by their id. */
static int refused(const struct state *state)
{
    const struct mr_catalog *catalog = state->logic->catalog;
    const struct mr_reason *reason = mr_catalog_reason(catalog, state->reply.result);
    const struct mr_message *query = state->ask.message;
    bool by_id = query->field_count == 1 && strcmp(query->fields[0].name, "id") == 0;
    char hint[256] = "";
    if (by_id && state->reply.result == MR_REASON_NOT_FOUND)
        (void)snprintf(hint, sizeof hint,
                       "; 'millrace log --data %.100s %s ID' looks through all of the journal",
                       state->settings->data, query->name);
    return complain(EXIT_FINDING, "%s: %s%s%s%s", state->ask.line + 1,
                    mr_catalog_reason_name(catalog, state->reply.result),
                    reason == NULL ? "" : ": ", reason == NULL ? "" : reason->meaning, hint);
}

static int tell(struct state *state)
{
    print_rows(state);
    print_reply(state);
    if (state->reply.result == 0) {
        tell_more(state);
        return EXIT_OK;
    }
    return refused(state);
}

/* -- The replay. ------------------------------------------------------------------------------- */

/* Nothing is written, so there is nothing to end in good order. */
static void on_progress(void *context, uint64_t sequence, uint64_t last_sequence)
{
    if (stop_requested())
        exit(output_finish(complain(EXIT_RESOURCES,
                                    "stopped by a signal at sequence %" PRIu64 " of %" PRIu64,
                                    sequence, last_sequence)));
    progress_of_sequences(context, sequence, last_sequence);
}

static int ask_image(struct state *state, struct mr_error *error)
{
    const struct mr_replay_options options = {
        .directory = state->settings->data,
        .logics = logics_known,
        .to = state->at,
        .progress = on_progress,
    };
    struct mr_replay *replay;
    int status = mr_replay_open(&options, &replay, NULL, error);
    progress_clear();
    if (status != MR_OK)
        return status;
    state->logic = mr_replay_logic(replay);
    status = ask_of(state->logic, &state->settings->words, &state->ask, error);
    if (status == MR_OK)
        mr_image_query(mr_replay_image(replay), state->logic,
                       (const struct mr_query *)(const void *)state->ask.query, &state->reply,
                       state->rows, ROWS_SIZE);
    mr_replay_close(replay);
    return status;
}

static int list(const struct state *state)
{
    if (state->settings->json)
        return complain(EXIT_USAGE, "what to ask? 'millrace catalog --json' has all queries");
    printf("Queries of the logic '%s':\n\n", state->logic->name);
    ask_list(state->logic);
    return EXIT_OK;
}

static int execute(const void *settings)
{
    static struct state state;
    state = (struct state){.settings = settings};
    const struct state_settings *given = settings;
    if (given->at != NULL && (!number_parse(given->at, &state.at) || state.at == 0))
        return complain(EXIT_USAGE, "--at wants a sequence from 1 on, not '%s'", given->at);
    struct mr_error error;
    /* What is asked wrongly is told before anybody has to wait for a replay. */
    int status = walk_newest_logic(given->data, &state.logic, &error);
    if (status == MR_OK && given->words.count == 0)
        return list(&state);
    if (status == MR_OK)
        status = ask_of(state.logic, &given->words, &state.ask, &error);
    state.rows = aligned_alloc(4096, ROWS_SIZE);
    state.line = malloc(LINE_SIZE);
    if (status == MR_OK && (state.rows == NULL || state.line == NULL))
        status = mr_error_set(&error, MR_E_NO_MEMORY, "no memory for a reply");
    if (status == MR_OK)
        status = ask_image(&state, &error);
    int code = status == MR_OK ? tell(&state) : complain_of(&error);
    free(state.rows);
    free(state.line);
    return code;
}

const struct command command_state = {
    .name = "state",
    .summary = "ask what the state is, or was after any command",
    .description =
        "Applies the journal's commands to an empty state, up to the last one or to the\n"
        "one of --at, and asks a query of what comes of them: any query of the logic,\n"
        "as a client asks it of a server. Values go to the query's fields in their\n"
        "order, or are named as KEY=VALUE. Without a query it tells which there are.\n"
        "\n"
        "The directory may be in use, and is only read. It exits with 1 if there is no\n"
        "such thing as was asked for.",
    .examples = "  millrace state --data d\n"
                "  millrace state --data d account 7\n"
                "  millrace state --data d --at 1000 account_transfers 7 flags=debits --json\n"
                "  millrace state --data d book_depth instrument=1\n",
    COMMAND_OPTIONS(state_settings, STATE_OPTIONS),
    .run = execute,
};
