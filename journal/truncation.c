/*
 * The truncation record: one page, version 0, little-endian.
 *
 *   offset size field
 *        0    8 magic        "MRTRUNC" and a zero byte
 *        8    2 version      0
 *       10    2 header_size  128
 *       12    4 state        1 pending, 2 done
 *       16   16 journal_id
 *       32    8 generation   of the frames from the cut on
 *       40    8 number       of the first frame behind the cut
 *       48    8 offset       the cut, in its segment
 *       56    4 segment      its number
 *       60    4 reserved     zero
 *       64   40 keep         the tip in front of the cut: index, sequence, time, digest
 *      104    8 reserved     zero
 *      112   16 checksum     XXH3-128 of the 4 KiB with zeros here
 *      128      zero
 */
#include "journal/truncation.h"

#include "base/assert.h"

#include <stddef.h>
#include <string.h>

static const unsigned char record_magic[8] = "MRTRUNC";

_Static_assert(sizeof(struct mr_truncation) == 128, "layout");
_Static_assert(offsetof(struct mr_truncation, generation) == 32, "layout");
_Static_assert(offsetof(struct mr_truncation, segment) == 56, "layout");
_Static_assert(offsetof(struct mr_truncation, keep) == 64, "layout");
_Static_assert(offsetof(struct mr_truncation, checksum) == 112, "layout");

/* -- The record. ------------------------------------------------------------------------------- */

static struct mr_digest checksum_of(const unsigned char *page)
{
    return mr_page_checksum(page, offsetof(struct mr_truncation, checksum));
}

enum mr_fault mr_truncation_get(const void *page, size_t size, struct mr_truncation *record)
{
    if (size != MR_PAGE_SIZE) {
        return MR_FAULT_RECORD;
    }
    memcpy(record, page, sizeof *record);
    if (memcmp(&record->magic, record_magic, sizeof record->magic) != 0 ||
        !mr_digest_equal(record->checksum, checksum_of(page))) {
        return MR_FAULT_RECORD;
    }
    if (record->version != MR_TRUNCATION_VERSION) {
        return MR_FAULT_VERSION;
    }
    bool agrees = record->header_size == sizeof *record && record->generation > 1 &&
                  (record->state == MR_TRUNCATION_PENDING || record->state == MR_TRUNCATION_DONE) &&
                  record->number > record->keep.index && record->segment >= 1 &&
                  record->segment <= MR_SEGMENT_NUMBER_MAX && record->offset % MR_PAGE_SIZE == 0 &&
                  record->offset >= MR_SEGMENT_HEAD && record->offset < MR_SEGMENT_BYTES_MAX &&
                  memcmp((const unsigned char *)page + sizeof *record, mr_segment_zeros(),
                         MR_PAGE_SIZE - sizeof *record) == 0;
    return agrees ? MR_FAULT_NONE : MR_FAULT_RECORD;
}

void mr_truncation_put(void *page, struct mr_truncation *record)
{
    memcpy(&record->magic, record_magic, sizeof record->magic);
    record->version = MR_TRUNCATION_VERSION;
    record->header_size = sizeof *record;
    record->checksum = (struct mr_digest){0, 0};
    memset(page, 0, MR_PAGE_SIZE);
    memcpy(page, record, sizeof *record);
    record->checksum = checksum_of(page);
    memcpy(page, record, sizeof *record);
}

int mr_truncation_read(struct mr_storage *storage, struct mr_truncation *record,
                       enum mr_fault *fault, struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    unsigned char page[MR_PAGE_SIZE + 1]; /* one more, to see that it is too long */
    size_t got;
    int file;
    *record = (struct mr_truncation){0};
    int status = calls->open(storage, MR_TRUNCATION_NAME, MR_OPEN_READ, &file, error);
    if (status == MR_E_NOT_FOUND) {
        return MR_OK;
    }
    if (status != MR_OK) {
        return status;
    }
    status = calls->read(storage, file, 0, page, sizeof page, &got, error);
    calls->close(storage, file);
    if (status != MR_OK) {
        return status;
    }
    *fault = mr_truncation_get(page, got, record);
    return *fault == MR_FAULT_NONE ? MR_OK : MR_AGAIN;
}

static int write_temporary(struct mr_storage *storage, const void *page, struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    int file;
    int status = mr_leftover_remove(storage, MR_TRUNCATION_TEMPORARY, error);
    if (status == MR_OK) {
        status = calls->open(storage, MR_TRUNCATION_TEMPORARY, MR_OPEN_WRITE | MR_OPEN_CREATE,
                             &file, error);
    }
    if (status != MR_OK) {
        return status;
    }
    status = calls->write(storage, file, 0, page, MR_PAGE_SIZE, error);
    if (status == MR_OK) {
        status = calls->sync(storage, file, error);
    }
    calls->close(storage, file);
    return status;
}

int mr_truncation_write(struct mr_storage *storage, struct mr_truncation *record,
                        struct mr_error *error)
{
    unsigned char page[MR_PAGE_SIZE];
    mr_truncation_put(page, record);
    int status = write_temporary(storage, page, error);
    if (status == MR_OK) {
        status =
            storage->calls->rename(storage, MR_TRUNCATION_TEMPORARY, MR_TRUNCATION_NAME, error);
    }
    return status == MR_OK ? mr_directory_sync(storage, "journal", error) : status;
}

/* -- Completing it. ---------------------------------------------------------------------------- */

/* The highest first: whatever a crash leaves, the numbers have no gap. */
static int retire_segments(struct mr_storage *storage, uint32_t last, struct mr_error *error)
{
    struct mr_inventory inventory;
    int status = mr_inventory_take(storage, &inventory, error);
    for (uint32_t i = inventory.count; i-- > 0 && status == MR_OK;) {
        if (inventory.numbers[i] > last) {
            status = mr_segment_retire(storage, inventory.numbers[i], error);
        }
    }
    mr_inventory_free(&inventory);
    return status == MR_OK ? mr_directory_sync(storage, "journal", error) : status;
}

static int zero_from_cut(struct mr_storage *storage, const struct mr_truncation *record,
                         struct mr_error *error)
{
    const struct mr_storage_calls *calls = storage->calls;
    char name[MR_SEGMENT_NAME_SIZE];
    uint64_t size;
    int file;
    mr_segment_name(record->segment, name);
    int status = calls->open(storage, name, MR_OPEN_READ, &file, error);
    if (status != MR_OK) {
        return status;
    }
    status = calls->size(storage, file, &size, error);
    calls->close(storage, file);
    return status == MR_OK ? mr_segment_zero(storage, record->segment, record->offset, size, error)
                           : status;
}

int mr_truncation_complete(struct mr_storage *storage, struct mr_truncation *record,
                           struct mr_error *error)
{
    ASSERT(record->state == MR_TRUNCATION_PENDING);
    int status = retire_segments(storage, record->segment, error);
    if (status == MR_OK) {
        status = zero_from_cut(storage, record, error);
    }
    if (status == MR_OK) {
        record->state = MR_TRUNCATION_DONE;
        status = mr_truncation_write(storage, record, error);
    }
    return status;
}
