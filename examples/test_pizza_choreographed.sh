#!/bin/sh
# Claims: without a mediator each order ends as with one, also when one engine after the other
# crashes; and what one did while another gave up is undone.
set -eu
pizza=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
orders="2/10/15 0/10/10 2/0/10 2/10/0 90/10/10 2/90/10 2/10/90 1/1/1 0/0/0 4/29/39 3/0/10"

order() # PROGRAM OPTION...: the same orders in new directories
{
    rm -rf "$directory/data"
    program=$1
    shift
    # shellcheck disable=SC2086 # a list of orders
    "$program" "$@" "$directory/data" $orders 2>"$directory/told"
}

order "$(dirname "$pizza")/pizza_orchestrated" >"$directory/expected"
order "$pizza" >"$directory/got"
diff "$directory/expected" "$directory/got"
echo "orchestrated and choreographed come to the same"

crashes=0
for every in 11 13 14 15 17 19 23 31 41 53; do
    order "$pizza" --crash $every >"$directory/got"
    diff "$directory/expected" "$directory/got"
    crashes=$((crashes + $(cut -d ' ' -f 1 "$directory/told")))
done
[ "$crashes" -gt 90 ]
echo "the same through $crashes crashes"

# Done and late at the same time: one service goes on while another gives up, and all is undone.
for every in 0 13 17 23; do
    "$pizza" --crash $every "$directory/even$every" 5/10/10 2/30/10 2/10/40 \
        >"$directory/got" 2>/dev/null
    [ "$(grep -c ' late; ' "$directory/got")" -eq 3 ]
done
echo "what was done in vain is undone"
