/* What only real files can show: directories, signals, limits of the system, and a process that
 * dies with writes in flight. */
#include "base/digest.h"
#include "base/storage.h"
#include "tests/support/temp_directory.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = MR_STORAGE_ALIGNMENT, MIB = 1 << 20 };

static char directory[PATH_MAX];

static int set_up(void **state)
{
    (void)state;
    mr_temp_directory_make(directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mr_temp_directory_remove(directory);
    return 0;
}

static struct mr_storage *open_storage(void)
{
    struct mr_storage *storage;
    assert_int_equal(mr_storage_open_files(directory, false, &storage, NULL), MR_OK);
    return storage;
}

/* In a child process, where cmocka must not be: what does not hold ends it. */
static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "in the child: %s\n", what);
        _exit(1);
    }
}

static void assert_child_succeeds(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- Directories. ------------------------------------------------------------------------------ */

static void a_missing_directory_is_made_only_when_asked_for(void **state)
{
    (void)state;
    char path[PATH_MAX + 16];
    struct mr_storage *storage = NULL;
    struct mr_error error;
    snprintf(path, sizeof path, "%s/one/two//three/", directory);
    assert_int_equal(mr_storage_open_files(path, false, &storage, &error), MR_E_NOT_FOUND);
    assert_non_null(strstr(error.text, "one/two"));
    assert_int_equal(mr_storage_open_files(path, true, &storage, &error), MR_OK);
    storage->calls->destroy(storage);
    assert_int_equal(mr_storage_open_files(path, true, &storage, &error), MR_OK);
    storage->calls->destroy(storage);
    assert_int_equal(mr_storage_open_files(path, false, &storage, &error), MR_OK);
    storage->calls->destroy(storage);
}

static void a_file_is_not_taken_for_a_directory(void **state)
{
    (void)state;
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/file", directory);
    struct mr_storage *storage = open_storage();
    int file;
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE;
    assert_int_equal(storage->calls->open(storage, "file", flags, &file, NULL), MR_OK);
    storage->calls->destroy(storage); /* closes the file */
    assert_true(mr_storage_open_files(path, true, &storage, NULL) < 0);
    assert_true(mr_storage_open_files(path, false, &storage, NULL) < 0);
    assert_int_equal(mr_storage_open_files("", true, &storage, NULL), MR_E_INVALID);
}

/* No file below /proc takes O_DIRECT. */
static void a_file_system_without_direct_access_is_used_without(void **state)
{
    (void)state;
    struct mr_storage *storage;
    char bytes[100];
    size_t got = 0;
    int file;
    assert_int_equal(mr_storage_open_files("/proc/self", false, &storage, NULL), MR_OK);
    assert_null(strstr(storage->calls->describe(storage), "page cache"));
    int flags = MR_OPEN_READ | MR_OPEN_DIRECT;
    assert_int_equal(storage->calls->open(storage, "limits", flags, &file, NULL), MR_OK);
    assert_non_null(strstr(storage->calls->describe(storage), "page cache"));
    assert_int_equal(storage->calls->read(storage, file, 0, bytes, sizeof bytes, &got, NULL),
                     MR_OK);
    assert_int_equal(got, sizeof bytes);
    storage->calls->destroy(storage);
}

/* -- A process that dies. ---------------------------------------------------------------------- */

enum { KILL_WRITES = 64, KILL_ROUNDS = 4 };

static void fill_with_zeros(struct mr_storage *storage)
{
    void *zeros = calloc(1, MIB);
    int file;
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE;
    assert_int_equal(storage->calls->open(storage, "a", flags, &file, NULL), MR_OK);
    for (uint64_t i = 0; i < KILL_WRITES; i++) {
        assert_int_equal(storage->calls->write(storage, file, i * MIB, zeros, MIB, NULL), MR_OK);
    }
    assert_int_equal(storage->calls->sync(storage, file, NULL), MR_OK);
    storage->calls->close(storage, file);
    free(zeros);
}

/* Takes the lock, starts many writes, tells the parent and waits to be killed. */
_Noreturn static void write_until_killed(int pipe_end, int round)
{
    struct mr_storage *storage;
    int file;
    unsigned char *bytes = aligned_alloc(PAGE, MIB);
    memset(bytes, round + 1, MIB);
    must(mr_storage_open_files(directory, false, &storage, NULL) == MR_OK, "open");
    must(storage->calls->lock(storage, 10000, NULL) == MR_OK, "lock");
    int flags = MR_OPEN_WRITE | MR_OPEN_DIRECT;
    must(storage->calls->open(storage, "a", flags, &file, NULL) == MR_OK, "open a");
    struct mr_queue_options options = {
        .depth = KILL_WRITES,
        .method = round % 2 == 0 ? MR_DURABLE_DSYNC : MR_DURABLE_LINKED_SYNC,
    };
    must(storage->calls->queue_start(storage, &options, NULL) == MR_OK, "start");
    for (uint64_t i = 0; i < KILL_WRITES; i++) {
        struct mr_io io = {MR_IO_WRITE_DURABLE, file, bytes, MIB, i * MIB, i};
        must(storage->calls->queue_submit(storage, &io) == MR_OK, "submit");
    }
    must(storage->calls->queue_flush(storage, NULL) == MR_OK, "flush");
    must(write(pipe_end, "", 1) == 1, "tell the parent");
    for (;;) {
        pause();
    }
}

/* A page of every write, the last write first: it has the longest way to go. */
static struct mr_digest sample(struct mr_storage *storage)
{
    unsigned char *pages = aligned_alloc(PAGE, (size_t)KILL_WRITES * PAGE);
    int file;
    int flags = MR_OPEN_READ | MR_OPEN_DIRECT;
    assert_int_equal(storage->calls->open(storage, "a", flags, &file, NULL), MR_OK);
    for (uint64_t i = KILL_WRITES; i-- > 0;) {
        size_t got = 0;
        uint64_t last_page = (i + 1) * MIB - PAGE;
        unsigned char *page = pages + i * PAGE;
        assert_int_equal(storage->calls->read(storage, file, last_page, page, PAGE, &got, NULL),
                         MR_OK);
        assert_int_equal(got, PAGE);
    }
    struct mr_digest digest = mr_digest_of(pages, (size_t)KILL_WRITES * PAGE);
    storage->calls->close(storage, file);
    free(pages);
    return digest;
}

static void the_lock_outlives_a_killed_process_until_its_writes_have_ended(void **state)
{
    (void)state;
    struct mr_storage *storage = open_storage();
    fill_with_zeros(storage);
    int held = 0;
    for (int round = 0; round < KILL_ROUNDS; round++) {
        int ends[2];
        char byte;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            write_until_killed(ends[1], round);
        }
        assert_int_equal(read(ends[0], &byte, 1), 1);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        int status = storage->calls->lock(storage, 0, NULL);
        if (status == MR_E_BUSY) { /* the process is gone, its writes are not */
            held += 1;
            status = storage->calls->lock(storage, 30000, NULL);
        }
        assert_int_equal(status, MR_OK);
        struct mr_digest before = sample(storage);
        usleep(50000); /* to catch what comes late; not needed for the test to be right */
        struct mr_digest after = sample(storage);
        assert_true(mr_digest_equal(before, after));
        storage->calls->unlock(storage);
        close(ends[0]);
        close(ends[1]);
    }
    print_message("the lock was still held after the death in %d of %d rounds\n", held,
                  KILL_ROUNDS);
    storage->calls->destroy(storage);
}

