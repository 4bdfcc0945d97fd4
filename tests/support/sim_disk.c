#include "tests/support/sim_disk.h"

#include "base/assert.h"
#include "base/bits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Nodes. ------------------------------------------------------------------------------------ */

static void add_node(struct sim_disk *disk, struct sim_node *node)
{
    if (disk->node_count == disk->node_room) {
        disk->node_room = disk->node_room == 0 ? 16 : disk->node_room * 2;
        disk->nodes = realloc(disk->nodes, disk->node_room * sizeof(struct sim_node *));
        ASSERT(disk->nodes != NULL);
    }
    disk->nodes[disk->node_count++] = node;
}

static bool is_alive(const struct sim_disk *disk, const struct sim_node *node)
{
    for (uint32_t i = 0; i < disk->change_count; i++) {
        if (disk->changes[i].node == node) {
            return true;
        }
    }
    return node->handles > 0 || sim_names_hold(&disk->current, node) ||
           sim_names_hold(&disk->durable, node);
}

void sim_disk_collect(struct sim_disk *disk)
{
    for (uint32_t i = disk->node_count; i-- > 0;) {
        if (!is_alive(disk, disk->nodes[i])) {
            sim_node_free(disk->nodes[i]);
            disk->nodes[i] = disk->nodes[--disk->node_count];
        }
    }
}

void sim_disk_init(struct sim_disk *disk, uint64_t capacity)
{
    *disk = (struct sim_disk){.capacity = capacity};
    struct sim_node *root = sim_node_create(true);
    add_node(disk, root);
    sim_names_put(&disk->current, "", root);
    sim_names_put(&disk->durable, "", root);
}

void sim_disk_free(struct sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->node_count; i++) {
        sim_node_free(disk->nodes[i]);
    }
    free(disk->nodes);
    free(disk->changes);
    sim_names_free(&disk->current);
    sim_names_free(&disk->durable);
    *disk = (struct sim_disk){0};
}

/* -- Names. ------------------------------------------------------------------------------------ */

static const struct sim_names *names_of(const struct sim_disk *disk, enum mr_sim_view view)
{
    return view == MR_SIM_CURRENT ? &disk->current : &disk->durable;
}

struct sim_node *sim_disk_find(const struct sim_disk *disk, enum mr_sim_view view, const char *name)
{
    return sim_names_find(names_of(disk, view), name);
}

static void change_names(struct sim_disk *disk, const char *from, const char *to,
                         struct sim_node *node)
{
    if (disk->change_count == disk->change_room) {
        disk->change_room = disk->change_room == 0 ? 16 : disk->change_room * 2;
        disk->changes = realloc(disk->changes, disk->change_room * sizeof *disk->changes);
        ASSERT(disk->changes != NULL);
    }
    struct sim_change *change = &disk->changes[disk->change_count++];
    change->stamp = ++disk->stamp;
    change->node = node;
    sim_name_set(change->from, from);
    sim_name_set(change->to, to);
    sim_names_apply(&disk->current, change);
}

int sim_disk_create(struct sim_disk *disk, const char *name, bool is_directory,
                    struct sim_node **node)
{
    if (sim_names_find(&disk->current, name) != NULL) {
        return EEXIST;
    }
    if (!sim_names_parent_exists(&disk->current, name)) {
        return ENOENT;
    }
    *node = sim_node_create(is_directory);
    add_node(disk, *node);
    change_names(disk, "", name, *node);
    return 0;
}

int sim_disk_rename(struct sim_disk *disk, const char *from, const char *to)
{
    struct sim_node *node = sim_names_find(&disk->current, from);
    if (node == NULL) {
        return ENOENT;
    }
    char directory[MR_STORAGE_NAME_MAX];
    sim_name_parent(from, directory);
    ASSERT(!node->is_directory);
    ASSERT(sim_name_within(to, directory) != NULL);
    change_names(disk, from, to, node);
    return 0;
}

int sim_disk_remove(struct sim_disk *disk, const char *name)
{
    struct sim_node *node = sim_names_find(&disk->current, name);
    if (node == NULL) {
        return ENOENT;
    }
    if (node->is_directory) {
        return EISDIR;
    }
    change_names(disk, name, "", node);
    return 0;
}

/* -- Content. ---------------------------------------------------------------------------------- */

uint64_t sim_disk_used(const struct sim_disk *disk)
{
    uint64_t used = 0;
    for (uint32_t i = 0; i < disk->node_count; i++) {
        used += mr_align_up(disk->nodes[i]->size, SIM_PAGE_SIZE);
    }
    return used;
}

int sim_disk_reserve(const struct sim_disk *disk, const struct sim_node *node, uint64_t end)
{
    if (disk->capacity == 0 || end <= node->size) {
        return 0;
    }
    uint64_t growth = mr_align_up(end, SIM_PAGE_SIZE) - mr_align_up(node->size, SIM_PAGE_SIZE);
    return sim_disk_used(disk) + growth > disk->capacity ? ENOSPC : 0;
}

