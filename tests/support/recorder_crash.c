#include "tests/support/recorder_crash.h"

#include "base/assert.h"

#include <string.h>

/* -- The walk. --------------------------------------------------------------------------------- */

void rec_walk_begin(struct rec_walk *walk, const struct rec_trace *trace, struct rec_disk *disk)
{
    walk->trace = trace;
    walk->disk = disk;
    walk->at = 0;
    walk->write_count = 0;
    for (int i = 0; i < REC_DIRECTORIES; i++) {
        walk->changes[i].count = 0;
    }
}

const struct rec_event *rec_walk_peek(const struct rec_walk *walk)
{
    return walk->at < walk->trace->count ? &walk->trace->events[walk->at] : NULL;
}

/* Does the end of operation `op` make this write durable? */
static bool settles(const struct rec_pending_write *write, uint32_t op)
{
    return write->covered == op || (write->op == op && write->durable);
}

static bool done_alters(const struct rec_walk *walk, uint32_t op)
{
    for (uint32_t i = 0; i < walk->write_count; i++) {
        if (settles(&walk->writes[i], op)) {
            return true;
        }
    }
    for (int i = 0; i < REC_DIRECTORIES; i++) {
        if (walk->changes[i].count > 0 && walk->changes[i].list[0].covered == op) {
            return true;
        }
    }
    return false;
}

bool rec_walk_alters(const struct rec_walk *walk)
{
    const struct rec_event *event = rec_walk_peek(walk);
    switch (event->kind) {
    case REC_WRITE:
    case REC_CHANGE:
        return true;
    case REC_DONE:
        return done_alters(walk, event->op);
    case REC_SYNC:
    case REC_SYNC_DIRECTORY:
    case REC_NEW_FILE:
    case REC_NOTE:
        break;
    }
    return false;
}

static void take_write(struct rec_walk *walk, const struct rec_event *event)
{
    ASSERT(walk->write_count < REC_PENDING_MAX);
    rec_disk_reserve(walk->disk, event->file, (size_t)event->offset + event->size);
    walk->writes[walk->write_count++] = (struct rec_pending_write){
        .op = event->op,
        .size = event->size,
        .file = event->file,
        .durable = event->durable,
        .offset = event->offset,
        .data = event->data,
    };
}

/* What is done by now is what the sync covers. */
static void take_sync(struct rec_walk *walk, const struct rec_event *event)
{
    for (uint32_t i = 0; i < walk->write_count; i++) {
        struct rec_pending_write *write = &walk->writes[i];
        if (write->file == event->file && write->done && write->covered == 0) {
            write->covered = event->op;
        }
    }
}

static void take_sync_directory(struct rec_walk *walk, const struct rec_event *event)
{
    struct rec_pending_changes *changes = &walk->changes[event->directory];
    for (uint32_t i = 0; i < changes->count; i++) {
        if (changes->list[i].covered == 0) {
            changes->list[i].covered = event->op;
        }
    }
}

static void settle_writes(struct rec_walk *walk, uint32_t op)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walk->write_count; i++) {
        struct rec_pending_write *write = &walk->writes[i];
        write->done = write->done || write->op == op;
        if (settles(write, op)) {
            rec_disk_write(walk->disk, write->file, write->offset, walk->trace->bytes + write->data,
                           write->size);
        } else {
            walk->writes[kept++] = *write;
        }
    }
    walk->write_count = kept;
}

static void settle_changes(struct rec_walk *walk, struct rec_pending_changes *changes, uint32_t op)
{
    uint32_t settled = 0;
    while (settled < changes->count && changes->list[settled].covered == op) {
        rec_disk_change(walk->disk, &walk->trace->changes[changes->list[settled].change]);
        settled++;
    }
    changes->count -= settled;
    memmove(changes->list, changes->list + settled, changes->count * sizeof changes->list[0]);
}

void rec_walk_step(struct rec_walk *walk)
{
    const struct rec_event *event = rec_walk_peek(walk);
    struct rec_pending_changes *changes = &walk->changes[event->directory];
    walk->at++;
    switch (event->kind) {
    case REC_WRITE:
        take_write(walk, event);
        break;
    case REC_SYNC:
        take_sync(walk, event);
        break;
    case REC_SYNC_DIRECTORY:
        take_sync_directory(walk, event);
        break;
    case REC_DONE:
        settle_writes(walk, event->op);
        for (int i = 0; i < REC_DIRECTORIES; i++) {
            settle_changes(walk, &walk->changes[i], event->op);
        }
        break;
    case REC_CHANGE:
        ASSERT(changes->count < REC_PENDING_MAX);
        changes->list[changes->count++] = (struct rec_pending_change){.change = event->change};
        break;
    case REC_NEW_FILE: {
        int file = rec_disk_new_file(walk->disk);
        ASSERT(file == event->file);
        break;
    }
    case REC_NOTE:
        break;
    }
}

