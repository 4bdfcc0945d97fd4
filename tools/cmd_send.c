/*
 * `millrace send`: commands and queries as text from standard input to a server, what comes back to
 * standard output. One thread, which waits for whichever of the two has something.
 */
#include "tools/batch.h"
#include "tools/command.h"
#include "tools/fresh_id.h"
#include "tools/json.h"
#include "tools/lines.h"
#include "tools/logics.h"
#include "tools/output.h"
#include "tools/stop.h"

#include "base/clock.h"
#include "base/limits.h"

#include <millrace/client.h>
#include <millrace/text.h>

#include <poll.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEND_OPTIONS(O, tag)                                                                     \
    O(tag, text, to, "unix:PATH|tcp:HOST:PORT", OPTION_REQUIRED, "the server")                   \
    O(tag, number, session, "N", NULL, "the session to go on with; a new one when not given")    \
    O(tag, number, request_from, "N", NULL,                                                      \
      "the request of the first command, the others count on; behind the session's last one "    \
      "when not given")                                                                          \
    O(tag, choice, role, "user|operator", "user", "the session's role")                          \
    O(tag, choice, events, "none|own|all", "none",                                               \
      "print events, too: those of the own commands, or those of everybody")                     \
    OPTION_JSON(O, tag)                                                                          \
    O(tag, choice, on_error, "stop|skip", "stop", "what a malformed line of the input leads to") \
    O(tag, number, patience, "SECONDS", "10",                                                    \
      "how long to try to connect again when the server is not there")
OPTIONS_STRUCT(send_settings, SEND_OPTIONS);

enum {
    WAIT_MS = 200,
    RETRY_US = 50000,
    SECOND_NS = 1000000000,
    LINE_SIZE = 16 << 10,
    QUERY_SIZE = 1024,
};

struct send {
    const struct send_settings *settings;
    struct mr_client *client;
    const struct mr_logic *logic;
    struct lines lines;
    bool ended;                    /* nothing more is read */
    int code;                      /* of a malformed line; else EXIT_OK */
    uint64_t next_request;         /* 0: the client's to choose */
    bool batch_waits, query_waits; /* read, and to be sent as soon as there is room */
    struct batch batch;            /* of commands; one by itself is a batch, too */
    uint64_t batch_line;           /* where it begins */
    struct fresh_ids fresh;
    alignas(8) unsigned char query[QUERY_SIZE];
    uint64_t sent, answered, rejected;
    uint64_t last_sequence; /* that an answer told: queries see no less */
    bool asked;             /* the last thing sent was a query */
};

/* -- What is printed. -------------------------------------------------------------------------- */

static void print_line(const struct send *send, size_t length, const char *line)
{
    (void)send;
    if (length < LINE_SIZE) {
        puts(line);
    }
}

static void print_event(const struct send *send, const struct mr_event *event)
{
    char line[LINE_SIZE];
    print_line(send,
               send->settings->json ? mr_json_event_write(send->logic, event, line, sizeof line)
                                    : mr_text_event_write(send->logic, event, line, sizeof line),
               line);
}

static const char *result_of(const struct send *send, uint32_t result)
{
    const char *name = mr_catalog_reason_name(send->logic->catalog, result);
    return result == 0 ? "done" : name != NULL ? name : "unknown_reason";
}

static void print_answer(const struct send *send, const struct mr_client_item *item)
{
    const struct mr_answer *answer = item->answer;
    const char *result = result_of(send, answer->result);
    if (send->settings->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "type", "answer");
        json_u64(&json, "request", answer->request);
        json_u64(&json, "sequence", answer->sequence);
        json_text(&json, "result", result);
        json_u64(&json, "first_event", answer->first_event);
        json_u64(&json, "events", answer->event_count);
        json_bool(&json, "duplicate", answer->duplicate != 0);
        json_bool(&json, "events_left_out", item->events_left_out);
        json_end(&json);
        return;
    }
    printf("answer request=%llu sequence=%llu result=%s first_event=%llu events=%u%s%s\n",
           (unsigned long long)answer->request, (unsigned long long)answer->sequence, result,
           (unsigned long long)answer->first_event, answer->event_count,
           answer->duplicate != 0 ? " duplicate=1" : "",
           item->events_left_out ? " events_left_out=1" : "");
}

