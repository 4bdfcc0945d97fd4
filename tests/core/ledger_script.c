#include "tests/core/ledger_script.h"

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

#define LEDGER_ODDITY_NAME(constant, name) #name,
static const char *const oddities[] = {LEDGER_ODDITIES(LEDGER_ODDITY_NAME)};

union text_command {
    struct mr_command header;
    unsigned char bytes[256];
};

union text_event {
    struct mr_event header;
    unsigned char bytes[MR_EVENT_HEADER + sizeof(struct mr_ledger_transfer)];
};

void ledger_script_close(struct ledger_script *script)
{
    free(script->steps);
}

void ledger_script_add(struct ledger_script *script, const struct ledger_step *step)
{
    if (script->count == script->room) {
        script->room = 2 * script->room + 64;
        script->steps = realloc(script->steps, script->room * sizeof(script->steps[0]));
    }
    script->steps[script->count++] = *step;
}

/* -- Playing. ---------------------------------------------------------------------------------- */

/* Until the ledgers differ, in the batch that begins with step *at. */
static bool play_here(const struct ledger_script *script, struct ledger_pair *pair, uint32_t *at)
{
    ledger_pair_open(pair, &script->setting, false);
    pair->distortion = script->distortion;
    for (uint32_t end = *at = 0; *at < script->count; *at = end) {
        do
            end++;
        while (end < script->count && script->steps[end - 1].more && end - *at < LEDGER_STEPS_MAX);
        if (!ledger_pair_batch(pair, &script->steps[*at], end - *at))
            return false;
    }
    return ledger_pair_check(pair);
}

enum script_outcome ledger_script_play(const struct ledger_script *script)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct ledger_pair pair;
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

static void step_write(const struct ledger_step *step, uint32_t number, FILE *file)
{
    static char line[LINE_MAX_BYTES];
    union text_command command;
    memset(&command, 0, sizeof(command));
    command.header = (struct mr_command){
        .length = MR_COMMAND_HEADER + sizeof(step->transfer),
        .type = step->type,
        .more = step->more,
        .role = step->session == 0 ? MR_ROLE_SYSTEM : MR_ROLE_USER,
        .sequence = number,
        .time_ns = step->time_ns,
        .session = step->session,
    };
    memcpy(mr_command_body_mutable(&command.header), &step->transfer, sizeof(step->transfer));
    mr_text_command_write(&mr_logic_ledger, &command.header, line, sizeof(line));
    if (step->odd != ODD_NOTHING)
        fprintf(file, "!%s ", oddities[step->odd]);
    fprintf(file, "%s\n", line);
}

void ledger_script_write(const struct ledger_script *script, FILE *file)
{
    const struct mr_message *config = mr_logic_ledger.config;
    fprintf(file, "#= in_image=%d\n#= before_wrap=%u\n", script->setting.in_image,
            script->setting.before_wrap);
    for (uint32_t i = 0; i < config->field_count; i++) {
        const struct mr_field *field = &config->fields[i];
        uint64_t value = 0;
        if (field->kind == MR_FIELD_pad)
            continue;
        memcpy(&value, (const unsigned char *)&script->setting.config + field->offset, field->size);
        if (field->kind == MR_FIELD_enum8)
            fprintf(file, "#= %s=%s\n", field->name, field->names->names[value]);
        else
            fprintf(file, "#= %s=%llu\n", field->name, (unsigned long long)value);
    }
    for (uint32_t i = 0; i < script->count; i++)
        step_write(&script->steps[i], i + 1, file);
}

/* What one of them has created, or why it has not. */
static void result_write(const char *whose, const struct ledger_step *step, uint32_t reason,
                         uint64_t timestamp, const void *created, FILE *file)
{
    static char line[LINE_MAX_BYTES];
    union text_event event;
    fprintf(file, "%s: %s, timestamp %llu\n", whose,
            reason == 0 ? "created" : mr_catalog_reason_name(mr_logic_ledger.catalog, reason),
            (unsigned long long)timestamp);
    if (reason != 0 || created == NULL)
        return;
    memset(&event, 0, sizeof(event));
    event.header.type = step->type == MR_LEDGER_ACCOUNT_CREATE ? MR_LEDGER_ACCOUNT_CREATED
                                                               : MR_LEDGER_TRANSFER_CREATED;
    event.header.length = sizeof(event);
    memcpy(event.bytes + MR_EVENT_HEADER, created, sizeof(step->transfer));
    mr_text_event_write(&mr_logic_ledger, &event.header, line, sizeof(line));
    fprintf(file, "    %s\n", line);
}

