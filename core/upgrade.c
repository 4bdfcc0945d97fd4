/*
 * From one version of a logic to a newer one: an image is made anew, with the configuration and the
 * state that the newer version makes of the older ones, step by step through all versions between.
 * Sessions, answers, timers and counts stay what they are.
 *
 * The configurations of all versions on the way are worked out first, because the size of each
 * version's state follows from its configuration. They are small, and lie on the stack; states are
 * large, and lie in memory that the caller gives.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "core/image.h"
#include "core/memory.h"

enum { CONFIG_MAX = MR_FIELDS_MAX * 32 }; /* bytes: as many of the largest fields as there can be */

struct config {
    uint64_t words[CONFIG_MAX / 8];
};

/* The way from the image's version to a newer one. */
struct way {
    const struct mr_logic *to;
    const struct mr_logic *logic; /* how far it has been gone */
    const void *config;           /* of that version, NULL: it has none */
    uint64_t state_size;          /* of that version */
    struct config configs[2];     /* the last one, and the one before */
    uint32_t next_config;
    uint32_t migrations;     /* steps that made another state */
    uint64_t state_size_max; /* of the states on the way, but for the first and the last */
};

static uint32_t config_size(const struct mr_logic *logic)
{
    return logic->config == NULL ? 0 : logic->config->size;
}

/* The version that comes after `logic` on the way to `to`. */
static const struct mr_logic *version_after(const struct mr_logic *to, const struct mr_logic *logic)
{
    while (to->previous != logic) {
        to = to->previous;
    }
    return to;
}

/* At the image's version. */
static const char *set_out(struct way *way, const struct mr_image *image, const struct mr_logic *to)
{
    char name[sizeof image->logic] = {0};
    const char *flaw = mr_logic_flaw(to);
    if (flaw != NULL) {
        return flaw;
    }
    mr_copy(name, to->name, mr_length(to->name));
    if (!mr_equal(name, image->logic, sizeof name)) {
        return "the image belongs to another logic";
    }
    way->to = to;
    way->logic = mr_logic_version(to, image->logic_version);
    if (way->logic == NULL || way->logic->layout_version != image->logic_layout_version) {
        return "the version that the image has is not known: the logic's `previous` does not lead "
               "to it";
    }
    way->config = mr_config(image);
    way->state_size = image->parts.end - image->parts.state;
    way->next_config = 0;
    way->migrations = 0;
    way->state_size_max = 0;
    return NULL;
}

/* At the image's version, if the other one is due. */
static const char *begin(struct way *way, const struct mr_image *image, const struct mr_logic *to)
{
    const char *flaw = set_out(way, image, to);
    if (flaw != NULL) {
        return flaw;
    }
    if (image->upgrade_version != to->version) {
        return "another version of the logic is due";
    }
    return image->upgrade_layout == to->layout_version
               ? NULL
               : "the version that is due has another layout than was asked for";
}

/* Makes the next version's configuration. */
static const char *step_config(struct way *way, const struct mr_logic *next)
{
    uint32_t size = config_size(next);
    if (next->migrate_config == NULL) {
        return size == config_size(way->logic)
                   ? NULL
                   : "the configuration has another size in the next version, but there is no "
                     "migrate_config";
    }
    ASSERT(size <= CONFIG_MAX); /* mr_logic_flaw has looked at its fields */
    void *config = way->configs[way->next_config].words;
    way->next_config = 1 - way->next_config;
    mr_zero(config, size);
    next->migrate_config(size == 0 ? NULL : config, way->config);
    way->config = size == 0 ? NULL : config;
    return NULL;
}

/* Goes on by one version, as far as configurations and sizes go. */
static const char *step(struct way *way, const struct mr_logic *next)
{
    const char *flaw = step_config(way, next);
    if (flaw != NULL) {
        return flaw;
    }
    uint64_t state_size = next->state_size(way->config);
    if (state_size == 0) {
        return "the next version does not accept its configuration";
    }
    if (next->migrate == NULL && state_size != way->state_size) {
        return "the state has another size in the next version, but there is no migrate";
    }
    if (next->migrate != NULL) {
        way->migrations++;
        if (next != way->to && state_size > way->state_size_max) {
            way->state_size_max = state_size;
        }
    }
    way->state_size = state_size;
    way->logic = next;
    return NULL;
}

/* Goes all the way from where it begins, and works out the image at its end. NULL, or why it cannot
 * be gone. */
static const char *go(struct way *way, const struct mr_image *image, const struct mr_logic *to,
                      struct mr_image_sizes *sizes)
{
    const char *flaw = NULL;
    while (flaw == NULL && way->logic != to) {
        flaw = step(way, version_after(to, way->logic));
    }
    return flaw != NULL ? flaw : mr_genesis_measure(to, way->config, &image->limits, sizes);
}

static const char *plan(struct way *way, const struct mr_image *image, const struct mr_logic *to,
                        struct mr_image_sizes *sizes)
{
    const char *flaw = begin(way, image, to);
    return flaw != NULL ? flaw : go(way, image, to, sizes);
}

