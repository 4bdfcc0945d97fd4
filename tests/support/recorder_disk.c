#include "tests/support/recorder_disk.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 << 10, FIRST_UNDO = 1 << 20 };

static const char *const directory_names[REC_DIRECTORIES] = {"", "journal", "archive"};

void rec_disk_init(struct rec_disk *disk)
{
    memset(disk, 0, sizeof *disk);
    disk->exists[REC_ROOT] = true;
    disk->undo = malloc(FIRST_UNDO);
    ASSERT(disk->undo != NULL);
    disk->undo_capacity = FIRST_UNDO;
}

void rec_disk_free(struct rec_disk *disk)
{
    for (uint32_t i = 0; i < REC_FILES_MAX; i++) {
        free(disk->files[i].bytes);
    }
    free(disk->undo);
}

static void resize(struct rec_file *file, size_t size)
{
    if (size < file->size) {
        memset(file->bytes + size, 0, file->size - size);
    }
    file->size = size;
}

void rec_disk_reserve(struct rec_disk *disk, int number, size_t size)
{
    struct rec_file *file = &disk->files[number];
    if (size <= file->capacity) {
        return;
    }
    size_t capacity = file->capacity == 0 ? FIRST_CAPACITY : file->capacity;
    while (capacity < size) {
        capacity *= 2;
    }
    unsigned char *bytes = calloc(1, capacity);
    ASSERT(bytes != NULL);
    if (file->size > 0) {
        memcpy(bytes, file->bytes, file->size);
    }
    free(file->bytes);
    file->bytes = bytes;
    file->capacity = capacity;
}

void rec_disk_copy(struct rec_disk *disk, const struct rec_disk *from)
{
    ASSERT(disk->marks == 0);
    for (uint32_t i = 0; i < disk->file_count; i++) {
        resize(&disk->files[i], 0);
    }
    for (uint32_t i = 0; i < from->file_count; i++) {
        const struct rec_file *file = &from->files[i];
        rec_disk_reserve(disk, (int)i, file->size);
        disk->files[i].size = file->size;
        if (file->size > 0) {
            memcpy(disk->files[i].bytes, file->bytes, file->size);
        }
    }
    disk->file_count = from->file_count;
    memcpy(disk->names, from->names, sizeof disk->names);
    disk->name_count = from->name_count;
    memcpy(disk->exists, from->exists, sizeof disk->exists);
}

/* -- The undo log: the old bytes, and behind them what they are. ------------------------------- */

enum undo_kind { UNDO_BYTES, UNDO_GROWTH, UNDO_NAMES, UNDO_FILE };

struct undo {
    enum undo_kind kind;
    int file;
    uint64_t offset;
    size_t size;     /* of the bytes in front of this */
    size_t was_size; /* of the file */
};

static unsigned char *undo_room(struct rec_disk *disk, size_t size)
{
    if (disk->undo_used + size > disk->undo_capacity) {
        while (disk->undo_used + size > disk->undo_capacity) {
            disk->undo_capacity *= 2;
        }
        disk->undo = realloc(disk->undo, disk->undo_capacity);
        ASSERT(disk->undo != NULL);
    }
    unsigned char *room = disk->undo + disk->undo_used;
    disk->undo_used += size;
    return room;
}

static void undo_push(struct rec_disk *disk, struct undo undo, const void *bytes)
{
    if (disk->marks == 0) {
        return;
    }
    unsigned char *room = undo_room(disk, undo.size + sizeof undo);
    if (undo.size > 0) {
        memcpy(room, bytes, undo.size);
    }
    memcpy(room + undo.size, &undo, sizeof undo);
}

static void undo_names(struct rec_disk *disk)
{
    struct undo undo = {
        .kind = UNDO_NAMES,
        .size = disk->name_count * sizeof disk->names[0],
        .was_size = disk->name_count,
    };
    undo_push(disk, undo, disk->names);
}

static void find_directories(struct rec_disk *disk)
{
    for (int i = REC_JOURNAL; i < REC_DIRECTORIES; i++) {
        disk->exists[i] = rec_disk_find(disk, directory_names[i]) >= 0;
    }
}

static void undo_apply(struct rec_disk *disk, const struct undo *undo, const unsigned char *bytes)
{
    struct rec_file *file = &disk->files[undo->file];
    switch (undo->kind) {
    case UNDO_BYTES:
        memcpy(file->bytes + undo->offset, bytes, undo->size);
        resize(file, undo->was_size);
        break;
    case UNDO_GROWTH:
        resize(file, undo->was_size);
        break;
    case UNDO_NAMES:
        memcpy(disk->names, bytes, undo->size);
        disk->name_count = (uint32_t)undo->was_size;
        find_directories(disk);
        break;
    case UNDO_FILE:
        disk->file_count--;
        break;
    }
}

