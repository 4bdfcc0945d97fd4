#include "tests/core/book_script.h"

#include <millrace/text.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 4096,
    PLAY_SECONDS = 3, /* of the processor: then it has no end */
};

union text_command {
    struct mr_command header;
    unsigned char bytes[256];
};

union text_event {
    struct mr_event header;
    unsigned char bytes[MR_EVENT_HEADER + sizeof(union mr_book_report)];
};

void book_script_close(struct book_script *script)
{
    free(script->steps);
}

void book_script_add(struct book_script *script, const struct book_step *step)
{
    if (script->count == script->room) {
        script->room = 2 * script->room + 64;
        script->steps = realloc(script->steps, script->room * sizeof(script->steps[0]));
    }
    script->steps[script->count++] = *step;
}

/* -- Playing. ---------------------------------------------------------------------------------- */

static bool play_here(const struct book_script *script, struct book_pair *pair, uint32_t *at)
{
    book_pair_open(pair, &script->setting, false);
    pair->distortion = script->distortion;
    for (*at = 0; *at < script->count; (*at)++) {
        if (!book_pair_step(pair, &script->steps[*at]))
            return false;
    }
    return book_pair_check(pair);
}

enum script_outcome book_script_play(const struct book_script *script)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct book_pair pair;
        uint32_t at;
        const struct rlimit no_core = {0, 0}, seconds = {PLAY_SECONDS, PLAY_SECONDS};
        setrlimit(RLIMIT_CORE, &no_core);
        setrlimit(RLIMIT_CPU, &seconds);
        if (freopen("/dev/null", "w", stderr) == NULL) /* what assertions say */
            _exit(SCRIPT_CRASHES);
        _exit(play_here(script, &pair, &at) ? SCRIPT_SAME : SCRIPT_DIFFERS);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    if (!WIFEXITED(status))
        return SCRIPT_CRASHES;
    return WEXITSTATUS(status) > SCRIPT_DIFFERS ? SCRIPT_CRASHES
                                                : (enum script_outcome)WEXITSTATUS(status);
}

/* -- Writing. ---------------------------------------------------------------------------------- */

static const struct mr_message *message_of(const struct book_step *step)
{
    return mr_catalog_command(mr_logic_book.catalog, step->request.any.type);
}

static void step_write(const struct book_step *step, uint32_t number, FILE *file)
{
    static char line[LINE_MAX_BYTES];
    union text_command command = {.header = {.length = 0}};
    uint16_t size = message_of(step)->size;
    command.header = (struct mr_command){
        .length = (uint32_t)(MR_COMMAND_HEADER + size),
        .type = step->request.any.type,
        .role = step->role,
        .sequence = number,
        .time_ns = step->time_ns,
        .session = step->session,
        .request = number,
    };
    memcpy(mr_command_body_mutable(&command.header), &step->request, size);
    if (size == sizeof(step->request)) /* its type stands in the padding */
        command.bytes[MR_COMMAND_HEADER + size - 1] = 0;
    mr_text_command_write(&mr_logic_book, &command.header, line, sizeof(line));
    fprintf(file, "%s\n", line);
}

void book_script_write(const struct book_script *script, FILE *file)
{
    const struct mr_message *config = mr_logic_book.config;
    fprintf(file, "#= in_image=%d\n#= timers_max=%u\n", script->setting.in_image,
            script->setting.timers_max);
    for (uint32_t i = 0; i < config->field_count; i++) {
        uint64_t value = 0;
        memcpy(&value, (const unsigned char *)&script->setting.config + config->fields[i].offset,
               config->fields[i].size);
        fprintf(file, "#= %s=%llu\n", config->fields[i].name, (unsigned long long)value);
    }
    for (uint32_t i = 0; i < script->count; i++)
        step_write(&script->steps[i], i + 1, file);
}

