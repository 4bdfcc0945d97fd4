#!/bin/sh
# Claim: the counter remembers, across runs, what it has answered.
set -eu
counter=$1
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
[ "$("$counter" "$directory/data" 5 7 | tr '\n' ' ')" = "5 12 " ]
[ "$("$counter" "$directory/data" -2)" = "10" ]
echo "the counter remembers"
