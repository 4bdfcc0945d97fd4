#!/bin/bash
# typed.sh MILLRACE PAGE...: feeds the commands of a page's ledgers (its blocks of kind `ledger`;
# docs/ledger.md says how to read them) to `millrace run`, as a person would type them, and compares
# the events that come out with those of the page. Left out are ledgers with what cannot be typed:
# the engine's own commands, other sessions, settings that are not the ledger's.
set -euo pipefail
millrace=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
small=accounts_max=100,transfers_max=100,pending_max=20,history_max=20,ledgers_max=8

# Takes a page apart: of ledger N, N.in has the commands, N.config what is set, N.want a line for
# each event, which is `*` where the page does not tell it; N.not is there if it cannot be typed.
take_apart() # PAGE FOLDER
{
    awk -v folder="$2" '
        /^```/ { inside = !inside && $0 == "```ledger"; next }
        !inside { next }
        /^new ledger/ {
            name = sprintf("%s/%03d", folder, ++count)
            printf "" >(name ".in")
            printf "" >(name ".want")
            for (i = 3; i <= NF; i++)
                printf ",%s", $i >(name ".config")
            if (/timers_max/)
                print >(name ".not")
        }
        /^[>+]/ { print substr($0, 2) >(name ".in") }
        /^[>+] *tick/ || /^[>+].* session=/ { print >(name ".not") }
        /^[+]/ { print "*" >(name ".want") }
        /^(account|transfer)_(created|rejected|expired)/ { print >(name ".want") }
    ' "$1"
}

# Whether the events are those that are wanted, each with what is wanted of it.
compare() # WANT GOT
{
    awk '
        FNR == NR { want[++wanted] = $0; next }
        {
            wants = split(want[++got], pair, " ")
            split("", has)
            for (i = 2; i <= NF; i++)
                has[$i]
            if (got > wanted || (pair[1] != "*" && pair[1] != $1))
                differs()
            # Numbers may be typed in hex; they are told in decimal digits.
            for (i = 2; i <= wants; i++)
                if (!(pair[i] in has) && pair[i] !~ /=0x/)
                    differs()
        }
        END { if (!bad && got != wanted) { $0 = "nothing"; got++; differs() } exit bad }
        function differs() {
            if (!bad)
                print "event " got ": the page has\n  " want[got] "\nand there is\n  " $0
            bad = 1
        }
    ' "$1" "$2"
}

status=0
played=0
for page; do
    folder=$work/$(basename "$page" .md)
    mkdir "$folder"
    take_apart "$page" "$folder"
    for input in "$folder"/*.in; do
        name=${input%.in}
        [ ! -e "$name.not" ] || continue
        [ -s "$input" ] || continue
        config=$small
        [ ! -e "$name.config" ] || config=$small$(cat "$name.config")
        played=$((played + 1))
        "$millrace" run --logic ledger --durability none --config "$config" --events \
            --input "$input" >"$name.out" 2>&1 || { cat "$name.out"; status=1; }
        grep -E '^(account|transfer)_(created|rejected|expired) ' "$name.out" >"$name.got" || true
        compare "$name.want" "$name.got" || {
            echo "of $page, with these commands:"
            cat "$input"
            status=1
        }
    done
done
echo "$played ledgers played"
[ "$played" -ge 30 ] || status=1
exit $status
