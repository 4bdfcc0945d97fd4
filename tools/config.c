#include "tools/config.h"

#include <millrace/text.h>

#include <stdlib.h>
#include <string.h>

/* Sets one NAME=VALUE; *place is the field's. */
static int set_one(const struct mr_logic *logic, const char *pair, size_t length, void *config,
                   int *place, struct mr_error *error)
{
    struct mr_text_error flaw;
    *place = mr_text_field_read(logic->catalog, logic->config, config, pair, length, &flaw);
    return *place >= 0 ? MR_OK
                       : mr_error_set(error, MR_E_INVALID,
                                      "--config: %s; 'millrace catalog "
                                      "--logic %s' has the names",
                                      flaw.text, logic->name);
}

static int set_all(const struct mr_logic *logic, const char *text, void *config,
                   struct mr_error *error)
{
    int status = MR_OK;
    while (status == MR_OK && *text != 0) {
        int place;
        size_t length = strcspn(text, ",");
        status = set_one(logic, text, length, config, &place, error);
        text += length + (text[length] == ',');
    }
    return status;
}

/* Zeroed memory for a configuration, NULL: there is none, or the logic has none. */
static void *take_room(const struct mr_logic *logic, struct mr_error *error)
{
    void *config = NULL;
    if (logic->config == NULL)
        (void)mr_error_set(error, MR_E_INVALID,
                           "the logic '%s' has no configuration: leave --config away", logic->name);
    else if ((config = calloc(1, logic->config->size)) == NULL)
        (void)mr_error_set(error, MR_E_NO_MEMORY, "no memory for a configuration");
    return config;
}

int config_choose(const struct mr_logic *logic, const void *base, const char *text, void **config,
                  struct mr_error *error)
{
    *config = NULL;
    if (text == NULL)
        return MR_OK;
    void *room = take_room(logic, error);
    if (room == NULL)
        return error->code;
    if (base != NULL)
        memcpy(room, base, logic->config->size);
    else
        logic->config_default(room);
    int status = set_all(logic, text, room, error);
    if (status == MR_OK && logic->state_size(room) == 0)
        status = mr_error_set(error, MR_E_INVALID,
                              "--config: the logic '%s' cannot be configured like that: a limit is "
                              "0, or too large",
                              logic->name);
    if (status == MR_OK)
        *config = room;
    else
        free(room);
    return status;
}

int config_check(const struct mr_logic *newest, const struct mr_image *image, const char *text,
                 struct mr_error *error)
{
    const struct mr_logic *logic =
        mr_logic_version(newest, mr_image_status_get(image).logic_version);
    const void *has = mr_image_config(image);
    if (text == NULL || logic == NULL)
        return MR_OK;
    void *config = take_room(logic, error);
    if (config == NULL)
        return error->code;
    int status = MR_OK;
    while (status == MR_OK && *text != 0) {
        int place;
        size_t length = strcspn(text, ",");
        memcpy(config, has, logic->config->size);
        status = set_one(logic, text, length, config, &place, error);
        if (status == MR_OK && memcmp(config, has, logic->config->size) != 0)
            status = mr_error_set(error, MR_E_MISMATCH,
                                  "the journal was begun with another %s than --config asks for: "
                                  "leave it away, or name another directory",
                                  logic->config->fields[place].name);
        text += length + (text[length] == ',');
    }
    free(config);
    return status;
}
