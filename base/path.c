#include "base/path.h"

#include "base/assert.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the name `path` itself durable, not what is in it. */
static int sync_parent(const char *path)
{
    char parent[PATH_MAX];
    memcpy(parent, path, strlen(path) + 1);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent ? 1 : 0] = '\0'; /* the root keeps its slash */
    }
    int descriptor = open(slash == NULL ? "." : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return errno;
    }
    int system_error = fsync(descriptor) != 0 ? errno : 0;
    close(descriptor);
    return system_error;
}

static int make_one(const char *path)
{
    if (mkdir(path, 0755) == 0) {
        return sync_parent(path);
    }
    return errno == EEXIST ? 0 : errno;
}

static bool ends_a_name(const char *path, size_t at)
{
    return (path[at] == '/' || path[at] == '\0') && path[at - 1] != '/';
}

int mr_path_make(const char *path)
{
    char prefix[PATH_MAX];
    size_t length = strlen(path);
    ASSERT(length > 0);
    ASSERT(length < PATH_MAX);
    int system_error = 0;
    for (size_t i = 1; i <= length && system_error == 0; i++) {
        if (ends_a_name(path, i)) {
            memcpy(prefix, path, i);
            prefix[i] = '\0';
            system_error = make_one(prefix);
        }
    }
    if (system_error == 0) {
        /* It may have been made a moment ago, without a sync. A best effort: we need not be allowed
         * to open the parent of what somebody else made for us. */
        (void)sync_parent(path);
    }
    return system_error;
}
