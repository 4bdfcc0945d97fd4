#include "tools/batch.h"

#include "base/assert.h"
#include "base/limits.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(MR_BATCH_COMMANDS_MAX == 8190 && MR_BATCH_BYTES_MAX == 2 << 20, BATCH_LIMITS);

int batch_make(struct batch *batch, uint32_t command_size_max, struct mr_error *error)
{
    /* A command is written before it is known how long it is. */
    batch->bytes = malloc((size_t)MR_BATCH_BYTES_MAX + command_size_max);
    batch->commands = calloc(MR_BATCH_COMMANDS_MAX, sizeof(const struct mr_command *));
    return batch->bytes != NULL && batch->commands != NULL
               ? MR_OK
               : mr_error_set(error, MR_E_NO_MEMORY, "no memory for a batch");
}

void batch_free(struct batch *batch)
{
    free(batch->bytes);
    free(batch->commands);
    *batch = (struct batch){0};
}

struct mr_command *batch_room(const struct batch *batch)
{
    return (struct mr_command *)(void *)(batch->bytes + batch->used);
}

bool batch_fits(const struct batch *batch)
{
    return batch->given_up || (batch->count < MR_BATCH_COMMANDS_MAX &&
                               batch->used + batch_room(batch)->length <= MR_BATCH_BYTES_MAX);
}

bool batch_add(struct batch *batch)
{
    const struct mr_command *command = batch_room(batch);
    if (batch->given_up) {
        batch->given_up = command->more;
        return false;
    }
    ASSERT(batch_fits(batch));
    batch->commands[batch->count++] = command;
    batch->used += command->length;
    return !command->more;
}

void batch_give_up(struct batch *batch, bool more)
{
    batch->spoiled = more || batch->given_up || batch->count > 0;
    batch->given_up = more;
    batch_clear(batch);
}

void batch_clear(struct batch *batch)
{
    batch->count = 0;
    batch->used = 0;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

bool batch_line_says_more(const char *line, size_t length)
{
    static const char word[] = "more=1";
    const char *end = line + length;
    const char *at = line;
    while ((at = memmem(at, (size_t)(end - at), word, sizeof word - 1)) != NULL) {
        const char *behind = at + sizeof word - 1;
        if (at > line && is_blank(at[-1]) && (behind == end || is_blank(*behind))) {
            return true;
        }
        at = behind;
    }
    return false;
}
