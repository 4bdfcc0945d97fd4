#!/bin/bash
# test_trace.sh SIMULATOR: the same seeds leave the same trace, byte for byte, also when they fail;
# and a failure tells how to repeat it, and with how many steps it still fails.
set -euo pipefail
simulator=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

fail()
{
    echo "test_trace: $1"
    exit 1
}

for turn in a b; do
    "$simulator" --seeds 1..30 --trace "seeds.$turn" >"out.$turn"
    "$simulator" --seed 1 --logic counter --commands 20000 --trace "counter.$turn" >"out.$turn"
    status=0
    "$simulator" --seed 7 --fail-at 300 --trace "failure.$turn" 2>"error.$turn" || status=$?
    [ "$status" -eq 1 ] || fail "a failing seed ends with $status"
done
[ "$(wc -l <seeds.a)" -gt 10000 ] || fail "the trace is short"
for what in seeds counter failure error; do
    cmp "$what.a" "$what.b" || fail "the same seed gives two different traces ($what)"
done
grep --quiet '^simulator: seed 7, life [0-9]*, step 300: as was asked for$' error.a ||
    fail "a failure does not say where it was"
grep --quiet '^simulator: FAILED; to repeat: simulator --seed 7 --fail-at 300 --trace FILE$' \
    error.a || fail "a failure does not say how to repeat it"
grep --quiet '^simulator: fails with fewer steps: .* --seed 7 --fail-at 300 --steps 300$' error.a ||
    fail "a failure does not say with how many steps it still fails"
tail -n 1 failure.a | grep --quiet 'FAILED: as was asked for$' || fail "the trace goes on"

# What is the same up to the step where it fails, is the same in a shorter run.
status=0
"$simulator" --seed 7 --fail-at 300 --steps 300 --trace short 2>/dev/null || status=$?
[ "$status" -eq 1 ] || fail "with fewer steps it passes"
cmp failure.a short || fail "with fewer steps something else happens before the failure"

"$simulator" --seeds 1..3 --json --jobs 2 | grep --quiet '^{"seeds":3,.*"seeds_per_second":' ||
    fail "--json gives something else"
echo "test_trace: the traces agree"
