/* A journal on real files, in whose life one call after the other fails: once only, and from then
 * on for ever. Acknowledgement stops at once, unless the call may be repeated; the error names a
 * place; nothing hangs; no sync is repeated; and the next life, without faults, finds all that was
 * acknowledged, and nothing that was not appended. */
#include "journal/writer.h"
#include "tests/faults/inject.h"
#include "tests/journal/rig.h"
#include "tests/support/temp_directory.h"

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ENTRIES = 14,
    BEFORE_CUT = 7, /* in a life that truncates */
    CUT = 3,
    FRAMES = 16, /* memory for as many, so that none is used twice in a life */
    FRAME_BYTES = 16 << 10,
    SEGMENT_BYTES = MR_SEGMENT_BYTES_TINY,
    WORKERS = 8, /* processes that share the lives: most of a life is waiting for the disk */
    CALLS_MAX = 2000000, /* a life that makes more of them goes round in circles */
    LIFE_SECONDS = 60,
};

enum { LIVING, TRUNCATING, STOPPING }; /* stages of a life */

/* Where lives take place: on a disk, or in memory, where the same takes a third of the time. */
static char disk[PATH_MAX];
static char memory[PATH_MAX];
static uint64_t seed;
static uint64_t worker;   /* from 0 */
static uint64_t step = 1; /* MR_STEP: in slow builds, not every call */
static unsigned char *frames;

/* What kind of life. */
static struct {
    enum mr_durable_method method;
    enum mr_durability durability;
    bool truncates; /* in the middle, to CUT entries */
} kind;

static const struct mr_storage_calls *real_calls;
static struct mr_storage_calls calls; /* the real ones, but that queues are told their method */

struct life {
    char path[PATH_MAX];
    struct mr_storage *storage;
    struct mr_journal *journal;
    struct mr_error error;
    int status;            /* the first failure */
    uint64_t appended;     /* the last index */
    uint64_t acknowledged; /* as far as nothing may be lost */
    bool is_cut;           /* what comes behind the cut is of another history */
    struct mr_tip tips[ENTRIES + 2];
};

/* -- A life. ----------------------------------------------------------------------------------- */

static int start_with_method(struct mr_storage *storage, const struct mr_queue_options *options,
                             struct mr_error *error)
{
    struct mr_queue_options given = *options;
    given.method = kind.method;
    return real_calls->queue_start(storage, &given, error);
}

static int make_first_segment(struct life *life)
{
    struct mr_superblock superblock = {
        .segment = 1, .generation = 1, .segment_bytes = SEGMENT_BYTES};
    memcpy(superblock.journal_id, rig_id, sizeof rig_id);
    int status = life->storage->calls->make_directory(life->storage, "journal", &life->error);
    if (status == MR_OK) {
        status = mr_directory_sync(life->storage, "", &life->error);
    }
    return status == MR_OK ? mr_segment_make(life->storage, &superblock, &life->error) : status;
}

/* Opens the directory, takes the lock, and makes a journal where none is. */
static int begin(struct life *life, bool create)
{
    int status = mr_storage_open_files(life->path, false, &life->storage, &life->error);
    if (status != MR_OK) {
        life->storage = NULL;
        return status;
    }
    ASSERT(life->storage != NULL);
    real_calls = life->storage->calls;
    calls = *real_calls;
    calls.queue_start = start_with_method;
    life->storage->calls = &calls;
    status = life->storage->calls->lock(life->storage, 0, &life->error);
    if (status == MR_OK) {
        status = mr_journal_exists(life->storage, &life->error);
    }
    return status == MR_E_NOT_FOUND && create ? make_first_segment(life) : status;
}

static int recover(struct life *life, struct mr_recovery *report)
{
    struct mr_journal_options options = {
        .frames_in_flight = 4,
        .durability = kind.durability,
        .replicated = kind.truncates,
        .buffers = frames,
        .buffers_size = (size_t)FRAMES * FRAME_BYTES,
    };
    int status =
        mr_journal_recover(life->storage, &options, report, NULL, &life->journal, &life->error);
    if (status != MR_OK) {
        life->journal = NULL;
    }
    return status;
}

