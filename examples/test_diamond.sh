#!/bin/sh
# Claims: every stage of the diamond sees everything, the last one after both others, and what a
# handler refuses becomes a dead letter.
set -eu
diamond=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

cat >"$directory/expected" <<'END'
handled 1000, total 500500, dead letters 142
position 6 (number 7): bad argument or bad input
position 13 (number 14): bad argument or bad input
position 20 (number 21): bad argument or bad input
END
for _ in 1 2 3 4 5; do
    "$diamond" 1000 >"$directory/got"
    diff "$directory/expected" "$directory/got"
done
if "$diamond" 0 2>"$directory/error"; then exit 1; fi
grep -q '^usage:' "$directory/error"
echo "the diamond adds up"
