#!/bin/sh
# A journal becomes text, and the text becomes the same journal; or nothing at all.
. "$(dirname "$0")/lib.sh"
seed 31

input='--input gen:orders=6000,seed=4,instruments=3'
small='--segment-size 4'

# Several lives, so that entries are of many sizes.
for stop in 20 40; do
    "$MILLRACE" run --data a $input $small --rate 6000 >/dev/null 2>&1 &
    started=$!
    sleep 0.$stop
    kill -TERM "$started"
    wait "$started" || fail "not stopped in good order"
    started=
done
expect 0 "$MILLRACE" run --data a $input $small --json
result out >a.result

"$MILLRACE" dump --data a >a.txt || fail "dump"
"$MILLRACE" dump --data a | "$MILLRACE" load --data b $small || fail "load"
"$MILLRACE" dump --data b | cmp - a.txt || fail "the entries differ"
expect 0 "$MILLRACE" verify --data a --json
chain=$(field chain out)
expect 0 "$MILLRACE" verify --data b --json
same "the chain of entries" "$chain" "$(field chain out)"
expect 0 "$MILLRACE" replay --data b --json
same "replay" "$(cat a.result)" "$(result out)"
claim "dump and load give byte-identical entries, $(grep -c '^# entry' a.txt) of them"
expect 0 "$MILLRACE" run --data b $input --json
same "a run on the copy" "$(cat a.result)" "$(result out)"
claim "the copy is a journal like any other"

# Parts.
last=$(sed -n 's/^last_sequence=//p' a.result)
expect 0 "$MILLRACE" dump --data a --from 17 --to 23 --json
same "sequences" "17 18 19 20 21 22 23 " \
    "$(sed 's/{"sequence":\([0-9]*\),"time".*/\1/' out | tr '\n' ' ')"
expect 0 "$MILLRACE" dump --data a --from "$last" --json
same "the last one" 1 "$(wc -l <out)"
expect 2 "$MILLRACE" dump --data a --from $((last + 1))
expect 0 "$MILLRACE" dump --data a --json
same "one object a command" "$last" "$(wc -l <out)"
grep -qv '^{"sequence":[0-9]*,"time":[0-9]*,"session":[0-9]*,"request":[0-9]*,"type":"' out &&
    fail "an object begins differently"
boundary=$(sed -n 's/^# entry index=4 .* first=\([0-9]*\) .*/\1/p' a.txt)
expect 0 "$MILLRACE" dump --data a --to $((boundary - 1))
mv out part.txt
expect 0 "$MILLRACE" load --data part --input part.txt $small
expect 0 "$MILLRACE" verify --data part --json
same "the part" $((boundary - 1)) "$(field last_sequence out)"
claim "a dump has a beginning and an end, wherever asked for"

# Bad ranges, and none at all.
for range in '--from 10 --to 5' '--from 0' '--to 0' '--from x' '--from-time 9 --to-time 8' \
    '--from 3 --from-time 4' '--to-time 1e9'; do
    # shellcheck disable=SC2086 # they are two words and more
    expect 2 "$MILLRACE" dump --data a $range
    one_line err
    [ ! -s out ] || fail "something is printed of $range"
    # shellcheck disable=SC2086
    expect 2 "$MILLRACE" dump --data a $range --json
    same "exit of $range" 2 "$(field exit out)"
done
expect 2 "$MILLRACE" dump --data a --to $((last + 1)) --from $((last + 1))
claim "a range that is none is bad usage, told as JSON where that is asked for"

# Times are those of the text.
"$MILLRACE" dump --data a --json >all.json
time_of() # SEQUENCE
{
    sed -n "$1{s/.*\"time\":\([0-9]*\),.*/\1/p;q}" all.json
}
for sequence in $(randoms "$seed" 6 8 "$last"); do
    from=$(time_of "$sequence")
    to=$(time_of $(((sequence + last) / 2)))
    expect 0 "$MILLRACE" dump --data a --from-time "$from" --to-time "$to" --json
    # Too large for awk's numbers, but all but the first few have as many digits.
    awk -F '"time":' -v from="$from" -v to="$to" '
        function least(a, b) {
            return length(a) < length(b) || length(a) == length(b) && a "" <= b ""
        }
        { split($2, t, ","); if (least(from, t[1]) && least(t[1], to)) print }' all.json |
        cmp - out || fail "not the commands from $from to $to"
done
expect 2 "$MILLRACE" dump --data a --from-time $(($(time_of "$last") + 1)) --json
claim "a dump begins and ends with any time"

# Beside a running engine: from the first command to the last, in the order of the journal.
mkfifo feed
"$MILLRACE" run --data live --input - $small --json <feed >live.out 2>live.err &
engine=$!
exec 4>feed
echo 'order_new instrument=1 order=1 side=buy price=1 quantity=1' >&4
tries=0
while [ ! -e live/journal/00000001.seg ] && [ $tries -lt 6000 ]; do
    sleep 0.01
    tries=$((tries + 1))
