#!/bin/sh
# A replay rebuilds what a run had, or says that it does not.
. "$(dirname "$0")/lib.sh"

expect 0 "$MILLRACE" run --data a --input gen:orders=5000,seed=6 --segment-size 4 --json --events
result out >a.result
grep -v '"commands":' out >run.events
state=$(field state_digest out)
events=$(field event_digest out)
last=$(field last_sequence out)

expect 0 "$MILLRACE" replay --data a --json --events
same "result" "$(cat a.result)" "$(result out)"
grep -v '"commands":' out >replay.events
same "events" "$(field events out)" "$(wc -l <replay.events)"
# A run does not show the events of genesis and set-up.
tail -n "$(wc -l <run.events)" replay.events | cmp - run.events || fail "other events"
claim "the events of a replay are those of the run, to the byte"

expect 0 "$MILLRACE" replay --data a --expect-state "$state" --expect-events "$events"
expect 1 "$MILLRACE" replay --data a --expect-state "$events" --json
one_line err
grep -q "$state" err || fail "the digest that it has is not named: $(cat err)"
same "result" "$(cat a.result)" "$(result out)"
expect 1 "$MILLRACE" replay --data a --expect-events "$state"
expect 2 "$MILLRACE" replay --data a --expect-events 12345
claim "another digest than expected exits with 1"

expect 0 "$MILLRACE" replay --data a --json --events --from 100 --to 110
same "events outside of 100 to 110" "" \
    "$(grep -v '"commands":' out | sed 's/.*"sequence":\([0-9]*\).*/\1/' |
        awk '$1 < 100 || $1 > 110')"
same "commands" 110 "$(field commands out)"
expect 0 "$MILLRACE" replay --data a --json --to "$last"
same "to the last" "$(cat a.result)" "$(result out)"
expect 2 "$MILLRACE" replay --data a --to $((last + 1))
for range in '--to 0' '--to x' '--from 10 --to 9'; do
    # shellcheck disable=SC2086 # they are two words and more
    expect 2 "$MILLRACE" replay --data a $range
    one_line err
done
claim "--from and --to"

# Events of two histories that share a beginning share its digest.
expect 0 "$MILLRACE" replay --data a --json --to 3000
middle=$(field state_digest out)
expect 0 "$MILLRACE" dump --data a
awk '/^[^#]/ { n++ } n <= 3000 && !/^#/' out >first.txt
expect 0 "$MILLRACE" run --data b --input first.txt --segment-size 4 --json
same "the state after 3,000 commands" "$middle" "$(field state_digest out)"
claim "the state after sequence N is that of a run that ended there"
