#!/bin/sh
# The main job, small: it proves what it says, leaves its journal and nothing else behind.
. "$(dirname "$0")/lib.sh"

expect 0 "$MILLRACE" demo --data d --orders 200000 --seed 5
for word in killed recovered finished kept replayed throughput latency recovery journal; do
    grep -q "^  $word " out || fail "nothing about '$word' in: $(cat out)"
done
same "what is left" "acks counters counters.previous journal" "$(cd d && echo [!l]*)"
check_acks d/acks d
claim "the demo ends well, and its promises hold for others who look"

expect 0 "$MILLRACE" run --data whole --input gen:orders=200000,seed=5,instruments=10 --json
result out >whole.result
expect 0 "$MILLRACE" replay --data d --json
same "the demo's journal" "$(cat whole.result)" "$(result out)"
claim "it is the journal of a run that nobody killed"

expect 0 "$MILLRACE" demo --data l --logic ledger --orders 200000 --seed 5
for word in killed recovered finished kept replayed balanced throughput latency; do
    grep -q "^  $word " out || fail "nothing about '$word' in: $(cat out)"
done
expect 0 "$MILLRACE" verify --data l --deep --acks l/acks --json
same "accounts" 10000 "$(field accounts out)"
claim "so does a ledger's day, in which every balance is recomputed"

before=$(cksum d/journal/*)
expect 2 "$MILLRACE" demo --data d --orders 200000
one_line err
same "the journal of the first" "$before" "$(cksum d/journal/*)"
claim "a directory that is there is left alone"
