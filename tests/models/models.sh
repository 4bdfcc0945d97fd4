#!/bin/bash
# models.sh: checks the models with Spin, as they are and with each planted error, which must be
# found for the reason that is expected. Two at a time; a line each, and a closing line that counts.
set -uo pipefail
cd "$(dirname "$0")" || exit

# model, flags, and what Spin must say: "ok", or a part of the message of the error it must find.
checks='
ring   -DLAST=5                             | ok
ring   -DMARKS -DLAST=4                     | ok
ring   -DMARKS -DCAPACITY=1 -DLAST=4        | ok
ring   -DNO_GATE                            | +2)>mine)
ring   -DGATE_OF_ONE                        | +2)>mine)
ring   -DNO_DEPENDENCY                      | (me!=2)
ring   -DPUBLISHED_FIRST                    | (slot_position[(at%2)]==at)
ring   -DRELEASED_FIRST                     | (slot_position[(at%2)]==at)
ring   -DMARKS -DNO_GATE                    | +2)>mine)
ring   -DMARKS -DPUBLISHED_FIRST -DLAST=4   | (slot_position[(at%2)]==at)
ring   -DMARKS -DMARK_WITHOUT_ROUND         | (slot_position[(at%2)]==at)
ring   -DMARKS -DCLAIM_WITHOUT_EXCHANGE     | assertion violated
park   -DLAST=3                             | ok
park   -DWAKER_WITHOUT_FENCE                | invalid end state
park   -DSLEEPER_WITHOUT_FENCE              | invalid end state
park   -DNO_SECOND_LOOK                     | invalid end state
park   -DNO_COUNT                           | invalid end state
joining -DLAST=6                            | ok
joining -DLAST=6 -DSTAYS=0                  | ok
joining -DONE_READING                       | (position[1]+2)>next
joining -DNO_FENCE                          | (slot[(at%2)]==at)
joining -DBEGIN_EARLY                       | (slot[(at%2)]==at)
joining -DNO_JOIN_WAKE                      | invalid end state
joining -DNO_LEAVE_WAKE -DSTAYS=0           | invalid end state
pool   -DLAST=5                             | ok
pool   -DWORKERS_FIRST                      | handled[(next-2)]==1
pool   -DCURSOR_LATE                        | handled[(next-2)]==1
pool   -DNO_EXCHANGE                        | (handled[first]==0)
membership -DFOUNDER                          | ok
membership -DLAST=3 -DCAPACITY=1              | ok
membership -DFOUNDER -DLIVES=2 -DLAST=2 -DCAPACITY=1 | ok
membership -DFOUNDER -DSLEEP -DLAST=3         | ok
membership -DMARKS -DFOUNDER -DJOINS_ONLY -DRIDER -DLAST=3 | ok
membership -DFOUNDER -DNO_SECOND_LOOK         | writing<=(handled[0]+
membership -DFOUNDER -DNO_PRODUCER_FENCE      | writing<=(handled[0]+
membership -DFOUNDER -DNO_JOIN_FENCE          | writing<=(handled[0]+
membership -DFOUNDER -DBEGIN_EARLY            | writing<=(handled[0]+
membership -DFOUNDER -DNO_PUT_BACK            | invalid end state
membership -DLAST=3 -DCAPACITY=1 -DNO_FLOOR   | writing<=(handled[0]+
membership -DFOUNDER -DLIVES=2 -DLAST=2 -DCAPACITY=1 -DCELL_RELAXED | writing<=(handled[0]+
membership -DFOUNDER -DLIVES=2 -DLAST=2 -DCAPACITY=1 -DNO_LEAVE_VERSION | writing<=(handled[0]+
membership -DFOUNDER -DSLEEP -DLAST=3 -DNO_JOIN_WAKE  | invalid end state
membership -DFOUNDER -DSLEEP -DLAST=3 -DNO_LEAVE_WAKE | invalid end state
membership -DMARKS -DFOUNDER -DJOINS_ONLY -DRIDER -DLAST=3 -DNO_JOIN_FENCE | writing<=(handled[0]+
workers -DLAST=3                              | ok
workers -DLAST=4 -DCAPACITY=1                 | ok
workers -DNEWCOMER -DONE_WORKER               | ok
workers -DLAST=3 -DSLEEP                      | ok
workers -DLAST=3 -DCELLS_FIRST                | worker_of[
workers -DLAST=3 -DCELL_LATE                  | worker_of[
workers -DLAST=3 -DTAKE_RELAXED               | worker_of[
workers -DLAST=3 -DANNOUNCE_RELAXED           | worker_of[
workers -DLAST=3 -DCLEAR_RELAXED              | worker_of[
workers -DNEWCOMER -DONE_WORKER -DFORGET_WORKERS | worker_of[
workers -DLAST=3 -DSLEEP -DNO_IDLE_WAKE       | invalid end state
'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Checks one model in a folder of its own, and says how it went.
check() # NUMBER MODEL FLAGS EXPECTED
{
    local folder=$work/$1 model=$2 flags=$3 expected=$4 started=$SECONDS verdict=FAILED
    mkdir "$folder" && cp ./*.pml "$folder" && cd "$folder" || exit
    # shellcheck disable=SC2086 # a list of words
    if spin -a $flags "$model.pml" >log 2>&1 &&
        "${CC:-gcc}" -O1 -w -DSAFETY -DCOLLAPSE -DMEMLIM=4000 -DVECTORSZ=2048 \
            -o pan pan.c >>log 2>&1; then
        ./pan -m1000000 -w23 >>log 2>&1
    fi
    if [ "$expected" = ok ]; then
        grep -q 'errors: 0' log && ! grep -q 'max search depth too small\|out of memory' log &&
            verdict=passed
    else
        grep -q 'errors: 1' log && grep -qF -- "$expected" <(grep '^pan:1:' log) && verdict=caught
    fi
    printf '%-10s %-58s %-7s %s states, %d s\n' "$model" "$flags" "$verdict" \
        "$(awk '/states, stored/ { print $1 }' log)" $((SECONDS - started))
    [ "$verdict" != FAILED ] || grep -v '^$' log | tail -n 20
}

number=0
while IFS='|' read -r what expected; do
    read -r model flags <<<"$what"
    [ -n "$model" ] || continue
    number=$((number + 1))
    (check $number "$model" "$flags" "${expected# }" >"$work/$number.said" 2>&1)&
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
        wait -n
    done
done <<<"$checks"
wait

failed=0
for ((i = 1; i <= number; i++)); do
    cat "$work/$i.said"
    if ! grep -q 'passed\|caught' "$work/$i.said"; then
        failed=$((failed + 1))
    fi
done
echo "$((number - failed)) passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
