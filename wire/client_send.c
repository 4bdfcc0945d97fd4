#include "wire/client_parts.h"

#include "base/limits.h"

int mr_client_begin_frame(struct mr_client *client, uint64_t length, uint16_t kind, uint32_t items,
                          uint64_t *at)
{
    if (!mr_outstanding_fits(&client->window, length, items)) {
        return MR_AGAIN;
    }
    struct mr_wire_frame frame = {.length = (uint32_t)length, .kind = kind};
    *at = client->window.end;
    mr_outstanding_write(&client->window, &frame, sizeof frame);
    return MR_OK;
}

static void write_command(struct mr_client *client, const struct mr_command *command,
                          uint64_t request)
{
    struct mr_command header = *command;
    header.session = client->options.session;
    header.role = (uint8_t)client->options.role;
    header.request = request;
    header.sequence = 0;
    mr_outstanding_write(&client->window, &header, MR_COMMAND_HEADER);
    mr_outstanding_write(&client->window, mr_command_body(command),
                         command->length - MR_COMMAND_HEADER);
}

/* Numbers for all of them, none below the one before; *bytes of all together. */
static int check_commands(struct mr_client *client, const struct mr_command *const *commands,
                          uint32_t count, uint64_t *bytes, struct mr_error *error)
{
    uint64_t last = client->last_request;
    *bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = commands[i]->length;
        if (length < MR_COMMAND_HEADER || length > MR_COMMAND_SIZE_MAX || length % 8 != 0) {
            return mr_error_set(error, MR_E_INVALID, "a command cannot be %u bytes long", length);
        }
        if (commands[i]->request != 0 && commands[i]->request <= last) {
            return mr_error_set(error, MR_E_INVALID,
                                "request %llu comes behind %llu: requests rise",
                                (unsigned long long)commands[i]->request, (unsigned long long)last);
        }
        last = commands[i]->request != 0 ? commands[i]->request : last + 1;
        *bytes += length;
    }
    return MR_OK;
}

/* The number of a command that brings none: above all that the session has used. */
static uint64_t next_request(const struct mr_client *client, uint64_t given)
{
    uint64_t last = client->welcome.last_request > client->last_request
                        ? client->welcome.last_request
                        : client->last_request;
    return given != 0 ? given : last + 1;
}

static int send_all(struct mr_client *client, const struct mr_command *const *commands,
                    uint32_t count, bool batch, uint64_t *request, struct mr_error *error)
{
    uint64_t bytes, at;
    int status = check_commands(client, commands, count, &bytes, error);
    if (status != MR_OK) {
        return status;
    }
    uint64_t length = bytes + (batch ? sizeof(struct mr_wire_batch) : sizeof(struct mr_wire_frame));
    uint32_t most = client->welcome.in_flight_max < client->options.window_commands
                        ? client->welcome.in_flight_max
                        : client->options.window_commands;
    if (length > client->welcome.frame_bytes_max || length > client->window.size || count > most) {
        return mr_error_set(error, MR_E_INVALID,
                            "%u commands of %llu bytes are more than can be sent at once: the "
                            "server takes frames of %u bytes, and %u commands without answer",
                            count, (unsigned long long)bytes, client->welcome.frame_bytes_max,
                            most);
    }
    if (client->window.commands + count > most) {
        return MR_AGAIN;
    }
    status =
        mr_client_begin_frame(client, length, batch ? MR_WIRE_BATCH : MR_WIRE_COMMAND, count, &at);
    if (status != MR_OK) {
        return status;
    }
    if (batch) {
        mr_outstanding_write(&client->window, (uint32_t[2]){count, 0}, 8);
    }
    for (uint32_t i = 0; i < count; i++) {
        client->last_request = next_request(client, commands[i]->request);
        if (i == 0 && request != NULL) {
            *request = client->last_request;
        }
        write_command(client, commands[i], client->last_request);
        mr_outstanding_note(&client->window, at, MR_OUTSTANDING_COMMAND, client->last_request);
    }
    mr_client_flush(client);
    return MR_OK;
}

int mr_client_send(struct mr_client *client, const struct mr_command *command, uint64_t *request,
                   struct mr_error *error)
{
    return send_all(client, &command, 1, false, request, error);
}

int mr_client_send_batch(struct mr_client *client, const struct mr_command *const *commands,
                         uint32_t count, uint64_t *request, struct mr_error *error)
{
    if (count == 0 || count > MR_BATCH_COMMANDS_MAX) {
        return mr_error_set(error, MR_E_INVALID, "a batch has 1 to %d commands",
                            MR_BATCH_COMMANDS_MAX);
    }
    return send_all(client, commands, count, true, request, error);
}

int mr_client_query(struct mr_client *client, const struct mr_query *query, uint64_t *request,
                    struct mr_error *error)
{
    uint64_t length = sizeof(struct mr_wire_frame) + (uint64_t)query->length, at;
    if (query->length < MR_QUERY_HEADER || query->length % 8 != 0 ||
        length > client->welcome.frame_bytes_max) {
        return mr_error_set(error, MR_E_INVALID, "a query cannot be %u bytes long", query->length);
    }
    int status = mr_client_begin_frame(client, length, MR_WIRE_QUERY, 1, &at);
    if (status != MR_OK) {
        return status;
    }
    struct mr_query header = *query;
    header.session = client->options.session;
    header.role = (uint8_t)client->options.role;
    header.request = ++client->last_query;
    mr_outstanding_write(&client->window, &header, MR_QUERY_HEADER);
    mr_outstanding_write(&client->window, mr_query_body(query), query->length - MR_QUERY_HEADER);
    mr_outstanding_note(&client->window, at, MR_OUTSTANDING_QUERY, header.request);
    if (request != NULL) {
        *request = header.request;
    }
    mr_client_flush(client);
    return MR_OK;
}
