#!/bin/bash
# exports.sh BUILD: libmillrace.so shows what the public headers declare, and nothing else; and it
# needs the C library and liburing alone.
set -euo pipefail
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

"$root/scripts/reference.sh" exports >"$work/declared"
nm -D --defined-only "$build/libmillrace.so" | awk '{ print $3 }' | LC_ALL=C sort >"$work/shown"

complain() # WHAT NAMES
{
    [ -n "$2" ] || return 0
    echo "$1:"
    echo "$2"
    failed=1
}

complain "Shown by the library, but declared in no public header" \
    "$(LC_ALL=C comm -13 "$work/declared" "$work/shown")"
complain "Declared in a public header (with its visibility pragma?), but not in the library" \
    "$(LC_ALL=C comm -23 "$work/declared" "$work/shown")"
complain "Names without our prefix" "$(grep -v '^mr_' "$work/shown" || true)"
complain "Libraries that it shall not need" \
    "$(readelf -d "$build/libmillrace.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
        grep -vE '^(libc|liburing|ld-linux-[a-z0-9-]*)\.so\.[0-9]+$' || true)"
echo "$(wc -l <"$work/shown") functions and variables"
exit $failed
