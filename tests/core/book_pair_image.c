/* The pair's image: genesis, sessions, commands; and the envelopes that events must have. */
#include "tests/core/book_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

union any_command {
    struct mr_command header;
    unsigned char bytes[512];
};

static void apply_own(struct book_pair *pair, union any_command *command)
{
    struct mr_answer answer;
    command->header.sequence = ++pair->sequence;
    while (!mr_image_apply(pair->image, &mr_logic_book, &command->header, &pair->outbox, &answer)) {
    }
    if (answer.result != 0)
        abort();
}

static void make_genesis(const struct book_setting *setting, union any_command *command)
{
    struct {
        struct mr_genesis genesis;
        struct mr_book_config config;
    } body = {.genesis = {.logic_version = mr_logic_book.version,
                          .layout_version = mr_logic_book.layout_version,
                          .sessions_max = PAIR_SESSIONS,
                          .answers_max = 2,
                          .timers_max = setting->timers_max,
                          .config_size = sizeof(struct mr_book_config),
                          .clock = MR_CLOCK_INPUT},
              .config = setting->config};
    memcpy(body.genesis.logic, mr_logic_book.name, strlen(mr_logic_book.name));
    memset(command, 0, sizeof(*command));
    command->header.length = MR_COMMAND_HEADER + sizeof(body);
    command->header.type = MR_COMMAND_GENESIS;
    memcpy(mr_command_body_mutable(&command->header), &body, sizeof(body));
}

static void open_session(struct book_pair *pair, uint64_t session)
{
    union any_command command = {.header = {.length = 0}};
    const struct mr_session_open body = {.new_session = session,
                                         .new_role = session == PAIR_OPERATOR ? MR_ROLE_OPERATOR
                                                                              : MR_ROLE_USER};
    command.header.length = MR_COMMAND_HEADER + sizeof(body);
    command.header.type = MR_COMMAND_SESSION_OPEN;
    memcpy(mr_command_body_mutable(&command.header), &body, sizeof(body));
    apply_own(pair, &command);
}

void pair_image_open(struct book_pair *pair)
{
    union any_command genesis;
    make_genesis(&pair->setting, &genesis);
    const char *why = "";
    uint64_t size = mr_image_size(&mr_logic_book, &genesis.header, &why);
    if (size == 0) {
        fprintf(stderr, "there is no such image: %s\n", why);
        abort();
    }
    size = (size + 4095) & ~(uint64_t)4095;
    pair->memory = aligned_alloc(4096, size);
    memset(pair->memory, 0, size);
    uint32_t outbox_size = mr_image_outbox_size(&mr_logic_book, &genesis.header);
    pair->outbox = (struct mr_outbox){.bytes = malloc(outbox_size), .size = outbox_size};
    pair->image = mr_image_init(pair->memory, &mr_logic_book, &genesis.header);
    pair->streams = calloc(pair->setting.config.instruments_max + 1U, sizeof(pair->streams[0]));
    apply_own(pair, &genesis);
    for (uint64_t session = 1; session <= PAIR_SESSIONS; session++)
        open_session(pair, session);
    pair->events = mr_image_status_get(pair->image).events;
}

/* -- Envelopes. -------------------------------------------------------------------------------- */

/* The envelope of the next event, which belongs to an instrument's stream or to none. */
static struct mr_event envelope(struct book_pair *pair, const struct mr_command *command,
                                uint16_t type, uint32_t number, bool expired)
{
    struct mr_event event = {
        .number = ++pair->events,
        .sequence = command->sequence,
        .time_ns = command->time_ns,
        .type = type,
        .length = (uint16_t)(MR_EVENT_HEADER + mr_catalog_event(mr_logic_book.catalog, type)->size),
        .correlation = expired ? 0 : command->correlation,
    };
    if (number != 0) {
        struct pair_stream *stream = &pair->streams[number];
        event.aggregate_kind = MR_BOOK_AGGREGATE_INSTRUMENT;
        event.aggregate_id = pair->naive.instruments[number - 1].definition.instrument;
        event.aggregate_sequence = ++stream->count;
        event.previous = stream->last;
        stream->last = event.number;
    }
    return event;
}

/* The events of a turn, as reports into the log. */
static const char *log_events(struct book_pair *pair, const struct mr_command *command)
{
    const unsigned char *at = pair->outbox.bytes, *end = at + pair->outbox.used;
    while (at < end) {
        struct mr_event event;
        memcpy(&event, at, sizeof(event));
        if (mr_catalog_event(mr_logic_book.catalog, event.type) == NULL ||
            event.type < MR_CATALOG_LOGIC_FIRST)
            return "an event that is none of the book's";
        union mr_book_report report;
        memset(&report, 0, sizeof(report));
        size_t body = (size_t)event.length - MR_EVENT_HEADER;
        if (event.length < MR_EVENT_HEADER || body > sizeof(report))
            return "an event of another length";
        memcpy(&report, at + MR_EVENT_HEADER, body);
        if (report.any.type != 0)
            return "the type of a report is left in the padding of an event";
        report.any.type = (uint8_t)event.type;
        uint32_t index = pair->log.count;
        uint32_t stream = index < pair->naive_log.count ? pair->naive_log.reports[index].stream : 0;
        book_log_add(&pair->log, &report, stream);
        struct mr_event expected =
            envelope(pair, command, event.type, stream, index < pair->expired);
        if (memcmp(&expected, &event, sizeof(event)) != 0)
            return "the envelope of an event differs";
        at += event.length;
    }
    return NULL;
}

const char *pair_image_apply(struct book_pair *pair, const struct book_step *step)
{
    union any_command command = {.header = {.length = 0}};
    const struct mr_message *message =
        mr_catalog_command(mr_logic_book.catalog, step->request.any.type);
    command.header = (struct mr_command){
        .length = (uint32_t)(MR_COMMAND_HEADER + message->size),
        .type = step->request.any.type,
        .role = step->session == PAIR_OPERATOR ? MR_ROLE_OPERATOR : MR_ROLE_USER,
        .sequence = ++pair->sequence,
        .time_ns = step->time_ns,
        .session = step->session,
        .request = ++pair->requests[step->session],
        .correlation = step->time_ns ^ pair->sequence,
    };
    memcpy(mr_command_body_mutable(&command.header), &step->request, message->size);
    struct mr_answer answer;
    bool done;
    do {
        done = mr_image_apply(pair->image, &mr_logic_book, &command.header, &pair->outbox, &answer);
        const char *flaw = log_events(pair, &command.header);
        if (flaw != NULL)
            return flaw;
    } while (!done);
    pair->reason = answer.result;
    if (answer.event_count != pair->log.count - pair->expired)
        return "the answer counts other events";
    return NULL;
}
