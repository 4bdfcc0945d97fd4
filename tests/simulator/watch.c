/*
 * Readers of all kinds: what they are given is written down, to be compared when the books are
 * settled.
 */
#include "tests/simulator/world.h"

#include "base/digest.h"

enum { POLL_MAX = 60 };

static void on_event(void *context, const struct mr_event *event)
{
    records_event(context, event);
}

static void on_answer(void *context, const struct mr_answer *answer)
{
    records_answer(context, answer);
}

struct mr_engine_handlers watch_into(struct records *records)
{
    return (struct mr_engine_handlers){.event = on_event, .answer = on_answer, .context = records};
}

/* On the apply thread, where one may send, too. */
static void called_with_event(void *context, const struct mr_event *event)
{
    struct world *world = context;
    records_event(&world->polled, event);
}

static void called_with_answer(void *context, const struct mr_answer *answer)
{
    struct world *world = context;
    records_answer(&world->polled, answer);
    if (!world->ending && !world->quiet && chance(world, 1, 20)) {
        clients_submit(world);
    }
}

void watch_choose(struct world *world)
{
    static const enum mr_output outputs[] = {MR_OUTPUT_POLL, MR_OUTPUT_POLL, MR_OUTPUT_CALLBACK,
                                             MR_OUTPUT_NONE};
    struct mr_engine_options *options = &world->options;
    options->output = world->wish.counts ? MR_OUTPUT_POLL : outputs[draw(world, 4)];
    options->handlers = (struct mr_engine_handlers){
        .event = called_with_event, .answer = called_with_answer, .context = world};
    options->futures_max = 8U << draw(world, 3);
    options->queries_max = 2U << draw(world, 3);
}

uint32_t watch_poll(struct world *world, uint32_t limit)
{
    const struct mr_engine_handlers handlers = watch_into(&world->polled);
    uint32_t took = mr_engine_poll(world->engine, &handlers, limit);
    CHECK(world, took <= limit, "polled %u instead of %u", took, limit);
    TRACE(world, "polled %u (%016llx)", took,
          (unsigned long long)mr_digest_of(world->polled.bytes, world->polled.used).low);
    return took;
}

void watch_marks(struct world *world)
{
    uint64_t durable = mr_engine_durable_sequence(world->engine);
    uint64_t applied = mr_engine_applied_sequence(world->engine);
    CHECK(world, applied <= durable, "applied %llu is above durable %llu",
          (unsigned long long)applied, (unsigned long long)durable);
    CHECK(world, durable >= world->durable_sequence, "the durable watermark fell to %llu",
          (unsigned long long)durable);
    world->durable_sequence = durable;
    uint64_t end = world->sent.first_ticket + world->sent.count;
    while (world->durable_ticket < end &&
           mr_engine_stage(world->engine, world->durable_ticket) >= MR_STAGE_DURABLE) {
        world->durable_ticket++;
    }
}

/* -- Subscribers. ------------------------------------------------------------------------------ */

/* One that begins now; all that came out so far was seen by who polls or is called. */
static void subscribe(struct world *world)
{
    bool others = world->options.output != MR_OUTPUT_NONE;
    if (world->follower_count == FOLLOWERS_MAX || (!others && world->life_steps > 0)) {
        return;
    }
    struct follower *follower = &world->followers[world->follower_count];
    if (world->options.output == MR_OUTPUT_POLL) {
        while (watch_poll(world, UINT32_MAX) > 0) {
        }
    }
    struct mr_error error = {0};
    int status = mr_engine_subscribe(world->engine, &follower->subscriber, &error);
    CHECK(world, status == MR_OK, "cannot subscribe: %s", error.text);
    follower->from = world->polled.used;
    records_clear(&follower->seen);
    world->follower_count++;
    world->tally.followed++;
    TRACE(world, "subscribed from %llu", (unsigned long long)follower->from);
}

static void follow(struct world *world, struct follower *follower, uint32_t limit)
{
    const struct mr_engine_handlers handlers = watch_into(&follower->seen);
    uint32_t took = mr_subscriber_poll(follower->subscriber, &handlers, limit);
    CHECK(world, took <= limit, "a subscriber took %u instead of %u", took, limit);
    TRACE(world, "followed %u (%016llx)", took,
          (unsigned long long)mr_digest_of(follower->seen.bytes, follower->seen.used).low);
}

static void unsubscribe(struct world *world, struct follower *follower)
{
    mr_engine_unsubscribe(follower->subscriber);
    follower->subscriber = NULL;
    TRACE(world, "unsubscribed");
}

void watch_follow(struct world *world)
{
    if (world->follower_count == 0 || chance(world, 1, 40)) {
        subscribe(world);
        return;
    }
    struct follower *follower = &world->followers[draw(world, world->follower_count)];
    if (follower->subscriber == NULL) {
        return;
    }
    if (chance(world, 1, 40)) {
        unsubscribe(world, follower);
    } else if (world->step >= world->stalled_until) {
        follow(world, follower, (uint32_t)draw(world, POLL_MAX));
    }
}

