# Libraries from outside, with a message that says what to install when one is missing.
find_package(Threads REQUIRED)
find_package(PkgConfig)
if(NOT PKG_CONFIG_FOUND)
    message(FATAL_ERROR "Millrace needs pkg-config. On Debian: apt-get install pkg-config "
                        "(or run 'make setup').")
endif()

# mr_require(PREFIX MODULE PACKAGE): the pkg-config MODULE, which Debian has in PACKAGE, becomes
# PkgConfig::PREFIX.
function(mr_require prefix module package)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
    if(NOT ${prefix}_FOUND)
        message(FATAL_ERROR "Millrace needs ${module}, which pkg-config cannot find. On Debian: "
                            "apt-get install ${package} (or run 'make setup').")
    endif()
endfunction()

mr_require(liburing liburing>=2.3 liburing-dev)
mr_require(xxhash libxxhash>=0.8 libxxhash-dev)
if(MILLRACE_TESTS)
    mr_require(cmocka cmocka>=1.1 libcmocka-dev)
endif()

# mr_peer(NAME PACKAGE HEADERS file... [LIBRARY name] [OPTIONS option...] [HINT folder]): what a
# bench compares with becomes peer_NAME, if its headers and its library are there, in HINT or where
# the system has such. Otherwise the benches do without it, and it is said which package of Debian's
# has it.
function(mr_peer name package)
    cmake_parse_arguments(arg "" "LIBRARY;HINT" "HEADERS;OPTIONS" ${ARGN})
    set(missing FALSE)
    foreach(header ${arg_HEADERS})
        set(place PEER_${name}_${header})
        find_path(${place} ${header} HINTS ${arg_HINT}/include PATH_SUFFIXES ${name})
        mark_as_advanced(${place})
        list(APPEND includes ${${place}})
        if(NOT ${place})
            set(missing TRUE)
        endif()
    endforeach()
    if(arg_LIBRARY)
        find_library(PEER_${name}_LIBRARY ${arg_LIBRARY} HINTS ${arg_HINT})
        mark_as_advanced(PEER_${name}_LIBRARY)
        if(NOT PEER_${name}_LIBRARY)
            set(missing TRUE)
        endif()
    endif()
    if(missing)
        message(NOTICE "The benches leave out ${name}: it is not installed. On Debian: apt-get "
                       "install ${package} (or run 'make bench-build').")
        return()
    endif()
    add_library(peer_${name} INTERFACE IMPORTED GLOBAL)
    target_include_directories(peer_${name} INTERFACE ${includes})
    target_compile_options(peer_${name} INTERFACE ${arg_OPTIONS})
    if(arg_LIBRARY)
        target_link_libraries(peer_${name} INTERFACE ${PEER_${name}_LIBRARY})
    endif()
endfunction()

if(MILLRACE_BENCH)
    find_package(benchmark 1.7 QUIET)
    if(NOT benchmark_FOUND)
        message(FATAL_ERROR "The benches need Google Benchmark. On Debian: apt-get install "
                            "libbenchmark-dev (or run 'make bench-build').")
    endif()
    mr_peer(boost libboost-dev HEADERS boost/lockfree/spsc_queue.hpp)
    mr_peer(ck libck-dev HEADERS ck_ring.h)
    mr_peer(tbb libtbb-dev HEADERS oneapi/tbb/concurrent_queue.h LIBRARY tbb)
    # The hint is where scripts/need-dpdk.sh puts the little that is used of DPDK.
    mr_peer(dpdk libdpdk-dev HEADERS rte_ring.h rte_config.h LIBRARY rte_ring OPTIONS -march=corei7
            HINT ${PROJECT_SOURCE_DIR}/build/peers/dpdk)
    mr_peer(lmdb liblmdb-dev HEADERS lmdb.h LIBRARY lmdb)
    mr_peer(redis libhiredis-dev HEADERS hiredis/hiredis.h LIBRARY hiredis)
    mr_peer(rocksdb librocksdb-dev HEADERS rocksdb/c.h LIBRARY rocksdb)
    mr_peer(sqlite libsqlite3-dev HEADERS sqlite3.h LIBRARY sqlite3)
endif()
