/*
 * Clients: each has a session and numbers its requests. Mostly they behave; now and then they send
 * again, skip numbers, come too late, claim a role that is not theirs, or send nonsense.
 */
#include "tests/simulator/world.h"

#include "base/digest.h"
#include "base/limits.h"

enum {
    COUNTING_BATCH = 4096,
    SESSION_GAP = 3,
    BULK_MAX = 1500, /* below two megabytes */
    PATIENCE = 120,  /* steps until a session ought to be open */
};

/* The largest command that a client makes up. */
union made {
    struct mr_command header;
    unsigned char bytes[TILL_COMMAND_MAX];
};

void clients_init(struct world *world)
{
    world->client_count = world->wish.counts ? 1 : 1 + (uint32_t)draw(world, CLIENTS_MAX);
    world->next_session = 1 + draw(world, 100);
    for (uint32_t i = 0; i < world->client_count; i++) {
        world->clients[i].role =
            i > 0 && chance(world, 1, 3) ? (uint8_t)MR_ROLE_OPERATOR : (uint8_t)MR_ROLE_USER;
        world->clients[i].at.next_request = 1;
    }
}

/* -- What was sent and accepted. --------------------------------------------------------------- */

static void sent_reserve(struct sent *sent, uint64_t count, size_t bytes)
{
    if (sent->room - sent->used < bytes) {
        sent->room = (sent->room + bytes) * 2;
        sent->bytes = realloc(sent->bytes, sent->room);
    }
    if (sent->item_room - sent->count < count) {
        sent->item_room = (sent->item_room + count) * 2;
        sent->items = realloc(sent->items, sent->item_room * sizeof *sent->items);
    }
    ASSERT(sent->bytes != NULL && sent->items != NULL);
}

void clients_begin_life(struct world *world)
{
    world->sent.used = 0;
    world->sent.count = 0;
    /* An empty journal's first ticket is that of genesis. */
    world->sent.first_ticket = world->oracle.sequence == 0 ? 1 : 0;
    world->durable_ticket = world->sent.first_ticket;
    world->life_commands = 0;
    /* Who finds that its session is gone mostly opens another one. */
    for (uint32_t i = 0; i < world->client_count; i++) {
        struct client *client = &world->clients[i];
        if (oracle_session(&world->oracle, client->at.session) == NULL &&
            (world->wish.counts || chance(world, 3, 4))) {
            client->at.session = 0;
        }
    }
}

/* Is there a switch to a version of the logic that this program does not carry? */
static bool asks_for_unknown(const struct world *world, const struct mr_command *const *commands,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct mr_logic_upgrade *body = mr_command_body(commands[i]);
        if (commands[i]->type != MR_COMMAND_LOGIC_UPGRADE ||
            commands[i]->length < sizeof *commands[i] + sizeof *body) {
            continue;
        }
        const struct mr_logic *to = mr_logic_version(world->options.logic, body->to_version);
        if (to == NULL || to->layout_version != body->to_layout) {
            return true;
        }
    }
    return false;
}

