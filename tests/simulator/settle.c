/*
 * Settling the books: the journal's commands against what was sent, and what came out against what
 * the oracle says.
 */
#include "tests/simulator/world.h"

#include <millrace/journal.h>

/* -- The journal's commands. ------------------------------------------------------------------- */

/* How far the walk over the commands of a life has come. */
struct walk {
    struct world *world;
    uint64_t ticket; /* the next one */
    uint64_t stamp;  /* the step of the sequencer at hand, */
    uint64_t taken;  /* and how many of its commands have been seen */
    uint64_t reply;  /* the next query's reply to look at */
};

/* What the clock said when the next command got its time. */
static uint64_t clock_of_next(struct walk *walk)
{
    const struct world *world = walk->world;
    while (walk->stamp < world->stamp_count && walk->taken == world->stamps[walk->stamp].commands) {
        walk->stamp++;
        walk->taken = 0;
    }
    walk->taken++;
    /* What stop sequences is in no step of ours. */
    return walk->stamp < world->stamp_count ? world->stamps[walk->stamp].now_ns : world->now_ns;
}

/* `own_ns` is what the command brought along, 0 when the engine made it. */
static void check_time(struct walk *walk, const struct mr_command *command, uint64_t own_ns)
{
    const struct world *world = walk->world;
    uint64_t clock = clock_of_next(walk);
    clock = world->options.clock_kind == MR_CLOCK_INPUT ? own_ns : clock;
    uint64_t time_ns = clock > world->oracle.time_ns ? clock : world->oracle.time_ns;
    CHECK(world, command->time_ns == time_ns,
          "sequence %llu has time %llu; the clock said %llu, the command before it had %llu",
          (unsigned long long)command->sequence, (unsigned long long)command->time_ns,
          (unsigned long long)clock, (unsigned long long)world->oracle.time_ns);
}

static const struct mr_command *sent_command(const struct world *world, uint64_t ticket)
{
    const struct sent *sent = &world->sent;
    uint64_t at = ticket - sent->first_ticket;
    return at < sent->count
               ? (const struct mr_command *)(const void *)(sent->bytes + sent->items[at].offset)
               : NULL;
}

static bool is_sent(const struct world *world, const struct mr_command *command, uint64_t ticket)
{
    const struct mr_command *own = sent_command(world, ticket);
    if (own == NULL) {
        return false;
    }
    struct mr_command head = *command;
    head.sequence = own->sequence;
    head.time_ns = own->time_ns;
    head.more = own->more;
    return memcmp(&head, own, sizeof head) == 0 &&
           memcmp(command + 1, own + 1, command->length - sizeof head) == 0;
}

/* As it was sent; the journal has no part in it. */
static struct oracle_place place_in_batch(const struct world *world, uint64_t ticket)
{
    const struct sent_command *sent = &world->sent.items[ticket - world->sent.first_ticket];
    return (struct oracle_place){.before = (uint32_t)(ticket - sent->batch_begin),
                                 .behind = (uint32_t)(sent->batch_end - ticket - 1)};
}

/* Whatever the sender had there. */
static void check_more(const struct world *world, const struct mr_command *command,
                       struct oracle_place place)
{
    CHECK(world, (command->more != 0) == (place.behind > 0),
          "sequence %llu: more is %u, with %u commands of its batch behind it",
          (unsigned long long)command->sequence, (unsigned)command->more, place.behind);
}

static void note_answer(struct world *world, uint64_t ticket)
{
    uint64_t at = ticket - world->sent.first_ticket;
    if (at >= world->answer_room) {
        world->answer_room = world->answer_room * 2 + 1024;
        world->answers = realloc(world->answers, world->answer_room * sizeof *world->answers);
        ASSERT(world->answers != NULL);
    }
    world->answers[at] = world->oracle.answer;
    world->answer_count = at + 1;
}

/* A session's place in the image is nobody's business. */
static void hide_places(unsigned char *rows, uint32_t bytes)
{
    for (uint32_t at = 0; at < bytes;) {
        struct mr_row *row = (struct mr_row *)(void *)(rows + at);
        if (row->type == MR_ROW_SESSION) {
            ((struct mr_row_session *)(void *)(row + 1))->place = 0;
        }
        at += row->length;
    }
}

static bool is_foretold(struct oracle *oracle, const struct question *question)
{
    struct mr_reply expected;
    uint64_t rows[ROWS_BYTES / 8];
    oracle_query(oracle, &question->query.header, &expected, (unsigned char *)rows,
                 question->call.rows_size);
    return memcmp(&question->call.reply, &expected, sizeof expected) == 0 &&
           memcmp(question->rows, rows, expected.bytes) == 0;
}

