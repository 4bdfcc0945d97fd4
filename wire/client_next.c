#include "wire/client_parts.h"

#include "base/clock.h"

#include <poll.h>
#include <string.h>

/* A third of the time that the server allows has passed in silence. */
static void ping(struct mr_client *client)
{
    uint64_t silence_ns = mr_monotonic_ns() - client->sent_ns, at;
    if (client->welcome.idle_ms == 0 ||
        silence_ns < (uint64_t)client->welcome.idle_ms * MR_CLIENT_MS / 3 ||
        mr_client_begin_frame(client, sizeof(struct mr_wire_ping), MR_WIRE_PING, 1, &at) != MR_OK) {
        return;
    }
    mr_outstanding_write(&client->window, &(uint64_t){0}, sizeof(uint64_t));
    mr_outstanding_note(&client->window, at, MR_OUTSTANDING_OTHER, 0);
}

static bool take_refusal(struct mr_client *client, const struct mr_wire_refuse *refuse,
                         struct mr_client_item *item)
{
    if (refuse->code != MR_WIRE_REFUSE_COMMAND && refuse->code != MR_WIRE_REFUSE_QUERY) {
        (void)mr_client_lose(client, mr_client_code_of(refuse->code), refuse->text);
        return false;
    }
    item->kind = MR_CLIENT_REFUSED;
    item->query = refuse->code == MR_WIRE_REFUSE_QUERY;
    item->request = refuse->request;
    item->refusal = refuse->text;
    return mr_outstanding_refused(&client->window,
                                  item->query ? MR_OUTSTANDING_QUERY : MR_OUTSTANDING_COMMAND,
                                  refuse->request);
}

/* True: the frame is something for the caller. */
static bool take_item(struct mr_client *client, const struct mr_wire_frame *frame,
                      struct mr_client_item *item)
{
    const void *bytes = frame;
    memset(item, 0, sizeof *item);
    switch (frame->kind) {
    case MR_WIRE_ANSWER:
        item->kind = MR_CLIENT_ANSWER;
        item->answer = &((const struct mr_wire_answer *)bytes)->answer;
        item->request = item->answer->request;
        item->events_left_out = (frame->flags & MR_WIRE_FLAG_EVENTS_LEFT_OUT) != 0;
        return mr_outstanding_answered(&client->window, MR_OUTSTANDING_COMMAND, item->request);
    case MR_WIRE_EVENT:
        item->kind = MR_CLIENT_EVENT;
        item->event = &((const struct mr_wire_event *)bytes)->event;
        return true;
    case MR_WIRE_REPLY:
        item->kind = MR_CLIENT_REPLY;
        item->reply = &((const struct mr_wire_reply *)bytes)->reply;
        item->rows =
            (const struct mr_row *)((const void *)((const struct mr_wire_reply *)bytes + 1));
        item->request = item->reply->request;
        return mr_outstanding_answered(&client->window, MR_OUTSTANDING_QUERY, item->request);
    case MR_WIRE_REFUSE:
        return take_refusal(client, bytes, item);
    case MR_WIRE_PONG:
        return false;
    case MR_WIRE_GOODBYE:
        (void)mr_client_lose(client, MR_E_FENCED,
                             "the server has stopped: connect again when it is back");
        return false;
    default:
        (void)mr_client_lose(client, MR_E_INVALID,
                             "the server sends what is not a server's to send");
        return false;
    }
}

int mr_client_next(struct mr_client *client, uint32_t timeout_ms, struct mr_client_item *item,
                   struct mr_error *error)
{
    uint64_t deadline_ns = mr_client_deadline(timeout_ms);
    const struct mr_wire_frame *frame = NULL;
    for (;;) {
        /* What came before the connection was lost counts. */
        int status = mr_client_take_frame(client, &frame);
        if (status == MR_OK) {
            if (take_item(client, frame, item)) {
                return MR_OK;
            }
            continue;
        }
        if (client->fd < 0) {
            return mr_client_tell_lost(client, error);
        }
        ping(client);
        mr_client_flush(client);
        status = mr_client_fill(client);
        if (status == MR_OK) {
            continue;
        }
        bool waits = client->window.end > client->window.sent;
        if (status == MR_AGAIN &&
            !mr_client_wait(client, (short)(POLLIN | (waits ? POLLOUT : 0)), deadline_ns)) {
            return MR_AGAIN;
        }
    }
}
