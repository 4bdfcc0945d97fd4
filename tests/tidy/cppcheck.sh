#!/bin/sh
# cppcheck.sh [ROOT]: what cppcheck finds in the C files. Exits with 77 where it is missing or
# another one.
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2

. "$here/pinned.sh"
pinned cppcheck 2.10
# readdirCalled: its advice, readdir_r, is what the C library has deprecated.
# shellcheck disable=SC2046 # a list of words
cppcheck --quiet --error-exitcode=1 -j "$(nproc)" --std=c11 --language=c --library=posix,gnu \
    --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
    --suppress=readdirCalled -I. -Iinclude -D_GNU_SOURCE -DMR_VERIFY $("$here/files.sh" . '\.c$')
