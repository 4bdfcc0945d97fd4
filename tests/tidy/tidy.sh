#!/bin/bash
# tidy.sh: everything that is checked of the sources without running them. Each check says ok,
# skipped (its tool is missing or another one, and what that is) or FAILED with its findings.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
tidy=tests/tidy

log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

check() # NAME COMMAND...
{
    local name=$1 status=0 started=$SECONDS
    shift
    "$@" >"$log" 2>&1 || status=$?
    case $status in
    0) echo "tidy: $name: ok ($((SECONDS - started)) s)" ;;
    77) echo "tidy: $name: $(cat "$log")" ;;
    *)
        cat "$log"
        echo "tidy: $name: FAILED ($((SECONDS - started)) s)"
        failed=$((failed + 1))
        ;;
    esac
}

check "house rules" $tidy/house.sh
check "headers alone, C" $tidy/headers.sh c
check "headers alone, C++" $tidy/headers.sh c++
check "core is freestanding" $tidy/freestanding.sh
check "clang-format" $tidy/format.sh
check "shellcheck" $tidy/shellcheck.sh
check "cppcheck" $tidy/cppcheck.sh
check "clang-tidy" $tidy/clang-tidy.sh

if [ "$failed" -ne 0 ]; then
    echo "tidy: $failed checks failed"
    exit 1
fi
