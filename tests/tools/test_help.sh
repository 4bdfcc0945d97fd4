#!/bin/sh
# Every subcommand explains itself, and the manual knows every option.
. "$(dirname "$0")/lib.sh"
manuals=$here/../../man

expect 2 "$MILLRACE"
expect 0 "$MILLRACE" --version
grep -q '^millrace [0-9]' out || fail "no version: $(cat out)"
expect 0 "$MILLRACE" --help
commands=$(sed -n 's/^  \([a-z]*\) .*/\1/p' out)
[ "$(echo "$commands" | wc -l)" -ge 7 ] || fail "commands: $commands"

for command in $commands; do
    expect 0 "$MILLRACE" "$command" --help
    [ ! -s err ] || fail "$command --help complains: $(cat err)"
    for word in "^usage: millrace $command" '^Options:' '^Examples:' "^  millrace $command" \
        '^Exit codes:'; do
        grep -q "$word" out || fail "$command --help has no line '$word'"
    done
    awk 'length > 80 { print; long = 1 } END { exit long }' out ||
        fail "$command --help is too wide"
    [ -r "$manuals/millrace-$command.1" ] || continue
    sed -n 's/^  --\([a-z-]*\).*/\1/p' out >options
    while read -r option; do
        sed 's/\\-/-/g' "$manuals/millrace-$command.1" | grep -q -e "--$option" ||
            fail "--$option is not in millrace-$command.1"
    done <options
done
claim "usage, options, examples and exit codes: $(echo "$commands" | tr '\n' ' ')"
