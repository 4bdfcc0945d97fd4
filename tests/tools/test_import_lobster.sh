#!/bin/sh
# LOBSTER message files: what becomes of each line, what the summary says of executions, and that a
# market which trades by price and time is followed in every one of them.
. "$(dirname "$0")/lib.sh"
seed 31
small='--segment-size 4 --json'

about() # FILE: what the summary in it says of executions, with what belongs to it
{
    tail -n 1 "$1" | sed 's/.*"traded_at_once"/"traded_at_once"/'
}

# Worked out by hand: executions of orders that we have, do not have, or have no longer.
cat >hand.csv <<'END'
34200.000000001,1,11,100,100000,1
34200.1,1,12,50,100000,1
34200.2,1,13,70,100100,-1
34200.3,4,11,60,100000,1
34200.4,2,11,10,100000,1
34200.5,4,11,30,100000,1
34200.6,5,0,25,100000,1
34200.7,4,9,20,100000,1
34200.8,4,10,5,100050,1
34200.9,4,12,50,100000,1
34201,1,14,10,100000,1
34201.1,1,15,10,100000,1
34201.2,4,15,10,100000,1
34201.3,4,14,10,100000,1
34201.4,1,16,10,100000,1
34201.5,4,8,10,100000,1
34201.6,4,16,10,100000,1
34201.7,3,16,10,100000,1
34201.8,2,7,5,100000,1
34202,7,0,0,-1,-1
34202.1,1,17,10,99900,1
34202.2,4,13,10,100100,-1
34202.4,7,0,0,0,-1
34202.5,7,0,0,1,-1
34202.6,6,-1,500,100000,-1
34202.7,4,17,10,99900,1
34202.8,4,13,70,100100,-1
34202.9,1,18,5,100200,-1
34203,1,19,8,100200,1
34203.1,4,18,5,100200,-1
34203.2,4,19,8,100200,1
34203.3,1,20,5,100300,-1
34203.4,1,21,5,100300,1
34203.5,4,21,5,100300,1
34203.6,1,22,4,99800,1
34203.7,1,23,10,99800,1
34203.8,4,23,10,99800,1
END
# line  what is filled                                  counts as
#    4  60 of 11                                        same
#    6  30 of 11, whose total is 90 by then: all        same
#    8  20 of 12, which stands next; 9 never came       unknown, earlier, others filled
#    9  nothing at 10.0050 or above                     unknown, earlier; 5 unfilled
#   10  30 of 12, all that is left of it                same; 20 unfilled
#   13  10 of 14, which came before 15                  other, passed over
#   14  10 of 15: 14 was filled in line 13              unknown, gone, others filled
#   16  10 of 16; 8 never came                          unknown, earlier, others filled
#   17  nothing: 16 was filled in line 16               unknown, gone; 10 unfilled
#   18, 19                                              rejected: no such orders
#   21, 22  nothing: halted. 13 stands                  rejected; other, nothing filled
#   26  nothing: 17 was rejected                        unknown, gone; 10 unfilled
#   27  70 of 13                                        same
#   29  19 takes 5 of 18 at once, 3 rest
#   30  nothing: 18 is gone                             unknown, gone; 5 unfilled
#   31  3 of 19                                         same; 5 unfilled
#   33  21 takes all of 20 at once
#   34  nothing: 21 is gone, too                        unknown, gone; 5 unfilled
#   37  4 of 22, then 6 of 23                           other, passed over
wanted='"traded_at_once":2,"rejected_new":{"market_halted":1},'
wanted=$wanted'"rejected_cancel":{"unknown_order":1},"rejected_replace":{"unknown_order":1},'
wanted=$wanted'"hidden_executions":1,"cross_trades":1,'
wanted=$wanted'"halts":1,"quotes_resumed":1,"resumes":1,"executions":{"total":16,"same_order":5,'
wanted=$wanted'"other_order":3,"unknown_order":8,"passed_over":2,"nothing_filled":1,'
wanted=$wanted'"earlier_nothing_filled":1,"earlier_other_filled":2,"gone_nothing_filled":4,'
wanted=$wanted'"gone_other_filled":1,"unfilled":7,"unfilled_quantity":60,'
wanted=$wanted'"rejected":{"market_halted":1}}}'
expect 0 "$MILLRACE" run --data h --input hand.csv --format lobster --date 2012-06-21 $small
same "executions" "$wanted" "$(about out)"
result out >h.result
same "trades" 13 "$(field trades out)"
same "rejects" 4 "$(sed -n 's/^rejects=//p' h.result)"
same "commands: genesis, two sessions, the stock, and 34 of 37 lines" 38 "$(field commands out)"
expect 0 "$MILLRACE" run --data h --input hand.csv --date 2012-06-21 $small
same "executions, told again" "$wanted" "$(about out)"
same "the same again" "$(cat h.result)" "$(result out)"
claim "same, other and unknown orders are told apart as worked out by hand, with their causes"