/* -- Windows. ---------------------------------------------------------------------------------- */

static bool has_name(const struct rec_disk *disk, int file)
{
    for (uint32_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].file == file) {
            return disk->exists[disk->names[i].directory];
        }
    }
    return false;
}

static void add_item(struct rec_window *window, const struct rec_item *item)
{
    ASSERT(window->count < REC_ITEMS_MAX);
    window->items[window->count++] = *item;
}

static void add_items(struct rec_window *window, uint32_t at)
{
    const struct rec_walk *walk = window->walk;
    const struct rec_pending_write *write = &walk->writes[at];
    const struct rec_file *file = &walk->disk->files[write->file];
    struct rec_item item = {.file = write->file, .write = (uint16_t)at, .floor = file->size};
    ASSERT(write->size % MR_SECTOR_SIZE == 0 && write->offset % MR_SECTOR_SIZE == 0);
    for (uint32_t done = 0; done < write->size; done += MR_SECTOR_SIZE) {
        item.offset = write->offset + done;
        item.data = walk->trace->bytes + write->data + done;
        item.grows = item.offset >= file->size;
        memcpy(item.was, file->bytes + item.offset, MR_SECTOR_SIZE);
        if (item.grows || memcmp(item.was, item.data, MR_SECTOR_SIZE) != 0) {
            add_item(window, &item);
        }
    }
    if (write->offset + write->size > file->size) {
        item.offset = write->offset + write->size;
        item.data = NULL;
        item.grows = true;
        add_item(window, &item);
    }
}

void rec_window_open(struct rec_window *window, struct rec_walk *walk,
                     const uint32_t names[REC_DIRECTORIES])
{
    window->walk = walk;
    window->mark = rec_disk_mark(walk->disk);
    window->count = 0;
    memset(window->on, 0, sizeof window->on);
    for (int i = 0; i < REC_DIRECTORIES; i++) {
        ASSERT(names[i] <= walk->changes[i].count);
        for (uint32_t n = 0; n < names[i]; n++) {
            rec_disk_change(walk->disk, &walk->trace->changes[walk->changes[i].list[n].change]);
        }
    }
    for (uint32_t i = 0; i < walk->write_count; i++) {
        if (has_name(walk->disk, walk->writes[i].file)) {
            add_items(window, i);
        }
    }
}

/* Of a sector; compilers make of a constant size a copy that takes three times as long. */
static void copy(unsigned char *to, const unsigned char *from)
{
    const volatile size_t size = MR_SECTOR_SIZE;
    memcpy(to, from, size);
}

static size_t end_of(const struct rec_item *item)
{
    return (size_t)item->offset + (item->data != NULL ? MR_SECTOR_SIZE : 0);
}

/* The file is as large as what is there of it needs. */
static void set_size(struct rec_window *window, const struct rec_item *flipped, bool on)
{
    struct rec_file *file = &window->walk->disk->files[flipped->file];
    size_t size = end_of(flipped);
    if (on || size < file->size) {
        file->size = on && size > file->size ? size : file->size;
        return;
    }
    size = flipped->floor;
    for (uint32_t i = 0; i < window->count; i++) {
        const struct rec_item *item = &window->items[i];
        if (item->file == flipped->file && item->grows && rec_window_is_on(window, i)) {
            size = end_of(item) > size ? end_of(item) : size;
        }
    }
    file->size = size;
}

void rec_window_flip(struct rec_window *window, uint32_t at)
{
    struct rec_item *item = &window->items[at];
    struct rec_file *file = &window->walk->disk->files[item->file];
    window->on[at / 64] ^= UINT64_C(1) << (at % 64);
    bool on = rec_window_is_on(window, at);
    if (item->data != NULL) {
        copy(file->bytes + item->offset, on ? item->data : item->was);
    }
    if (item->grows) {
        set_size(window, item, on);
    }
}

void rec_window_close(struct rec_window *window)
{
    for (uint32_t i = 0; i < window->count; i++) {
        if (rec_window_is_on(window, i)) {
            rec_window_flip(window, i);
        }
    }
    rec_disk_rollback(window->walk->disk, window->mark);
}
