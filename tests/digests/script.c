#include "tests/digests/script.h"

#include "tests/digests/alarms.h"
#include "tests/digests/ledger_script.h"

#include <millrace/book.h>
#include <millrace/common.h>

const struct mr_logic *const script_logics[] = {&mr_logic_book, &alarms_logic, &mr_logic_ledger,
                                                NULL};

enum { SECOND = 1000000000, ORDERS = 600, INSTRUMENTS = 3 };

void script_begin(struct script *script, const struct mr_logic *logic)
{
    __builtin_memset(script, 0, sizeof *script);
    script->logic = logic;
    script->time_ns = UINT64_C(1500000000) * SECOND;
    script->whole = logic == &mr_logic_ledger;
    script->made = 1; /* genesis */
    script->sender = script->senders;
    mr_random_init(&script->random, 20260101);
}

uint64_t script_below(struct script *script, uint64_t bound)
{
    return mr_random_below(&script->random, bound);
}

struct mr_command *script_command(void *room, uint16_t type, size_t body_size)
{
    __builtin_memset(room, 0, SCRIPT_COMMAND_SIZE);
    struct mr_command *command = room;
    command->length = MR_COMMAND_HEADER + (uint32_t)body_size;
    command->type = type;
    return command;
}

const struct mr_command *script_genesis(const struct script *script, void *room)
{
    const struct mr_logic *logic = script->logic;
    size_t config_size = logic->config == NULL ? 0 : logic->config->size;
    struct mr_command *command =
        script_command(room, MR_COMMAND_GENESIS, sizeof(struct mr_genesis) + config_size);
    struct mr_genesis *genesis = mr_command_body_mutable(command);
    for (size_t i = 0; logic->name[i] != '\0'; i++) {
        genesis->logic[i] = logic->name[i];
    }
    genesis->journal[0] = 1;
    genesis->logic_version = logic->version;
    genesis->layout_version = logic->layout_version;
    genesis->sessions_max = 3 * SCRIPT_SENDERS;
    genesis->answers_max = 16;
    genesis->timers_max = 40;
    genesis->session_idle_ns = UINT64_C(2) * SECOND;
    genesis->config_size = (uint32_t)config_size;
    genesis->clock = MR_CLOCK_INPUT;
    command->role = MR_ROLE_SYSTEM;
    command->time_ns = script->time_ns;
    if (logic == &mr_logic_book) {
        struct mr_book_config *config = (struct mr_book_config *)(void *)(genesis + 1);
        logic->config_default(config);
        config->instruments_max = INSTRUMENTS;
        config->orders_max = ORDERS / 2;
        config->levels_max = 64;
        config->fills_max = 8;
    } else if (logic == &mr_logic_ledger) {
        ledger_script_config(genesis + 1);
    }
    return command;
}

/* -- Sessions. --------------------------------------------------------------------------------- */

static void open_session(struct script *script, void *room)
{
    struct script_sender *sender = &script->senders[script_below(script, SCRIPT_SENDERS)];
    struct mr_command *command =
        script_command(room, MR_COMMAND_SESSION_OPEN, sizeof(struct mr_session_open));
    struct mr_session_open *body = mr_command_body_mutable(command);
    command->role = MR_ROLE_SYSTEM;
    body->new_session = ++script->last_session;
    /* One of them is an operator. */
    body->new_role = sender == script->senders ? MR_ROLE_OPERATOR : MR_ROLE_USER;
    *sender = (struct script_sender){.session = body->new_session, .role = body->new_role};
}

static void close_session(struct script *script, void *room)
{
    struct mr_command *command =
        script_command(room, MR_COMMAND_SESSION_CLOSE, sizeof(struct mr_session_close));
    struct mr_session_close *body = mr_command_body_mutable(command);
    command->role = MR_ROLE_SYSTEM;
    body->closed_session = script->senders[script_below(script, SCRIPT_SENDERS)].session;
}

/* Sends it: mostly as a next request, sometimes again, sometimes in a role that is not the
 * session's. */
static void send(struct script *script, struct script_sender *sender, struct mr_command *command)
{
    command->session = sender->session;
    command->role = script_below(script, 40) == 0 ? MR_ROLE_OPERATOR : sender->role;
    command->correlation = script_below(script, 1 << 20);
    uint64_t chance = script_below(script, 32);
    if (chance == 0 && sender->request > 0) {
        command->request = 1 + script_below(script, sender->request);
    } else if (chance == 1 && sender->request > 0) {
        command->request = sender->request;
    } else {
        command->request = sender->request += 1 + script_below(script, 2);
    }
}

/* -- The book. --------------------------------------------------------------------------------- */

/* Defines an instrument, or fails to because it is there. */
static void define(struct script *script, void *room)
{
    struct mr_command *command =
        script_command(room, MR_BOOK_INSTRUMENT_DEFINE, sizeof(struct mr_book_instrument_define));
    struct mr_book_instrument_define *body = mr_command_body_mutable(command);
    body->symbol[0] = 'X';
    body->price_min = -20;
    body->price_max = 60;
    body->quantity_max = 1000;
    body->instrument = 1 + (uint32_t)script_below(script, INSTRUMENTS + 1);
}

static void order_new(struct script *script, void *room)
{
    struct mr_book_order_new *body = mr_command_body_mutable(
        script_command(room, MR_BOOK_ORDER_NEW, sizeof(struct mr_book_order_new)));
    body->order = script_below(script, ORDERS);
    body->account = script_below(script, 50);
    body->price = (int64_t)script_below(script, 83) - 21;
    body->quantity = script_below(script, 40);
    body->instrument = 1 + (uint32_t)script_below(script, INSTRUMENTS);
    body->side = (uint8_t)script_below(script, 2);
    body->kind = script_below(script, 8) == 0;
    body->tif = (uint8_t)(script_below(script, 4) == 0 ? script_below(script, 4) : 0);
}

