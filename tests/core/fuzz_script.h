/*
 * Scripts: commands that a logic and a naive one take from their beginning on, written down for
 * people, read, and made smaller as long as the two differ. All that depends on the logic is in a
 * struct fuzz_logic.
 */
#ifndef MR_TESTS_CORE_FUZZ_SCRIPT_H
#define MR_TESTS_CORE_FUZZ_SCRIPT_H

#include <millrace/logic.h>

#include <stdio.h>
#include <sys/types.h>

enum { FUZZ_COMMAND_BYTES = 192 }; /* the largest of any logic */

/* A command of a script. Its header says what it is, who sends it when, and whether the next one is
 * of the same batch; its numbers follow from its place, and are given as it is written. */
struct fuzz_command {
    union {
        struct mr_command header;
        unsigned char bytes[FUZZ_COMMAND_BYTES]; /* zero behind its body */
    };
    uint8_t odd; /* one of the logic's oddities, 0: nothing is */
};

struct fuzz_script {
    const struct fuzz_logic *logic;
    void *setting; /* what both begin with: a struct of the logic's tests */
    struct fuzz_command *commands;
    uint32_t count, room;
};

struct fuzz_logic {
    const struct mr_logic *logic;
    const char *name;            /* "book", for people */
    uint64_t sessions;           /* numbered from 1; 0 is the engine's */
    const char *const *oddities; /* what stands before an odd command, as in "!tick ..." */
    uint32_t oddity_count;       /* with the first, which says that nothing is odd */
    bool requests_written;       /* with the numbers of their places; else as 0 */

    /* A setting is a struct that holds the logic's configuration, and the fields that a message
     * describes: what else both can begin with. What it holds beyond that is not written. */
    const struct mr_message *setting;
    size_t setting_size, config_offset;
    /* Fills in a zeroed setting: the simplest one. */
    void (*setting_plain)(void *setting);
    /* Lets nobody in particular send it. */
    void (*sender_plain)(const void *setting, struct mr_command *command);

    /* Begins a script: what the world of that seed makes, up to `commands`, and to the end of a
     * batch. The naive logic alone takes them, as the real one may crash. */
    void (*make)(struct fuzz_script *script, uint64_t seed, uint64_t commands);
    /* Lets both take the commands. False: they differ; says into the file (NULL: nowhere) where,
     * and what each of them did. */
    bool (*play)(const struct fuzz_script *script, FILE *file);
};

/* The names of a field of a setting that is a bool. */
extern const struct mr_enum_names fuzz_bool;

void fuzz_script_open(struct fuzz_script *script, const struct fuzz_logic *logic,
                      const void *setting);
void fuzz_script_close(struct fuzz_script *script);
/* Keeps of the header what a command has, and of the body as much as its type has. */
void fuzz_script_add(struct fuzz_script *script, const struct mr_command *header, const void *body,
                     uint8_t odd);

/* How playing a script ends. */
enum fuzz_outcome {
    FUZZ_SAME,
    FUZZ_DIFFERS,
    FUZZ_CRASHES, /* an assertion, a signal, or no end */
};

/* Plays it in a process of its own. */
enum fuzz_outcome fuzz_script_play(const struct fuzz_script *script);

/* Says on standard output how it fails; in a process of its own, too: it may crash once more. */
void fuzz_script_explain(const struct fuzz_script *script);

/* Takes away commands, then whatever of their fields is not needed, as long as the outcome is other
 * than FUZZ_SAME. Returns how often it was played. */
uint32_t fuzz_script_shrink(struct fuzz_script *script);

/* Writes it: its setting as comments, then one command a line, in the text form of commands. */
void fuzz_script_write(const struct fuzz_script *script, FILE *file);
/* Opens a script with what was written, or typed. False: *line is one that cannot be read, or is no
 * command of the logic. */
bool fuzz_script_read(struct fuzz_script *script, const struct fuzz_logic *logic, FILE *file,
                      uint32_t *line);

/* -- For the parts of it. ---------------------------------------------------------------------- */

/* Writes an event of that type, as a line below what it belongs to. */
void fuzz_event_write(const struct fuzz_logic *logic, uint16_t type, const void *body, FILE *file);

/* Begins a process that may crash or loop: it leaves no core, and ends after so many seconds of the
 * processor. 0: in it; what it has begun with ends with _exit. The other returns how it ended, as
 * waitpid says it. */
pid_t fuzz_child_begin(uint32_t seconds);
int fuzz_child_end(pid_t child);

#endif
