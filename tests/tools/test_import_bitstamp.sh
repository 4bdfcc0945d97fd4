#!/bin/sh
# Five hours of real orders: what becomes of each kind of line, and of malformed ones.
. "$(dirname "$0")/lib.sh"
seed 29

packed=$MILLRACE_DATA/bitstamp-2015-05-01-orders.csv.xz
[ -r "$packed" ] || skip "no real market data at $MILLRACE_DATA"
xz -dc "$packed" >feed.csv || skip "xz is missing"
small='--segment-size 4 --json'

expect 0 "$MILLRACE" run --data a --input feed.csv $small
result out >a.result
expect 0 "$MILLRACE" dump --data a --json
grep '"session":2,' out >imported
awk -F, 'NR > 1 { sub(/\./, "", $4); print NR, $1, $6, $7, $4, $5, $2 "000000" }' feed.csv >expected
sed 's/[{}"]//g; s/[a-z_]*://g' imported | awk -F, '
    $5 == "order_new" { print $4, $6, "created", ($13 == "buy" ? "bid" : "ask"), $8, $9, $2 }
    $5 == "order_replace" { print $4, $6, "changed", "-", $8, $9, $2 }
    $5 == "order_cancel" { print $4, $6, "deleted", "-", "-", "-", $2 }' >found
awk '$3 != "created" { $4 = "-" } $3 == "deleted" { $5 = $6 = "-" } { print }' expected >wanted
cmp found wanted || fail "$(diff found wanted | head -n 4)"
claim "every line is the command that it should be ($(wc -l <found) of them)"

expect 0 "$MILLRACE" replay --data a --events --json
count() # PATTERN
{
    grep -c "$1" out
}
same "orders accepted" 24894 "$(count '"type":"order_accepted"')"
same "created lines rejected" 0 "$(count '"order_rejected".*"action":"new"')"
same "rejects, all about orders that are gone or were never seen" \
    "$(sed -n 's/^rejects=//p' a.result)" "$(count '"order_rejected".*"reason":"unknown_order"')"
same "changed lines" 602 \
    $(($(count '"type":"order_replaced"') + $(count '"order_rejected".*"action":"replace"')))
same "deleted lines" 24918 \
    $(($(count '"cause":"requested"') + $(count '"order_rejected".*"action":"cancel"')))
claim "24,894 orders accepted; $(sed -n 's/^trades=//p' a.result) trades; rejected are" \
    "$(count '"order_rejected".*"action":"cancel"') deletions and" \
    "$(count '"order_rejected".*"action":"replace"') changes of orders that are gone"

# Malformed lines at random places.
lines=$(randoms "$seed" 5 2 50000 | sort -nu)
awk -v lines="$lines" 'BEGIN { n = split(lines, l, "\n"); for (i in l) bad[l[i]] }
    NR in bad { sub(/,/, ";") } { print }' feed.csv >bad.csv
first=$(echo "$lines" | head -n 1)
expect 2 "$MILLRACE" run --data b --input bad.csv --format bitstamp $small
one_line err
grep -q "bad.csv:$first: the line does not have 7 columns" err || fail "$(cat err)"
same "commands up to it" $((first + 2)) "$(field commands out)" # 4 come before line 2
claim "--on-error stop: $(cat err)"
expect 0 "$MILLRACE" run --data b --input bad.csv --format bitstamp --on-error skip $small
same "skipped lines" "$lines" "$(sed -n 's/.*bad.csv:\([0-9]*\):.*skipped/\1/p' err)"
result out >b.result
expect 0 "$MILLRACE" run --data c --input bad.csv --on-error skip $small
same "stopped and gone on, or at once" "$(cat b.result)" "$(result out)"
same "commands" $((50418 - $(echo "$lines" | wc -l))) "$(field commands out)"
claim "--on-error skip leaves out $(echo "$lines" | wc -l) lines and nothing else"

expect 2 "$MILLRACE" run --data a --input bad.csv $small
grep -q 'another input' err || fail "$(cat err)"
expect 2 "$MILLRACE" run --data d --input "$packed"
grep -q 'unpack it first' err || fail "$(cat err)"
[ ! -e d ] || fail "a compressed file made the directory"
claim "another file, or a compressed one, is refused"
