#include "tests/syncguard/shadow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 4096, KEY_SIZE = 64 };

struct pending {
    struct pending *next;
    uint64_t stamp;
    uint64_t offset;
    size_t size;
    const void *reason;
    unsigned char *data; /* NULL: zeros */
};

struct shadow_file {
    char key[KEY_SIZE];
    bool is_directory;
    bool is_root;
    int descriptor; /* of the content in the store, -1: none yet */
    struct pending *first, **last;
    char path[PATH_MAX]; /* of a directory */
};

struct listed {
    char name[NAME_MAX + 1];
    char key[KEY_SIZE];
    bool is_directory;
};

struct shadow_listing {
    struct listed *items;
    size_t count;
};

static const char *data_path, *shadow_path;
static char data_real[PATH_MAX]; /* "": not there yet */
static struct shadow_file *files[FILES_MAX];
static size_t file_count;
static uint64_t stamp;

_Noreturn void shadow_die(const char *what)
{
    fprintf(stderr, "syncguard: %s: %s\n", what, strerror(errno));
    abort();
}

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        shadow_die("no memory");
    }
    return memory;
}

static void store_path(char path[PATH_MAX], const char *key, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s.store/%s%s%s", shadow_path, key,
                          name[0] == '\0' ? "" : "/", name);
    if (length >= PATH_MAX) {
        shadow_die("a path is too long");
    }
}

void shadow_init(const char *data, const char *shadow)
{
    char store[PATH_MAX];
    data_path = data;
    shadow_path = shadow;
    store_path(store, "", "");
    if (mkdir(store, 0755) != 0) {
        shadow_die(store);
    }
}

/* -- Which file is it? ------------------------------------------------------------------------- */

static void key_of(const struct statx *status, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%x.%x.%llx.%llx.%x", status->stx_dev_major, status->stx_dev_minor,
             (unsigned long long)status->stx_ino, (unsigned long long)status->stx_btime.tv_sec,
             status->stx_btime.tv_nsec);
}

static bool stat_at(int directory, const char *name, struct statx *status)
{
    int flags = AT_SYMLINK_NOFOLLOW | (name[0] == '\0' ? AT_EMPTY_PATH : 0);
    return statx(directory, name, flags, STATX_BASIC_STATS | STATX_BTIME, status) == 0;
}

/* Where an open file lies: "" for the data directory itself, NULL outside of it. */
static const char *place_of(int descriptor, char path[PATH_MAX])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0 || (data_real[0] == '\0' && realpath(data_path, data_real) == NULL)) {
        data_real[0] = '\0';
        return NULL;
    }
    path[length] = '\0';
    size_t prefix = strlen(data_real);
    bool inside =
        strncmp(path, data_real, prefix) == 0 && (path[prefix] == '\0' || path[prefix] == '/');
    return inside ? path + prefix : NULL;
}

static struct shadow_file *add_file(const char *key, bool is_directory)
{
    if (file_count == FILES_MAX) {
        shadow_die("too many files");
    }
    struct shadow_file *file = allocate(1, sizeof *file);
    memcpy(file->key, key, KEY_SIZE);
    file->is_directory = is_directory;
    file->descriptor = -1;
    file->last = &file->first;
    files[file_count++] = file;
    return file;
}

struct shadow_file *shadow_file_of(int descriptor)
{
    struct statx status;
    char key[KEY_SIZE] = "";
    char path[PATH_MAX];
    if (descriptor < 0 || !stat_at(descriptor, "", &status)) {
        return NULL;
    }
    key_of(&status, key);
    for (size_t i = 0; i < file_count; i++) {
        if (strcmp(files[i]->key, key) == 0) {
            return files[i];
        }
    }
    const char *place = place_of(descriptor, path);
    if (place == NULL || !(S_ISREG(status.stx_mode) || S_ISDIR(status.stx_mode))) {
        return NULL;
    }
    struct shadow_file *file = add_file(key, S_ISDIR(status.stx_mode));
    file->is_root = place[0] == '\0';
    memcpy(file->path, path, sizeof path);
    return file;
}

bool shadow_is_directory(const struct shadow_file *file)
{
    return file->is_directory;
}

/* -- Content. ---------------------------------------------------------------------------------- */

static int open_content(const char *key)
{
    char path[PATH_MAX];
    store_path(path, key, "");
    int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        shadow_die(path);
    }
    return descriptor;
}

static bool all_zero(const unsigned char *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Zeros cost no disk: they are a hole. */
static void put_zeros(int descriptor, uint64_t offset, size_t size)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 ||
        ((uint64_t)status.st_size < offset + size &&
         ftruncate(descriptor, (off_t)(offset + size)) != 0) ||
        ((uint64_t)status.st_size > offset &&
         fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                   (off_t)size) != 0)) {
        shadow_die("cannot put zeros into the store");
    }
}

