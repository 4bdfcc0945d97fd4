#!/bin/bash
# shellcheck disable=SC2016,SC2086 # lists of options, and a script within
# digest-matrix.sh: the same commands give the same digests of state and events everywhere. The
# program tests/digests prints both after every thousandth command of three logics, once by core/
# alone and once by the whole engine over a journal in memory; its lines are compared between
# compilers, optimisation levels, link-time optimisation, sanitizers, aarch64 (under qemu) and, of
# core/ alone, WebAssembly (in Node.js). Then the tool runs with its threads and a journal on disk,
# as released and under each sanitizer, and its digests are compared. DIGESTS=regex: those alone.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

work=$PWD/build-matrix
first= # the lines that all others are compared with
first_tool=
failed=0

# Storage on files takes io_uring, which is not there for other machines.
mapfile -t sources < <(find base disruptor journal core engine -name '*.c' ! -name 'storage_*' |
    sort)
sources+=(tests/support/memory_storage.c tests/digests/*.c tests/digests/cross/no_files.c)
mapfile -t core_sources < <(find core -name '*.c' | sort)
core_sources+=(tests/digests/{alarms,by_core,ledger_script,script}.c)
# xxhash.h is for any machine, but other compilers do not look where it is.
headers=$work/include
mkdir -p "$headers"
cp "$(pkg-config --variable=includedir libxxhash)/xxhash.h" "$headers"
common="-std=c11 -D_GNU_SOURCE -I$PWD -I$PWD/include -I$headers -fno-strict-aliasing -pthread -w"

wanted() # NAME
{
    [[ $1 =~ ${DIGESTS-} ]]
}

has() # NAME COMMAND
{
    if ! command -v "$2" >/dev/null; then
        echo "digests: $1: SKIPPED: there is no $2"
        return 1
    fi
}

fail() # NAME LOG
{
    tail -n 30 "$2"
    echo "digests: $1: FAILED"
    failed=1
}

# Compiles sources in folders of their own, a folder at a time and as many as there are processors.
compile() # OUT FLAGS COMPILER SOURCE...
{
    local out=$1 flags=$2 compiler=$3 folder
    shift 3
    rm -rf "$out"
    for folder in $(printf '%s\n' "${@%/*}" | sort -u); do
        mkdir -p "$out/$folder"
        printf '%s\n' "$folder"
    done | xargs -P "$(nproc)" -I{} sh -c '
        out=$1 flags=$2 compiler=$3 folder=$4 files=
        shift 4
        for file; do
            [ "${file%/*}" != "$folder" ] || files="$files $PWD/$file"
        done
        cd "$out/$folder" && $compiler $flags -c $files' sh "$out" "$flags" "$compiler" {} "$@"
}

# Compares lines with those of before.
compare() # NAME LINES
{
    local name=$1 lines=$2 last
    first=${first:-$lines}
    last=$(tail -n 1 <<<"$lines")
    if [ "$(wc -l <<<"$lines")" -ge 120 ] || [ "$name" = wasm32 ] &&
        [ "$(head -n "$(wc -l <<<"$lines")" <<<"$first")" = "$lines" ]; then
        echo "digests: $name: $(wc -l <<<"$lines") lines, the last one: $last"
    else
        awk 'NR == FNR { first[FNR] = $0; next }
            first[FNR] != $0 { print "not  " first[FNR] "\nbut  " $0; exit }' \
            <(echo "$first") <(echo "$lines")
        echo "digests: $name: FAILED"
        failed=1
    fi
}

# One way to build the program, and what it prints: by core/, then by the engine.
try() # NAME COMPILER FLAGS [RUNNER...]
{
    local name=$1 compiler=$2 flags=$3 log=$work/$1.log lines
    shift 3
    wanted "$name" && has "$name" "$compiler" && has "$name" "${1-$compiler}" || return 0
    if compile "$work/$name" "$common $flags" "$compiler" "${sources[@]}" >"$log" 2>&1 &&
        find "$work/$name" -name '*.o' -print0 |
        xargs -0 "$compiler" $flags -pthread -o "$work/$name/digests" >>"$log" 2>&1 &&
        lines=$("$@" "$work/$name/digests" core 2>>"$log" &&
            "$@" "$work/$name/digests" engine 2>>"$log"); then
        compare "$name" "$lines"
    else
        fail "$name" "$log"
    fi
}

# core/ without an operating system: what it prints by itself.
try_wasm()
{
    local out=$work/wasm32 log=$work/wasm32.log lines
    wanted wasm32 && has wasm32 clang && has wasm32 wasm-ld && has wasm32 node || return 0
    local wasm="--target=wasm32 -ffreestanding -nostdlib -O2"
    if compile "$out" "$common $wasm -I$PWD/tests/digests/wasm" clang "${core_sources[@]}" \
        >"$log" 2>&1 &&
        clang $common $wasm -fno-builtin -c -o "$out/library.o" tests/digests/wasm/library.c \
            >>"$log" 2>&1 &&
        find "$out" -name '*.o' -print0 |
        xargs -0 clang $wasm -Wl,--no-entry -Wl,--export=by_core \
            -Wl,--allow-undefined-file=tests/digests/wasm/imports \
            -o "$out/digests.wasm" >>"$log" 2>&1 &&
        lines=$(node tests/digests/wasm/run.mjs "$out/digests.wasm" 2>>"$log"); then
        compare wasm32 "$lines"
    else
        fail wasm32 "$log"
    fi
}

# Formats are little-endian: another machine is refused by the compiler.
try_big_endian()
{
    local log=$work/big-endian.log
    wanted big-endian && has big-endian clang || return 0
    if ! clang --target=powerpc64 -ffreestanding -Iinclude -fsyntax-only -x c \
        include/millrace/message.h >"$log" 2>&1 && grep -q 'formats are little-endian' "$log"; then
        echo "digests: big-endian: refused"
    else
        fail big-endian "$log"
    fi
}

# The tool of a preset, with threads and a journal on disk, and the digests that it ends with.
try_tool() # PRESET
{
    local name=tool-$1 log=$work/tool-$1.log data=$work/data tool line runner=()
    wanted "$name" || return 0
    tool=$(folder_of "$1")/millrace
    # The thread sanitizer cannot place its shadow where addresses are randomised too widely.
    if setarch --addr-no-randomize true 2>/dev/null; then
        runner=(setarch --addr-no-randomize)
    fi
    rm -rf "$data"
    if scripts/build.sh "$1" product >"$log" 2>&1 && line=$("${runner[@]}" "$tool" run \
        --input gen:orders=20000,seed=1 --data "$data" --json 2>>"$log" | tail -n 1 |
        grep -o '"[a-z]*_digest": *"[0-9a-f]*"'); then
        first_tool=${first_tool:-$line}
        if [ "$line" = "$first_tool" ]; then
            echo "digests: $name:" $line
            rm -rf "$data"
            return
        fi
    fi
    fail "$name" "$log"
    echo "$first_tool"
    echo "${line-}"
}

for compiler in gcc clang; do
    for level in O0 O1 O2 O3; do
        try $compiler-$level $compiler -$level
    done
    try $compiler-lto $compiler "-O2 -flto"
done
try gcc-address-undefined gcc "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all"
try aarch64 aarch64-linux-gnu-gcc "-O2 -static" qemu-aarch64-static
try_wasm
try_big_endian
for preset in release sanitize tsan; do
    try_tool $preset
done
exit $failed
