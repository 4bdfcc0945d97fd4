#!/bin/sh
# The durability policies: the same digests under each, what each keeps, and what they refuse.
. "$(dirname "$0")/lib.sh"

input=gen:orders=60000,seed=6
for policy in disk os; do
    expect 0 "$MILLRACE" run --data $policy --input $input --segment-size 4 --durability $policy \
        --json
    result out >$policy.result
    expect 0 "$MILLRACE" verify --data $policy
done
expect 0 "$MILLRACE" run --input $input --durability none --json
result out >none.result
same "os" "$(cat disk.result)" "$(cat os.result)"
same "none" "$(cat disk.result)" "$(cat none.result)"
claim "disk, os and none give the same result"

expect 0 "$MILLRACE" run --data os --input $input --durability disk
expect 0 "$MILLRACE" run --data disk --input $input --durability os
expect 0 "$MILLRACE" verify --data disk
expect 0 "$MILLRACE" verify --data os
expect 0 "$MILLRACE" replay --data os --json
claim "a journal goes on under another policy"

# A kill takes the process, not the page cache.
"$MILLRACE" run --data killed --input gen:orders=100000000,seed=7 --durability os --acks acks \
    >/dev/null 2>&1 &
started=$!
for _ in $(seq 600); do
    [ -s acks ] && [ "$(wc -l <acks)" -gt 1000 ] && break
    sleep 0.1
done
kill -9 "$started"
wait "$started" 2>/dev/null
started=
[ "$(wc -l <acks)" -gt 1000 ] || fail "it acknowledged nothing"
expect 0 "$MILLRACE" verify --data killed --acks acks
claim "under os durability a kill loses none of $(wc -l <acks) acknowledged commands"

expect 2 "$MILLRACE" run --data x --input $input --durability none
one_line err
expect 2 "$MILLRACE" run --input $input --durability none --acks y
one_line err
expect 2 "$MILLRACE" run --input $input
one_line err
grep -q -e '--data' err || fail "it does not ask for --data: $(cat err)"
[ ! -e x ] && [ ! -e y ] || fail "a refusal made something"
claim "none takes no --data and no --acks; the others want --data"
