#include "tests/support/sim_node.h"

#include "base/assert.h"
#include "base/bits.h"

#include <stdlib.h>
#include <string.h>

struct sim_snapshot_sector {
    struct sim_page *page;
    uint32_t sector;
    uint64_t stamp;
    uint8_t bytes[MR_SECTOR_SIZE];
};

struct sim_node *sim_node_create(bool is_directory)
{
    struct sim_node *node = calloc(1, sizeof *node);
    ASSERT(node != NULL);
    node->is_directory = is_directory;
    return node;
}

void sim_node_free(struct sim_node *node)
{
    for (uint64_t i = 0; i < node->page_count; i++) {
        free(node->pages[i]);
    }
    free(node->pages);
    free(node);
}

/* -- Pages. ------------------------------------------------------------------------------------ */

static struct sim_page *page_at(const struct sim_node *node, uint64_t index)
{
    return index < node->page_count ? node->pages[index] : NULL;
}

static struct sim_page *make_page(struct sim_node *node, uint64_t index)
{
    if (index >= node->page_count) {
        uint64_t count = mr_power_of_two_at_least(index + 1);
        struct sim_page **pages = realloc(node->pages, count * sizeof(struct sim_page *));
        ASSERT(pages != NULL);
        memset(pages + node->page_count, 0, (count - node->page_count) * sizeof(struct sim_page *));
        node->pages = pages;
        node->page_count = count;
    }
    if (node->pages[index] == NULL) {
        node->pages[index] = calloc(1, sizeof(struct sim_page));
        ASSERT(node->pages[index] != NULL);
    }
    return node->pages[index];
}

static const uint8_t *view_bytes(const struct sim_page *page, enum mr_sim_view view)
{
    return view == MR_SIM_CURRENT ? page->current : page->durable;
}

static bool is_dirty(const struct sim_page *page, uint32_t sector)
{
    return page->written[sector] > page->persisted[sector];
}

static void persist(struct sim_page *page, uint32_t sector, const uint8_t *bytes)
{
    memcpy(page->durable + sector * MR_SECTOR_SIZE, bytes, MR_SECTOR_SIZE);
}

/* -- Reading and writing. ---------------------------------------------------------------------- */

uint64_t sim_node_size(const struct sim_node *node, enum mr_sim_view view)
{
    return view == MR_SIM_CURRENT ? node->size : node->durable_size;
}

size_t sim_node_read(const struct sim_node *node, enum mr_sim_view view, uint64_t offset,
                     void *data, size_t size)
{
    uint64_t end = sim_node_size(node, view);
    if (offset >= end) {
        return 0;
    }
    size_t total = size < end - offset ? size : (size_t)(end - offset);
    for (size_t done = 0; done < total;) {
        size_t within = (size_t)((offset + done) % SIM_PAGE_SIZE);
        size_t part = SIM_PAGE_SIZE - within;
        part = part < total - done ? part : total - done;
        const struct sim_page *page = page_at(node, (offset + done) / SIM_PAGE_SIZE);
        if (page == NULL) {
            memset((uint8_t *)data + done, 0, part);
        } else {
            memcpy((uint8_t *)data + done, view_bytes(page, view) + within, part);
        }
        done += part;
    }
    return total;
}

