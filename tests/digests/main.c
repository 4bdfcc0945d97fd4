/*
 * digests core|engine: state and event digest after every thousandth command of a script, for each
 * logic: by core/ alone, or by the whole engine, stepped by hand over a journal in memory, so that
 * the commands come in batches, blocks and frames.
 */
#include "tests/digests/by_core.h"
#include "tests/digests/script.h"
#include "tests/support/memory_storage.h"

#include <millrace/engine.h>

#include <stdio.h>
#include <string.h>

void print_line(const char *line, size_t length)
{
    fwrite(line, 1, length, stdout);
}

static void turn_round(struct mr_engine *engine)
{
    for (uint32_t stage = 0; stage < MR_ENGINE_STAGES; stage++) {
        (void)mr_engine_step(engine, stage);
    }
    (void)mr_engine_poll(engine, &(struct mr_engine_handlers){0}, UINT32_MAX);
}

/* The next commands, from `sequence` on, of one batch of the script's; returns how many. */
static int submit(struct mr_engine *engine, struct script *script, uint64_t sequence,
                  uint32_t *count)
{
    static _Alignas(8) unsigned char rooms[SCRIPT_BATCH_MAX][SCRIPT_COMMAND_SIZE];
    const struct mr_command *commands[SCRIPT_BATCH_MAX];
    /* Where it is cut once more must not matter to most. */
    uint64_t max = script->whole ? SCRIPT_BATCH_MAX : 1 + sequence * 7 % SCRIPT_BATCH_MAX;
    *count = 0;
    do {
        commands[*count] = script_next(script, rooms[*count]);
    } while (commands[(*count)++]->more && *count < max);
    int status;
    while ((status = mr_engine_submit_batch(engine, commands, *count, NULL)) == MR_AGAIN) {
        turn_round(engine);
    }
    return status;
}

static int run_script(struct mr_engine *engine, struct script *script)
{
    char line[SCRIPT_LINE_SIZE];
    uint64_t sequence = 1; /* genesis is there */
    while (sequence < SCRIPT_COMMANDS) {
        uint32_t count;
        int status = submit(engine, script, sequence + 1, &count);
        if (status != MR_OK) {
            return status;
        }
        sequence += count;
        if (sequence % SCRIPT_EVERY != 0) {
            continue;
        }
        while (mr_engine_applied_sequence(engine) < sequence) {
            turn_round(engine);
            if (mr_engine_failure(engine, NULL) != MR_OK) {
                return mr_engine_failure(engine, NULL);
            }
        }
        print_line(line, script_line(script, sequence, mr_engine_state_digest(engine),
                                     mr_engine_event_digest(engine), line));
    }
    return MR_OK;
}

static int run(const struct mr_logic *logic, struct mr_error *error)
{
    _Alignas(8) unsigned char room[SCRIPT_COMMAND_SIZE];
    struct script script;
    script_begin(&script, logic);
    struct memory_storage *memory = memory_storage_create();
    const struct mr_engine_options options = {.storage = memory_storage_seam(memory),
                                              .create = true,
                                              .logic = logic,
                                              .clock_kind = MR_CLOCK_INPUT,
                                              .genesis = script_genesis(&script, room),
                                              .segment_bytes = 4 << 20};
    struct mr_engine *engine = NULL;
    int status = mr_engine_open(&options, &engine, error);
    if (status == MR_OK) {
        status = mr_engine_begin(engine, error);
    }
    if (status == MR_OK && (status = run_script(engine, &script)) != MR_OK) {
        mr_error_set(error, status, "%s", mr_status_text(status));
        (void)mr_engine_failure(engine, error);
    }
    mr_engine_close(engine);
    memory_storage_destroy(memory);
    return status;
}

static int by_engine(void)
{
    for (const struct mr_logic *const *logic = script_logics; *logic != NULL; logic++) {
        struct mr_error error;
        if (run(*logic, &error) != MR_OK) {
            fprintf(stderr, "digests: %s: %s\n", (*logic)->name, error.text);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "core") == 0) {
        return by_core();
    }
    if (argc == 2 && strcmp(argv[1], "engine") == 0) {
        return by_engine();
    }
    fprintf(stderr, "usage: digests core|engine\n");
    return 2;
}
