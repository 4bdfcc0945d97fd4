/* Memory from the system: what one gets, what is refused, what stays behind; on systems that have
 * reserved huge pages, that have none, and that give out addresses at their worst. */
#include <millrace/disruptor.h>
#include <millrace/mapping.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { HUGE_PAGE = 2 << 20, PAGE = 4096 };

/* What the system is like. */
static struct {
    bool reserves;  /* it has huge pages in reserve */
    bool misplaces; /* normal pages are never where huge ones could be */
    bool is_full;   /* it has nothing at all */
} nature;

static size_t mapped, unmapped; /* pages so far */

/* ThreadSanitizer's runtime maps memory before it can follow what happens. */
#define UNWATCHED __attribute__((no_sanitize_thread))

UNWATCHED static void *system_map(size_t size, int protection, int flags)
{
    long address = syscall(SYS_mmap, NULL, size, protection, flags, -1, 0L);
    return address == -1 ? MAP_FAILED : (void *)address;
}

/* Pages that begin `offset` bytes behind a place where a huge page could begin. */
UNWATCHED static void *map_behind(size_t size, int protection, int flags, size_t offset)
{
    unsigned char *memory = system_map(size + 2 * HUGE_PAGE, protection, flags);
    if (memory == MAP_FAILED)
        return memory;
    size_t before = HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE + offset;
    syscall(SYS_munmap, memory, before);
    syscall(SYS_munmap, memory + before + size, 2 * HUGE_PAGE - before);
    return memory + before;
}

/* The tests are linked statically: what the library maps comes by here. */
UNWATCHED void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    void *memory;
    if (addr != NULL || (flags & MAP_ANONYMOUS) == 0) {
        long other = syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
        return other == -1 ? MAP_FAILED : (void *)other;
    }
    if (nature.is_full || ((flags & MAP_HUGETLB) != 0 && !nature.reserves)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    if ((flags & MAP_HUGETLB) != 0)
        memory = map_behind(len, prot, flags & ~MAP_HUGETLB, 0);
    else if (nature.misplaces && len >= HUGE_PAGE)
        memory = map_behind(len, prot, flags, PAGE);
    else
        memory = system_map(len, prot, flags);
    if (memory != MAP_FAILED)
        mapped += len / PAGE;
    return memory;
}

UNWATCHED int munmap(void *addr, size_t len)
{
    unmapped += len / PAGE;
    return (int)syscall(SYS_munmap, addr, len);
}

static bool is_mapped(const void *page)
{
    /* A page that is not there is refused with ENOMEM. */
    unsigned char resident[1];
    return mincore((void *)(uintptr_t)page, 1, resident) == 0 || errno != ENOMEM;
}

/* Runs a test's body for all kinds of pages on all kinds of systems. */
static void over_all(void (*body)(enum mr_pages pages))
{
    const enum mr_pages kinds[] = {MR_PAGES_NORMAL, MR_PAGES_HUGE, MR_PAGES_HUGE_ONLY};
    for (int system = 0; system < 4; system++)
        for (size_t k = 0; k < 3; k++) {
            nature.reserves = (system & 1) != 0;
            nature.misplaces = (system & 2) != 0;
            body(kinds[k]);
        }
    nature.reserves = nature.misplaces = false;
}

/* True: the system gave it. */
static bool map(struct mr_mapping *mapping, size_t size, enum mr_pages pages)
{
    struct mr_error error = {0};
    int status = mr_mapping_init(mapping, size, pages, &error);
    assert_int_equal(status == MR_OK, pages != MR_PAGES_HUGE_ONLY || nature.reserves);
    if (status == MR_OK) {
        assert_int_equal(mapping->huge, pages != MR_PAGES_NORMAL && nature.reserves);
        return true;
    }
    assert_int_equal(status, MR_E_NO_MEMORY);
    assert_int_equal(error.code, MR_E_NO_MEMORY);
    assert_true(strlen(error.text) > 0);
    return false;
}

static void assert_zeroed_and_writable(const struct mr_mapping *mapping)
{
    unsigned char *bytes = mapping->memory;
    for (size_t i = 0; i < mapping->size; i += 64)
        assert_int_equal(bytes[i], 0);
    memset(bytes, 0xff, mapping->size);
    assert_int_equal(bytes[mapping->size - 1], 0xff);
}

static void map_all_sizes(enum mr_pages pages)
{
    const size_t sizes[] = {1, 4095, 4096, 4097, HUGE_PAGE - 1, HUGE_PAGE, HUGE_PAGE + 1, 5 << 20};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        struct mr_mapping mapping;
        size_t page = pages == MR_PAGES_NORMAL ? PAGE : HUGE_PAGE;
        if (!map(&mapping, sizes[s], pages))
            continue;
        assert_true(mapping.size >= sizes[s] && mapping.size < sizes[s] + page);
        assert_int_equal(mapping.size % page, 0);
        assert_int_equal((uintptr_t)mapping.memory % page, 0);
        assert_zeroed_and_writable(&mapping);
        mr_mapping_free(&mapping);
    }
}

