#!/bin/sh
# repair says what it would do, does it when it is told to, and loses only what was named.
. "$(dirname "$0")/lib.sh"
seed 41

input='--input gen:orders=40000,seed=5'
small='--segment-size 4'

files() # DIRECTORY: names and contents
{
    (cd "$1" && find . -type f -exec cksum {} + | sort)
}

expect 0 "$MILLRACE" run --data a $input $small --acks acks --json
result out >a.result
"$MILLRACE" dump --data a --json >a.json
[ -e a/journal/00000002.seg ] || fail "only one segment"
last=$(wc -l <a.json)
before=$(files a)
expect 0 "$MILLRACE" repair --data a
grep -q 'nothing to repair' out || fail "$(cat out)"
expect 0 "$MILLRACE" repair --data a --apply --json
same "steps" 0 "$(field step_count out)"
same "the files" "$before" "$(files a)"
claim "a whole journal is left alone"

# Nothing is lost.
mend() # WORDS: directory b is mended, and is then what a is
{
    before=$(files b)
    expect 1 "$MILLRACE" repair --data b --json
    same "lose_from" 0 "$(field lose_from out)"
    same "hint" "millrace repair --data b --apply" "$(field hint out)"
    expect 1 "$MILLRACE" repair --data b
    grep -q "$1" out || fail "no '$1' in: $(cat out)"
    same "the files after two plans" "$before" "$(files b)"
    expect 0 "$MILLRACE" repair --data b --apply --json
    same "applied" true "$(field applied out)"
    [ -s "b/$(field archive out)" ] || fail "nothing archived: $(cat out)"
    expect 0 "$MILLRACE" verify --data b --acks acks
    "$MILLRACE" dump --data b --json | cmp - a.json || fail "the journal differs"
    rm -rf b
}
for offset in 0 100 4200 8192 8300 12300; do
    cp -r a b
    flip b/journal/00000002.seg $offset
    mend 'write its head anew'
done
cp -r a b
dd if=/dev/zero of=b/journal/00000002.seg bs=4096 count=4 conv=notrunc 2>/dev/null
mend 'write its head anew'
claim "a damaged head is written anew, even when neither copy is left"

# Something is lost, but not unsaid.
for offset in $(randoms "$seed" 3 16384 3000000); do
    cp -r a b
    flip b/journal/00000001.seg "$offset"
    before=$(files b)
    expect 1 "$MILLRACE" repair --data b --json
    from=$(field lose_from out)
    keep=$(field keep_sequence out)
    same "what is kept, and what is lost" "$from" $((keep + 1))
    same "hint" "millrace repair --data b --apply --lose-from $from" "$(field hint out)"
    same "what is seen behind it" "$last" "$(field seen_to out)"
    for wrong in '' "--lose-from $((from - 1))" "--lose-from $((from + 1))"; do
        # shellcheck disable=SC2086 # it may be no word
        expect 2 "$MILLRACE" repair --data b --apply $wrong
        one_line err
        grep -q -- "--lose-from $from\$" err || fail "the sequence is not named: $(cat err)"
    done
    same "the files after all that" "$before" "$(files b)"
    expect 0 "$MILLRACE" repair --data b --apply --lose-from "$from"
    grep -q "millrace run --data b" out || fail "no next step: $(cat out)"
    expect 0 "$MILLRACE" verify --data b --json
    same "last sequence" "$keep" "$(field last_sequence out)"
    same "generation" 2 "$(field generation out)"
    expect 1 "$MILLRACE" verify --data b --acks acks
    "$MILLRACE" dump --data b --json >b.json || fail "dump"
    head -n "$keep" a.json | cmp - b.json || fail "other commands"
    expect 0 "$MILLRACE" repair --data b
    expect 0 "$MILLRACE" run --data b $input --json
    same "a run of the same input" "$(cat a.result)" "$(result out)"
    "$MILLRACE" dump --data b --json | cmp - a.json || fail "the journal differs"
    expect 0 "$MILLRACE" verify --data b --acks acks
    rm -rf b
done
claim "rot costs what follows it, once that is named; then a run goes on"

cp -r a b
rm b/journal/00000002.seg
expect 1 "$MILLRACE" repair --data b --json
from=$(field lose_from out)
expect 0 "$MILLRACE" repair --data b --apply --lose-from "$from"
expect 0 "$MILLRACE" run --data b $input --json
same "a run of the same input" "$(cat a.result)" "$(result out)"
rm -rf b
claim "a missing segment costs what it held, and all behind it"

# Killed in the middle; the same command completes it.
for stop in $(randoms "$seed" 8 1 40); do
    cp -r a b
    flip b/journal/00000001.seg 1000000
    expect 1 "$MILLRACE" repair --data b --json
    from=$(field lose_from out)
    "$MILLRACE" repair --data b --apply --lose-from "$from" >/dev/null 2>&1 &
    started=$!
    sleep "$(printf '0.%03d' "$stop")"
    kill -9 "$started" 2>/dev/null
    wait "$started" 2>/dev/null
    started=
    expect 0 "$MILLRACE" repair --data b --apply --lose-from "$from"
    expect 0 "$MILLRACE" verify --data b --json
    same "last sequence" $((from - 1)) "$(field last_sequence out)"
    rm -rf b
done
claim "killed in the middle, the same command completes it"

# Not while an engine is there, and not without a first segment.
"$MILLRACE" run --data live --input gen:orders=4000000 --rate 100000 $small >/dev/null 2>&1 &
started=$!
while [ ! -e live/journal/00000001.seg ]; do
    sleep 0.01
done
expect 4 "$MILLRACE" repair --data live --apply --json
same "exit" 4 "$(field exit out)"
expect 0 "$MILLRACE" repair --data live
kill -TERM "$started"
wait "$started"
started=
claim "beside a running engine there is a plan, and no more"

cp -r a b
rm b/journal/00000001.seg
expect 3 "$MILLRACE" repair --data b --json
same "ok" false "$(field ok out)"
expect 3 "$MILLRACE" repair --data b --apply --lose-from 1
grep -q 'from a copy' err || fail "$(cat err)"
expect 2 "$MILLRACE" repair --data nowhere
expect 2 "$MILLRACE" repair --data a --lose-from 5
claim "what cannot be repaired is said to be so"
