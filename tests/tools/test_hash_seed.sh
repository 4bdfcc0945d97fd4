#!/bin/sh
# What keys the mixing of ids: random where strangers send them, the same in every run of an input.
. "$(dirname "$0")/lib.sh"
. "$here/serve_lib.sh"

seed_of() # DIRECTORY: as its genesis has it
{
    "$MILLRACE" dump --data "$1" | sed -n 's/^genesis .* config.hash_seed=\([0-9]*\) .*/\1/p'
}

serve a
end TERM 0
serve b
end TERM 0
a=$(seed_of a)
if [ -z "$a" ] || [ "$a" = "$(seed_of b)" ]; then
    fail "the seeds of two served directories: '$a', '$(seed_of b)'"
fi
claim "two served directories have seeds of their own"

serve c --hash-seed 12345
end TERM 0
same "the seed that was given" 12345 "$(seed_of c)"
serve c --hash-seed 1
end TERM 0
same "the seed of a directory that was there" 12345 "$(seed_of c)"
serve a
end TERM 0
same "the seed after a recovery" "$a" "$(seed_of a)"
claim "one that is given is taken, and a directory keeps its own"

expect 0 "$MILLRACE" run --data d --input gen:orders=1000 --segment-size 4
expect 0 "$MILLRACE" run --data e --input gen:orders=2000,seed=2 --segment-size 4
same "the seeds of two runs" "$(seed_of d)" "$(seed_of e)"
fixed=$(seed_of d)
serve d
end TERM 0
same "the seed of a run's directory that is served" "$fixed" "$(seed_of d)"
claim "under run it is always the same"

for wrong in x -1 18446744073709551616; do
    expect 2 "$MILLRACE" serve --data f --hash-seed "$wrong"
    grep -q -- '--hash-seed wants a number' err || fail "$(cat err)"
done
[ ! -e f ] || fail "a refused command line made the directory"
claim "what is no number is refused"
