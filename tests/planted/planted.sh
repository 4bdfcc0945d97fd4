#!/bin/bash
# planted.sh [NAME...]: are the tests worth their trust? Each NAME.patch in this folder is a bug
# that somebody could write. It is applied to a copy of the product's folders, and the tests that
# its head names run one after the other, until one fails: then it is caught. A test gets a minute.
# Last, those that caught something run without any bug, and must pass. Without names: all. What is
# built already (the preset `release`, by `make test`) is used again; only what a patch changes is
# compiled (of a header: all files of the folders that may know it; tests see it as it was).
#
#     Bug: what is wrong
#     Place: the function, the file
#     Tests: programs below build/tests or build/fuzz, the quickest first
#
# The last line says `N passed, N failed, N skipped`; a patch that does not apply has failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/common.sh

build=$(folder_of release)
work=$build/planted
folders=(base disruptor journal core engine)
seconds=60

# Prints what $1 is followed by in the head of patch $2.
head_of()
{
    sed -n "s/^$1: //p" "tests/planted/$2.patch"
}

# Applies patch $1 in $work/$1, and compiles what it changes, or everything if it changes a header.
plant()
{
    local here=$work/$1 file object everything=
    rm -rf "$here"
    mkdir -p "$here/tree"
    cp -a "${folders[@]}" "$here/tree/"
    patch --directory="$here/tree" --strip=1 --forward --silent --no-backup-if-mismatch \
        <"tests/planted/$1.patch" || return
    while read -r file; do
        cmp --quiet "$file" "$here/tree/$file" || everything=1
    done < <(find "${folders[@]}" -name '*.h')
    while read -r file; do
        if [ -n "$everything" ] || ! cmp --quiet "$file" "$here/tree/$file"; then
            object=$here/${file//\//-}.o
            # A bug may leave something unused; that is no reason to stop.
            "${CC:-cc}" -std=c11 -O1 -g -w -D_GNU_SOURCE -fno-strict-aliasing \
                -I"$here/tree" -I. -Iinclude -c "$here/tree/$file" -o "$object" || return
        fi
    done < <(find "${folders[@]}" -name '*.c')
}

# Links test $2 with what patch $1 changes, which comes before the libraries: they give the rest.
link()
{
    local libraries
    libraries=$(find "$build" -path "$work" -prune -o -name 'libmillrace_*.a' -print)
    # shellcheck disable=SC2046,SC2086 # lists of paths without blanks
    "${CC:-cc}" -o "$work/$1/$2" $(find "$build/tests/CMakeFiles/$2.dir" -name '*.o') \
        "$work/$1"/*.o -Wl,--start-group $libraries -Wl,--end-group \
        -lcmocka -luring -lxxhash -lpthread
}

# Runs program $1 of the test $2, where what it leaves behind when a bug ends it is in nobody's way.
run()
{
    local arguments=() root=$PWD
    case $2 in
    fuzz_*) arguments=(10000 "$root/tests/fuzz/corpus/${2#fuzz_}") ;;
    simulator) arguments=(--seeds 1..300 --no-shrink) ;;
    esac
    (cd "$work" && exec timeout "$seconds" "$root/$1" "${arguments[@]}")
}

# Why a test failed, in a few words, from its log $1.
reason()
{
    grep -m 1 -E 'does not hold|broken invariant|error: |^simulator: seed [0-9]*,|FAILED' "$1" |
        sed 's/.*--- //' | cut -c 1-100
}

# Says whether the tests of patch $1 catch it, and which.
try()
{
    local name=$1 test status started=$EPOCHREALTIME
    local log=$work/$name/log
    if ! plant "$name"; then
        echo "planted $name: FAILED: the patch does not apply, or does not compile"
        return
    fi
    for test in $(head_of Tests "$name"); do
        link "$name" "$test" || break
        status=0
        run "$work/$name/$test" "$test" >"$log" 2>&1 || status=$?
        if [ "$status" -ne 0 ]; then
            echo "$test" >"$work/$name/caught"
            echo "planted $name: caught by $test in" \
                "$(((${EPOCHREALTIME/./} - ${started/./}) / 1000)) ms: $(reason "$log")"
            return
        fi
    done
    echo "planted $name: FAILED: not caught by $(head_of Tests "$name")"
}

# Says whether test $1 passes where nothing is planted.
control()
{
    local program=$build/tests/$1
    [ -e "$program" ] || program=$build/fuzz/$1
    if run "$program" "$1" >/dev/null 2>&1; then
        echo "planted nothing: $1 passes"
    else
        echo "planted nothing: FAILED: $1 fails, so it has caught nothing"
    fi
}

case ${1-} in
--try | --control)
    "${1#--}" "$2"
    exit
    ;;
esac
scripts/build.sh release planted_tests -DMILLRACE_TESTS=ON
if [ $# -eq 0 ]; then
    for patch in tests/planted/*.patch; do
        name=${patch##*/}
        set -- "$@" "${name%.patch}"
    done
fi
rm -rf "$work"
mkdir -p "$work"
report=$work/report
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 "$0" --try | tee "$report"
find "$work" -name caught -exec cat {} + | sort -u |
    xargs -r -P "$(nproc)" -n 1 "$0" --control | tee -a "$report"
all=$(wc -l <"$report")
failed=$(grep -c ': FAILED' "$report" || true)
echo "$((all - failed)) passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
