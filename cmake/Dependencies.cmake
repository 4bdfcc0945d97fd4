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
if(MILLRACE_BENCH)
    find_package(benchmark 1.7 QUIET)
    if(NOT benchmark_FOUND)
        message(FATAL_ERROR "The benches need Google Benchmark. On Debian: apt-get install "
                            "libbenchmark-dev (or run 'make bench-build').")
    endif()
endif()
