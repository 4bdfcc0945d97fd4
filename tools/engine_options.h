/*
 * The options that every command has which runs an engine: how it keeps, and on which threads.
 */
#ifndef MR_TOOLS_ENGINE_OPTIONS_H
#define MR_TOOLS_ENGINE_OPTIONS_H

#include "tools/options.h"

#include <millrace/engine.h>

#define OPTIONS_ENGINE(O, tag)                                                                     \
    O(tag, choice, durability, "disk|os|none", "disk",                                             \
      "when a command counts as safe: on stable storage; in the system's page cache, which the "   \
      "end of power loses; or never, nothing is kept and there is no --data")                      \
    O(tag, choice, topology, "one|two|each", "two",                                                \
      "threads of the engine: one, two, or one each")                                              \
    O(tag, choice, wait, "spin|yield|park", "park", "what idle threads do")                        \
    O(tag, number, segment_size, "MIB", "64", "size of a new journal's segments in MiB, 4 to 256") \
    O(tag, number, lock_wait, "MS", "5000",                                                        \
      "how long to wait for another process to let go of the directory")

/* Their values, and --data, out of whichever settings they are part of. */
struct engine_choice {
    const char *data;
    uint32_t durability, topology, wait;
    uint64_t segment_size, lock_wait;
};
#define ENGINE_CHOICE(settings)                                       \
    ((struct engine_choice){.data = (settings)->data,                 \
                            .durability = (settings)->durability,     \
                            .topology = (settings)->topology,         \
                            .wait = (settings)->wait,                 \
                            .segment_size = (settings)->segment_size, \
                            .lock_wait = (settings)->lock_wait})

/* Whether anything is kept at all. */
bool engine_choice_keeps(const struct engine_choice *choice);
enum mr_durability engine_choice_durability(const struct engine_choice *choice);

/* Whether the choices go together: an enum exit_code, after complaining. */
int engine_choice_check(const struct engine_choice *choice);

/* Writes them to `options`: directory, create, durability, topology, wait, segment_bytes and
 * lock_wait_ms. */
void engine_choice_take(const struct engine_choice *choice, struct mr_engine_options *options);

#endif
