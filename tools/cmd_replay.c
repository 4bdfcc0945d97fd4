/*
 * `millrace replay`: the journal's commands applied to a fresh image, and everything compared.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "tools/command.h"
#include "tools/logics.h"
#include "tools/output.h"
#include "tools/picture.h"
#include "tools/stop.h"
#include "tools/summary.h"

#include <millrace/engine.h>
#include <millrace/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPLAY_OPTIONS(O, tag)                                                           \
    OPTION_DATA(O, tag)                                                                  \
    O(tag, number, from, "N", "1", "print events from the command of sequence N on")     \
    O(tag, text, to, "N", NULL,                                                          \
      "stop after applying sequence N, at least 1 (genesis); default: at the end")       \
    O(tag, flag, events, NULL, NULL, "print the events")                                 \
    OPTION_JSON(O, tag)                                                                  \
    O(tag, text, expect_state, "HEX", NULL, "exit with 1 if the state's digest differs") \
    O(tag, text, expect_events, "HEX", NULL, "exit with 1 if the events' digest differs")
OPTIONS_STRUCT(replay_settings, REPLAY_OPTIONS);

struct replay {
    const struct replay_settings *settings;
    uint64_t to; /* 0: at the end */
    const struct mr_logic *logic;
    bool begun; /* an event has come */
    struct summary summary;
};

/* The first event of all names the logic. */
static const struct mr_logic *logic_of(const struct mr_event *event)
{
    const struct mr_genesis_applied *genesis = mr_event_body(event);
    const struct mr_logic *const *logic = logics_known;
    while (*logic != NULL && strncmp((*logic)->name, genesis->logic, sizeof genesis->logic) != 0)
        logic++;
    return *logic;
}

static void on_event(void *context, const struct mr_event *event)
{
    struct replay *replay = context;
    if (!replay->begun) {
        replay->begun = true;
        replay->logic = logic_of(event);
    }
    if (!replay->settings->events || event->sequence < replay->settings->from)
        return;
    char line[2 * MR_EVENT_SIZE_MAX + 4096];
    size_t length = replay->settings->json
                        ? mr_json_event_write(replay->logic, event, line, sizeof line)
                        : mr_text_event_write(replay->logic, event, line, sizeof line);
    if (length < sizeof line)
        puts(line);
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    struct replay *replay = context;
    summary_answer(&replay->summary, answer);
}

/* Nothing is written, so there is nothing to end in good order. */
static void on_progress(void *context, uint64_t sequence, uint64_t last_sequence)
{
    if (stop_requested()) {
        progress_clear();
        say("stopped by a signal at sequence %llu of %llu", (unsigned long long)sequence,
            (unsigned long long)last_sequence);
        exit(output_finish(EXIT_RESOURCES)); /* it proves nothing */
    }
    progress_of_sequences(context, sequence, last_sequence);
}

static int open_replay(struct replay *replay, struct mr_replay **opened, struct mr_error *error)
{
    const struct mr_replay_options options = {
        .directory = replay->settings->data,
        .logics = logics_known,
        .to = replay->to,
        .handlers = {.event = on_event, .answer = on_answer, .context = replay},
        .progress = on_progress,
    };
    int status = mr_replay_open(&options, opened, NULL, error);
    progress_clear();
    return status;
}

static void sum_up(const struct mr_replay *replay, uint64_t elapsed_ns, struct summary *summary)
{
    summary_count(summary, mr_replay_image(replay), mr_replay_logic(replay));
    summary->durable_sequence = mr_replay_plan(replay)->last_sequence;
    summary->state_digest = mr_replay_state_digest(replay);
    summary->event_digest = mr_replay_event_digest(replay);
    summary->run_commands = summary->commands;
    summary->elapsed_ns = elapsed_ns;
}

/* MR_E_INVALID when the option is there and no digest. */
static int parse_digest(const char *option, const char *text, struct mr_digest *digest,
                        struct mr_error *error)
{
    if (text == NULL || mr_digest_parse(text, strlen(text), digest))
        return MR_OK;
    return mr_error_set(error, MR_E_INVALID, "%s wants 32 hex digits, not '%s'", option, text);
}

static int compare(const char *what, const char *text, struct mr_digest expected,
                   struct mr_digest found)
{
    char hex[MR_DIGEST_TEXT_SIZE];
    if (text == NULL || mr_digest_equal(expected, found))
        return EXIT_OK;
    mr_digest_format(found, hex);
    return complain(EXIT_FINDING, "the digest of %s is %s, not %s", what, hex, text);
}

static void print_for_people(const struct mr_replay *replay, const struct summary *summary)
{
    enum { BOOKS_MAX = 3, LEVELS_MAX = 5 };
    summary_print(summary, NULL);
    printf("  %-14s%s recorded digests, all equal\n", "compared",
           number_grouped(mr_replay_digests_checked(replay)).text);
    putchar('\n');
    picture_books(mr_replay_image(replay), mr_replay_logic(replay), BOOKS_MAX, LEVELS_MAX);
    picture_ledgers(mr_replay_image(replay), mr_replay_logic(replay));
}

static int execute(const void *options)
{
    struct replay replay = {.settings = options};
    const struct replay_settings *settings = options;
    struct mr_digest state = {0, 0}, events = {0, 0};
    struct mr_error error;
    if (parse_digest("--expect-state", settings->expect_state, &state, &error) != MR_OK ||
        parse_digest("--expect-events", settings->expect_events, &events, &error) != MR_OK)
        return complain_of(&error);
    if (settings->to != NULL && (!number_parse(settings->to, &replay.to) || replay.to == 0))
        return complain(EXIT_USAGE,
                        "--to wants a sequence from 1 on, not '%s': the first command, genesis, "
                        "makes the state that all others change",
                        settings->to);
    if (settings->from > replay.to && replay.to != 0)
        return complain(EXIT_USAGE, "--from %llu comes after --to %llu",
                        (unsigned long long)settings->from, (unsigned long long)replay.to);
    struct mr_replay *opened;
    uint64_t started_ns = mr_monotonic_ns();
    if (open_replay(&replay, &opened, &error) != MR_OK)
        return complain_of(&error);
    const struct summary *summary = &replay.summary;
    sum_up(opened, mr_monotonic_ns() - started_ns, &replay.summary);
    if (settings->json)
        summary_write_json(summary, NULL, stdout);
    else
        print_for_people(opened, summary);
    mr_replay_close(opened);
    int state_code = compare("the state", settings->expect_state, state, summary->state_digest);
    int events_code = compare("the events", settings->expect_events, events, summary->event_digest);
    return state_code != EXIT_OK ? state_code : events_code;
}

const struct command command_replay = {
    .name = "replay",
    .summary = "rebuild the state from the journal, and check every digest on the way",
    .description =
        "Applies the commands of the journal to an empty state, as recovery does, and\n"
        "compares the digests of all events with those that the journal recorded when it\n"
        "was written. Exits with 1 if one differs, or is not the one that was expected.\n"
        "\n"
        "The directory may be in use, and is only read. With --json, the last line of\n"
        "standard output is one object that sums up what was found.",
    .examples = "  millrace replay --data d\n"
                "  millrace replay --data d --events --from 1000 --to 1010\n"
                "  millrace replay --data d --json --expect-state 0123456789abcdef...\n",
    COMMAND_OPTIONS(replay_settings, REPLAY_OPTIONS),
    .run = execute,
};
