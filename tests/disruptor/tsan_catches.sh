#!/bin/sh
# Would the thread sanitizer notice? Takes one release or acquire after another out of a copy of the
# disruptor, and expects a data race from each, and none from what it is a copy of. Exits with 77
# where the compiler has no thread sanitizer, or the system no place for its shadow.
# shellcheck disable=SC2046,SC2086 # lists of words
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

# Compiles the files named, two at a time, and links the probe.
build() # TREE FILE...
{
    tree=$work/$1
    shift
    (cd "$tree" && printf '%s\n' "$@" |
        xargs -n 6 -P 2 ${CC:-cc} $flags -w -I. -Iinclude -c &&
        ${CC:-cc} $flags -o probe ./*.o)
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

mkdir "$work/honest" && cp -r "$root/include" "$root/base" "$root/disruptor" "$work/honest" &&
    cp "$here/tsan_probe.c" "$work/honest/probe.c" || exit 1
if ! build honest $(cd "$work/honest" && ls disruptor/*.c) base/assert.c base/clock.c base/error.c \
    probe.c >"$work/log" 2>&1; then
    fail "it does not compile"
    exit 1
fi
$run "$work/honest/probe" >"$work/log" 2>&1 ||
    fail "exit code $? of the sources as they are"

# Takes the order out of those COUNT lines of FILE that have CODE, compiles what is affected (FILE
# itself, or those named), and expects a report.
planted() # NAME FILE COUNT CODE [FILE...]
{
    name=$1 file=$2 count=$3 code=$4
    shift 4
    [ $# -gt 0 ] || set -- "$file"
    rm -rf "$work/planted" && cp -r "$work/honest" "$work/planted"
    : >"$work/log"
    if ! awk -v code="$code" -v count="$count" '
        (at = index($0, code)) > 0 {
            line = substr($0, at)
            found += sub(/, (release|acquire|acq_rel)\)/, ", relaxed)", line)
            $0 = substr($0, 1, at - 1) line
        }
        { print }
        END { exit found != count }' "$root/$file" >"$work/planted/$file"; then
        fail "$name: in $file there are not $count lines with an order and: $code"
    elif ! build planted "$@" >"$work/log" 2>&1; then
        fail "$name: it does not compile"
    else
        $run "$work/planted/probe" >"$work/log" 2>&1
        status=$?
        if [ $status -ne 66 ]; then
            fail "$name: not caught (exit code $status)"
        else
            echo "tsan_catches: $name: caught"
        fi
    fi
}

# What is inline in the header is compiled into these.
header=include/millrace/disruptor.h
users="probe.c disruptor/ring.c disruptor/consumer.c"
planted "the cursor's release" $header 1 'mr_atomic_store(&ring->published, first + count,' $users
planted "a producer object's release" $header 1 \
    'mr_atomic_store(&producer->ring->published, first + count,' probe.c
planted "the cursor's acquire" disruptor/consumer.c 2 \
    'next = mr_atomic_load(&ring->published,'
planted "the mark's release" $header 1 'mr_atomic_store(mr_ring_mark(ring, first + i),' $users
planted "the mark's acquire" $header 1 'mr_atomic_load(mr_ring_mark(ring, position),' $users
planted "a consumer's release" $header 1 'mr_atomic_store(&consumer->cursor->position, next,' $users
planted "a worker's release" disruptor/pool.c 1 \
    'mr_atomic_store(&worker->consumer.cursor->position, position,'
planted "the acquire of those watched" disruptor/membership.c 1 \
    'slowest = mr_atomic_load(&ring->cursors[__builtin_ctzll(set)].position,'
planted "the gate's release" disruptor/producer.c 1 'mr_atomic_store(&ring->gate, gate,'
planted "the gate's acquire" disruptor/producer.c 1 'gate = mr_atomic_load(&ring->gate,'

exit $failed
