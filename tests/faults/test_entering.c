/* What the queue does when the kernel does not let it in, takes a part only of what was submitted,
 * or cannot be asked any more. */
#include "base/storage.h"
#include "tests/faults/inject.h"
#include "tests/support/temp_directory.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = MR_STORAGE_ALIGNMENT, PAGES = 4 };

static const uint32_t enter_only = 1U << INJECT_ENTER;

struct fixture {
    char path[PATH_MAX];
    struct mr_storage *storage;
    const struct mr_storage_calls *calls;
    struct mr_error error;
    unsigned char *pages;
    int file;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    mr_temp_directory_make(f->path);
    f->pages = aligned_alloc(PAGE, (size_t)PAGES * PAGE);
    memset(f->pages, 'x', (size_t)PAGES * PAGE);
    assert_int_equal(mr_storage_open_files(f->path, false, &f->storage, &f->error), MR_OK);
    f->calls = f->storage->calls;
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT;
    assert_int_equal(f->calls->open(f->storage, "a", flags, &f->file, &f->error), MR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    f->calls->destroy(f->storage);
    mr_temp_directory_remove(f->path);
    free(f->pages);
    free(f);
    return 0;
}

/* Starts a queue whose calls into the kernel then go as planned, and submits `count` writes. */
static void start(struct fixture *f, enum mr_durable_method method, const struct inject_plan *plan,
                  uint64_t count)
{
    struct mr_queue_options options = {.depth = PAGES, .method = method};
    inject_begin(plan);
    assert_int_equal(f->calls->queue_start(f->storage, &options, &f->error), MR_OK);
    for (uint64_t i = 0; i < count; i++) {
        struct mr_io io = {
            MR_IO_WRITE_DURABLE, f->file, f->pages + i * PAGE, PAGE, i * PAGE, i,
        };
        assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
    }
}

static struct inject_report stop(struct fixture *f)
{
    f->calls->queue_stop(f->storage);
    return inject_end();
}

/* Reaps until `count` operations have come back, or the queue fails. */
static int reap(struct fixture *f, int count)
{
    struct mr_io_result results[PAGES];
    int reaped = 0;
    while (reaped < count) {
        int now = f->calls->queue_reap(f->storage, results, PAGES, 1000000, &f->error);
        if (now < 0) {
            return now;
        }
        for (int i = 0; i < now; i++) {
            assert_int_equal(results[i].system_error, 0);
        }
        reaped += now;
    }
    return reaped;
}

static const int for_now[] = {EINTR, EAGAIN, EBUSY};
enum { FOR_NOW = sizeof for_now / sizeof for_now[0] };

static void a_call_that_is_turned_away_once_is_repeated(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < FOR_NOW; i++) {
        for (uint64_t at = 1; at <= 2; at++) { /* the flush, and the reap */
            struct inject_plan plan = {.at = at, .fault = for_now[i], .only = enter_only};
            start(f, MR_DURABLE_DSYNC, &plan, PAGES);
            assert_int_equal(f->calls->queue_flush(f->storage, &f->error), MR_OK);
            assert_int_equal(reap(f, PAGES), PAGES);
            struct inject_report report = stop(f);
            assert_int_equal(report.failed, 1);
        }
    }
}

static void a_call_that_is_turned_away_for_ever_fails(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < FOR_NOW; i++) {
        struct inject_plan plan = {
            .at = 1, .for_ever = true, .fault = for_now[i], .only = enter_only};
        start(f, MR_DURABLE_DSYNC, &plan, 1);
        assert_int_equal(f->calls->queue_flush(f->storage, &f->error), MR_E_IO);
        assert_non_null(strstr(f->error.text, strerror(for_now[i])));
        assert_int_equal(reap(f, 1), MR_E_IO);
        struct inject_report report = stop(f);
        assert_true(report.failed > 10); /* it was tried again */
    }
}

/* What was let in once is not counted against what comes later. */
static void each_success_makes_the_count_begin_anew(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 100; round++) {
        struct inject_plan plan = {.at = 1, .fault = EAGAIN, .only = enter_only};
        if (round == 0) {
            start(f, MR_DURABLE_DSYNC, &plan, 1);
        } else {
            inject_begin(&plan);
            struct mr_io io = {MR_IO_WRITE_DURABLE, f->file, f->pages, PAGE, 0, 1};
            assert_int_equal(f->calls->queue_submit(f->storage, &io), MR_OK);
        }
        assert_int_equal(reap(f, 1), 1);
        assert_int_equal(inject_end().failed, 1);
    }
    f->calls->queue_stop(f->storage);
}

static void other_failures_are_not_repeated(void **state)
{
    struct fixture *f = *state;
    struct inject_plan plan = {.at = 1, .for_ever = true, .fault = EIO, .only = enter_only};
    start(f, MR_DURABLE_DSYNC, &plan, 1);
    assert_int_equal(f->calls->queue_flush(f->storage, &f->error), MR_E_IO);
    assert_int_equal(stop(f).failed, 2); /* the flush, and the stop's attempt to wait */
}

/* The kernel may take a part of what it is given. DSYNC writes follow with the next call; a linked
 * sync that was parted from its write must never be submitted. */
static void a_part_that_was_not_taken_follows(void **state)
{
    struct fixture *f = *state;
    struct inject_plan plan = {
        .at = 1, .for_ever = true, .fault = INJECT_SHORT, .only = enter_only};
    start(f, MR_DURABLE_DSYNC, &plan, PAGES);
    assert_int_equal(reap(f, PAGES), PAGES);
    assert_true(stop(f).failed > 1);
}

