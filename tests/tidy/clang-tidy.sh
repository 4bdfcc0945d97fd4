#!/bin/bash
# clang-tidy.sh [ROOT]: what clang-tidy finds, by ROOT's .clang-tidy, in all that the `tidy` preset
# compiles. Exits with 77 where clang-tidy is missing or another one.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}"

. "$here/pinned.sh"
pinned clang-tidy 14
scripts/configure.sh tidy -DMILLRACE_TESTS=ON
cmake build-tidy >/dev/null # which looks for files that are new
sources=$(sed -n 's/.*"file": "\(.*\)".*/\1/p' build-tidy/compile_commands.json |
    grep -v '/build-tidy/' | sort -u)
echo "$sources" | xargs -n 1 -P "$(nproc)" clang-tidy -p build-tidy --quiet 2>&1 |
    sed -E -e "s|^$PWD/||" -e "/^[0-9]+ warnings? (generated|treated)/d"
