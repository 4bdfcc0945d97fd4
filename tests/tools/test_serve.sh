#!/bin/sh
# millrace serve: recovers, says READY, serves, drains; on SIGKILL it loses nothing it answered.
. "$(dirname "$0")/lib.sh"
. "$here/serve_lib.sh"
: "${NOTIFY_LISTEN:?is to be the program that listens like a service manager}"

order='order_new instrument=1 side=buy price=100 quantity=5 order='

serve d
grep -q '^READY unix:d/socket last_sequence=1$' d.out || fail "ready: $(cat d.out)"
echo "$define" | expect 0 "$MILLRACE" send --to unix:d/socket --role operator --session 1
grep -q '^answer request=1 sequence=3 result=done first_event=3 events=1$' out ||
    fail "answer: $(cat out)"
echo "${order}1" | expect 0 "$MILLRACE" send --to unix:d/socket --session 5 --json
grep -q '"type":"answer","request":1,.*"result":"done"' out || fail "answer: $(cat out)"
[ "$(stat -c %a d/socket)" = 600 ] || fail "the socket's mode is $(stat -c %a d/socket)"
claim "it serves on DIR/socket, which is its user's alone"

expect 2 "$MILLRACE" serve
expect 2 "$MILLRACE" serve --durability none
expect 2 "$MILLRACE" serve --data e --clients 0
expect 2 "$MILLRACE" serve --data e --socket "$0"
expect 4 "$MILLRACE" serve --data e --socket d/socket
grep -q 'another server listens there' err || fail "$(cat err)"
expect 4 "$MILLRACE" serve --data d --socket e.socket --lock-wait 10
claim "it refuses what cannot be: options, a socket that is taken, a directory that is in use"

end KILL 137
[ -S d/socket ] || fail "the killed one has removed its socket"
serve d --json
grep -q '^{"ready":true,"socket":"d/socket","last_sequence":5}$' d.out || fail "$(cat d.out)"
printf '%s\n%s\n' "${order}1" "${order}2" |
    expect 0 "$MILLRACE" send --to unix:d/socket --session 5 --request-from 1 --json
grep -q '"request":1,"sequence":5,.*"duplicate":true' out || fail "first answer: $(cat out)"
grep -q '"request":2,"sequence":7,.*"duplicate":false' out || fail "second answer: $(cat out)"
end TERM 0
[ ! -e d/socket ] || fail "the socket is still there"
one=$(field state_digest d.out)
expect 0 "$MILLRACE" replay --data d --json
same "state digest" "$one" "$(field state_digest out)"
claim "killed, it goes on with what it answered, on the socket that it left behind"

serve t --tcp 0
port=$(sed -n 's/.* tcp:\([0-9]*\) .*/\1/p' t.out)
grep -q '^READY tcp:' t.out || fail "$(cat t.out)"
echo "$define" | expect 2 "$MILLRACE" send --to "tcp:127.0.0.1:$port" --role operator
echo '?status' | expect 0 "$MILLRACE" send --to "tcp:localhost:$port"
grep -q '^status logic=book .*sessions=1' out || fail "$(cat out)"
end INT 0
serve t --tcp 0 --operators all
port=$(sed -n 's/.* tcp:\([0-9]*\) .*/\1/p' t.out)
echo "$define" | expect 0 "$MILLRACE" send --to "tcp:127.0.0.1:$port" --role operator
end TERM 0
claim "over TCP nobody is an operator unless that is asked for"

# What was accepted is answered, and who is still there hears goodbye.
serve g
mkfifo pipe
"$MILLRACE" send --to unix:g/socket --patience 0 <pipe >g.sent 2>g.send.err &
sender=$!
exec 3>pipe
echo '?status' >&3
wait_for g.sent '^reply '
end TERM 0
wait $sender
same "the sender's exit code" 4 "$?"
exec 3>&-
grep -q 'the server has stopped' g.send.err || fail "$(cat g.send.err)"
claim "SIGTERM: it drains, says goodbye, exits with 0"

# The same under a service manager, on a path and on an abstract socket.
for name in ./notify.socket "@millrace-test-$$"; do
    case $name in ./*) name=$scratch/notify.socket ;; esac
    rm -f notified n.out
    "$NOTIFY_LISTEN" "$name" notified "$MILLRACE" serve --data n --segment-size 4 >n.out 2>n.err &
    # shellcheck disable=SC2034 # for `end`
    started=$!
    wait_for notified '^READY=1 '
    wait_for n.out '^READY '
    ! grep -q STOPPING notified || fail "stopping: $(cat notified)"
    end TERM 0
    grep -q '^STOPPING=1 STATUS=' notified || fail "not stopping: $(cat notified)"
    rm -f notify.socket
done
claim "it notifies READY=1 and STOPPING=1"

# Before recovery is over it is not ready: a directory that does not recover never is.
expect 0 "$MILLRACE" run --data n2 --input gen:orders=20000,seed=1,instruments=2 --segment-size 4
flip n2/journal/00000001.seg 200000
rm -f notified
expect 3 "$NOTIFY_LISTEN" "$scratch/notify.socket" notified "$MILLRACE" serve --data n2
! grep -q READY=1 notified || fail "ready with a damaged journal"
claim "it is not ready before it has recovered"
