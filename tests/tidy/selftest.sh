#!/bin/bash
# selftest.sh: every check can fail. A small tree passes all of them; then one violation of each
# kind is planted in turn, and the check that is for it must see it. Checks whose tool is missing
# are skipped, aloud.
# shellcheck disable=SC2016 # plants what must not be expanded
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
failed=0

# A tree that is tidy: a public header, a header of base/ and one file each of core/ and journal/.
plant_clean_tree()
{
    rm -rf "${root:?}"/*
    mkdir -p "$root"/{base,core,disruptor,journal,include/millrace,scripts}
    cp "$here/../../.clang-format" "$here/../../.clang-tidy" "$root"
    cat >"$root/include/millrace/error.h" <<'END'
/* A public header. */
#ifndef MILLRACE_ERROR_H
#define MILLRACE_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

int mr_twice(int x);

#ifdef __cplusplus
}
#endif

#endif
END
    cat >"$root/base/bits.h" <<'END'
#ifndef MR_BASE_BITS_H
#define MR_BASE_BITS_H

#include <stdint.h>

static inline uint32_t mr_low(uint64_t x)
{
    return (uint32_t)x; /* "malloc(" in a comment is no call */
}

#endif
END
    cat >"$root/core/pure.c" <<'END'
#include "base/bits.h"

#include <millrace/error.h>

int mr_twice(int x)
{
    return (int)mr_low((uint64_t)x * 2U);
}
END
    cat >"$root/journal/frame.c" <<'END'
#include <millrace/error.h>

#include <stddef.h>

const char *mr_text(int code);

const char *mr_text(int code)
{
    return mr_twice(code) == 0 ? "no system(call) here" : NULL;
}
END
    printf '#!/bin/sh\necho "$1"\n' >"$root/scripts/say.sh"
}

# The findings of a check on the tree, and its status.
findings_of() # COMMAND...
{
    "$@" "$root" 2>&1
}

# The checks that compile need no folder of CMake: clang-tidy reads its options from the command.
run_clang_tidy() # ROOT
{
    (. "$here/pinned.sh" && pinned clang-tidy 14 && cd "$1" &&
        clang-tidy --quiet core/pure.c journal/frame.c -- -std=c11 -I. -Iinclude)
}

# The check stays silent on the clean tree and says PATTERN once stdin is appended to FILE.
catches() # PATTERN FILE COMMAND...
{
    local pattern=$1 file=$2 status=0 findings
    shift 2
    plant_clean_tree
    findings=$(findings_of "$@") || status=$?
    if [ "$status" -eq 77 ]; then
        cat >/dev/null
        echo "not shown: $pattern: $findings"
        return
    fi
    if [ "$status" -ne 0 ]; then
        echo "FAILED: \"$*\" finds something in a clean tree: $findings"
        failed=1
    fi
    mkdir -p "$(dirname "$root/$file")"
    cat >>"$root/$file"
    if findings=$(findings_of "$@"); then
        echo "FAILED: \"$*\" does not see \"$pattern\" in $file"
        failed=1
    elif ! grep -qE "$pattern" <<<"$findings"; then
        echo "FAILED: \"$*\" does not say \"$pattern\" of $file, but: $findings"
        failed=1
    else
        echo "caught: $pattern"
    fi
}

house=$here/house.sh
repeat() # COUNT TEXT: the text as that many lines
{
    yes "$2" | head -n "$1"
}

catches 'line: 101 columns' journal/x.c "$house" <<<"// $(repeat 98 x | tr -d '\n')"
catches 'line: trailing blanks' scripts/x.sh "$house" <<<'echo '
catches 'line: a tab' journal/x.c "$house" <<<$'int x;\tint y;'
catches 'line: no newline at the end' journal/x.c "$house" < <(printf 'int x;')
catches 'length: mr_long has 71 lines' journal/x.c "$house" < <(
    printf 'int mr_long(int a,\n            int b)\n{\n'
    repeat 67 '    a++;'
    echo '}'
)
catches 'length: a file of more than 600' journal/x.c "$house" < <(repeat 601 'int x;')
catches 'call: sprintf is banned' journal/x.c "$house" <<<'int x = sprintf(a, b);'
for name in strcpy strcat gets strtok atoi system rand alloca; do
    catches "call: $name is banned" tools/x.c "$house" <<<"int x = $name (a);"
