#!/bin/sh
# The catalog of messages, for people and programs.
. "$(dirname "$0")/lib.sh"

expect 0 "$MILLRACE" catalog
for name in genesis order_new order_cancel order_replace trade unknown_order; do
    grep -q "$name" out || fail "no $name"
done
expect 0 "$MILLRACE" catalog --logic book --json
grep -vq '^{.*}$' out && fail "not an object a line"
grep -q '"order_new"' out || fail "no order_new"
expect 0 "$MILLRACE" catalog --markdown
grep -q '^#' out || fail "no heading"
claim "as text, JSON and Markdown"
expect 0 "$MILLRACE" catalog --json
grep -q '^{"kind":"query","name":"sessions",.*"roles":\["system", "op' out || fail "no query"
grep -q '^{"kind":"row","name":"session",' out || fail "no row"
expect 0 "$MILLRACE" catalog
grep -q 'asked by system, operator$' out || fail "nobody asks"
claim "queries and the rows of replies, too"
expect 2 "$MILLRACE" catalog --json --markdown
expect 2 "$MILLRACE" catalog --logic frobnicate
claim "one form at a time, of a logic that there is"
