#!/bin/bash
# digest-matrix.sh: builds the tool with every compiler, optimisation level and sanitizer, gives
# each the same generated input, and compares the digests of state and events that they reach.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

input=gen:orders=20000,seed=1
data=build-matrix/data
first=
failed=0

# A build of the tool alone, by COMPILER with FLAGS.
build_plain() # NAME COMPILER FLAGS
{
    local folder=build-matrix/$1
    cmake -S . -B "$folder" -DCMAKE_C_COMPILER="$2" -DCMAKE_C_FLAGS_RELEASE="$3" \
        -DMILLRACE_WERROR=ON -DMILLRACE_TESTS=OFF &&
        cmake --build "$folder" --target millrace_tool --parallel "$(nproc)"
}

# The last line that the tool prints of a run into an empty directory.
last_line() # TOOL
{
    rm -rf "$data"
    # The thread sanitizer cannot place its shadow where addresses are randomised too widely.
    if setarch --addr-no-randomize true 2>/dev/null; then
        set -- setarch --addr-no-randomize "$1"
    fi
    "$@" run --input "$input" --data "$data" --json | tail -n 1
}

# The value of a text field in the JSON object on stdin.
field() # NAME
{
    sed -n "s/.*\"$1\": *\"\([0-9a-f]*\)\".*/\1/p"
}

# Builds with COMMAND, runs TOOL, and compares its digests with the first one's.
compare() # NAME TOOL COMMAND...
{
    local name=$1 tool=$2 log=build-matrix/$1.log line state events
    shift 2
    if ! "$@" >"$log" 2>&1 || ! line=$(last_line "$tool" 2>"$log"); then
        tail -n 30 "$log"
        echo "digests: $name: FAILED to build or run"
        failed=1
        return
    fi
    state=$(field state_digest <<<"$line")
    events=$(field event_digest <<<"$line")
    first=${first:-$state $events}
    if [ -n "$state" ] && [ -n "$events" ] && [ "$state $events" = "$first" ]; then
        echo "digests: $name: state $state events $events"
    else
        echo "digests: $name: FAILED: state $state events $events"
        failed=1
    fi
}

mkdir -p build-matrix
for compiler in gcc clang; do
    if ! command -v $compiler >/dev/null; then
        echo "digests: $compiler: SKIPPED: it is not installed"
        continue
    fi
    for level in O0 O3; do
        name=$compiler-$level
        compare $name build-matrix/$name/millrace build_plain $name $compiler -$level
    done
done
for preset in sanitize tsan; do
    compare $preset "$(folder_of $preset)/millrace" scripts/build.sh $preset product
done
rm -rf "$data"
exit $failed
