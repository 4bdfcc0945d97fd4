#!/bin/sh
# need.sh GROUP...: makes sure that what the groups need is installed. When all is there it says
# nothing and costs nothing. Otherwise it lists what is missing; as root it installs that from the
# distribution, and as anybody else it says the one command to run and exits with 2. The peers that
# the benches compare with, and the compilers that the digests are compared of, are no more than
# wanted: it says which are missing, and goes on.
#
#   product   build the library and the tool
#   test      build and run the tests
#   bench     build the benches, and the peers that they compare with
#   models    check the models
#   fuzz      build and run the fuzzers
#   planted   plant bugs and see the tests catch them
#   digests   compare the digests of compilers and machines
#   tidy      check the sources

missing=
wanted=

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

want() # PACKAGE CHECK...
{
    package=$1
    shift
    "$@" >/dev/null 2>&1 || wanted="$wanted $package"
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

# Installed, or the little of it that need-dpdk.sh gets.
has_dpdk()
{
    pkg-config --exists libdpdk || [ -e "$(dirname "$0")/../build/peers/dpdk/librte_ring.so" ]
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
    need strace has_command strace
    want prometheus has_command promtool # checks OpenMetrics text
    need g++ has_command "${CXX:-c++}"
    need abigail-tools has_command abidw
    need dpkg-dev has_command dpkg-shlibdeps
    need man-db has_command man
    # File systems to mount, which only root can.
    if [ "$(id -u)" -eq 0 ]; then
        need e2fsprogs has_command mkfs.ext4
        need xfsprogs has_command mkfs.xfs
    fi
}

need_bench()
{
    need g++ has_command "${CXX:-c++}"
    need libbenchmark-dev has_cxx_header benchmark/benchmark.h
    need fio has_command fio
    want libboost-dev has_cxx_header boost/lockfree/policies.hpp
    want libck-dev has_header ck_ring.h
    want libtbb-dev has_cxx_header oneapi/tbb/version.h
    want libdpdk-dev has_dpdk
    want libhiredis-dev has_header hiredis/hiredis.h
    want liblmdb-dev has_header lmdb.h
    want librocksdb-dev has_header rocksdb/c.h
    want libsqlite3-dev has_header sqlite3.h
    want redis-server has_command redis-server
}

need_models()
{
    need gcc has_command "${CC:-cc}"
    need libc6-dev has_header stdlib.h
    need spin has_command spin
}

# libFuzzer is in clang's runtime, which is a package of its own.
has_fuzzer()
{
    echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
        clang -x c -fsanitize=fuzzer,address,undefined -o /dev/null -
}

need_fuzz()
{
    need clang has_command clang
    need libclang-rt-14-dev has_fuzzer
}

need_planted()
{
    need patch has_command patch
}

# What is not there is left out of the comparison, aloud.
need_digests()
{
    want clang has_command clang
    want lld has_command wasm-ld
    want nodejs has_command node
    want gcc-aarch64-linux-gnu has_command aarch64-linux-gnu-gcc
    want libc6-dev-arm64-cross has_aarch64_library
    want qemu-user-static has_command qemu-aarch64-static
}

has_aarch64_library()
{
    echo '#include <stdlib.h>' | aarch64-linux-gnu-gcc -E -
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

install_packages() # PACKAGE...
{
    quietly apt-get install --yes --quiet=2 --no-install-recommends "$@"
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

# What is only wanted: installs it where that is possible, and says what remains missing.
get_wanted()
{
    remaining=
    for package in $wanted; do
        if get_peer "$package"; then
            # What was configured without it is configured anew.
            rm -f "$(dirname "$0")"/../build*/configured
        else
            remaining="$remaining $package"
        fi
    done
    [ -z "$remaining" ] || echo "Done without$remaining, which cannot be installed." >&2
}

get_peer() # PACKAGE
{
    command -v apt-get >/dev/null || return 1
    if [ "$1" = libdpdk-dev ]; then
        quietly "$(dirname "$0")/need-dpdk.sh"
    else
        [ "$(id -u)" -eq 0 ] || return 1
        ! has_no_lists || update_lists || return 1
        install_packages "$1"
    fi
}

for group in "$@"; do
    "need_$group"
done
if [ -z "$missing" ]; then
    get_wanted
    exit 0
fi

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
# shellcheck disable=SC2086 # a list of words
if ! install_packages $missing; then
    echo "That failed; trying once more with fresh package lists." >&2
    if ! update_lists || ! install_packages $missing; then
        echo "apt-get cannot install$missing: see its messages above." >&2
        exit 2
    fi
fi
get_wanted
