#!/bin/sh
# Killed with SIGKILL at random moments, over and over on one directory, a run ends where one ends
# that was never interrupted, and keeps everything that it acknowledged.
. "$(dirname "$0")/lib.sh"
seed 7
kills=${MR_KILLS:-25}

input=gen:orders=400000,seed=11,instruments=5
expect 0 "$MILLRACE" run --data whole --input $input --segment-size 4 --json
whole=$(result out)

killed=0
for ms in $(randoms "$seed" "$kills" 1 120); do
    "$MILLRACE" run --data killed --input $input --segment-size 4 --acks acks >out 2>err &
    started=$!
    sleep "$(printf '0.%03d' "$ms")"
    kill -9 "$started" 2>/dev/null && killed=$((killed + 1))
    wait "$started" 2>/dev/null
    started=
    if grep -v 'recovered\|tore' err | grep -q .; then
        cat err >&2
        fail "a run said something else than that it recovered"
    fi
done
[ "$killed" -gt 0 ] || fail "every run was faster than its kill"
claim "$killed kills, and every run after one recovered by itself"

expect 0 "$MILLRACE" run --data killed --input $input --acks acks --json
same "after $killed kills" "$whole" "$(result out)"
claim "the end equals that of the run that was never interrupted"

check_acks acks killed
claim "all $(wc -l <acks) acknowledgements are in the journal"