/* -- Limits and failures. ---------------------------------------------------------------------- */

struct one_write {
    enum mr_durable_method method;
    uint64_t limit; /* RLIMIT_FSIZE, 0: none */
    uint32_t size;
    uint64_t offset;
};

/* Runs in a child, whose limits are its own. Returns the write's errno value. */
static int write_one(const struct one_write *one)
{
    struct mr_storage *storage;
    struct mr_io_result result = {.system_error = -1};
    int file;
    int count = 0;
    void *bytes = aligned_alloc(PAGE, one->size);
    memset(bytes, 'x', one->size);
    signal(SIGXFSZ, SIG_IGN);
    must(mr_storage_open_files(directory, false, &storage, NULL) == MR_OK, "open");
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT;
    must(storage->calls->open(storage, "a", flags, &file, NULL) == MR_OK, "open a");
    struct mr_queue_options options = {.depth = 2, .method = one->method};
    must(storage->calls->queue_start(storage, &options, NULL) == MR_OK, "start");
    if (one->limit > 0) {
        struct rlimit limit = {one->limit, one->limit};
        must(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
    }
    struct mr_io io = {MR_IO_WRITE_DURABLE, file, bytes, one->size, one->offset, 5};
    must(storage->calls->queue_submit(storage, &io) == MR_OK, "submit");
    for (int i = 0; i < 100 && count == 0; i++) {
        count = storage->calls->queue_reap(storage, &result, 1, 100000, NULL);
    }
    must(count == 1 && result.tag == 5, "reap");
    struct mr_io_result extra;
    must(storage->calls->queue_reap(storage, &extra, 1, 1000, NULL) == 0, "nothing more");
    storage->calls->queue_stop(storage);
    storage->calls->destroy(storage);
    free(bytes);
    return result.system_error;
}

static void assert_write_gives(const struct one_write *one, int system_error)
{
    pid_t child = fork();
    if (child == 0) {
        int got = write_one(one);
        must(got == system_error, strerror(got));
        _exit(0);
    }
    assert_child_succeeds(child);
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/a", directory);
    assert_int_equal(unlink(path), 0);
}

static void a_failed_write_tells_why_with_either_method(void **state)
{
    (void)state;
    struct one_write dsync = {MR_DURABLE_DSYNC, 2 * PAGE, PAGE, 2 * PAGE};
    struct one_write linked = {MR_DURABLE_LINKED_SYNC, 2 * PAGE, PAGE, 2 * PAGE};
    assert_write_gives(&dsync, EFBIG);
    assert_write_gives(&linked, EFBIG); /* not the ECANCELED of its sync */
}

static void a_short_write_is_an_error_with_either_method(void **state)
{
    (void)state;
    struct one_write dsync = {MR_DURABLE_DSYNC, 2 * PAGE, 4 * PAGE, 0};
    struct one_write linked = {MR_DURABLE_LINKED_SYNC, 2 * PAGE, 4 * PAGE, 0};
    assert_write_gives(&dsync, EIO);
    assert_write_gives(&linked, EIO);
}

static void a_synchronous_write_that_does_not_fit_is_an_error(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct mr_storage *storage = NULL;
        struct mr_error error;
        int file;
        static const char bytes[2 * PAGE];
        struct rlimit limit = {PAGE, PAGE};
        signal(SIGXFSZ, SIG_IGN);
        must(mr_storage_open_files(directory, false, &storage, NULL) == MR_OK, "open");
        int flags = MR_OPEN_WRITE | MR_OPEN_CREATE;
        must(storage->calls->open(storage, "a", flags, &file, NULL) == MR_OK, "open a");
        must(setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
        int status = storage->calls->write(storage, file, 0, bytes, sizeof bytes, &error);
        must(status == MR_E_NO_SPACE, error.text);
        must(strstr(error.text, "/a at offset 4096") != NULL, error.text);
        _exit(0);
    }
    assert_child_succeeds(child);
}

enum { CANNOT = 77 }; /* what a child exits with that cannot do what it ought to */

/* A user whose locked memory is limited, which root's is not. */
static void become_limited(void)
{
    struct rlimit limit = {(rlim_t)64 << 10, (rlim_t)64 << 10};
    must(setrlimit(RLIMIT_MEMLOCK, &limit) == 0, "setrlimit");
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) {
        _exit(CANNOT);
    }
}

