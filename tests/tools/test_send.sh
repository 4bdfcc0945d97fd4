#!/bin/sh
# millrace send: text in, answers out, in order; rejections, bad lines, sessions, a server that goes
# away and comes back.
. "$(dirname "$0")/lib.sh"
. "$here/serve_lib.sh"

send() # OPTION...
{
    "$MILLRACE" send --to unix:s/socket "$@"
}

order='order_new instrument=1 price=100 quantity=5 side='
serve s
echo "$define" | expect 0 send --role operator --session 1

# A query sees what the commands before it did; the next command waits for its reply.
printf '%s\n' "${order}buy order=1" '# nothing' '' "${order}sell order=2 correlation=77" '?status' \
    "${order}buy order=3" | expect 0 send --session 9 --request-from 10 --events own
sed 's/ sequence=.*//; s/ logic=.*//; s/ event=.*//' out >kinds
cat >expected <<END
order_accepted
answer request=10
order_accepted
trade
answer request=11
status
reply query=1
order_accepted
answer request=12
END
same "what comes out" "$(cat expected)" "$(cat kinds)"
grep -q '^trade .*correlation=77' out || fail "no correlation: $(cat out)"
same "what the query saw" "$(sed -n 's/^answer request=11 sequence=\([0-9]*\) .*/\1/p' out)" \
    "$(sed -n 's/^reply query=1 sequence=\([0-9]*\) .*/\1/p' out)"
claim "events, answers and rows come in the order of what was typed"

echo "order_cancel order=404 instrument=1" | expect 1 send --session 9 --json
grep -q '"type":"answer","request":13,.*"result":"' out || fail "$(cat out)"
! grep -q '"result":"done"' out || fail "not rejected: $(cat out)"
echo "?session id=1" | expect 1 send --session 9
grep -q '^reply query=1 .*result=role_denied rows=0' out || fail "$(cat out)"
claim "what is rejected is told by its reason, and by exit code 1"

printf '%s\n' "${order}buy order=20" 'order_new side=by' "${order}buy order=21" |
    expect 2 send --session 9
grep -q '^answer request=14 ' out || fail "what came before is not done: $(cat out)"
! grep -q '^answer request=15 ' out || fail "it went on"
grep -q 'standard input:2:' err || fail "which line? $(cat err)"
printf '%s\n' '?status nothing=1' "${order}buy order=21" |
    expect 0 send --session 9 --on-error skip
grep -q '^answer request=15 ' out || fail "it did not go on: $(cat out)"
claim "a malformed line: what came before it is done; --on-error skip goes on"

expect 2 send --session 9 --role operator
expect 2 "$MILLRACE" send --to nowhere
expect 2 "$MILLRACE" send
expect 4 "$MILLRACE" send --to unix:nobody --patience 0
claim "wrong roles, addresses and options are told; nobody there is 4"

# The numbers of requests come with the lines, if they do.
printf '%s request=%d\n' "${order}buy order=30" 100 "${order}buy order=31" 200 |
    expect 0 send --session 9
same "requests" "100 200 " "$(sed -n 's/^answer request=\([0-9]*\) .*/\1/p' out | tr '\n' ' ')"
printf '%s request=%d\n' "${order}buy order=32" 300 "${order}buy order=33" 300 |
    expect 2 send --session 9
grep -q 'requests rise' err || fail "$(cat err)"
claim "a line may bring its request; they rise"

# A batch goes as one, and is told as one when it cannot go.
printf '%s\n' "${order}buy order=40 more=1" '# nothing' "${order}buy order=41 more=1" \
    "${order}buy order=42" "${order}buy order=43" | expect 0 send --session 9
same "answers of a batch" 4 "$(grep -c '^answer' out)"
same "batches in the journal" "1 1 0 0 " "$("$MILLRACE" dump --data s |
    sed -n '/^order_new .* order=4[0-3] /{s/.* more=1 .*/1/;s/^order.*/0/;p;}' | tr '\n' ' ')"
printf '%s\n' "${order}buy order=50 more=1" '?status' "${order}buy order=51" \
    "${order}buy order=52" "${order}buy order=53 more=1" "${order}buy order=54 more=1" |
    expect 0 send --session 9 --on-error skip
same "answers without two batches" 1 "$(grep -c '^answer' out)"
grep -q 'standard input:2:1: a query stands in no batch' err || fail "a query: $(cat err)"
grep -q 'standard input:5:1: the batch that begins here has no end' err || fail "$(cat err)"
seq 1 2000 | sed "s/.*/${order}buy order=9& more=1/;\$s/ more=1//" |
    expect 2 send --session 9
grep -q 'standard input:1:1: 2000 commands' err || fail "which batch? $(cat err)"
claim "a batch is sent as one, or not at all"

# A subscriber to everything, which stays until it is stopped.
"$MILLRACE" send --to unix:s/socket --events all </dev/null >all.out 2>all.err &
watcher=$!
number=1000
until grep -q order_accepted all.out; do
    # Not in a pipe: each is another order.
    number=$((number + 1))
    echo "${order}buy order=$number" >line
    expect 0 send --session 9 <line
    [ $number -lt 1500 ] || fail "the watcher sees nothing: $(cat all.err)"
    sleep 0.02
done
kill -TERM $watcher
wait $watcher || fail "the watcher ended with $?: $(cat all.err)"
claim "--events all shows what others do"

# The server is killed and comes back while a client has more to say.
mkfifo pipe
"$MILLRACE" send --to unix:s/socket --session 50 --request-from 1 --patience 60 \
    <pipe >sent.out 2>sent.err &
sender=$!
exec 3>pipe
echo "${order}buy order=50" >&3
wait_for sent.out '^answer request=1 '
end KILL 137
wait_for sent.err 'connection was'
echo "${order}buy order=51" >&3
serve s
wait_for sent.out '^answer request=2 '
exec 3>&-
wait $sender || fail "the sender ended with $?: $(cat sent.err)"
same "answers" "2" "$(grep -c '^answer .*result=done' sent.out)"
claim "a server that was killed is waited for, and gets what it has not answered"

# Another client takes the session over: the first is told, and does not fight for it.
"$MILLRACE" send --to unix:s/socket --session 60 <pipe >first.out 2>first.err &
sender=$!
exec 3>pipe
echo "?status" >&3
wait_for first.out '^reply '
echo "${order}buy order=60" | expect 0 send --session 60
wait $sender
same "exit code of the first" 4 $?
grep -q 'another connection goes on' first.err || fail "$(cat first.err)"
exec 3>&-
end TERM 0
claim "who is taken over says so and exits with 4"
