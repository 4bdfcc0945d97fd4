/*
 * Numbers by name, as in `gen:orders=1000,seed=7`: tables of keys, and what parses and writes them.
 */
#ifndef MR_TOOLS_KEYS_H
#define MR_TOOLS_KEYS_H

#include <millrace/error.h>

#include <stddef.h>
#include <stdint.h>

enum { KEYS_MAX = 64 };

/* A uint64_t of a struct. A default below its least means that it must be given. */
struct key {
    const char *name;
    size_t offset;
    uint64_t value; /* the default */
    uint64_t least, greatest;
};

/* From a list of K(name, default, least, greatest): the members of a struct. */
#define KEYS_MEMBER(name, value, least, greatest) uint64_t name;

struct keys {
    const struct key *list;
    size_t count;
};

/* Reads `text` into `values`, the struct, whose other members get their defaults. MR_E_INVALID:
 * unknown or repeated key, or a bad value; the message begins with `what`. Whether all that must be
 * given is, is the caller's to check. */
int keys_parse(const struct keys *keys, const char *what, const char *text, void *values,
               struct mr_error *error);

/* Writes all keys, in their order; returns the length, which is below `size` (asserted). */
size_t keys_format(const struct keys *keys, const void *values, char *text, size_t size);

/* Their names, with a blank in front of each; as above. */
size_t keys_names(const struct keys *keys, char *text, size_t size);

#endif
