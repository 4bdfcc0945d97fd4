/*
 * The content of one simulated file, in two views:
 *
 *   current   what reads see: page cache, or the disk's volatile cache
 *   durable   what is surely there after a power loss
 *
 * Stamps count writes; a sector is dirty while its last write is newer than what persists of it.
 */
#ifndef MR_TESTS_SUPPORT_SIM_NODE_H
#define MR_TESTS_SUPPORT_SIM_NODE_H

#include "base/storage.h"

enum { SIM_PAGE_SIZE = 4096, SIM_PAGE_SECTORS = SIM_PAGE_SIZE / MR_SECTOR_SIZE };

enum mr_sim_view { MR_SIM_CURRENT, MR_SIM_DURABLE };

/* Decides, item by item, what becomes of something unsynced. NULL in its place keeps everything. */
struct sim_choice {
    bool (*keep)(void *context);
    void *context;
};

static inline bool sim_keeps(const struct sim_choice *choice)
{
    return choice == NULL || choice->keep(choice->context);
}

struct sim_page {
    uint8_t current[SIM_PAGE_SIZE];
    uint8_t durable[SIM_PAGE_SIZE];
    uint64_t written[SIM_PAGE_SECTORS];
    uint64_t persisted[SIM_PAGE_SECTORS];
};

/* A file (or a directory, which has no content here). Pages that were never anything but zero are
 * not allocated. */
struct sim_node {
    bool is_directory;
    uint32_t handles; /* what keeps it alive without a name */
    uint64_t size;
    uint64_t durable_size;
    uint64_t page_count;
    struct sim_page **pages;
};

struct sim_node *sim_node_create(bool is_directory);
void sim_node_free(struct sim_node *node);

uint64_t sim_node_size(const struct sim_node *node, enum mr_sim_view view);
size_t sim_node_read(const struct sim_node *node, enum mr_sim_view view, uint64_t offset,
                     void *data, size_t size);
/* As the current view, but past the page cache: what a failed sync has left clean is not what was
 * written but what the disk has. (A read of this kind has what is dirty written back first.) */
size_t sim_node_read_direct(const struct sim_node *node, uint64_t offset, void *data, size_t size);
/* Writes those sectors of the range that `choice` keeps, unsynced or durably; a growth of the file
 * is one more item. */
void sim_node_write(struct sim_node *node, uint64_t stamp, const struct mr_io *io, bool durably,
                    const struct sim_choice *choice);
/* In both views. */
void sim_node_flip(struct sim_node *node, uint64_t offset, unsigned bit);

/* What a sync of the file will make durable when it completes: the dirty sectors, as they are now.
 */
struct sim_snapshot {
    struct sim_node *node;
    uint64_t size;
    struct sim_snapshot_sector *sectors;
    uint32_t count, room;
};

void sim_snapshot_take(struct sim_snapshot *snapshot, struct sim_node *node);
/* Of the sectors, those that `choice` keeps become durable; all of them are clean from now on,
 * unless written again meanwhile. */
void sim_snapshot_apply(const struct sim_snapshot *snapshot, const struct sim_choice *choice);
void sim_snapshot_free(struct sim_snapshot *snapshot);

/* Power is lost: what is dirty becomes durable or vanishes, as `choice` says. */
void sim_node_crash(struct sim_node *node, const struct sim_choice *choice);

/* A new file with one view of `node`, all of it durable. */
struct sim_node *sim_node_clone(const struct sim_node *node, enum mr_sim_view view);
/* Same kind, size and bytes? Else `offset` is where the first page that differs begins. */
bool sim_node_equal(const struct sim_node *a, enum mr_sim_view a_view, const struct sim_node *b,
                    enum mr_sim_view b_view, uint64_t *offset);

#endif