static void print_reply(const struct send *send, const struct mr_client_item *item)
{
    const struct mr_reply *reply = item->reply;
    const unsigned char *at = (const unsigned char *)item->rows;
    char line[LINE_SIZE];
    for (uint32_t i = 0; i < reply->rows; i++) {
        const struct mr_row *row = (const struct mr_row *)(const void *)at;
        print_line(send,
                   send->settings->json ? mr_json_row_write(send->logic, row, line, sizeof line)
                                        : mr_text_row_write(send->logic, row, line, sizeof line),
                   line);
        at += row->length;
    }
    if (send->settings->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "type", "reply");
        json_u64(&json, "query", reply->request);
        json_u64(&json, "sequence", reply->sequence);
        json_text(&json, "result", result_of(send, reply->result));
        json_u64(&json, "rows", reply->rows);
        json_bool(&json, "truncated", reply->truncated != 0);
        json_end(&json);
        return;
    }
    printf("reply query=%llu sequence=%llu result=%s rows=%u%s\n",
           (unsigned long long)reply->request, (unsigned long long)reply->sequence,
           result_of(send, reply->result), reply->rows,
           reply->truncated != 0 ? " truncated=1" : "");
}

static void print_refusal(const struct send *send, const struct mr_client_item *item)
{
    const char *what = item->query ? "query" : "request";
    if (send->settings->json) {
        struct json json;
        json_begin(&json, stdout);
        json_text(&json, "type", "refused");
        json_u64(&json, what, item->request);
        json_text(&json, "why", item->refusal);
        json_end(&json);
        return;
    }
    printf("refused %s=%llu: %s\n", what, (unsigned long long)item->request, item->refusal);
}

static void take(struct send *send, const struct mr_client_item *item)
{
    switch (item->kind) {
    case MR_CLIENT_EVENT:
        print_event(send, item->event);
        return;
    case MR_CLIENT_ANSWER:
        print_answer(send, item);
        if (item->answer->sequence > send->last_sequence) {
            send->last_sequence = item->answer->sequence;
        }
        send->rejected += item->answer->result != 0;
        break;
    case MR_CLIENT_REPLY:
        print_reply(send, item);
        send->rejected += item->reply->result != 0;
        break;
    case MR_CLIENT_REFUSED:
        print_refusal(send, item);
        send->rejected++;
        break;
    }
    send->answered++;
}

/* -- Connecting, also again. ------------------------------------------------------------------- */

/* Not there, not yet, or full: that passes. Anything else does not. */
static bool may_pass(int status)
{
    return status == MR_E_IO || status == MR_E_FENCED || status == MR_E_BUSY;
}

static int open_client(struct send *send, struct mr_error *error)
{
    const struct send_settings *settings = send->settings;
    const struct mr_client_options options = {
        .to = settings->to,
        .session = settings->session,
        .role = settings->role == 0 ? MR_ROLE_USER : MR_ROLE_OPERATOR,
        .events = (enum mr_wire_events)settings->events,
        /* The largest batch fits; how much really goes, the server decides. */
        .window_bytes = MR_BATCH_BYTES_MAX + MR_COMMAND_SIZE_MAX,
        .window_commands = MR_BATCH_COMMANDS_MAX,
    };
    return send->client == NULL ? mr_client_open(&options, &send->client, error)
                                : mr_client_reconnect(send->client, error);
}

