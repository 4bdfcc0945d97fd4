#!/bin/sh
# Would the thread sanitizer notice? Takes one release or acquire after another out of a copy of the
# disruptor, and expects a data race from each, and none from what it is a copy of. Exits with 77
# where the compiler has no thread sanitizer, or the system no place for its shadow.
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=gnu11 -D_GNU_SOURCE -g -fsanitize=thread -pthread"
export TSAN_OPTIONS="exitcode=66 halt_on_error=1"

# Newer kernels scatter addresses more widely than the sanitizer's shadow can take.
run=
if setarch --addr-no-randomize true 2>/dev/null; then
    run="setarch --addr-no-randomize"
fi

# Objects are compiled two at a time.
compile() # TREE
{
    (cd "$work/$1" && ls disruptor/*.c base/assert.c base/clock.c base/error.c probe.c |
        xargs -n 6 -P 2 ${CC:-cc} $flags -w -I. -Iinclude -c) &&
        (cd "$work/$1" && ${CC:-cc} $flags -o probe ./*.o)
}

copy() # TREE
{
    mkdir "$work/$1" && cp -r "$root/include" "$root/base" "$root/disruptor" "$work/$1" &&
        cp "$here/tsan_probe.c" "$work/$1/probe.c"
}

echo 'int main(void) { return 0; }' >"$work/none.c"
if ! ${CC:-cc} $flags -o "$work/none" "$work/none.c" >"$work/log" 2>&1 ||
    ! $run "$work/none" >>"$work/log" 2>&1; then
    tail -n 1 "$work/log"
    echo "SKIPPED: ${CC:-cc} has no thread sanitizer that works here"
    exit 77
fi

failed=0
fail() # MESSAGE
{
    echo "tsan_catches: $1"
    [ ! -s "$work/log" ] || tail -n 30 "$work/log"
    failed=1
}

copy honest
if ! compile honest >"$work/log" 2>&1; then
    fail "it does not compile"
    exit 1
fi
$run "$work/honest/probe" >"$work/log" 2>&1 ||
    fail "exit code $? of the sources as they are"

# Takes the order out of the one line of FILE that has CODE, and expects a report.
planted() # NAME FILE CODE
{
    copy planted
    : >"$work/log"
    if ! awk -v code="$3" '
        (at = index($0, code)) > 0 {
            found++
            line = substr($0, at)
            sub(/, (release|acquire|acq_rel)\)/, ", relaxed)", line)
            $0 = substr($0, 1, at - 1) line
        }
        { print }
        END { exit found != 1 }' "$root/$2" >"$work/planted/$2" ||
        cmp -s "$root/$2" "$work/planted/$2"; then
        fail "$1: in $2 there is not exactly one line with an order and: $3"
    elif ! compile planted >"$work/log" 2>&1; then
        fail "$1: it does not compile"
    else
        $run "$work/planted/probe" >"$work/log" 2>&1
        status=$?
        if [ $status -ne 66 ]; then
            fail "$1: not caught (exit code $status)"
        else
            echo "tsan_catches: $1: caught"
        fi
    fi
    rm -rf "$work/planted"
}

header=include/millrace/disruptor.h
planted "the cursor's release" $header 'mr_atomic_store(&ring->published.position, first + count,'
planted "the mark's release" $header 'mr_atomic_store(mr_ring_mark(ring, first + i),'
planted "a consumer's release" $header 'mr_atomic_store(&consumer->cursor->position, next,'
planted "a worker's release" disruptor/pool.c \
    'mr_atomic_store(&worker->consumer.cursor->position, position,'
planted "the gate's release" disruptor/producer.c 'mr_atomic_store(&ring->gate, gate,'
planted "the cursor's acquire" disruptor/consumer.c \
    'next = mr_atomic_load(&ring->published.position,'
planted "the mark's acquire" $header 'mr_atomic_load(mr_ring_mark(ring, position),'
planted "the gate's acquire" disruptor/producer.c 'gate = mr_atomic_load(&ring->gate,'
planted "the acquire of those watched" disruptor/membership.c \
    'slowest = mr_atomic_load(&ring->cursors[__builtin_ctzll(set)].position,'

exit $failed
