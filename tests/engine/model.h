/*
 * The till once more, obviously right: reads a journal's commands one after the other and does what
 * they say with plain arrays. Shares nothing with the engine but the messages and the reader.
 */
#ifndef MR_TESTS_ENGINE_MODEL_H
#define MR_TESTS_ENGINE_MODEL_H

#include "tests/engine/till.h"

enum { MODEL_TIMERS_MAX = 1024 };

struct model {
    int64_t balance[TILL_ACCOUNTS];
    uint64_t last_request;
    uint64_t sequence;
    uint64_t moves; /* events of the till */
    struct {
        uint64_t due_ns;
        uint32_t account;
        int64_t amount;
    } timers[MODEL_TIMERS_MAX];
    uint32_t timer_count;
};

static inline void model_time(struct model *model, uint64_t now_ns)
{
    for (uint32_t i = 0; i < model->timer_count;) {
        if (model->timers[i].due_ns > now_ns) {
            i++;
            continue;
        }
        model->balance[model->timers[i].account] += model->timers[i].amount;
        model->moves++;
        model->timers[i] = model->timers[--model->timer_count];
    }
}

static inline void model_command(struct model *model, const struct mr_command *command)
{
    model->sequence = command->sequence;
    model_time(model, command->time_ns);
    if (command->type != TILL_MOVE || command->request <= model->last_request) {
        return;
    }
    model->last_request = command->request;
    const struct till_move *move = mr_command_body(command);
    if (move->delay_ns > 0) {
        if (model->timer_count < MODEL_TIMERS_MAX) {
            uint32_t at = model->timer_count++;
            model->timers[at].due_ns = command->time_ns + move->delay_ns;
            model->timers[at].account = move->account;
            model->timers[at].amount = move->amount;
        }
        return;
    }
    if (model->balance[move->account] + move->amount >= 0) {
        model->balance[move->account] += move->amount;
        model->moves += move->burst + 1;
    }
}

/* Called with every command of the journal, in order; false stops. */
typedef bool (*model_visit)(void *context, const struct mr_command *command);

/* Replays the journal in `storage` up to entry `last_index`. */
static inline int model_replay(struct model *model, struct mr_storage *storage, uint64_t last_index,
                               model_visit visit, void *context, struct mr_error *error)
{
    memset(model, 0, sizeof *model);
    struct mr_reader *reader;
    int status = mr_reader_open(storage, &(struct mr_reader_options){.last_index = last_index},
                                &reader, error);
    if (status != MR_OK) {
        return status;
    }
    const struct mr_entry *entry;
    while ((status = mr_reader_next(reader, &entry, NULL, error)) == MR_OK) {
        const unsigned char *next = mr_entry_commands(entry);
        for (uint32_t i = 0; i < entry->count; i++) {
            const struct mr_command *command = (const struct mr_command *)(const void *)next;
            model_command(model, command);
            if (visit != NULL && !visit(context, command)) {
                mr_reader_close(reader);
                return MR_E_DIVERGED;
            }
            next += command->length;
        }
    }
    mr_reader_close(reader);
    return status == MR_AGAIN ? MR_OK : status;
}

#endif
