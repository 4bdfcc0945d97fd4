#include "tests/core/book_script.h"

#include "tests/core/book_random.h"

#include <string.h>

/* -- Settings and senders. --------------------------------------------------------------------- */

static const struct mr_field setting_fields[] = {
    {offsetof(struct book_setting, in_image), sizeof(bool), MR_FIELD_enum8, false, &fuzz_bool,
     "in_image", "", "whether the book is the logic of an image"},
    {offsetof(struct book_setting, timers_max), sizeof(uint32_t), MR_FIELD_u32, false, NULL,
     "timers_max", "timers", "that the image has"},
};

static const struct mr_message setting_message = {
    .name = "setting", .fields = setting_fields, .field_count = 2};

static void setting_plain(void *memory)
{
    struct book_setting *setting = memory;
    setting->timers_max = 1;
    mr_logic_book.config_default(&setting->config);
    setting->config.orders_max = setting->config.levels_max = setting->config.groups_max = 1000;
    setting->config.instruments_max = setting->config.tick_tables_max = 8;
}

static void sender_plain(const void *memory, struct mr_command *command)
{
    const struct book_setting *setting = memory;
    command->session = setting->in_image ? PAIR_OPERATOR : 0;
    command->role = setting->in_image ? MR_ROLE_OPERATOR : MR_ROLE_SYSTEM;
}

/* -- Steps. ------------------------------------------------------------------------------------ */

static void step_add(struct fuzz_script *script, const struct book_step *step)
{
    union mr_book_request body = step->request;
    const struct mr_command header = {.type = body.any.type,
                                      .role = step->role,
                                      .time_ns = step->time_ns,
                                      .session = step->session};
    body.any.type = 0; /* it stands in the padding */
    fuzz_script_add(script, &header, &body, 0);
}

static struct book_step step_of(const struct mr_command *command)
{
    struct book_step step;
    memset(&step, 0, sizeof(step));
    step.time_ns = command->time_ns;
    step.session = command->session;
    step.role = command->role;
    memcpy(&step.request, mr_command_body(command), command->length - MR_COMMAND_HEADER);
    step.request.any.type = (uint8_t)command->type;
    return step;
}

static void make(struct fuzz_script *script, uint64_t seed, uint64_t commands)
{
    struct book_world world;
    struct book_pair pair;
    struct book_step step;
    book_world_open(&world, seed);
    book_pair_open(&pair, &world.setting, true);
    fuzz_script_open(script, &fuzz_book, &world.setting);
    while (script->count < commands) {
        book_world_step(&world, &pair.naive, &step);
        step_add(script, &step);
        book_pair_step(&pair, &step);
    }
    book_pair_close(&pair);
}

/* -- Playing. ---------------------------------------------------------------------------------- */

static void log_write(const char *whose, const struct book_log *log, uint32_t reason, FILE *file)
{
    const char *name = mr_catalog_reason_name(mr_logic_book.catalog, reason);
    fprintf(file, "%s: %s, %u reports\n", whose, reason == 0 ? "done" : name, log->count);
    for (uint32_t i = 0; i < log->count; i++) {
        union mr_book_report body = log->reports[i].report;
        uint8_t type = body.any.type;
        body.any.type = 0; /* it stands in the padding */
        fuzz_event_write(&fuzz_book, type, &body, file);
    }
}

static bool play(const struct fuzz_script *script, FILE *file)
{
    struct book_pair pair;
    uint32_t at = 0;
    bool same = true;
    book_pair_open(&pair, script->setting, false);
    while (at < script->count && same) {
        const struct book_step step = step_of(&script->commands[at].header);
        same = book_pair_step(&pair, &step);
        at += same ? 1 : 0;
    }
    same = same && book_pair_check(&pair);
    if (!same && file != NULL) {
        fprintf(file, "error: the books differ at command %u: %s\n", at + 1, pair.flaw);
        log_write("the naive book", &pair.naive_log, pair.naive_reason, file);
        log_write("the real book", &pair.log, pair.reason, file);
    }
    book_pair_close(&pair);
    return same;
}

const struct fuzz_logic fuzz_book = {
    .logic = &mr_logic_book,
    .name = "book",
    .sessions = PAIR_SESSIONS,
    .requests_written = true,
    .setting = &setting_message,
    .setting_size = sizeof(struct book_setting),
    .config_offset = offsetof(struct book_setting, config),
    .setting_plain = setting_plain,
    .sender_plain = sender_plain,
    .make = make,
    .play = play,
};
