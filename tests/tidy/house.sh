#!/bin/sh
# house.sh [ROOT]: the house rules that need no compiler (see house.awk).
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "${1:-$here/../..}" && pwd)

files=$("$here/files.sh" "$root" '\.[ch]$' '\.cc$' '\.sh$' '\.awk$' '\.cmake$' '\.in$' '\.md$' \
    'CMakeLists\.txt$' 'Makefile$' '^\.ci/run$' '\.json$')
cd "$root" || exit 2

status=0
# Bytes, not characters: awks differ in what they make of the latter.
# shellcheck disable=SC2086 # paths without blanks
LC_ALL=C awk -v checkout="$root" -f "$here/house.awk" $files || status=1
for file in $files; do
    if [ -s "$file" ] && [ "$(tail -c 1 "$file" | wc -l)" -eq 0 ]; then
        echo "$file:1: line: no newline at the end"
        status=1
    fi
done
exit $status
