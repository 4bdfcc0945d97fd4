#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void mr_assert_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "millrace: broken invariant: %s (%s:%d)\n", expression, file, line);
    abort();
}
