#!/bin/bash
# build.sh PRESET TARGET [-DNAME=VALUE...]: configures a preset of CMakePresets.json as needed, and
# builds the target on all processors. All that is said goes to standard error.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

preset=$1 target=$2
shift 2

scripts/configure.sh "$preset" "$@"

# Nobody misses the lines that say that nothing had to be done.
cmake --build "$(folder_of "$preset")" --target "$target" --parallel "$(nproc)" 2>&1 |
    { grep --line-buffered -vE 'Built target|Consolidate compiler|no work to do|globbed dir' ||
        true; } >&2
