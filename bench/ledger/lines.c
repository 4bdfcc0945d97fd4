#include "bench/ledger/lines.h"

#include "bench/ledger/pages.h"

#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,
    WORDS = LINE / 8,
    ACCOUNT_LINES = 2,
    TRANSFER_BYTES = 112,
    LINKS_IN_LINE = 8,
    AHEAD_MAX = 64, /* transfers; the list has room for so many more */
};

static uint32_t place(uint64_t *end, uint64_t bytes)
{
    uint64_t begin = *end;
    *end += mr_align_up(bytes, LINE) / LINE;
    return (uint32_t)begin;
}

bool lines_open(struct lines *lines, const struct lines_sizes *sizes, bool huge)
{
    *lines = (struct lines){.sizes = *sizes};
    uint64_t end = 0;
    lines->account_slots = place(&end, sizes->account_slots);
    lines->accounts = place(&end, (uint64_t)sizes->accounts * ACCOUNT_LINES * LINE);
    lines->buckets = place(&end, sizes->buckets);
    lines->transfers = place(&end, (uint64_t)sizes->window * TRANSFER_BYTES + LINE);
    lines->links = place(&end, (uint64_t)sizes->window * LINE / LINKS_IN_LINE + LINE);
    size_t most = (size_t)(TRAFFIC_BATCH + AHEAD_MAX) * LINES_A_TRANSFER_MAX;
    lines->list = calloc(most, sizeof(*lines->list));
    if (lines->list == NULL || !pages_map(&lines->mapping, end * LINE, huge))
        return false;
    lines->memory = lines->mapping.memory;
    memset(lines->memory, 1, end * LINE);
    return true;
}

void lines_close(struct lines *lines)
{
    free(lines->list);
    mr_mapping_free(&lines->mapping);
    *lines = (struct lines){0};
}

/* -- Which lines. ------------------------------------------------------------------------------ */

static void add(struct lines *lines, uint64_t line)
{
    lines->list[lines->count++] = (uint32_t)line;
}

/* One of the lines of a table, by chance: where the hash of `key` leads. */
static void add_slot(struct lines *lines, uint32_t table, uint64_t bytes, uint64_t key)
{
    add(lines, table + ((mr_mix64(key) >> 32) * (bytes / LINE) >> 32));
}

static void add_account(struct lines *lines, uint32_t index)
{
    for (uint32_t i = 0; i < ACCOUNT_LINES; i++)
        add(lines, lines->accounts + (uint64_t)index * ACCOUNT_LINES + i);
}

static void add_transfer(struct lines *lines, uint32_t transfer)
{
    uint64_t at = (uint64_t)(transfer % lines->sizes.window) * TRANSFER_BYTES;
    add(lines, lines->transfers + at / LINE);
    add(lines, lines->transfers + at / LINE + 1);
}

static void add_links(struct lines *lines, uint32_t transfer)
{
    add(lines, lines->links + transfer % lines->sizes.window / LINKS_IN_LINE);
}

static void add_all(struct lines *lines, uint32_t debit, uint32_t credit)
{
    const struct lines_sizes *sizes = &lines->sizes;
    uint32_t number = ++lines->transfer;
    add_slot(lines, lines->account_slots, sizes->account_slots, debit);
    add_slot(lines, lines->account_slots, sizes->account_slots, credit);
    add_account(lines, debit);
    add_account(lines, credit);
    add_slot(lines, lines->buckets, sizes->buckets, ~(uint64_t)number);
    add_transfer(lines, number + 1); /* the oldest one, which is next to be written over */
    add_transfer(lines, number);
    add_links(lines, number);
}

void lines_prepare(struct lines *lines, const struct traffic *traffic)
{
    lines->count = 0;
    for (uint32_t i = 0; i < traffic->count; i++)
        add_all(lines, traffic->debits[i], traffic->credits[i]);
    lines->touched += lines->count;
    /* What is prefetched behind the batch's end. */
    memset(lines->list + lines->count, 0,
           (size_t)AHEAD_MAX * LINES_A_TRANSFER_MAX * sizeof(*lines->list));
}

/* -- Touching them. ---------------------------------------------------------------------------- */

void lines_touch(const struct lines *lines, uint32_t ahead)
{
    uint64_t *memory = lines->memory;
    const uint32_t *list = lines->list;
    uint64_t far = (uint64_t)ahead * lines->count / TRAFFIC_BATCH;
    for (uint64_t i = 0; i < lines->count; i++) {
        /* Into the second cache: the first has room for far fewer lines that are on their way. */
        __builtin_prefetch(memory + (uint64_t)list[i + far] * WORDS, 0, 2);
        memory[(uint64_t)list[i] * WORDS]++;
    }
}
