#!/bin/sh
# Lines with more=1 and the one behind them are one batch: of run, of a dump that is fed in again or
# loaded, of a run that was killed. A batch is there whole or not at all.
. "$(dirname "$0")/lib.sh"
seed 5
kills=${MR_KILLS:-8}

# SEED COUNT LARGEST: orders in batches of random sizes.
batches()
{
    awk -v seed="$1" -v count="$2" -v largest="$3" 'BEGIN {
        srand(seed)
        left = 1
        for (order = 1; order <= count; order++) {
            if (--left == 0)
                left = rand() < 0.3 ? 1 : 1 + int(rand() * largest)
            printf "order_new order=%d instrument=1 side=%s price=%d quantity=5%s\n", order,
                rand() < 0.5 ? "buy" : "sell", 95 + int(rand() * 10),
                (left > 1 && order < count) ? " more=1" : ""
        }
    }'
}

# The sizes of a journal's batches, of the orders in it, or of a text's.
sizes() # [DIRECTORY]
{
    if [ $# -eq 0 ]; then cat; else "$MILLRACE" dump --data "$1"; fi |
        awk '/^order_new/ { n++; if (!/ more=1/) { print n; n = 0 } }
            END { if (n) print n, "open" }'
}

batches "$seed" 3000 40 >in.txt
expect 0 "$MILLRACE" run --data a --input in.txt --json
whole=$(result out)
same "batches" "$(sizes <in.txt)" "$(sizes a)"
expect 0 "$MILLRACE" run --data piped --input - --json <in.txt
same "batches through a pipe" "$(sizes <in.txt)" "$(sizes piped)"
[ "$(sizes a | sort -n | tail -n 1)" -gt 20 ] || fail "no batches: $(sizes a)"
claim "$(sizes a | wc -l) batches of a text are those of the journal"

expect 0 "$MILLRACE" verify --data a
expect 0 "$MILLRACE" replay --data a
"$MILLRACE" dump --data a >a.txt || fail "dump"
expect 0 "$MILLRACE" run --data b --input a.txt --json
same "a dump that is run" "$whole" "$(result out)"
same "batches of a dump that is run" "$(sizes a)" "$(sizes b)"
head -n 1500 a.txt >half.txt
awk '{ line[NR] = $0 } END {
    while (line[NR] ~ / more=1/)
        NR--
    for (i = 1; i <= NR; i++)
        print line[i]
}' half.txt >whole-half.txt
expect 0 "$MILLRACE" run --data c --input whole-half.txt
expect 0 "$MILLRACE" run --data c --input a.txt --json
same "a dump that goes on" "$whole" "$(result out)"
same "batches of a dump that goes on" "$(sizes a)" "$(sizes c)"
sed '/more=1/{s/ more=1//;:a;n;ba}' a.txt >other.txt
expect 2 "$MILLRACE" run --data c --input other.txt
grep -q 'differ at sequence' err || fail "another batch is not another journal: $(cat err)"
expect 0 "$MILLRACE" load --data d --input a.txt
"$MILLRACE" dump --data d | cmp - a.txt || fail "what was loaded differs"
claim "a dump, run or loaded, gives the same batches"

# An entry of a dump that ends within a batch cannot be.
awk '/^order_new/ { last = NR } { line[NR] = $0 } END {
    for (i = 1; i <= NR; i++) {
        if (i == last)
            sub(/ order=/, " more=1 order=", line[i])
        print line[i]
    }
}' a.txt >torn.txt
expect 2 "$MILLRACE" load --data e --input torn.txt
grep -q 'its batch has no end' err || fail "$(cat err)"
claim "load refuses an entry whose last batch has no end"

order='order_new instrument=1 side=buy price=100 quantity=5'
printf '%s\n' "$order order=1" '# nothing' "$order order=2 more=1" "$order order=3 more=1" >open.txt
expect 2 "$MILLRACE" run --data f --input open.txt
grep -q 'open.txt:3:1: the batch that begins here has no end' err || fail "which line? $(cat err)"
same "what came before" "1" "$(sizes f)"
expect 0 "$MILLRACE" run --data g --input open.txt --on-error skip
same "skipped" "1" "$(sizes g)"
claim "a batch without an end is not begun, and its first line is told"

printf '%s\n' "$order order=1 more=1" 'order_new side=by more=1' "$order order=2 more=1" \
    "$order order=3" "$order order=4 more=1" "$order order=5" "$order order=6 more=1" 'nonsense' \
    "$order order=7" >bad.txt
expect 2 "$MILLRACE" run --data h --input bad.txt
same "nothing before the bad line" "" "$(sizes h)"
expect 0 "$MILLRACE" run --data i --input bad.txt --on-error skip
same "batches without a bad line" "2 1 " "$(sizes i | tr '\n' ' ')"
grep -q 'skipped, and all of its batch' err || fail "$(cat err)"
claim "a malformed line takes its batch with it, and no other"

batches 1 8190 1 | sed 's/$/ more=1/;$s/ more=1//' >largest.txt
expect 0 "$MILLRACE" run --data j --input largest.txt
same "the largest batch" 8190 "$(sizes j)"
batches 1 8191 1 | sed 's/$/ more=1/;$s/ more=1//' >larger.txt
expect 2 "$MILLRACE" run --data k --input larger.txt
grep -q 'larger.txt:8191:1: the batch that begins at line 1 is too large' err || fail "$(cat err)"
same "one too many" "" "$(sizes k)"
claim "8,190 commands are a batch, and not one more"

# Killed, over and over.
batches "$seed" 60000 3000 >long.txt
expect 0 "$MILLRACE" run --data whole --input long.txt --json
whole=$(result out)
killed=0
for ms in $(randoms "$seed" "$kills" 5 150); do
    "$MILLRACE" run --data killed --input long.txt --segment-size 4 --acks acks >out 2>err &
    started=$!
    sleep "$(printf '0.%03d' "$ms")"
    kill -9 "$started" 2>/dev/null && killed=$((killed + 1))
    wait "$started" 2>/dev/null
    started=
    [ ! -d killed/journal ] || ! sizes killed | grep open || fail "part of a batch"
done
expect 0 "$MILLRACE" run --data killed --input long.txt --acks acks --json
same "after $killed kills" "$whole" "$(result out)"
same "batches after $killed kills" "$(sizes <long.txt)" "$(sizes killed)"
check_acks acks killed
claim "$killed kills, and never a part of a batch; what was acknowledged is there"