static void a_small_memlock_limit_only_costs_the_registration_of_buffers(void **state)
{
    (void)state;
    assert_int_equal(chmod(directory, 0777), 0);
    struct mr_storage *storage = open_storage();
    pid_t child = fork();
    if (child == 0) {
        void *bytes = aligned_alloc(PAGE, 4 * MIB);
        memset(bytes, 'x', 4 * MIB);
        become_limited();
        int file;
        int flags = MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT;
        must(storage->calls->open(storage, "a", flags, &file, NULL) == MR_OK, "open a");
        struct mr_queue_options options = {.depth = 1, .buffers = bytes, .buffers_size = 4 * MIB};
        int status = storage->calls->queue_start(storage, &options, NULL);
        if (status == MR_E_UNSUPPORTED) {
            _exit(CANNOT); /* root may use io_uring here, and others may not */
        }
        must(status == MR_OK, "start");
        const char *text = storage->calls->describe(storage);
        must(strstr(text, "RLIMIT_MEMLOCK") != NULL, text);
        struct mr_io io = {MR_IO_WRITE_DURABLE, file, bytes, MIB, 0, 5};
        struct mr_io_result result;
        must(storage->calls->queue_submit(storage, &io) == MR_OK, "submit");
        must(storage->calls->queue_reap(storage, &result, 1, 10000000, NULL) == 1, "reap");
        must(result.system_error == 0, strerror(result.system_error));
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    storage->calls->destroy(storage);
    if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
        print_message("SKIPPED: nobody may become a user with a small limit here\n");
        skip();
    }
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* -- Signals and threads. ---------------------------------------------------------------------- */

static void ignore_signal(int number)
{
    (void)number;
}

static void interrupted_waits_lose_nothing(void **state)
{
    (void)state;
    struct mr_storage *storage = open_storage();
    int file;
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE | MR_OPEN_DIRECT;
    assert_int_equal(storage->calls->open(storage, "a", flags, &file, NULL), MR_OK);
    struct mr_queue_options options = {.depth = 4};
    assert_int_equal(storage->calls->queue_start(storage, &options, NULL), MR_OK);
    void *bytes = aligned_alloc(PAGE, MIB);
    memset(bytes, 'x', MIB);

    struct sigaction action = {.sa_handler = ignore_signal}; /* without SA_RESTART */
    struct itimerval often = {{0, 200}, {0, 200}};
    struct itimerval never = {{0, 0}, {0, 0}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    uint64_t reaped = 0;
    for (uint64_t next = 0; reaped < 40;) {
        struct mr_io io = {MR_IO_WRITE_DURABLE, file, bytes, MIB, next % 4 * MIB, next};
        if (next < 40 && storage->calls->queue_submit(storage, &io) == MR_OK) {
            next += 1;
            continue;
        }
        struct mr_io_result results[4];
        int count = storage->calls->queue_reap(storage, results, 4, 1000000, NULL);
        assert_true(count >= 0);
        for (int i = 0; i < count; i++) {
            assert_int_equal(results[i].system_error, 0);
        }
        reaped += (uint64_t)count;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    assert_int_equal(reaped, 40);
    storage->calls->queue_stop(storage);
    storage->calls->destroy(storage);
    free(bytes);
}

struct reader {
    struct mr_storage *storage;
    int failures;
};

static void *read_again_and_again(void *argument)
{
    struct reader *reader = argument;
    struct mr_storage *storage = reader->storage;
    for (int i = 0; i < 300; i++) {
        char bytes[5];
        size_t got = 0;
        int file;
        if (storage->calls->open(storage, "b", MR_OPEN_READ, &file, NULL) != MR_OK ||
            storage->calls->read(storage, file, 0, bytes, 5, &got, NULL) != MR_OK || got != 5 ||
            memcmp(bytes, "hello", 5) != 0) {
            reader->failures += 1;
        }
        storage->calls->close(storage, file);
    }
    return NULL;
}

static void others_may_read_while_the_queue_runs(void **state)
{
    (void)state;
    struct mr_storage *storage = open_storage();
    int file;
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE;
    assert_int_equal(storage->calls->open(storage, "b", flags, &file, NULL), MR_OK);
    assert_int_equal(storage->calls->write(storage, file, 0, "hello", 5, NULL), MR_OK);
    storage->calls->close(storage, file);
    struct mr_queue_options options = {.depth = 4};
    assert_int_equal(storage->calls->queue_start(storage, &options, NULL), MR_OK);

    struct reader readers[2] = {{storage, 0}, {storage, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        pthread_create(&threads[i], NULL, read_again_and_again, &readers[i]);
    }
    static const char bytes[100] = "something";
    for (uint64_t i = 0; i < 100; i++) {
        struct mr_io_result result = {.system_error = -1};
        flags = i == 0 ? MR_OPEN_WRITE | MR_OPEN_CREATE : MR_OPEN_WRITE;
        assert_int_equal(storage->calls->open(storage, "a", flags, &file, NULL), MR_OK);
        struct mr_io io = {MR_IO_WRITE, file, bytes, sizeof bytes, i * sizeof bytes, i};
        assert_int_equal(storage->calls->queue_submit(storage, &io), MR_OK);
        while (storage->calls->queue_reap(storage, &result, 1, 1000000, NULL) == 0) {
        }
        assert_int_equal(result.system_error, 0);
        storage->calls->close(storage, file);
    }
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(readers[i].failures, 0);
    }
    storage->calls->queue_stop(storage);
    storage->calls->destroy(storage);
}

int main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CLAIM(a_missing_directory_is_made_only_when_asked_for),
        CLAIM(a_file_is_not_taken_for_a_directory),
        CLAIM(a_file_system_without_direct_access_is_used_without),
        CLAIM(the_lock_outlives_a_killed_process_until_its_writes_have_ended),
        CLAIM(a_failed_write_tells_why_with_either_method),
        CLAIM(a_short_write_is_an_error_with_either_method),
        CLAIM(a_synchronous_write_that_does_not_fit_is_an_error),
        CLAIM(a_small_memlock_limit_only_costs_the_registration_of_buffers),
        CLAIM(interrupted_waits_lose_nothing),
        CLAIM(others_may_read_while_the_queue_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