/* Submits the `count` commands that lie behind what was sent so far. */
static bool submit(struct world *world, uint32_t count, const size_t *offsets, size_t end)
{
    struct sent *sent = &world->sent;
    static const struct mr_command *pointers[MR_BATCH_COMMANDS_MAX];
    for (uint32_t i = 0; i < count; i++) {
        struct mr_command *command = (struct mr_command *)(void *)(sent->bytes + offsets[i]);
        command->more =
            !world->wish.counts && chance(world, 1, 4); /* that is not a client's to say */
        pointers[i] = command;
    }
    uint64_t ticket = 0;
    struct mr_future *futures = !world->wish.counts && count <= BATCH_MAX && chance(world, 1, 3)
                                    ? watch_promise(world, count)
                                    : NULL;
    int status;
    if (futures != NULL) {
        status = count == 1 ? mr_engine_call(world->engine, pointers[0], futures)
                            : mr_engine_call_batch(world->engine, pointers, count, futures);
        ticket = futures->ticket;
    } else {
        status = count == 1 ? mr_engine_submit(world->engine, pointers[0], &ticket)
                            : mr_engine_submit_batch(world->engine, pointers, count, &ticket);
    }
    struct mr_digest digest = {0};
    if (world->wish.trace != NULL) {
        digest = mr_digest_of(sent->bytes + sent->used, end - sent->used);
    }
    TRACE(world, "submit %u (%016llx): session %llu, request %llu, type %u%s: %d, ticket %llu",
          count, (unsigned long long)digest.low, (unsigned long long)pointers[0]->session,
          (unsigned long long)pointers[0]->request, pointers[0]->type,
          futures != NULL ? ", with futures" : "", status, (unsigned long long)ticket);
    process_look(world); /* it may have failed in the very step that called us */
    if (status != MR_OK) {
        bool busy = status == MR_AGAIN && !world->failed;
        if (futures != NULL) {
            watch_take_back(world, futures);
            busy |= status == MR_E_LIMIT && count > world->options.futures_max;
        }
        CHECK(world,
              busy || (status == MR_E_FENCED && world->failed) ||
                  (status == MR_E_VERSION && asks_for_unknown(world, pointers, count)),
              "submit: %s", mr_status_text(status));
        world->tally.busy += busy;
        return false;
    }
    CHECK(world, !world->failed, "a failed engine accepted a command");
    uint64_t first = sent->first_ticket + sent->count;
    CHECK(world, ticket == first, "ticket %llu instead of %llu", (unsigned long long)ticket,
          (unsigned long long)first);
    for (uint32_t i = 0; i < count; i++) {
        sent->items[sent->count++] = (struct sent_command){
            .offset = offsets[i], .batch_begin = first, .batch_end = first + count};
    }
    sent->used = end;
    world->life_commands += count;
    world->tally.batches += count > 1;
    return true;
}

/* -- Making commands up. ----------------------------------------------------------------------- */

static void *begin_command(union made *made, uint16_t type, uint32_t body_size)
{
    uint32_t length = (uint32_t)sizeof made->header + body_size;
    memset(made->bytes, 0, length);
    made->header.length = length;
    made->header.type = type;
    return made->bytes + sizeof made->header;
}

static void make_move(struct world *world, union made *made)
{
    struct till_move *move = begin_command(made, TILL_MOVE, sizeof *move);
    move->amount = (int64_t)draw(world, 100) - 40;
    move->account = draw(world, world->oracle.accounts_max + (uint64_t)chance(world, 1, 20));
    if (chance(world, 1, 8)) {
        move->burst = (uint32_t)draw(world, world->oracle.burst_max + 1);
    }
    if (chance(world, 1, 12)) {
        move->turns = (uint32_t)draw(world, TILL_TURNS_MAX + 2);
    }
    if (world->timely ? chance(world, 3, 4) : chance(world, 1, 5)) {
        bool far = world->timely || chance(world, 1, 4);
        move->delay_ns = 1 + draw(world, far ? 100000 : 3000);
        move->repeat = (uint32_t)draw(world, TILL_REPEATS_MAX + 1);
    }
    if (chance(world, 1, 6)) {
        /* What the account has had as of the last recovery, or about that. */
        const struct oracle_account *account =
            &world->oracle.accounts[move->account % TILL_ACCOUNTS_MAX];
        move->expected = chance(world, 1, 6)
                             ? MR_EXPECT_NEW
                             : account->stream.count + draw(world, 3) - draw(world, 2);
    }
}

static void make_note(struct world *world, union made *made)
{
    uint32_t tail = 8 * (uint32_t)draw(world, chance(world, 1, 4) ? 110 : 4);
    struct till_note *note = begin_command(made, TILL_NOTE, (uint32_t)sizeof *note + tail);
    note->account = draw(world, 8);
    memset(note + 1, (int)draw(world, 256), tail);
}

