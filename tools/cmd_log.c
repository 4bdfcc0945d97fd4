/*
 * `millrace log`: every command of a journal that has to do with a thing, and what became of it.
 */
#include "tools/command.h"
#include "tools/json.h"
#include "tools/logics.h"
#include "tools/mention.h"
#include "tools/output.h"
#include "tools/stop.h"
#include "tools/walk.h"

#include <millrace/engine.h>
#include <millrace/text.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOG_OPTIONS(O, tag)                                                                    \
    O(tag, words, words, "KIND ID", OPTION_REQUIRED, "what to look for: transfer 7, order 42") \
    OPTION_DATA(O, tag)                                                                        \
    O(tag, number, from, "N", "1", "begin with the command of sequence N")                     \
    O(tag, text, to, "N", NULL, "end with the command of sequence N")                          \
    O(tag, number, limit, "N", "100", "print at most so many commands; 0: all")                \
    O(tag, flag, json, NULL, NULL, "one JSON object a command")
OPTIONS_STRUCT(log_settings, LOG_OPTIONS);

enum { LINE_SIZE = MR_TEXT_LINE_MAX };

/* What of the events of one command is kept until its answer: those that are to be shown. */
struct kept {
    unsigned char *bytes;
    size_t used, room;
    bool named; /* one of them names the thing */
};

struct log {
    const struct log_settings *settings;
    uint64_t to; /* 0: the end */
    const struct mr_logic *logic;
    struct mentions mentions;
    const struct mr_command *command; /* that events belong to now */
    bool named;                       /* by that command */
    struct kept kept;
    uint64_t shown, found, next; /* commands; sequence of the first one not shown */
    char *line;
    bool failed; /* no memory */
};

/* -- Printing. --------------------------------------------------------------------------------- */

static const char *result_of(const struct log *log, const struct mr_answer *answer)
{
    return answer->result == 0 ? "done"
                               : mr_catalog_reason_name(log->logic->catalog, answer->result);
}

static void print_line(const struct log *log, size_t length, const char *before)
{
    if (length < LINE_SIZE)
        printf("%s%s", before, log->line);
}

static void print_for_people(const struct log *log, const struct mr_answer *answer)
{
    printf("# sequence %" PRIu64 ", %s: %s%s\n", log->command->sequence,
           number_time(log->command->time_ns).text, result_of(log, answer),
           answer->duplicate != 0 ? ", as answered before" : "");
    print_line(log, mr_text_command_write(log->logic, log->command, log->line, LINE_SIZE), "");
    for (size_t at = 0; at < log->kept.used;) {
        const struct mr_event *event = (const void *)(log->kept.bytes + at);
        print_line(log, mr_text_event_write(log->logic, event, log->line, LINE_SIZE), "\n  ");
        at += event->length;
    }
    putchar('\n');
}

static void print_json(const struct log *log, const struct mr_answer *answer)
{
    printf("{\"sequence\":%" PRIu64 ",\"time\":%" PRIu64
           ",\"result\":\"%s\",\"duplicate\":%s,\"named\":%s",
           log->command->sequence, log->command->time_ns, result_of(log, answer),
           answer->duplicate != 0 ? "true" : "false", log->named ? "true" : "false");
    print_line(log, mr_json_command_write(log->logic, log->command, log->line, LINE_SIZE),
               ",\"command\":");
    fputs(",\"events\":[", stdout);
    for (size_t at = 0; at < log->kept.used;) {
        const struct mr_event *event = (const void *)(log->kept.bytes + at);
        print_line(log, mr_json_event_write(log->logic, event, log->line, LINE_SIZE),
                   at == 0 ? "" : ",");
        at += event->length;
    }
    puts("]}");
}

/* -- Following the replay. --------------------------------------------------------------------- */

static bool in_range(const struct log *log, uint64_t sequence)
{
    return sequence >= log->settings->from && (log->to == 0 || sequence <= log->to);
}

static void on_command(void *context, const struct mr_command *command)
{
    struct log *log = context;
    log->command = command;
    log->named = in_range(log, command->sequence) && mentions_command(&log->mentions, command);
    log->kept.used = 0;
    log->kept.named = false;
}

static void keep(struct log *log, const struct mr_event *event)
{
    struct kept *kept = &log->kept;
    if (kept->room - kept->used < event->length) {
        size_t room = 2 * kept->room + event->length;
        unsigned char *bytes = realloc(kept->bytes, room);
        if (bytes == NULL) {
            log->failed = true;
            return;
        }
        kept->bytes = bytes;
        kept->room = room;
    }
    memcpy(kept->bytes + kept->used, event, event->length);
    kept->used += event->length;
}

static void on_event(void *context, const struct mr_event *event)
{
    struct log *log = context;
    if (!in_range(log, event->sequence))
        return;
    bool named = mentions_event(&log->mentions, event);
    log->kept.named = log->kept.named || named;
    if (named || log->named)
        keep(log, event);
}

/* A command's time may also have fired timers, whose events are of other things: of those events
 * only the ones that name the thing are shown. */
