/*
 * A fresh directory for a test, below $TMPDIR or, without one, below the current directory (which
 * is on a real disk, where /tmp may be none).
 */
#ifndef MR_TESTS_SUPPORT_TEMP_DIRECTORY_H
#define MR_TESTS_SUPPORT_TEMP_DIRECTORY_H

#include <limits.h>

/* Makes it, or ends the test. */
void mr_temp_directory_make(char path[PATH_MAX]);
/* Removes it with all that is in it. */
void mr_temp_directory_remove(const char *path);

#endif
