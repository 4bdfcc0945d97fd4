#!/bin/sh
# freestanding.sh [ROOT]: core/ is pure. Every file of it compiles for wasm32 without an operating
# system or a C library, calls nothing but core/ itself and what a compiler may call, and holds no
# floating-point instruction and no variable outside the image. Exits with 77 without clang.
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2

if ! echo 'int x;' | clang --target=wasm32 -x c -c -o /dev/null - 2>/dev/null; then
    echo "SKIPPED: there is no clang that compiles for wasm32"
    exit 77
fi
assembly=$(mktemp -d) || exit 2
trap 'rm -rf "$assembly"' EXIT

status=0
for file in $("$here/files.sh" . '^core/.*\.c$'); do
    clang --target=wasm32 -std=c11 -O1 -ffreestanding -nostdlibinc -I. -Iinclude -Wall -Wextra \
        -Wpedantic -Wconversion -Werror -S -o "$assembly/$(echo "$file" | tr / _).s" "$file" ||
        status=1
done
# Without any file the assembly of nothing is looked at.
: >"$assembly/nothing.s"

# What core/ may leave open: the handler of a broken invariant, the memory functions that a compiler
# calls by itself, and its helpers for 128-bit arithmetic.
awk '
    BEGIN {
        given = "^(mr_assert_failed|memcpy|memmove|memset|memcmp|__(multi3|udivti3|umodti3|" \
                "divti3|modti3|ashlti3|lshrti3|ashrti3))$"
    }
    /^[A-Za-z_][A-Za-z0-9_.]*:/ { sub(/:.*/, "", $1); defined[$1] = 1 }
    $1 == ".functype" || $1 == "call" { used[$2] = 1 }
    $1 ~ /^f(32|64)\./ { complain("holds the floating-point instruction " $1) }
    $1 == ".section" && $2 ~ /^\.(data|bss)\./ && $2 !~ /^\.data\.rel\.ro/ {
        sub(/,.*/, "", $2)
        complain("holds a variable: " $2)
    }
    END {
        for (name in used)
            if (!(name in defined) && name !~ given)
                complain("calls " name ", which it does not define")
        exit bad
    }
    function complain(text) { print "core/ " text; bad = 1 }
' "$assembly"/*.s || status=1

echo "$(find "$assembly" -name '*.s' -size +0 | wc -l) files of core/ compiled for wasm32"
exit $status
