#!/bin/sh
# docs/reference/ is what the public headers say now.
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

"$root/scripts/reference.sh" markdown "$work/now"
if ! diff -r -u "$root/docs/reference" "$work/now" >"$work/differences"; then
    head -n 40 "$work/differences"
    echo "A header has changed since: run 'make docs'."
    exit 1
fi
echo "$(find "$work/now" -name '*.md' | wc -l) pages"
