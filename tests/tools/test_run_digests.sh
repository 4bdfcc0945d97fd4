#!/bin/sh
# The same input gives the same digests, whatever the threads do, and doing it again does nothing.
. "$(dirname "$0")/lib.sh"

input=gen:orders=30000,seed=3,instruments=4
small='--segment-size 4 --json'

expect 0 "$MILLRACE" run --data a --input $input $small
first=$(result out)
[ "$(field trades out)" -gt 0 ] || fail "a session without trades"
for key in first_sequence elapsed_s commands_per_s p50 p90 p99 p99_9 max; do
    [ -n "$(field $key out)" ] || fail "no $key in the last line of --json"
done
claim "a run sums up in one object"

expect 0 "$MILLRACE" run --data b --input $input $small
same "two directories" "$first" "$(result out)"
claim "two runs into two directories give the same digests"

for topology in one each; do
    expect 0 "$MILLRACE" run --data $topology --input $input $small --topology $topology
    same "--topology $topology" "$first" "$(result out)"
done
expect 0 "$MILLRACE" run --data slow --input $input $small --rate 200000/s
same "--rate" "$first" "$(result out)"
claim "threads and speed make no difference"

expect 0 "$MILLRACE" replay --data a --json
same "replay" "$first" "$(result out)"
claim "a replay gives the same digests"

expect 0 "$MILLRACE" run --data a --input $input --json
same "again" "$first" "$(result out)"
same "commands a second of a run that has nothing to do" 0 "$(field commands_per_s out)"
claim "a run on a finished input adds nothing and gives the same counts and digests"
