#!/bin/bash
# pages.sh BUILD: the reference tells about every public function, and the manual pages are in good
# order, those that are written by hand, too.
set -euo pipefail
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
failed=0

complain()
{
    echo "$*"
    failed=1
}

bare=$("$root/scripts/reference.sh" bare)
[ -z "$bare" ] || complain "Functions without a comment right before them:"$'\n'"$bare"

count=0
for function in $("$root/scripts/reference.sh" functions); do
    link=$build/man3/$function.3
    if [ ! -e "$link" ]; then
        complain "$function has no page"
        continue
    fi
    page=$build/$(sed 's/^\.so //' "$link")
    grep -q "$function" "$page" || complain "$page says nothing of $function"
    count=$((count + 1))
done
[ "$count" -gt 100 ] || complain "only $count functions have pages"

if ! command -v man >/dev/null || ! command -v groff >/dev/null; then
    echo "SKIPPED: the pages are not looked at: there is no man and groff (Debian: man-db, groff)"
    [ "$failed" -eq 0 ] && exit 77
    exit 1
fi
for page in "$build"/man3/millrace*.3 "$root"/man/*.1; do
    found=$(MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings=w -E UTF-8 -l -Tutf8 -Z "$page" \
        2>&1 >/dev/null)
    [ -z "$found" ] || complain "$page: $found"
    grep -q '^\.SH NAME' "$page" || complain "$page has no NAME"
done
echo "$count functions have pages"
exit $failed