expect 0 "$MILLRACE" dump --data h
for line in 'order_new sequence=5 time=1340271000000000001 .* request=1 order=11 .*=buy .*tif=gtc' \
    'order_new .* request=4 correlation=11 order=9223372036854775812 .*side=sell .*tif=ioc' \
    'order_replace .* request=5 .*order=11 .*quantity=90 .*basis=total' \
    'order_new .* request=8 correlation=9 order=13835058055282163720 .*side=sell .*tif=ioc' \
    'order_cancel .* request=18 .*order=16 ' \
    'phase_set .* session=1 request=21 role=operator instrument=1 phase=halted' \
    'phase_set .* session=1 request=25 role=operator instrument=1 phase=continuous'; do
    grep -q "^$line" out || fail "no '$line' in $(cat out)"
done
expect 0 "$MILLRACE" run --data people --input hand.csv --segment-size 4
for line in 'executions *16 of visible' 'same order *5 *31.25%' 'other order *3 ' \
    'unknown order *8 ' '2  *some fill hit another' 'rejected *1 executions: market_halted 1'; do
    grep -q "^ *$line" out || fail "no '$line' in $(cat out)"
done
head -n 20 hand.csv >halted.csv
expect 0 "$MILLRACE" run --data halted --input halted.csv --segment-size 4
grep -q 'LOBSTER: 7 trades, 0 bids and 1 asks rest; trading is halted$' out || fail "$(cat out)"
claim "each line is the command that it should be, and people are told, too"

# Killed behind a line, it goes on with the next: the journal is cut with dump and load, behind
# every third entry. (What the source does behind any line, test_source_lobster.c tells.)
expect 0 "$MILLRACE" run --data slow --input hand.csv --date 2012-06-21 --rate 60 $small
expect 0 "$MILLRACE" dump --data slow
mv out slow.txt
entries=$(sed -n 's/^# entry index=\([0-9]*\) .*/\1/p' slow.txt | awk 'NR % 3 == 2')
for entry in $entries; do
    before=$(sed -n "s/^# entry index=$entry .* first=\([0-9]*\) .*/\1/p" slow.txt)
    "$MILLRACE" dump --data slow --to $((before - 1)) |
        "$MILLRACE" load --data "cut.$entry" --segment-size 4 2>err || fail "$(cat err)"
    expect 0 "$MILLRACE" run --data "cut.$entry" --input hand.csv --date 2012-06-21 $small
    same "gone on behind sequence $((before - 1))" "$(cat h.result)" "$(result out)"
    same "executions, gone on behind sequence $((before - 1))" "$wanted" "$(about out)"
done
claim "a run that stops goes on with the next, and counts what came before"

expect 2 "$MILLRACE" run --data h --input hand.csv --date 2012-06-22 $small
grep -q 'another input' err || fail "$(cat err)"
expect 2 "$MILLRACE" run --data e --input hand.csv --date 2012-06-31 $small
grep -q 'YYYY-MM-DD' err || fail "$(cat err)"
expect 2 "$MILLRACE" run --data e --input gen:orders=5 --date 2012-06-21 $small
grep -q 'format lobster' err || fail "$(cat err)"
[ ! -e e ] || fail "a refused command line made the directory"
claim "--date is part of the input, a day, and for this format"

