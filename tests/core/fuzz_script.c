#include "tests/core/fuzz_script.h"

#include <millrace/text.h>

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 4096,
    /* Of the processor; then it has no end. */
    PLAY_SECONDS = 3,
    EXPLAIN_SECONDS = 10,
};

static const char *const digits[] = {"0", "1"};
const struct mr_enum_names fuzz_bool = {digits, 2};

static void *config_of(const struct fuzz_script *script)
{
    return (unsigned char *)script->setting + script->logic->config_offset;
}

void fuzz_script_open(struct fuzz_script *script, const struct fuzz_logic *logic,
                      const void *setting)
{
    *script = (struct fuzz_script){.logic = logic, .setting = malloc(logic->setting_size)};
    memcpy(script->setting, setting, logic->setting_size);
}

void fuzz_script_close(struct fuzz_script *script)
{
    free(script->setting);
    free(script->commands);
}

void fuzz_script_add(struct fuzz_script *script, const struct mr_command *header, const void *body,
                     uint8_t odd)
{
    const struct mr_message *message =
        mr_catalog_command(script->logic->logic->catalog, header->type);
    ASSERT(message != NULL && MR_COMMAND_HEADER + message->size <= FUZZ_COMMAND_BYTES);
    if (script->count == script->room) {
        script->room = 2 * script->room + 64;
        script->commands = realloc(script->commands, script->room * sizeof(script->commands[0]));
    }
    struct fuzz_command *command = &script->commands[script->count++];
    memset(command, 0, sizeof(*command));
    command->header = (struct mr_command){
        .length = (uint32_t)(MR_COMMAND_HEADER + message->size),
        .type = header->type,
        .version = (uint8_t)(message->version & MR_COMMAND_VERSION_MAX),
        .more = header->more,
        .role = header->role,
        .time_ns = header->time_ns,
        .session = header->session,
    };
    command->odd = odd;
    memcpy(mr_command_body_mutable(&command->header), body, message->size);
}

/* -- Playing. ---------------------------------------------------------------------------------- */

pid_t fuzz_child_begin(uint32_t seconds)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        const struct rlimit no_core = {0, 0}, end = {seconds, seconds};
        setrlimit(RLIMIT_CORE, &no_core);
        setrlimit(RLIMIT_CPU, &end);
    }
    return child;
}

int fuzz_child_end(pid_t child)
{
    int status;
    if (waitpid(child, &status, 0) != child)
        abort();
    return status;
}

enum fuzz_outcome fuzz_script_play(const struct fuzz_script *script)
{
    pid_t child = fuzz_child_begin(PLAY_SECONDS);
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) /* what assertions say */
            _exit(FUZZ_CRASHES);
        _exit(script->logic->play(script, NULL) ? FUZZ_SAME : FUZZ_DIFFERS);
    }
    int status = fuzz_child_end(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > FUZZ_DIFFERS)
        return FUZZ_CRASHES;
    return (enum fuzz_outcome)WEXITSTATUS(status);
}

void fuzz_script_explain(const struct fuzz_script *script)
{
    pid_t child = fuzz_child_begin(EXPLAIN_SECONDS);
    if (child == 0) {
        script->logic->play(script, stdout);
        fflush(stdout);
        _exit(EXIT_SUCCESS);
    }
    int status = fuzz_child_end(child);
    if (!WIFEXITED(status))
        printf("error: the real %s ends with signal %d\n", script->logic->name, WTERMSIG(status));
}

/* -- Writing. ---------------------------------------------------------------------------------- */

/* What a script begins with: a line "#= key=value" for each field. */
static void fields_write(const struct mr_message *message, const unsigned char *body, FILE *file)
{
    for (uint32_t i = 0; i < message->field_count; i++) {
        const struct mr_field *field = &message->fields[i];
        uint64_t value = 0;
        if (field->kind == MR_FIELD_pad)
            continue;
        memcpy(&value, body + field->offset, field->size);
        if (field->kind == MR_FIELD_enum8)
            fprintf(file, "#= %s=%s\n", field->name, field->names->names[value]);
        else
            fprintf(file, "#= %s=%llu\n", field->name, (unsigned long long)value);
    }
}