size_t rec_disk_mark(struct rec_disk *disk)
{
    disk->marks++;
    return disk->undo_used;
}

void rec_disk_rollback(struct rec_disk *disk, size_t mark)
{
    ASSERT(disk->marks > 0);
    ASSERT(disk->undo_used >= mark);
    while (disk->undo_used > mark) {
        struct undo undo;
        disk->undo_used -= sizeof undo;
        memcpy(&undo, disk->undo + disk->undo_used, sizeof undo);
        disk->undo_used -= undo.size;
        undo_apply(disk, &undo, disk->undo + disk->undo_used);
    }
    disk->marks--;
}

/* -- Names. ------------------------------------------------------------------------------------ */

int rec_disk_find(const struct rec_disk *disk, const char *name)
{
    size_t length = strlen(name);
    for (uint32_t i = 0; i < disk->name_count; i++) {
        if (disk->names[i].length == length && memcmp(disk->names[i].text, name, length) == 0) {
            return (int)i;
        }
    }
    return -1;
}

enum rec_directory rec_disk_directory_named(const char *name)
{
    for (int i = 0; i < REC_DIRECTORIES; i++) {
        if (strcmp(name, directory_names[i]) == 0) {
            return (enum rec_directory)i;
        }
    }
    return REC_DIRECTORIES;
}

enum rec_directory rec_disk_directory_of(const char *name)
{
    if (strncmp(name, "journal/", 8) == 0) {
        return REC_JOURNAL;
    }
    return strncmp(name, "archive/", 8) == 0 ? REC_ARCHIVE : REC_ROOT;
}

static void set_text(struct rec_name *name, const char *text)
{
    size_t length = strlen(text);
    ASSERT(length < REC_NAME_SIZE);
    memcpy(name->text, text, length + 1);
    name->length = (uint8_t)length;
}

static void remove_at(struct rec_disk *disk, int at)
{
    disk->names[at] = disk->names[--disk->name_count];
}

void rec_disk_change(struct rec_disk *disk, const struct rec_change *change)
{
    undo_names(disk);
    int at = rec_disk_find(disk, change->from);
    switch (change->kind) {
    case REC_ADD:
        ASSERT(at < 0);
        ASSERT(disk->name_count < REC_NAMES_MAX);
        disk->names[disk->name_count] =
            (struct rec_name){.directory = change->directory, .file = change->file};
        set_text(&disk->names[disk->name_count++], change->from);
        break;
    case REC_REMOVE:
        ASSERT(at >= 0);
        remove_at(disk, at);
        break;
    case REC_MOVE: {
        ASSERT(at >= 0);
        set_text(&disk->names[at], "");
        int replaced = rec_disk_find(disk, change->to);
        set_text(&disk->names[at], change->to);
        if (replaced >= 0) {
            remove_at(disk, replaced);
        }
        break;
    }
    }
    if (change->directory == REC_ROOT) {
        find_directories(disk);
    }
}

/* -- Files. ------------------------------------------------------------------------------------ */

int rec_disk_new_file(struct rec_disk *disk)
{
    ASSERT(disk->file_count < REC_FILES_MAX);
    undo_push(disk, (struct undo){.kind = UNDO_FILE}, disk);
    int file = (int)disk->file_count++;
    rec_disk_reserve(disk, file, FIRST_CAPACITY);
    ASSERT(disk->files[file].size == 0);
    return file;
}

void rec_disk_write(struct rec_disk *disk, int number, uint64_t offset, const void *data,
                    size_t size)
{
    struct rec_file *file = &disk->files[number];
    size_t end = (size_t)offset + size;
    size_t old = offset >= file->size ? 0 : file->size - (size_t)offset;
    old = old > size ? size : old;
    struct undo undo = {
        .kind = old > 0 ? UNDO_BYTES : UNDO_GROWTH,
        .file = number,
        .offset = offset,
        .size = old,
        .was_size = file->size,
    };
    undo_push(disk, undo, file->bytes + offset);
    rec_disk_reserve(disk, number, end);
    file = &disk->files[number];
    memcpy(file->bytes + offset, data, size);
    if (end > file->size) {
        file->size = end;
    }
}
