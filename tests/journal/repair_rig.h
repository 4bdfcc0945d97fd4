/*
 * What the tests of repair share: a journal of several small segments, and asking for a repair.
 */
#ifndef MR_TESTS_JOURNAL_REPAIR_RIG_H
#define MR_TESTS_JOURNAL_REPAIR_RIG_H

#include "tests/journal/damage_rig.h"

#include "journal/truncation.h"

#include <millrace/repair.h>

static struct mr_repair plan;

/* Small segments, several of them, some with a gap in front of the seal. */
static inline void make_long_journal_on(const struct mr_sim_options *options, int entries)
{
    rig_make(&rig, options, TINY);
    rig.payload_max = 7000;
    rig_start(&rig);
    rig_append_many(&rig, entries);
    rig_stop(&rig);
}

static inline void make_long_journal(int entries)
{
    const struct mr_sim_options options = {.seed = 5, .delay_max = 1};
    make_long_journal_on(&options, entries);
}

static inline const char *segment_name(uint32_t number)
{
    static char name[MR_SEGMENT_NAME_SIZE];
    mr_segment_name(number, name);
    return name;
}

static inline uint32_t count_segments(void)
{
    struct mr_inventory inventory;
    RIG_OK(&rig, mr_inventory_take(rig.storage, &inventory, &rig.error));
    uint32_t count = inventory.count;
    mr_inventory_free(&inventory);
    return count;
}

static inline int apply(uint64_t lose_from)
{
    RIG_OK(&rig, rig.storage->calls->lock(rig.storage, 0, &rig.error));
    int status = mr_repair_apply(rig.storage, lose_from, &plan, &rig.error);
    rig.storage->calls->unlock(rig.storage);
    return status;
}

static inline void assert_planned(uint64_t lose_from)
{
    uint64_t changes = mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE);
    RIG_OK(&rig, mr_repair_plan(rig.storage, NULL, &plan, &rig.error));
    assert_int_equal(mr_sim_calls(rig.sim, MR_SIM_ANY_CHANGE), changes);
    assert_int_equal(plan.lose_from, lose_from);
}

/* Where each entry's frame begins. */
static inline void find_frame(uint64_t index, uint32_t *segment, uint64_t *offset)
{
    struct mr_scan scan;
    struct mr_frame_header header = {0};
    struct mr_entry *entry = NULL;
    RIG_OK(&rig, mr_scan_init(&scan, rig.storage, &rig.error));
    RIG_OK(&rig, mr_scan_enter(&scan, 0, &rig.error));
    while (entry == NULL || entry->index < index) {
        RIG_OK(&rig, mr_scan_next(&scan, &header, &entry, &rig.error));
    }
    *segment = header.segment;
    *offset = header.offset;
    mr_scan_free(&scan);
}

#endif
