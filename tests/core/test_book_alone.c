/* The book alone, as an embedder uses it: reports into an array or into a ring, and prefetching. */
#include "tests/core/book_dice.h"

enum { COMMANDS = 6000 };

struct lone {
    struct mr_book_config config;
    struct mr_book *book;
    size_t size;
    struct mr_book_turn turn;
};

static void open_lone(struct lone *lone, uint64_t slots, uint64_t mask)
{
    *lone = (struct lone){.config = small()};
    lone->size = mr_logic_book.state_size(&lone->config);
    lone->book = rig_zeroed(lone->size);
    mr_logic_book.init(lone->book, &lone->config);
    lone->turn.reports = rig_zeroed(slots * sizeof(union mr_book_report));
    lone->turn.mask = mask;
}

static void close_lone(struct lone *lone)
{
    free(lone->book);
    free(lone->turn.reports);
}

static union mr_book_request request_of(const struct sent *sent)
{
    union mr_book_request request = {.any = {.type = 0}};
    memcpy(&request, sent->body, sent->header.length - (size_t)MR_COMMAND_HEADER);
    request.any.type = (uint8_t)sent->header.type;
    return request;
}

static void apply_lone(struct lone *lone, const struct sent *sent)
{
    union mr_book_request request = request_of(sent);
    lone->turn.time_ns = sent->header.time_ns;
    lone->turn.session = sent->header.session;
    lone->turn.role = sent->header.role;
    do
        mr_book_expire(lone->book, &lone->turn);
    while (lone->turn.again);
    lone->turn.again = true; /* whatever it was: the call says what it is */
    do
        (void)mr_book_apply(lone->book, &request, &lone->turn);
    while (lone->turn.again);
}

/* The ring holds 2,048 reports, and no request makes more: those of the last one are all there. */
static void a_ring_gets_the_reports_of_an_array(void **state)
{
    (void)state;
    enum { SLOTS = 2048 };
    struct lone array, ring;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    open_lone(&array, SLOTS, UINT64_MAX);
    open_lone(&ring, SLOTS, SLOTS - 1);
    assert_true(mr_book_reports_max(&array.config) < SLOTS / 2);
    ring.turn.next = UINT64_MAX / 2; /* a ring's numbers are large */
    for (uint32_t i = 0; i < COMMANDS; i++) {
        struct sent sent = i < 2 ? instrument_of(i + 1) : random_command(&random, 1 + i * 10);
        uint64_t first = ring.turn.next;
        array.turn.next = 0;
        apply_lone(&array, &sent);
        apply_lone(&ring, &sent);
        assert_int_equal(ring.turn.next - first, array.turn.next);
        for (uint64_t n = 0; n < array.turn.next; n++)
            assert_memory_equal(&ring.turn.reports[(first + n) & (SLOTS - 1)],
                                &array.turn.reports[n], sizeof array.turn.reports[n]);
    }
    assert_memory_equal(array.book, ring.book, array.size);
    close_lone(&array);
    close_lone(&ring);
}

/* Prefetching at every stage, also for requests that are nonsense, writes nothing at all. */
static void prefetching_changes_nothing(void **state)
{
    (void)state;
    struct lone lone;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    open_lone(&lone, 2048, 2047);
    unsigned char *before = rig_zeroed(lone.size);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        struct sent sent = i < 2 ? instrument_of(i + 1) : random_command(&random, 1 + i * 10);
        union mr_book_request request = request_of(&sent);
        if (i % 16 == 0)
            memcpy(before, lone.book, lone.size);
        for (uint32_t stage = 0; stage < MR_BOOK_PREFETCH_STAGES; stage++)
            mr_book_prefetch(lone.book, &request, stage);
        for (uint32_t n = 0; i % 16 == 0 && n < 200; n++) {
            for (uint32_t k = 0; k < sizeof request; k++)
                ((unsigned char *)&request)[k] = (unsigned char)mr_random_u64(&random);
            request.any.type = (uint8_t)(MR_CATALOG_LOGIC_FIRST + n % 12);
            mr_book_prefetch(lone.book, &request, n % MR_BOOK_PREFETCH_STAGES);
        }
        if (i % 16 == 0)
            assert_memory_equal(before, lone.book, lone.size);
        apply_lone(&lone, &sent);
    }
    free(before);
    close_lone(&lone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_ring_gets_the_reports_of_an_array),
        cmocka_unit_test(prefetching_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
