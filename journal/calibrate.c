#include "journal/calibrate.h"

#include "base/assert.h"
#include "base/clock.h"
#include "journal/writer.h"

#include <inttypes.h>
#include <stdlib.h>

/* A linked sync is chosen when a DSYNC write takes more than five quarters of its time. In forty
 * starts on the same idle disk the ratio of the two medians wandered by nearly as much (1.07 to
 * 1.33), so that with a smaller margin chance would choose; and a linked sync costs more than its
 * time shows: the kernel runs it on a thread of its own, on a core that the engine could use. */
enum { MARGIN_NUMERATOR = 5, MARGIN_DENOMINATOR = 4 };

enum { REAP_WAIT_US = 1000000 };

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t median(uint64_t *figures, uint32_t count)
{
    qsort(figures, count, sizeof figures[0], compare);
    return figures[count / 2];
}

struct mr_durable_choice mr_calibration_decide(struct mr_calibration *calibration)
{
    uint32_t rounds = calibration->rounds;
    ASSERT(rounds <= MR_CALIBRATION_ROUNDS_MAX);
    struct mr_durable_choice choice = {.method = MR_DURABLE_DSYNC};
    if (rounds < MR_CALIBRATION_ROUNDS_MIN) {
        return choice;
    }
    choice.dsync_ns = median(calibration->dsync_ns, rounds);
    choice.linked_sync_ns = median(calibration->linked_sync_ns, rounds);
    /* Divided first: a figure may be anything, and the rounding is of nanoseconds. */
    if (choice.dsync_ns / MARGIN_NUMERATOR > choice.linked_sync_ns / MARGIN_DENOMINATOR) {
        choice.method = MR_DURABLE_LINKED_SYNC;
    }
    return choice;
}

static int explain(const struct mr_journal *journal, uint64_t offset, int system_error,
                   struct mr_error *error)
{
    return mr_error_set_errno(error, system_error,
                              "journal/%08" PRIu32 ".seg: offset %" PRIu64 ": writing zeros, to "
                              "find the faster way to write, failed; sequences up to %" PRIu64
                              " are durable",
                              journal->segment, offset, journal->durable.sequence);
}

/* One durable write of a page of zeros at `offset`, and how long it took. As deep and as small as
 * the append whose latency matters: alone. */
static int measure(struct mr_journal *journal, uint64_t offset, uint64_t *ns,
                   struct mr_error *error)
{
    const struct mr_storage_calls *calls = journal->storage->calls;
    struct mr_io io = {
        .kind = MR_IO_WRITE_DURABLE,
        .file = journal->file,
        .data = mr_segment_zeros(),
        .size = MR_PAGE_SIZE,
        .offset = offset,
    };
    struct mr_io_result result;
    uint64_t start = mr_monotonic_ns();
    int status = calls->queue_submit(journal->storage, &io);
    ASSERT(status == MR_OK); /* nothing else is in flight */
    do {
        status = calls->queue_reap(journal->storage, &result, 1, REAP_WAIT_US, error);
    } while (status == 0);
    *ns = mr_monotonic_ns() - start;
    if (status < 0) {
        return status;
    }
    return result.system_error != 0 ? explain(journal, offset, result.system_error, error) : MR_OK;
}

static int measure_with(struct mr_journal *journal, enum mr_durable_method method, uint64_t offset,
                        uint64_t *ns, struct mr_error *error)
{
    struct mr_storage *storage = journal->storage;
    bool taken = storage->calls->queue_use(storage, &(struct mr_durable_choice){.method = method});
    ASSERT(taken);
    return measure(journal, offset, ns, error);
}

static int measure_rounds(struct mr_journal *journal, uint32_t pages,
                          struct mr_calibration *calibration, struct mr_error *error)
{
    uint64_t unused;
    /* The first write has to introduce the file to the queue. */
    int status = measure(journal, journal->offset, &unused, error);
    uint64_t start = mr_monotonic_ns();
    while (status == MR_OK && calibration->rounds < MR_CALIBRATION_ROUNDS_MAX &&
           mr_monotonic_ns() - start < MR_CALIBRATION_NS) {
        uint32_t round = calibration->rounds;
        uint64_t offset = journal->offset + (uint64_t)(round % pages) * MR_PAGE_SIZE;
        status =
            measure_with(journal, MR_DURABLE_DSYNC, offset, &calibration->dsync_ns[round], error);
        if (status == MR_OK) {
            status = measure_with(journal, MR_DURABLE_LINKED_SYNC, offset,
                                  &calibration->linked_sync_ns[round], error);
        }
        calibration->rounds += 1;
    }
    return status;
}

/* How many pages may be written behind the last frame; the seal's is not one of them. */
static uint32_t free_pages(const struct mr_journal *journal)
{
    uint64_t room = mr_segment_seal_offset(journal->segment_bytes) - journal->offset;
    uint64_t pages = room / MR_PAGE_SIZE;
    return pages < MR_CALIBRATION_PAGES_MAX ? (uint32_t)pages : MR_CALIBRATION_PAGES_MAX;
}

int mr_journal_calibrate(struct mr_journal *journal, struct mr_error *error)
{
    struct mr_storage *storage = journal->storage;
    if (journal->options.durability != MR_DURABILITY_DISK || storage->calls->queue_use == NULL ||
        free_pages(journal) < MR_CALIBRATION_PAGES_MIN) {
        return MR_OK;
    }
    ASSERT(mr_writer_in_flight(journal) == 0);
    struct mr_durable_choice choice = {.method = MR_DURABLE_DSYNC};
    if (!storage->calls->queue_use(storage, &choice)) {
        return MR_OK;
    }
    struct mr_calibration calibration = {.rounds = 0};
    struct mr_error first;
    int status = measure_rounds(journal, free_pages(journal), &calibration, &first);
    if (status != MR_OK) {
        if (error != NULL) {
            *error = first;
        }
        return mr_writer_fence(journal, &first);
    }
    choice = mr_calibration_decide(&calibration);
    (void)storage->calls->queue_use(storage, &choice);
    return MR_OK;
}
