#!/bin/sh
# Commands as text: typed, from a file with a malformed line, and a whole dump as an input.
. "$(dirname "$0")/lib.sh"

cat >typed <<'END'
order_new order=1 instrument=1 side=buy price=100 quantity=5
order_new order=2 instrument=1 side=sell price=90 quantity=3
END
expect 0 "$MILLRACE" run --data typed.d --input - <typed
grep -q '^trade .*price=100 .*quantity=3' out || fail "no trade: $(cat out)"
grep -q '^genesis' out && fail "the set-up is shown to who types"
claim "a person types two orders and sees their trade"

echo 'order_cancel order=1 instrument=1' >later
expect 0 "$MILLRACE" run --data typed.d --input - --json <later
grep -q '"type":"order_cancelled".*"remaining":2' out || fail "not cancelled: $(cat out)"
same "rejects" 0 "$(field rejects out)"
claim "and goes on later"

{
    cat typed
    echo 'order_new order=three instrument=1'
    echo 'order_cancel order=1 instrument=1'
} >lines
expect 2 "$MILLRACE" run --data lines.d --input lines --json
one_line err
grep -q 'lines:3' err || fail "it does not name file and line: $(cat err)"
same "trades before the malformed line" 1 "$(field trades out)"
same "durable" "$(field last_sequence out)" "$(field durable_sequence out)"
claim "a malformed line stops the run behind the line before: $(cat err)"
expect 0 "$MILLRACE" run --data lines.d --input lines --json --on-error skip
grep -q 'lines:3.*skipped' err || fail "the skipped line is not reported: $(cat err)"
commands=$(field commands out)
expect 0 "$MILLRACE" run --data lines.d --input lines --json
same "commands" "$commands" "$(field commands out)"
claim "--on-error skip reports it and goes on"

expect 0 "$MILLRACE" run --data a --input gen:orders=3000,seed=8 --json
result out >a.result
expect 0 "$MILLRACE" dump --data a
mv out dump.txt
expect 0 "$MILLRACE" run --data b --input dump.txt --json
same "a run on its dump" "$(cat a.result)" "$(result out)"
expect 0 "$MILLRACE" run --data b --input dump.txt --json
same "the same again" "$(cat a.result)" "$(result out)"
head -n 2000 dump.txt >half.txt
expect 0 "$MILLRACE" run --data c --input half.txt --json
same "half" "$(grep -vc '^#' half.txt)" "$(field commands out)"
expect 0 "$MILLRACE" run --data c --input dump.txt --json
same "half of a dump, then all of it" "$(cat a.result)" "$(result out)"
expect 2 "$MILLRACE" run --data typed.d --input dump.txt
grep -q 'differ at sequence 1' err || fail "$(cat err)"
claim "a whole dump is an input that makes the same journal, in one run or two"