static struct rig_shape shape(const struct life *life, uint64_t index)
{
    bool other = life->is_cut && index > CUT;
    return (struct rig_shape){.salt = seed + other, .payload_max = 6000};
}

/* A turn that may wait. Notes what is acknowledged, as an embedder would. */
static int poll_journal(struct life *life, uint32_t wait_us)
{
    int status = mr_journal_poll(life->journal, wait_us, &life->error);
    life->acknowledged = mr_journal_durable_index(life->journal);
    return status;
}

static int append(struct life *life)
{
    struct mr_tip tip = life->tips[life->appended];
    struct rig_shape of = shape(life, tip.index + 1);
    void *frame = frames + (life->appended % FRAMES) * FRAME_BYTES;
    struct mr_digest digest = rig_fill(&of, frame, &tip);
    int status = mr_journal_append(life->journal, frame, digest, &life->error);
    while (status == MR_AGAIN) {
        status = poll_journal(life, 100000);
        status =
            status < 0 ? status : mr_journal_append(life->journal, frame, digest, &life->error);
    }
    if (status == MR_OK) {
        life->appended = tip.index;
        life->tips[tip.index] = tip;
    }
    return status;
}

/* Appends up to `last_index` in bursts, of which the seed says how long they are. */
static int append_up_to(struct life *life, uint64_t last_index)
{
    struct mr_random random;
    int status = MR_OK;
    mr_random_init(&random, seed + life->appended);
    while (life->appended < last_index && status >= 0) {
        status = append(life);
        if (status == MR_OK && mr_random_chance(&random, 1, 2)) {
            status = poll_journal(life, mr_random_chance(&random, 1, 2) ? 100000 : 0);
        }
        if (status >= 0 && mr_random_chance(&random, 1, 4)) {
            status = mr_journal_mark(life->journal, &life->error);
        }
    }
    return status < 0 ? status : MR_OK;
}

/* What lies behind the cut may be lost as soon as it is asked for. */
static int truncate_journal(struct life *life)
{
    uint64_t kept = life->acknowledged < CUT ? life->acknowledged : CUT;
    int status = mr_journal_truncate(life->journal, CUT, &life->error);
    life->acknowledged = kept;
    if (status == MR_OK) {
        assert_int_equal(mr_journal_durable_index(life->journal), CUT);
        life->acknowledged = life->appended = CUT;
        life->is_cut = true;
    }
    return status;
}

static int work(struct life *life)
{
    int status = append_up_to(life, kind.truncates ? BEFORE_CUT : ENTRIES);
    if (status == MR_OK && kind.truncates) {
        inject_stage(TRUNCATING);
        status = truncate_journal(life);
        inject_stage(LIVING);
        status = status == MR_OK ? append_up_to(life, ENTRIES) : status;
    }
    return status;
}

/* After the fence has fallen nothing moves any more. */
static void assert_fenced(struct life *life)
{
    uint64_t acknowledged = mr_journal_durable_index(life->journal);
    assert_int_equal(mr_journal_poll(life->journal, 1000, NULL), MR_E_FENCED);
    assert_int_equal(mr_journal_mark(life->journal, NULL), MR_E_FENCED);
    assert_int_equal(mr_journal_durable_index(life->journal), acknowledged);
    assert_false(mr_journal_ready(life->journal));
}

static int write_journal(struct life *life)
{
    int status = mr_journal_start(life->journal, &life->error);
    if (status != MR_OK) {
        return status;
    }
    status = work(life);
    if (status != MR_OK) {
        assert_fenced(life);
        assert_true(mr_journal_stop(life->journal, NULL) == status);
        return status;
    }
    inject_stage(STOPPING);
    status = mr_journal_stop(life->journal, &life->error);
    life->acknowledged = mr_journal_durable_index(life->journal);
    return status;
}

static void live(struct life *life)
{
    struct mr_recovery report;
    life->status = begin(life, true);
    if (life->status == MR_OK) {
        life->status = recover(life, &report);
    }
    if (life->status == MR_OK) {
        life->status = write_journal(life);
    }
}

