/*
 * The disk of the recorder: a handful of small files in memory, with names in three directories,
 * and with an undo log. Tests put it into millions of states, run recovery on each, and take back
 * what that did; nothing here locks, and nothing allocates once all buffers have grown.
 */
#ifndef MR_TESTS_SUPPORT_RECORDER_DISK_H
#define MR_TESTS_SUPPORT_RECORDER_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    REC_FILES_MAX = 128, /* ever created on one disk */
    REC_NAMES_MAX = 48,
    REC_NAME_SIZE = 48,
    REC_NO_FILE = -1,
};

/* The directories that the journal knows. */
enum rec_directory { REC_ROOT, REC_JOURNAL, REC_ARCHIVE, REC_DIRECTORIES };

/* A file does not know its names: bytes behind its size are zeros. */
struct rec_file {
    unsigned char *bytes;
    size_t size;
    size_t capacity;
};

struct rec_name {
    char text[REC_NAME_SIZE]; /* the whole path */
    uint8_t length;
    uint8_t directory; /* that holds it */
    int16_t file;      /* REC_NO_FILE: it is a directory itself */
};

/* What open with CREATE, rename, remove and make_directory do to one directory. */
enum rec_change_kind { REC_ADD, REC_MOVE, REC_REMOVE };

struct rec_change {
    enum rec_change_kind kind;
    uint8_t directory;
    int16_t file; /* of ADD */
    char from[REC_NAME_SIZE];
    char to[REC_NAME_SIZE]; /* of MOVE */
};

struct rec_disk {
    struct rec_file files[REC_FILES_MAX];
    uint32_t file_count;
    struct rec_name names[REC_NAMES_MAX];
    uint32_t name_count;
    bool exists[REC_DIRECTORIES]; /* the directory has its name */

    /* What it takes to go back, newest last. Kept only while marks are set. */
    unsigned char *undo;
    size_t undo_used;
    size_t undo_capacity;
    uint32_t marks;
};

void rec_disk_init(struct rec_disk *disk);
void rec_disk_free(struct rec_disk *disk);
/* Makes `disk` hold what `from` holds. No marks may be set. */
void rec_disk_copy(struct rec_disk *disk, const struct rec_disk *from);

/* From here on everything can be taken back. Marks nest: the last one is rolled back first. */
size_t rec_disk_mark(struct rec_disk *disk);
void rec_disk_rollback(struct rec_disk *disk, size_t mark);
/* True when nothing was written, created, renamed or removed since the mark. */
static inline bool rec_disk_unchanged(const struct rec_disk *disk, size_t mark)
{
    return disk->undo_used == mark;
}

/* The place of a name in `names`; -1: none such. */
int rec_disk_find(const struct rec_disk *disk, const char *name);
/* The directory that would hold a name, and the one that a name is (REC_DIRECTORIES: none). */
enum rec_directory rec_disk_directory_of(const char *name);
enum rec_directory rec_disk_directory_named(const char *name);

/* A new file without a name: its number. */
int rec_disk_new_file(struct rec_disk *disk);
void rec_disk_write(struct rec_disk *disk, int number, uint64_t offset, const void *data,
                    size_t size);
/* A change whose name is missing has no effect: the change that made it was lost. */
void rec_disk_change(struct rec_disk *disk, const struct rec_change *change);
/* Room for `size` bytes, so that no later write of as many moves the file's memory. */
void rec_disk_reserve(struct rec_disk *disk, int number, size_t size);

#endif
