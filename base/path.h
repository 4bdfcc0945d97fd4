/*
 * Making directories that are still there after a power loss.
 */
#ifndef MR_BASE_PATH_H
#define MR_BASE_PATH_H

/* Makes the directory `path` (not empty, shorter than PATH_MAX) with its parents, and syncs every
 * name that it makes, and the last one where it can. What exists already is fine. Returns 0 or an
 * errno value. Any thread. */
int mr_path_make(const char *path);

#endif
