#include "tests/support/sim_names.h"

#include "base/assert.h"

#include <stdlib.h>
#include <string.h>

void sim_name_set(char to[MR_STORAGE_NAME_MAX], const char *name)
{
    ASSERT(strlen(name) < MR_STORAGE_NAME_MAX);
    memcpy(to, name, strlen(name) + 1);
}

void sim_name_parent(const char *name, char parent[MR_STORAGE_NAME_MAX])
{
    sim_name_set(parent, name);
    char *slash = strrchr(parent, '/');
    *(slash == NULL ? parent : slash) = '\0';
}

const char *sim_name_within(const char *name, const char *directory)
{
    char parent[MR_STORAGE_NAME_MAX];
    sim_name_parent(name, parent);
    if (name[0] == '\0' || strcmp(parent, directory) != 0) {
        return NULL;
    }
    return parent[0] == '\0' ? name : name + strlen(parent) + 1;
}

const char *sim_change_name(const struct sim_change *change)
{
    return change->to[0] != '\0' ? change->to : change->from;
}

static struct sim_name *find(const struct sim_names *names, const char *name)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i].name, name) == 0) {
            return &names->items[i];
        }
    }
    return NULL;
}

struct sim_node *sim_names_find(const struct sim_names *names, const char *name)
{
    const struct sim_name *found = find(names, name);
    return found == NULL ? NULL : found->node;
}

bool sim_names_hold(const struct sim_names *names, const struct sim_node *node)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (names->items[i].node == node) {
            return true;
        }
    }
    return false;
}

bool sim_names_parent_exists(const struct sim_names *names, const char *name)
{
    char parent[MR_STORAGE_NAME_MAX];
    sim_name_parent(name, parent);
    const struct sim_node *found = sim_names_find(names, parent);
    return found != NULL && found->is_directory;
}

void sim_names_put(struct sim_names *names, const char *name, struct sim_node *node)
{
    struct sim_name *found = find(names, name);
    if (found != NULL) {
        found->node = node;
        return;
    }
    if (names->count == names->room) {
        names->room = names->room == 0 ? 16 : names->room * 2;
        names->items = realloc(names->items, names->room * sizeof *names->items);
        ASSERT(names->items != NULL);
    }
    struct sim_name *added = &names->items[names->count++];
    sim_name_set(added->name, name);
    added->node = node;
}

void sim_names_apply(struct sim_names *names, const struct sim_change *change)
{
    struct sim_name *from = change->from[0] == '\0' ? NULL : find(names, change->from);
    if (from != NULL) {
        *from = names->items[--names->count];
    }
    if (change->to[0] != '\0') {
        sim_names_put(names, change->to, change->node);
    }
}

void sim_names_copy(struct sim_names *to, const struct sim_names *from)
{
    to->count = 0;
    for (uint32_t i = 0; i < from->count; i++) {
        sim_names_put(to, from->items[i].name, from->items[i].node);
    }
}

void sim_names_drop_orphans(struct sim_names *names)
{
    bool again = true;
    while (again) {
        again = false;
        for (uint32_t i = names->count; i-- > 0;) {
            const char *name = names->items[i].name;
            if (name[0] != '\0' && !sim_names_parent_exists(names, name)) {
                names->items[i] = names->items[--names->count];
                again = true;
            }
        }
    }
}

void sim_names_free(struct sim_names *names)
{
    free(names->items);
    *names = (struct sim_names){0};
}
