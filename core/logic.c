/*
 * Whether a logic is well formed: its catalog, what it says about itself, and that the versions
 * before it can be told from it.
 */
#include "base/limits.h"
#include "core/image.h"
#include "core/memory.h"

/* What a catalog asks of its logic. */
static const char *callbacks_flaw(const struct mr_logic *logic)
{
    const struct mr_catalog *catalog = logic->catalog;
    for (uint32_t i = 0; i < catalog->command_count; i++) {
        if (catalog->commands[i].expected_at != 0 && logic->stream == NULL) {
            return "the logic has commands on a condition, but no stream";
        }
    }
    if (catalog->query_count > 0 && logic->query == NULL) {
        return "the logic's catalog has queries, but the logic answers none";
    }
    if (logic->config != NULL && logic->config->size > 0 && logic->config_default == NULL) {
        return "the logic has a configuration, but no config_default";
    }
    return NULL;
}

static const char *version_flaw(const struct mr_logic *logic)
{
    if (logic->catalog == NULL) {
        return "the logic has no catalog";
    }
    const char *flaw = mr_catalog_flaw(logic->catalog);
    if (flaw == NULL && logic->config != NULL) {
        flaw = mr_message_flaw(logic->config, false);
    }
    if (flaw != NULL) {
        return flaw;
    }
    if (mr_length(logic->name) >= sizeof(((struct mr_genesis *)NULL)->logic)) {
        return "the logic's name is longer than 31 characters";
    }
    if (logic->event_size_max > MR_EVENT_SIZE_MAX) {
        return "the logic's event_size_max is above 4096";
    }
    if (logic->command_size_max > MR_COMMAND_SIZE_MAX) {
        return "the logic's command_size_max is above 65536";
    }
    return callbacks_flaw(logic);
}

/* -- Versions. --------------------------------------------------------------------------------- */

/* Whether both describe the same bytes. */
static bool same_layout(const struct mr_message *a, const struct mr_message *b)
{
    if (a->size != b->size || a->field_count != b->field_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->field_count; i++) {
        const struct mr_field *one = &a->fields[i];
        const struct mr_field *other = &b->fields[i];
        if (one->offset != other->offset || one->size != other->size || one->kind != other->kind) {
            return false;
        }
    }
    return true;
}

/* The old messages are still there, under the same types; a changed layout has a newer version. */
static bool is_continued(const struct mr_message *old, uint32_t old_count,
                         const struct mr_message *messages, uint32_t count)
{
    if (old_count > count) {
        return false;
    }
    for (uint32_t i = 0; i < old_count; i++) {
        if (messages[i].version < old[i].version ||
            (messages[i].version == old[i].version && !same_layout(&messages[i], &old[i]))) {
            return false;
        }
    }
    return true;
}

static const char *succession_flaw(const struct mr_logic *logic)
{
    const struct mr_logic *previous = logic->previous;
    const struct mr_catalog *old = previous->catalog;
    const struct mr_catalog *catalog = logic->catalog;
    if (!mr_same_text(previous->name, mr_length(previous->name), logic->name)) {
        return "the logic's previous version has another name";
    }
    if (previous->version >= logic->version) {
        return "the logic's previous version is not below its own";
    }
    if (!is_continued(old->commands, old->command_count, catalog->commands,
                      catalog->command_count) ||
        !is_continued(old->events, old->event_count, catalog->events, catalog->event_count) ||
        !is_continued(old->queries, old->query_count, catalog->queries, catalog->query_count) ||
        !is_continued(old->rows, old->row_count, catalog->rows, catalog->row_count)) {
        return "the logic's previous version has a message that this one lacks, or that has "
               "changed "
               "without a new version of its layout";
    }
    return NULL;
}

const char *mr_logic_flaw(const struct mr_logic *logic)
{
    const char *flaw = version_flaw(logic);
    for (; flaw == NULL && logic->previous != NULL; logic = logic->previous) {
        flaw = version_flaw(logic->previous);
        if (flaw == NULL) {
            flaw = succession_flaw(logic);
        }
    }
    return flaw;
}
