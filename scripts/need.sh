#!/bin/sh
# need.sh GROUP...: makes sure that what the groups need is installed. When all is there it says
# nothing and costs nothing. Otherwise it lists what is missing; as root it installs that from the
# distribution, and as anybody else it says the one command to run and exits with 2.
#
#   product   build the library and the tool
#   test      build and run the tests
#   bench     build the benches, and the peers that they compare with
#   tidy      check the sources

missing=

need() # PACKAGE CHECK...: the package is missing if the check fails
{
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_command()
{
    command -v "$1"
}

# A compiler can be there without the C library's headers.
has_header()
{
    echo "#include <$1>" | "${CC:-cc}" -E -
}

has_cxx_header()
{
    echo "#include <$1>" | "${CXX:-c++}" -x c++ -E -
}

need_product()
{
    need gcc has_command "${CC:-cc}"
    need libc6-dev has_header stdlib.h
    need cmake has_command cmake
    need pkg-config has_command pkg-config
    need liburing-dev pkg-config --exists 'liburing >= 2.3'
    need libxxhash-dev pkg-config --exists 'libxxhash >= 0.8'
}

need_test()
{
    need libcmocka-dev pkg-config --exists 'cmocka >= 1.1'
}

need_bench()
{
    need g++ has_command "${CXX:-c++}"
    need libbenchmark-dev has_cxx_header benchmark/benchmark.h
    need fio has_command fio
}

need_tidy()
{
    need clang has_command clang
    need clang-format has_command clang-format
    need clang-tidy has_command clang-tidy
    need cppcheck has_command cppcheck
    need shellcheck has_command shellcheck
}

# Runs a command that asks nothing; what it has to say matters only if it fails.
quietly()
{
    log=$(mktemp)
    DEBIAN_FRONTEND=noninteractive "$@" </dev/null >"$log" 2>&1
    status=$?
    [ "$status" -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

install_packages()
{
    # shellcheck disable=SC2086 # a list of words
    quietly apt-get install --yes --quiet=2 --no-install-recommends $missing
}

update_lists()
{
    quietly apt-get update --quiet=2
}

# True if the package lists were never fetched, as in a fresh container.
has_no_lists()
{
    ! find /var/lib/apt/lists -name '*Packages*' 2>/dev/null | grep -q .
}

for group in "$@"; do
    "need_$group"
done
[ -n "$missing" ] || exit 0

echo "Missing packages:$missing" >&2
if ! command -v apt-get >/dev/null; then
    echo "These are their names on Debian; install what your system calls them." >&2
    exit 2
fi
if [ "$(id -u)" -ne 0 ]; then
    command="apt-get install --no-install-recommends$missing"
    echo "Run this, then the same make command again:" >&2
    echo "  sudo sh -c 'apt-get update && $command'" >&2
    exit 2
fi

echo "Installing them with apt-get; this may take a minute." >&2
if has_no_lists; then
    update_lists
fi
if ! install_packages; then
    echo "That failed; trying once more with fresh package lists." >&2
    if ! update_lists || ! install_packages; then
        echo "apt-get cannot install$missing: see its messages above." >&2
        exit 2
    fi
fi