static void a_mapping_is_whole_pages_zeroed_and_writable(void **state)
{
    (void)state;
    if (sysconf(_SC_PAGESIZE) != PAGE)
        skip();
    over_all(map_all_sizes);
}

static void map_and_free(enum mr_pages pages)
{
    struct mr_mapping mapping;
    size_t before = mapped - unmapped;
    if (!map(&mapping, 5 << 20, pages))
        return;
    const unsigned char *begin = mapping.memory;
    size_t size = mapping.size;
    assert_int_equal((mapped - unmapped - before) * PAGE, size);
    for (size_t i = 0; i < size; i += PAGE)
        assert_true(is_mapped(begin + i));
    mr_mapping_free(&mapping);
    for (size_t i = 0; i < size; i += PAGE)
        assert_false(is_mapped(begin + i));
    assert_int_equal(mapped - unmapped, before);
    assert_null(mapping.memory);
    assert_int_equal(mapping.size, 0);
    assert_false(mapping.huge);
    mr_mapping_free(&mapping);
}

static void what_is_given_back_is_gone_and_nothing_stays_behind(void **state)
{
    (void)state;
    if (sysconf(_SC_PAGESIZE) != PAGE)
        skip();
    over_all(map_and_free);
}

static void assert_refused(size_t size, enum mr_pages pages, int status)
{
    struct mr_mapping mapping, untouched;
    struct mr_error error = {0};
    memset(&mapping, 0x5a, sizeof mapping);
    memset(&untouched, 0x5a, sizeof mapping);
    assert_int_equal(mr_mapping_init(&mapping, size, pages, &error), status);
    assert_int_equal(error.code, status);
    assert_true(strlen(error.text) > 0);
    assert_int_equal(mr_mapping_init(&mapping, size, pages, NULL), status);
    assert_memory_equal(&mapping, &untouched, sizeof mapping);
}

static void what_makes_no_sense_is_refused_and_leaves_the_mapping_untouched(void **state)
{
    (void)state;
    assert_refused(0, MR_PAGES_NORMAL, MR_E_INVALID);
    assert_refused(0, MR_PAGES_HUGE, MR_E_INVALID);
    assert_refused(1, (enum mr_pages)3, MR_E_INVALID);
    assert_refused(SIZE_MAX, MR_PAGES_NORMAL, MR_E_INVALID);
    assert_refused(SIZE_MAX, MR_PAGES_HUGE, MR_E_INVALID);
}

static void refuse_when_full(enum mr_pages pages)
{
    nature.is_full = true;
    assert_refused(1, pages, MR_E_NO_MEMORY);
    nature.is_full = false;
    assert_refused(SIZE_MAX / 4, pages, MR_E_NO_MEMORY);
}

static void what_the_system_has_not_is_refused_and_leaves_the_mapping_untouched(void **state)
{
    (void)state;
    over_all(refuse_when_full);
}

static void nothing_is_there_to_free_in_one_that_is_all_zero(void **state)
{
    (void)state;
    struct mr_mapping mapping = {0};
    size_t before = unmapped;
    mr_mapping_free(&mapping);
    assert_null(mapping.memory);
    assert_int_equal(unmapped, before);
}

static void carry_a_ring(enum mr_pages pages)
{
    static struct mr_ring ring;
    struct mr_ring_options options = {
        .capacity = 1 << 14, .slot_size = 60, .layout = MR_RING_LATENCY};
    struct mr_mapping mapping;
    uint64_t first = 0;
    if (!map(&mapping, mr_ring_memory_size(&options), pages))
        return;
    options.memory = mapping.memory;
    assert_int_equal(mr_ring_init(&ring, &options, NULL), MR_OK);
    assert_int_equal(mr_ring_try_claim(&ring, 1 << 14, &first), MR_OK);
    mr_ring_publish(&ring, first, 1 << 14);
    assert_int_equal(mr_ring_cursor(&ring), 1 << 14);
    mr_mapping_free(&mapping);
}

static void a_mapping_carries_a_ring(void **state)
{
    (void)state;
    over_all(carry_a_ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mapping_is_whole_pages_zeroed_and_writable),
        cmocka_unit_test(what_is_given_back_is_gone_and_nothing_stays_behind),
        cmocka_unit_test(what_makes_no_sense_is_refused_and_leaves_the_mapping_untouched),
        cmocka_unit_test(what_the_system_has_not_is_refused_and_leaves_the_mapping_untouched),
        cmocka_unit_test(nothing_is_there_to_free_in_one_that_is_all_zero),
        cmocka_unit_test(a_mapping_carries_a_ring),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
