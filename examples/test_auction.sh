#!/bin/sh
# Claims: the same seed gives the same months of auctions, all invariants hold, and every reason to
# refuse a bid occurs; live, lots are bid for on conditions, closed by the clock, and outlive a
# kill.
set -eu
auction=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

"$auction" simulate 24 7 >"$directory/first"
"$auction" simulate 24 7 >"$directory/second"
diff "$directory/first" "$directory/second"
"$auction" simulate 24 8 >"$directory/second"
if cmp -s "$directory/first" "$directory/second"; then exit 1; fi
for word in sold 'no bid' 'too little' 'near the end' version_differs closed too_low price_moved \
    own_bid; do
    grep -q "$word [1-9]" "$directory/first"
done
echo "two years of auctions, the same again"

cat >"$directory/typed" <<'END_OF_LINES'
lot_open item=vase raise=10 reserve=100 lasts_s=600
lot_open item=book raise=10 lasts_s=1
bid session=2 lot=1 price=5
bid session=2 lot=1 price=50
bid session=2 lot=1 price=70
bid session=3 lot=1 price=60 expected=1
bid session=3 lot=1 price=60 seen=40
bid session=3 lot=1 price=60 seen=50 expected=2
bid session=2 lot=3 price=60
lot_open session=2 item=mine raise=1 lasts_s=1
?lot lot=1
?lot lot=3
nonsense
END_OF_LINES
mkfifo "$directory/lines"
"$auction" live "$directory/data" <"$directory/lines" >"$directory/got" &
pid=$!
exec 3>"$directory/lines"
cat "$directory/typed" >&3
# Nobody types anything any more; the clock closes the book, a second after it was opened.
until grep -q 'nonsense' "$directory/got" && grep -q 'lot_closed' "$directory/got"; do
    kill -0 $pid
    sleep 0.05
done
exec 3>&-
wait $pid
keys='event\|sequence\|time\|ends_ns\|aggregate\|aggregate_id\|aggregate_sequence\|previous'
sed "s/\<\($keys\)=[^ ]* *//g; s/ *\$//" "$directory/got" >"$directory/all"
grep -v '^lot_closed' "$directory/all" >"$directory/short"
grep -qx 'lot_closed price=0 bidder=0 outcome=no_bid' "$directory/all"
cat >"$directory/expected" <<'END_OF_LINES'
lot_opened item=vase raise=10
lot_opened item=book raise=10
refused: too_low
bid_taken price=50 bidder=2
refused: own_bid
refused: version_differs
refused: price_moved
bid_taken price=60 bidder=3
refused: unknown_lot
refused: role_denied
lot item=vase lot=1 lot_version=3 price=60 bidder=3 bids=2 state=open
refused: unknown_lot
column 1: 'nonsense' is no command of the catalog
END_OF_LINES
diff "$directory/expected" "$directory/short"
echo "live, bids are taken and refused, and the clock closes"

# Killed with lots open, and opened again: nothing is lost.
"$auction" live "$directory/data" <"$directory/lines" >"$directory/got" &
pid=$!
exec 3>"$directory/lines"
echo 'bid session=4 lot=1 price=500' >&3
until grep -q 'price=500' "$directory/got"; do
    kill -0 $pid
    sleep 0.05
done
kill -9 $pid
wait $pid 2>/dev/null || true
exec 3>&-
echo '?lots' | "$auction" live "$directory/data" >"$directory/got"
grep -q 'price=500 bidder=4 .*bids=3 state=open' "$directory/got"
grep -q 'item=book .*state=no_bid' "$directory/got"
echo "what was taken is there after a kill"
