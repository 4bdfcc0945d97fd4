#include "tools/logics.h"

#include "base/assert.h"

const struct mr_logic *const logics_known[] = {&mr_logic_book, NULL};
enum { LOGICS = sizeof logics_known / sizeof logics_known[0] - 1 };

const struct mr_logic *logic_chosen(uint32_t choice)
{
    ASSERT(choice < LOGICS);
    return logics_known[choice];
}
