#include "tools/hash_seed.h"

#include "tools/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const struct mr_field *field_of(const struct mr_logic *logic)
{
    const struct mr_message *config = logic->config;
    for (uint32_t i = 0; config != NULL && i < config->field_count; i++) {
        const struct mr_field *field = &config->fields[i];
        if (strcmp(field->name, "hash_seed") == 0 && field->kind == MR_FIELD_u64)
            return field;
    }
    return NULL;
}

static int choose(const char *text, uint64_t *seed, struct mr_error *error)
{
    if (text != NULL) {
        return number_parse(text, seed) ? MR_OK
                                        : mr_error_set(error, MR_E_INVALID,
                                                       "--hash-seed wants a number below 2^64, "
                                                       "not '%s'",
                                                       text);
    }
    ssize_t got = getrandom(seed, sizeof *seed, 0);
    return got == sizeof *seed
               ? MR_OK
               : mr_error_set_errno(error, errno, "no random number from the system");
}

int hash_seed_choose(const struct mr_logic *logic, const char *text, void **config,
                     struct mr_error *error)
{
    const struct mr_field *field = field_of(logic);
    uint64_t seed;
    *config = NULL;
    if (field == NULL)
        return text == NULL
                   ? MR_OK
                   : mr_error_set(error, MR_E_INVALID,
                                  "the logic %s has no --hash-seed: leave it away", logic->name);
    int status = choose(text, &seed, error);
    if (status != MR_OK)
        return status;
    unsigned char *bytes = calloc(1, logic->config->size);
    if (bytes == NULL)
        return mr_error_set(error, MR_E_NO_MEMORY, "no memory for a configuration");
    logic->config_default(bytes);
    memcpy(bytes + field->offset, &seed, sizeof seed);
    *config = bytes;
    return MR_OK;
}