done
"$MILLRACE" dump --data live --follow >live.txt 2>follow.err &
started=$!
order=2
while [ $order -le 300 ]; do
    echo "order_new instrument=1 order=$order side=buy price=$order quantity=1"
    order=$((order + 1))
done >&4
tries=0
until grep -q 'order=300 ' live.txt || [ $tries -ge 6000 ]; do
    sleep 0.01
    tries=$((tries + 1))
done
grep -q 'order=300 ' live.txt || fail "after ten seconds: $(tail -n 1 live.txt) $(cat follow.err)"
kill -0 "$started" || fail "it ended by itself"
kill -INT "$started"
wait "$started" || fail "following ended with $?: $(cat follow.err)"
started=$engine
exec 4>&-
wait "$engine" || fail "the engine: $(cat live.err)"
started=
"$MILLRACE" dump --data live | cmp - live.txt || fail "not what the journal holds"
expect 0 "$MILLRACE" load --data tailed --input live.txt $small --json
same "commands" "$(field last_sequence live.out)" "$(field commands out)"
claim "a dump follows a running engine, and what it wrote until Ctrl-C is a whole dump"

# What lies in front of damage can still be had.
cp -r a broken
flip broken/journal/00000001.seg 200000
expect 3 "$MILLRACE" dump --data broken --json
same "exit" 3 "$(field exit out)"
expect 0 "$MILLRACE" dump --data broken --to 20 --json
head -n 20 all.json | cmp - out || fail "other commands"
claim "what lies in front of damage can be dumped"

# A dump that was changed, cut, or is none, makes nothing.
refuse() # WORDS FILE
{
    expect 2 "$MILLRACE" load --data none --input "$2" $small
    one_line err
    grep -q -- "$1" err || fail "no '$1' in: $(cat err)"
    [ ! -e none ] || fail "something was made of $2"
    claim "refused: $(cut -c 1-110 err)"
}
lines=$(wc -l <a.txt)
head -n $((lines - 1)) a.txt >cut.txt
refuse 'cut: the line that ends it is missing' cut.txt
head -n $((lines / 2)) a.txt >cut.txt
refuse 'cut: ' cut.txt
head -c $(($(wc -c <a.txt) - 5)) a.txt >cut.txt
refuse 'cut in the middle of a line\|not as dump writes it' cut.txt
sed '/^# entry/d' a.txt >changed.txt
refuse "run --input' takes any text" changed.txt
sed '/^# entry index=2 /d' a.txt >changed.txt
refuse 'changed.txt:[0-9]*: the entry has more commands' changed.txt
for line in $(randoms "$seed" 4 10 "$((lines - 10))"); do
    sed "${line}d" a.txt >changed.txt
    refuse 'changed.txt:' changed.txt
    sed "${line}s/=1/=2/" a.txt >changed.txt
    cmp -s changed.txt a.txt || refuse 'changed.txt:' changed.txt
done
echo 'order_cancel order=1 instrument=1' >typed.txt
refuse 'typed.txt:1: ' typed.txt
: >empty.txt
refuse 'cut: ' empty.txt
refuse 'missing.txt' missing.txt
cat a.txt - >changed.txt <<'END'
order_cancel order=1 instrument=1
END
refuse 'follows the line that ends' changed.txt

# Where it may not go.
expect 2 "$MILLRACE" load --data a --input a.txt
grep -q 'not empty' err || fail "$(cat err)"
expect 0 "$MILLRACE" replay --data a --json
same "the directory" "$(cat a.result)" "$(result out)"
mkdir full
: >full/letter
expect 2 "$MILLRACE" load --data full --input a.txt
[ -e full/letter ] || fail "somebody's file is gone"
claim "a directory that is not empty is refused, and left alone"

# Killed in the middle, it leaves nothing that looks like a journal, and the next load goes through.
mkdir killed
mkfifo pipe
"$MILLRACE" load --data killed $small <pipe 2>err &
started=$!
exec 3>pipe # kept open: there is always more to come
head -n $((lines / 2)) a.txt >&3
tries=0
while [ ! -e killed/.millrace-loading/journal/00000001.seg ] && [ $tries -lt 6000 ]; do
    sleep 0.01
    tries=$((tries + 1))
done
kill -9 "$started"
wait "$started" 2>/dev/null
started=
exec 3>&-
[ -e killed/.millrace-loading ] || fail "it was killed too early"
expect 2 "$MILLRACE" verify --data killed
expect 0 "$MILLRACE" load --data killed --input a.txt $small
same "what is there" "journal" "$(ls -A killed)"
"$MILLRACE" dump --data killed | cmp - a.txt || fail "the entries differ"
claim "after a kill there is no journal; the next load makes it"