static void order_cancel(struct script *script, void *room)
{
    struct mr_book_order_cancel *body = mr_command_body_mutable(
        script_command(room, MR_BOOK_ORDER_CANCEL, sizeof(struct mr_book_order_cancel)));
    body->order = script_below(script, ORDERS);
    body->instrument = 1 + (uint32_t)script_below(script, INSTRUMENTS);
}

static void order_replace(struct script *script, void *room)
{
    struct mr_book_order_replace *body = mr_command_body_mutable(
        script_command(room, MR_BOOK_ORDER_REPLACE, sizeof(struct mr_book_order_replace)));
    body->order = script_below(script, ORDERS);
    body->price = (int64_t)script_below(script, 80) - 20;
    body->quantity = script_below(script, 60);
    body->instrument = 1 + (uint32_t)script_below(script, INSTRUMENTS);
    body->basis = (uint8_t)script_below(script, 2);
}

static void book_command(struct script *script, void *room)
{
    uint64_t chance = script_below(script, 100);
    if (chance < 60) {
        order_new(script, room);
    } else if (chance < 80) {
        order_cancel(script, room);
    } else {
        order_replace(script, room);
    }
}

/* -- The alarms. ------------------------------------------------------------------------------- */

static void alarm_command(struct script *script, void *room)
{
    uint64_t chance = script_below(script, 100);
    if (chance < 70) {
        struct alarm_set *set =
            mr_command_body_mutable(script_command(room, ALARM_SET, sizeof(struct alarm_set)));
        set->alarm = script_below(script, ALARMS + 2);
        set->in_ns = script_below(script, 40000000);
        set->rings = (uint32_t)script_below(script, 30);
        uint64_t version = script_below(script, 40);
        set->expected = version == 0 ? MR_EXPECT_NEW : version == 1 ? script_below(script, 500) : 0;
    } else if (chance < 95) {
        struct alarm_cancel *cancel = mr_command_body_mutable(
            script_command(room, ALARM_CANCEL, sizeof(struct alarm_cancel)));
        cancel->alarm = script_below(script, ALARMS + 2);
    } else {
        struct alarm_count *count =
            mr_command_body_mutable(script_command(room, ALARM_COUNT, sizeof(struct alarm_count)));
        count->events = (uint32_t)script_below(script, 100);
    }
}

/* -- All together. ----------------------------------------------------------------------------- */

/* What a sender sends. The first one is an operator. A batch is of one sender, mostly. */
static void sent(struct script *script, void *room)
{
    struct script_sender *sender = &script->senders[script_below(script, SCRIPT_SENDERS)];
    if (script->logic == &mr_logic_ledger) {
        sender = script_below(script, 50) == 0 ? sender : script->sender;
        ledger_script_command(script, room);
    } else if (script->logic != &mr_logic_book) {
        alarm_command(script, room);
    } else if (sender == script->senders && script_below(script, 4) == 0) {
        define(script, room);
    } else {
        book_command(script, room);
    }
    send(script, sender, room);
}

/* Lines are about whole batches. */
static void begin_batch(struct script *script)
{
    uint32_t max = SCRIPT_EVERY - script->made % SCRIPT_EVERY;
    uint64_t count = 1 + script_below(script, script_below(script, 4) == 0 ? SCRIPT_BATCH_MAX : 4);
    script->left = count < max ? (uint32_t)count : max;
    script->imported = script_below(script, 20) == 0;
    script->sender = &script->senders[script_below(script, SCRIPT_SENDERS)];
}

/* Mostly a little later; now and then by as much as lets sessions expire. */
static void let_time_pass(struct script *script)
{
    uint64_t chance = script_below(script, 100);
    script->time_ns +=
        chance == 0 ? script_below(script, UINT64_C(3) * SECOND) : script_below(script, 60000000);
}

const struct mr_command *script_next(struct script *script, void *room)
{
    if (script->left == 0) {
        let_time_pass(script);
        begin_batch(script);
    }
    uint64_t what = script_below(script, 200);
    if (what < 5) {
        open_session(script, room);
    } else if (what == 5) {
        close_session(script, room);
    } else {
        sent(script, room);
    }
    struct mr_command *command = room;
    command->time_ns = script->time_ns;
    script->made++;
    command->more = --script->left > 0;
    return command;
}

/* -- Lines. ------------------------------------------------------------------------------------ */

static size_t put_text(char *line, size_t at, const char *text)
{
    while (*text != '\0') {
        line[at++] = *text++;
    }
    return at;
}

static size_t put_number(char *line, size_t at, uint64_t number)
{
    size_t digits = 1;
    for (uint64_t rest = number; rest >= 10; rest /= 10) {
        digits++;
    }
    for (size_t i = digits; i > 0; i--, number /= 10) {
        line[at + i - 1] = (char)('0' + number % 10);
    }
    return at + digits;
}

static size_t put_half(char *line, size_t at, uint64_t half)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        line[at++] = "0123456789abcdef"[half >> shift & 15];
    }
    return at;
}

size_t script_line(const struct script *script, uint64_t sequence, struct mr_digest state,
                   struct mr_digest events, char line[SCRIPT_LINE_SIZE])
{
    size_t at = put_text(line, 0, script->logic->name);
    at = put_number(line, put_text(line, at, " "), sequence);
    at = put_half(line, put_half(line, put_text(line, at, " state "), state.high), state.low);
    at = put_half(line, put_half(line, put_text(line, at, " events "), events.high), events.low);
    return put_text(line, at, "\n");
}
