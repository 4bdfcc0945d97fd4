# shellcheck shell=sh
# What the tests of the millrace command share; to be sourced. Each test works in a directory of its
# own below the current one, which goes away at the end with all processes that the test has
# started.
set -u

: "${MILLRACE:?is to be the millrace command}"
# shellcheck disable=SC2034 # for the tests
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d ./scratch.XXXXXX) || exit 2
scratch=$(cd "$scratch" && pwd)
started= # the process that runs in the background
others=  # more of them, which only the end of the test ends

clean_up()
{
    # shellcheck disable=SC2086 # a list
    [ -z "$started$others" ] || kill -9 $started $others 2>/dev/null
    cd / && rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 2' INT TERM
cd "$scratch" || exit 2
unset NO_COLOR

claim() # TEXT: what has just been shown
{
    echo "ok: $*"
}

fail() # TEXT...
{
    echo "FAILED: $*" >&2
    exit 1
}

skip() # TEXT...
{
    echo "SKIPPED: $*"
    exit 77
}

flip() # FILE OFFSET: changes one byte
{
    byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf '%b' "\\0$(printf '%03o' $(((byte + 1) % 256)))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# Runs a command, its output in files `out` and `err`; fails unless it exits with the given code.
expect() # CODE COMMAND...
{
    expected=$1
    shift
    "$@" >out 2>err
    code=$?
    [ "$code" -eq "$expected" ] || {
        cat err >&2
        fail "exit code $code, not $expected, of: $*"
    }
}

# Begins a command in the background, its output in files `out` and `err`. SIGINT ends it as it
# would in front, which sh has those in the background ignore.
begin() # COMMAND...
{
    env --default-signal=INT "$@" >out 2>err &
    started=$!
}

# Ends what runs in the background; fails unless it exits with the given code.
end() # SIGNAL CODE
{
    kill -s "$1" "$started" || fail "it has ended by itself: $(cat ./*err)"
    wait "$started"
    code=$?
    started=
    [ "$code" -eq "$2" ] || fail "exit code $code, not $2, after SIG$1: $(cat ./*err)"
}

# The value of a key in the last line of JSON in a file.
field() # KEY FILE
{
    tail -n 1 "$2" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"
}

# All that must be equal of two runs that did the same.
result() # FILE
{
    for key in commands events rejects trades last_sequence durable_sequence state_digest \
        event_digest; do
        echo "$key=$(field $key "$1")"
    done
}

same() # TEXT A B: fails unless A and B are equal
{
    [ "$2" = "$3" ] || fail "$1:
$2
against
$3"
}

one_line() # FILE: fails unless it has exactly one line
{
    [ "$(wc -l <"$1")" -eq 1 ] || {
        cat "$1" >&2
        fail "not one line, but $(wc -l <"$1")"
    }
}

# Every line of acknowledgements is in the journal of a directory, told by its dump.
check_acks() # ACKS DIRECTORY
{
    "$MILLRACE" dump --data "$2" --json >dump.json || fail "dump of $2"
    awk -F '[:,]' '{
        for (i = 1; i < NF; i += 2)
            if ($i ~ /"sequence"/)
                sequence = $(i + 1)
            else if ($i == "\"request\"") {
                print sequence, $(i + 1)
                next
            }
    }' dump.json >dump.pairs
    awk 'NR == FNR { has[$0]; next } !($0 in has) { print; bad = 1 } END { exit bad }' \
        dump.pairs "$1" >missing ||
        fail "acknowledged, but not in the journal: $(head -n 3 missing)"
}

seed() # sets $seed, says it
{
    seed=${MR_SEED:-$1}
    echo "seed $seed (set MR_SEED for another)"
}

# Random numbers, one a line: COUNT of them from LEAST to MOST.
randoms() # SEED COUNT LEAST MOST
{
    awk -v seed="$1" -v count="$2" -v least="$3" -v most="$4" 'BEGIN {
        srand(seed)
        for (i = 0; i < count; i++)
            print least + int(rand() * (most - least + 1))
    }'
}