static void end(struct life *life)
{
    if (life->journal != NULL) {
        mr_journal_close(life->journal);
        life->journal = NULL;
    }
    if (life->storage != NULL) {
        life->storage->calls->destroy(life->storage);
        life->storage = NULL;
    }
}

/* -- The next life. ---------------------------------------------------------------------------- */

static const struct inject_plan *current; /* for messages */

static void must(const struct life *life, int status)
{
    if (status != MR_OK) {
        print_error("after %s at call %llu%s: %s\n", inject_fault_text(current->fault),
                    (unsigned long long)current->at, current->for_ever ? " and for ever" : "",
                    life->error.text);
    }
    assert_int_equal(status, MR_OK);
}

/* Entry after entry is of the history that `before` wrote. */
static void assert_entries(struct life *life, const struct life *before, uint64_t last_index)
{
    struct mr_reader *reader;
    const struct mr_entry *entry;
    struct mr_tip tip = {0};
    must(life, mr_reader_open(life->storage, &(struct mr_reader_options){.last_index = last_index},
                              &reader, &life->error));
    for (uint64_t index = 1; index <= last_index; index++) {
        struct rig_shape of = shape(before, index);
        must(life, mr_reader_next(reader, &entry, NULL, &life->error));
        assert_true(rig_matches(&of, entry, frames, &tip));
    }
    assert_int_equal(mr_reader_next(reader, &entry, NULL, NULL), MR_AGAIN);
    mr_reader_close(reader);
}

/* Recovers, finds what was acknowledged and nothing that was not appended, and goes on. */
static void assert_recovers(const struct life *before)
{
    struct life life = {0};
    struct mr_recovery report = {0};
    memcpy(life.path, before->path, sizeof life.path);
    int status = begin(&life, false);
    if (status == MR_E_NOT_FOUND) { /* it was never made */
        assert_int_equal(before->appended, 0);
        end(&life);
        return;
    }
    must(&life, status);
    must(&life, recover(&life, &report));
    uint64_t last_index = report.last_index;
    assert_true(last_index >= before->acknowledged);
    assert_true(last_index <= before->appended);
    if (last_index > 0) {
        assert_entries(&life, before, last_index);
    }
    life.is_cut = before->is_cut;
    life.appended = last_index;
    life.tips[last_index] = (struct mr_tip){
        .index = last_index,
        .sequence = report.last_sequence,
        .time_ns = report.last_time_ns,
        .digest = report.last_digest,
    };
    must(&life, mr_journal_start(life.journal, &life.error));
    must(&life, append(&life));
    must(&life, mr_journal_stop(life.journal, &life.error));
    must(&life, mr_journal_plan(life.storage, &report, NULL, &life.error));
    assert_int_equal(report.decided, 'A');
    assert_int_equal(report.last_index, last_index + 1);
    end(&life);
}

/* -- What a fault may lead to. ----------------------------------------------------------------- */

/* A call that is repeated, or done without: a single fault of it is not to be seen. */
static bool is_tolerated(const struct inject_plan *plan, const struct inject_report *report)
{
    bool enters = report->first == INJECT_ENTER;
    bool moves = report->first == INJECT_PREAD || report->first == INJECT_PWRITE;
    switch (plan->fault) {
    case EINTR:
        return enters || moves;
    case EAGAIN:
        return enters;
    case INJECT_SHORT:
        return (enters && !report->first_parted) || report->first == INJECT_PWRITE;
    default:
        return report->first == INJECT_BUFFERS;
    }
}

/* A segment that is being prepared when all else is done is given up, and nobody asks why. */
static bool is_moot(const struct inject_report *report)
{
    bool of_the_queue = report->first == INJECT_ENTER || report->first == INJECT_QUEUED_WRITE ||
                        report->first == INJECT_QUEUED_SYNC;
    bool of_the_journal = report->frame_bound != UINT64_MAX || report->first_of_segment;
    return of_the_queue && report->first_stage == STOPPING && !of_the_journal;
}

/* Either is right: how much room there is, is told only; a leftover is removed again next time; a
 * short read may be the end of a file, and one that waits for the lock tries again. */