static void put(struct shadow_file *file, uint64_t offset, const unsigned char *data, size_t size)
{
    if (file->descriptor < 0) {
        file->descriptor = open_content(file->key);
    }
    if (data == NULL) {
        put_zeros(file->descriptor, offset, size);
    } else if (pwrite(file->descriptor, data, size, (off_t)offset) != (ssize_t)size) {
        shadow_die("cannot write into the store");
    }
}

void shadow_durable(struct shadow_file *file, uint64_t offset, const void *data, size_t size)
{
    stamp += 1;
    put(file, offset, data, size);
}

void shadow_written(struct shadow_file *file, uint64_t offset, const void *data, size_t size,
                    const void *reason)
{
    struct pending *pending = allocate(1, sizeof *pending);
    pending->stamp = ++stamp;
    pending->offset = offset;
    pending->size = size;
    pending->reason = reason;
    if (!all_zero(data, size)) {
        pending->data = allocate(1, size);
        memcpy(pending->data, data, size);
    }
    *file->last = pending;
    file->last = &pending->next;
}

uint64_t shadow_sync_begins(void)
{
    return stamp;
}

/* A failed sync covers nothing, but what it should have covered is lost for later ones. */
void shadow_sync_ends(struct shadow_file *file, uint64_t began, const void *reason, bool succeeded)
{
    struct pending **link = &file->first;
    while (*link != NULL) {
        struct pending *pending = *link;
        bool covered = pending->stamp <= began || (reason != NULL && pending->reason == reason);
        if (!covered) {
            link = &pending->next;
            continue;
        }
        if (succeeded) {
            put(file, pending->offset, pending->data, pending->size);
        }
        *link = pending->next;
        free(pending->data);
        free(pending);
    }
    file->last = link;
}

/* -- Names. ------------------------------------------------------------------------------------ */

/* The next entry but . and .. */
static const struct dirent *next_entry(DIR *stream)
{
    const struct dirent *entry;
    do {
        entry = readdir(stream); // cppcheck-suppress readdirCalled ; the stream is ours alone
    } while (entry != NULL &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry;
}

struct shadow_listing *shadow_listing_take(const struct shadow_file *directory)
{
    struct shadow_listing *listing = allocate(1, sizeof *listing);
    DIR *stream = opendir(directory->path);
    if (stream == NULL) {
        shadow_die(directory->path);
    }
    const struct dirent *entry;
    while ((entry = next_entry(stream)) != NULL) {
        struct statx status;
        if (!stat_at(dirfd(stream), entry->d_name, &status)) {
            continue; /* it has just gone */
        }
        listing->items = realloc(listing->items, (listing->count + 1) * sizeof *listing->items);
        if (listing->items == NULL) {
            shadow_die("no memory");
        }
        struct listed *listed = &listing->items[listing->count++];
        memset(listed, 0, sizeof *listed);
        memcpy(listed->name, entry->d_name, strlen(entry->d_name));
        key_of(&status, listed->key);
        listed->is_directory = S_ISDIR(status.stx_mode);
    }
    closedir(stream);
    return listing;
}

static void make_store_directory(const char *key)
{
    char path[PATH_MAX];
    store_path(path, key, "");
    if (mkdir(path, 0755) != 0 && errno != EEXIST) {
        shadow_die(path);
    }
}

static void empty_store_directory(const char *key)
{
    char path[PATH_MAX];
    store_path(path, key, "");
    DIR *stream = opendir(path);
    if (stream == NULL) {
        shadow_die(path);
    }
    const struct dirent *entry;
    while ((entry = next_entry(stream)) != NULL) {
        if (unlinkat(dirfd(stream), entry->d_name, 0) != 0) {
            shadow_die(entry->d_name);
        }
    }
    closedir(stream);
}

static void link_entry(const struct shadow_file *directory, const struct listed *listed)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    store_path(to, directory->key, listed->name);
    if (listed->is_directory) {
        make_store_directory(listed->key);
        snprintf(from, sizeof from, "../%s", listed->key);
        if (symlink(from, to) != 0) {
            shadow_die(to);
        }
    } else {
        close(open_content(listed->key));
        store_path(from, listed->key, "");
        if (link(from, to) != 0) {
            shadow_die(to);
        }
    }
}

static void link_root(const struct shadow_file *directory)
{
    char target[PATH_MAX];
    char store[PATH_MAX];
    store_path(store, directory->key, "");
    const char *base = strrchr(shadow_path, '/');
    size_t skip = base == NULL ? 0 : (size_t)(base - shadow_path) + 1;
    snprintf(target, sizeof target, "%s", store + skip);
    if (symlink(target, shadow_path) != 0 && errno != EEXIST) {
        shadow_die(shadow_path);
    }
}

void shadow_listing_end(struct shadow_file *directory, struct shadow_listing *listing,
                        bool succeeded)
{
    if (succeeded) {
        make_store_directory(directory->key);
        empty_store_directory(directory->key);
        for (size_t i = 0; i < listing->count; i++) {
            link_entry(directory, &listing->items[i]);
        }
        if (directory->is_root) {
            link_root(directory);
        }
    }
    free(listing->items);
    free(listing);
}
