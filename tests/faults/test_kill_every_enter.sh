#!/bin/sh
# A run of a thousand commands, killed with SIGKILL in front of every single one of its calls to
# io_uring_enter: what it had acknowledged is in the journal, every time, and the next run goes on
# to the end that a run has which nobody killed.
. "$(dirname "$0")/../tools/lib.sh"
: "${KILL_ENTER:?is to be libkill_enter.so}"
step=${MR_STEP:-1} # in slow builds, not every call
calls_max=1200
jobs=4                  # most of a run is waiting for the disk
input=gen:orders=670,seed=3,instruments=2

# The rate leaves about four commands to a frame, and each frame is a write of its own.
run() # DIRECTORY [COMMAND...]: below the command that counts the calls, or kills it
{
    directory=$1
    shift
    "$@" "$MILLRACE" run --data "$directory/data" --input $input --rate 30000/s --segment-size 4 \
        --acks "$directory/acks" >"$directory/out" 2>"$directory/err"
}

# Kills a run in front of its call N; 0: never, but leaves a line in DIRECTORY/calls for each call.
by_strace() # N DIRECTORY
{
    inject=
    [ "$1" -eq 0 ] || inject="-e inject=io_uring_enter:signal=KILL:when=$1"
    # A leak sanitizer would not run under strace.
    # shellcheck disable=SC2086 # two words, or none
    run "$2" env "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" \
        strace -f -qq -o "$2/calls" -e trace=io_uring_enter -e signal=none $inject
}

by_preload() # N DIRECTORY
{
    run "$2" env LD_PRELOAD="$KILL_ENTER" MR_KILL_AT="$1" MR_KILL_CALLS="$2/calls"
}

# strace may be missing, or not allowed to trace. (With --seccomp-bpf, which is faster, it injects
# nothing.)
if strace -f -qq -o strace.try -e trace=io_uring_enter true 2>err; then
    kill_by=by_strace
elif [ -e "$KILL_ENTER" ]; then
    kill_by=by_preload
else
    skip "strace cannot trace here ($(head -n 1 err)), and a sanitizer does not go with preloading"
fi

# The end of a run that nobody killed; of one after a kill it must be the same.
mkdir whole
"$kill_by" 0 whole || fail "the run fails without a kill: $(cat whole/err)"
calls=$(grep -c . whole/calls)
expect 0 "$MILLRACE" run --data whole/data --input $input --json
whole=$(result out)
[ "$(field last_sequence out)" -ge 1000 ] || fail "not a thousand commands"
[ "$calls" -ge 100 ] || fail "only $calls calls in a whole run"
# On a machine that is busy with other things a run may come to thousands of calls.
step=$((step * (calls / calls_max + 1)))
echo "killed $kill_by at one call in $step, of $calls"

# Everything acknowledged is there, and the journal is whole. Before the first acknowledgement there
# may be no journal yet.
check_kept() # N DIRECTORY
{
    if [ -s "$2/acks" ]; then
        "$MILLRACE" verify --data "$2/data" --acks "$2/acks" >"$2/out" 2>&1
    elif "$MILLRACE" verify --data "$2/data" >"$2/out" 2>&1 || grep -q 'no journal' "$2/out"; then
        return 0
    else
        false
    fi || {
        cat "$2/out" >&2
        fail "killed at call $1"
    }
}

# Runs what was killed to its end.
check_goes_on() # N DIRECTORY
{
    "$MILLRACE" run --data "$2/data" --input $input --json >"$2/out" 2>"$2/err" || {
        cat "$2/err" >&2
        fail "killed at call $1, the next run fails"
    }
    same "killed at call $1" "$whole" "$(result "$2/out")"
}

# Every N that is FIRST modulo jobs. Not every run takes as many calls as the first one did.
work() # FIRST
{
    n=$1
    killed=0
    while [ "$n" -le "$calls" ]; do
        directory=worker$1/$n
        mkdir -p "$directory"
        "$kill_by" "$n" "$directory" 2>/dev/null
        code=$?
        case $code in
        137) killed=$((killed + 1)) ;;
        0) ;;
        *)
            cat "$directory/err" >&2
            fail "exit code $code at call $n"
            ;;
        esac
        check_kept "$n" "$directory"
        # A recovery takes longer than a look: after one kill in four.
        [ $((n / jobs % 4)) -ne 0 ] || check_goes_on "$n" "$directory"
        rm -rf "$directory"
        n=$((n + jobs * step))
    done
    echo "$killed" >"worker$1/killed"
}

workers=
for first in $(seq "$jobs"); do
    # A worker must not clean up what is everybody's.
    (trap - EXIT && work "$first") &
    workers="$workers $!"
done
failed=0
for worker in $workers; do
    wait "$worker" || failed=1
done
[ "$failed" -eq 0 ] || exit 1
killed=$(cat worker*/killed | awk '{ sum += $1 } END { print sum }')
[ "$killed" -ge $((calls / step / 8)) ] || fail "of $((calls / step)) runs only $killed were killed"
claim "killed $killed times, and nothing acknowledged was lost"
