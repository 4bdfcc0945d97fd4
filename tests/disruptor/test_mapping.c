/* Memory from the system: what one gets, what is refused, what stays behind. */
#include <millrace/disruptor.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { HUGE_PAGE = 2 << 20 };

static const enum mr_pages kinds[] = {MR_PAGES_NORMAL, MR_PAGES_HUGE, MR_PAGES_HUGE_ONLY};

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static bool is_mapped(const void *page)
{
    /* A page that is not there is refused with ENOMEM. */
    unsigned char resident[1];
    uintptr_t address = (uintptr_t)page & ~(uintptr_t)(page_size() - 1);
    return mincore((void *)address, 1, resident) == 0 || errno != ENOMEM;
}

static void assert_zeroed_and_writable(const struct mr_mapping *mapping)
{
    unsigned char *bytes = mapping->memory;
    for (size_t i = 0; i < mapping->size; i++)
        assert_int_equal(bytes[i], 0);
    memset(bytes, 0xff, mapping->size);
    assert_int_equal(bytes[mapping->size - 1], 0xff);
}

/* True: the system gave it. Reserved huge pages are rare; all else must be there. */
static bool map(struct mr_mapping *mapping, size_t size, enum mr_pages pages)
{
    struct mr_error error = {0};
    int status = mr_mapping_init(mapping, size, pages, &error);
    if (status == MR_OK)
        return true;
    assert_int_equal(pages, MR_PAGES_HUGE_ONLY);
    assert_int_equal(status, MR_E_NO_MEMORY);
    assert_int_equal(error.code, MR_E_NO_MEMORY);
    assert_true(strlen(error.text) > 0);
    return false;
}

static void a_mapping_is_whole_pages_zeroed_and_writable(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 4095, 4096, 4097, HUGE_PAGE - 1, HUGE_PAGE, HUGE_PAGE + 1, 5 << 20};
    for (size_t k = 0; k < 3; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            struct mr_mapping mapping;
            if (!map(&mapping, sizes[s], kinds[k]))
                continue;
            size_t page = kinds[k] == MR_PAGES_NORMAL ? page_size() : HUGE_PAGE;
            assert_true(mapping.size >= sizes[s] && mapping.size < sizes[s] + page);
            assert_int_equal(mapping.size % page, 0);
            assert_int_equal((uintptr_t)mapping.memory % page, 0);
            assert_true(kinds[k] != MR_PAGES_NORMAL || !mapping.huge);
            assert_true(kinds[k] != MR_PAGES_HUGE_ONLY || mapping.huge);
            assert_zeroed_and_writable(&mapping);
            mr_mapping_free(&mapping);
        }
}

static void what_is_given_back_is_gone_from_end_to_end(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        struct mr_mapping mapping;
        if (!map(&mapping, 5 << 20, kinds[k]))
            continue;
        const unsigned char *begin = mapping.memory;
        size_t size = mapping.size;
        for (size_t i = 0; i < size; i += page_size())
            assert_true(is_mapped(begin + i));
        mr_mapping_free(&mapping);
        for (size_t i = 0; i < size; i += page_size())
            assert_false(is_mapped(begin + i));
        assert_null(mapping.memory);
        assert_int_equal(mapping.size, 0);
        assert_false(mapping.huge);
        mr_mapping_free(&mapping);
    }
}

/* Address space, in pages. */
static size_t pages_in_use(void)
{
    char text[32] = "";
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    for (const char *c = text; *c >= '0' && *c <= '9'; c++)
        pages = 10 * pages + (size_t)(*c - '0');
    return pages;
}

static void mapping_and_freeing_leaves_nothing_behind(void **state)
{
    (void)state;
    for (size_t k = 0; k < 3; k++) {
        (void)pages_in_use();
        size_t before = pages_in_use();
        for (int i = 0; i < 50; i++) {
            struct mr_mapping mapping;
            if (map(&mapping, HUGE_PAGE + 1, kinds[k]))
                mr_mapping_free(&mapping);
        }
        assert_int_equal(pages_in_use(), before);
    }
}

static void what_cannot_be_had_is_refused_and_leaves_the_mapping_untouched(void **state)
{
    (void)state;
    const struct {
        size_t size;
        enum mr_pages pages;
        int status;
    } cases[] = {
        {0, MR_PAGES_NORMAL, MR_E_INVALID},
        {0, MR_PAGES_HUGE, MR_E_INVALID},
        {1, (enum mr_pages)3, MR_E_INVALID},
        {SIZE_MAX, MR_PAGES_NORMAL, MR_E_INVALID},
        {SIZE_MAX, MR_PAGES_HUGE, MR_E_INVALID},
        {SIZE_MAX / 4, MR_PAGES_NORMAL, MR_E_NO_MEMORY},
        {SIZE_MAX / 4, MR_PAGES_HUGE, MR_E_NO_MEMORY},
        {SIZE_MAX / 4, MR_PAGES_HUGE_ONLY, MR_E_NO_MEMORY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mr_mapping mapping;
        struct mr_mapping untouched;
        struct mr_error error = {0};
        memset(&mapping, 0x5a, sizeof mapping);
        memcpy(&untouched, &mapping, sizeof mapping);
        assert_int_equal(mr_mapping_init(&mapping, cases[i].size, cases[i].pages, &error),
                         cases[i].status);
        assert_int_equal(error.code, cases[i].status);
        assert_true(strlen(error.text) > 0);
        assert_int_equal(mr_mapping_init(&mapping, cases[i].size, cases[i].pages, NULL),
                         cases[i].status);
        assert_memory_equal(&mapping, &untouched, sizeof mapping);
    }
}

static void nothing_is_there_to_free_in_one_that_is_all_zero(void **state)
{
    (void)state;
    struct mr_mapping mapping = {0};
    mr_mapping_free(&mapping);
    assert_null(mapping.memory);
}

static void a_mapping_carries_a_ring(void **state)
{
    (void)state;
    static struct mr_ring ring;
    struct mr_ring_options options = {
        .capacity = 1 << 14, .slot_size = 60, .layout = MR_RING_LATENCY};
    for (size_t k = 0; k < 3; k++) {
        struct mr_mapping mapping;
        uint64_t first;
        if (!map(&mapping, mr_ring_memory_size(&options), kinds[k]))
            continue;
        options.memory = mapping.memory;
        assert_int_equal(mr_ring_init(&ring, &options, NULL), MR_OK);
        assert_int_equal(mr_ring_try_claim(&ring, 1 << 14, &first), MR_OK);
        mr_ring_publish(&ring, first, 1 << 14);
        assert_int_equal(mr_ring_cursor(&ring), 1 << 14);
        mr_mapping_free(&mapping);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_whole_pages_zeroed_and_writable),
        cmocka_unit_test(what_is_given_back_is_gone_from_end_to_end),
        cmocka_unit_test(mapping_and_freeing_leaves_nothing_behind),
        cmocka_unit_test(what_cannot_be_had_is_refused_and_leaves_the_mapping_untouched),
        cmocka_unit_test(nothing_is_there_to_free_in_one_that_is_all_zero),
        cmocka_unit_test(a_mapping_carries_a_ring),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
