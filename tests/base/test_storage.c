/* What base/storage.h promises, held against every implementation: real files and the simulated
 * disk go through the same tests. */
#include "base/storage.h"
#include "tests/support/sim_storage.h"
#include "tests/support/temp_directory.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = MR_STORAGE_ALIGNMENT };

enum implementation { FILES, FILES_LINKED_SYNC, SIMULATED };

struct fixture {
    enum implementation implementation;
    char path[PATH_MAX];
    struct mr_sim *sim;
    struct mr_storage *storage;
    const struct mr_storage_calls *calls;
    struct mr_error error;
    unsigned char *pages; /* 8, aligned */
};

static int set_up(void **state, enum implementation implementation)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->implementation = implementation;
    f->pages = aligned_alloc(PAGE, 8 * PAGE);
    if (implementation == SIMULATED) {
        f->sim = mr_sim_create(&(struct mr_sim_options){.seed = 1, .delay_max = 3});
        f->storage = mr_sim_storage(f->sim);
    } else {
        mr_temp_directory_make(f->path);
        assert_int_equal(mr_storage_open_files(f->path, false, &f->storage, &f->error), MR_OK);
    }
    f->calls = f->storage->calls;
    *state = f;
    return 0;
}

static int set_up_files(void **state)
{
    return set_up(state, FILES);
}

static int set_up_linked(void **state)
{
    return set_up(state, FILES_LINKED_SYNC);
}

static int set_up_simulated(void **state)
{
    return set_up(state, SIMULATED);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    f->calls->destroy(f->storage);
    if (f->implementation == SIMULATED) {
        mr_sim_destroy(f->sim);
    } else {
        mr_temp_directory_remove(f->path);
    }
    free(f->pages);
    free(f);
    return 0;
}

static int open_file(struct fixture *f, const char *name, int flags)
{
    int file = -1;
    int status = f->calls->open(f->storage, name, flags, &file, &f->error);
    if (status != MR_OK) {
        print_error("%s\n", f->error.text);
    }
    assert_int_equal(status, MR_OK);
    return file;
}

static void write_text(struct fixture *f, int file, uint64_t offset, const char *text)
{
    assert_int_equal(f->calls->write(f->storage, file, offset, text, strlen(text), &f->error),
                     MR_OK);
}

static void make_file(struct fixture *f, const char *name, const char *text)
{
    int file = open_file(f, name, MR_OPEN_WRITE | MR_OPEN_CREATE);
    write_text(f, file, 0, text);
    f->calls->close(f->storage, file);
}

static void assert_holds(struct fixture *f, const char *name, const char *text)
{
    char bytes[64] = {0};
    size_t got = 0;
    int file = open_file(f, name, MR_OPEN_READ);
    assert_int_equal(f->calls->read(f->storage, file, 0, bytes, sizeof bytes, &got, &f->error),
                     MR_OK);
    f->calls->close(f->storage, file);
    assert_int_equal(got, strlen(text));
    assert_memory_equal(bytes, text, got);
}

/* -- Files. ------------------------------------------------------------------------------------ */

static void what_was_written_is_read(void **state)
{
    struct fixture *f = *state;
    make_file(f, "a", "hello");
    assert_holds(f, "a", "hello");
}

static void a_hole_reads_as_zeros(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
    write_text(f, file, 10000, "x");
    char bytes[3] = {1, 1, 1};
    size_t got = 0;
    assert_int_equal(f->calls->read(f->storage, file, 9998, bytes, 3, &got, NULL), MR_OK);
    assert_int_equal(got, 3);
    assert_memory_equal(bytes, "\0\0x", 3);
    f->calls->close(f->storage, file);
}

static void a_file_is_as_long_as_its_last_byte(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
    uint64_t size = 1;
    assert_int_equal(f->calls->size(f->storage, file, &size, NULL), MR_OK);
    assert_int_equal(size, 0);
    write_text(f, file, 5000, "xyz");
    assert_int_equal(f->calls->size(f->storage, file, &size, NULL), MR_OK);
    assert_int_equal(size, 5003);
    f->calls->close(f->storage, file);
}

static void reading_past_the_end_gets_less(void **state)
{
    struct fixture *f = *state;
    make_file(f, "a", "hello");
    int file = open_file(f, "a", MR_OPEN_READ);
    char bytes[8];
    size_t got = 9;
    assert_int_equal(f->calls->read(f->storage, file, 3, bytes, 8, &got, NULL), MR_OK);
    assert_int_equal(got, 2);
    assert_int_equal(f->calls->read(f->storage, file, 5, bytes, 8, &got, NULL), MR_OK);
    assert_int_equal(got, 0);
    f->calls->close(f->storage, file);
}