done
catches 'call: printf is not for a library' engine/x.c "$house" <<<'int x = printf("%d", 1);'
catches 'call: malloc is not for disruptor' disruptor/x.c "$house" <<<'void *x = malloc(1);'
for name in malloc free time snprintf memcpy; do
    catches "call: $name is not for core" core/x.c "$house" <<<"int x = $name(1);"
done
catches 'no floating point in core' core/x.h "$house" <<<'double x;'
catches 'include: core/ may not know base/clock.h' core/x.c "$house" <<<'#include "base/clock.h"'
catches 'include: core/ does without <string.h>' core/x.c "$house" <<<'#include <string.h>'
catches 'include: core/ may not know <mill.*journal.h>' core/x.c "$house" \
    <<<'#include <millrace/journal.h>'
catches 'include: journal/ may not know core/' journal/x.c "$house" <<<'#include "core/image.h"'
catches 'include: disruptor/ may not know journal/' disruptor/x.c "$house" \
    <<<'#include "journal/frame.h"'
catches 'include: base/ may not know disruptor/' base/x.c "$house" <<<'#include "disruptor/x.h"'
catches 'include: engine/ may not know tools/' engine/x.c "$house" <<<'#include "tools/x.h"'
catches 'include: tests/ may not know core/' tests/journal/x.c "$house" <<<'#include "core/x.h"'
catches 'include: examples/ may not know engine/' examples/x.c "$house" <<<'#include "engine/x.h"'
catches 'include: "frame.h" is not a path from the root' journal/x.c "$house" \
    <<<'#include "frame.h"'
catches 'include: which folder is behind' journal/x.c "$house" <<<'#include <millrace/new.h>'
catches 'include: a public header includes public' include/millrace/journal.h "$house" \
    <<<$'#ifndef MILLRACE_JOURNAL_H\n#include "base/bits.h"\n#endif'
catches 'include: <millrace/engine.h> is of engine' include/millrace/journal.h "$house" \
    <<<$'#ifndef MILLRACE_JOURNAL_H\n#include <millrace/engine.h>\n#endif'
catches 'guard: ' base/other.h "$house" <<<$'#ifndef OTHER_H\n#endif'
catches 'marker: ' journal/x.c "$house" <<<"/* FIX""ME: soon */"
catches "path: " README.md "$house" <<<"See /""home/somebody/notes."
catches "path: " README.md "$house" <<<"See $root/notes."

catches 'base/x.h: header' base/x.h "$here/headers.sh" c <<<'uint32_t mr_x(void);'
catches 'error.h: header' include/millrace/error.h "$here/headers.sh" c++ <<<'int class;'
catches 'calls puts' core/x.c "$here/freestanding.sh" \
    <<<$'int puts(const char *);\nint mr_x(void);\nint mr_x(void) { return puts("x"); }'
catches 'holds a variable' core/x.c "$here/freestanding.sh" \
    <<<$'int mr_x(void);\nint mr_x(void) { static int x; return x++; }'
catches 'floating-point instruction' core/x.c "$here/freestanding.sh" \
    <<<$'int mr_x(int);\nint mr_x(int x) { return (int)(x * 1.5); }'
catches 'string.h. file not found' core/x.c "$here/freestanding.sh" <<<'#include <string.h>'
catches 'clang-format' journal/frame.c "$here/format.sh" <<<'int   x ;'
catches 'SC2086' scripts/say.sh "$here/shellcheck.sh" <<<'rm $1'
catches 'nullPointer' journal/frame.c "$here/cppcheck.sh" \
    <<<$'int mr_x(void);\nint mr_x(void) { int *p = NULL; return *p; }'
catches 'bugprone-sizeof-expression' journal/frame.c run_clang_tidy \
    <<<$'size_t mr_x(void);\nsize_t mr_x(void)\n{\n    return sizeof(sizeof(int));\n}'

exit $failed
