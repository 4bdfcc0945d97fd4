/*
 * What was in flight when the writer died: each of those frames may be whole, lost, or without some
 * of its sectors, whatever became of the others.
 */
#include "journal/writer.h"
#include "tests/journal/rig.h"
#include "tests/support/memory_storage.h"

enum { SEGMENT = 64 << 10, FRAMES = MR_FRAMES_IN_FLIGHT_MAX, FATES = 3 };

enum fate { WHOLE, LOST, TORN };

/* Where a frame lies, and which entry it carries; 0: it is a seal. */
struct spot {
    uint32_t segment;
    uint64_t offset;
    uint64_t index;
};

/* Too small for a sector of zeros: the writer has room for only one frame that is masked. */
static struct rig_shape shape = {.salt = 3, .payload_max = 600};
static struct mr_error error;

static struct memory_storage *create(void)
{
    struct memory_storage *memory = memory_storage_create();
    struct mr_storage *storage = memory_storage_seam(memory);
    struct mr_superblock superblock = {.segment = 1, .generation = 1, .segment_bytes = SEGMENT};
    memcpy(superblock.journal_id, rig_id, sizeof rig_id);
    assert_int_equal(storage->calls->make_directory(storage, "journal", &error), MR_OK);
    assert_int_equal(mr_segment_make(storage, &superblock, &error), MR_OK);
    assert_int_equal(storage->calls->lock(storage, 0, &error), MR_OK);
    return memory;
}

/* Appends one entry, in memory of its own; MR_OK or MR_AGAIN. */
static int append(struct mr_journal *journal, struct mr_tip *tip, unsigned char *frames)
{
    struct mr_tip after = *tip;
    unsigned char *frame = frames + after.index % (FRAMES + 1) * MR_PAGE_SIZE;
    struct mr_digest digest = rig_fill(&shape, frame, &after);
    int status = mr_journal_append(journal, frame, digest, &error);
    if (status == MR_OK) {
        *tip = after;
    }
    return status;
}

static void settle(struct mr_journal *journal)
{
    int done;
    do {
        done = mr_journal_poll(journal, 0, &error);
        assert_true(done >= 0);
    } while (done > 0 || mr_journal_busy(journal));
}

/* Where the frames in flight lie, the first in front. */
static void note(const struct mr_journal *journal, struct spot spots[FRAMES])
{
    uint64_t index = journal->durable.index;
    for (uint64_t number = journal->durable_number + 1; number < journal->number; number++) {
        const struct mr_flight *flight = &journal->flights[number % FRAMES];
        bool is_seal = flight->after.index == index;
        index = flight->after.index;
        *spots++ = (struct spot){flight->segment, flight->offset, is_seal ? 0 : index};
    }
}

/* A journal of `settled` entries and then as many frames in flight as there may be. */
static struct memory_storage *die(int settled, struct spot spots[FRAMES])
{
    const struct mr_journal_options options = {.frames_in_flight = FRAMES};
    struct memory_storage *memory = create();
    struct mr_storage *storage = memory_storage_seam(memory);
    struct mr_recovery report;
    struct mr_journal *journal;
    struct mr_tip tip = {0};
    unsigned char *frames = mr_pages_allocate((size_t)(FRAMES + 1) * MR_PAGE_SIZE);
    assert_non_null(frames);
    assert_int_equal(mr_journal_recover(storage, &options, &report, NULL, &journal, &error), MR_OK);
    assert_int_equal(mr_journal_start(journal, &error), MR_OK);
    for (int i = 0; i < settled; i++) {
        assert_int_equal(append(journal, &tip, frames), MR_OK);
        settle(journal);
    }
    int status;
    do {
        status = append(journal, &tip, frames);
    } while (status == MR_OK);
    assert_int_equal(status, MR_AGAIN);
    assert_int_equal(mr_writer_in_flight(journal), FRAMES);
    note(journal, spots);
    mr_journal_close(journal);
    storage->calls->unlock(storage);
    free(frames);
    return memory;
}

/* Of a frame that is to be torn, the first sector or another one is zeroed. */
static void apply(struct memory_storage *memory, const struct spot *spot, enum fate fate,
                  uint32_t sector)
{
    char name[MR_SEGMENT_NAME_SIZE];
    size_t size;
    mr_segment_name(spot->segment, name);
    unsigned char *frame = memory_storage_bytes(memory, name, &size) + spot->offset;
    if (fate == LOST) {
        memset(frame, 0, MR_PAGE_SIZE);
    } else if (fate == TORN) {
        memset(frame + (size_t)sector * MR_SECTOR_SIZE, 0, MR_SECTOR_SIZE);
    }
}

static void check(struct memory_storage *memory, const struct spot spots[FRAMES], uint32_t fates,
                  uint64_t settled, bool recover)
{
    struct mr_storage *storage = memory_storage_seam(memory);
    uint64_t last = settled;
    bool kept = true;
    bool torn = false;
    for (uint32_t i = 0; i < FRAMES; i++, fates /= FATES) {
        enum fate fate = (enum fate)(fates % FATES);
        kept = kept && fate == WHOLE;
        last = kept && spots[i].index != 0 ? spots[i].index : last;
        torn = torn || (!kept && fate != LOST);
        apply(memory, &spots[i], fate, (i + fates) % 8);
    }
    struct mr_recovery report;
    struct mr_journal *journal;
    if (mr_journal_plan(storage, &report, NULL, &error) != MR_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(report.decided, torn ? 'B' : 'A');
    assert_int_equal(report.last_index, last);
    if (recover) {
        assert_int_equal(mr_journal_recover(storage, &(struct mr_journal_options){0}, &report, NULL,
                                            &journal, &error),
                         MR_OK);
        mr_journal_close(journal);
        assert_int_equal(mr_journal_plan(storage, &report, NULL, &error), MR_OK);
        assert_int_equal(report.decided, 'A');
        assert_int_equal(report.last_index, last);
    }
}

/* From the middle of a segment, and over a seal at every place among the frames. */
static void any_frame_in_flight_may_be_lost_or_torn_whatever_the_others(void **state)
{
    (void)state;
    for (int settled = 1; settled < 12; settled++) {
        struct spot spots[FRAMES];
        struct memory_storage *whole = die(settled, spots);
        uint32_t all = 1;
        for (uint32_t i = 0; i < FRAMES; i++) {
            all *= FATES;
        }
        /* All of them where the seal is in the middle, else one in seven. */
        for (uint32_t fates = 0; fates < all; fates += settled % 4 == 3 ? 1 : 7) {
            struct memory_storage *memory = memory_storage_clone(whole);
            check(memory, spots, fates, (uint64_t)settled, fates % 64 == 0);
            memory_storage_destroy(memory);
        }
        memory_storage_destroy(whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_frame_in_flight_may_be_lost_or_torn_whatever_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
