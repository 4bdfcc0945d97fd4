#include "tests/core/rig.h"

/* -- A model that is obviously right: a list, searched for its least. -------------------------- */

struct model_timer {
    uint64_t due, order, period;
    uint32_t slot, kind, fired;
};

struct model {
    struct model_timer timers[TALLY_SLOTS];
    uint32_t count;
    uint64_t set; /* since the beginning */
};

static void model_add(struct model *model, struct model_timer timer)
{
    timer.order = model->set++;
    model->timers[model->count++] = timer;
}

static int model_find(const struct model *model, uint32_t slot)
{
    for (uint32_t i = 0; i < model->count; i++) {
        if (model->timers[i].slot == slot) {
            return (int)i;
        }
    }
    return -1;
}

static struct model_timer model_remove(struct model *model, uint32_t at)
{
    struct model_timer timer = model->timers[at];
    model->timers[at] = model->timers[--model->count];
    return timer;
}

/* The next timer that is due by `time`; false: none. */
static bool model_fire(struct model *model, uint64_t time, struct model_timer *fired)
{
    int first = -1;
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_timer *timer = &model->timers[i];
        const struct model_timer *best = first < 0 ? NULL : &model->timers[first];
        if (timer->due <= time && (best == NULL || timer->due < best->due ||
                                   (timer->due == best->due && timer->order < best->order))) {
            first = (int)i;
        }
    }
    if (first < 0) {
        return false;
    }
    *fired = model_remove(model, (uint32_t)first);
    if (fired->kind == TALLY_AGAIN && fired->fired + 1 < 2) {
        struct model_timer next = *fired;
        next.due += next.period;
        next.fired++;
        model_add(model, next);
    }
    return true;
}

static uint32_t send_set(struct rig *rig, uint64_t request, uint32_t slot, uint64_t due,
                         enum tally_timer_kind kind, uint64_t period)
{
    struct tally_timer_set set = {
        .due = due, .slot = slot, .kind = (uint8_t)kind, .period = period};
    return rig_send(rig, 1, request, TALLY_TIMER_SET, &set, sizeof set).result;
}

static uint32_t send_cancel(struct rig *rig, uint64_t request, uint32_t slot)
{
    struct tally_timer_cancel cancel = {.slot = slot};
    return rig_send(rig, 1, request, TALLY_TIMER_CANCEL, &cancel, sizeof cancel).result;
}

/* Compares what the last command fired with the model. `from`: events that were there before. */
static uint32_t compare_fired(const struct rig *rig, struct model *model, size_t from)
{
    uint32_t count = 0;
    struct model_timer fired;
    const unsigned char *at = rig->events + from;
    while (model_fire(model, rig->time_ns, &fired)) {
        assert_true(at < rig->events + rig->events_used);
        const struct mr_event *event = (const struct mr_event *)(const void *)at;
        assert_int_equal(event->type, TALLY_TIMER_FIRED);
        assert_int_equal(event->sequence, rig->command.header.sequence);
        assert_int_equal(event->correlation, 0);
        const struct tally_timer_fired *body = mr_event_body(event);
        assert_int_equal(body->slot, fired.slot);
        assert_int_equal(body->due, fired.due);
        assert_int_equal(body->kind, fired.kind);
        at += event->length;
        count++;
    }
    if (at < rig->events + rig->events_used) { /* what follows is the command's own */
        const struct mr_event *event = (const struct mr_event *)(const void *)at;
        assert_true(event->type != TALLY_TIMER_FIRED);
        assert_int_equal(event->number, rig->answer.first_event);
    } else {
        assert_int_equal(rig->answer.event_count, 0);
    }
    return count;
}

