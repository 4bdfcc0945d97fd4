#!/bin/sh
# format.sh [-i] [ROOT]: all C and C++ is as .clang-format wants it; with -i, it is made so. Exits
# with 77 where clang-format is missing or another one.
here=$(cd "$(dirname "$0")" && pwd)
action="--dry-run -Werror"
if [ "$1" = -i ]; then
    action=-i
    shift
fi
cd "${1:-$here/../..}" || exit 2

. "$here/pinned.sh"
pinned clang-format 14
# shellcheck disable=SC2046,SC2086 # lists of words
clang-format $action $("$here/files.sh" . '\.[ch]$' '\.cc$')