static void a_direct_read_past_the_end_gets_less(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
    write_text(f, file, PAGE + 100, "x");
    f->calls->close(f->storage, file);
    file = open_file(f, "a", MR_OPEN_READ | MR_OPEN_DIRECT);
    size_t got = 0;
    assert_int_equal(f->calls->read(f->storage, file, 0, f->pages, 3 * PAGE, &got, NULL), MR_OK);
    assert_int_equal(got, PAGE + 101);
    assert_int_equal(f->pages[PAGE + 100], 'x');
    f->calls->close(f->storage, file);
}

static void creating_what_exists_is_an_error(void **state)
{
    struct fixture *f = *state;
    make_file(f, "a", "hello");
    int file;
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE;
    assert_int_equal(f->calls->open(f->storage, "a", flags, &file, &f->error), MR_E_EXISTS);
    assert_holds(f, "a", "hello");
}

static void what_is_missing_is_told_by_its_path(void **state)
{
    struct fixture *f = *state;
    int file;
    assert_int_equal(f->calls->open(f->storage, "journal/1.seg", 0, &file, &f->error),
                     MR_E_NOT_FOUND);
    assert_int_equal(f->error.code, MR_E_NOT_FOUND);
    assert_non_null(strstr(f->error.text, "/journal/1.seg"));
    assert_int_equal(f->calls->open_directory(f->storage, "none", &file, NULL), MR_E_NOT_FOUND);
    assert_int_equal(f->calls->remove(f->storage, "none", NULL), MR_E_NOT_FOUND);
    assert_int_equal(f->calls->rename(f->storage, "none", "some", NULL), MR_E_NOT_FOUND);
    assert_int_equal(f->calls->list(f->storage, "none", NULL, NULL, NULL), MR_E_NOT_FOUND);
}

static void more_open_files_than_the_limit_are_refused(void **state)
{
    struct fixture *f = *state;
    make_file(f, "a", "hello");
    int files[MR_STORAGE_FILES_MAX];
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        files[i] = open_file(f, "a", MR_OPEN_READ);
    }
    int file;
    assert_int_equal(f->calls->open(f->storage, "a", MR_OPEN_READ, &file, &f->error), MR_E_LIMIT);
    for (int i = 0; i < MR_STORAGE_FILES_MAX; i++) {
        f->calls->close(f->storage, files[i]);
    }
    assert_holds(f, "a", "hello");
}

static void files_and_directories_can_be_synced(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
    int root;
    assert_int_equal(f->calls->open_directory(f->storage, "", &root, NULL), MR_OK);
    assert_int_equal(f->calls->sync(f->storage, file, NULL), MR_OK);
    assert_int_equal(f->calls->sync(f->storage, root, NULL), MR_OK);
    f->calls->close(f->storage, file);
    f->calls->close(f->storage, root);
}

/* -- Names. ------------------------------------------------------------------------------------ */

struct listing {
    char names[256];
    int limit;
};

static bool add_name(void *context, const char *name)
{
    struct listing *listing = context;
    size_t length = strlen(listing->names);
    snprintf(listing->names + length, sizeof listing->names - length, "%s,", name);
    listing->limit -= 1;
    return listing->limit > 0;
}

static void a_listing_has_the_names_of_its_directory_alone(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->calls->make_directory(f->storage, "d", NULL), MR_OK);
    make_file(f, "d/one", "1");
    make_file(f, "top", "2");
    struct listing listing = {.limit = 10};
    assert_int_equal(f->calls->list(f->storage, "d", add_name, &listing, NULL), MR_OK);
    assert_string_equal(listing.names, "one,");
    listing = (struct listing){.limit = 10};
    assert_int_equal(f->calls->list(f->storage, "", add_name, &listing, NULL), MR_OK);
    assert_int_equal(strlen(listing.names), strlen("d,top,"));
    assert_non_null(strstr(listing.names, "d,"));
    assert_non_null(strstr(listing.names, "top,"));
}

static void a_listing_stops_when_it_is_told_to(void **state)
{
    struct fixture *f = *state;
    make_file(f, "a", "1");
    make_file(f, "b", "1");
    struct listing listing = {.limit = 1};
    assert_int_equal(f->calls->list(f->storage, "", add_name, &listing, NULL), MR_OK);
    assert_int_equal(strlen(listing.names), 2);
}

