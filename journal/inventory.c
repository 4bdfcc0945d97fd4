/*
 * Which segments a directory holds. Only the names count here; what they hold is the scan's matter.
 */
#include "journal/segment.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

/* The number in "NNNNNNNN.seg"; 0 for any other name, which is not ours and left alone. */
static uint32_t number_of(const char *name)
{
    uint32_t number = 0;
    if (strlen(name) != 12 || strcmp(name + 8, ".seg") != 0) {
        return 0;
    }
    for (int i = 0; i < 8; i++) {
        if (name[i] < '0' || name[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint32_t)(name[i] - '0');
    }
    return number;
}

struct listing {
    struct mr_inventory *inventory;
    bool no_memory;
};

static bool add_name(void *context, const char *name)
{
    struct listing *listing = context;
    struct mr_inventory *inventory = listing->inventory;
    uint32_t number = number_of(name);
    if (number == 0) {
        return true;
    }
    if (inventory->count == inventory->capacity) {
        uint32_t capacity = inventory->capacity == 0 ? 64 : inventory->capacity * 2;
        uint32_t *numbers = realloc(inventory->numbers, capacity * sizeof *numbers);
        if (numbers == NULL) {
            listing->no_memory = true;
            return false;
        }
        inventory->numbers = numbers;
        inventory->capacity = capacity;
    }
    inventory->numbers[inventory->count++] = number;
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

int mr_inventory_take(struct mr_storage *storage, struct mr_inventory *inventory,
                      struct mr_error *error)
{
    *inventory = (struct mr_inventory){0};
    struct listing listing = {.inventory = inventory};
    int status = storage->calls->list(storage, "journal", add_name, &listing, error);
    if (status == MR_E_NOT_FOUND) {
        return MR_OK;
    }
    if (status == MR_OK && listing.no_memory) {
        status = mr_error_set(error, MR_E_NO_MEMORY, "no memory to list the segments");
    }
    if (status != MR_OK) {
        mr_inventory_free(inventory);
        return status;
    }
    if (inventory->count > 1) {
        qsort(inventory->numbers, inventory->count, sizeof *inventory->numbers, compare_numbers);
    }
    return MR_OK;
}

void mr_inventory_free(struct mr_inventory *inventory)
{
    free(inventory->numbers);
    *inventory = (struct mr_inventory){0};
}
