#!/bin/sh
# In the binary that users run, no acknowledgement precedes the sync of its block. The sync guard
# keeps a shadow of the data directory with only what the engine has seen become durable, stops the
# engine right after an acknowledgement, and every acknowledgement must be in the shadow. The same
# engine with its syncs taken away must not pass.
. "$(dirname "$0")/../tools/lib.sh"
: "${SYNCGUARD:?is to be libsyncguard.so}"
seed 5
input=gen:orders=40000,seed=3,instruments=4

# Runs the engine under the guard; its exit code is in $code, 137 when the guard has stopped it.
guarded() # VARIABLE=VALUE...
{
    rm -rf data shadow shadow.store acks
    env LD_PRELOAD="$SYNCGUARD" MR_GUARD_DATA=data MR_GUARD_SHADOW=shadow MR_GUARD_ACKS=acks "$@" \
        "$MILLRACE" run --data data --input $input --segment-size 4 --acks acks >out 2>err
    code=$?
    case $code in
    0 | 137) ;;
    *)
        cat err >&2
        fail "exit code $code under the guard"
        ;;
    esac
}

stopped=0
for n in 1 2 $(randoms "$seed" "${MR_KILLS:-4}" 3 40); do
    guarded MR_GUARD_KILL_AFTER="$n"
    [ "$code" -ne 137 ] || stopped=$((stopped + 1))
    [ -s acks ] || fail "nothing was acknowledged before write $n"
    expect 0 "$MILLRACE" verify --data shadow
    check_acks acks shadow
done
[ "$stopped" -ge 2 ] || fail "the guard stopped $stopped runs only"
claim "stopped $stopped times after an acknowledgement, and all of them were durable"

guarded MR_GUARD_KILL_AFTER=0
[ "$code" -eq 0 ] || fail "the guard stopped a run by itself"
check_acks acks shadow
expect 0 "$MILLRACE" dump --data data
mv out whole
expect 0 "$MILLRACE" dump --data shadow
cmp whole out || fail "the end of a run is not wholly durable"
claim "after a clean end everything is durable"

guarded MR_GUARD_STRIP=queue
[ -s acks ] || fail "the engine without syncs acknowledges nothing"
expect 1 "$MILLRACE" verify --data shadow --acks acks
claim "an engine that never syncs its frames is caught"

guarded MR_GUARD_STRIP=1
[ ! -e shadow ] || fail "something is durable without any sync"
claim "and so is one that never syncs anything"