static void drop_others(struct log *log, const struct mr_answer *answer)
{
    size_t used = 0;
    for (size_t at = 0; at < log->kept.used;) {
        unsigned char *bytes = log->kept.bytes + at;
        const struct mr_event *event = (const void *)bytes;
        uint16_t length = event->length;
        bool own = log->named && answer->duplicate == 0 && event->number >= answer->first_event &&
                   event->number - answer->first_event < answer->event_count;
        if (own || mentions_event(&log->mentions, event)) {
            memmove(log->kept.bytes + used, bytes, length);
            used += length;
        }
        at += length;
    }
    log->kept.used = used;
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct log *log = context;
    if (log->command == NULL || (!log->named && !log->kept.named))
        return;
    log->found++;
    drop_others(log, answer);
    if (log->settings->limit != 0 && log->shown == log->settings->limit) {
        log->next = log->next == 0 ? log->command->sequence : log->next;
    } else if (log->settings->json) {
        print_json(log, answer);
        log->shown++;
    } else {
        print_for_people(log, answer);
        log->shown++;
    }
    log->command = NULL;
}

static void on_progress(void *context, uint64_t sequence, uint64_t last_sequence)
{
    if (stop_requested())
        exit(output_finish(complain(EXIT_RESOURCES,
                                    "stopped by a signal at sequence %" PRIu64 " of %" PRIu64,
                                    sequence, last_sequence)));
    progress_of_sequences(context, sequence, last_sequence);
}

static int follow(struct log *log, struct mr_error *error)
{
    const struct mr_replay_options options = {
        .directory = log->settings->data,
        .logics = logics_known,
        .to = log->to,
        .handlers = {.event = on_event, .answer = on_answer, .context = log},
        .command = on_command,
        .progress = on_progress,
    };
    struct mr_replay *replay;
    int status = mr_replay_open(&options, &replay, NULL, error);
    progress_clear();
    if (status != MR_OK)
        return status;
    mr_replay_close(replay);
    return log->failed ? mr_error_set(error, MR_E_NO_MEMORY, "no memory for events") : MR_OK;
}

/* -- Beginning and end. ------------------------------------------------------------------------ */

/* Fields keep their names from version to version, and new layouts have new numbers: the newest
 * version knows them all. */
static int prepare(struct log *log, struct mr_error *error)
{
    int status = walk_newest_logic(log->settings->data, &log->logic, error);
    const char *const *words = log->settings->words.words;
    return status == MR_OK ? mentions_find(log->logic, words[0], words[1], &log->mentions, error)
                           : status;
}

static int conclude(const struct log *log)
{
    const char *const *words = log->settings->words.words;
    if (log->found > log->shown)
        say("%s commands more have to do with %s %s: --from %" PRIu64 " goes on, --limit 0 prints "
            "all",
            number_grouped(log->found - log->shown).text, words[0], words[1], log->next);
    return log->found > 0 ? EXIT_OK
                          : complain(EXIT_FINDING, "no command of the journal has to do with %s %s",
                                     words[0], words[1]);
}

static int check(struct log *log)
{
    const struct log_settings *settings = log->settings;
    if (settings->words.count != 2)
        return complain(EXIT_USAGE, "what to look for? A kind of thing and an id: transfer 7");
    if (settings->to != NULL && (!number_parse(settings->to, &log->to) || log->to == 0))
        return complain(EXIT_USAGE, "--to wants a sequence from 1 on, not '%s'", settings->to);
    if (log->to != 0 && settings->from > log->to)
        return complain(EXIT_USAGE, "--from %" PRIu64 " comes after --to %" PRIu64, settings->from,
                        log->to);
    return EXIT_OK;
}

static int execute(const void *settings)
{
    struct log log = {.settings = settings};
    int code = check(&log);
    if (code != EXIT_OK)
        return code;
    struct mr_error error;
    log.line = malloc(LINE_SIZE);
    int status = log.line == NULL ? mr_error_set(&error, MR_E_NO_MEMORY, "no memory for a line")
                                  : prepare(&log, &error);
    if (status == MR_OK)
        status = follow(&log, &error);
    code = status == MR_OK ? conclude(&log) : complain_of(&error);
    mentions_free(&log.mentions);
    free(log.kept.bytes);
    free(log.line);
    return code;
}

const struct command command_log = {
    .name = "log",
    .summary = "print all that a journal knows about one thing: a transfer, an order",
    .description =
        "Prints every command that has to do with a thing, with its sequence, time and\n"
        "result, and the events that name it: what was asked of it, and what became of\n"
        "it. It finds what the state has long forgotten, since the journal forgets\n"
        "nothing. Which kinds of things there are, follows from the logic's catalog.\n"
        "\n"
        "The directory may be in use, and is only read; all of it is replayed. It exits\n"
        "with 1 if nothing was found.",
    .examples = "  millrace log --data d transfer 7\n"
                "  millrace log --data d account 7 --limit 10 --json\n"
                "  millrace log --data d order 42\n",
    COMMAND_OPTIONS(log_settings, LOG_OPTIONS),
    .run = execute,
};