/* Queries that were answered at this sequence. */
static void walk_replies(struct walk *walk)
{
    struct world *world = walk->world;
    for (; walk->reply < world->reply_count; walk->reply++) {
        struct question *question = &world->replies[walk->reply];
        const struct mr_reply *reply = &question->call.reply;
        if (reply->sequence > world->oracle.sequence) {
            return;
        }
        hide_places((unsigned char *)question->rows, reply->bytes);
        if (is_foretold(&world->oracle, question)) {
            continue;
        }
        /* Behind a switch of the logic and before the next command, either version may answer. */
        uint32_t version = world->oracle.version;
        world->oracle.version = world->oracle.next_version;
        CHECK(world, is_foretold(&world->oracle, question),
              "query %u of session %llu was answered wrongly at sequence %llu (time %llu): result "
              "%u, %u rows",
              question->query.header.type, (unsigned long long)question->query.header.session,
              (unsigned long long)reply->sequence, (unsigned long long)reply->time_ns,
              reply->result, reply->rows);
        world->oracle.version = version;
    }
}

static void walk_command(struct walk *walk, const struct mr_command *command)
{
    struct world *world = walk->world;
    uint64_t sequence = world->oracle.sequence + 1;
    walk_replies(walk);
    CHECK(world, command->sequence == sequence, "sequence %llu where %llu was expected",
          (unsigned long long)command->sequence, (unsigned long long)sequence);
    bool tick = command->type == MR_COMMAND_TICK && command->session == 0 &&
                command->length == sizeof *command;
    bool genesis = command->type == MR_COMMAND_GENESIS && sequence == 1;
    struct oracle_place place = {0};
    if (!genesis && !(tick && !is_sent(world, command, walk->ticket))) {
        CHECK(world, is_sent(world, command, walk->ticket),
              "sequence %llu (session %llu, request %llu, type %u) is not what was sent as ticket "
              "%llu",
              (unsigned long long)sequence, (unsigned long long)command->session,
              (unsigned long long)command->request, command->type,
              (unsigned long long)walk->ticket);
        place = place_in_batch(world, walk->ticket);
        /* Where time is the input's, its first command has the time of the whole batch. */
        check_time(walk, command, sent_command(world, walk->ticket - place.before)->time_ns);
        check_more(world, command, place);
        oracle_apply(&world->oracle, command, place);
        note_answer(world, walk->ticket++);
        return;
    }
    check_time(walk, command, 0);
    CHECK(world, !tick || world->options.clock_kind != MR_CLOCK_INPUT,
          "a TICK at sequence %llu, although time is the input's", (unsigned long long)sequence);
    world->tally.ticks += tick;
    check_more(world, command, place);
    oracle_apply(&world->oracle, command, place);
}

static void walk_entry(struct walk *walk, const struct mr_entry *entry)
{
    struct world *world = walk->world;
    const struct sent *sent = &world->sent;
    const unsigned char *next = mr_entry_commands(entry);
    for (uint32_t i = 0; i < entry->count; i++) {
        const struct mr_command *command = (const struct mr_command *)(const void *)next;
        next += command->length;
        if (command->sequence > world->oracle.sequence) {
            walk_command(walk, command);
        }
    }
    uint64_t last = walk->ticket - sent->first_ticket;
    CHECK(world, last == 0 || sent->items[last - 1].batch_end == walk->ticket,
          "entry %llu ends within a batch, at sequence %llu", (unsigned long long)entry->index,
          (unsigned long long)world->oracle.sequence);
}

static void walk_journal(struct walk *walk, uint64_t last_index)
{
    struct world *world = walk->world;
    struct mr_reader *reader;
    struct mr_error error = {0};
    const struct mr_reader_options options = {.last_index = last_index,
                                              .from_sequence = world->oracle.sequence + 1};
    int status = mr_reader_open(world->options.storage, &options, &reader, &error);
    CHECK(world, status == MR_OK, "cannot read the journal: %s", error.text);
    const struct mr_entry *entry;
    while ((status = mr_reader_next(reader, &entry, NULL, &error)) == MR_OK) {
        walk_entry(walk, entry);
    }
    CHECK(world, status == MR_AGAIN, "cannot read the journal: %s", error.text);
    mr_reader_close(reader);
}

/* -- What came out. ---------------------------------------------------------------------------- */