static bool is_either(const struct inject_plan *plan, const struct inject_report *report)
{
    return plan->for_ever || is_moot(report) || report->first == INJECT_STATVFS ||
           report->first == INJECT_UNLINK || report->first == INJECT_BUFFERS ||
           report->first == INJECT_FLOCK ||
           (plan->fault == INJECT_SHORT && report->first == INJECT_PREAD);
}

static bool names_a_place(const struct life *life)
{
    return strstr(life->error.text, life->path) != NULL ||
           strstr(life->error.text, "journal") != NULL ||
           strstr(life->error.text, "io_uring") != NULL;
}

/* The error that is reported is the one that there was, and no consequence of it. Whoever has the
 * lock, and a sync that was parted from its write, are told of in other words. */
static bool tells_why(const struct life *life, const struct inject_plan *plan,
                      const struct inject_report *report)
{
    bool other_words = report->first == INJECT_FLOCK || report->first_parted ||
                       (plan->fault == INJECT_SHORT && report->first == INJECT_PREAD);
    int fault = plan->fault == INJECT_SHORT ? EIO : plan->fault;
    return plan->for_ever || other_words || strstr(life->error.text, strerror(fault)) != NULL;
}

static void judge(const struct life *life, const struct inject_plan *plan,
                  const struct inject_report *report)
{
    assert_int_equal(report->synced_again, 0);
    assert_true(report->all < CALLS_MAX);
    assert_true(life->acknowledged <= report->frame_bound);
    assert_true(life->acknowledged <= life->appended);
    if (life->status == MR_OK) {
        assert_int_equal(life->acknowledged, ENTRIES);
    } else {
        if (!names_a_place(life) || !tells_why(life, plan, report)) {
            print_error("%s\n", life->error.text);
        }
        assert_true(names_a_place(life));
        assert_true(tells_why(life, plan, report));
    }
    if (report->failed == 0 || is_either(plan, report)) {
        return;
    }
    bool tolerated = is_tolerated(plan, report);
    if (tolerated != (life->status == MR_OK)) {
        print_error("%s, call %llu (%s, stage %u): %s\n", inject_fault_text(plan->fault),
                    (unsigned long long)plan->at, inject_call_text(report->first),
                    report->first_stage,
                    life->status == MR_OK ? "nobody noticed" : life->error.text);
    }
    assert_int_equal(tolerated, life->status == MR_OK);
}

/* One life with one plan; false when there was no such call. */
static bool live_with(const struct inject_plan *plan)
{
    struct life life = {0};
    mr_temp_directory_make(life.path);
    alarm(LIFE_SECONDS);
    inject_begin(plan);
    live(&life);
    end(&life);
    struct inject_report report = inject_end();
    current = plan;
    judge(&life, plan, &report);
    assert_recovers(&life);
    alarm(0);
    mr_temp_directory_remove(life.path);
    return report.failed > 0;
}

/* Every call that can fail so. How many there are differs a little from life to life, as
 * completions come early or late: the search ends when several in a row are beyond the last one. */
static void fail_every_call(int fault, bool for_ever, uint32_t only)
{
    enum { BEYOND = 3 };
    uint64_t at = worker + 1;
    for (int beyond = 0; beyond < BEYOND; at += WORKERS * step) {
        struct inject_plan plan = {
            .at = at,
            .for_ever = for_ever,
            .fault = fault,
            .only = only,
            .reaches = (uint32_t)(mr_mix64(seed + at) % 3),
        };
        beyond = live_with(&plan) ? 0 : beyond + 1;
    }
    print_message("%s, %s: %llu calls\n", inject_fault_text(fault), for_ever ? "for ever" : "once",
                  (unsigned long long)(at - BEYOND));
}

/* -- The claims. ------------------------------------------------------------------------------- */

static const int faults[] = {EIO, ENOSPC, EINTR, EAGAIN, INJECT_SHORT};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static void a_life_without_faults_acknowledges_everything(void **state)
{
    (void)state;
    struct inject_plan none = {.fault = EIO};
    for (int i = 0; i < 8; i++) {
        kind.method = (i & 1) != 0 ? MR_DURABLE_LINKED_SYNC : MR_DURABLE_DSYNC;
        kind.durability = (i & 2) != 0 ? MR_DURABILITY_OS : MR_DURABILITY_DISK;
        kind.truncates = (i & 4) != 0;
        assert_false(live_with(&none));
    }
}