static int connect_patiently(struct send *send, struct mr_error *error)
{
    uint64_t patience_ns = send->settings->patience * SECOND_NS;
    uint64_t began_ns = mr_monotonic_ns();
    int status = open_client(send, error);
    while (may_pass(status) && !stop_requested() && mr_monotonic_ns() - began_ns < patience_ns) {
        (void)usleep(RETRY_US);
        status = open_client(send, error);
    }
    return status;
}

/* Messages of a logic that is not known here are still sent and shown, as bytes. */
static void choose_logic(struct send *send)
{
    static struct mr_logic unknown = {.name = "unknown", .command_size_max = MR_COMMAND_SIZE_MAX};
    static const struct mr_catalog nothing;
    const char *name = mr_client_welcome(send->client)->logic;
    send->logic = NULL;
    for (uint32_t i = 0; logics_known[i] != NULL && send->logic == NULL; i++) {
        send->logic = strncmp(logics_known[i]->name, name, 32) == 0 ? logics_known[i] : NULL;
    }
    if (send->logic == NULL) {
        unknown.catalog = &nothing;
        send->logic = &unknown;
        say("the server's logic '%.31s' is not known here: its messages are shown as bytes; "
            "'millrace --logic FILE.so send ...' makes it known",
            name);
    }
}

/* -- Reading and sending. ---------------------------------------------------------------------- */

/* What is wrong with the line of that number: it, and its batch, are left out; or it is the end. */
static void bad_line(struct send *send, uint64_t number, uint32_t column, const char *text)
{
    bool goes_on = send->settings->on_error != 0;
    int code = complain(EXIT_USAGE, "%s:%llu:%u: %s%s", send->lines.name,
                        (unsigned long long)number, column, text,
                        goes_on && send->batch.spoiled ? "; all of its batch is left out" : "");
    if (!goes_on) {
        send->code = code;
        send->ended = true;
    }
}

/* The line at hand is not what it should be. */
static void give_up(struct send *send, bool more, uint32_t column, const char *text)
{
    batch_give_up(&send->batch, more);
    bad_line(send, send->lines.number, column, text);
}

static void read_query(struct send *send, const char *line, size_t length)
{
    struct mr_text_error flaw;
    enum mr_text_outcome outcome = mr_text_query_read(
        send->logic, line, length, (struct mr_query *)(void *)send->query, QUERY_SIZE, &flaw);
    if (outcome == MR_TEXT_BAD) {
        give_up(send, send->batch.count > 0 || send->batch.given_up, flaw.column, flaw.text);
    } else if (send->batch.count > 0 || send->batch.given_up) {
        give_up(send, true, 1, "a query stands in no batch, and the batch before it is not whole");
    } else {
        send->query_waits = true;
    }
}

/* The next request's number is that of the line, if it has one, or counts on. */
static void number_request(struct send *send, struct mr_command *command, bool stated)
{
    if (!stated) {
        command->request = send->next_request;
        send->next_request += send->next_request > 0;
    } else {
        send->next_request = command->request + 1;
    }
}

static void read_command(struct send *send, const char *line, size_t length)
{
    struct mr_command *command = batch_room(&send->batch);
    struct mr_text_error flaw;
    uint32_t stated = 0;
    if (!fresh_ids_fill(&send->fresh, send->logic, fresh_ids_now(), false, &line, &length)) {
        give_up(send, false, 1, "no memory for an id");
        return;
    }
    switch (mr_text_command_read(send->logic, line, length, command, MR_COMMAND_SIZE_MAX, &stated,
                                 &flaw)) {
    case MR_TEXT_NOTHING:
        return;
    case MR_TEXT_BAD:
        give_up(send, batch_line_says_more(line, length), flaw.column, flaw.text);
        return;
    case MR_TEXT_COMMAND:
        break;
    }
    number_request(send, command, (stated & MR_TEXT_REQUEST) != 0);
    if (!batch_fits(&send->batch)) {
        give_up(send, command->more, 1, "its batch is too large: " BATCH_LIMITS);
        return;
    }
    send->batch_line = send->batch.count == 0 ? send->lines.number : send->batch_line;
    send->batch_waits = batch_add(&send->batch);
}

