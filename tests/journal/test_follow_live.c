/*
 * Readers that follow a writer on real files: threads of its own process and another process, all
 * at full speed. Each sees all entries, in order, byte for byte, and none before its writer knows
 * that it is durable.
 */
#include "tests/journal/sim_rig.h"
#include "tests/support/temp_directory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 3, ENTRIES = 1200, PAYLOAD = 30000, PATIENCE_MAX = 200000 };

static struct sim_rig rig;
static char directory[PATH_MAX];
static atomic_uint_fast64_t durable; /* as the writer knows it */

struct following {
    struct mr_storage *storage;
    struct mr_reader_options options;
    bool sees_writer; /* and can compare */
    uint64_t first;   /* the index it begins with */
    uint64_t seen;
    char problem[MR_ERROR_TEXT_SIZE];
};

static void take_a_breath(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
}

/* What an entry ought to be follows from its index alone, but for the chain. */
static bool is_right(const struct following *following, const struct mr_entry *entry,
                     unsigned char *scratch, struct mr_tip *tip)
{
    struct rig_shape shape = {.salt = 2, .payload_max = PAYLOAD};
    if (following->sees_writer && entry->index > atomic_load(&durable)) {
        return false;
    }
    if (tip->index == 0) { /* a reader that began inside takes the chain as it finds it */
        *tip = (struct mr_tip){.index = entry->index - 1,
                               .sequence = entry->first_sequence - 1,
                               .time_ns = entry->time_ns - 10,
                               .digest = entry->previous};
    }
    return rig_matches(&shape, entry, scratch, tip);
}

/* Until the last entry, or until nothing has come for very long. No cmocka in here. */
static void follow(struct following *following)
{
    struct mr_error error = {0};
    struct mr_reader *reader;
    struct mr_tip tip = {0};
    unsigned char *scratch = mr_pages_allocate(RIG_FRAME_BYTES);
    int patience = PATIENCE_MAX;
    int status = mr_reader_open(following->storage, &following->options, &reader, &error);
    if (status != MR_OK) {
        memcpy(following->problem, error.text, sizeof error.text);
        free(scratch);
        return;
    }
    while (following->seen < ENTRIES && patience > 0) {
        const struct mr_entry *entry;
        status = mr_reader_next(reader, &entry, NULL, &error);
        if (status == MR_AGAIN) {
            patience--;
            take_a_breath();
            continue;
        }
        if (status != MR_OK || !is_right(following, entry, scratch, &tip)) {
            snprintf(following->problem, sizeof following->problem, "behind entry %llu: %.400s",
                     (unsigned long long)following->seen,
                     status != MR_OK ? error.text : "not the entry that was written");
            break;
        }
        following->first = following->first == 0 ? entry->index : following->first;
        following->seen = entry->index;
    }
    mr_reader_close(reader);
    free(scratch);
}

static void *follow_in_thread(void *context)
{
    follow(context);
    return NULL;
}

/* The child's result is its exit status. */
static pid_t follow_in_process(void)
{
    pid_t child = fork();
    if (child == 0) {
        struct following following = {.options = {.follow = true}};
        if (mr_storage_open_files(directory, false, &following.storage, &rig.error) != MR_OK) {
            _exit(2);
        }
        follow(&following);
        if (following.seen != ENTRIES) {
            fprintf(stderr, "the other process: %s\n", following.problem);
        }
        following.storage->calls->destroy(following.storage);
        _exit(following.seen == ENTRIES ? 0 : 1);
    }
    return child;
}

static bool make_journal(enum mr_durability durability)
{
    struct mr_journal_options options = {.segment_bytes = MR_SEGMENT_BYTES_MIN,
                                         .durability = durability};
    rig = (struct sim_rig){
        .payload_max = PAYLOAD,
        .salt = 2,
        .frames = mr_pages_allocate((size_t)RIG_FRAMES * RIG_FRAME_BYTES),
        .scratch = mr_pages_allocate(RIG_FRAME_BYTES),
    };
    mr_temp_directory_make(directory);
    RIG_OK(&rig, mr_storage_open_files(directory, false, &rig.storage, &rig.error));
    RIG_OK(&rig, rig.storage->calls->lock(rig.storage, 0, &rig.error));
    RIG_OK(&rig, mr_journal_create(rig.storage, rig_id, &options, &rig.error));
    RIG_OK(&rig, mr_journal_recover(rig.storage, &options, &rig.report, &rig.damage, &rig.journal,
                                    &rig.error));
    int status = mr_journal_start(rig.journal, &rig.error);
    if (status == MR_E_UNSUPPORTED) {
        print_message("skipped: %s\n", rig.error.text);
        return false;
    }
    RIG_OK(&rig, status);
    return true;
}

static void free_journal(void)
{
    mr_journal_close(rig.journal);
    rig.storage->calls->unlock(rig.storage);
    rig.storage->calls->destroy(rig.storage);
    free(rig.frames);
    free(rig.scratch);
    mr_temp_directory_remove(directory);
}

static void turn(void)
{
    int status = mr_journal_poll(rig.journal, 1000, &rig.error);
    RIG_OK(&rig, status < 0 ? status : MR_OK);
    atomic_store(&durable, mr_journal_durable_index(rig.journal));
}

static void append_all(uint64_t last)
{
    while (rig.tip.index < last) {
        int status = rig_append(&rig);
        if (status != MR_OK) {
            RIG_OK(&rig, status == MR_AGAIN ? MR_OK : status);
            turn();
        }
    }
    while (mr_journal_busy(rig.journal)) {
        turn();
    }
}

static void followed_live(enum mr_durability durability)
{
    struct following followings[THREADS];
    pthread_t threads[THREADS];
    int child_status;
    atomic_store(&durable, 0);
    if (!make_journal(durability)) {
        free_journal();
        skip();
    }
    pid_t child = follow_in_process(); /* before there are threads */
    append_all(ENTRIES / 4);
    for (int i = 0; i < THREADS; i++) {
        uint64_t from = (uint64_t)i * rig.tip.sequence / THREADS; /* 0: with the first one */
        followings[i] = (struct following){
            .storage = rig.storage,
            .options = {.follow = true, .from_sequence = from},
            .sees_writer = durability == MR_DURABILITY_DISK,
        };
        assert_int_equal(pthread_create(&threads[i], NULL, follow_in_thread, &followings[i]), 0);
    }
    append_all(ENTRIES);
    RIG_OK(&rig, mr_journal_stop(rig.journal, &rig.error));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_string_equal(followings[i].problem, "");
        assert_int_equal(followings[i].seen, ENTRIES);
        assert_true(followings[i].first <= ENTRIES / 4);
    }
    assert_int_equal(waitpid(child, &child_status, 0), child);
    assert_int_equal(child_status, 0);
    free_journal();
}

static void a_live_journal_is_followed_by_threads_and_another_process(void **state)
{
    (void)state;
    followed_live(MR_DURABILITY_DISK);
}

static void a_live_journal_in_the_page_cache_is_followed_as_well(void **state)
{
    (void)state;
    followed_live(MR_DURABILITY_OS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_journal_is_followed_by_threads_and_another_process),
        cmocka_unit_test(a_live_journal_in_the_page_cache_is_followed_as_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
