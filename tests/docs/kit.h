/*
 * What the snippets of docs/howto/ stand on: an engine with the jar of the tutorial (whose jar.h
 * comes first), and commands to it. Not for reuse.
 */
#ifndef MR_TESTS_DOCS_KIT_H
#define MR_TESTS_DOCS_KIT_H

#include <millrace/millrace.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mr_error error;

static inline void need(int status)
{
    if (status == MR_OK)
        return;
    fprintf(stderr, "%s: %s\n", mr_status_text(status), error.text);
    exit(1);
}

struct put_command {
    struct mr_command header;
    struct put body;
};

/* Session 1 puts coins in, as its request of that number. */
static inline struct put_command put(uint64_t request, uint64_t coins)
{
    return (struct put_command){.header = {.length = sizeof(struct put_command),
                                           .type = PUT,
                                           .role = MR_ROLE_USER,
                                           .session = 1,
                                           .request = request},
                                .body = {.coins = coins}};
}

/* Opens and starts an engine with the jar, and session 1. */
static inline struct mr_engine *start_jar(struct mr_engine_options options)
{
    struct mr_engine *engine;
    options.directory = "data";
    options.create = true;
    options.logic = &jar_logic;
    options.segment_bytes = 4 << 20;
    need(mr_engine_open(&options, &engine, &error));
    need(mr_engine_start(engine, &error));
    need(mr_engine_session(engine, 1, MR_ROLE_USER, NULL, &error));
    return engine;
}

static inline void stop_jar(struct mr_engine *engine)
{
    need(mr_engine_stop(engine, &error));
    mr_engine_close(engine);
}

#endif