# A random market, which trades by price and time by itself.
awk -v seed="$seed" -v lines=30000 -f "$here/lobster.awk" >market.csv
executed=$(grep -c '^[^,]*,4,' market.csv)
[ "$executed" -gt 5000 ] || fail "only $executed executions"
expect 0 "$MILLRACE" run --data m --input market.csv $small
result out >m.result
about out >m.about
same "executions" "$executed" "$(field total out)"
same "of the same order" "$executed" "$(field same_order out)"
same "not filled" 0 "$(field unfilled out)"
same "trades" "$executed" "$(field trades out)"
same "rejects" 0 "$(sed -n 's/^rejects=//p' m.result)"
same "hidden" "$(grep -c '^[^,]*,5,' market.csv)" "$(field hidden_executions out)"
expect 0 "$MILLRACE" replay --data m --events --json
sed -n 's/.*"type":"order_cancelled".*"order":\([0-9]*\),"remaining":\([0-9]*\),.*/\1 \2/p' \
    out >cancelled
awk -F, '$2 == 3 { print $3, $4 }' market.csv >deleted
cmp cancelled deleted || fail "$(diff cancelled deleted | head -n 4)"
claim "all $executed executions of a random market hit the very order, and all $(wc -l <deleted)" \
    "deletions find what the exchange says"

for ms in $(randoms "$seed" 6 5 60); do
    "$MILLRACE" run --data k --input market.csv $small >/dev/null 2>&1 &
    started=$!
    sleep "$(printf '0.%03d' "$ms")"
    kill -9 "$started" 2>/dev/null
    wait "$started" 2>/dev/null
    started=
done
expect 0 "$MILLRACE" run --data k --input market.csv $small
same "after six kills" "$(cat m.result)" "$(result out)"
same "executions after six kills" "$(cat m.about)" "$(about out)"
claim "six kills later the result and the executions are the same"

# A file that begins in the middle of the day: orders from before it stand nowhere.
tail -n +10000 market.csv >cut.csv
earlier=$(awk -F, '$2 == 1 { entered[$3] } $2 == 4 && !($3 in entered)' cut.csv | wc -l)
expect 0 "$MILLRACE" run --data cut --input cut.csv $small
same "executions of orders from before the file" "$earlier" \
    $(($(field earlier_nothing_filled out) + $(field earlier_other_filled out)))
same "executions" "$(grep -c '^[^,]*,4,' cut.csv)" \
    $(($(field same_order out) + $(field other_order out) + $(field unknown_order out)))
[ "$earlier" -gt 0 ] || fail "no order stood before the file began"
claim "$earlier executions are of orders that stood before the file began"

# Malformed lines at random places.
lines=$(randoms "$seed" 5 2 30000 | sort -nu)
awk -v lines="$lines" 'BEGIN { n = split(lines, l, "\n"); for (i in l) bad[l[i]] }
    NR in bad { sub(/,/, ";") } { print }' market.csv >bad.csv
first=$(echo "$lines" | head -n 1)
expect 2 "$MILLRACE" run --data b --input bad.csv --format lobster $small
one_line err
grep -q "bad.csv:$first: the line does not have 6 columns" err || fail "$(cat err)"
claim "--on-error stop: $(cat err)"
expect 0 "$MILLRACE" run --data b --input bad.csv --on-error skip $small
same "skipped lines" "$lines" "$(sed -n 's/.*bad.csv:\([0-9]*\):.*skipped/\1/p' err)"
result out >b.result
about out >b.about
expect 0 "$MILLRACE" run --data c --input bad.csv --on-error skip $small
same "stopped and gone on, or at once" "$(cat b.result)" "$(result out)"
same "executions, stopped and gone on, or at once" "$(cat b.about)" "$(about out)"
claim "--on-error skip leaves out $(echo "$lines" | wc -l) lines and nothing else"