static void making_a_directory_twice_is_fine(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(f->calls->make_directory(f->storage, "d", NULL), MR_OK);
    assert_int_equal(f->calls->make_directory(f->storage, "d", NULL), MR_OK);
    assert_int_equal(f->calls->make_directory(f->storage, "no/d", NULL), MR_E_NOT_FOUND);
}

static void a_rename_replaces(void **state)
{
    struct fixture *f = *state;
    make_file(f, "new", "new");
    make_file(f, "old", "old");
    assert_int_equal(f->calls->rename(f->storage, "new", "old", NULL), MR_OK);
    assert_holds(f, "old", "new");
    int file;
    assert_int_equal(f->calls->open(f->storage, "new", 0, &file, NULL), MR_E_NOT_FOUND);
}

static void a_removed_file_serves_those_who_have_it_open(void **state)
{
    struct fixture *f = *state;
    make_file(f, "a", "hello");
    int file = open_file(f, "a", MR_OPEN_READ);
    assert_int_equal(f->calls->remove(f->storage, "a", NULL), MR_OK);
    char bytes[5];
    size_t got;
    assert_int_equal(f->calls->read(f->storage, file, 0, bytes, 5, &got, NULL), MR_OK);
    assert_memory_equal(bytes, "hello", 5);
    f->calls->close(f->storage, file);
    make_file(f, "a", "again");
    assert_holds(f, "a", "again");
}

static void there_is_space(void **state)
{
    struct fixture *f = *state;
    uint64_t bytes = 0;
    assert_int_equal(f->calls->space(f->storage, &bytes, NULL), MR_OK);
    assert_true(bytes > 0);
}

/* -- The lock. --------------------------------------------------------------------------------- */

static void the_lock_keeps_another_out_until_it_is_given_back(void **state)
{
    struct fixture *f = *state;
    struct mr_storage *other = f->storage; /* the simulated disk has but one */
    if (f->implementation != SIMULATED) {
        assert_int_equal(mr_storage_open_files(f->path, false, &other, NULL), MR_OK);
    }
    assert_int_equal(f->calls->lock(f->storage, 0, NULL), MR_OK);
    struct mr_error error;
    if (other != f->storage) {
        assert_int_equal(other->calls->lock(other, 5, &error), MR_E_BUSY);
        assert_non_null(strstr(error.text, f->path));
    }
    f->calls->unlock(f->storage);
    assert_int_equal(other->calls->lock(other, 0, NULL), MR_OK);
    other->calls->unlock(other);
    if (other != f->storage) {
        other->calls->destroy(other);
    }
}

/* -- The queue. -------------------------------------------------------------------------------- */

static void start_queue(struct fixture *f, uint32_t depth)
{
    struct mr_queue_options options = {
        .depth = depth,
        .method =
            f->implementation == FILES_LINKED_SYNC ? MR_DURABLE_LINKED_SYNC : MR_DURABLE_CHOOSE,
        .buffers = f->pages,
        .buffers_size = (size_t)8 * PAGE,
    };
    assert_int_equal(f->calls->queue_start(f->storage, &options, &f->error), MR_OK);
}

static struct mr_io write_of(const struct fixture *f, int file, uint32_t page, uint64_t tag)
{
    memset(f->pages + page * PAGE, 'a' + (int)page, PAGE);
    return (struct mr_io){
        .kind = MR_IO_WRITE_DURABLE,
        .file = file,
        .data = f->pages + page * PAGE,
        .size = PAGE,
        .offset = (uint64_t)page * PAGE,
        .tag = tag,
    };
}

static void reap_one(struct fixture *f, uint64_t tag, int system_error)
{
    struct mr_io_result result;
    int count = 0;
    for (int i = 0; i < 100 && count == 0; i++) { /* a signal may end a wait early */
        count = f->calls->queue_reap(f->storage, &result, 1, 1000000, &f->error);
    }
    assert_int_equal(count, 1);
    assert_int_equal(result.tag, tag);
    assert_int_equal(result.system_error, system_error);
}

static void assert_page(struct fixture *f, int file, uint32_t page, char filler)
{
    size_t got = 0;
    unsigned char *bytes = f->pages + (size_t)7 * PAGE;
    uint64_t offset = (uint64_t)page * PAGE;
    assert_int_equal(f->calls->read(f->storage, file, offset, bytes, PAGE, &got, NULL), MR_OK);
    assert_int_equal(got, PAGE);
    for (uint32_t i = 0; i < PAGE; i++) {
        assert_int_equal(bytes[i], filler);
    }
}

