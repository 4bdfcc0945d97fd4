#!/bin/bash
# fuzz.sh [NAME...]: builds the fuzzers (all, or tests/fuzz/fuzz_NAME.c), replays the kept inputs,
# which hold what was once found, then fuzzes each for FUZZ_SECONDS (10). What is new and
# interesting gathers in build-fuzz/corpus; an input that breaks a claim is left in
# build-fuzz/found. The last line says `N passed, N failed, N skipped`.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

seconds=${FUZZ_SECONDS-10}
folder=$(folder_of fuzz)
kept=tests/fuzz/corpus

longest() # of an input of $1
{
    case $1 in
    journal | repair) echo 385 ;; # a byte, and changes of eight bytes
    *) echo 4096 ;;
    esac
}

fuzz() # NAME: says how it went, and what went wrong
{
    local name=$1 program=$folder/fuzz/fuzz_$1 log=$folder/fuzz/$1.log
    mkdir -p "$folder/corpus/$name" "$folder/found"
    local options=(-timeout=20 -rss_limit_mb=1024 "-artifact_prefix=$folder/found/$name-"
        "-max_len=$(longest "$name")")
    if ! "$program" "${options[@]}" -runs=0 "$kept/$name" >"$log" 2>&1; then
        grep -vE '^#|^INFO' "$log"
        echo "fuzz $name: FAILED on a kept input"
    elif ! "$program" "${options[@]}" "-max_total_time=$seconds" "$folder/corpus/$name" \
        "$kept/$name" >"$log" 2>&1; then
        grep -vE '^#|^INFO' "$log"
        echo "fuzz $name: FAILED; to see it again: $program $folder/found/$name-..."
    else
        echo "fuzz $name: ok, $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log") inputs"
    fi
}

if [ "${1-}" = --one ]; then
    fuzz "$2"
    exit
fi
scripts/build.sh fuzz fuzzers -DMILLRACE_TESTS=ON
if [ $# -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=${source##*/fuzz_}
        set -- "$@" "${name%.c}"
    done
fi
export UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}
report=$folder/fuzz/report
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 "$0" --one | tee "$report"
failed=$(grep -c '^fuzz .*: FAILED' "$report" || true)
echo "$(($# - failed)) passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