bool ledger_script_explain(const struct ledger_script *script, FILE *file)
{
    struct ledger_pair pair;
    uint32_t at;
    bool same = play_here(script, &pair, &at);
    if (!same) {
        uint32_t wrong = at + pair.flaw_at < script->count ? at + pair.flaw_at : script->count - 1;
        uint32_t place = at < script->count ? pair.places[pair.flaw_at] : UINT32_MAX;
        const struct ledger_step *step = &script->steps[wrong];
        fprintf(file, "error: the ledgers differ at command %u: %s\n", wrong + 1, pair.flaw);
        if (place != UINT32_MAX) {
            const struct naive_result *naive = &pair.answers[place];
            const struct mr_ledger_result *real = &pair.results[place];
            result_write("the naive ledger", step, naive->reason, naive->timestamp,
                         &naive->transfer, file);
            result_write("the real ledger", step, real->reason, real->timestamp, NULL, file);
        }
    }
    ledger_pair_close(&pair);
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
static bool setting_read(struct ledger_setting *setting, const char *pair)
{
    uint32_t in_image;
    if (number_read(pair, "before_wrap", &setting->before_wrap))
        return true;
    if (number_read(pair, "in_image", &in_image)) {
        setting->in_image = in_image != 0;
        return true;
    }
    return mr_text_field_read(mr_logic_ledger.catalog, mr_logic_ledger.config, &setting->config,
                              pair, strcspn(pair, "\r\n"), NULL) >= 0;
}

/* The word behind the exclamation mark; the line goes on behind it. */
static bool oddity_read(const char **line, uint8_t *odd)
{
    size_t length = strcspn(*line, " ");
    for (*odd = 0; *odd < LEDGER_ODDITY_COUNT; (*odd)++) {
        if (strlen(oddities[*odd]) == length && strncmp(*line, oddities[*odd], length) == 0) {
            *line += length;
            return true;
        }
    }
    return false;
}

static bool command_read(struct ledger_script *script, const char *line)
{
    union text_command command;
    struct ledger_step step;
    memset(&command, 0, sizeof(command));
    memset(&step, 0, sizeof(step));
    if (line[0] == '!') {
        line++;
        if (!oddity_read(&line, &step.odd))
            return false;
    }
    switch (mr_text_command_read(&mr_logic_ledger, line, strcspn(line, "\r\n"), &command.header,
                                 sizeof(command), NULL, NULL)) {
    case MR_TEXT_NOTHING:
        return true;
    case MR_TEXT_BAD:
        return false;
    case MR_TEXT_COMMAND:
        break;
    }
    if (command.header.type < MR_CATALOG_LOGIC_FIRST || command.header.session > LEDGER_SESSIONS ||
        command.header.length != MR_COMMAND_HEADER + sizeof(step.transfer))
        return false;
    step.time_ns = command.header.time_ns;
    step.session = (uint8_t)command.header.session;
    step.type = command.header.type;
    step.more = command.header.more;
    memcpy(&step.transfer, mr_command_body(&command.header), sizeof(step.transfer));
    ledger_script_add(script, &step);
    return true;
}

bool ledger_script_read(struct ledger_script *script, FILE *file, uint32_t *line)
{
    static char text[LINE_MAX_BYTES];
    *script = (struct ledger_script){.setting = {.in_image = false}};
    mr_logic_ledger.config_default(&script->setting.config);
    for (*line = 1; fgets(text, sizeof(text), file) != NULL; (*line)++) {
        bool good = strncmp(text, "#= ", 3) == 0 ? setting_read(&script->setting, text + 3)
                                                 : command_read(script, text);
        if (!good)
            return false;
    }
    return true;
}
