/*
 * Whole journals (damages.h) through scan and recovery.
 *
 * Claimed: planning changes nothing and says the same twice; recovery agrees with it, changes
 * nothing when it refuses, and otherwise leaves a clean journal that holds as much and goes on; no
 * entry is invented, unless a checksum was forged; and bits that only flip lose nothing durable.
 */
#include "tests/fuzz/bases.h"
#include "tests/fuzz/damages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/lives.h"

#include "journal/writer.h"

#include <string.h>

/* All entries come, chained, and with the digest that the report names at the end; from the middle,
 * too. */
static void check_reading(struct mr_storage *storage, const struct mr_recovery *report,
                          uint64_t from)
{
    struct mr_reader_options options = {.last_index = report->last_index};
    struct mr_reader *reader;
    const struct mr_entry *entry;
    struct mr_error error = {0};
    struct mr_digest digest = {0, 0};
    uint64_t sequence = 0;
    if (report->last_index == 0) {
        return;
    }
    HOLDS(mr_reader_open(storage, &options, &reader, &error) == MR_OK);
    for (uint64_t index = 1; index <= report->last_index; index++) {
        HOLDS(mr_reader_next(reader, &entry, NULL, &error) == MR_OK);
        HOLDS(entry->index == index && entry->first_sequence == sequence + 1);
        HOLDS(mr_digest_equal(entry->previous, digest));
        digest = mr_entry_digest(entry);
        sequence = mr_entry_last_sequence(entry);
    }
    HOLDS(sequence == report->last_sequence && mr_digest_equal(digest, report->last_digest));
    HOLDS(mr_reader_next(reader, &entry, NULL, &error) == MR_AGAIN);
    mr_reader_close(reader);

    options.from_sequence = 1 + from % report->last_sequence;
    HOLDS(mr_reader_open(storage, &options, &reader, &error) == MR_OK);
    HOLDS(mr_reader_next(reader, &entry, NULL, &error) == MR_OK);
    HOLDS(entry->first_sequence <= options.from_sequence);
    HOLDS(mr_entry_last_sequence(entry) >= options.from_sequence);
    mr_reader_close(reader);
}

static bool same_report(const struct mr_recovery *a, const struct mr_recovery *b)
{
    return a->decided == b->decided && a->last_index == b->last_index &&
           a->last_sequence == b->last_sequence && a->durable_index == b->durable_index &&
           a->torn == b->torn && a->torn_bytes == b->torn_bytes &&
           a->torn_offset == b->torn_offset && a->generation == b->generation &&
           mr_digest_equal(a->last_digest, b->last_digest);
}

/* Plans, which must change nothing; returns the status. */
static int plan(struct memory_storage *memory, struct mr_recovery *report, struct mr_damage *damage)
{
    struct mr_error error = {0};
    uint64_t changes = memory_storage_changes(memory);
    memset(damage, 0, sizeof *damage);
    int status = mr_journal_plan(memory_storage_seam(memory), report, damage, &error);
    HOLDS(memory_storage_changes(memory) == changes);
    HOLDS(status == MR_OK || error.code == status);
    HOLDS(status == MR_OK || status == MR_E_CORRUPT || status == MR_E_VERSION ||
          status == MR_E_NOT_FOUND);
    HOLDS((status == MR_E_CORRUPT || status == MR_E_VERSION) == (damage->decided != 0));
    HOLDS(damage->decided == 0 || strstr(error.text, damage->segment) != NULL);
    return status;
}

static void check_recovered(struct memory_storage *memory, const struct mr_recovery *planned,
                            struct mr_journal *journal, bool forged)
{
    struct mr_recovery after;
    struct mr_damage damage;
    HOLDS(plan(memory, &after, &damage) == MR_OK);
    HOLDS(after.decided == 'A' && after.last_index == planned->last_index);
    HOLDS(mr_digest_equal(after.last_digest, planned->last_digest));
    if (!forged) { /* a forged number or index may be the last there is */
        lives_append(memory, journal, &after, 2);
    }
    mr_journal_close(journal);
    if (!forged) {
        HOLDS(plan(memory, &after, &damage) == MR_OK);
        HOLDS(after.decided == 'A' && after.last_index == planned->last_index + 2);
        check_reading(memory_storage_seam(memory), &after, after.last_sequence - 1);
    }
}

static void check_recovery(struct memory_storage *memory, int planned_status,
                           const struct mr_recovery *planned, const struct mr_damage *refused,
                           bool forged)
{
    struct mr_recovery report;
    struct mr_damage damage = {0};
    struct mr_error error = {0};
    struct mr_journal *journal = NULL;
    struct mr_digest before = memory_storage_digest(memory);
    int status = mr_journal_recover(memory_storage_seam(memory), &(struct mr_journal_options){0},
                                    &report, &damage, &journal, &error);
    HOLDS(status == planned_status);
    if (status == MR_OK) {
        HOLDS(same_report(&report, planned));
        HOLDS(report.torn == (report.archive[0] != 0));
        check_recovered(memory, planned, journal, forged);
    } else {
        HOLDS(damage.decided == refused->decided && damage.offset == refused->offset);
        HOLDS(damage.sequence == refused->sequence &&
              strcmp(damage.segment, refused->segment) == 0);
        HOLDS(mr_digest_equal(memory_storage_digest(memory), before));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct damage damage = damages_make(data, size);
    if (damage.memory == NULL) {
        return 0;
    }
    struct mr_recovery report, again;
    struct mr_damage refused, refused_again;
    int status = plan(damage.memory, &report, &refused);
    HOLDS(plan(damage.memory, &again, &refused_again) == status);
    HOLDS(same_report(&report, &again) && refused.offset == refused_again.offset);
    if (status == MR_OK) {
        HOLDS(damage.forged || bases_knows(&report));
        HOLDS(!damage.flipped || report.last_index >= bases_durable(data[0]));
        check_reading(memory_storage_seam(damage.memory), &report, data[size - 1]);
    }
    check_recovery(damage.memory, status, &report, &refused, damage.forged);
    HOLDS(memory_storage_open_count(damage.memory) == 0);
    memory_storage_destroy(damage.memory);
    return 0;
}
