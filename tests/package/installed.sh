#!/bin/bash
# installed.sh BUILD: what `cmake --install` leaves behind is all that a user needs: the example is
# built against it as users do, with pkg-config and with CMake's find_package, and works.
set -euo pipefail
build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL

cmake --install "$build" --prefix "$work/prefix" >/dev/null
library=$(find "$work/prefix" -name libmillrace.so)
folder=$(dirname "$library")
export LD_LIBRARY_PATH=$folder PKG_CONFIG_PATH=$folder/pkgconfig

works() # PROGRAM
{
    sh "$root/examples/test_counter.sh" "$1"
}

echo "The tool runs"
"$work/prefix/bin/millrace" --help >/dev/null

echo "The shared library has a soname and shows mr_* alone"
readelf -d "$library" | grep -q 'SONAME.*libmillrace\.so\.[0-9]'
others=$(nm -D --defined-only "$library" | awk '$3 !~ /^mr_/')
if [ -n "$others" ]; then
    echo "it also shows $others"
    exit 1
fi

echo "pkg-config, shared"
# shellcheck disable=SC2046 # a list of options
"${CC:-cc}" -std=c11 -o "$work/shared" "$root/examples/counter.c" \
    $(pkg-config --cflags --libs millrace)
works "$work/shared"

echo "pkg-config, static"
rm "$folder"/libmillrace.so*
# shellcheck disable=SC2046 # a list of options
"${CC:-cc}" -std=c11 -o "$work/static" "$root/examples/counter.c" \
    $(pkg-config --static --cflags --libs millrace)
works "$work/static"

echo "find_package, static and shared"
cmake --install "$build" --prefix "$work/prefix" >/dev/null
mkdir "$work/user"
cat >"$work/user/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES C)
find_package(millrace REQUIRED)
foreach(kind static shared)
    add_executable(\${kind} $root/examples/counter.c)
    target_link_libraries(\${kind} PRIVATE millrace::\${kind})
endforeach()
END
if ! { cmake -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$work/prefix" &&
    cmake --build "$work/user/build"; } >"$work/log" 2>&1; then
    cat "$work/log"
    exit 1
fi
works "$work/user/build/static"
works "$work/user/build/shared"