static void a_write_that_was_parted_from_its_sync_fails_the_queue(void **state)
{
    struct fixture *f = *state;
    for (int flushes = 0; flushes < 2; flushes++) {
        struct inject_plan plan = {.at = 1, .fault = INJECT_SHORT, .only = enter_only};
        start(f, MR_DURABLE_LINKED_SYNC, &plan, 1);
        int status = flushes != 0 ? f->calls->queue_flush(f->storage, &f->error) : reap(f, 1);
        assert_int_equal(status, MR_E_IO);
        assert_non_null(strstr(f->error.text, "together with its sync"));
        struct inject_report report = stop(f);
        assert_true(report.first_parted);
    }
}

static void assert_no_byte_is(struct fixture *f, unsigned char unwanted)
{
    unsigned char *bytes = aligned_alloc(PAGE, (size_t)PAGES * PAGE);
    size_t got = 0;
    assert_int_equal(
        f->calls->read(f->storage, f->file, 0, bytes, (size_t)PAGES * PAGE, &got, NULL), MR_OK);
    assert_null(memchr(bytes, unwanted, got));
    free(bytes);
}

/* Nothing is in flight any more when stop returns, though nobody could ask: the memory is the
 * caller's again, and whatever it does with it does not reach the disk. (The kernel may also have
 * given up a write that it had not begun.) */
static void a_queue_that_cannot_be_asked_has_ended_when_stop_returns(void **state)
{
    struct fixture *f = *state;
    for (int round = 0; round < 8; round++) {
        memset(f->pages, 'a' + round, (size_t)PAGES * PAGE);
        struct inject_plan plan = {.at = 2, .for_ever = true, .fault = EIO, .only = enter_only};
        start(f, MR_DURABLE_DSYNC, &plan, PAGES);
        assert_int_equal(f->calls->queue_flush(f->storage, &f->error), MR_OK);
        stop(f);
        memset(f->pages, '!', (size_t)PAGES * PAGE);
        assert_no_byte_is(f, '!');
        usleep(2000); /* for what comes late; not needed for the test to be right */
        assert_no_byte_is(f, '!');
    }
}

/* -- The synchronous calls. -------------------------------------------------------------------- */

static void an_interrupted_write_goes_on_but_not_for_ever(void **state)
{
    struct fixture *f = *state;
    static const enum inject_call moves[] = {INJECT_PWRITE, INJECT_PREAD};
    for (int i = 0; i < 4; i++) {
        struct inject_plan plan = {
            .at = 1, .for_ever = i >= 2, .fault = EINTR, .only = 1U << moves[i % 2]};
        size_t got = 0;
        inject_begin(&plan);
        int status = i % 2 == 0
                         ? f->calls->write(f->storage, f->file, 0, f->pages, PAGE, &f->error)
                         : f->calls->read(f->storage, f->file, 0, f->pages, PAGE, &got, &f->error);
        struct inject_report report = inject_end();
        assert_int_equal(status, plan.for_ever ? MR_E_IO : MR_OK);
        assert_true(plan.for_ever ? report.failed > 1 : report.failed == 1);
        assert_true(!plan.for_ever || strstr(f->error.text, "/a at offset 0") != NULL);
    }
}

static void a_short_write_goes_on_where_it_stopped(void **state)
{
    struct fixture *f = *state;
    struct inject_plan plan = {.at = 1, .fault = INJECT_SHORT, .only = 1U << INJECT_PWRITE};
    unsigned char *bytes = aligned_alloc(PAGE, (size_t)PAGES * PAGE);
    size_t got = 0;
    for (size_t i = 0; i < (size_t)PAGES * PAGE; i++) {
        f->pages[i] = (unsigned char)(i / 512);
    }
    inject_begin(&plan);
    assert_int_equal(f->calls->write(f->storage, f->file, 0, f->pages, (size_t)PAGES * PAGE, NULL),
                     MR_OK);
    assert_int_equal(inject_end().failed, 1);
    assert_int_equal(
        f->calls->read(f->storage, f->file, 0, bytes, (size_t)PAGES * PAGE, &got, NULL), MR_OK);
    assert_int_equal(got, (size_t)PAGES * PAGE);
    assert_memory_equal(bytes, f->pages, got);
    free(bytes);
}

static void a_sync_is_never_repeated(void **state)
{
    struct fixture *f = *state;
    static const int system_errors[] = {EINTR, EAGAIN, EIO, ENOSPC};
    for (size_t i = 0; i < 4; i++) {
        struct inject_plan plan = {.at = 1, .fault = system_errors[i]};
        inject_begin(&plan);
        assert_true(f->calls->sync(f->storage, f->file, &f->error) < 0);
        struct inject_report report = inject_end();
        assert_int_equal(report.calls, 1);
        assert_int_equal(report.first, INJECT_SYNC);
        assert_non_null(strstr(f->error.text, "/a"));
    }
}

int main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_call_that_is_turned_away_once_is_repeated),
        CLAIM(a_call_that_is_turned_away_for_ever_fails),
        CLAIM(each_success_makes_the_count_begin_anew),
        CLAIM(other_failures_are_not_repeated),
        CLAIM(a_part_that_was_not_taken_follows),
        CLAIM(a_write_that_was_parted_from_its_sync_fails_the_queue),
        CLAIM(a_queue_that_cannot_be_asked_has_ended_when_stop_returns),
        CLAIM(an_interrupted_write_goes_on_but_not_for_ever),
        CLAIM(a_short_write_goes_on_where_it_stopped),
        CLAIM(a_sync_is_never_repeated),
    };
    if (!inject_works()) {
        printf("SKIPPED: the faults of the queue need Linux 6.1 and permission to use io_uring\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
