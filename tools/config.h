/*
 * A logic's configuration on the command line: --config accounts_max=1000,id_scheme=free. The names
 * are those of the catalog, as behind `config.` in a dump's genesis. It is a new journal's; of one
 * that is there, it must be what the journal has.
 */
#ifndef MR_TOOLS_CONFIG_H
#define MR_TOOLS_CONFIG_H

#include <millrace/error.h>
#include <millrace/image.h>
#include <millrace/logic.h>

/* The row of the option. */
#define OPTION_CONFIG(O, tag)                    \
    O(tag, text, config, "NAME=VALUE,...", NULL, \
      "of a new journal: limits and other settings of the logic; 'millrace catalog' lists them")

/* `error` is not NULL in either.
 *
 * A copy of `base` (NULL: the logic's defaults) with what `text` sets; NULL when `text` is NULL.
 * *config is the caller's to free. MR_E_INVALID, MR_E_NO_MEMORY. */
int config_choose(const struct mr_logic *logic, const void *base, const char *text, void **config,
                  struct mr_error *error);

/* MR_OK when the image's configuration is as `text` says (NULL: says nothing), whatever it says
 * not. MR_E_MISMATCH, MR_E_INVALID, MR_E_NO_MEMORY. */
int config_check(const struct mr_logic *newest, const struct mr_image *image, const char *text,
                 struct mr_error *error);

#endif