static void every_operation_comes_back_once_with_its_tag(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT);
    start_queue(f, 4);
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 4; i++) {
        struct mr_io io = write_of(f, file, i, i);
        assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
    }
    assert_int_equal(f->calls->queue_flush(f->storage, NULL), MR_OK);
    for (int i = 0; i < 1000 && seen != 15; i++) {
        struct mr_io_result results[8];
        int count = f->calls->queue_reap(f->storage, results, 8, 100000, NULL);
        assert_true(count >= 0);
        for (int j = 0; j < count; j++) {
            assert_int_equal(results[j].system_error, 0);
            assert_int_equal(seen & (1U << results[j].tag), 0);
            seen |= 1U << results[j].tag;
        }
    }
    assert_int_equal(seen, 15);
    for (uint32_t i = 0; i < 4; i++) {
        assert_page(f, file, i, (char)('a' + (int)i));
    }
    f->calls->queue_stop(f->storage);
    f->calls->close(f->storage, file);
}

static void a_full_queue_says_again_until_it_is_reaped(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT);
    start_queue(f, 1);
    struct mr_io first = write_of(f, file, 0, 7);
    struct mr_io second = write_of(f, file, 1, 8);
    assert_int_equal(f->calls->queue_submit(f->storage, &first), MR_OK);
    assert_int_equal(f->calls->queue_submit(f->storage, &second), MR_AGAIN);
    assert_int_equal(f->calls->queue_flush(f->storage, NULL), MR_OK);
    assert_int_equal(f->calls->queue_submit(f->storage, &second), MR_AGAIN);
    reap_one(f, 7, 0);
    assert_int_equal(f->calls->queue_submit(f->storage, &second), MR_OK);
    reap_one(f, 8, 0); /* reaping flushes, too */
    f->calls->queue_stop(f->storage);
    f->calls->close(f->storage, file);
}

static void a_reap_without_anything_in_flight_returns_at_once(void **state)
{
    struct fixture *f = *state;
    start_queue(f, 2);
    struct mr_io_result result;
    assert_int_equal(f->calls->queue_reap(f->storage, &result, 1, UINT32_MAX, NULL), 0);
    f->calls->queue_stop(f->storage);
}

static void a_write_and_a_sync_go_through_the_queue(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE);
    int root;
    assert_int_equal(f->calls->open_directory(f->storage, "", &root, NULL), MR_OK);
    start_queue(f, 4);
    struct mr_io io = write_of(f, file, 0, 1);
    io.kind = MR_IO_WRITE;
    io.size = 100; /* no direct file: no alignment */
    assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
    reap_one(f, 1, 0);
    io = (struct mr_io){.kind = MR_IO_SYNC, .file = file, .tag = 2};
    assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
    reap_one(f, 2, 0);
    io = (struct mr_io){.kind = MR_IO_SYNC, .file = root, .tag = 3};
    assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
    reap_one(f, 3, 0);
    f->calls->queue_stop(f->storage);
    uint64_t size;
    assert_int_equal(f->calls->size(f->storage, file, &size, NULL), MR_OK);
    assert_int_equal(size, 100);
    f->calls->close(f->storage, file);
    f->calls->close(f->storage, root);
}

static void files_may_come_and_go_while_the_queue_runs(void **state)
{
    struct fixture *f = *state;
    start_queue(f, 4);
    for (uint32_t i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        int file = open_file(f, name, MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT);
        struct mr_io io = write_of(f, file, i, i);
        io.offset = 0;
        assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
        reap_one(f, i, 0);
        f->calls->close(f->storage, file);
    }
    for (uint32_t i = 0; i < 6; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        int file = open_file(f, name, MR_OPEN_READ);
        assert_page(f, file, 0, (char)('a' + (int)i));
        f->calls->close(f->storage, file);
    }
    f->calls->queue_stop(f->storage);
}

static void stopping_waits_for_what_was_submitted(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT);
    start_queue(f, 4);
    for (uint32_t i = 0; i < 4; i++) {
        struct mr_io io = write_of(f, file, i, i);
        assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
    }
    f->calls->queue_stop(f->storage);
    for (uint32_t i = 0; i < 4; i++) {
        assert_page(f, file, i, (char)('a' + (int)i));
    }
    f->calls->close(f->storage, file);
}

