/* The sync guard on a small program of our own: one that acknowledges what is durable passes, and
 * one that does not is caught. The program is this test itself, started again with the guard. */
#include "base/storage.h"
#include "tests/support/temp_directory.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PAGE = MR_STORAGE_ALIGNMENT, PAGES = 24, AT_ONCE = 4 };

/* -- The program: pages are written, then acknowledged. ---------------------------------------- */

struct program {
    struct mr_storage *storage;
    const struct mr_storage_calls *calls;
    int file;
    int acks;
    unsigned char *pages; /* AT_ONCE */
};

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "in the program: %s\n", what);
        _exit(1);
    }
}

/* A file of zeros with a durable name, as a segment is. */
static void make_segment(struct program *p)
{
    int journal;
    int root;
    void *zeros = calloc(PAGES, PAGE);
    must(p->calls->make_directory(p->storage, "journal", NULL) == MR_OK, "make_directory");
    must(p->calls->open_directory(p->storage, "", &root, NULL) == MR_OK, "open_directory");
    must(p->calls->sync(p->storage, root, NULL) == MR_OK, "sync of the root");
    int flags = MR_OPEN_WRITE | MR_OPEN_CREATE;
    must(p->calls->open(p->storage, "journal/tmp", flags, &p->file, NULL) == MR_OK, "create");
    must(p->calls->write(p->storage, p->file, 0, zeros, PAGES * PAGE, NULL) == MR_OK, "zeros");
    must(p->calls->sync(p->storage, p->file, NULL) == MR_OK, "sync");
    must(p->calls->rename(p->storage, "journal/tmp", "journal/1.seg", NULL) == MR_OK, "rename");
    must(p->calls->open_directory(p->storage, "journal", &journal, NULL) == MR_OK, "journal");
    must(p->calls->sync(p->storage, journal, NULL) == MR_OK, "sync of the directory");
    p->calls->close(p->storage, p->file);
    p->calls->close(p->storage, journal);
    p->calls->close(p->storage, root);
    free(zeros);
}

static void submit(struct program *p, enum mr_io_kind kind, int page)
{
    unsigned char *bytes = p->pages + page % AT_ONCE * PAGE;
    struct mr_io io = {kind, p->file, bytes, PAGE, (uint64_t)page * PAGE, (uint64_t)page};
    if (kind == MR_IO_SYNC) {
        io = (struct mr_io){.kind = kind, .file = p->file};
    } else {
        memset(bytes, page + 1, PAGE);
    }
    must(p->calls->queue_submit(p->storage, &io) == MR_OK, "submit");
}

static void reap(struct program *p, int count)
{
    while (count > 0) {
        struct mr_io_result results[AT_ONCE];
        int got = p->calls->queue_reap(p->storage, results, AT_ONCE, 100000, NULL);
        must(got >= 0, "reap");
        for (int i = 0; i < got; i++) {
            must(results[i].system_error == 0, "a write");
        }
        count -= got;
    }
}

static void acknowledge(struct program *p, int page)
{
    char line[16];
    int length = snprintf(line, sizeof line, "%d\n", page);
    must(write(p->acks, line, (size_t)length) == length, "acknowledge");
}

/* Ways to write AT_ONCE pages and acknowledge them. */
static void write_durably(struct program *p, const char *way, int first)
{
    bool is_plain = strncmp(way, "write", 5) == 0;
    for (int i = 0; i < AT_ONCE; i++) {
        submit(p, is_plain ? MR_IO_WRITE : MR_IO_WRITE_DURABLE, first + i);
    }
    if (strcmp(way, "early") == 0) {
        must(p->calls->queue_flush(p->storage, NULL) == MR_OK, "flush");
        acknowledge(p, first);
    }
    reap(p, AT_ONCE);
    if (strcmp(way, "write-then-sync") == 0) {
        submit(p, MR_IO_SYNC, 0);
        reap(p, 1);
    } else if (strcmp(way, "write-then-call") == 0) {
        must(p->calls->sync(p->storage, p->file, NULL) == MR_OK, "sync");
    }
    for (int i = 0; i < AT_ONCE; i++) {
        acknowledge(p, first + i);
    }
}

_Noreturn static void run_program(const char *way, const char *directory)
{
    struct program p = {.file = -1};
    struct mr_error error = {0};
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/data", directory);
    must(mr_storage_open_files(path, true, &p.storage, &error) == MR_OK, error.text);
    snprintf(path, sizeof path, "%s/acks", directory);
    p.acks = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    must(p.acks >= 0, "open the acks");
    p.calls = p.storage->calls;
    p.pages = aligned_alloc(PAGE, (size_t)AT_ONCE * PAGE);
    make_segment(&p);
    int flags = MR_OPEN_WRITE | MR_OPEN_DIRECT;
    must(p.calls->open(p.storage, "journal/1.seg", flags, &p.file, NULL) == MR_OK, "open");
    struct mr_queue_options options = {
        .depth = AT_ONCE,
        .method = strcmp(way, "linked") == 0 ? MR_DURABLE_LINKED_SYNC : MR_DURABLE_DSYNC,
        .buffers = strcmp(way, "fixed") == 0 ? p.pages : NULL,
        .buffers_size = (size_t)AT_ONCE * PAGE,
    };
    must(p.calls->queue_start(p.storage, &options, &error) == MR_OK, error.text);
    for (int page = 0; page < PAGES; page += AT_ONCE) {
        write_durably(&p, way, page);
    }
    p.calls->queue_stop(p.storage);
    p.calls->destroy(p.storage);
    _exit(0);
}

