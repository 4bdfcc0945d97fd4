#!/bin/sh
# Claims: each order ends delivered, or with all that was done undone once, also when the engine
# crashes after every few steps; and what the mediator no longer waits for changes nothing.
set -eu
pizza=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# Delivered; each step refused; each step late; one refund asked for in vain at first.
orders="2/10/15 0/10/10 2/0/10 2/10/0 90/10/10 2/90/10 2/10/90 3/0/10"
cat >"$directory/expected" <<'END_OF_ORDERS'
order 1: delivered; charge 1-0 bake 1-0 deliver 1-0
order 2: charge refused; charge 0-0 bake 0-0 deliver 0-0
order 3: bake refused; charge 1-1 bake 0-0 deliver 0-0
order 4: deliver refused; charge 1-1 bake 1-1 deliver 0-0
order 5: charge late; charge 1-1 bake 0-0 deliver 0-0
order 6: bake late; charge 1-1 bake 1-1 deliver 0-0
order 7: deliver late; charge 1-1 bake 1-1 deliver 1-1
order 8: bake refused; charge 1-1 bake 0-0 deliver 0-0
END_OF_ORDERS

order() # OPTION...: the same orders in a new directory
{
    rm -rf "$directory/data"
    # shellcheck disable=SC2086 # a list of orders
    "$pizza" "$@" "$directory/data" $orders >"$directory/got" 2>"$directory/told"
    diff "$directory/expected" "$directory/got"
}

order
# 27 tasks, each reported twice; three of them too late.
grep -qx '0 crashes, 30 reports that nobody waited for' "$directory/told"
echo "every order is settled; reports that come twice or too late change nothing"

crashes=0
for every in 6 7 8 9 10 11 12 13 14 15 17 19 23 29 31 37 41 53; do
    order --crash $every
    crashes=$((crashes + $(cut -d ' ' -f 1 "$directory/told")))
done
[ "$crashes" -gt 50 ]
echo "the same through $crashes crashes"

# A bank, an oven and a ride that take exactly as long as one waits: the time-out comes first.
"$pizza" --crash 11 "$directory/even" 5/10/10 2/30/10 2/10/40 >"$directory/got" 2>/dev/null
[ "$(grep -c ' late; ' "$directory/got")" -eq 3 ]
echo "no order hangs between done and late"
