/*
 * A crash inside every position of a batch (crash_rig.h) of a ledger's transfers: posts and voids
 * of what was pending before it and in it, chains, ids that come twice (ledger_story.h). What
 * recovery gives is the ledger before the batch or the one behind it: the same images and events as
 * in the run without a crash, and the balances of books that are kept beside it. Sent again, the
 * batch is executed if it was lost, and only then, with the same answers.
 */
#include "tests/engine/crash_rig.h"
#include "tests/engine/ledger_story.h"

enum {
    /* The sequence of the batch's first: genesis and a session come before. */
    FIRST = 2 + STORY_ACCOUNTS + STORY_EARLIER + 1,
    FIRST_REQUEST = STORY_ACCOUNTS + STORY_EARLIER + 1,
};
_Static_assert(sizeof(struct story_transfer) == CRASH_COMMAND, "what the rig cuts");

/* What the batch is answered, by place. */
struct answers {
    uint32_t count;
    struct mr_answer given[STORY_BATCH];
};

/* The story, and what the run without a crash has shown of it. */
struct run {
    struct crash_bench bench;
    struct story story;
    struct answers answers;
    struct mr_digest images[STORY_POINTS], events[STORY_POINTS];
};

/* -- Engines. ---------------------------------------------------------------------------------- */

static void note_answer(void *context, const struct mr_answer *answer)
{
    struct answers *answers = context;
    if (answer->session == STORY_SESSION && answer->request >= FIRST_REQUEST &&
        answer->request < FIRST_REQUEST + STORY_BATCH) {
        answers->given[answer->request - FIRST_REQUEST] = *answer;
        answers->count++;
    }
}

static struct mr_engine *open_engine(struct memory_storage *disk, struct answers *answers)
{
    struct mr_ledger_config config = ledger_config();
    config.transfers_max = STORY_TRANSFERS;
    config.pending_max = STORY_BATCH / STORY_GROUP;
    const struct mr_engine_options options = {
        .logic = &mr_logic_ledger,
        .config = &config,
        .sessions_max = 2,
        .answers_max = STORY_TRANSFERS + STORY_ACCOUNTS,
        .output = MR_OUTPUT_CALLBACK,
        .handlers = {.answer = note_answer, .context = answers},
    };
    return crash_open(disk, &options);
}

static void execute(struct mr_engine *engine, const struct mr_command *command)
{
    struct mr_answer answer;
    assert_int_equal(mr_engine_execute(engine, command, NULL, &answer, NULL), MR_OK);
    assert_int_equal(answer.result, 0);
    assert_int_equal(answer.duplicate, 0);
}

