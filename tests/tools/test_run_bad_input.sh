#!/bin/sh
# Bad input gets one clear line and the documented exit code, and harms nothing.
. "$(dirname "$0")/lib.sh"

# CODE WORDS COMMAND...: it exits with CODE, says one line that has WORDS, prints nothing, and
# changes nothing in the directory d.
refuse()
{
    wanted=$1 words=$2
    shift 2
    before=$(cksum d/journal/* 2>/dev/null)
    expect "$wanted" "$@"
    grep -v ': recovered ' err >line
    one_line line
    grep -q -- "$words" line || fail "no '$words' in: $(cat line)"
    [ ! -s out ] || fail "it prints something: $(head -n 1 out)"
    same "the files of d after: $*" "$before" "$(cksum d/journal/* 2>/dev/null)"
    claim "$wanted: $(cut -c 1-120 line)"
}

run="$MILLRACE run"
input='--input gen:orders=2000,seed=1'

# The command line.
refuse 2 'see .*--help' "$MILLRACE" frobnicate
refuse 2 'unknown option' $run --data d $input --frobnicate
refuse 2 'unexpected argument' $run --data d $input d
refuse 2 '--data DIR is missing' $run $input
refuse 2 'wants a value' $run $input --data
refuse 2 'stop|skip' $run --data d $input --on-error perhaps
refuse 2 'number above 0' $run --data d $input --rate 0
refuse 2 'number above 0' $run --data d $input --rate fast
refuse 2 'given twice' $run --data d --data e $input
refuse 2 'takes no value' $run --data d $input --json=yes
refuse 2 'segment-size' $run --data d $input --segment-size 3
refuse 2 'format' $run --data d $input --format frobnicate
[ ! -e d ] || fail "a refused command line made the directory"

# The input.
refuse 2 'nowhere' $run --data d --input nowhere.txt
refuse 2 'gen:' $run --data d --input gen:orders=many
refuse 2 'gen:' $run --data d --input gen:frobnicate=1
[ ! -e d ] || fail "a missing input made the directory"

# The directory.
expect 0 $run --data d $input --json
first=$(result out)
refuse 2 'another input' $run --data d --input gen:orders=2000,seed=2
echo 'order_cancel order=1 instrument=1' >orders.txt
refuse 2 'another input' $run --data d --input orders.txt
refuse 2 'clock' $run --data d $input --clock wall
echo >file
refuse 4 'file' $run --data file $input
refuse 2 'acks' $run --data d $input --acks no/such/acks
if [ -n "${COUNTER:-}" ]; then
    expect 0 "$COUNTER" counter 5
    counter=$(cksum counter/journal/*)
    refuse 2 "logic 'counter'" $run --data counter $input
    same "the counter's files" "$counter" "$(cksum counter/journal/*)"
fi

# Somebody else has it.
"$MILLRACE" run --data busy --input gen:orders=1000000 --rate 1000 >/dev/null 2>&1 &
started=$!
while [ ! -e busy/journal ]; do
    sleep 0.01
done
sleep 0.2
refuse 4 'busy' $run --data busy $input --lock-wait 100
kill -9 "$started"
wait "$started" 2>/dev/null
started=

expect 0 $run --data d $input --json
same "after all that" "$first" "$(result out)"
claim "after all that, the directory is what it was"
