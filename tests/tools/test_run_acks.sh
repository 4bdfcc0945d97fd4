#!/bin/sh
# What --acks writes: every command of the input, once, in order; never half a line.
. "$(dirname "$0")/lib.sh"

input=gen:orders=5000,seed=2,instruments=1
expect 0 "$MILLRACE" run --data d --input $input --acks acks --json
commands=$(field commands out)
lines=$(wc -l <acks)
awk 'NF != 2 || $1 <= last || $2 <= request { exit 1 } { last = $1; request = $2 }' acks ||
    fail "lines that do not rise"
# All but genesis, two sessions and the instrument, which are not the input's.
same "acknowledged commands" $((commands - 4)) "$lines"
check_acks acks d
claim "every command of the input is acknowledged once, in order"

cp acks whole
printf '123456 78' >>acks
expect 0 "$MILLRACE" run --data d --input $input --acks acks
cmp -s acks whole || fail "the cut line is still there: $(tail -n 1 acks)"
claim "a line that a kill has cut is removed"

printf '12' >acks
expect 0 "$MILLRACE" run --data d --input $input --acks acks
[ ! -s acks ] || fail "what was only a cut line is not gone"
claim "also when it is the only one"

expect 0 "$MILLRACE" verify --data d --acks whole
echo '999999 1' >>whole
expect 1 "$MILLRACE" verify --data d --acks whole
grep -q 999999 err out || fail "verify does not name the missing one"
claim "verify --acks finds a promise that the journal does not keep"

if [ -w /dev/full ]; then
    expect 4 "$MILLRACE" run --data full --input $input --acks /dev/full
    one_line err
    expect 0 "$MILLRACE" run --data full --input $input --json
    same "after a full disk" "$commands" "$(field commands out)"
    claim "acknowledgements that cannot be written end the run with 4, and harm nothing"
fi

expect 0 "$MILLRACE" run --data small --input gen:orders=10,seed=2 --json
result out >small.result
expect 0 "$MILLRACE" run --data other --input $input --acks long
cp long before
expect 2 "$MILLRACE" run --data small --input gen:orders=10,seed=2 --acks long
one_line err
cmp -s long before || fail "the file of another journal was changed"
claim "a file that promises more than the journal holds is refused and left alone"

printf 'no line of ours\n' >garbage
expect 2 "$MILLRACE" run --data small --input gen:orders=10,seed=2 --acks garbage
one_line err
same "a file of something else" 'no line of ours' "$(cat garbage)"
expect 0 "$MILLRACE" run --data small --input gen:orders=10,seed=2 --json
same "the journal" "$(cat small.result)" "$(result out)"
claim "so is a file that is none of acknowledgements"

expect 0 "$MILLRACE" run --data small --input - --json
same "after nobody typed anything" "$(cat small.result)" "$(result out)"
claim "an empty standard input leaves a journal as it is"
