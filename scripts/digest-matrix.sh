#!/bin/bash
# digest-matrix.sh: builds the tool with every compiler, optimisation level and sanitizer, gives
# each the same generated input, and compares the digests of state and events that they reach.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

input=gen:orders=20000,seed=1
first=
status=0

# The value of a text field in the JSON object on stdin.
field()
{
    sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}

build() # FOLDER COMPILER FLAGS SANITIZERS
{
    cmake -S . -B "$1" -DCMAKE_C_COMPILER="$2" -DCMAKE_C_FLAGS_RELEASE="$3" \
        -DMILLRACE_SANITIZE="$4" -DMILLRACE_TESTS=OFF >"$1.log" 2>&1 &&
        cmake --build "$1" --target millrace_tool --parallel "$(nproc)" >>"$1.log" 2>&1
}

digests() # NAME COMPILER FLAGS [SANITIZERS]
{
    local name=$1 folder=build-matrix/$1 runner=() line both
    if ! command -v "$2" >/dev/null; then
        echo "digests: $name: SKIPPED: there is no $2"
        return
    fi
    if ! build "$folder" "$2" "$3" "${4-}"; then
        tail -n 30 "$folder.log"
        echo "digests: $name: FAILED to build"
        status=1
        return
    fi
    if [ "${4-}" = thread ] && setarch --addr-no-randomize true 2>/dev/null; then
        runner=(setarch --addr-no-randomize)
    fi
    rm -rf "$folder/data"
    if ! line=$("${runner[@]}" "$folder/millrace" run --input "$input" --data "$folder/data" \
        --json 2>"$folder.log" | tail -n 1); then
        cat "$folder.log"
        echo "digests: $name: FAILED to run"
        status=1
        return
    fi
    rm -rf "$folder/data"
    both="state $(field state_digest <<<"$line") events $(field event_digest <<<"$line")"
    first=${first:-$both}
    if [ "$both" = "$first" ] && [[ $both =~ ^state\ [0-9a-f]+\ events\ [0-9a-f]+$ ]]; then
        echo "digests: $name: $both"
    else
        echo "digests: $name: FAILED: $both"
        status=1
    fi
}

mkdir -p build-matrix
digests gcc-O0 gcc -O0
digests gcc-O3 gcc -O3
digests clang-O0 clang -O0
digests clang-O3 clang -O3
digests gcc-address-undefined gcc "-O1 -g" address,undefined
digests gcc-thread gcc "-O1 -g" thread
exit $status