static void timers_fire_as_from_a_sorted_list(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    static struct model model;
    struct rig rig;
    memset(&model, 0, sizeof model);
    enum { LIMIT = 120, SLOTS = 400 };
    rig_start(&rig, (struct rig_limits){1, 1, LIMIT});
    rig_open(&rig, 1, MR_ROLE_USER);
    uint32_t fired = 0, refused = 0, cancelled = 0;
    for (uint64_t request = 1; request < 20000; request++) {
        size_t from = rig.events_used;
        /* Long calm stretches, in which the table fills, and leaps, after which much is due. */
        rig.time_ns += mr_random_chance(&random, 1, 200) ? 5000 : mr_random_below(&random, 4);
        uint32_t slot = (uint32_t)mr_random_below(&random, SLOTS);
        uint64_t due = rig.time_ns + mr_random_below(&random, 6000) / (1 + slot % 7) * 10;
        due -= mr_random_chance(&random, 1, 10) && due > 100 ? 100 : 0; /* some in the past */
        enum tally_timer_kind kind = mr_random_chance(&random, 1, 4) ? TALLY_AGAIN : TALLY_ONCE;
        bool cancel = mr_random_chance(&random, 1, 3);
        uint32_t result = cancel ? send_cancel(&rig, request, slot)
                                 : send_set(&rig, request, slot, due, kind, slot * 3);
        fired += compare_fired(&rig, &model, from);
        int at = model_find(&model, slot);
        if (cancel && at >= 0) {
            assert_int_equal(result, 0);
            model_remove(&model, (uint32_t)at);
            cancelled++;
        } else if (cancel || at >= 0) {
            assert_int_equal(result, TALLY_BAD_SLOT);
        } else if (model.count == LIMIT) {
            assert_int_equal(result, MR_REASON_TIMERS_FULL);
            refused++;
        } else {
            assert_int_equal(result, 0);
            model_add(&model, (struct model_timer){
                                  .due = due, .period = slot * 3, .slot = slot, .kind = kind});
        }
        assert_int_equal(rig.image->timer_count, model.count);
        if (request % 500 == 0) {
            assert_true(mr_image_check(rig.image, &tally_logic));
        }
    }
    printf("%u fired, %u cancelled, %u refused\n", fired, cancelled, refused);
    assert_true(fired > 1000 && cancelled > 500 && refused > 100);
    rig_stop(&rig);
}

static void thousands_due_at_once_fire_in_order_over_bounded_turns(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 1, TALLY_SLOTS});
    rig_open(&rig, 1, MR_ROLE_USER);
    for (uint32_t i = 0; i < TALLY_SLOTS; i++) {
        assert_int_equal(send_set(&rig, i + 1, i, 1000 - i % 10, TALLY_ONCE, 0), 0);
    }
    size_t from = rig.events_used;
    rig_tick(&rig, 999);
    assert_true(rig.turns >= TALLY_SLOTS / 10 * 9 / MR_TURN_TIMERS_MAX);
    assert_int_equal(rig.image->timer_count, (TALLY_SLOTS + 9) / 10);
    rig_tick(&rig, 1000);
    assert_int_equal(rig.image->timer_count, 0);
    uint64_t due = 0;
    uint32_t slot = 0, count = 0;
    for (const unsigned char *at = rig.events + from; at < rig.events + rig.events_used;) {
        const struct mr_event *event = (const struct mr_event *)(const void *)at;
        const struct tally_timer_fired *body = mr_event_body(event);
        assert_true(body->due > due || (body->due == due && body->slot > slot));
        due = body->due;
        slot = body->slot;
        count++;
        at += event->length;
    }
    assert_int_equal(count, TALLY_SLOTS);
    rig_stop(&rig);
}

static void a_turn_never_emits_more_than_its_outbox_is_promised_to_hold(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 1, 256});
    rig_open(&rig, 1, MR_ROLE_USER);
    for (uint32_t i = 0; i < 256; i++) {
        send_set(&rig, i + 1, i, 10, TALLY_ONCE, 0);
    }
    /* A burst at its limit meets 256 timers, and then one that emits as much itself: a turn has
     * room for a limit and 64 events. */
    rig.time_ns = 10;
    struct tally_burst burst = {.count = TALLY_BURST_MAX};
    struct mr_answer answer = rig_send(&rig, 1, 1000, TALLY_BURST, &burst, sizeof burst);
    assert_int_equal(answer.result, 0);
    assert_int_equal(answer.event_count, TALLY_BURST_MAX);
    assert_true(rig.turns >= 4);
    for (uint64_t i = 0; i < 3; i++) {
        send_set(&rig, 2000 + i, (uint32_t)i, 20, TALLY_MANY, TALLY_BURST_MAX);
    }
    rig.time_ns = 20;
    answer = rig_send(&rig, 1, 3000, TALLY_BURST, &burst, sizeof burst);
    assert_int_equal(answer.result, 0);
    assert_int_equal(rig.turns, 4);
    rig_stop(&rig);
}

