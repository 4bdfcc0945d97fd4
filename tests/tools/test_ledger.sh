#!/bin/sh
# A ledger by hand: typed, served, asked for, and configured.
. "$(dirname "$0")/lib.sh"
. "$here/serve_lib.sh"

ledger='--logic ledger --segment-size 4'

cat >typed <<'END'
account_create id=1 ledger=1 code=1
account_create id=2 ledger=1 code=1
transfer_create id=7 debit_account_id=1 credit_account_id=2 amount=100 ledger=1 code=1
END
expect 0 "$MILLRACE" run --data d $ledger --input - <typed
grep -q '^transfer_created .* id=7 .* amount=100 ' out || fail "no transfer: $(cat out)"
grep -q 'genesis\|session_opened\|TEST' out && fail "the set-up is shown: $(cat out)"
grep -q '^  ledger 1: 2 accounts, 100 posted' out || fail "no picture: $(cat out)"
grep -q '^  transfers     1, 0 of them pending' out || fail "no sum: $(cat out)"
claim "who types two accounts and a transfer sees them"

expect 0 "$MILLRACE" dump --data d
grep -q 'instrument' out && fail "the book's set-up was sent to a ledger"
grep -q '^genesis .*config.id_scheme=time_ordered' out || fail "$(head -n 3 out)"
same "commands" 6 "$(grep -c '^[a-z]' out)"
claim "a ledger's journal begins with nothing of the order book's"

cat >fresh <<'END'
transfer_create id=new debit_account_id=1 credit_account_id=2 amount=5 ledger=1 code=1
transfer_create debit_account_id=1 credit_account_id=2 amount=5 ledger=1 code=1 flags=pending
transfer_create id=8 debit_account_id=1 credit_account_id=3 amount=5 ledger=1 code=1
END
expect 0 "$MILLRACE" run --data d $ledger --input - --json <fresh
same "transfers" 3 "$(field transfers out)"
same "pending" 1 "$(field pending out)"
grep -q '"rejected":{"credit_account_not_found":1}' out || fail "$(tail -n 1 out)"
grep -q '"ledgers":\[{"ledger":1,"in_accounts":2,"posted":"105","reserved":"5"}\]' out ||
    fail "$(tail -n 1 out)"
sed -n 's/.*"type":"transfer_created".*"id":"\([0-9]*\)".*/\1/p' out >ids
same "fresh ids" 2 "$(sort -u ids | wc -l)"
same "in their order" "$(cat ids)" "$(sort ids)"
id=$(head -n 1 ids)
expect 0 "$MILLRACE" state --data d transfer "$id"
grep -q "^transfer id=$id .*amount=5 " out || fail "$(cat out)"
claim "id=new, or none, gets a fresh id, which the event tells"

echo 'account_create id=new ledger=1 code=1' >account
expect 0 "$MILLRACE" run --data d $ledger --input - <account
echo 'account_create ledger=1 code=1' >account
expect 2 "$MILLRACE" run --data d $ledger --input - <account
grep -q 'id' err || fail "$(cat err)"
claim "an account gets one when it is asked for, and only then"

# Batches and chains.
transfer() # ID DEBIT CREDIT KEY=VALUE...
{
    echo "transfer_create id=$1 debit_account_id=$2 credit_account_id=$3 amount=1 ledger=1 code=1" \
        "$4"
}
{
    transfer 20 1 2 'flags=linked more=1'
    transfer 21 2 1 ""
    transfer 22 1 2 'flags=linked more=1'
    transfer 23 2 2 ""
    transfer 24 2 1 flags=linked
} >chain
for clock in wall input; do
    {
        head -n 2 typed
        cat chain
    } >lines
    expect 0 "$MILLRACE" run --data chain.$clock $ledger --input - --clock $clock <lines
    same "created" "20 21" \
        "$(sed -n 's/^transfer_created .* id=\([0-9]*\) .*/\1/p' out | xargs)"
    sed -n 's/^transfer_rejected .* id=\([0-9]*\) .*reason=\(.*\)/\1 \2/p' out >rejected
    same "rejected" "22 linked_event_failed
23 accounts_must_be_different
24 linked_event_chain_open" "$(cat rejected)"
done
claim "more=1 makes a batch, in which chains succeed or fail whole"

# Asking.
expect 0 "$MILLRACE" state --data d
grep -q '^  account id$' out || fail "no list of queries: $(cat out)"
expect 0 "$MILLRACE" state --data d account 1
grep -q '^account id=1 debits_pending=5 debits_posted=105 ' out || fail "$(cat out)"
expect 0 "$MILLRACE" state --data d --json account id=1
head -n 1 out | grep -q '"type":"account","id":"1","debits_pending":"5","debits_posted":"105"' ||
    fail "$(cat out)"
same "result" "done" "$(field result out)"
expect 0 "$MILLRACE" state --data d --at 6 --json '?account' 1
grep -q '"debits_posted":"100"' out || fail "$(cat out)"
same "sequence" 6 "$(field sequence out)"
expect 0 "$MILLRACE" state totals --data d
grep -q '^ledger_totals .*transfers=3 ' out || fail "$(cat out)"
claim "state asks any query, at the end or after any command"