/* All that comes before the batch. One account has a history of balances. */
static void begin_story(struct mr_engine *engine, const struct story *story)
{
    assert_int_equal(mr_engine_session(engine, STORY_SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
    for (uint64_t id = 1; id <= STORY_ACCOUNTS; id++) {
        uint16_t flags = id == STORY_LIMITED ? MR_LEDGER_ACCOUNT_DEBITS_LIMITED
                         : id == 1           ? MR_LEDGER_ACCOUNT_HISTORY
                                             : 0;
        const struct {
            struct mr_command header;
            struct mr_ledger_account body;
        } account = {.header = {.length = sizeof account,
                                .type = MR_LEDGER_ACCOUNT_CREATE,
                                .role = MR_ROLE_USER,
                                .time_ns = START,
                                .session = STORY_SESSION,
                                .request = id},
                     .body = ledger_new_account(id, flags)};
        execute(engine, &account.header);
    }
    for (uint32_t at = 0; at < STORY_EARLIER; at++) {
        execute(engine, &story->transfers[at].header);
    }
    crash_come_to_rest(engine);
}

static void end_story(struct mr_engine *engine, const struct story *story)
{
    execute(engine, &story->transfers[STORY_TRANSFERS - 1].header);
}

/* -- What is there. ---------------------------------------------------------------------------- */

static void balances_are(const struct mr_ledger *ledger, const struct story_books *books)
{
    struct story_balances sum = {0};
    for (uint64_t id = 1; id <= STORY_ACCOUNTS; id++) {
        const struct story_balances *expected = &books->accounts[id];
        struct mr_ledger_account account;
        assert_true(mr_ledger_account_get(ledger, ID(id), &account));
        assert_true(mr_u128_equal(account.debits_pending, ID(expected->debits_pending)));
        assert_true(mr_u128_equal(account.debits_posted, ID(expected->debits_posted)));
        assert_true(mr_u128_equal(account.credits_pending, ID(expected->credits_pending)));
        assert_true(mr_u128_equal(account.credits_posted, ID(expected->credits_posted)));
        sum.debits_pending += account.debits_pending.low;
        sum.debits_posted += account.debits_posted.low;
        sum.credits_pending += account.credits_pending.low;
        sum.credits_posted += account.credits_posted.low;
    }
    assert_int_equal(sum.debits_pending, sum.credits_pending);
    assert_int_equal(sum.debits_posted, sum.credits_posted);
}

static void transfer_is(const struct mr_ledger *ledger, const struct story *story,
                        const struct story_books *books, uint32_t at)
{
    struct mr_ledger_transfer recorded = story_recorded(story, at), found;
    enum mr_ledger_state state;
    if (recorded.id.low != at + 1) {
        return; /* an id that came before: that one is looked for */
    }
    if (mr_ledger_transfer_get(ledger, recorded.id, &found, &state) != books->found[at]) {
        fail_msg("transfer %u: %s", at, books->found[at] ? "not there" : "there");
    }
    if (books->found[at]) {
        assert_int_equal(state, books->states[at]);
        assert_true(mr_u128_equal(found.amount, recorded.amount));
        assert_true(mr_u128_equal(found.debit_account_id, recorded.debit_account_id));
        assert_true(mr_u128_equal(found.credit_account_id, recorded.credit_account_id));
    }
}

/* The ledger is what the books say, and whole in itself. */
static void books_are(struct mr_engine *engine, const struct story *story, enum story_point point)
{
    const struct mr_image *image = mr_engine_image(engine);
    const struct mr_ledger *ledger = mr_image_state(image);
    const struct story_books *books = &story->books[point];
    balances_are(ledger, books);
    for (uint32_t at = 0; at < STORY_TRANSFERS; at++) {
        transfer_is(ledger, story, books, at);
    }
    struct mr_ledger_totals totals = mr_ledger_totals_get(ledger);
    assert_int_equal(totals.accounts, STORY_ACCOUNTS);
    assert_int_equal(totals.transfers, books->created);
    assert_int_equal(totals.pending, books->pending);
    assert_true(mr_image_check(image, &mr_logic_ledger));
}

static void events_are(const struct mr_engine *engine, const struct run *run,
                       enum story_point point)
{
    assert_true(mr_digest_equal(mr_engine_event_digest(engine), run->events[point]));
}

/* So is every byte of the image, as in the run without a crash. */
static void all_is(struct mr_engine *engine, const struct run *run, enum story_point point)
{
    books_are(engine, &run->story, point);
    events_are(engine, run, point);
    assert_true(mr_digest_equal(mr_engine_state_digest(engine), run->images[point]));
}

/* -- A crash. ---------------------------------------------------------------------------------- */

/* The batch gets the answers that it got without a crash; `again`: because they were stored. */
static void send_batch(struct mr_engine *engine, struct answers *answers, const struct run *run,
                       bool again)
{
    uint64_t applied = mr_engine_applied_sequence(engine);
    answers->count = 0;
    crash_submit(engine, run->bench.commands);
    crash_step_until(engine, mr_engine_applied_sequence, applied + STORY_BATCH);
    assert_int_equal(answers->count, STORY_BATCH);
    for (uint32_t i = 0; i < STORY_BATCH; i++) {
        struct mr_answer expected = run->answers.given[i];
        expected.duplicate = again;
        assert_memory_equal(&answers->given[i], &expected, sizeof expected);
    }
}

/* All of the batch is there or nothing, and what comes next makes no difference any more: it is
 * sent again, time passes, pending transfers expire; and it is sent once more, too late for any
 * effect. (A batch that is answered again takes sequences, so that no later bytes are the same.) */
static void goes_on(const struct crash_bench *bench, struct memory_storage *disk, bool kept)
{
    static struct answers answers;
    const struct run *run = bench->context;
    struct mr_engine *engine = open_engine(disk, &answers);
    all_is(engine, run, kept ? STORY_BEHIND : STORY_BEFORE);
    send_batch(engine, &answers, run, kept);
    events_are(engine, run, STORY_BEHIND);
    if (kept) {
        books_are(engine, &run->story, STORY_BEHIND);
        end_story(engine, &run->story);
    } else {
        all_is(engine, run, STORY_BEHIND);
        end_story(engine, &run->story);
        all_is(engine, run, STORY_END);
    }
    send_batch(engine, &answers, run, true);
    books_are(engine, &run->story, STORY_END);
    mr_engine_close(engine);
}

/* -- The run without one. ---------------------------------------------------------------------- */

/* An engine is opened at every command of the groups that are not like the others: within chains,
 * at posts of what was pending before. */
static bool is_watched(uint32_t command)
{
    return story_is_special(command / STORY_GROUP);
}

static void keep(struct run *run, struct mr_engine *engine, enum story_point point)
{
    run->images[point] = mr_engine_state_digest(engine);
    run->events[point] = mr_engine_event_digest(engine);
    books_are(engine, &run->story, point);
}

static void check_answers(const struct run *run)
{
    assert_int_equal(run->answers.count, STORY_BATCH);
    for (uint32_t i = 0; i < STORY_BATCH; i++) {
        const struct mr_answer *answer = &run->answers.given[i];
        assert_int_equal(answer->sequence, FIRST + i);
        assert_int_equal(answer->duplicate, 0);
        ledger_reason_at(answer->result, run->story.results[STORY_EARLIER + i], i, __FILE__,
                         __LINE__);
    }
}

static int setup(void **state)
{
    const bool *all_else_behind = *state;
    struct run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    story_write(&run->story);
    run->bench = (struct crash_bench){.commands = &run->story.transfers[STORY_EARLIER],
                                      .first = FIRST,
                                      .watched = is_watched,
                                      .goes_on = goes_on,
                                      .context = run};
    struct memory_storage *disk = memory_storage_create();
    struct mr_engine *engine = open_engine(disk, &run->answers);
    begin_story(engine, &run->story);
    keep(run, engine, STORY_BEFORE);
    crash_record(&run->bench, engine, disk, *all_else_behind);
    crash_step_until(engine, mr_engine_applied_sequence, FIRST + STORY_BATCH - 1);
    check_answers(run);
    keep(run, engine, STORY_BEHIND);
    end_story(engine, &run->story);
    keep(run, engine, STORY_END);
    mr_engine_close(engine);
    memory_storage_destroy(disk);
    *state = &run->bench;
    return 0;
}

static int teardown(void **state)
{
    struct crash_bench *bench = *state;
    crash_free(bench);
    free(bench->context);
    return 0;
}

int main(void)
{
    return crash_run(setup, teardown);
}
