#include "tools/command.h"

enum exit_code exit_code_of(int status)
{
    switch ((enum mr_status)status) {
    case MR_OK:
    case MR_AGAIN:
        return EXIT_OK;
    case MR_E_DIVERGED:
        return EXIT_FINDING;
    case MR_E_INVALID:
    case MR_E_NOT_FOUND:
    case MR_E_EXISTS:
    case MR_E_MISMATCH:
        return EXIT_USAGE;
    case MR_E_CORRUPT:
    case MR_E_VERSION:
        return EXIT_CORRUPTION;
    case MR_E_IO:
    case MR_E_NO_SPACE:
    case MR_E_READ_ONLY:
    case MR_E_BUSY:
    case MR_E_LIMIT:
    case MR_E_NO_MEMORY:
    case MR_E_FENCED:
    case MR_E_UNSUPPORTED:
    case MR_E_HALTED:
        return EXIT_RESOURCES;
    }
    return EXIT_RESOURCES;
}
