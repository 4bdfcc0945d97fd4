#!/bin/sh
# A full disk and a read-only directory end a run with 4 and one line; nothing acknowledged is lost,
# and with room again it goes on.
. "$(dirname "$0")/lib.sh"

mkdir disk
mount -t tmpfs -o size=24m tmpfs disk 2>/dev/null || skip "cannot mount a file system here"
trap 'umount -l "$scratch/disk" 2>/dev/null; clean_up' EXIT

input=gen:orders=200000,seed=6
expect 4 "$MILLRACE" run --data disk/d --input $input --segment-size 8 --acks acks
grep -q 'getting full' err || fail "it did not announce it: $(cat err)"
sed -i '/getting full/d' err
one_line err
grep -q -i 'space' err || fail "it does not say that the disk is full: $(cat err)"
promised=$(wc -l <acks)
[ "$promised" -gt 0 ] || fail "the disk was full before anything was done"
claim "a full disk: $(cut -c 1-120 err)"

mount -o remount,size=200m disk || fail "cannot give it room"
expect 0 "$MILLRACE" run --data disk/d --input $input --acks acks --json
result out >after
check_acks acks disk/d
claim "with room again it goes on; the $promised acknowledgements from before are in the journal"
expect 0 "$MILLRACE" run --data whole --input $input --json
same "after a full disk" "$(result out)" "$(cat after)"
claim "and it ends as a run that always had room"

mount -o remount,ro disk || fail "cannot make it read-only"
expect 4 "$MILLRACE" run --data disk/d --input $input
one_line err
expect 4 "$MILLRACE" run --data disk/new --input $input
one_line err
claim "a read-only directory: $(cut -c 1-120 err)"