/* A line, after which something may wait to be sent. */
static void read_line(struct send *send, const char *line, size_t length)
{
    size_t blanks = 0;
    while (blanks < length && (line[blanks] == ' ' || line[blanks] == '\t')) {
        blanks++;
    }
    if (blanks < length && line[blanks] == '?') {
        read_query(send, line, length);
    } else {
        read_command(send, line, length);
    }
}

/* A batch of which the last command never came is not sent. */
static void end_input(struct send *send)
{
    send->ended = true;
    if (send->batch.count > 0) {
        batch_give_up(&send->batch, false);
        bad_line(send, send->batch_line, 1, BATCH_HAS_NO_END);
    }
}

/* Reads on until something waits to be sent; false: there is nothing (yet). */
static bool read_next(struct send *send)
{
    struct mr_error error;
    const char *line;
    size_t length;
    bool whole;
    while (!send->ended && !send->batch_waits && !send->query_waits) {
        enum lines_outcome outcome = lines_next(&send->lines, &line, &length, &whole, &error);
        switch (outcome) {
        case LINES_LINE:
            read_line(send, line, length);
            break;
        case LINES_WAIT:
            return false;
        case LINES_TOO_LONG:
            give_up(send, false, 1, "the line is too long");
            break;
        case LINES_FAILED:
            send->code = complain_of(&error);
            send->ended = true;
            break;
        case LINES_END:
            end_input(send);
            break;
        }
    }
    return send->batch_waits || send->query_waits;
}

static int send_batch(struct send *send, struct mr_error *error)
{
    const struct batch *batch = &send->batch;
    return batch->count == 1
               ? mr_client_send(send->client, batch->commands[0], NULL, error)
               : mr_client_send_batch(send->client, batch->commands, batch->count, NULL, error);
}

/* Sends what waits. MR_OK, MR_AGAIN (not yet), or what is wrong with it. What is typed one after
 * the other happens one after the other: a query waits for the answers of the commands before it,
 * and what follows it waits for its reply. */
static int send_waiting(struct send *send, struct mr_error *error)
{
    struct mr_query *query = (struct mr_query *)(void *)send->query;
    if ((send->query_waits || send->asked) && mr_client_unanswered(send->client) > 0) {
        return MR_AGAIN;
    }
    if (send->query_waits && query->not_before == 0) {
        query->not_before = send->last_sequence;
    }
    int status = send->query_waits ? mr_client_query(send->client, query, NULL, error)
                                   : send_batch(send, error);
    if (status == MR_OK) {
        send->sent++;
        send->asked = send->query_waits;
    }
    if (status != MR_AGAIN) {
        send->batch_waits = send->query_waits = false;
        batch_clear(&send->batch);
    }
    return status;
}

/* Sends as much as there is and there is room for. */
static void send_more(struct send *send)
{
    struct mr_error error;
    int status = MR_OK;
    while (status != MR_AGAIN && read_next(send)) {
        bool asks = send->query_waits;
        status = send_waiting(send, &error);
        if (status != MR_OK && status != MR_AGAIN) {
            bad_line(send, asks ? send->lines.number : send->batch_line, 1, error.text);
        }
    }
}

/* Until the server or, where more is to be read, the input has something. */
static void wait_for_either(const struct send *send)
{
    bool writes;
    struct pollfd waiting[2] = {{.fd = mr_client_fd(send->client, &writes)}};
    waiting[0].events = (short)(POLLIN | (writes ? POLLOUT : 0));
    bool reads = !send->ended && !send->batch_waits && !send->query_waits;
    waiting[1] = (struct pollfd){.fd = reads ? send->lines.file : -1, .events = POLLIN};
    (void)fflush(stdout);
    (void)poll(waiting, 2, WAIT_MS);
}

