#!/bin/sh
# A logic of the user's own, in a shared object, is run, dumped, loaded, verified and replayed by
# the command as those that come with it.
. "$(dirname "$0")/lib.sh"

root=$here/../..
cc=${CC:-cc}
command -v "$cc" >/dev/null || skip "no compiler"
printf '%s\n' '#define main counter_main' "#include \"$root/examples/counter.c\"" \
    'MR_LOGIC_PLUGIN(counter)' >mine.c
grep -q '^MR_LOGIC_PLUGIN' "$root/examples/counter.c" && sed -i '$d' mine.c
"$cc" -std=c11 -shared -fPIC -I "$root/include" -o mine.so mine.c || fail "mine.so"

printf 'add amount=%d\n' 5 -2 40 >input
expect 0 "$MILLRACE" run --logic ./mine.so --data data --input input --json
# Genesis and two sessions come first.
same "commands and events" "$(field commands out) $(field events out)" "6 6"
state=$(field state_digest out)
expect 0 "$MILLRACE" --logic mine.so run --logic counter --data other --input input --json
same "by file and by name" "$state" "$(field state_digest out)"
claim "run takes a logic out of a shared object, by its file and by its name"

expect 2 "$MILLRACE" serve --logic ./mine.so --data served --hash-seed 1
grep -q 'the logic counter has no --hash-seed' err || fail "$(cat err)"
[ ! -e served ] || fail "it made the directory"
claim "a logic whose configuration has no hash seed takes none"

expect 0 "$MILLRACE" --logic ./mine.so replay --data data --json
same "replay" "$state" "$(field state_digest out)"
MILLRACE_LOGIC=./mine.so expect 0 "$MILLRACE" dump --data data
grep -q '^add .*amount=40' out || fail "the dump does not name the fields"
cp out dumped
expect 0 "$MILLRACE" --logic=./mine.so load --data copy --input dumped
expect 0 "$MILLRACE" --logic ./mine.so dump --data copy
cmp -s out dumped || fail "dump, load, dump differ"
expect 0 "$MILLRACE" --logic ./mine.so catalog --logic counter
grep -q 'amount' out || fail "the catalog does not tell the fields"
claim "replay, dump, load and catalog know it, too"

expect 2 "$MILLRACE" dump --data data
grep -q "counter" err || fail "the message does not name the logic"
expect 2 "$MILLRACE" run --logic counter --data data --input input
grep -q "there is book" err || fail "the message does not say what there is"
claim "without it, the journal is refused, and the logic named"

expect 2 "$MILLRACE" --logic ./none.so dump --data data
one_line err
echo 'int nothing;' >empty.c
"$cc" -shared -fPIC -o empty.so empty.c || fail "empty.so"
expect 2 "$MILLRACE" --logic ./empty.so dump --data data
grep -q MR_LOGIC_PLUGIN err || fail "the message does not say what is missing"
printf '%s\n' '#include <millrace/logic.h>' '#undef MR_LOGIC_ABI' '#define MR_LOGIC_ABI 77u' \
    'MR_LOGIC_PLUGIN(mr_logic_book)' >old.c
"$cc" -std=c11 -shared -fPIC -I "$root/include" -o old.so old.c || fail "old.so"
expect 2 "$MILLRACE" --logic ./old.so dump --data data
grep -q "another version" err || fail "the message does not say why"
claim "what is no logic, or one of another version, is refused with a line that says why"