static void make_open(struct world *world, union made *made, struct client *client)
{
    struct mr_session_open *open = begin_command(made, MR_COMMAND_SESSION_OPEN, sizeof *open);
    if (client->at.session == 0 || chance(world, 1, 10)) {
        client->at.session = world->next_session;
        client->at.asked_at = world->step;
        client->at.next_request = 1;
        client->at.recent_count = 0;
        world->next_session += 1 + draw(world, SESSION_GAP);
    }
    open->new_session =
        chance(world, 1, 12) ? draw(world, world->next_session) : client->at.session;
    open->new_role = chance(world, 1, 60) ? (uint8_t)draw(world, 4) : client->role;
    open->fingerprint[3] = (uint8_t)draw(world, 256);
}

static void make_close(struct world *world, union made *made, const struct client *client)
{
    struct mr_session_close *close = begin_command(made, MR_COMMAND_SESSION_CLOSE, sizeof *close);
    close->closed_session =
        chance(world, 2, 3) ? client->at.session : draw(world, world->next_session + 1);
}

static void make_nonsense(struct world *world, union made *made)
{
    switch (draw(world, 5)) {
    case 0:
        made->header.type = (uint16_t)draw(world, 80);
        if (made->header.type == MR_COMMAND_LOGIC_UPGRADE && made->header.session == 0) {
            made->header.type = 0; /* that would make sense */
        }
        break;
    case 1:
        made->header.version = (uint8_t)(draw(world, 3) & MR_COMMAND_VERSION_MAX);
        break;
    case 2:
        made->header.role = (uint8_t)draw(world, 4);
        break;
    case 3:
        made->header.session = draw(world, world->next_session + 3) + 1;
        break;
    default:
        if (made->header.length > sizeof made->header) {
            made->header.length -= 8;
        }
        break;
    }
}

/* A command that this client sent lately, as it was. */
static bool make_again(struct world *world, union made *made, const struct client *client)
{
    if (client->at.recent_count == 0) {
        return false;
    }
    uint32_t back = (uint32_t)draw(world, 1U << draw(world, 7));
    uint32_t at = client->at.recent_count > back ? client->at.recent_count - 1 - back : 0;
    const uint64_t *recent = client->recent[at % RECENT_MAX];
    if (client->at.recent_count - at > RECENT_MAX) {
        return false;
    }
    memcpy(made->bytes, recent, ((const struct mr_command *)(const void *)recent)->length);
    return true;
}

static void make_new(struct world *world, union made *made, struct client *client)
{
    bool operates = client->role == MR_ROLE_OPERATOR;
    uint64_t what = draw(world, 100);
    if (what < 8) {
        struct till_cancel *cancel = begin_command(made, TILL_CANCEL, sizeof *cancel);
        cancel->account = draw(world, world->oracle.accounts_max);
    } else if (what < 18) {
        make_note(world, made);
    } else if (what < 22 && (operates || chance(world, 1, 10))) {
        struct till_fee *fee = begin_command(made, TILL_FEE, sizeof *fee);
        fee->fee = draw(world, 4);
    } else if (what < 26 && operates) {
        make_open(world, made, &world->clients[draw(world, world->client_count)]);
    } else if (what == 26 && chance(world, 1, 3)) {
        make_close(world, made, client);
    } else {
        make_move(world, made);
    }
}

/* Gives a command its session and number. */
static void number(struct world *world, union made *made, struct client *client)
{
    struct mr_command *header = &made->header;
    header->session = client->at.session;
    /* What is not its own to send, it sends mostly under a role that is not its own. */
    bool claims = header->type == TILL_FEE || header->type == MR_COMMAND_SESSION_OPEN
                      ? client->role == MR_ROLE_USER && chance(world, 3, 4)
                      : chance(world, 1, 60);
    header->role =
        claims ? (uint8_t)(MR_ROLE_OPERATOR + MR_ROLE_USER - client->role) : client->role;
    header->correlation = draw(world, 1000);
    if (chance(world, 1, 25)) {
        client->at.next_request += draw(world, 5); /* gaps are allowed */
    }
    if (chance(world, 1, 40)) {
        header->request = draw(world, client->at.next_request); /* not new any more */
        return;
    }
    header->request = client->at.next_request++;
    if (header->length <= RECENT_BYTES) {
        memcpy(client->recent[client->at.recent_count++ % RECENT_MAX], made->bytes, header->length);
    }
}

