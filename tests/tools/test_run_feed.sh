#!/bin/sh
# Five hours of real orders: the same digests twice, from a replay, and after kills.
. "$(dirname "$0")/lib.sh"
seed 13

packed=$MILLRACE_DATA/bitstamp-2015-05-01-orders.csv.xz
[ -r "$packed" ] || skip "no real market data at $MILLRACE_DATA"
xz -dc "$packed" >feed.csv || skip "xz is missing"
input='--input feed.csv --format bitstamp --segment-size 4'

expect 0 "$MILLRACE" run --data a $input --json --acks acks
first=$(result out)
[ "$(field trades out)" -gt 100 ] || fail "only $(field trades out) trades"
check_acks acks a
expect 0 "$MILLRACE" run --data b $input --json
same "two runs" "$first" "$(result out)"
expect 0 "$MILLRACE" replay --data a --json
same "a replay" "$first" "$(result out)"
claim "two runs and a replay agree, with $(field trades out) trades"

for ms in $(randoms "$seed" 10 20 90); do
    "$MILLRACE" run --data c $input --acks killed.acks >/dev/null 2>&1 &
    started=$!
    sleep "$(printf '0.%03d' "$ms")"
    kill -9 "$started" 2>/dev/null
    wait "$started" 2>/dev/null
    started=
done
expect 0 "$MILLRACE" run --data c $input --acks killed.acks --json
same "after ten kills" "$first" "$(result out)"
check_acks killed.acks c
claim "ten kills later it is the same, and all acknowledgements are in the journal"