expect 0 "$MILLRACE" state --data d account_transfers 1 limit=1
grep -q 'there is more: millrace state --data d account_transfers 1 limit=1 timestamp_min=' err ||
    fail "$(cat err)"
rows=0
next=
while [ "$next" != end ]; do
    # shellcheck disable=SC2086 # none, or one word
    expect 0 "$MILLRACE" state --data d --json account_transfers 1 limit=1 $next
    rows=$((rows + $(grep -c '"type":"transfer"' out)))
    next=$(field next out)
    [ -n "$next" ] || next=end
    [ $rows -lt 9 ] || fail "there is no end to it"
done
same "transfers of account 1, one at a time" 3 $rows
expect 0 "$MILLRACE" state --data d account_transfers 1 limit=1 flags=debits,reversed
grep -q 'timestamp_max=' err || fail "$(cat err)"
expect 0 "$MILLRACE" state --data d account_transfers 1 limit=1 flags=5
grep -q 'timestamp_max=' err || fail "$(cat err)"
claim "it says how to ask on"

expect 1 "$MILLRACE" state --data d account 99
one_line err
grep -q 'account id=99: not_found.*millrace log --data d account ID' err || fail "$(cat err)"
expect 1 "$MILLRACE" state --data d account 99 --json
same "result" not_found "$(field result out)"
for words in 'frobnicate' 'account' 'account x' 'account 1 2' 'account id=1 frob=2' \
    'account 340282366920938463463374607431768211456'; do
    # shellcheck disable=SC2086 # as words
    expect 2 "$MILLRACE" state --data d $words
    one_line err
done
expect 2 "$MILLRACE" state --data d account 1 --at 0
expect 2 "$MILLRACE" state --data d account 1 --at 99999
expect 2 "$MILLRACE" state --data nowhere account 1
claim "what cannot be asked is told, before anything is replayed"

# The log.
expect 0 "$MILLRACE" log --data d transfer 7
same "commands" 1 "$(grep -c '^transfer_create .* id=7 ' out)"
same "events" 1 "$(grep -c '^  transfer_created .* id=7 ' out)"
expect 0 "$MILLRACE" log --data d transfer 8 --json
one_line out
same "result" credit_account_not_found "$(sed 's/.*"result":"\([a-z_]*\)".*/\1/' out)"
expect 0 "$MILLRACE" log --data d account 3
same "what names an account that there is not" 1 "$(grep -c '^# sequence' out)"
grep -q '^  transfer_rejected .*id=8 ' out || fail "what became of it is not shown: $(cat out)"
expect 0 "$MILLRACE" log --data d account 1 --limit 2
same "shown" 2 "$(grep -c '^# sequence' out)"
grep -q '^millrace log: 3 commands more .*--from [0-9]* goes on' err || fail "$(cat err)"
from=$(sed 's/.*--from \([0-9]*\) .*/\1/' err)
expect 0 "$MILLRACE" log --data d account 1 --from "$from"
same "the rest" 3 "$(grep -c '^# sequence' out)"
expect 1 "$MILLRACE" log --data d transfer 99
expect 2 "$MILLRACE" log --data d frob 1
grep -q 'there are account, transfer' err || fail "$(cat err)"
expect 2 "$MILLRACE" log --data d transfer
expect 2 "$MILLRACE" log --data d transfer x
claim "log prints what a journal knows about a transfer or an account"

# Configuration.
expect 0 "$MILLRACE" run --data c $ledger --config accounts_max=2,id_scheme=free --input - <typed
echo 'account_create id=3 ledger=1 code=1' >third
expect 0 "$MILLRACE" run --data c $ledger --input - --json <third
grep -q '"rejected":{"accounts_full":1}' out || fail "$(tail -n 1 out)"
expect 0 "$MILLRACE" run --data c $ledger --config accounts_max=2 --input - --json <third
expect 2 "$MILLRACE" run --data c $ledger --config accounts_max=3 --input - --json <third
grep -q 'another accounts_max' err || fail "$(cat err)"
for config in frob=1 accounts_max=x accounts_max=0 accounts_max id_scheme=rising; do
    expect 2 "$MILLRACE" run --data e $ledger --config $config --input - <typed
    [ ! -e e ] || fail "a refused --config made the directory"
done
claim "--config sets limits of a new journal, and is held against one that is there"

# Served.
serve s --logic ledger --config transfers_max=100
{
    cat typed
    echo 'transfer_create id=new debit_account_id=1 credit_account_id=2 amount=5 ledger=1 code=1'
    echo '?account id=1'
} >lines
expect 0 "$MILLRACE" send --to unix:s/socket --events own <lines
grep -q '^account id=1 .*debits_posted=105 ' out || fail "$(cat out)"
end TERM 0
expect 0 "$MILLRACE" dump --data s
grep -q '^genesis .*config.transfers_max=100 ' out || fail "$(head -n 3 out)"
grep '^genesis' out | grep -q 'config.hash_seed=0 ' && fail "the seed of ids is not random"
expect 2 "$MILLRACE" serve --data s --logic ledger --config transfers_max=101
grep -q 'another transfers_max' err || fail "$(cat err)"
claim "a ledger is served, with a seed of its own"
