#include "tools/logics.h"

#include <millrace/ledger.h>

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const struct mr_logic *logics_known[LOGICS_MAX + 1] = {&mr_logic_book, &mr_logic_ledger};

static const struct mr_logic *find(const char *name)
{
    const struct mr_logic *const *logic = logics_known;
    while (*logic != NULL && strcmp((*logic)->name, name) != 0) {
        logic++;
    }
    return *logic;
}

static int add(const char *path, const struct mr_logic *logic, struct mr_error *error)
{
    const char *reason =
        logic->catalog == NULL ? "it has no catalog" : mr_catalog_flaw(logic->catalog);
    if (reason != NULL) {
        return mr_error_set(error, MR_E_INVALID, "%s: logic '%s' cannot be used: %s", path,
                            logic->name, reason);
    }
    uint32_t count = 0;
    while (logics_known[count] != NULL) {
        count++;
    }
    if (count == LOGICS_MAX) {
        return mr_error_set(error, MR_E_INVALID, "%s: more than %d logics", path, LOGICS_MAX);
    }
    logics_known[count] = logic;
    return MR_OK;
}

/* The logic that a shared object has to give; where it gives none, it is not kept. */
static int take(void *object, const char *file, const struct mr_logic **logic,
                struct mr_error *error)
{
    mr_logic_plugin_function *give;
    /* The way that POSIX shows from an object pointer to a function. */
    *(void **)(void *)&give = dlsym(object, MR_LOGIC_PLUGIN_NAME);
    if (give == NULL) {
        return mr_error_set(
            error, MR_E_INVALID,
            "%s: it has no logic to give: it needs a line MR_LOGIC_PLUGIN(...), see "
            "<millrace/logic.h>",
            file);
    }
    *logic = give(MR_LOGIC_ABI);
    if (*logic == NULL) {
        return mr_error_set(error, MR_E_INVALID,
                            "%s: it was compiled for another version of Millrace: compile it anew",
                            file);
    }
    const struct mr_logic *known = find((*logic)->name);
    if (known == NULL) {
        return add(file, *logic, error);
    }
    return known == *logic
               ? MR_OK
               : mr_error_set(error, MR_E_INVALID, "%s: another logic is called '%s' already", file,
                              known->name);
}

int logics_load(const char *path, const struct mr_logic **logic, struct mr_error *error)
{
    char file[PATH_MAX];
    /* Without a slash the loader would look among the system's libraries. */
    int length = snprintf(file, sizeof file, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    if (length < 0 || (size_t)length >= sizeof file) {
        return mr_error_set(error, MR_E_INVALID, "%s: the path is too long", path);
    }
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        return mr_error_set(error, MR_E_INVALID, "cannot load a logic: %s", dlerror());
    }
    const struct mr_logic *found = NULL;
    int status = take(object, file, &found, error);
    if (status != MR_OK) {
        dlclose(object);
    } else if (logic != NULL) {
        *logic = found;
    }
    return status;
}

int logics_load_all(const char *paths, struct mr_error *error)
{
    char path[PATH_MAX];
    while (paths != NULL && *paths != 0) {
        size_t length = strcspn(paths, ":");
        if (length >= sizeof path) {
            return mr_error_set(error, MR_E_INVALID, "a path of a logic is too long");
        }
        memcpy(path, paths, length);
        path[length] = 0;
        int status = length == 0 ? MR_OK : logics_load(path, NULL, error);
        if (status != MR_OK) {
            return status;
        }
        paths += length + (paths[length] == ':');
    }
    return MR_OK;
}

static bool is_file(const char *name)
{
    size_t length = strlen(name);
    return strchr(name, '/') != NULL || (length > 3 && strcmp(name + length - 3, ".so") == 0);
}

int logic_chosen(const char *name, const struct mr_logic **logic, struct mr_error *error)
{
    if (is_file(name)) {
        return logics_load(name, logic, error);
    }
    *logic = find(name);
    if (*logic != NULL) {
        return MR_OK;
    }
    char known[256] = "";
    size_t at = 0;
    for (uint32_t i = 0; logics_known[i] != NULL && at < sizeof known; i++) {
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i == 0 ? "" : ", ",
                               logics_known[i]->name);
    }
    return mr_error_set(
        error, MR_E_INVALID,
        "no logic is called '%s': there is %s; one of your own is named as a shared "
        "object, ./mine.so",
        name, known);
}
