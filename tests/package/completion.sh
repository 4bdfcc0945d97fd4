#!/bin/bash
# completion.sh BUILD: bash completes commands, options and their values as the tool has them.
set -euo pipefail
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=/dev/null
source "$build/completions/millrace"
cd "$work"
mkdir folder other
touch file
failed=0

# What is offered for a command line, split into words as bash does; the cursor is in the last one.
offered() # WORD...
{
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    _millrace || true
    printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort | tr '\n' ' '
}

expect() # OFFERED WORD...
{
    local wanted=$1 got
    shift
    got=$(offered "$@")
    if [ "${got% }" != "$wanted" ]; then
        echo "'$*' offers '${got% }', not '$wanted'"
        failed=1
    fi
}

expect "replay" millrace repl
expect "recover repair replay" millrace re
expect "" millrace nonsense
expect "" millrace nonsense --
expect "--to" millrace replay --to
expect "--durability" millrace run --dur
expect "disk none os" millrace run --durability ""
expect "disk none os" millrace run --durability =
expect "none" millrace run --durability = n
expect "skip stop" millrace run --data folder --on-error s
expect "folder other" millrace verify --data ""
expect "folder" millrace verify --data = f
expect "file folder" millrace verify --acks f
expect "- file folder gen: other" millrace run --input ""
expect "bitstamp gen lobster text" millrace run --format ""
expect "lobster" millrace run --format = l
expect "" millrace replay --to ""
expect "--json" millrace verify --data folder --js
# What was given is not offered again.
expect "" millrace verify --json --js
expect "--help --logic --version" millrace --
# Logics may be named first.
expect "file folder" millrace --logic f
expect "file folder" millrace --logic = f
expect "verify" millrace --logic file ver
expect "verify" millrace --logic = file --logic file ver
expect "folder" millrace --logic file verify --data f
expect "book file folder ledger other" millrace run --logic ""

# Every command and option that --help tells of is there, so nothing can have been forgotten.
commands=$("$build/millrace" --help | sed -n 's/^  \([a-z]\{2,\}\) .*/\1/p')
[ "$(wc -w <<<"$commands")" -ge 8 ] || failed=1
for command in $commands; do
    options=$("$build/millrace" "$command" --help |
        sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort -u | tr '\n' ' ')
    got=$(offered millrace "$command" -- | tr ' ' '\n' | grep -vx -e --help -e '' | sort |
        tr '\n' ' ')
    if [ "$got" != "$options" ]; then
        echo "millrace $command: offers '$got', --help has '$options'"
        failed=1
    fi
done
echo "$(wc -w <<<"$commands") commands"
exit $failed