size_t sim_node_read_direct(const struct sim_node *node, uint64_t offset, void *data, size_t size)
{
    size_t total = sim_node_read(node, MR_SIM_CURRENT, offset, data, size);
    ASSERT(offset % MR_SECTOR_SIZE == 0);
    for (size_t done = 0; done < total; done += MR_SECTOR_SIZE) {
        const struct sim_page *page = page_at(node, (offset + done) / SIM_PAGE_SIZE);
        uint32_t sector = (uint32_t)((offset + done) % SIM_PAGE_SIZE / MR_SECTOR_SIZE);
        if (page != NULL && !is_dirty(page, sector)) {
            size_t left = total - done;
            memcpy((uint8_t *)data + done, page->durable + sector * MR_SECTOR_SIZE,
                   left < MR_SECTOR_SIZE ? left : MR_SECTOR_SIZE);
        }
    }
    return total;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* Writes a piece that lies within one sector. */
static void write_piece(struct sim_node *node, uint64_t stamp, uint64_t offset, const uint8_t *data,
                        size_t size, bool durably)
{
    uint64_t index = offset / SIM_PAGE_SIZE;
    if (page_at(node, index) == NULL && all_zero(data, size)) {
        return; /* zero in both views already */
    }
    struct sim_page *page = make_page(node, index);
    uint32_t sector = (uint32_t)(offset % SIM_PAGE_SIZE / MR_SECTOR_SIZE);
    memcpy(page->current + offset % SIM_PAGE_SIZE, data, size);
    page->written[sector] = stamp;
    if (durably) {
        persist(page, sector, page->current + sector * MR_SECTOR_SIZE);
        page->persisted[sector] = stamp;
    }
}

void sim_node_write(struct sim_node *node, uint64_t stamp, const struct mr_io *io, bool durably,
                    const struct sim_choice *choice)
{
    uint64_t end = io->offset + io->size;
    if (end > node->size && sim_keeps(choice)) {
        node->size = end;
    }
    end = end < node->size ? end : node->size;
    if (durably && end > node->durable_size) {
        node->durable_size = end;
    }
    for (uint64_t at = io->offset; at < end;) {
        uint64_t next = mr_align_up(at + 1, MR_SECTOR_SIZE);
        next = next < end ? next : end;
        if (sim_keeps(choice)) {
            const uint8_t *data = (const uint8_t *)io->data + (at - io->offset);
            write_piece(node, stamp, at, data, (size_t)(next - at), durably);
        }
        at = next;
    }
}

void sim_node_flip(struct sim_node *node, uint64_t offset, unsigned bit)
{
    ASSERT(offset < node->size);
    ASSERT(bit < 8);
    struct sim_page *page = make_page(node, offset / SIM_PAGE_SIZE);
    page->current[offset % SIM_PAGE_SIZE] ^= (uint8_t)(1U << bit);
    page->durable[offset % SIM_PAGE_SIZE] ^= (uint8_t)(1U << bit);
}

/* -- Syncs. ------------------------------------------------------------------------------------ */

static void add_sector(struct sim_snapshot *snapshot, struct sim_page *page, uint32_t sector)
{
    if (snapshot->count == snapshot->room) {
        snapshot->room = snapshot->room == 0 ? 8 : snapshot->room * 2;
        snapshot->sectors = realloc(snapshot->sectors, snapshot->room * sizeof *snapshot->sectors);
        ASSERT(snapshot->sectors != NULL);
    }
    struct sim_snapshot_sector *taken = &snapshot->sectors[snapshot->count++];
    taken->page = page;
    taken->sector = sector;
    taken->stamp = page->written[sector];
    memcpy(taken->bytes, page->current + sector * MR_SECTOR_SIZE, MR_SECTOR_SIZE);
}

void sim_snapshot_take(struct sim_snapshot *snapshot, struct sim_node *node)
{
    *snapshot = (struct sim_snapshot){.node = node, .size = node->size};
    for (uint64_t i = 0; i < node->page_count; i++) {
        struct sim_page *page = node->pages[i];
        for (uint32_t sector = 0; page != NULL && sector < SIM_PAGE_SECTORS; sector++) {
            if (is_dirty(page, sector)) {
                add_sector(snapshot, page, sector);
            }
        }
    }
}

void sim_snapshot_apply(const struct sim_snapshot *snapshot, const struct sim_choice *choice)
{
    struct sim_node *node = snapshot->node;
    if (snapshot->size > node->durable_size && sim_keeps(choice)) {
        node->durable_size = snapshot->size;
    }
    for (uint32_t i = 0; i < snapshot->count; i++) {
        const struct sim_snapshot_sector *taken = &snapshot->sectors[i];
        if (taken->stamp <= taken->page->persisted[taken->sector]) {
            continue; /* something newer was made durable meanwhile */
        }
        if (sim_keeps(choice)) {
            persist(taken->page, taken->sector, taken->bytes);
        }
        taken->page->persisted[taken->sector] = taken->stamp;
    }
}

void sim_snapshot_free(struct sim_snapshot *snapshot)
{
    free(snapshot->sectors);
    *snapshot = (struct sim_snapshot){0};
}

/* -- Crashes. ---------------------------------------------------------------------------------- */

static void crash_page(struct sim_page *page, const struct sim_choice *choice)
{
    for (uint32_t sector = 0; sector < SIM_PAGE_SECTORS; sector++) {
        if (is_dirty(page, sector) && sim_keeps(choice)) {
            persist(page, sector, page->current + sector * MR_SECTOR_SIZE);
        }
        page->written[sector] = 0;
        page->persisted[sector] = 0;
    }
}

/* Bytes behind the end are gone for good: a later growth finds zeros there. */
static void cut_page(struct sim_page *page, uint64_t page_offset, uint64_t size)
{
    if (page_offset + SIM_PAGE_SIZE > size) {
        size_t left = size > page_offset ? (size_t)(size - page_offset) : 0;
        memset(page->durable + left, 0, SIM_PAGE_SIZE - left);
    }
}

void sim_node_crash(struct sim_node *node, const struct sim_choice *choice)
{
    ASSERT(node->handles == 0);
    if (node->size > node->durable_size && sim_keeps(choice)) {
        node->durable_size = node->size;
    }
    node->size = node->durable_size;
    for (uint64_t i = 0; i < node->page_count; i++) {
        struct sim_page *page = node->pages[i];
        if (page != NULL) {
            crash_page(page, choice);
            cut_page(page, i * SIM_PAGE_SIZE, node->size);
            memcpy(page->current, page->durable, SIM_PAGE_SIZE);
        }
    }
}

/* -- Copies and comparisons. ------------------------------------------------------------------- */

struct sim_node *sim_node_clone(const struct sim_node *node, enum mr_sim_view view)
{
    struct sim_node *clone = sim_node_create(node->is_directory);
    clone->size = sim_node_size(node, view);
    clone->durable_size = clone->size;
    for (uint64_t i = 0; i < node->page_count; i++) {
        if (node->pages[i] != NULL) {
            struct sim_page *page = make_page(clone, i);
            memcpy(page->durable, view_bytes(node->pages[i], view), SIM_PAGE_SIZE);
            cut_page(page, i * SIM_PAGE_SIZE, clone->size);
            memcpy(page->current, page->durable, SIM_PAGE_SIZE);
        }
    }
    return clone;
}

bool sim_node_equal(const struct sim_node *a, enum mr_sim_view a_view, const struct sim_node *b,
                    enum mr_sim_view b_view, uint64_t *offset)
{
    uint64_t size = sim_node_size(a, a_view);
    uint8_t a_bytes[SIM_PAGE_SIZE];
    uint8_t b_bytes[SIM_PAGE_SIZE];
    for (*offset = 0; *offset < size; *offset += SIM_PAGE_SIZE) {
        uint64_t index = *offset / SIM_PAGE_SIZE;
        if (page_at(a, index) == NULL && page_at(b, index) == NULL) {
            continue;
        }
        size_t a_size = sim_node_read(a, a_view, *offset, a_bytes, SIM_PAGE_SIZE);
        size_t b_size = sim_node_read(b, b_view, *offset, b_bytes, SIM_PAGE_SIZE);
        if (a_size != b_size || memcmp(a_bytes, b_bytes, a_size) != 0) {
            return false;
        }
    }
    return size == sim_node_size(b, b_view) && a->is_directory == b->is_directory;
}