static void between_turns_the_command_has_not_happened(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 1, 256});
    rig_open(&rig, 1, MR_ROLE_USER);
    for (uint32_t i = 0; i < 200; i++) {
        send_set(&rig, i + 1, i, 10, TALLY_ONCE, 0);
    }
    struct mr_image_status before = mr_image_status_get(rig.image);
    rig.command.header.sequence++;
    rig.command.header.time_ns = 10;
    rig.command.header.request = 500;
    assert_false(
        mr_image_apply(rig.image, &tally_logic, &rig.command.header, &rig.outbox, &rig.answer));
    struct mr_image_status between = mr_image_status_get(rig.image);
    assert_int_equal(between.sequence, before.sequence);
    assert_int_equal(between.events, before.events + MR_TURN_EVENTS_FULL);
    while (
        !mr_image_apply(rig.image, &tally_logic, &rig.command.header, &rig.outbox, &rig.answer)) {
        assert_true(rig.outbox.count > 0);
    }
    assert_int_equal(mr_image_status_get(rig.image).sequence, before.sequence + 1);
    rig_stop(&rig);
}

static void a_timer_whose_time_has_passed_fires_before_the_next_command(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 1, 4});
    rig_open(&rig, 1, MR_ROLE_USER);
    rig_tick(&rig, 1000);
    send_set(&rig, 1, 3, 500, TALLY_ONCE, 0);
    assert_int_equal(rig.image->timer_count, 1);
    rig_tick(&rig, 1000);
    assert_int_equal(rig.image->timer_count, 0);
    assert_int_equal(rig_last_event(&rig)->type, TALLY_TIMER_FIRED);
    assert_int_equal(rig_last_event(&rig)->time_ns, 1000);
    rig_stop(&rig);
}

static void a_timer_that_sets_itself_again_fires_in_the_same_round_if_due(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 1, 4});
    rig_open(&rig, 1, MR_ROLE_USER);
    send_set(&rig, 1, 3, 500, TALLY_AGAIN, 100);
    send_set(&rig, 2, 2, 550, TALLY_ONCE, 0);
    size_t from = rig.events_used;
    rig_tick(&rig, 600);
    static const uint64_t expected[] = {500, 550, 600};
    const unsigned char *at = rig.events + from;
    for (int i = 0; i < 3; i++) {
        const struct mr_event *event = (const struct mr_event *)(const void *)at;
        assert_int_equal(((const struct tally_timer_fired *)mr_event_body(event))->due,
                         expected[i]);
        at += event->length;
    }
    assert_ptr_equal(at, rig.events + rig.events_used);
    rig_stop(&rig);
}

static void no_timers_can_be_set_where_genesis_allows_none(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 1, 0});
    rig_open(&rig, 1, MR_ROLE_USER);
    assert_int_equal(send_set(&rig, 1, 3, 500, TALLY_ONCE, 0), MR_REASON_TIMERS_FULL);
    rig_stop(&rig);
}

static void a_full_table_is_usable_again_when_a_timer_has_gone(void **state)
{
    (void)state;
    struct rig rig;
    rig_start(&rig, (struct rig_limits){1, 1, 2});
    rig_open(&rig, 1, MR_ROLE_USER);
    assert_int_equal(send_set(&rig, 1, 1, 500, TALLY_ONCE, 0), 0);
    assert_int_equal(send_set(&rig, 2, 2, 600, TALLY_ONCE, 0), 0);
    assert_int_equal(send_set(&rig, 3, 3, 700, TALLY_ONCE, 0), MR_REASON_TIMERS_FULL);
    assert_int_equal(send_cancel(&rig, 4, 1), 0);
    assert_int_equal(send_set(&rig, 5, 3, 700, TALLY_ONCE, 0), 0);
    rig_tick(&rig, 650);
    assert_int_equal(send_set(&rig, 6, 1, 800, TALLY_ONCE, 0), 0);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_as_from_a_sorted_list),
        cmocka_unit_test(thousands_due_at_once_fire_in_order_over_bounded_turns),
        cmocka_unit_test(a_turn_never_emits_more_than_its_outbox_is_promised_to_hold),
        cmocka_unit_test(between_turns_the_command_has_not_happened),
        cmocka_unit_test(a_timer_whose_time_has_passed_fires_before_the_next_command),
        cmocka_unit_test(a_timer_that_sets_itself_again_fires_in_the_same_round_if_due),
        cmocka_unit_test(no_timers_can_be_set_where_genesis_allows_none),
        cmocka_unit_test(a_full_table_is_usable_again_when_a_timer_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
