#!/bin/bash
# test.sh PRESET: builds a preset with its tests and runs them (ONLY=regex: those whose names
# match). The last line says `N passed, N failed, N skipped` and nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

preset=$1
folder=$(folder_of "$preset")

scripts/build.sh "$preset" all -DMILLRACE_TESTS=ON
echo "Testing $folder"

runner=() only=(${ONLY:+--tests-regex "$ONLY"})
if [ "$preset" = tsan ]; then
    # Its shadow has no place where the kernel randomises addresses too widely.
    if setarch --addr-no-randomize true 2>/dev/null; then
        runner=(setarch --addr-no-randomize)
    fi
    # What has but one thread by its nature has no races to find, and is many times slower here.
    if [ -z "${ONLY-}" ]; then
        one='^(core|examples|fuzz|golden|simulator)/|/test_sim'
        # Of the journal's only test_follow_live has several.
        one+='|^journal/test_([a-eg-z]|frame|follow$|follow_cases)'
        only=(--exclude-regex "$one")
    fi
fi
export UBSAN_OPTIONS=${UBSAN_OPTIONS-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS-second_deadlock_stack=1}

report=$PWD/$folder/tests.xml
rm -f "$report"
status=0
"${runner[@]}" ctest --test-dir "$folder" --parallel 2 --output-on-failure --no-tests=error \
    --output-junit "$report" "${only[@]}" || status=$?
if [ ! -e "$report" ]; then
    echo "ctest left no report" >&2
    exit 1
fi

count() # of the tests that the report's head counts as $1
{
    sed -n "/<testsuite/,/>/s/.*[[:space:]]$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -n 1
}
# Why tests were skipped is what they said last.
awk '
    /<testcase / { split($0, part, "\""); name = part[2]; skipped = 0 }
    /<skipped / { skipped = 1 }
    /<system-out>/ { sub(/.*<system-out>/, ""); inside = 1 }
    /<\/system-out>/ {
        if (skipped)
            print name ": " last
        inside = 0
    }
    inside && !/^[ \t]*$/ { last = $0 }' "$report"

all=$(count tests)
failed=$(count failures)
skipped=$(($(count skipped) + $(count disabled)))
echo
echo "$((all - failed - skipped)) passed, $failed failed, $skipped skipped"
exit "$status"
