# shellcheck shell=bash disable=SC2154 # root and work are their user's
# What installed.sh and debian.sh share: a user's programs, in C and C++, built against an installed
# tree and tried. Sourced; `work` is a folder to work in, `root` the project's.
CC=${CC:-cc}
CXX=${CXX:-c++}
# We may be called by make, whose job server is not for the make that CMake starts.
unset MAKEFLAGS MFLAGS MAKELEVEL

has_cxx()
{
    command -v "$CXX" >/dev/null
}

# The counter, in C, keeps its own test's promises.
counter_works() # PROGRAM
{
    sh "$root/examples/test_counter.sh" "$1" >/dev/null
}

# The ballot, in C++, remembers what it has counted.
votes_work() # PROGRAM
{
    rm -rf "$work/ballot"
    [ "$("$1" "$work/ballot" yes no yes | tail -n 1)" = "yes 2 no 1" ] &&
        [ "$("$1" "$work/ballot" no)" = "yes 2 no 2" ]
}

# Builds both programs with what pkg-config says ([--static]), and tries them.
through_pkg_config() # NAME [--static]
{
    local name=$1
    shift
    # shellcheck disable=SC2046 # a list of options
    "$CC" -std=c11 -o "$work/$name" "$root/examples/counter.c" \
        $(pkg-config "$@" --cflags --libs millrace)
    counter_works "$work/$name"
    has_cxx || return 0
    # shellcheck disable=SC2046 # a list of options
    "$CXX" -std=c++17 -o "$work/$name-cxx" "$root/tests/package/votes.cc" \
        $(pkg-config "$@" --cflags --libs millrace)
    votes_work "$work/$name-cxx"
}

# The same with what find_package finds below PREFIX, for both kinds of library.
through_cmake() # NAME PREFIX
{
    local folder=$work/$1 kind languages=C
    mkdir "$folder"
    ! has_cxx || languages="C CXX"
    cat >"$folder/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES $languages)
set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_STANDARD 17)
find_package(millrace REQUIRED)
foreach(kind static shared)
    add_executable(counter_\${kind} $root/examples/counter.c)
    target_link_libraries(counter_\${kind} PRIVATE millrace::\${kind})
    if("$languages" MATCHES CXX)
        add_executable(votes_\${kind} $root/tests/package/votes.cc)
        target_link_libraries(votes_\${kind} PRIVATE millrace::\${kind})
    endif()
endforeach()
END
    if ! { cmake -S "$folder" -B "$folder/build" -DCMAKE_PREFIX_PATH="$2" &&
        cmake --build "$folder/build"; } >"$work/log" 2>&1; then
        cat "$work/log"
        return 1
    fi
    for kind in static shared; do
        counter_works "$folder/build/counter_$kind"
        ! has_cxx || votes_work "$folder/build/votes_$kind"
    done
}
