#!/bin/sh
# Text that people write: the operator's commands among others, lines cut out of a dump, pipes.
. "$(dirname "$0")/lib.sh"
small='--segment-size 4 --json'

cat >lines <<'END'
# A second instrument, and a trade in it.
order_new order=1 instrument=1 side=buy price=100 quantity=5
instrument_define symbol=OTHER price_min=1 price_max=9 quantity_max=9 instrument=2

order_new order=1 instrument=2 side=buy price=5 quantity=5
order_new order=2 instrument=2 side=sell kind=market tif=ioc quantity=2
instrument_define symbol=THIRD price_min=1 price_max=9 quantity_max=9 instrument=3
END
expect 0 "$MILLRACE" run --data a --input lines $small
first=$(result out)
same "trades" 1 "$(field trades out)"
same "rejects" 0 "$(field rejects out)"
same "commands" 9 "$(field commands out)" # genesis, two sessions, TEST, and five
expect 0 "$MILLRACE" run --data a --input lines $small
same "the same again" "$first" "$(result out)"
claim "the operator's lines go to the operator, and a second run does none of it again"

# Killed behind any line, it goes on with the next: the journal is cut with dump and load.
expect 0 "$MILLRACE" run --data slow --input lines $small --rate 20
expect 0 "$MILLRACE" dump --data slow
mv out slow.txt
entries=$(sed -n 's/^# entry index=\([0-9]*\) .*/\1/p' slow.txt | sed 1d)
for entry in $entries; do
    before=$(sed -n "s/^# entry index=$entry .* first=\([0-9]*\) .*/\1/p" slow.txt)
    "$MILLRACE" dump --data slow --to $((before - 1)) |
        "$MILLRACE" load --data "cut.$entry" --segment-size 4 2>err || fail "$(cat err)"
    expect 0 "$MILLRACE" run --data "cut.$entry" --input lines $small
    same "gone on behind sequence $((before - 1))" "$first" "$(result out)"
done
claim "a run that stops behind any entry goes on with the next line"

# Lines of a dump, without genesis, are orders like any other.
expect 0 "$MILLRACE" dump --data a
grep '^order_new .*instrument=1' out >cut
expect 0 "$MILLRACE" run --data b --input cut $small
same "rejects" 0 "$(field rejects out)"
"$MILLRACE" dump --data b | grep -q '^order_new sequence=5 .* session=2 request=1 ' ||
    fail "not numbered anew: $("$MILLRACE" dump --data b | grep '^order_new')"
claim "lines cut out of a dump are numbered anew"

"$MILLRACE" dump --data a | "$MILLRACE" run --data c --input - $small >out 2>err ||
    fail "$(cat err)"
same "a dump through a pipe" "$first" "$(result out)"
claim "a whole dump may come through a pipe"

{
    printf 'order_new order=1 instrument=1 side'
    sleep 0.1
    printf '=buy price=7 quantity=1\norder_cancel order=1'
    sleep 0.1
    printf ' instrument=1'
} | "$MILLRACE" run --data d --input - $small >out 2>err || fail "$(cat err)"
same "rejects" 0 "$(field rejects out)"
grep -q '"type":"order_cancelled"' out || fail "$(cat out)"
claim "a slow pipe is read by whole lines"

mkfifo pipe
expect 2 "$MILLRACE" run --data e --input pipe
one_line err
expect 2 "$MILLRACE" run --data e --input .
one_line err
[ ! -e e ] || fail "it made the directory"
claim "what is no file is refused: $(cat err)"