static void describe(const struct records *records, size_t at, char *text, size_t size)
{
    if (at >= records->used) {
        snprintf(text, size, "nothing");
        return;
    }
    const struct record *record = (const struct record *)(const void *)(records->bytes + at);
    if (record->kind == RECORD_EVENT) {
        const struct mr_event *event = (const struct mr_event *)(const void *)(record + 1);
        snprintf(
            text, size, "event %llu of sequence %llu, type %u, time %llu, aggregate %llu (%llu)",
            (unsigned long long)event->number, (unsigned long long)event->sequence, event->type,
            (unsigned long long)event->time_ns, (unsigned long long)event->aggregate_id,
            (unsigned long long)event->aggregate_sequence);
    } else {
        const struct mr_answer *answer = (const struct mr_answer *)(const void *)(record + 1);
        snprintf(text, size,
                 "the answer to session %llu, request %llu: sequence %llu, result %u, %u events "
                 "from %llu, duplicate %llu",
                 (unsigned long long)answer->session, (unsigned long long)answer->request,
                 (unsigned long long)answer->sequence, answer->result, answer->event_count,
                 (unsigned long long)answer->first_event, (unsigned long long)answer->duplicate);
    }
}

static size_t record_size(const struct records *records, size_t at)
{
    const struct record *record = (const struct record *)(const void *)(records->bytes + at);
    return sizeof *record + record->length;
}

/* What was seen is what the oracle foretold, from `from` on, and not more. */
static void check_seen(const struct world *world, const char *who, const struct records *seen,
                       size_t from)
{
    const struct records *expected = &world->expected;
    if (records_begin(expected, from, seen)) {
        return;
    }
    size_t at = 0;
    while (at < seen->used && from + at < expected->used &&
           record_size(seen, at) == record_size(expected, from + at) &&
           memcmp(seen->bytes + at, expected->bytes + from + at, record_size(seen, at)) == 0) {
        at += record_size(seen, at);
    }
    char got[200];
    char wanted[200];
    describe(seen, at, got, sizeof got);
    describe(expected, from + at, wanted, sizeof wanted);
    world_fail(world, "%s saw %s, where there should be %s", who, got, wanted);
}

/* A future's answer is the answer. */
static void check_futures(const struct world *world, uint64_t next_ticket)
{
    for (uint64_t i = 0; i < world->completion_count; i++) {
        const struct completion *done = &world->completions[i];
        if (done->status != MR_OK) {
            continue;
        }
        CHECK(world, done->ticket < next_ticket,
              "the future of ticket %llu was answered; the journal ends before it",
              (unsigned long long)done->ticket);
        const struct mr_answer *answer = &world->answers[done->ticket - world->sent.first_ticket];
        CHECK(world, memcmp(answer, &done->answer, sizeof *answer) == 0,
              "the future of ticket %llu was answered with sequence %llu, result %u instead of "
              "%llu, %u",
              (unsigned long long)done->ticket, (unsigned long long)done->answer.sequence,
              done->answer.result, (unsigned long long)answer->sequence, answer->result);
    }
}

static void check_followers(const struct world *world)
{
    for (uint32_t i = 0; i < world->follower_count; i++) {
        const struct follower *follower = &world->followers[i];
        CHECK(world, follower->from <= world->expected.used, "a subscriber began too late");
        check_seen(world, "a subscriber", &follower->seen, follower->from);
    }
}

static int by_sequence(const void *a, const void *b)
{
    uint64_t first = ((const struct question *)a)->call.reply.sequence;
    uint64_t second = ((const struct question *)b)->call.reply.sequence;
    return first < second ? -1 : first > second;
}

void settle(struct world *world, uint64_t last_index, uint64_t last_sequence)
{
    struct sent *sent = &world->sent;
    CHECK(world, last_sequence >= world->durable_sequence,
          "sequence %llu was durable; the journal ends at %llu",
          (unsigned long long)world->durable_sequence, (unsigned long long)last_sequence);
    records_clear(&world->expected);
    world->answer_count = 0;
    struct walk walk = {.world = world, .ticket = sent->first_ticket};
    if (world->reply_count > 1) {
        qsort(world->replies, world->reply_count, sizeof *world->replies, by_sequence);
    }
    if (last_sequence > world->oracle.sequence) {
        walk_journal(&walk, last_index);
    }
    CHECK(world, world->oracle.sequence == last_sequence, "the journal ends at %llu, not at %llu",
          (unsigned long long)world->oracle.sequence, (unsigned long long)last_sequence);
    CHECK(world, walk.ticket >= world->durable_ticket,
          "ticket %llu was durable; the journal ends with ticket %llu",
          (unsigned long long)world->durable_ticket - 1, (unsigned long long)walk.ticket - 1);
    walk_replies(&walk);
    CHECK(world, walk.reply == world->reply_count,
          "a query saw sequence %llu; the journal ends at %llu",
          (unsigned long long)world->replies[walk.reply].call.reply.sequence,
          (unsigned long long)last_sequence);
    check_seen(world, "who polls", &world->polled, 0);
    if (world->keeps_all) {
        records_append(&world->all, &world->expected);
    }
    check_followers(world);
    check_futures(world, walk.ticket);
    world->follower_count = 0;
    world->completion_count = 0;
    world->reply_count = 0;
    world->life_steps = 0;
    TRACE(world, "settled up to sequence %llu, event %llu", (unsigned long long)last_sequence,
          (unsigned long long)world->oracle.events);
    world->complete = world->polled.used == world->expected.used;
    records_clear(&world->polled);
    sent->count = 0;
    sent->used = 0;
    world->stamp_count = 0;
    world->durable_ticket = 0;
    world->durable_sequence = last_sequence;
}

