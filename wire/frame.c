/*
 * Looking at frames before they are believed. Everything that comes from a peer goes through
 * mr_wire_look, on both sides: what it lets through can be read without another look at lengths.
 */
#include "base/limits.h"

#include <millrace/error.h>
#include <millrace/wire.h>

#include <stdbool.h>

_Static_assert((int)MR_WIRE_FRAME_MAX >=
                   (int)MR_BATCH_BYTES_MAX + (int)sizeof(struct mr_wire_batch),
               "a frame holds the largest batch");
_Static_assert(MR_WIRE_FRAME_MIN >= sizeof(struct mr_wire_refuse) &&
                   MR_WIRE_FRAME_MIN >= sizeof(struct mr_wire_welcome),
               "the smallest limit holds what the protocol itself says");

const char *mr_wire_refusal_text(uint32_t code)
{
#define REFUSAL_CASE(name, value, text) \
    case value:                         \
        return text;
    switch (code) {
        MR_WIRE_REFUSALS(REFUSAL_CASE)
    default:
        return "unknown refusal";
    }
#undef REFUSAL_CASE
}

/* Each of these returns what is wrong with a whole frame of its kind, NULL: nothing. */

static const char *flaw_of_command(const struct mr_command *command, uint32_t room)
{
    if (room < MR_COMMAND_HEADER) {
        return "a command is shorter than its header";
    }
    if (command->length < MR_COMMAND_HEADER || command->length > room || command->length % 8 != 0) {
        return "a command's length is not possible";
    }
    return NULL;
}

static const char *flaw_of_batch(const struct mr_wire_batch *batch)
{
    const unsigned char *bytes = (const unsigned char *)batch;
    uint32_t at = sizeof *batch;
    if (batch->frame.length < sizeof *batch) {
        return "a batch is shorter than its header";
    }
    if (batch->count == 0 || batch->count > MR_BATCH_COMMANDS_MAX) {
        return "a batch has 1 to 8,190 commands";
    }
    if (batch->frame.length - at > MR_BATCH_BYTES_MAX) {
        return "a batch has up to 2 MiB";
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        const struct mr_command *command = (const struct mr_command *)(const void *)(bytes + at);
        const char *flaw = flaw_of_command(command, batch->frame.length - at);
        if (flaw != NULL) {
            return flaw;
        }
        at += command->length;
    }
    return at == batch->frame.length ? NULL : "a batch has bytes behind its last command";
}

static const char *flaw_of_reply(const struct mr_wire_reply *reply)
{
    const unsigned char *bytes = (const unsigned char *)reply;
    uint32_t at = sizeof *reply;
    if (reply->frame.length < at || reply->reply.bytes != reply->frame.length - at) {
        return "a reply's rows are not as long as it says";
    }
    for (uint32_t i = 0; i < reply->reply.rows; i++) {
        const struct mr_row *row = (const struct mr_row *)(const void *)(bytes + at);
        uint32_t room = reply->frame.length - at;
        if (room < MR_ROW_HEADER || row->length < MR_ROW_HEADER || row->length > room ||
            row->length % 8 != 0) {
            return "a row's length is not possible";
        }
        at += row->length;
    }
    return at == reply->frame.length ? NULL : "a reply has bytes behind its last row";
}

static const char *flaw_of_size(const struct mr_wire_frame *frame, uint32_t size)
{
    return frame->length == size ? NULL : "the frame's length is not that of its kind";
}

static const char *flaw_of_message(const struct mr_wire_frame *frame, uint32_t header,
                                   uint32_t length)
{
    return frame->length >= sizeof *frame + header && length == frame->length - sizeof *frame
               ? NULL
               : "the frame's length is not that of the message in it";
}

/* Of a message in a frame that is known to be long enough for the header; 0: it is not. */
#define LENGTH_IN(frame, header, kind, member)    \
    ((frame)->length < sizeof *(frame) + (header) \
         ? 0                                      \
         : ((const struct kind *)(const void *)(frame))->member.length)

static const char *flaw_of_kind(const struct mr_wire_frame *frame)
{
    const void *bytes = frame;
    switch (frame->kind) {
    case MR_WIRE_HELLO:
        return flaw_of_size(frame, sizeof(struct mr_wire_hello));
    case MR_WIRE_COMMAND:
        return flaw_of_message(frame, MR_COMMAND_HEADER,
                               LENGTH_IN(frame, MR_COMMAND_HEADER, mr_wire_command, command));
    case MR_WIRE_BATCH:
        return flaw_of_batch(bytes);
    case MR_WIRE_QUERY:
        return flaw_of_message(frame, MR_QUERY_HEADER,
                               LENGTH_IN(frame, MR_QUERY_HEADER, mr_wire_query, query));
    case MR_WIRE_PING:
    case MR_WIRE_PONG:
        return flaw_of_size(frame, sizeof(struct mr_wire_ping));
    case MR_WIRE_GOODBYE:
        return flaw_of_size(frame, sizeof *frame);
    case MR_WIRE_WELCOME:
        return flaw_of_size(frame, sizeof(struct mr_wire_welcome));
    case MR_WIRE_ANSWER:
        return flaw_of_size(frame, sizeof(struct mr_wire_answer));
    case MR_WIRE_EVENT:
        return flaw_of_message(frame, MR_EVENT_HEADER,
                               LENGTH_IN(frame, MR_EVENT_HEADER, mr_wire_event, event));
    case MR_WIRE_REPLY:
        return flaw_of_reply(bytes);
    case MR_WIRE_REFUSE: {
        const struct mr_wire_refuse *refuse = bytes;
        const char *flaw = flaw_of_size(frame, sizeof *refuse);
        return flaw != NULL || refuse->text[sizeof refuse->text - 1] == '\0'
                   ? flaw
                   : "a refusal's text has no end";
    }
    default:
        return "there is no such kind of frame";
    }
}

static const char *flaw_of_header(const struct mr_wire_frame *frame, uint32_t frame_bytes_max)
{
    if (frame->length < sizeof *frame || frame->length % 8 != 0) {
        return "a frame's length is not possible";
    }
    if (frame->length > frame_bytes_max || frame->length > MR_WIRE_FRAME_MAX) {
        return "a frame is larger than is taken here";
    }
    if (frame->kind != MR_WIRE_ANSWER && frame->flags != 0) {
        return "a frame has flags that it cannot have";
    }
    return NULL;
}

int mr_wire_look(const void *bytes, size_t size, uint32_t frame_bytes_max, uint32_t *length,
                 const char **flaw)
{
    const struct mr_wire_frame *frame = bytes;
    if (size < sizeof *frame) {
        return MR_AGAIN;
    }
    const char *found = flaw_of_header(frame, frame_bytes_max);
    if (found == NULL && size < frame->length) {
        return MR_AGAIN;
    }
    if (found == NULL) {
        found = flaw_of_kind(frame);
    }
    if (found != NULL) {
        if (flaw != NULL) {
            *flaw = found;
        }
        return MR_E_INVALID;
    }
    *length = frame->length;
    return MR_OK;
}
