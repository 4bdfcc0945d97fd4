#!/bin/sh
# A client of serve that is killed with SIGKILL in front of each of its calls on its socket, and
# resends; and the same with the server killed in front of each of its own: each command has its
# effect once, and the first answer comes again.
. "$(dirname "$0")/lib.sh"
. "$here/serve_lib.sh"
: "${KILL_SOCKET:?is to be libkill_socket.so}"
[ -e "$KILL_SOCKET" ] || skip "a sanitizer does not go with preloading"
calls_max=60 # of one run; more than that would be no protocol of ours

# A trade, of a batch; a rejection, a resting order.
commands() # SESSION
{
    cat <<END
order_new order=${1}1 instrument=1 side=buy price=100 quantity=5 more=1
order_new order=${1}2 instrument=1 side=sell price=100 quantity=5
order_cancel order=${1}9 instrument=1
order_new order=${1}3 instrument=1 side=buy price=7 quantity=1
END
}

send() # SESSION [COMMAND...]
{
    session=$1
    shift
    commands "$session" | timeout 60 "$@" "$MILLRACE" send --to unix:k/socket --session "$session" \
        --request-from 1 --patience 30
}

# What may differ between two lives: where in the journal, and whether it was stored.
outcome() # FILE
{
    sed -n 's/^answer //p' "$1" |
        sed 's/ sequence=[0-9]*//; s/ first_event=\([0-9]*\)//; s/ duplicate=1//'
}

events()
{
    echo '?status' | "$MILLRACE" send --to unix:k/socket --session 7 |
        sed -n 's/^status .* events=\([0-9]*\) .*/\1/p'
}

serve k
echo "$define" | expect 0 "$MILLRACE" send --to unix:k/socket --role operator --session 1
expect 0 "$MILLRACE" send --to unix:k/socket --session 7 </dev/null
before=$(events)
send 100 >whole.out
[ $? -eq 1 ] || fail "the undisturbed run: $(cat whole.out)"
each=$(($(events) - before))
[ "$each" -eq 6 ] || fail "an undisturbed run causes $each events: $(cat whole.out)"

# -- The client is killed. --

session=100
at=1
killed=137
while [ $killed -eq 137 ]; do
    session=$((session + 1))
    before=$(events)
    send $session env LD_PRELOAD="$KILL_SOCKET" MR_KILL_AT=$at >first.out 2>first.err
    killed=$?
    send $session >second.out 2>second.err
    [ $? -eq 1 ] || fail "after a kill at call $at: $(cat second.err)"
    same "answers after a kill at call $at" "$(outcome whole.out)" "$(outcome second.out)"
    same "events after a kill at call $at" $((before + each)) "$(events)"
    # What was printed before the kill is what comes again.
    grep '^answer ' first.out | sed 's/ duplicate=1//' >first
    sed 's/ duplicate=1//' second.out | head -n "$(wc -l <first)" >again
    same "the first answers, at call $at" "$(cat first)" "$(cat again)"
    at=$((at + 1))
    [ $at -lt $calls_max ] || fail "there is no end to its calls"
done
[ $killed -eq 1 ] || fail "not killed, but exit code $killed: $(cat first.err)"
[ $at -gt 6 ] || fail "only $at calls"
end TERM 0
claim "the client was killed in front of each of its $((at - 2)) calls"

# -- The server is killed. --

# Only in front of a call that has to do with the client: `accept`ed ones and what follows.
at=1
alive=no
while [ $alive = no ]; do
    session=$((session + 1))
    : >k.out
    LD_PRELOAD=$KILL_SOCKET MR_KILL_AT=$at "$MILLRACE" serve --data k >k.out 2>k.err &
    started=$!
    tries=0
    until grep -q READY k.out || ! kill -0 $started 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || fail "neither ready nor killed: $(cat k.err)"
        sleep 0.02
    done
    send $session >first.out 2>first.err &
    sender=$!
    # Killed, or done with it.
    while kill -0 $started 2>/dev/null && kill -0 $sender 2>/dev/null; do
        sleep 0.01
    done
    # With the client gone it may still be killed, in front of what it does on its way to the end.
    kill -TERM $started 2>/dev/null
    wait $started
    ended=$?
    started=
    case $ended in
    0) alive=yes ;;
    137) serve k ;;
    *) fail "a server that was to be killed at call $at ended with $ended: $(cat k.err)" ;;
    esac
    wait $sender
    [ $? -eq 1 ] || fail "with a server killed at call $at: $(cat first.err k.err)"
    same "answers with a server killed at call $at" "$(outcome whole.out)" "$(outcome first.out)"
    [ $alive = yes ] || end TERM 0
    at=$((at + 1))
    [ $at -lt $calls_max ] || fail "there is no end to its calls"
done
[ $at -gt 6 ] || fail "only $at calls"
expect 0 "$MILLRACE" replay --data k --json
runs=$((session - 99))
same "commands that traded" $runs "$(field trades out)"
expect 0 "$MILLRACE" verify --data k
claim "the server was killed in front of each of its $((at - 2)) calls for one client"
