#include "tests/core/ledger_script.h"

#include "tests/core/ledger_random.h"

#include <string.h>

/* -- Settings and senders. --------------------------------------------------------------------- */

#define LEDGER_ODDITY_NAME(constant, name) #name,
static const char *const oddities[] = {LEDGER_ODDITIES(LEDGER_ODDITY_NAME)};

static const struct mr_field setting_fields[] = {
    {offsetof(struct ledger_setting, in_image), sizeof(bool), MR_FIELD_enum8, false, &fuzz_bool,
     "in_image", "", "whether the ledger is the logic of an image"},
    {offsetof(struct ledger_setting, before_wrap), sizeof(uint32_t), MR_FIELD_u32, false, NULL,
     "before_wrap", "ordinals", "that are left before they begin again"},
};

static const struct mr_message setting_message = {
    .name = "setting", .fields = setting_fields, .field_count = 2};

static void setting_plain(void *memory)
{
    struct ledger_setting *setting = memory;
    mr_logic_ledger.config_default(&setting->config);
    setting->config.accounts_max = setting->config.transfers_max = 1000;
    setting->config.pending_max = setting->config.history_max = 1000;
    setting->config.ledgers_max = 16;
}

static void sender_plain(const void *setting, struct mr_command *command)
{
    (void)setting;
    command->session = 1;
    command->role = MR_ROLE_USER; /* which the text form takes for granted */
}

/* -- Steps. ------------------------------------------------------------------------------------ */

static void step_add(struct fuzz_script *script, const struct ledger_step *step)
{
    const struct mr_command header = {.type = step->type,
                                      .more = step->more,
                                      .role = step->session == 0 ? MR_ROLE_SYSTEM : MR_ROLE_USER,
                                      .time_ns = step->time_ns,
                                      .session = step->session};
    fuzz_script_add(script, &header, &step->transfer, step->odd);
}

static struct ledger_step step_of(const struct fuzz_command *command)
{
    struct ledger_step step = {.time_ns = command->header.time_ns,
                               .type = command->header.type,
                               .session = (uint8_t)command->header.session,
                               .odd = command->odd,
                               .more = command->header.more};
    memcpy(&step.transfer, mr_command_body(&command->header), sizeof(step.transfer));
    return step;
}

static void make(struct fuzz_script *script, uint64_t seed, uint64_t commands)
{
    static struct ledger_step steps[WORLD_BATCH_MAX];
    static struct ledger_world world;
    struct ledger_pair pair;
    ledger_world_open(&world, seed);
    ledger_pair_open(&pair, &world.setting, true);
    fuzz_script_open(script, &fuzz_ledger, &world.setting);
    while (script->count < commands) {
        uint32_t count = ledger_world_batch(&world, &pair.naive, steps);
        for (uint32_t i = 0; i < count; i++)
            step_add(script, &steps[i]);
        ledger_pair_batch(&pair, steps, count);
    }
    ledger_pair_close(&pair);
}

/* -- Playing. ---------------------------------------------------------------------------------- */

/* The batch that begins with a command; returns how many steps it has. */
static uint32_t batch_of(const struct fuzz_script *script, uint32_t first,
                         struct ledger_step *steps)
{
    uint32_t count = 0;
    do {
        steps[count] = step_of(&script->commands[first + count]);
        count++;
    } while (steps[count - 1].more && count < LEDGER_STEPS_MAX && first + count < script->count);
    return count;
}

/* What one of them has created, or why it has not. */
static void result_write(const char *whose, const struct fuzz_command *command, uint32_t reason,
                         uint64_t timestamp, const void *created, FILE *file)
{
    fprintf(file, "%s: %s, timestamp %llu\n", whose,
            reason == 0 ? "created" : mr_catalog_reason_name(mr_logic_ledger.catalog, reason),
            (unsigned long long)timestamp);
    if (reason == 0 && created != NULL)
        fuzz_event_write(&fuzz_ledger,
                         command->header.type == MR_LEDGER_ACCOUNT_CREATE
                             ? MR_LEDGER_ACCOUNT_CREATED
                             : MR_LEDGER_TRANSFER_CREATED,
                         created, file);
}

/* Where they differ: in the batch that begins with command `at`, or, behind the last one, in what
 * has become of them. */
static void explain(const struct fuzz_script *script, const struct ledger_pair *pair, uint32_t at,
                    FILE *file)
{
    bool in_batch = at < script->count;
    uint32_t wrong = in_batch ? at + pair->flaw_at : script->count - 1;
    uint32_t place = in_batch ? pair->places[pair->flaw_at] : UINT32_MAX;
    fprintf(file, "error: the ledgers differ at command %u: %s\n", wrong + 1, pair->flaw);
    if (place == UINT32_MAX)
        return;
    const struct fuzz_command *command = &script->commands[wrong];
    const struct naive_result *naive = &pair->answers[place];
    const struct mr_ledger_result *real = &pair->results[place];
    result_write("the naive ledger", command, naive->reason, naive->timestamp, &naive->transfer,
                 file);
    result_write("the real ledger", command, real->reason, real->timestamp, NULL, file);
}

static bool play(const struct fuzz_script *script, FILE *file)
{
    static struct ledger_step steps[LEDGER_STEPS_MAX];
    struct ledger_pair pair;
    uint32_t at = 0;
    bool same = true;
    ledger_pair_open(&pair, script->setting, false);
    while (at < script->count && same) {
        uint32_t count = batch_of(script, at, steps);
        same = ledger_pair_batch(&pair, steps, count);
        at += same ? count : 0;
    }
    same = same && ledger_pair_check(&pair);
    if (!same && file != NULL)
        explain(script, &pair, at, file);
    ledger_pair_close(&pair);
    return same;
}

const struct fuzz_logic fuzz_ledger = {
    .logic = &mr_logic_ledger,
    .name = "ledger",
    .sessions = LEDGER_SESSIONS,
    .oddities = oddities,
    .oddity_count = LEDGER_ODDITY_COUNT,
    .setting = &setting_message,
    .setting_size = sizeof(struct ledger_setting),
    .config_offset = offsetof(struct ledger_setting, config),
    .setting_plain = setting_plain,
    .sender_plain = sender_plain,
    .make = make,
    .play = play,
};
