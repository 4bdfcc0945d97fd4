/* The heap next to an array that is sorted: what is first, whatever comes and goes, and that each
 * element knows its place after every step. */
#include "tests/core/rig.h"

#include "base/random.h"
#include "core/heap.h"

enum { ELEMENTS = 200, ROUNDS = 40000 };

/* Its place stands somewhere within, as those of timers, groups and transfers do. */
struct element {
    uint64_t before;
    uint32_t after, place;
    uint64_t behind;
};

struct pair {
    struct mr_heap_key keys[1 + ELEMENTS];
    struct element elements[1 + ELEMENTS];
    uint32_t count;
    struct mr_heap_key sorted[ELEMENTS]; /* what is obviously right */
    uint32_t sorted_count;
    uint64_t pushed; /* since the beginning */
};

static struct mr_heap heap_of(struct pair *pair)
{
    return (struct mr_heap){.keys = pair->keys,
                            .count = &pair->count,
                            .node_place = &pair->elements[1].place,
                            .node_size = sizeof(struct element)};
}

static bool comes_before(const struct mr_heap_key *a, const struct mr_heap_key *b)
{
    return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void add(struct pair *pair, uint32_t node, uint64_t due_ns)
{
    struct mr_heap_key key = {.due_ns = due_ns, .order = pair->pushed++, .node = node};
    uint32_t at = pair->sorted_count++;
    for (; at > 0 && comes_before(&key, &pair->sorted[at - 1]); at--) {
        pair->sorted[at] = pair->sorted[at - 1];
    }
    pair->sorted[at] = key;
    mr_heap_push(heap_of(pair), key);
}

static void take(struct pair *pair, uint32_t at)
{
    mr_heap_remove(heap_of(pair), pair->sorted[at].node);
    pair->sorted_count--;
    memmove(&pair->sorted[at], &pair->sorted[at + 1],
            (pair->sorted_count - at) * sizeof pair->sorted[0]);
}

static void expect_alike(struct pair *pair)
{
    struct mr_heap heap = heap_of(pair);
    bool there[1 + ELEMENTS] = {false};
    assert_int_equal(pair->count, pair->sorted_count);
    for (uint32_t i = 0; i < pair->sorted_count; i++) {
        const struct mr_heap_key *key = &pair->sorted[i];
        uint32_t place = pair->elements[key->node].place;
        assert_in_range(place, 1, pair->count);
        assert_memory_equal(&pair->keys[place], key, sizeof *key);
        assert_true(mr_heap_holds(heap, *key));
        there[key->node] = true;
    }
    for (uint32_t node = 1; node <= ELEMENTS; node++) {
        const struct element *element = &pair->elements[node];
        assert_true(there[node] || element->place == 0);
        assert_true(element->before == 0 && element->after == 0 && element->behind == 0);
    }
    assert_true(mr_heap_check(heap, ELEMENTS));
}

static void expect_first(struct pair *pair)
{
    struct mr_heap heap = heap_of(pair);
    if (pair->sorted_count == 0) {
        assert_int_equal(mr_heap_next(heap), UINT64_MAX);
        assert_false(mr_heap_is_due(heap, UINT64_MAX));
        return;
    }
    const struct mr_heap_key *first = &pair->sorted[0];
    assert_memory_equal(mr_heap_first(heap), first, sizeof *first);
    assert_int_equal(mr_heap_next(heap), first->due_ns);
    assert_true(mr_heap_is_due(heap, first->due_ns));
    assert_true(first->due_ns == 0 || !mr_heap_is_due(heap, first->due_ns - 1));
}

/* A heap of some size that has seen much; with few times, so that many are due together. */
static void play(struct pair *pair, struct mr_random *random, uint32_t rounds)
{
    memset(pair, 0, sizeof *pair);
    for (uint32_t round = 0; round < rounds; round++) {
        uint32_t full = round / 4000 % 2 == 0 ? ELEMENTS : 4;
        uint32_t node = 1 + (uint32_t)mr_random_below(random, ELEMENTS);
        if (pair->sorted_count > 0 && mr_random_below(random, full) < pair->sorted_count) {
            bool first = mr_random_chance(random, 1, 4);
            take(pair, first ? 0 : (uint32_t)mr_random_below(random, pair->sorted_count));
        } else if (pair->elements[node].place == 0) {
            add(pair, node, mr_random_below(random, round % 3 == 0 ? 20 : 1 << 30));
        }
        expect_alike(pair);
        expect_first(pair);
    }
}

static void keys_come_and_go_anywhere_as_in_a_sorted_array(void **state)
{
    (void)state;
    static struct pair pair;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    play(&pair, &random, ROUNDS);
    while (pair.sorted_count > 0) {
        take(&pair, 0);
        expect_alike(&pair);
        expect_first(&pair);
    }
}

static void those_that_are_due_together_leave_in_their_order(void **state)
{
    (void)state;
    static struct pair pair;
    memset(&pair, 0, sizeof pair);
    for (uint32_t node = ELEMENTS; node >= 1; node--) {
        add(&pair, node, node % 2 == 0 ? UINT64_MAX : 0);
    }
    for (uint64_t left = ELEMENTS; left > 0; left--) {
        const struct mr_heap_key *first = mr_heap_first(heap_of(&pair));
        assert_int_equal(first->due_ns, left > ELEMENTS / 2 ? 0 : UINT64_MAX);
        assert_int_equal(first->node, left > ELEMENTS / 2 ? 2 * left - ELEMENTS - 1 : 2 * left);
        take(&pair, 0);
    }
}

static void the_check_finds_what_is_wrong(void **state)
{
    (void)state;
    static struct pair sound, pair;
    memset(&sound, 0, sizeof sound);
    for (uint32_t node = 1; node <= 20; node++) {
        add(&sound, node, 100 - node);
    }
    struct mr_heap heap = heap_of(&pair);
    pair = sound;
    assert_true(mr_heap_check(heap, 20));
#define EXPECT_FOUND(...)                      \
    do {                                       \
        pair = sound;                          \
        __VA_ARGS__;                           \
        assert_false(mr_heap_check(heap, 20)); \
    } while (0)
    EXPECT_FOUND(pair.keys[1].due_ns = 99);
    EXPECT_FOUND(pair.keys[20].due_ns = 0);
    EXPECT_FOUND(pair.keys[2] = pair.keys[1]);
    EXPECT_FOUND(pair.keys[2].due_ns = pair.keys[1].due_ns, pair.keys[2].order = 0);
    EXPECT_FOUND(pair.keys[7].due_ns = pair.keys[3].due_ns,
                 pair.keys[7].order = pair.keys[3].order);
    EXPECT_FOUND(pair.keys[5].node = pair.keys[6].node);
    EXPECT_FOUND(pair.keys[5].node = 0);
    EXPECT_FOUND(pair.keys[5].node = 21);
    EXPECT_FOUND(pair.keys[5].node = UINT32_MAX);
    EXPECT_FOUND(pair.keys[5].reserved = 1);
    EXPECT_FOUND(pair.elements[9].place = 0);
    EXPECT_FOUND(pair.elements[9].place++);
    EXPECT_FOUND(pair.count = 21);
    EXPECT_FOUND(pair.count = UINT32_MAX);
    EXPECT_FOUND(pair.count = 19); /* one is left behind */
#undef EXPECT_FOUND
}

static void an_element_is_where_it_says_with_its_whole_key_or_not_at_all(void **state)
{
    (void)state;
    static struct pair pair;
    memset(&pair, 0, sizeof pair);
    add(&pair, 3, 70);
    add(&pair, 5, 60);
    struct mr_heap heap = heap_of(&pair);
    assert_true(mr_heap_holds(heap, (struct mr_heap_key){.due_ns = 70, .order = 0, .node = 3}));
    assert_true(mr_heap_holds(heap, (struct mr_heap_key){.due_ns = 60, .order = 1, .node = 5}));
    assert_false(mr_heap_holds(heap, (struct mr_heap_key){.due_ns = 60, .order = 0, .node = 5}));
    assert_false(mr_heap_holds(heap, (struct mr_heap_key){.due_ns = 61, .order = 1, .node = 5}));
    assert_false(mr_heap_holds(heap, (struct mr_heap_key){.due_ns = 60, .order = 1, .node = 4}));
    pair.elements[5].place = 2;
    assert_false(mr_heap_holds(heap, (struct mr_heap_key){.due_ns = 60, .order = 1, .node = 5}));
    pair.elements[5].place = 3; /* beyond the last */
    assert_false(mr_heap_holds(heap, (struct mr_heap_key){.due_ns = 60, .order = 1, .node = 5}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_come_and_go_anywhere_as_in_a_sorted_array),
        cmocka_unit_test(those_that_are_due_together_leave_in_their_order),
        cmocka_unit_test(the_check_finds_what_is_wrong),
        cmocka_unit_test(an_element_is_where_it_says_with_its_whole_key_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
