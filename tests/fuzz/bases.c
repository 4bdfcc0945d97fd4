#include "tests/fuzz/bases.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/lives.h"

#include "journal/truncation.h"

enum { ENTRIES_MAX = 16 };

static const struct life lives[] = {
    {32 << 10, 5, 900, 0, LIFE_STOPPED, MR_DURABILITY_DISK},
    {32 << 10, 1, 300, 0, LIFE_STOPPED, MR_DURABILITY_DISK},
    {64 << 10, 7, 9000, 0, LIFE_STOPPED, MR_DURABILITY_DISK},
    {32 << 10, 0, 1, 0, LIFE_STOPPED, MR_DURABILITY_DISK},
    {64 << 10, 4, 2000, 0, LIFE_DIED, MR_DURABILITY_DISK},
    {32 << 10, 4, 3000, 0, LIFE_TORN, MR_DURABILITY_DISK},
    {32 << 10, 11, 3000, 0, LIFE_STOPPED, MR_DURABILITY_DISK},
    {32 << 10, 8, 3000, 0, LIFE_STOPPED, MR_DURABILITY_OS},
    {64 << 10, 6, 3000, 0, LIFE_DIED, MR_DURABILITY_OS},
    {32 << 10, 5, 3000, 0, LIFE_TORN, MR_DURABILITY_OS},
    {32 << 10, 8, 3000, 0, LIFE_TRUNCATED, MR_DURABILITY_DISK},
    {32 << 10, 8, 3000, 0, LIFE_CUT, MR_DURABILITY_DISK},
};

enum { BASES = sizeof lives / sizeof lives[0] };

static struct {
    struct memory_storage *memory;
    struct mr_digest digests[ENTRIES_MAX + 1]; /* by index */
    uint64_t durable;
} bases[BASES];

static void note_digests(uint32_t base, struct memory_storage *memory)
{
    struct mr_storage *storage = memory_storage_seam(memory);
    struct mr_recovery report;
    struct mr_reader *reader;
    const struct mr_entry *entry;
    struct mr_error error;
    HOLDS(mr_journal_plan(storage, &report, NULL, &error) == MR_OK);
    HOLDS(report.last_index <= ENTRIES_MAX);
    if (report.last_index == 0) {
        return;
    }
    HOLDS(mr_reader_open(storage, &(struct mr_reader_options){.last_index = report.last_index},
                         &reader, &error) == MR_OK);
    while (mr_reader_next(reader, &entry, NULL, &error) == MR_OK) {
        bases[base].digests[entry->index] = mr_entry_digest(entry);
    }
    mr_reader_close(reader);
}

/* Without the record that cuts them off, these entries are the journal's. */
static void note_cut_digests(uint32_t base)
{
    struct memory_storage *uncut = memory_storage_clone(bases[base].memory);
    struct mr_storage *storage = memory_storage_seam(uncut);
    HOLDS(storage->calls->remove(storage, MR_TRUNCATION_NAME, NULL) == MR_OK);
    note_digests(base, uncut);
    memory_storage_destroy(uncut);
}

static void make(uint32_t base)
{
    enum life_end end = lives[base].end;
    struct mr_recovery report;
    struct mr_error error;
    struct memory_storage *memory = bases[base].memory = lives_make(&lives[base]);
    HOLDS(mr_journal_plan(memory_storage_seam(memory), &report, NULL, &error) == MR_OK);
    HOLDS(report.torn == (end == LIFE_TORN) && (report.decided == 'K') == (end == LIFE_CUT));
    bases[base].durable = report.durable_index;
    if (end == LIFE_CUT) {
        note_cut_digests(base);
    }
    note_digests(base, memory);
}

struct memory_storage *bases_get(uint8_t choice)
{
    uint32_t base = choice % BASES;
    if (bases[base].memory == NULL) {
        make(base);
    }
    return bases[base].memory;
}

uint64_t bases_durable(uint8_t choice)
{
    return bases[choice % BASES].durable;
}

bool bases_knows(const struct mr_recovery *report)
{
    bool known = report->last_index == 0;
    for (uint32_t base = 0; base < BASES && !known; base++) {
        known = bases[base].memory != NULL && report->last_index <= ENTRIES_MAX &&
                mr_digest_equal(bases[base].digests[report->last_index], report->last_digest);
    }
    return known;
}
