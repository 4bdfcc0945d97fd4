/*
 * Slots with linear probing (core/ledger/ids.h): what is inserted is found from its home on, and
 * what is removed is gone, and nothing else, also where runs go round the end of the table.
 */
#include "core/ledger/ids.h"
#include "tests/core/rig.h"

enum { BITS = 5, SLOTS = 1 << BITS, ENTRIES = SLOTS * 3 / 4, ROUNDS = 200000 };

/* What the table should hold: values are indices, plus 1. */
struct model {
    struct ledger_slot slots[SLOTS];
    struct ledger_table table;
    uint32_t hashes[ENTRIES];
    bool there[ENTRIES];
};

static void insert(struct model *model, uint32_t index, uint32_t hash)
{
    uint32_t i = hash >> model->table.shift;
    while (model->slots[i].value != 0)
        i = (i + 1) & model->table.mask;
    model->slots[i] = (struct ledger_slot){hash, index + 1};
    model->hashes[index] = hash;
    model->there[index] = true;
}

/* From its home on, before the next empty slot. */
static bool finds(const struct model *model, uint32_t index)
{
    uint32_t i = model->hashes[index] >> model->table.shift;
    while (model->slots[i].value != 0 && model->slots[i].value != index + 1)
        i = (i + 1) & model->table.mask;
    return model->slots[i].value != 0 && model->slots[i].hash == model->hashes[index];
}

static void compare(const struct model *model)
{
    uint32_t there = 0, used = 0;
    for (uint32_t index = 0; index < ENTRIES; index++) {
        there += model->there[index];
        assert_int_equal(finds(model, index), model->there[index]);
    }
    for (uint32_t i = 0; i < SLOTS; i++)
        used += model->slots[i].value != 0;
    assert_int_equal(used, there);
}

static void what_is_removed_is_gone_and_all_else_is_found(void **state)
{
    (void)state;
    struct mr_random random;
    mr_random_init(&random, rig_seed());
    struct model model = {.table = {.mask = SLOTS - 1, .shift = 32 - BITS}};
    model.table.slots = model.slots;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t index = (uint32_t)mr_random_below(&random, ENTRIES);
        if (model.there[index]) {
            ledger_slot_remove(&model.table,
                               ledger_slot_of(&model.table, model.hashes[index], index + 1));
            model.there[index] = false;
        } else {
            /* A few homes only, at both ends: runs are long, and go round. */
            uint32_t home = (uint32_t)mr_random_below(&random, 6) + SLOTS - 3;
            insert(&model, index, (home % SLOTS) << (32 - BITS) | index);
        }
        compare(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_removed_is_gone_and_all_else_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