bool watch_has_followers(const struct world *world)
{
    bool any = false;
    for (uint32_t i = 0; i < world->follower_count; i++) {
        any |= world->followers[i].subscriber != NULL;
    }
    return any;
}

void watch_follow_all(struct world *world)
{
    for (uint32_t i = 0; i < world->follower_count; i++) {
        if (world->followers[i].subscriber != NULL) {
            follow(world, &world->followers[i], UINT32_MAX);
        }
    }
}

/* -- Futures. ---------------------------------------------------------------------------------- */

void watch_answered(struct world *world, uint64_t ticket, int status,
                    const struct mr_answer *answer)
{
    if (world->completion_count == world->completion_room) {
        world->completion_room = world->completion_room * 2 + 64;
        world->completions =
            realloc(world->completions, world->completion_room * sizeof *world->completions);
        ASSERT(world->completions != NULL);
    }
    world->completions[world->completion_count++] =
        (struct completion){.ticket = ticket, .status = status, .answer = *answer};
    world->tally.futures++;
}

/* Something ended with a failure: then the engine has failed, perhaps in this very call
 * (mr_engine_execute steps all stages), or is about to end. */
static bool has_trouble(struct world *world)
{
    if (!world->failed && !world->ending) {
        process_look(world);
    }
    return world->failed || world->ending;
}

static void completed(struct world *world, const struct mr_future *future)
{
    TRACE(world, "future of ticket %llu complete: %d, sequence %llu, result %u",
          (unsigned long long)future->ticket, future->status,
          (unsigned long long)future->answer.sequence, future->answer.result);
    CHECK(world, future->status == MR_OK || has_trouble(world),
          "a future ended with %d although all is well", future->status);
    CHECK(world,
          future->status != MR_OK ||
              mr_engine_stage(world->engine, future->ticket) >= MR_STAGE_DURABLE,
          "the future of ticket %llu is complete before the command is durable",
          (unsigned long long)future->ticket);
    watch_answered(world, future->ticket, future->status, &future->answer);
}

static void on_done(void *context, struct mr_future *future)
{
    struct promises *promises = context;
    struct world *world = promises->world;
    CHECK(world, mr_future_ready(future), "a future is called that is not ready");
    CHECK(world, world->called_next <= future->ticket,
          "the future of ticket %llu was called after that of %llu",
          (unsigned long long)future->ticket, (unsigned long long)world->called_next - 1);
    world->called_next = future->ticket + 1;
    completed(world, future);
    promises->open--;
    if (!world->ending && !world->quiet && future->status == MR_OK && chance(world, 1, 20)) {
        clients_submit(world);
    }
}

struct mr_future *watch_promise(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < PROMISES_MAX; i++) {
        struct promises *promises = &world->promises[i];
        if (promises->open > 0) {
            continue;
        }
        *promises = (struct promises){
            .world = world, .open = count, .count = count, .calls = chance(world, 1, 2)};
        for (uint32_t k = 0; k < count; k++) {
            promises->futures[k].done = promises->calls ? on_done : NULL;
            promises->futures[k].context = promises;
        }
        return promises->futures;
    }
    return NULL;
}

/* The engine did not take the command. */
void watch_take_back(struct world *world, const struct mr_future *futures)
{
    for (uint32_t i = 0; i < PROMISES_MAX; i++) {
        if (world->promises[i].futures == futures) {
            world->promises[i].open = 0;
        }
    }
}

void watch_futures(struct world *world)
{
    for (uint32_t i = 0; i < PROMISES_MAX; i++) {
        struct promises *promises = &world->promises[i];
        bool pending = false;
        for (uint32_t k = 0; promises->open > 0 && k < promises->count && !promises->calls; k++) {
            bool ready = mr_future_ready(&promises->futures[k]);
            CHECK(world, !ready || !pending, "of one batch, a later future is ready first");
            pending |= !ready;
            if (ready && !promises->seen[k]) {
                promises->seen[k] = true;
                promises->open--;
                completed(world, &promises->futures[k]);
            }
        }
    }
}

/* -- Queries. ---------------------------------------------------------------------------------- */

static void replied(struct world *world, struct question *question)
{
    const struct mr_query_call *call = &question->call;
    TRACE(world, "query %u answered: %d, sequence %llu, result %u, %u rows, truncated %u",
          question->query.header.type, call->status, (unsigned long long)call->reply.sequence,
          call->reply.result, call->reply.rows, call->reply.truncated);
    question->open = false;
    if (call->status != MR_OK) {
        CHECK(world, has_trouble(world), "a query ended with %d although all is well",
              call->status);
        return;
    }
    CHECK(world, call->reply.sequence >= question->query.header.not_before,
          "a query was answered at sequence %llu, not before %llu was asked for",
          (unsigned long long)call->reply.sequence,
          (unsigned long long)question->query.header.not_before);
    if (world->reply_count == world->reply_room) {
        world->reply_room = world->reply_room * 2 + 16;
        world->replies = realloc(world->replies, world->reply_room * sizeof *world->replies);
        ASSERT(world->replies != NULL);
    }
    world->replies[world->reply_count++] = *question;
    world->tally.queries++;
}