void sim_disk_write(struct sim_disk *disk, struct sim_node *node, const struct mr_io *io,
                    bool durably, const struct sim_choice *choice)
{
    disk->stamp += 1;
    sim_node_write(node, disk->stamp, io, durably, choice);
}

/* -- Syncs. ------------------------------------------------------------------------------------ */

void sim_capture_take(const struct sim_disk *disk, const char *name, struct sim_node *node,
                      struct sim_capture *capture)
{
    *capture = (struct sim_capture){.stamp = disk->stamp};
    if (node->is_directory) {
        sim_name_set(capture->directory, name);
    } else {
        sim_snapshot_take(&capture->file, node);
    }
}

/* The captured changes become durable and are forgotten; the others stay pending. */
static void complete_directory(struct sim_disk *disk, const struct sim_capture *capture)
{
    uint32_t pending = 0;
    for (uint32_t i = 0; i < disk->change_count; i++) {
        const struct sim_change *change = &disk->changes[i];
        if (change->stamp <= capture->stamp &&
            sim_name_within(sim_change_name(change), capture->directory) != NULL) {
            sim_names_apply(&disk->durable, change);
        } else {
            disk->changes[pending++] = *change;
        }
    }
    disk->change_count = pending;
}

void sim_capture_complete(struct sim_disk *disk, struct sim_capture *capture)
{
    if (capture->file.node == NULL) {
        complete_directory(disk, capture);
    } else {
        sim_snapshot_apply(&capture->file, NULL);
        sim_snapshot_free(&capture->file);
    }
}

void sim_capture_fail(struct sim_capture *capture, const struct sim_choice *choice)
{
    if (capture->file.node != NULL) {
        sim_snapshot_apply(&capture->file, choice);
        sim_snapshot_free(&capture->file);
    }
}

/* -- Crashes. ---------------------------------------------------------------------------------- */

/* A change is lost, and with it every later one in the same directory: their node becomes NULL. */
static void lose_change(struct sim_disk *disk, uint32_t index)
{
    char directory[MR_STORAGE_NAME_MAX];
    sim_name_parent(sim_change_name(&disk->changes[index]), directory);
    for (uint32_t i = index; i < disk->change_count; i++) {
        if (sim_name_within(sim_change_name(&disk->changes[i]), directory) != NULL) {
            disk->changes[i].node = NULL;
        }
    }
}

void sim_disk_crash(struct sim_disk *disk, const struct sim_choice *choice)
{
    for (uint32_t i = 0; i < disk->change_count; i++) {
        if (disk->changes[i].node == NULL) {
            continue;
        }
        if (sim_keeps(choice)) {
            sim_names_apply(&disk->durable, &disk->changes[i]);
        } else {
            lose_change(disk, i);
        }
    }
    disk->change_count = 0;
    sim_names_drop_orphans(&disk->durable);
    sim_names_copy(&disk->current, &disk->durable);
    sim_disk_collect(disk);
    for (uint32_t i = 0; i < disk->node_count; i++) {
        sim_node_crash(disk->nodes[i], choice);
    }
}

/* -- Copies and comparisons. ------------------------------------------------------------------- */

void sim_disk_clone(const struct sim_disk *disk, enum mr_sim_view view, struct sim_disk *copy)
{
    sim_disk_init(copy, disk->capacity);
    const struct sim_names *names = names_of(disk, view);
    for (uint32_t i = 0; i < names->count; i++) {
        const struct sim_name *item = &names->items[i];
        if (item->name[0] != '\0') {
            struct sim_node *clone = sim_node_clone(item->node, view);
            add_node(copy, clone);
            sim_names_put(&copy->durable, item->name, clone);
        }
    }
    sim_names_drop_orphans(&copy->durable);
    sim_names_copy(&copy->current, &copy->durable);
    sim_disk_collect(copy);
}

/* The first name that `a` has and `b` has not; NULL when there is none. */
static const char *missing_name(const struct sim_names *a, const struct sim_names *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        if (sim_names_find(b, a->items[i].name) == NULL) {
            return a->items[i].name;
        }
    }
    return NULL;
}

bool sim_disk_equal(const struct sim_disk *a, const struct sim_disk *b, char *difference,
                    size_t difference_size)
{
    ASSERT(a->current.items != NULL); /* there is always the root */
    const char *only_a = missing_name(&a->current, &b->current);
    const char *only_b = missing_name(&b->current, &a->current);
    if (only_a != NULL || only_b != NULL) {
        snprintf(difference, difference_size, "only the %s has %s",
                 only_a != NULL ? "first" : "second", only_a != NULL ? only_a : only_b);
        return false;
    }
    for (uint32_t i = 0; i < a->current.count; i++) {
        const struct sim_name *item = &a->current.items[i];
        const struct sim_node *other = sim_names_find(&b->current, item->name);
        uint64_t offset = 0;
        if (!sim_node_equal(item->node, MR_SIM_CURRENT, other, MR_SIM_CURRENT, &offset)) {
            snprintf(difference, difference_size, "%s differs in the 4 KiB at %llu", item->name,
                     (unsigned long long)offset);
            return false;
        }
    }
    return true;
}
