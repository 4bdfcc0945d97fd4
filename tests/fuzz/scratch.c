#include "tests/fuzz/scratch.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int file = -1;
static char path[64];

const char *scratch_path(void)
{
    if (file < 0) {
        file = memfd_create("scratch", MFD_CLOEXEC);
        HOLDS(file >= 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    return path;
}

void scratch_fill(const void *bytes, size_t size)
{
    (void)scratch_path();
    HOLDS(ftruncate(file, 0) == 0);
    HOLDS(pwrite(file, bytes, size, 0) == (ssize_t)size);
}

size_t scratch_size(void)
{
    struct stat status;
    HOLDS(fstat(file, &status) == 0);
    return (size_t)status.st_size;
}

bool scratch_holds(const void *bytes, size_t size)
{
    if (scratch_size() != size) {
        return false;
    }
    unsigned char *held = malloc(size + 1);
    HOLDS(held != NULL);
    bool same = pread(file, held, size, 0) == (ssize_t)size && memcmp(held, bytes, size) == 0;
    free(held);
    return same;
}
