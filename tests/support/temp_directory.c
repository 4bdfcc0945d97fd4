#include "tests/support/temp_directory.h"

#include "base/assert.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

void mr_temp_directory_make(char path[PATH_MAX])
{
    const char *parent = getenv("TMPDIR");
    parent = parent == NULL || parent[0] == '\0' ? "." : parent;
    int length = snprintf(path, PATH_MAX, "%s/millrace-test-XXXXXX", parent);
    ASSERT(length < PATH_MAX);
    ASSERT(mkdtemp(path) != NULL);
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
    (void)status;
    (void)type;
    (void)ftw;
    return remove(path);
}

void mr_temp_directory_remove(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
