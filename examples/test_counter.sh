#!/bin/sh
# Claims: the counter remembers, across runs, what it has answered; and README shows it as it
# is.
set -eu
counter=$1
examples=$(dirname "$0")
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

[ "$("$counter" "$directory/data" 5 7 | tr '\n' ' ')" = "5 12 " ]
[ "$("$counter" "$directory/data" -2)" = "10" ]
[ "$("$counter" "$directory/data" 9223372036854775807)" = "" ] # refused: it would overflow
[ "$("$counter" "$directory/data" 1)" = "11" ]
echo "the counter remembers"

awk '/^```c$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' \
    "$examples/../README.md" >"$directory/shown"
awk 'NR == FNR { shown = shown $0 "\n"; next } { whole = whole $0 "\n" }
     END { exit length(shown) < 500 || index(whole, shown) == 0 }' \
    "$directory/shown" "$examples/counter.c"
echo "README shows the counter as it is"