static void command_write(const struct fuzz_logic *logic, struct fuzz_command command,
                          uint32_t number, FILE *file)
{
    static char line[LINE_MAX_BYTES];
    command.header.sequence = number;
    command.header.request = logic->requests_written ? number : 0;
    mr_text_command_write(logic->logic, &command.header, line, sizeof(line));
    if (command.odd != 0)
        fprintf(file, "!%s ", logic->oddities[command.odd]);
    fprintf(file, "%s\n", line);
}

void fuzz_script_write(const struct fuzz_script *script, FILE *file)
{
    fields_write(script->logic->setting, script->setting, file);
    fields_write(script->logic->logic->config, config_of(script), file);
    for (uint32_t i = 0; i < script->count; i++)
        command_write(script->logic, script->commands[i], i + 1, file);
}

void fuzz_event_write(const struct fuzz_logic *logic, uint16_t type, const void *body, FILE *file)
{
    static char line[LINE_MAX_BYTES];
    union {
        struct mr_event header;
        unsigned char bytes[MR_EVENT_HEADER + FUZZ_COMMAND_BYTES];
    } event = {.header = {.type = type}};
    const struct mr_message *message = mr_catalog_event(logic->logic->catalog, type);
    if (message == NULL) {
        fprintf(file, "    no report: type %u\n", type);
        return;
    }
    event.header.length = (uint16_t)(MR_EVENT_HEADER + message->size);
    ASSERT(event.header.length <= sizeof(event));
    memcpy(event.bytes + MR_EVENT_HEADER, body, message->size);
    mr_text_event_write(logic->logic, &event.header, line, sizeof(line));
    fprintf(file, "    %s\n", line);
}

/* -- Reading. ---------------------------------------------------------------------------------- */

/* A line "#= key=value", behind its beginning. */
static bool field_read(struct fuzz_script *script, const char *pair)
{
    const struct mr_logic *logic = script->logic->logic;
    size_t length = strcspn(pair, "\r\n");
    return mr_text_field_read(logic->catalog, script->logic->setting, script->setting, pair, length,
                              NULL) >= 0 ||
           mr_text_field_read(logic->catalog, logic->config, config_of(script), pair, length,
                              NULL) >= 0;
}

/* The word behind the exclamation mark; the line goes on behind it. */
static bool oddity_read(const struct fuzz_logic *logic, const char **line, uint8_t *odd)
{
    const char *word = *line + 1;
    size_t length = strcspn(word, " ");
    for (*odd = 0; *odd < logic->oddity_count; (*odd)++) {
        const char *name = logic->oddities[*odd];
        if (strlen(name) == length && strncmp(word, name, length) == 0) {
            *line = word + length;
            return true;
        }
    }
    return false;
}

static bool command_read(struct fuzz_script *script, const char *line)
{
    const struct fuzz_logic *logic = script->logic;
    struct fuzz_command command;
    memset(&command, 0, sizeof(command));
    if (line[0] == '!' && !oddity_read(logic, &line, &command.odd))
        return false;
    switch (mr_text_command_read(logic->logic, line, strcspn(line, "\r\n"), &command.header,
                                 sizeof(command.bytes), NULL, NULL)) {
    case MR_TEXT_NOTHING:
        return true;
    case MR_TEXT_BAD:
        return false;
    case MR_TEXT_COMMAND:
        break;
    }
    const struct mr_command *header = &command.header;
    const struct mr_message *message = mr_catalog_command(logic->logic->catalog, header->type);
    if (message == NULL || header->type < MR_CATALOG_LOGIC_FIRST ||
        header->length != (uint32_t)MR_COMMAND_HEADER + message->size ||
        header->session > logic->sessions)
        return false;
    fuzz_script_add(script, header, mr_command_body(header), command.odd);
    return true;
}

bool fuzz_script_read(struct fuzz_script *script, const struct fuzz_logic *logic, FILE *file,
                      uint32_t *line)
{
    static char text[LINE_MAX_BYTES];
    *script = (struct fuzz_script){.logic = logic, .setting = calloc(1, logic->setting_size)};
    logic->setting_plain(script->setting);
    logic->logic->config_default(config_of(script));
    for (*line = 1; fgets(text, sizeof(text), file) != NULL; (*line)++) {
        bool good = strncmp(text, "#= ", 3) == 0 ? field_read(script, text + 3)
                                                 : command_read(script, text);
        if (!good)
            return false;
    }
    return true;
}
