/*
 * Batches as the image knows them: each command, whatever becomes of it, is in the batch that
 * begins where the header's `more` says, over turns, timers, versions and copies of the image.
 */
#include "base/limits.h"
#include "tests/core/jars_rig.h"
#include "tests/core/witness.h"

enum { SESSION = 7, GIVEN_MAX = MR_BATCH_COMMANDS_MAX + 1 };

/* A history: the rig's image, and a batch that is being laid out. */
struct history {
    struct rig rig;
    unsigned char *bytes; /* commands, one behind the other */
    size_t used;
    struct mr_command *given[GIVEN_MAX];
    uint32_t count;
    uint64_t request;
    bool alone; /* every command is a batch by itself */
};

static void witness_genesis(struct mr_command *command)
{
    const struct mr_genesis body = {.logic = "witness",
                                    .logic_version = 1,
                                    .sessions_max = 4,
                                    .answers_max = 16,
                                    .timers_max = 16,
                                    .clock = MR_CLOCK_INPUT};
    *command = (struct mr_command){.length = MR_COMMAND_HEADER + sizeof body,
                                   .type = MR_COMMAND_GENESIS,
                                   .role = MR_ROLE_SYSTEM,
                                   .sequence = 1};
    memcpy(mr_command_body_mutable(command), &body, sizeof body);
}

static void begin(struct history *history)
{
    memset(history, 0, sizeof *history);
    witness_genesis(&history->rig.genesis.header);
    rig_begin(&history->rig, &witness_first);
    assert_int_equal(rig_open(&history->rig, SESSION, MR_ROLE_USER).result, 0);
    history->bytes = malloc((size_t)GIVEN_MAX * 128);
    assert_non_null(history->bytes);
    history->rig.events_used = 0;
}

static void end(struct history *history)
{
    rig_stop(&history->rig);
    free(history->bytes);
}

/* Lays out another command of the batch. */
static struct mr_command *give(struct history *history, uint16_t type, uint64_t session,
                               uint64_t request, const void *body, uint32_t size)
{
    struct mr_command *command = (void *)(history->bytes + history->used);
    *command = (struct mr_command){
        .length = MR_COMMAND_HEADER + size,
        .type = type,
        .role = session == 0 ? MR_ROLE_SYSTEM : MR_ROLE_USER,
        .time_ns = history->rig.time_ns,
        .session = session,
        .request = request,
    };
    if (size > 0) {
        memcpy(mr_command_body_mutable(command), body, size);
    }
    assert_true(history->count < GIVEN_MAX);
    history->given[history->count++] = command;
    history->used += command->length;
    return command;
}

static void note(struct history *history, uint32_t turns, uint32_t timer_ns)
{
    const struct witness_note body = {.turns = turns, .timer_ns = timer_ns};
    give(history, WITNESS_NOTE, SESSION, ++history->request, &body, sizeof body);
}

/* What the logic has seen since it was last looked at, as it must be for a command of a batch that
 * begins with `batch`, and of which `ahead` are still to come. Events of the image itself pass. */
static void expect_seen(struct rig *rig, uint64_t sequence, uint64_t batch, uint64_t ahead)
{
    for (size_t at = 0; at < rig->events_used;) {
        const struct mr_event *event = (const void *)(rig->events + at);
        const struct witness_noted *seen = mr_event_body(event);
        assert_int_equal(event->sequence, sequence);
        if (event->type == WITNESS_NOTED && event->correlation != 0) {
            assert_int_equal(seen->ahead, ahead);
        }
        if (event->type == WITNESS_NOTED) {
            assert_int_equal(seen->batch, batch);
        }
        at += event->length;
    }
    rig->events_used = 0;
}

/* Applies commands `from` to `to` of the batch that begins with sequence `first`, and looks. */
static void apply(struct history *history, uint32_t from, uint32_t to, uint64_t first)
{
    struct rig *rig = &history->rig;
    for (uint32_t i = 0; i < history->count; i++) {
        history->given[i]->sequence = first + i;
        history->given[i]->more = !history->alone && i + 1 < history->count;
        history->given[i]->correlation = 1; /* tells its events from those of timers */
    }
    for (uint32_t i = from; i < to; i++) {
        const struct mr_command *command = history->given[i];
        bool done;
        do {
            done = mr_image_apply(rig->image, rig->logic, command, &rig->outbox, &rig->answer);
            rig_keep_events(rig);
        } while (!done);
        expect_seen(rig, first + i, history->alone ? first + i : first,
                    history->alone ? 0 : history->count - 1 - i);
        uint32_t version;
        if (mr_image_upgrade_due(rig->image, &version)) {
            rig_migrate(rig, mr_logic_version(&witness_logic, version));
        }
    }
}

static uint64_t next_sequence(const struct history *history)
{
    return mr_image_status_get(history->rig.image).sequence + 1;
}

static void clear(struct history *history)
{
    history->count = 0;
    history->used = 0;
}

static void send(struct history *history)
{
    apply(history, 0, history->count, next_sequence(history));
    assert_true(mr_image_check(history->rig.image, history->rig.logic));
    clear(history);
}

/* A command of any kind: executed in one turn or several, refused by the logic or by the image,
 * sent before, unknown, or of the engine itself. */