/* -- The judge. -------------------------------------------------------------------------------- */

static const char *self;

struct verdict {
    bool has_segment; /* the shadow has the file under its name */
    int acknowledged;
    int missing; /* acknowledged, but not in the shadow */
};

static void set_guard(const char *directory, int kill_after, const char *strip)
{
    char text[PATH_MAX + 16];
    setenv("LD_PRELOAD", SYNCGUARD, 1);
    snprintf(text, sizeof text, "%s/data", directory);
    setenv("MR_GUARD_DATA", text, 1);
    snprintf(text, sizeof text, "%s/shadow", directory);
    setenv("MR_GUARD_SHADOW", text, 1);
    snprintf(text, sizeof text, "%s/acks", directory);
    setenv("MR_GUARD_ACKS", text, 1);
    if (kill_after > 0) {
        snprintf(text, sizeof text, "%d", kill_after);
        setenv("MR_GUARD_KILL_AFTER", text, 1);
    }
    if (strip != NULL) {
        setenv("MR_GUARD_STRIP", strip, 1);
    }
}

static void run_guarded(const char *directory, const char *way, int kill_after, const char *strip)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        set_guard(directory, kill_after, strip);
        execl(self, self, way, directory, (char *)NULL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (kill_after > 0) {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
    } else {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

static bool shadow_has(FILE *segment, int page)
{
    unsigned char bytes[PAGE];
    if (segment == NULL || fseek(segment, (long)page * PAGE, SEEK_SET) != 0 ||
        fread(bytes, 1, PAGE, segment) != PAGE) {
        return false;
    }
    return bytes[0] == page + 1 && bytes[PAGE - 1] == page + 1;
}

static struct verdict judge(const char *way, int kill_after, const char *strip)
{
    char directory[PATH_MAX];
    char path[PATH_MAX + 32];
    char line[16];
    mr_temp_directory_make(directory);
    run_guarded(directory, way, kill_after, strip);
    snprintf(path, sizeof path, "%s/shadow/journal/1.seg", directory);
    FILE *segment = fopen(path, "rb");
    snprintf(path, sizeof path, "%s/acks", directory);
    FILE *acks = fopen(path, "r");
    assert_non_null(acks);
    struct verdict verdict = {.has_segment = segment != NULL};
    while (fgets(line, sizeof line, acks) != NULL) {
        verdict.acknowledged += 1;
        verdict.missing += !shadow_has(segment, (int)strtol(line, NULL, 10));
    }
    fclose(acks);
    if (segment != NULL) {
        fclose(segment);
    }
    mr_temp_directory_remove(directory);
    return verdict;
}

/* -- Claims. ----------------------------------------------------------------------------------- */

static void an_honest_program_passes_wherever_it_is_stopped(void **state)
{
    (void)state;
    static const char *const ways[] = {"dsync", "fixed", "linked", "write-then-sync",
                                       "write-then-call"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        for (int kill_after = 1; kill_after <= PAGES; kill_after += 5) {
            struct verdict verdict = judge(ways[i], kill_after, NULL);
            assert_true(verdict.has_segment);
            assert_int_equal(verdict.acknowledged, kill_after);
            assert_int_equal(verdict.missing, 0);
        }
    }
}

static void an_honest_program_passes_to_its_end(void **state)
{
    (void)state;
    struct verdict verdict = judge("dsync", 0, NULL);
    assert_true(verdict.has_segment);
    assert_int_equal(verdict.acknowledged, PAGES);
    assert_int_equal(verdict.missing, 0);
}

static void an_acknowledgement_before_the_completion_is_caught(void **state)
{
    (void)state;
    struct verdict verdict = judge("early", 1, NULL);
    assert_int_equal(verdict.acknowledged, 1);
    assert_int_equal(verdict.missing, 1);
}

static void a_program_that_never_syncs_is_caught(void **state)
{
    (void)state;
    struct verdict verdict = judge("write", 0, NULL);
    assert_int_equal(verdict.acknowledged, PAGES);
    assert_int_equal(verdict.missing, PAGES);
}

static void stripped_syncs_are_caught_with_every_method(void **state)
{
    (void)state;
    static const char *const ways[] = {"dsync", "fixed", "linked", "write-then-sync"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct verdict all = judge(ways[i], 0, "1");
        assert_false(all.has_segment); /* not even its name is durable */
        assert_int_equal(all.acknowledged, PAGES);
        assert_int_equal(all.missing, PAGES);
        struct verdict queue = judge(ways[i], 0, "queue");
        assert_true(queue.has_segment);
        assert_int_equal(queue.missing, PAGES);
    }
}

int main(int count, char **arguments)
{
    if (count == 3) {
        run_program(arguments[1], arguments[2]);
    }
    self = arguments[0];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_honest_program_passes_wherever_it_is_stopped),
        cmocka_unit_test(an_honest_program_passes_to_its_end),
        cmocka_unit_test(an_acknowledgement_before_the_completion_is_caught),
        cmocka_unit_test(a_program_that_never_syncs_is_caught),
        cmocka_unit_test(stripped_syncs_are_caught_with_every_method),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