static int conclude(const struct send *send)
{
    if (send->code != EXIT_OK) {
        return send->code;
    }
    return send->rejected > 0 ? EXIT_FINDING : EXIT_OK;
}

static int send_all(struct send *send)
{
    struct mr_error error;
    struct mr_client_item item;
    for (;;) {
        send->ended = send->ended || stop_requested();
        send_more(send);
        int status = MR_OK;
        while ((status = mr_client_next(send->client, 0, &item, &error)) == MR_OK) {
            take(send, &item);
        }
        bool waits = send->batch_waits || send->query_waits;
        if (send->ended && !waits && mr_client_unanswered(send->client) == 0 &&
            (send->settings->events != MR_WIRE_EVENTS_ALL || stop_requested() || send->sent > 0)) {
            return conclude(send);
        }
        if (status == MR_AGAIN) {
            wait_for_either(send);
            continue;
        }
        bool taken_over = status == MR_E_BUSY;
        if (!taken_over && may_pass(status)) {
            say("%s", error.text);
            status = connect_patiently(send, &error);
        }
        if (status != MR_OK) {
            (void)fflush(stdout);
            return complain(may_pass(status) ? EXIT_RESOURCES : (int)exit_code_of(status),
                            "%s (%u commands and queries are without answer; the same session and "
                            "requests, sent again, get it)",
                            error.text, mr_client_unanswered(send->client));
        }
    }
}

static int execute(const void *settings)
{
    struct send *send = calloc(1, sizeof *send);
    struct mr_error error;
    if (send == NULL || batch_make(&send->batch, MR_COMMAND_SIZE_MAX, &error) != MR_OK) {
        if (send != NULL) {
            batch_free(&send->batch);
        }
        free(send);
        return complain(EXIT_RESOURCES, "no memory to send");
    }
    send->settings = settings;
    send->next_request = send->settings->request_from;
    send->lines.file = -1;
    int status = lines_open(&send->lines, "-", &error);
    if (status == MR_OK) {
        status = connect_patiently(send, &error);
    }
    int code = EXIT_OK;
    if (status == MR_OK) {
        choose_logic(send);
        code = send_all(send);
    } else {
        code = complain_of(&error);
    }
    mr_client_close(send->client);
    lines_close(&send->lines);
    fresh_ids_free(&send->fresh);
    batch_free(&send->batch);
    free(send);
    return code;
}

const struct command command_send = {
    .name = "send",
    .summary = "send commands and queries to a server, as text on standard input",
    .description = "Each line of standard input is a command, or a query if it begins with '?';\n"
                   "'millrace catalog' lists them. Answers, replies and events go to standard\n"
                   "output as they come, the answers in the order of the commands.\n"
                   "\n"
                   "Lines with more=1 and the one behind them are sent as one batch, of which a\n"
                   "crash keeps all or nothing.\n"
                   "\n"
                   "When the server goes away, it connects again and sends again what is without\n"
                   "answer: each command takes effect once. With --session and --request-from the\n"
                   "same holds when 'millrace send' itself is killed: the same input, sent again\n"
                   "with the same two numbers, gets the first answers again.\n"
                   "\n"
                   "It exits with 1 if a command was rejected or a query refused, with 2 behind a\n"
                   "malformed line, with 4 if the server stayed away.",
    .examples = "  echo 'order_new order=1 instrument=1 side=buy price=100 quantity=5' |\n"
                "      millrace send --to unix:d/socket --events own\n"
                "  millrace send --to tcp:127.0.0.1:7070 --session 9 --request-from 1 <orders\n"
                "  echo '?account id=7' | millrace send --to unix:l/socket\n"
                "  echo '?session id=9' | millrace send --to unix:d/socket --session 9\n",
    COMMAND_OPTIONS(send_settings, SEND_OPTIONS),
    .run = execute,
};