static void give_any(struct history *history, struct mr_random *random)
{
    const struct witness_note body = {.turns = 1};
    history->rig.time_ns += mr_random_below(random, 50);
    switch (mr_random_below(random, 10)) {
    case 0:
        note(history, 1 + (uint32_t)mr_random_below(random, 4), 0);
        return;
    case 1:
        note(history, 0, 0);
        return;
    case 2:
        give(history, 999, SESSION, ++history->request, NULL, 0); /* unknown type */
        return;
    case 3:
        give(history, WITNESS_NOTE, SESSION, ++history->request, &body, 0); /* too short */
        return;
    case 4:
        give(history, WITNESS_NOTE, SESSION, history->request, &body, sizeof body); /* a resend */
        return;
    case 5:
        give(history, WITNESS_NOTE, 5, 1, &body, sizeof body); /* no such session */
        return;
    case 6:
        give(history, MR_COMMAND_TICK, 0, 0, NULL, 0);
        return;
    case 7:
        note(history, 2, 1 + (uint32_t)mr_random_below(random, 100));
        return;
    default:
        note(history, 1, 0);
    }
}

static void every_command_is_in_the_batch_that_more_says(void **state)
{
    (void)state;
    struct history *history = malloc(sizeof *history);
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    begin(history);
    for (int batch = 0; batch < 2000; batch++) {
        uint64_t count = mr_random_below(&random, 3) == 0 ? 1 : 1 + mr_random_below(&random, 12);
        for (uint64_t i = 0; i < count; i++) {
            give_any(history, &random);
        }
        send(history);
    }
    end(history);
    free(history);
}

static void the_largest_batch_is_one(void **state)
{
    (void)state;
    struct history *history = malloc(sizeof *history);
    begin(history);
    for (uint32_t i = 0; i < MR_BATCH_COMMANDS_MAX; i++) {
        /* The logic walks to the batch's end each time: not for each of so many. */
        bool tells = i == 0 || i == MR_BATCH_COMMANDS_MAX - 1 || i % 1000 == 0;
        if (tells) {
            note(history, 1, 0);
        } else {
            give(history, MR_COMMAND_TICK, 0, 0, NULL, 0);
        }
    }
    send(history);
    note(history, 1, 0);
    send(history);
    end(history);
    free(history);
}

static void a_version_that_comes_amid_a_batch_leaves_it_whole(void **state)
{
    (void)state;
    struct history *history = malloc(sizeof *history);
    const struct mr_logic_upgrade upgrade = {.to_version = 2};
    begin(history);
    note(history, 1, 0);
    give(history, MR_COMMAND_LOGIC_UPGRADE, 0, 0, &upgrade, sizeof upgrade);
    note(history, 3, 0);
    note(history, 1, 0);
    send(history);
    assert_int_equal(mr_image_status_get(history->rig.image).logic_version, 2);
    note(history, 1, 0);
    send(history);
    end(history);
    free(history);
}

/* Moves the used parts of the image to other memory, which goes on. */
static void move_image(struct rig *rig)
{
    struct mr_span spans[RIG_SPANS_MAX];
    uint32_t count = mr_image_used(rig->image, rig->logic, spans, RIG_SPANS_MAX);
    unsigned char *memory = rig_zeroed(mr_image_size(&witness_first, &rig->genesis.header, NULL));
    for (uint32_t i = 0; i < count; i++) {
        memcpy(memory + spans[i].offset, (unsigned char *)rig->image + spans[i].offset,
               spans[i].size);
    }
    free(rig->memory);
    rig->memory = memory;
    rig->image = (struct mr_image *)(void *)memory;
}

static void a_copy_that_is_taken_amid_a_batch_goes_on_in_it(void **state)
{
    (void)state;
    struct history *history = malloc(sizeof *history);
    begin(history);
    for (uint32_t cut = 0; cut <= 5; cut++) {
        for (uint32_t i = 0; i < 5; i++) {
            note(history, 1 + i % 2, 0);
        }
        uint64_t first = next_sequence(history);
        apply(history, 0, cut, first);
        assert_true(mr_image_check(history->rig.image, history->rig.logic));
        move_image(&history->rig);
        apply(history, cut, 5, first);
        clear(history);
    }
    end(history);
    free(history);
}

static void at_its_end_a_batch_has_left_nothing_in_the_image(void **state)
{
    (void)state;
    struct history *together = malloc(sizeof *together), *alone = malloc(sizeof *alone);
    begin(together);
    begin(alone);
    alone->alone = true;
    for (int batch = 0; batch < 100; batch++) {
        for (uint32_t i = 0; i < 5; i++) {
            note(together, 1 + i % 2, i);
            note(alone, 1 + i % 2, i);
        }
        send(together);
        send(alone);
    }
    struct mr_span spans[RIG_SPANS_MAX];
    uint32_t count = mr_image_used(alone->rig.image, &witness_first, spans, RIG_SPANS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        assert_memory_equal((unsigned char *)together->rig.image + spans[i].offset,
                            (unsigned char *)alone->rig.image + spans[i].offset, spans[i].size);
    }
    end(together);
    end(alone);
    free(together);
    free(alone);
}

static void check_finds_a_batch_that_cannot_be(void **state)
{
    (void)state;
    struct history *history = malloc(sizeof *history);
    begin(history);
    struct mr_image *image = history->rig.image;
    static const uint16_t wrong[] = {3, MR_BATCH_COMMANDS_MAX, UINT16_MAX};
    assert_int_equal(mr_image_status_get(image).sequence, 2);
    for (uint32_t i = 0; i < 3; i++) {
        image->batch_done = wrong[i];
        assert_false(mr_image_check(image, &witness_first));
    }
    image->batch_done = 0;
    end(history);
    free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_in_the_batch_that_more_says),
        cmocka_unit_test(the_largest_batch_is_one),
        cmocka_unit_test(a_version_that_comes_amid_a_batch_leaves_it_whole),
        cmocka_unit_test(a_copy_that_is_taken_amid_a_batch_goes_on_in_it),
        cmocka_unit_test(at_its_end_a_batch_has_left_nothing_in_the_image),
        cmocka_unit_test(check_finds_a_batch_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
