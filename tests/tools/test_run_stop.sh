#!/bin/sh
# SIGTERM and Ctrl-C: what was sent is done, the run reports and exits with 0, and can be gone on
# with.
. "$(dirname "$0")/lib.sh"

input=gen:orders=300000,seed=4,instruments=1
for signal in TERM INT; do
    begin "$MILLRACE" run --data $signal --input $input --rate 50000 --acks $signal.acks --json
    until [ -e $signal.acks ] && [ "$(wc -l <$signal.acks)" -gt 5000 ]; do
        sleep 0.02
    done
    end $signal 0
    same "durable" "$(field last_sequence out)" "$(field durable_sequence out)"
    done=$(field commands out)
    lines=$(wc -l <$signal.acks)
    same "acknowledged, with genesis, two sessions and an instrument" $((lines + 4)) "$done"
    grep -q 'stopped by a signal' err || fail "it does not say that it was stopped"
    claim "SIG$signal: drained $done commands, reported, exited with 0"
    expect 0 "$MILLRACE" run --data $signal --input $input --json
    result out >$signal.result
done
expect 0 "$MILLRACE" run --data whole --input $input --json
same "stopped by SIGTERM, gone on" "$(result out)" "$(cat TERM.result)"
same "stopped by SIGINT, gone on" "$(result out)" "$(cat INT.result)"
claim "the same command goes on to the same end"
