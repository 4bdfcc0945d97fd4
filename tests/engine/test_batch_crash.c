/*
 * A crash inside every position of a batch (crash_rig.h), where the logic counts, and its count
 * shows at once how many commands it was given. What was acknowledged before the batch is there.
 */
#include "tests/core/witness.h"
#include "tests/engine/crash_rig.h"

enum {
    SESSION = 7,
    BEFORE = 20,            /* commands acknowledged before the batch */
    FIRST = 2 + BEFORE + 1, /* sequence of the batch's first: genesis and a session come before */
};

struct transfer {
    struct mr_command header;
    struct witness_count body;
    unsigned char rest[120];
};
_Static_assert(sizeof(struct transfer) == CRASH_COMMAND, "as long as a ledger's");

static struct transfer transfer(uint64_t request)
{
    struct transfer made = {.header = {.length = sizeof made,
                                       .type = WITNESS_COUNT,
                                       .role = MR_ROLE_USER,
                                       .session = SESSION,
                                       .request = request},
                            .body = {.number = request}};
    memset(made.rest, (int)(request % 255) + 1, sizeof made.rest);
    return made;
}

static struct mr_engine *open_engine(struct memory_storage *disk)
{
    const struct mr_engine_options options = {.logic = &witness_logic, .output = MR_OUTPUT_NONE};
    return crash_open(disk, &options);
}

/* The engine goes on with what it finds. */
static void goes_on(const struct crash_bench *bench, struct memory_storage *disk, bool kept)
{
    (void)bench;
    struct mr_engine *engine = open_engine(disk);
    const struct mr_image *image = mr_engine_image(engine);
    uint64_t expected = BEFORE + (kept ? CRASH_BATCH : 0);
    assert_int_equal(mr_image_status_get(image).sequence, 2 + expected);
    assert_int_equal(*(const uint64_t *)mr_image_state(image), expected);
    assert_true(mr_image_check(image, &witness_logic));
    struct mr_session_info session;
    assert_true(mr_image_session(image, SESSION, &session));
    assert_int_equal(session.last_request, expected);
    struct transfer one = transfer(expected + 1);
    struct mr_answer answer;
    assert_int_equal(mr_engine_execute(engine, &one.header, NULL, &answer, NULL), MR_OK);
    assert_int_equal(answer.sequence, 2 + expected + 1);
    mr_engine_close(engine);
}

static int setup(void **state)
{
    const bool *all_else_behind = *state;
    static struct transfer batch[CRASH_BATCH];
    static struct crash_bench bench;
    for (uint32_t i = 0; i < CRASH_BATCH; i++) {
        batch[i] = transfer(BEFORE + 1 + i);
    }
    bench = (struct crash_bench){.commands = batch, .first = FIRST, .goes_on = goes_on};
    struct memory_storage *disk = memory_storage_create();
    struct mr_engine *engine = open_engine(disk);
    assert_int_equal(mr_engine_session(engine, SESSION, MR_ROLE_USER, NULL, NULL), MR_OK);
    for (uint64_t request = 1; request <= BEFORE; request++) {
        struct transfer one = transfer(request);
        assert_int_equal(mr_engine_execute(engine, &one.header, NULL, NULL, NULL), MR_OK);
    }
    crash_come_to_rest(engine);
    crash_record(&bench, engine, disk, *all_else_behind);
    mr_engine_close(engine);
    memory_storage_destroy(disk);
    *state = &bench;
    return 0;
}

static int teardown(void **state)
{
    crash_free(*state);
    return 0;
}

int main(void)
{
    return crash_run(setup, teardown);
}