/* A switch to a newer version of the logic, or to an older one, or to one that is not carried. */
static void make_upgrade(struct world *world, union made *made)
{
    struct mr_logic_upgrade *to = begin_command(made, MR_COMMAND_LOGIC_UPGRADE, sizeof *to);
    to->to_version = 1 + (uint32_t)draw(world, world->options.logic->version);
    to->to_layout = till_layout(to->to_version);
    if (chance(world, 1, 20)) {
        to->to_version += 4; /* which nobody carries */
    }
    made->header.role = MR_ROLE_SYSTEM;
}

/* What the engine or an operator may send: sessions come and go. */
static void make_system(struct world *world, union made *made, struct client *client)
{
    if (chance(world, 1, 4)) {
        /* Mostly one that nobody uses any more. */
        struct mr_session_close *close =
            begin_command(made, MR_COMMAND_SESSION_CLOSE, sizeof *close);
        close->closed_session = draw(world, world->next_session);
    } else {
        make_open(world, made, client);
    }
    made->header.role = MR_ROLE_SYSTEM;
    made->header.request = draw(world, 1000);
}

/* Who is not known any more, or never was, mostly opens another session. */
static bool is_lost(struct world *world, const struct client *client)
{
    struct mr_session_info info;
    return world->step > client->at.asked_at + PATIENCE &&
           !mr_image_session(mr_engine_image(world->engine), client->at.session, &info) &&
           chance(world, 3, 4);
}

static void make(struct world *world, union made *made)
{
    struct client *client = &world->clients[draw(world, world->client_count)];
    if (is_lost(world, client)) {
        client->at.session = 0;
    }
    if (chance(world, 1, world->oracle.next_version < world->options.logic->version ? 30 : 200)) {
        make_upgrade(world, made);
        return;
    }
    if (client->at.session == 0 || chance(world, 1, 50)) {
        make_system(world, made, client);
    } else if (!chance(world, 1, 10) || !make_again(world, made, client)) {
        make_new(world, made, client);
        number(world, made, client);
    }
    if (chance(world, 1, 40)) {
        make_nonsense(world, made);
    }
}

/* -- Sending. ---------------------------------------------------------------------------------- */

/* The counter's one client sends batch after batch. */
static void submit_counting(struct world *world)
{
    static size_t offsets[COUNTING_BATCH];
    struct client *client = &world->clients[0];
    struct sent *sent = &world->sent;
    if (client->at.session == 0) {
        union made made;
        sent_reserve(sent, 1, sizeof made);
        struct mr_session_open *open = begin_command(&made, MR_COMMAND_SESSION_OPEN, sizeof *open);
        open->new_session = client->at.session = world->next_session++;
        open->new_role = client->role;
        made.header.role = MR_ROLE_SYSTEM;
        client->at.next_request = 1;
        offsets[0] = sent->used;
        memcpy(sent->bytes + sent->used, made.bytes, made.header.length);
        if (!submit(world, 1, offsets, sent->used + made.header.length)) {
            client->at.session = 0;
        }
        return;
    }
    const size_t size = sizeof(struct mr_command) + sizeof(struct counter_add);
    uint32_t count =
        chance(world, 1, 8) ? 1 + (uint32_t)draw(world, COUNTING_BATCH) : COUNTING_BATCH;
    sent_reserve(sent, count, count * size);
    uint64_t request = client->at.next_request;
    for (uint32_t i = 0; i < count; i++) {
        offsets[i] = sent->used + i * size;
        struct mr_command *command = (struct mr_command *)(void *)(sent->bytes + offsets[i]);
        *command = (struct mr_command){.length = (uint32_t)size,
                                       .type = COUNTER_ADD,
                                       .role = client->role,
                                       .session = client->at.session,
                                       .request = request + i};
        *(int64_t *)mr_command_body_mutable(command) = (int64_t)(i % 1000) - 100;
    }
    if (submit(world, count, offsets, sent->used + count * size)) {
        client->at.next_request = request + count;
    }
}

