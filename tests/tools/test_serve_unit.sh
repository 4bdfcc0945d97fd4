#!/bin/sh
# The systemd unit that comes as an example is one that systemd understands.
. "$(dirname "$0")/lib.sh"
command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze"
unit=$here/../../packaging/systemd/millrace@.service

grep -q '^Type=notify$' "$unit" || fail "it does not wait for READY"
# The program and the manual lie elsewhere, as long as nothing is installed.
sed "s|/usr/bin/millrace|$MILLRACE|; /^Documentation=/d" "$unit" >millrace@orders.service
systemd-analyze verify ./millrace@orders.service >verify.out 2>&1
code=$?
# What it says of other units of this machine is not about this one.
grep 'millrace@' verify.out >about && fail "systemd-analyze: $(cat about)"
[ $code -eq 0 ] || [ ! -s about ] || fail "systemd-analyze: $(cat verify.out)"
claim "systemd-analyze finds nothing wrong with it"
