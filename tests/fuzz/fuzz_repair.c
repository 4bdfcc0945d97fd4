/*
 * Damaged journals (damages.h) through repair.
 *
 * Claimed: planning a repair changes nothing, and finds nothing to lose where recovery does not
 * refuse; it keeps no entry that was never written, unless a checksum was forged; bits that only
 * flip cost nothing durable unless a loss is named; a repair that was not given the right name does
 * nothing; and one that was leaves what its plan says, which recovers and goes on.
 */
#include "tests/fuzz/bases.h"
#include "tests/fuzz/damages.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/lives.h"

#include <millrace/repair.h>

#include <string.h>

static bool is_refusal(int status)
{
    return status == MR_E_CORRUPT || status == MR_E_VERSION || status == MR_E_NOT_FOUND ||
           status == MR_E_LIMIT;
}

/* Where recovery does not refuse, a repair keeps all that recovery would. */
static void check_plan(const struct mr_repair *repair, int status, const struct mr_recovery *report)
{
    HOLDS((repair->damage.decided != 0) == (status != MR_OK));
    HOLDS(status != MR_OK || repair->lose_from == 0);
    HOLDS(status != MR_OK || repair->keep_index == report->last_index);
    HOLDS(repair->lose_from == 0 || repair->lose_from == repair->keep_sequence + 1);
    HOLDS(repair->step_count > 0 || repair->damage.decided == 0);
}

/* The repair was made: what its plan said has become of the journal. */
static void check_repaired(struct memory_storage *memory, const struct mr_repair *repair,
                           bool forged)
{
    struct mr_storage *storage = memory_storage_seam(memory);
    struct mr_recovery report;
    struct mr_journal *journal;
    struct mr_error error;
    HOLDS(mr_journal_plan(storage, &report, NULL, &error) == MR_OK);
    HOLDS(report.last_index == repair->keep_index);
    HOLDS(report.last_sequence == repair->keep_sequence);
    HOLDS(forged || bases_knows(&report));
    HOLDS(mr_journal_recover(storage, &(struct mr_journal_options){0}, &report, NULL, &journal,
                             &error) == MR_OK);
    if (!forged) {
        lives_append(memory, journal, &report, 2);
    }
    mr_journal_close(journal);
    HOLDS(mr_journal_plan(storage, &report, NULL, &error) == MR_OK && report.decided == 'A');
    HOLDS(report.last_index == repair->keep_index + (forged ? 0 : 2));
}

static void check_apply(struct memory_storage *memory, const struct mr_repair *planned, bool forged)
{
    struct mr_storage *storage = memory_storage_seam(memory);
    struct mr_repair done;
    struct mr_error error;
    HOLDS(storage->calls->lock(storage, 0, &error) == MR_OK);
    if (planned->lose_from != 0) {
        struct mr_digest before = memory_storage_digest(memory);
        HOLDS(mr_repair_apply(storage, 0, &done, &error) == MR_E_INVALID);
        HOLDS(mr_repair_apply(storage, planned->lose_from + 1, &done, &error) == MR_E_INVALID);
        HOLDS(mr_digest_equal(memory_storage_digest(memory), before));
    }
    int status = mr_repair_apply(storage, planned->lose_from, &done, &error);
    HOLDS(status == MR_OK);
    HOLDS(done.keep_index == planned->keep_index && done.lose_from == planned->lose_from);
    storage->calls->unlock(storage);
    check_repaired(memory, planned, forged);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct damage damage = damages_make(data, size);
    if (damage.memory == NULL) {
        return 0;
    }
    struct mr_storage *storage = memory_storage_seam(damage.memory);
    struct mr_recovery report;
    struct mr_damage refused = {0};
    struct mr_repair repair;
    struct mr_error error;
    int status = mr_journal_plan(storage, &report, &refused, &error);
    uint64_t changes = memory_storage_changes(damage.memory);
    int planned = mr_repair_plan(storage, NULL, &repair, &error);
    HOLDS(memory_storage_changes(damage.memory) == changes);
    if (planned == MR_OK) {
        check_plan(&repair, status, &report);
        HOLDS(!damage.flipped || repair.lose_from != 0 ||
              repair.keep_index >= bases_durable(data[0]));
        check_apply(damage.memory, &repair, damage.forged);
    } else {
        HOLDS(is_refusal(planned) && status != MR_OK);
    }
    HOLDS(memory_storage_open_count(damage.memory) == 0);
    memory_storage_destroy(damage.memory);
    return 0;
}