const char *mr_upgrade_flaw(const struct mr_image *image, const struct mr_logic *to)
{
    struct way way;
    struct mr_image_sizes sizes;
    const char *flaw = set_out(&way, image, to);
    return flaw != NULL ? flaw : go(&way, image, to, &sizes);
}

bool mr_image_upgrade_due(const struct mr_image *image, uint32_t *version)
{
    *version = image->upgrade_version;
    return image->upgrade_version != 0;
}

uint64_t mr_image_migrated_size(const struct mr_image *image, const struct mr_logic *to,
                                const char **reason)
{
    struct way way;
    struct mr_image_sizes sizes;
    const char *flaw = plan(&way, image, to, &sizes);
    if (flaw != NULL) {
        if (reason != NULL) {
            *reason = flaw;
        }
        return 0;
    }
    return mr_align_up(sizes.parts.end, MR_IMAGE_ALIGNMENT);
}

uint32_t mr_image_migrated_outbox_size(const struct mr_image *image, const struct mr_logic *to)
{
    struct way way;
    struct mr_image_sizes sizes;
    return plan(&way, image, to, &sizes) == NULL ? sizes.outbox_size : 0;
}

/* States between the first and the last take turns in two places, or one if there is but one. */
uint64_t mr_image_migrated_scratch(const struct mr_image *image, const struct mr_logic *to)
{
    struct way way;
    struct mr_image_sizes sizes;
    if (plan(&way, image, to, &sizes) != NULL || way.migrations < 2) {
        return 0;
    }
    uint64_t places = way.migrations == 2 ? 1 : 2;
    return places * mr_align_up(way.state_size_max, MR_IMAGE_ALIGNMENT);
}

/* -- Making the image. ------------------------------------------------------------------------- */

/* The header with what the new version makes of it, and its configuration. */
static struct mr_image *make_header(const struct mr_image *image, const struct mr_logic *to,
                                    const void *config, const struct mr_image_sizes *sizes,
                                    void *memory)
{
    struct mr_image *made = (struct mr_image *)memory;
    *made = *image;
    made->outbox_size = sizes->outbox_size;
    made->upgrade_version = 0;
    made->upgrade_layout = 0;
    made->config_size = config_size(to);
    made->logic_version = to->version;
    made->logic_layout_version = to->layout_version;
    made->parts = sizes->parts;
    if (config != NULL) {
        mr_copy(mr_image_at(made, made->parts.config), config, made->config_size);
    }
    return made;
}

/* Sessions, answers and timers: what lies between configuration and state, moved as a whole. */
static void copy_common(const struct mr_image *image, struct mr_image *made)
{
    struct mr_span at[8];
    struct mr_spans spans = {.at = at, .limit = 8};
    mr_image_common_used(image, &spans);
    uint64_t moved = made->parts.sessions - image->parts.sessions;
    ASSERT(made->parts.timer_heap - image->parts.timer_heap == moved);
    for (uint32_t i = 0; i < spans.count; i++) {
        mr_copy(mr_image_at(made, at[i].offset + moved), mr_image_at(image, at[i].offset),
                (size_t)at[i].size);
    }
}

/* Takes the state all the way to the new image. The last step that makes another state makes it in
 * place; those before it make theirs in `scratch`. */
static void migrate_state(const struct mr_image *image, const struct mr_logic *to,
                          struct mr_image *made, const struct way *whole, unsigned char *scratch)
{
    struct way way;
    const char *flaw = begin(&way, image, to);
    const void *state = mr_image_state(image);
    uint64_t place_size = mr_align_up(whole->state_size_max, MR_IMAGE_ALIGNMENT);
    while (flaw == NULL && way.logic != to) {
        const struct mr_logic *next = version_after(to, way.logic);
        const void *old_config = way.config;
        flaw = step(&way, next);
        if (next->migrate == NULL) {
            continue;
        }
        bool last = way.migrations == whole->migrations;
        unsigned char *place = last ? (unsigned char *)mr_image_at(made, made->parts.state)
                                    : scratch + place_size * ((way.migrations - 1) % 2);
        if (!last && way.migrations > 2) { /* it held the state before the last */
            mr_zero(place, (size_t)way.state_size);
        }
        next->migrate(place, way.config, state, old_config);
        state = place;
    }
    ASSERT(flaw == NULL);
    if (whole->migrations == 0) {
        mr_copy(mr_image_at(made, made->parts.state), state, (size_t)whole->state_size);
    }
}

struct mr_image *mr_image_migrate(const struct mr_image *image, const struct mr_logic *to,
                                  void *memory, void *scratch)
{
    struct way way;
    struct mr_image_sizes sizes;
    const char *flaw = plan(&way, image, to, &sizes);
    ASSERT(flaw == NULL);
    ASSERT(image->turn == 0);
    ASSERT((uintptr_t)memory % MR_IMAGE_ALIGNMENT == 0);
    ASSERT(way.migrations < 2 || scratch != NULL);
    VERIFY(mr_is_zero(memory, sizes.parts.end));
    struct mr_image *made = make_header(image, to, way.config, &sizes, memory);
    copy_common(image, made);
    migrate_state(image, to, made, &way, (unsigned char *)scratch);
    return made;
}
