#!/bin/sh
# recover says what a start would do, and does it; the plan does nothing.
. "$(dirname "$0")/lib.sh"

input='--input gen:orders=4000,seed=5'
small='--segment-size 4'
segment=journal/00000001.seg

files() # DIRECTORY: names and contents
{
    (cd "$1" && find . -type f -exec cksum {} + | sort)
}

# Clean.
expect 0 "$MILLRACE" run --data a $input $small --json
result out >a.result
before=$(files a)
expect 0 "$MILLRACE" recover --data a --plan --json
for pair in ok=true plan=true case=A durability=disk generation=1 torn=false; do
    same "${pair%%=*}" "${pair#*=}" "$(field "${pair%%=*}" out)"
done
same "last sequence" "$(sed -n 's/^last_sequence=//p' a.result)" "$(field last_sequence out)"
expect 0 "$MILLRACE" recover --data a --plan
grep -q 'case A' out || fail "$(cat out)"
same "the files after two plans" "$before" "$(files a)"
expect 0 "$MILLRACE" recover --data a --json
same "plan" false "$(field plan out)"
expect 0 "$MILLRACE" run --data a $input --json
same "a run after it" "$(cat a.result)" "$(result out)"
claim "a clean journal is clean before and after"

# Beside a running engine.
"$MILLRACE" run --data live --input gen:orders=4000000 --rate 200000 $small --acks live.acks \
    >/dev/null 2>&1 &
started=$!
while [ ! -s live.acks ]; do
    sleep 0.01
done
for round in 1 2 3 4; do
    expect 0 "$MILLRACE" recover --data live --plan --json
    [ "$(field last_sequence out)" -gt 0 ] || fail "round $round: $(cat out)"
done
expect 4 "$MILLRACE" recover --data live --json
same "exit" 4 "$(field exit out)"
grep -q 'in use' err || fail "$(cat err)"
claim "the plan works beside a running engine, recovering does not"

# What a kill leaves.
kill -9 "$started" || fail "it was done before it could be killed"
wait "$started" 2>/dev/null
started=
expect 0 "$MILLRACE" recover --data live --json
expect 0 "$MILLRACE" verify --data live --acks live.acks --json
same "torn" false "$(field torn out)"
claim "after a kill it recovers, and all that was acknowledged is there"

# A torn tail, made by hand: a frame behind the last one, whose second half was lost.
cp -r a torn
used=$(od -An -tx1 -v -w4096 torn/$segment | awk 'NR > 4 && /^( 00)*$/ { print NR - 1; exit }')
dd if=torn/$segment of=torn/$segment bs=512 count=1 skip=$((16384 / 512)) \
    seek=$((used * 8 + 3)) conv=notrunc 2>/dev/null
before=$(files torn)
expect 0 "$MILLRACE" recover --data torn --plan --json
same "case" B "$(field case out)"
same "torn" true "$(field torn out)"
same "torn bytes" 4096 "$(field torn_bytes out)"
same "its place" $((used * 4096)) "$(field torn_offset out)"
expect 0 "$MILLRACE" recover --data torn --plan
grep -q 'would do' out || fail "$(cat out)"
same "the files after two plans" "$before" "$(files torn)"
expect 0 "$MILLRACE" recover --data torn --json
archive=$(field archive out)
same "the archive's size" 4096 "$(wc -c <"torn/$archive")"
expect 0 "$MILLRACE" recover --data torn --plan --json
same "case" A "$(field case out)"
expect 0 "$MILLRACE" run --data torn $input --json
same "a run after it" "$(cat a.result)" "$(result out)"
claim "a torn tail is planned, then archived and cleared"

# Refused, and why.
refuse() # CASE: of what directory b holds
{
    before=$(files b)
    for plan in --plan ''; do
        # shellcheck disable=SC2086 # it may be no word
        expect 3 "$MILLRACE" recover --data b $plan --json
        same "case" "$1" "$(field case out)"
        same "ok" false "$(field ok out)"
        same "hint" "millrace repair --data b" "$(field hint out)"
        [ "$(field sequence out)" -ge 1 ] || fail "no sequence: $(cat out)"
        # shellcheck disable=SC2086
        expect 3 "$MILLRACE" recover --data b $plan
        one_line err
        grep -q "case $1\\." out || fail "$(cat out)"
        grep -q 'millrace repair --data b' out || fail "no next step: $(cat out)"
    done
    same "the files" "$before" "$(files b)"
    rm -rf b
    claim "refused: $(cut -c 1-110 err)"
}
cp -r a b
flip b/$segment 20000
refuse C
cp -r a b
flip b/$segment 4100
refuse F
cp -r a b
flip b/$segment 50
flip b/$segment 8250
refuse G
cp -r a b
truncate -s 1000000 b/$segment
refuse G
mkdir -p b/journal
cp a/$segment b/journal/00000002.seg
refuse H
cp -r a b
echo nonsense >b/journal/truncation
refuse M

cp -r a b
flip b/$segment 50
expect 0 "$MILLRACE" recover --data b --plan
grep -q 'case L' out || fail "$(cat out)"
grep -q 'millrace repair --data b' out || fail "no next step: $(cat out)"
expect 0 "$MILLRACE" recover --data b --json
same "the damaged copy" $segment "$(field head_segment out)"
claim "one damaged copy of a superblock is told of, and is no reason to stop"

expect 2 "$MILLRACE" recover --data nowhere --plan --json
same "exit" 2 "$(field exit out)"
expect 2 "$MILLRACE" recover
claim "where there is no journal, it says so"
