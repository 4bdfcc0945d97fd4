/*
 * The names of a simulated disk: a table from paths to nodes. The root directory is "".
 */
#ifndef MR_TESTS_SUPPORT_SIM_NAMES_H
#define MR_TESTS_SUPPORT_SIM_NAMES_H

#include "tests/support/sim_node.h"

struct sim_name {
    char name[MR_STORAGE_NAME_MAX];
    struct sim_node *node;
};

struct sim_names {
    struct sim_name *items;
    uint32_t count, room;
};

/* A change of names: `node` disappears from `from` and appears as `to`; "" is nowhere. */
struct sim_change {
    uint64_t stamp;
    char from[MR_STORAGE_NAME_MAX];
    char to[MR_STORAGE_NAME_MAX];
    struct sim_node *node;
};

void sim_name_set(char to[MR_STORAGE_NAME_MAX], const char *name);
/* The directory that holds `name`. */
void sim_name_parent(const char *name, char parent[MR_STORAGE_NAME_MAX]);
/* The part of `name` behind its directory if it lies directly in `directory`, else NULL. */
const char *sim_name_within(const char *name, const char *directory);
/* A name that lies in the directory that the change alters. */
const char *sim_change_name(const struct sim_change *change);

/* NULL when there is none. */
struct sim_node *sim_names_find(const struct sim_names *names, const char *name);
bool sim_names_hold(const struct sim_names *names, const struct sim_node *node);
bool sim_names_parent_exists(const struct sim_names *names, const char *name);
void sim_names_put(struct sim_names *names, const char *name, struct sim_node *node);
void sim_names_apply(struct sim_names *names, const struct sim_change *change);
void sim_names_copy(struct sim_names *to, const struct sim_names *from);
/* Removes names whose directory is gone. */
void sim_names_drop_orphans(struct sim_names *names);
void sim_names_free(struct sim_names *names);

#endif