/* -- The image. -------------------------------------------------------------------------------- */

static void check_session(struct world *world, const struct mr_image *image, uint64_t id)
{
    struct mr_session_info info = {0};
    bool is_there = mr_image_session(image, id, &info);
    const struct oracle_session *session = oracle_session(&world->oracle, id);
    CHECK(world, is_there == (session != NULL), "session %llu is%s open", (unsigned long long)id,
          is_there ? "" : " not");
    if (session != NULL) {
        CHECK(world,
              info.role == session->role && info.last_request == session->last_request &&
                  memcmp(info.fingerprint, session->fingerprint, sizeof info.fingerprint) == 0,
              "session %llu has come to request %llu instead of %llu, or has another role",
              (unsigned long long)id, (unsigned long long)info.last_request,
              (unsigned long long)session->last_request);
    }
}

static void check_till(struct world *world, const struct till *till)
{
    for (uint32_t i = 0; i < world->oracle.accounts_max; i++) {
        const struct oracle_account *account = &world->oracle.accounts[i];
        CHECK(world,
              till->accounts[i].balance == account->balance &&
                  till->accounts[i].stream.count == account->stream.count &&
                  till->accounts[i].stream.last == account->stream.last,
              "account %u holds %lld after %llu events instead of %lld after %llu", i,
              (long long)till->accounts[i].balance,
              (unsigned long long)till->accounts[i].stream.count, (long long)account->balance,
              (unsigned long long)account->stream.count);
    }
}

void settle_image(struct world *world, const struct mr_image *image, const struct mr_logic *logic)
{
    const struct oracle *oracle = &world->oracle;
    const struct mr_image_status status = mr_image_status_get(image);
    CHECK(world,
          status.sequence == oracle->sequence && status.time_ns == oracle->time_ns &&
              status.events == oracle->events && status.rejects == oracle->rejects,
          "the image is at sequence %llu, time %llu, with %llu events and %llu rejects, instead of "
          "%llu, %llu, %llu, %llu",
          (unsigned long long)status.sequence, (unsigned long long)status.time_ns,
          (unsigned long long)status.events, (unsigned long long)status.rejects,
          (unsigned long long)oracle->sequence, (unsigned long long)oracle->time_ns,
          (unsigned long long)oracle->events, (unsigned long long)oracle->rejects);
    CHECK(world, mr_image_check(image, logic), "the image is not sound");
    CHECK(world, mr_image_next_timer(image) == oracle_next_due(oracle),
          "the next timer is due at %llu instead of %llu",
          (unsigned long long)mr_image_next_timer(image),
          (unsigned long long)oracle_next_due(oracle));
    for (uint64_t id = 1; id <= world->next_session; id++) {
        check_session(world, image, id);
    }
    const void *state = mr_image_state(image);
    if (oracle->counts) {
        CHECK(world, ((const struct counter *)state)->total == oracle->total,
              "the counter counts wrong");
    } else if (status.logic_version == 1) {
        check_till(world, state);
    } else {
        const struct till4 *last = state;
        const struct till2 *till = status.logic_version < 4 ? state : &last->till2;
        check_till(world, &till->till);
        CHECK(world, till->fee == oracle->fee && till->fees == oracle->fees,
              "%llu was taken in fees instead of %llu", (unsigned long long)till->fees,
              (unsigned long long)oracle->fees);
        /* A switch that is the journal's last command shows in the image, not yet in the oracle. */
        CHECK(world,
              status.logic_version < 4 || oracle->version < 4 ||
                  last->fees_before == oracle->fees_before,
              "%llu was taken in fees before version 4 instead of %llu",
              (unsigned long long)last->fees_before, (unsigned long long)oracle->fees_before);
    }
    CHECK(world, status.logic_version == oracle->next_version,
          "version %u of the logic applies instead of %u", status.logic_version,
          oracle->next_version);
}
