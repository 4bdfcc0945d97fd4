/*
 * A disk in memory that can lose power. Files and names have a current and a durable view: writes
 * and changes of names alter the current one, a sync copies what it covers to the durable one. A
 * crash decides, item by item, which unsynced changes had reached the disk by themselves:
 *
 *   - of written bytes, any 512-byte sectors;
 *   - of a file's size, the old or the new;
 *   - of the changes to names in one directory, some first ones, in their order; directories are
 *     independent of each other.
 *
 * A sync covers what was written before it began, not before it ended: it is captured first and
 * completed later. The model is stricter than the file systems it stands for: syncing a new file
 * does not make its name durable.
 *
 * This is the disk alone; sim_storage.h puts the storage seam, its queue and its faults on top.
 */
#ifndef MR_TESTS_SUPPORT_SIM_DISK_H
#define MR_TESTS_SUPPORT_SIM_DISK_H

#include "tests/support/sim_names.h"

struct sim_disk {
    uint64_t capacity; /* bytes; 0: unlimited */
    uint64_t stamp;    /* of the last change of anything */
    struct sim_names current, durable;
    struct sim_change *changes; /* of names, unsynced, in their order */
    uint32_t change_count, change_room;
    struct sim_node **nodes; /* all there are */
    uint32_t node_count, node_room;
};

/* What a sync will make durable when it completes. */
struct sim_capture {
    struct sim_snapshot file;            /* node NULL: of a directory */
    char directory[MR_STORAGE_NAME_MAX]; /* its changes up to `stamp` */
    uint64_t stamp;
};

void sim_disk_init(struct sim_disk *disk, uint64_t capacity);
void sim_disk_free(struct sim_disk *disk);

/* Names. The results are 0 or an errno value, as the system calls of these names would give. */
struct sim_node *sim_disk_find(const struct sim_disk *disk, enum mr_sim_view view,
                               const char *name);
int sim_disk_create(struct sim_disk *disk, const char *name, bool is_directory,
                    struct sim_node **node);
int sim_disk_rename(struct sim_disk *disk, const char *from, const char *to);
int sim_disk_remove(struct sim_disk *disk, const char *name);

/* Content. */
uint64_t sim_disk_used(const struct sim_disk *disk);
/* ENOSPC, without effect, when the capacity does not allow for the growth. */
int sim_disk_reserve(const struct sim_disk *disk, const struct sim_node *node, uint64_t end);
/* As sim_node_write. */
void sim_disk_write(struct sim_disk *disk, struct sim_node *node, const struct mr_io *io,
                    bool durably, const struct sim_choice *choice);

/* Syncs, in two steps. `name` matters for a directory only. */
void sim_capture_take(const struct sim_disk *disk, const char *name, struct sim_node *node,
                      struct sim_capture *capture);
void sim_capture_complete(struct sim_disk *disk, struct sim_capture *capture);
/* The sync failed, as on Linux: each sector persists or not as `choice` says, and is clean from
 * then on either way, so that a later sync succeeds without it. */
void sim_capture_fail(struct sim_capture *capture, const struct sim_choice *choice);

/* Power is lost and comes back: the durable view, with what `choice` keeps, is all there is. No
 * file may be open. */
void sim_disk_crash(struct sim_disk *disk, const struct sim_choice *choice);

/* `copy` (not initialised) becomes a disk that holds one view of `disk` and nothing unsynced. */
void sim_disk_clone(const struct sim_disk *disk, enum mr_sim_view view, struct sim_disk *copy);

/* True when both current views hold the same names, sizes and bytes; else `difference` (NULL: not
 * wanted) says where not. */
bool sim_disk_equal(const struct sim_disk *a, const struct sim_disk *b, char *difference,
                    size_t difference_size);

/* Frees files that have no name in either view, no pending change and no handle. */
void sim_disk_collect(struct sim_disk *disk);

#endif