/* Lives of this kind come next. */
static void set_kind(enum mr_durable_method method, enum mr_durability durability, bool truncates,
                     bool in_memory)
{
    setenv("TMPDIR", in_memory ? memory : disk, 1);
    kind.method = method;
    kind.durability = durability;
    kind.truncates = truncates;
}

static void each_call_may_fail_once(void **state)
{
    (void)state;
    set_kind(MR_DURABLE_DSYNC, MR_DURABILITY_DISK, false, false);
    for (int i = 0; i < FAULTS; i++) {
        fail_every_call(faults[i], false, 0);
    }
}

static void each_call_may_be_the_last_good_one(void **state)
{
    (void)state;
    set_kind(MR_DURABLE_DSYNC, MR_DURABILITY_DISK, false, true);
    for (int i = 0; i < FAULTS; i++) {
        fail_every_call(faults[i], true, 0);
    }
}

static void the_queue_may_fail_with_linked_syncs(void **state)
{
    (void)state;
    const uint32_t of_the_queue =
        1U << INJECT_ENTER | 1U << INJECT_QUEUED_WRITE | 1U << INJECT_QUEUED_SYNC;
    set_kind(MR_DURABLE_LINKED_SYNC, MR_DURABILITY_DISK, false, true);
    for (int i = 0; i < FAULTS; i++) {
        fail_every_call(faults[i], false, of_the_queue);
        fail_every_call(faults[i], true, of_the_queue);
    }
}

/* Where the page cache takes the writes, syncs are calls of their own, and failures of theirs. */
static void the_same_under_os_durability(void **state)
{
    (void)state;
    set_kind(MR_DURABLE_DSYNC, MR_DURABILITY_OS, false, true);
    for (int i = 0; i < FAULTS; i++) {
        fail_every_call(faults[i], false, 0);
    }
    fail_every_call(EIO, true, 0);
}

/* A truncation that fails has happened or not, and never half. */
static void each_call_of_a_truncation_may_fail(void **state)
{
    (void)state;
    set_kind(MR_DURABLE_DSYNC, MR_DURABILITY_DISK, true, true);
    for (int i = 0; i < FAULTS; i++) {
        fail_every_call(faults[i], false, 0);
    }
    fail_every_call(EIO, true, 0);
}

static int work_as(uint64_t number)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_without_faults_acknowledges_everything),
        cmocka_unit_test(each_call_may_fail_once),
        cmocka_unit_test(each_call_may_be_the_last_good_one),
        cmocka_unit_test(the_queue_may_fail_with_linked_syncs),
        cmocka_unit_test(the_same_under_os_durability),
        cmocka_unit_test(each_call_of_a_truncation_may_fail),
    };
    worker = number;
    if (number > 0) { /* one tells how it goes; what fails is said by all */
        assert_non_null(freopen("/dev/null", "w", stdout));
    }
    frames = mr_pages_allocate((size_t)FRAMES * FRAME_BYTES);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(frames);
    return failed != 0;
}

int main(void)
{
    pid_t workers[WORKERS];
    int failed = 0;
    seed = rig_seed();
    const char *steps = getenv("MR_STEP");
    step = steps != NULL ? strtoull(steps, NULL, 10) : 1;
    ASSERT(step > 0);
    if (!inject_works()) {
        printf("SKIPPED: the faults of the queue need Linux 6.1 and permission to use io_uring\n");
        return 77;
    }
    mr_temp_directory_make(disk);
    setenv("TMPDIR", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : disk, 1);
    mr_temp_directory_make(memory);
    fflush(stdout);
    for (uint64_t i = 0; i < WORKERS; i++) {
        workers[i] = fork();
        if (workers[i] == 0) {
            exit(work_as(i));
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        int status = 1;
        failed += waitpid(workers[i], &status, 0) != workers[i] || status != 0;
    }
    mr_temp_directory_remove(memory); /* with what a life has left that failed */
    mr_temp_directory_remove(disk);
    return failed != 0;
}
