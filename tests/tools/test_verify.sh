#!/bin/sh
# One flipped byte anywhere is found and named; what a crash leaves is no damage.
. "$(dirname "$0")/lib.sh"
seed 37

input='--input gen:orders=4000,seed=5'
small='--segment-size 4'
segment=journal/00000001.seg

expect 0 "$MILLRACE" run --data a $input $small --acks acks --json
result out >a.result
expect 0 "$MILLRACE" verify --data a --json
same "ok" true "$(field ok out)"
same "last sequence" "$(sed -n 's/^last_sequence=//p' a.result)" "$(field last_sequence out)"
expect 0 "$MILLRACE" verify --data a
grep -q intact out || fail "$(cat out)"
claim "a journal that nobody touched is intact"

# Frames begin at 16 KiB; 6,000 commands of 72 bytes and more make at least 400,000 bytes of them.
for offset in 4100 12300 16384 $(randoms "$seed" 8 16384 400000); do
    rm -rf b
    cp -r a b
    flip b/$segment "$offset"
    before=$(cksum b/$segment)
    expect 3 "$MILLRACE" verify --data b --json
    same "segment" $segment "$(field segment out)"
    [ "$(field offset out)" -le "$offset" ] || fail "flipped $offset: $(cat out)"
    [ "$(field sequence out)" -ge 1 ] || fail "no sequence: $(cat out)"
    same "hint" "millrace repair --data b" "$(field hint out)"
    expect 3 "$MILLRACE" verify --data b
    one_line err
    grep -q 'millrace repair --data b' out || fail "no next step: $(cat out)"
    grep -q "$segment.*offset.*sequence" err || fail "not named: $(cat err)"
    expect 3 "$MILLRACE" run --data b $input
    expect 3 "$MILLRACE" replay --data b --json
    expect 3 "$MILLRACE" dump --data b
    same "the segment after all that" "$before" "$(cksum b/$segment)"
done
claim "eleven flipped bytes: verify exits 3 and names the place, run refuses, nothing changes"

# One copy of a superblock may be lost.
for offset in 0 50 4095 8192 8300; do
    rm -rf b
    cp -r a b
    flip b/$segment "$offset"
    expect 1 "$MILLRACE" verify --data b --json
    same "ok" false "$(field ok out)"
    same "the segment of the copy" $segment "$(field head_segment out)"
    same "its offset" $((offset / 8192 * 8192)) "$(field head_offset out)"
    expect 1 "$MILLRACE" verify --data b
    one_line err
    grep -q "$segment.*repair --data b" err || fail "not named: $(cat err)"
    expect 0 "$MILLRACE" run --data b $input --json
    same "what it holds" "$(cat a.result)" "$(result out)"
    expect 1 "$MILLRACE" verify --data b
done
claim "one damaged copy of a superblock is a finding, and a run goes on with the other"

# Read-only.
if [ "$(id -u)" -ne 0 ]; then
    chmod -R a-w a
    expect 0 "$MILLRACE" verify --data a
    expect 0 "$MILLRACE" replay --data a
    expect 0 "$MILLRACE" dump --data a
    chmod -R u+w a
    claim "a directory that cannot be written is verified, replayed and dumped"
fi

# Acknowledgements.
expect 0 "$MILLRACE" verify --data a --acks acks --json
same "acks" "$(wc -l <acks)" "$(field acks out)"
{
    cat acks
    printf '999'
} >more
expect 0 "$MILLRACE" verify --data a --acks more
grep -q 'incomplete' err || fail "the cut line is passed over in silence"
{
    cat acks
    echo '999999 7'
    echo '1000000 8'
} >more
expect 1 "$MILLRACE" verify --data a --acks more --json
one_line err
grep -q '2 of .* sequence 999999, request 7' err || fail "$(cat err)"
same "ok" false "$(field ok out)"
sed '5s/ / 1/' acks >more
expect 1 "$MILLRACE" verify --data a --acks more
echo 'nonsense' >more
expect 2 "$MILLRACE" verify --data a --acks more
expect 2 "$MILLRACE" verify --data a --acks nowhere
claim "what was acknowledged and is missing is found"

# Beside a running engine, and what it leaves when it is killed.
"$MILLRACE" run --data live --input gen:orders=4000000 --rate 400000 $small --acks live.acks \
    >/dev/null 2>&1 &
started=$!
while [ ! -s live.acks ]; do
    sleep 0.01
done
rounds=0
while [ $rounds -lt 6 ]; do
    expect 0 "$MILLRACE" verify --data live --json
    seen=$(field last_sequence out)
    [ "$seen" -gt 0 ] || fail "nothing seen of a running engine"
    expect 0 "$MILLRACE" replay --data live --to 100 --json
    same "replay to 100" 100 "$(field last_sequence out)"
    rounds=$((rounds + 1))
done
kill -9 "$started" || fail "it was done before it could be killed"
wait "$started" 2>/dev/null
started=
cp -r live copy
expect 0 "$MILLRACE" verify --data live --acks live.acks --json
torn=$(field torn out)
expect 0 "$MILLRACE" verify --data copy --acks live.acks
claim "a running engine's directory verifies, and so does what a kill leaves (torn: $torn)"

echo '999999 7' >more
expect 2 "$MILLRACE" run --data new $input --acks more
[ ! -e new ] || fail "a refused --acks leaves a journal"
expect 2 "$MILLRACE" verify --data nowhere
mkdir empty
expect 2 "$MILLRACE" verify --data empty
claim "where there is no journal, it says so"