static void on_reply(void *context, struct mr_query_call *call)
{
    struct world *world = context;
    CHECK(world, mr_query_ready(call), "a query is called that is not ready");
    replied(world, (struct question *)(void *)call);
}

static void make_query(struct world *world, struct question *question)
{
    struct mr_query *query = &question->query.header;
    const struct client *client = &world->clients[draw(world, world->client_count)];
    memset(question, 0, sizeof *question);
    uint64_t *body = (uint64_t *)(void *)(question->query.bytes + sizeof *query);
    static const uint16_t types[] = {MR_QUERY_STATUS, MR_QUERY_SESSION, TILL_QUERY, TILL_QUERY};
    query->type = types[draw(world, 4)];
    query->length = (uint32_t)sizeof *query + (query->type == MR_QUERY_STATUS ? 0 : 8);
    *body = query->type == TILL_QUERY ? draw(world, 10) : client->at.session;
    if (chance(world, 1, 2)) {
        query->session = client->at.session;
        query->role = client->role;
    }
    query->request = world->step;
    if (chance(world, 1, 4)) {
        query->not_before = mr_engine_applied_sequence(world->engine) + draw(world, 5);
    }
    if (chance(world, 1, 20)) {
        query->type = (uint16_t)(100 + draw(world, 10));
    }
    question->call = (struct mr_query_call){
        .query = query,
        .rows = question->rows,
        .rows_size = chance(world, 1, 4) ? 8 * (uint32_t)draw(world, 20) : ROWS_BYTES,
        .done = chance(world, 1, 2) ? on_reply : NULL,
        .context = world};
}

static void ask(struct world *world)
{
    for (uint32_t i = 0; i < QUERIES_MAX; i++) {
        struct question *question = &world->questions[i];
        if (question->open) {
            continue;
        }
        make_query(world, question);
        question->open = true;
        int status = mr_engine_query(world->engine, &question->call);
        TRACE(world, "query %u: %d", question->query.header.type, status);
        CHECK(world,
              status == MR_OK || status == MR_AGAIN || (status == MR_E_FENCED && world->failed),
              "cannot ask: %s", mr_status_text(status));
        question->open &= status == MR_OK;
        return;
    }
}

static void look_at_questions(struct world *world)
{
    for (uint32_t i = 0; i < QUERIES_MAX; i++) {
        struct question *question = &world->questions[i];
        if (question->open && question->call.done == NULL && mr_query_ready(&question->call)) {
            replied(world, question);
        }
    }
}

void watch_ask(struct world *world)
{
    watch_futures(world);
    look_at_questions(world);
    if (mr_engine_applied_sequence(world->engine) > 0) {
        ask(world);
    }
}

/* After stop: nobody waits for ever. */
static void all_complete(struct world *world)
{
    watch_futures(world);
    look_at_questions(world);
    for (uint32_t i = 0; i < QUERIES_MAX; i++) {
        CHECK(world, !world->questions[i].open, "a query is not complete after stop");
    }
    for (uint32_t i = 0; i < PROMISES_MAX; i++) {
        CHECK(world, world->promises[i].open == 0, "a future is not complete after stop");
    }
}

/* -- A life's beginning and end. --------------------------------------------------------------- */

void watch_begin_life(struct world *world)
{
    world->follower_count = 0;
    world->completion_count = 0;
    world->reply_count = 0;
    world->called_next = 0;
    world->ending = false;
    if (!world->wish.counts && chance(world, 1, 2)) {
        subscribe(world);
    }
}

void watch_stopped(struct world *world)
{
    all_complete(world);
    for (uint32_t i = 0; !world->failed && i < world->completion_count; i++) {
        CHECK(world, world->completions[i].status == MR_OK,
              "all was applied, but the future of ticket %llu ended with %d",
              (unsigned long long)world->completions[i].ticket, world->completions[i].status);
    }
}

void watch_leave(struct world *world)
{
    world->ending = true;
    for (uint32_t i = 0; i < world->follower_count; i++) {
        if (world->followers[i].subscriber != NULL) {
            unsubscribe(world, &world->followers[i]);
        }
    }
}

/* What was promised died with the process. */
void watch_forget(struct world *world)
{
    for (uint32_t i = 0; i < QUERIES_MAX; i++) {
        world->questions[i].open = false;
    }
    for (uint32_t i = 0; i < PROMISES_MAX; i++) {
        world->promises[i].open = 0;
    }
}