static void a_stopped_queue_can_be_started_again(void **state)
{
    struct fixture *f = *state;
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT);
    for (uint32_t depth = 1; depth <= 3; depth++) {
        start_queue(f, depth);
        struct mr_io io = write_of(f, file, depth, depth);
        assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
        reap_one(f, depth, 0);
        f->calls->queue_stop(f->storage);
        assert_page(f, file, depth, (char)('a' + (int)depth));
    }
    f->calls->close(f->storage, file);
}

/* Writes with one method after the other; the queue that was told its method keeps it. */
static void the_way_to_write_may_change_while_nothing_is_in_flight(void **state)
{
    struct fixture *f = *state;
    if (f->calls->queue_use == NULL) {
        assert_int_equal(f->implementation, SIMULATED); /* it has but one way */
        return;
    }
    int file = open_file(f, "a", MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT);
    bool given = f->implementation == FILES_LINKED_SYNC;
    start_queue(f, 2);
    for (uint32_t i = 0; i < 6; i++) {
        bool linked = i % 2 == 0;
        struct mr_durable_choice choice = {MR_DURABLE_DSYNC, 132900, 171900};
        choice.method = linked ? MR_DURABLE_LINKED_SYNC : MR_DURABLE_DSYNC;
        assert_int_equal(f->calls->queue_use(f->storage, &choice), !given);
        const char *way = linked ? "linked syncs (171 us against 132 us with DSYNC)"
                                 : "DSYNC writes (132 us against 171 us with linked syncs)";
        way = given ? "writes with linked syncs, " : way;
        assert_non_null(strstr(f->calls->describe(f->storage), way));
        struct mr_io io = write_of(f, file, i, i);
        assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
        reap_one(f, i, 0);
        assert_page(f, file, i, (char)('a' + (int)i));
    }
    f->calls->queue_stop(f->storage);
    f->calls->close(f->storage, file);
}

static void a_storage_describes_itself(void **state)
{
    struct fixture *f = *state;
    start_queue(f, 1);
    const char *text = f->calls->describe(f->storage);
    print_message("%s\n", text);
    assert_true(strlen(text) > 0);
    assert_null(strchr(text, '\n'));
    f->calls->queue_stop(f->storage);
}

/* -- All of them, for each. -------------------------------------------------------------------- */

#define CLAIMS(X)                                             \
    X(what_was_written_is_read)                               \
    X(a_hole_reads_as_zeros)                                  \
    X(a_file_is_as_long_as_its_last_byte)                     \
    X(reading_past_the_end_gets_less)                         \
    X(a_direct_read_past_the_end_gets_less)                   \
    X(creating_what_exists_is_an_error)                       \
    X(what_is_missing_is_told_by_its_path)                    \
    X(more_open_files_than_the_limit_are_refused)             \
    X(files_and_directories_can_be_synced)                    \
    X(a_listing_has_the_names_of_its_directory_alone)         \
    X(a_listing_stops_when_it_is_told_to)                     \
    X(making_a_directory_twice_is_fine)                       \
    X(a_rename_replaces)                                      \
    X(a_removed_file_serves_those_who_have_it_open)           \
    X(there_is_space)                                         \
    X(the_lock_keeps_another_out_until_it_is_given_back)      \
    X(every_operation_comes_back_once_with_its_tag)           \
    X(a_full_queue_says_again_until_it_is_reaped)             \
    X(a_reap_without_anything_in_flight_returns_at_once)      \
    X(a_write_and_a_sync_go_through_the_queue)                \
    X(files_may_come_and_go_while_the_queue_runs)             \
    X(stopping_waits_for_what_was_submitted)                  \
    X(a_stopped_queue_can_be_started_again)                   \
    X(the_way_to_write_may_change_while_nothing_is_in_flight) \
    X(a_storage_describes_itself)

#define WITH_FILES(claim) {#claim ", files", claim, set_up_files, tear_down, NULL},
#define WITH_LINKED(claim) \
    {#claim ", files with linked syncs", claim, set_up_linked, tear_down, NULL},
#define WITH_SIM(claim) {#claim ", simulated", claim, set_up_simulated, tear_down, NULL},

int main(void)
{
    const struct CMUnitTest tests[] = {CLAIMS(WITH_FILES) CLAIMS(WITH_LINKED) CLAIMS(WITH_SIM)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