/* So much at once that segments fill up. */
static void submit_bulk(struct world *world)
{
    static size_t offsets[BULK_MAX];
    struct client *client = &world->clients[draw(world, world->client_count)];
    struct client_place before = client->at;
    uint32_t count = 1 + (uint32_t)draw(world, BULK_MAX);
    struct sent *sent = &world->sent;
    sent_reserve(sent, count, count * sizeof(union made));
    size_t end = sent->used;
    for (uint32_t i = 0; i < count; i++) {
        union made *made = (union made *)(void *)(sent->bytes + end);
        uint32_t tail = TILL_COMMAND_MAX - MR_COMMAND_HEADER - (uint32_t)sizeof(struct till_note);
        memset(begin_command(made, TILL_NOTE, (uint32_t)sizeof(struct till_note) + tail), (int)i,
               64);
        made->header.session = client->at.session;
        made->header.role = client->role;
        made->header.request = client->at.next_request++;
        offsets[i] = end;
        end += made->header.length;
    }
    if (!submit(world, count, offsets, end)) {
        client->at = before;
    }
}

void clients_submit(struct world *world)
{
    if (world->wish.counts) {
        submit_counting(world);
        return;
    }
    if (world->bulky && chance(world, 1, 12)) {
        submit_bulk(world);
        return;
    }
    uint32_t count = 1;
    if (chance(world, 1, 3)) {
        count = 1 + (uint32_t)draw(world, BATCH_MAX);
    }
    size_t offsets[BATCH_MAX];
    struct sent *sent = &world->sent;
    sent_reserve(sent, count, count * sizeof(union made));
    size_t end = sent->used;
    struct client_place before[CLIENTS_MAX];
    for (uint32_t i = 0; i < world->client_count; i++) {
        before[i] = world->clients[i].at;
    }
    for (uint32_t i = 0; i < count; i++) {
        union made made;
        make(world, &made);
        if (world->options.clock_kind == MR_CLOCK_INPUT) {
            made.header.time_ns = world->now_ns - draw(world, 100);
        }
        offsets[i] = end;
        memcpy(sent->bytes + end, made.bytes, made.header.length);
        end += made.header.length;
    }
    if (!submit(world, count, offsets, end)) {
        for (uint32_t i = 0; i < world->client_count; i++) {
            world->clients[i].at = before[i];
        }
    }
}

void clients_execute(struct world *world)
{
    struct sent *sent = &world->sent;
    sent_reserve(sent, 1, sizeof(union made));
    union made *made = (union made *)(void *)(sent->bytes + sent->used);
    make(world, made);
    const struct mr_command *command[] = {&made->header};
    if (world->options.clock_kind == MR_CLOCK_INPUT) {
        made->header.time_ns = world->now_ns;
    }
    if (asks_for_unknown(world, command, 1)) {
        return;
    }
    const struct mr_engine_handlers handlers = watch_into(&world->polled);
    struct mr_answer answer = {0};
    struct mr_error error = {0};
    uint64_t ticket = sent->first_ticket + sent->count;
    size_t offset = sent->used;
    sent->items[sent->count++] =
        (struct sent_command){.offset = offset, .batch_begin = ticket, .batch_end = ticket + 1};
    sent->used += made->header.length;
    int status = mr_engine_execute(world->engine, command[0], &handlers, &answer, &error);
    TRACE(world, "executed: %d, sequence %llu, result %u", status,
          (unsigned long long)answer.sequence, answer.result);
    process_look(world);
    CHECK(world, status == MR_OK || world->failed, "cannot execute: %s", error.text);
    watch_answered(world, ticket, status, &answer);
}
