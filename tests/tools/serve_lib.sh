# shellcheck shell=sh
# What the tests of serve and send share; to be sourced behind lib.sh.

wait_for() # FILE WORDS: until a line with them is there
{
    tries=0
    until grep -q "$2" "$1" 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || {
            cat "$1" ./*.err >&2
            fail "no '$2' in $1"
        }
        sleep 0.02
    done
}

serve() # NAME OPTION...: in the background, ready; without 3, which is the tests' end of pipes
{
    name=$1
    shift
    rm -f "$name.out"
    "$MILLRACE" serve --data "$name" --segment-size 4 "$@" >"$name.out" 2>"$name.err" \
        3>&- &
    # shellcheck disable=SC2034 # for end and for the end of the test
    started=$!
    wait_for "$name.out" 'READY\|"ready":true'
}

# shellcheck disable=SC2034 # for the tests
define='instrument_define instrument=1 symbol=A price_min=1 price_max=1000'
define="$define quantity_max=1000 price_decimals=2"
