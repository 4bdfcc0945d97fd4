#!/bin/sh
# format.sh [-i] [ROOT]: all C and C++ is as .clang-format wants it; with -i, it is made so. Exits
# with 77 for another clang-format than the one whose taste the sources follow.
here=$(cd "$(dirname "$0")" && pwd)
action="--dry-run -Werror"
if [ "$1" = -i ]; then
    action=-i
    shift
fi
cd "${1:-$here/../..}" || exit 2

wanted=14
if ! clang-format --version 2>/dev/null | grep -q "version $wanted\."; then
    echo "SKIPPED: the sources follow clang-format $wanted; here is" \
        "$(clang-format --version 2>/dev/null || echo none)"
    exit 77
fi
# shellcheck disable=SC2046,SC2086 # lists of words
clang-format $action $("$here/files.sh" . '\.[ch]$' '\.cc$')