static void log_write(const char *whose, const struct book_log *log, uint32_t reason, FILE *file)
{
    static char line[LINE_MAX_BYTES];
    const char *name = mr_catalog_reason_name(mr_logic_book.catalog, reason);
    fprintf(file, "%s: %s, %u reports\n", whose, reason == 0 ? "done" : name, log->count);
    for (uint32_t i = 0; i < log->count; i++) {
        union text_event event;
        memset(&event, 0, sizeof(event));
        const union mr_book_report *report = &log->reports[i].report;
        const struct mr_message *message =
            mr_catalog_event(mr_logic_book.catalog, report->any.type);
        if (message == NULL) {
            fprintf(file, "    no report: type %u\n", report->any.type);
            continue;
        }
        event.header.type = report->any.type;
        event.header.length = (uint16_t)(MR_EVENT_HEADER + message->size);
        memcpy(event.bytes + MR_EVENT_HEADER, report, message->size);
        if (message->size == sizeof(*report))
            event.bytes[sizeof(event.bytes) - 1] = 0;
        mr_text_event_write(&mr_logic_book, &event.header, line, sizeof(line));
        fprintf(file, "    %s\n", line);
    }
}

bool book_script_explain(const struct book_script *script, FILE *file)
{
    struct book_pair pair;
    uint32_t at;
    bool same = play_here(script, &pair, &at);
    if (!same) {
        fprintf(file, "error: the books differ at command %u: %s\n", at + 1, pair.flaw);
        log_write("the naive book", &pair.naive_log, pair.naive_reason, file);
        log_write("the real book", &pair.log, pair.reason, file);
    }
    book_pair_close(&pair);
    return !same;
}

/* -- Reading. ---------------------------------------------------------------------------------- */

/* The number behind `key` and an equals sign, if that is what the text begins with. */
static bool number_read(const char *pair, const char *key, uint32_t *out)
{
    size_t length = strlen(key);
    if (strncmp(pair, key, length) != 0 || pair[length] != '=')
        return false;
    *out = (uint32_t)strtoul(pair + length + 1, NULL, 10);
    return true;
}

/* A line "#= key=value". */
static bool setting_read(struct book_setting *setting, const char *pair)
{
    uint32_t in_image;
    if (number_read(pair, "timers_max", &setting->timers_max))
        return true;
    if (number_read(pair, "in_image", &in_image)) {
        setting->in_image = in_image != 0;
        return true;
    }
    return mr_text_field_read(mr_logic_book.catalog, mr_logic_book.config, &setting->config, pair,
                              strcspn(pair, "\r\n"), NULL) >= 0;
}

static bool command_read(struct book_script *script, const char *line)
{
    union text_command command;
    memset(&command, 0, sizeof(command));
    switch (mr_text_command_read(&mr_logic_book, line, strcspn(line, "\r\n"), &command.header,
                                 sizeof(command), NULL, NULL)) {
    case MR_TEXT_NOTHING:
        return true;
    case MR_TEXT_BAD:
        return false;
    case MR_TEXT_COMMAND:
        break;
    }
    if (command.header.type < MR_CATALOG_LOGIC_FIRST || command.header.session > PAIR_SESSIONS)
        return false;
    struct book_step step;
    memset(&step, 0, sizeof(step));
    step.time_ns = command.header.time_ns;
    step.session = command.header.session;
    step.role = command.header.role;
    memcpy(&step.request, mr_command_body(&command.header),
           command.header.length - MR_COMMAND_HEADER);
    step.request.any.type = (uint8_t)command.header.type;
    book_script_add(script, &step);
    return true;
}

bool book_script_read(struct book_script *script, FILE *file, uint32_t *line)
{
    static char text[LINE_MAX_BYTES];
    *script = (struct book_script){.setting = {.timers_max = 1}};
    mr_logic_book.config_default(&script->setting.config);
    for (*line = 1; fgets(text, sizeof(text), file) != NULL; (*line)++) {
        bool good = strncmp(text, "#= ", 3) == 0 ? setting_read(&script->setting, text + 3)
                                                 : command_read(script, text);
        if (!good)
            return false;
    }
    return true;
}
