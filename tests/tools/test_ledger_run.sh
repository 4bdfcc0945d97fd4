#!/bin/sh
# The ledger's generator: run, killed and resumed; and what verify --deep says of it.
. "$(dirname "$0")/lib.sh"
seed 71

spec=gen:transfers=60000,accounts=500,skew=50,pending=25,expire=20,chains=20,broken=10
spec=$spec,repeat=2,history=10,limits=10,ledgers=3,batch=500,seed=$seed
options="--logic ledger --segment-size 4 --input $spec"

sums()
{
    result out
    for key in accounts transfers pending; do
        echo "$key=$(field $key out)"
    done
}

expect 0 "$MILLRACE" run --data a $options --json --acks a.acks
first=$(sums)
same "accounts" 500 "$(field accounts out)"
same "acknowledged" 60500 "$(wc -l <a.acks)"
[ "$(field pending out)" -gt 0 ] || fail "nothing is pending: $(tail -n 1 out)"
for reason in exists linked_event_failed accounts_must_be_different exceeds_credits; do
    grep -q "\"$reason\":[1-9]" out || fail "nothing was rejected for $reason: $(tail -n 1 out)"
done
expect 0 "$MILLRACE" replay --data a --json
same "a replay" "$first" "$(sums)"
claim "two-phase transfers, chains and limits: $(echo "$first" | tr '\n' ' ')"

for ms in $(randoms "$seed" 6 20 120); do
    "$MILLRACE" run --data c $options --acks c.acks >/dev/null 2>&1 &
    started=$!
    sleep "$(printf '0.%03d' "$ms")"
    kill -9 "$started" 2>/dev/null
    wait "$started" 2>/dev/null
    started=
done
expect 0 "$MILLRACE" run --data c $options --json --acks c.acks
same "after six kills" "$first" "$(sums)"
check_acks c.acks c
expect 0 "$MILLRACE" verify --data c --deep --acks c.acks
claim "six kills later it is the same, and adds up"

expect 2 "$MILLRACE" run --data a --logic ledger --input gen:transfers=60000
grep -q 'another input' err || fail "$(cat err)"
expect 2 "$MILLRACE" run --data n --input gen:transfers=10
grep -q 'add --logic ledger' err || fail "$(cat err)"
expect 2 "$MILLRACE" run --data n --logic ledger --input gen:orders=10
grep -q 'the keys are transfers' err || fail "$(cat err)"
[ ! -e n ] || fail "a refused input made the directory"
claim "orders are not for a ledger, nor transfers for a book"

expect 0 "$MILLRACE" verify --data a --deep --every 20
for words in '^  replayed ' '^  recomputed  *every balance of 500 accounts' \
    '^  balanced .* 3 ledgers'; do
    grep -q "$words" out || fail "no '$words': $(cat out)"
done
expect 0 "$MILLRACE" verify --data a --deep --json --acks a.acks
one_line out
same "ok" true "$(field ok out)"
same "transfers" "$(echo "$first" | sed -n 's/^transfers=//p')" "$(field transfers out)"
same "ledgers" 3 "$(field ledgers out)"
[ "$(field digests out)" -gt 0 ] || fail "no digest was compared"
claim "verify --deep recomputes every balance from the events"

# Bytes come first: what is damaged is not replayed.
cp -r a b
flip b/journal/00000001.seg 200000
expect 3 "$MILLRACE" verify --data b --deep --json
same "ok" false "$(field ok out)"
grep -q '"deep"' out && fail "damage was replayed: $(cat out)"
expect 0 "$MILLRACE" run --data o --input gen:orders=3000 --segment-size 4 --json
expect 0 "$MILLRACE" verify --data o --deep
grep -q '^  checked .*invariants' out || fail "$(cat out)"
grep -q recomputed out && fail "a book has no balances: $(cat out)"
expect 0 "$MILLRACE" state --data o depth 1 levels=1
grep -q '^book_level .*side=buy' out || fail "$(cat out)"
"$MILLRACE" replay --data o --events >events
order=$(sed -n 's/^trade .* maker=\([0-9]*\) .*/\1/p' events | head -n 1)
expect 0 "$MILLRACE" log --data o order "$order"
grep -q "^order_new .* order=$order " out || fail "no order_new: $(cat out)"
grep -q "^  trade .* maker=$order " out || fail "no trade of it: $(cat out)"
claim "state and log know a book as well"
claim "damage is told as ever, and a book's state is checked, too"

# Out of the window, the journal still knows.
expect 0 "$MILLRACE" run --data w $options --config transfers_max=1000 --json
expect 0 "$MILLRACE" verify --data w --deep --json
"$MILLRACE" dump --data w --from 2000 --to 4000 --json >some
id=$(sed -n 's/.*"pending_id":"\([1-9][0-9]*\)".*/\1/p' some | head -n 1)
expect 1 "$MILLRACE" state --data w transfer "$id"
expect 0 "$MILLRACE" log --data w transfer "$id" --json
same "its two phases" 2 "$(wc -l <out)"
head -n 1 out | grep -q "\"flags\":\[\"pending\"\]" || fail "$(cat out)"
tail -n 1 out | grep -q "\"pending_id\":\"$id\"" || fail "$(cat out)"
claim "log finds both phases of a transfer that the state has forgotten"
