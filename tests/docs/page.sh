#!/bin/bash
# page.sh BUILD PAGE...: does what pages of the documentation show, in an empty directory, with
# millrace installed from BUILD, and compares what comes out with what the page says.
#
# In a page, blocks mean, in their order:
#
#   ```c NAME.c       is appended to the file NAME.c, as is a comment <!-- NAME.c ... -->, which
#   ```cpp NAME.cc    holds what a reader needs no showing of; any other kind and name likewise
#                     (```ini some.service)
#   ```console        a line that begins with "$ " is run by sh, those below it are what it prints;
#                     a line "..." stands for any lines, and <...> for anything within a line.
#                     <!-- console ... --> is run, too
#   ```text, ```      are only looked at; code without the name of a file is an error
#
# `build NAME` compiles NAME.c (or NAME.cc) with warnings as errors; cc and pkg-config find the
# installed library. `tutorial FILE` fetches that file out of the tutorial, for pages that build on
# it; kit.h, which is kit.inc beside this script, is there already.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$1
shift
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL
export HOME=$work/home LC_ALL=C.UTF-8
mkdir "$HOME"

cmake --install "$build" --prefix "$HOME/.local" >/dev/null || exit 2
folder=$(dirname "$(find "$HOME/.local" -name libmillrace.so)")
export PATH=$HOME/.local/bin:$PATH LD_LIBRARY_PATH=$folder PKG_CONFIG_PATH=$folder/pkgconfig
export MILLRACE_BUILD=$build CMAKE_PREFIX_PATH=$HOME/.local

# shellcheck disable=SC2317 # called by pages
tutorial() # FILE
{
    awk -v name="$1" '$0 == "```c " name { inside = 1; next } /^```/ { inside = 0 } inside' \
        "$root/docs/tutorial.md" >"$1"
}

# shellcheck disable=SC2317 # called by pages
build() # NAME
{
    local compiler=${CC:-cc} source=$1.c standard=c11
    [ -e "$source" ] || compiler=${CXX:-c++} source=$1.cc standard=c++17
    # shellcheck disable=SC2046 # a list of options
    "$compiler" "-std=$standard" -D_GNU_SOURCE -Wall -Wextra -Werror -o "$1" "$source" \
        $(pkg-config --cflags --libs millrace) -pthread
}

step() # WHAT FILE: one piece of a page
{
    case $1 in
    run)
        eval "$(cat "$2")" >"$work/all" 2>&1 </dev/null
        # What this shell says when something that it runs is killed.
        sed '/page\.sh: line [0-9]*: *[0-9]* Killed /d' "$work/all" >"$work/out"
        awk -f "$here/expect.awk" "$2.expected" "$work/out" || {
            echo "  of: $(cat "$2")"
            return 1
        }
        ;;
    error)
        cat "$2"
        return 1
        ;;
    esac
}

page() # PAGE: exit code 1 if anything in it is not so
{
    local what file target
    rm -rf "$work/pieces" "$work/scratch" && mkdir "$work/pieces" "$work/scratch"
    cd "$work/scratch" || exit 2
    cp "$here/kit.inc" kit.h
    awk -v folder="$work/pieces" -f "$here/pieces.awk" "$1" >"$work/plan" || return 1
    while read -r what file target <&3; do
        if [ "$what" = add ]; then
            cat "$file" >>"$target"
        else
            step "$what" "$file" || return 1
        fi
    done 3<"$work/plan"
}

status=0
for name in "$@"; do
    if page "$root/$name"; then
        echo "ok: $name, $(grep -c '^run' "$work/plan") commands"
    else
        echo "FAILED: $name"
        status=1
    fi
done
exit $status
