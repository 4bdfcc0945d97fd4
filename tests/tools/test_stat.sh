#!/bin/sh
# What `stat` tells agrees with what the run itself reports; it tells of a running engine, of one
# that was halted, killed or stopped, of the disk that is full; and nobody minds its file.
. "$(dirname "$0")/lib.sh"

small='--segment-size 4'

value() # NAME: of the values in the JSON in `out`
{
    sed -n "s/.*\"values\":{[^}]*\"$1\":\([0-9]*\).*/\1/p" out | tail -n 1
}

health() # EXPECTED
{
    same "health" "$1" "$(sed -n 's/^{[^{]*"health":"\([a-z]*\)".*/\1/p' out | tail -n 1)"
}

# A run that has ended.
expect 0 "$MILLRACE" run --data a --input gen:orders=20000,seed=5 $small --json
cp out report
expect 0 "$MILLRACE" stat --data a --json
health stopped
for pair in applied=last_sequence sequenced=last_sequence durable=durable_sequence events=events \
    rejects=rejects accepted=commands batches=commands; do
    same "$pair" "$(field "${pair#*=}" report)" "$(value "${pair%=*}")"
done
same "states" '"doing":"stopped"' "$(grep -o '"doing":"[a-z]*"' out)"
same "errors" '"errors":[]' "$(grep -o '"errors":\[\]' out)"
for ring in input block output; do
    same "$ring ring in use" 0 "$(value ${ring}_used)"
done
same "commands in blocks" "$(field commands report)" \
    "$(sed -n 's/.*"block_commands":{"count":[0-9]*,"sum":\([0-9]*\).*/\1/p' out)"
claim "after a run: $(value applied) commands, $(value events) events, as the run says"

# The same for people, and that the run itself says nothing about it.
expect 0 "$MILLRACE" stat --data a
grep -q 'stopped in order' out || fail "$(cat out)"
awk 'length > 100 { print; long = 1 } END { exit long }' out || fail "too wide"
claim "for people: $(head -n 1 out)"
expect 0 "$MILLRACE" run --data a --input gen:orders=20000,seed=5
grep -q -i 'counter\|warning' err && fail "a run speaks of its counters: $(cat err)"

# Nobody takes the file for anything else.
expect 0 "$MILLRACE" verify --data a
expect 0 "$MILLRACE" recover --plan --data a
expect 0 "$MILLRACE" replay --data a
expect 0 "$MILLRACE" repair --data a
expect 0 "$MILLRACE" run --data a --input gen:orders=20000,seed=5 --json
same "the run after all that" "$(field last_sequence report)" "$(field last_sequence out)"
expect 0 "$MILLRACE" stat --file a/counters.previous --once
claim "verify, recover, replay, repair and the next run do not mind it; the life before is kept"

# A running engine.
"$MILLRACE" run --data live --input gen:orders=4000000 --rate 50000 $small >/dev/null 2>&1 &
started=$!
until [ -e live/counters ] && "$MILLRACE" stat --data live --json >out 2>/dev/null &&
    [ "$(value applied)" -gt 1000 ]; do
    sleep 0.05
done
health well
first=$(value applied)
same "the process" "$started" "$(field pid out)"
until "$MILLRACE" stat --data live --json >out && [ "$(value applied)" -gt "$first" ]; do
    sleep 0.05
done
# Read one after the other: what is behind may have been read later, and be ahead of it by that.
[ "$(value durable)" -gt 0 ] && [ "$(value accepted)" -gt 0 ] || fail "$(cat out)"
others=$started
begin "$MILLRACE" stat --data live --watch --json
until grep -q '"per_second":{.*"applied":[1-9]' out; do
    sleep 0.05
done
end INT 0
started=$others others=
head -n 1 out | grep -q per_second && fail "rates from one look"
until "$MILLRACE" stat --data live >out; do
    sleep 0.05
done
grep -q 'running.* for' out || fail "$(cat out)"
claim "a running engine's numbers rise; rates are told from the second look on; SIGINT ends that"

# Halted, and gone on.
kill -STOP "$started"
sleep 0.2
expect 1 "$MILLRACE" stat --data live --once
grep -q HALTED out || fail "$(cat out)"
expect 1 "$MILLRACE" stat --data live --json
health halted
kill -CONT "$started"
until "$MILLRACE" stat --data live --once >out; do
    sleep 0.05
done
claim "a halted engine is told from a running one"

# Killed.
kill -9 "$started" || fail "it was done before it could be killed"
wait "$started" 2>/dev/null
started=
expect 1 "$MILLRACE" stat --data live --once
grep -q 'DEAD.*not running since 20[0-9][0-9]-.*last state: running' out || fail "$(cat out)"
expect 1 "$MILLRACE" stat --data live --json
health dead
dead=$(value durable)
expect 0 "$MILLRACE" verify --data live --json
[ "$(field last_sequence out)" -ge "$dead" ] ||
    fail "counters claim $dead as durable, the journal has $(field last_sequence out)"
cp -r live copy
expect 1 "$MILLRACE" stat --data copy --once
claim "a killed engine is dead, and so is a copy; the journal has what the counters call durable"

"$MILLRACE" recover --data live >/dev/null 2>&1 || fail "it does not recover"
[ ! -e live/counters.previous ] || fail "recover is no engine, and yet makes counters"
"$MILLRACE" stat --data live --watch --json >watched &
started=$!
until [ -s watched ]; do
    sleep 0.05
done
others=$started
begin "$MILLRACE" run --data live --input gen:orders=4000000 --rate 50000
until tail -n 1 watched | grep -q '"health":"well"'; do
    sleep 0.05
done
end INT 0
started=$others others=
until tail -n 1 watched | grep -q '"health":"stopped"'; do
    sleep 0.05
done
head -n 1 watched | grep -q '"health":"dead"' || fail "$(head -n 1 watched)"
kill "$started"
wait "$started" || fail "SIGTERM gives $?"
started=
expect 1 "$MILLRACE" stat --file live/counters.previous --once
grep -q DEAD out || fail "$(cat out)"
expect 0 "$MILLRACE" stat --data live --once
claim "the next life keeps what the dead one left, and who watches goes over to it"

# On a terminal.
if command -v script >/dev/null; then
    TERM=xterm LC_ALL=C.UTF-8 script -qec "timeout -s INT 2.5 '$MILLRACE' stat --data live" \
        /dev/null >screen </dev/null
    [ "$(grep -c 'input ring' screen)" -ge 2 ] || fail "it does not look again: $(cat screen)"
    esc=$(printf '\033')
    grep -q "$esc\[H$esc\[J" screen || fail "it does not draw over what it drew"
    grep -q '░' screen || fail "no bars"
    NO_COLOR=1 TERM=xterm script -qec "'$MILLRACE' stat --data a --once" /dev/null \
        >screen </dev/null
    grep -q "$esc\[[0-9;]*m" screen && fail "colours in spite of NO_COLOR"
    claim "a terminal is drawn anew each second, NO_COLOR is heeded"
fi

# Trouble with the file is told, and the run goes on.
mkdir -p odd/counters.new
expect 0 "$MILLRACE" run --data odd --input gen:orders=100 $small
grep -q 'warning: cannot make the counters.*the engine works on' err || fail "$(cat err)"
claim "no counters: $(cut -c 1-100 err)"
expect 2 "$MILLRACE" stat --data odd --once

# What is no file of counters.
expect 2 "$MILLRACE" stat --data nowhere
one_line err
expect 2 "$MILLRACE" stat --file a/journal/00000001.seg
one_line err
head -c 5000 a/counters >short
expect 3 "$MILLRACE" stat --file short --json
cp a/counters newer
flip newer 8
expect 3 "$MILLRACE" stat --file newer
for wrong in '' '--data a --file b' '--data a --watch --once' '--data a --json --openmetrics'; do
    # shellcheck disable=SC2086 # several words
    expect 2 "$MILLRACE" stat $wrong
done
claim "anything else is refused by name"

# The table in the documentation is the list.
expect 0 "$MILLRACE" stat --list
[ "$(wc -l <out)" -gt 50 ] || fail "a short list: $(cat out)"
grep millrace_ out >listed
while read -r line; do
    grep -q -F -x -e "$line" "$here/../../docs/counters.md" ||
        fail "docs/counters.md does not have the line that 'millrace stat --list' prints: $line"
done <listed
same "lines of the table" "$(wc -l <listed)" \
    "$(grep -c '^|.*millrace_' "$here/../../docs/counters.md")"
claim "docs/counters.md has every counter, and none that does not exist"

# A full disk.
mkdir disk
mount -t tmpfs -o size=24m tmpfs disk 2>/dev/null || {
    echo "not shown: a full disk (cannot mount a file system here)"
    exit 0
}
trap 'umount -l "$scratch/disk" 2>/dev/null; clean_up' EXIT
expect 4 "$MILLRACE" run --data disk/d --input gen:orders=200000,seed=6 --segment-size 8
expect 1 "$MILLRACE" stat --data disk/d --json
health failed
grep -q '"place":"engine","code":"E_NO_SPACE","count":1,' out || fail "$(cat out)"
grep -q '"level":"warning","place":"space"' out || fail "$(cat out)"
expect 1 "$MILLRACE" stat --data disk/d
grep -q FAILED out || fail "$(cat out)"
claim "on a full disk: $(grep E_NO_SPACE out | cut -c 1-100)"
