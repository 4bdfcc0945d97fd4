# Every fuzz_NAME.c is a fuzz target. With MILLRACE_FUZZ it is linked with libFuzzer and run by
# scripts/fuzz.sh; otherwise with replay.c, as a test that runs the kept inputs and some mutations.
file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_*.c)
set(shared claim format scratch lives bases damages)
list(TRANSFORM shared REPLACE "(.+)" "${CMAKE_CURRENT_SOURCE_DIR}/fuzz/\\1.c")
add_library(millrace_fuzz STATIC ${shared})
target_link_libraries(millrace_fuzz PRIVATE millrace_flags PUBLIC millrace_tools millrace_support)

# What fuzz_ledger compares with.
set(ledger_sources
    naive_ledger naive_ledger_accounts naive_ledger_lists naive_ledger_pending
    naive_ledger_transfers ledger_pair ledger_pair_image ledger_pair_queries)
list(TRANSFORM ledger_sources REPLACE "(.+)" "${CMAKE_CURRENT_SOURCE_DIR}/core/\\1.c")

foreach(source ${targets})
    get_filename_component(target ${source} NAME_WE)
    string(REPLACE fuzz_ "" name ${target})
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE millrace_flags millrace_fuzz)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    if(MILLRACE_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_dependencies(fuzzers ${target})
    else()
        target_sources(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/replay.c)
        set(rounds 10000)
        if(name MATCHES "journal|repair") # of whole directories, which take longer
            set(rounds 2000)
        endif()
        mr_script_test(fuzz ${name} $<TARGET_FILE:${target}> ${rounds}
                       ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
    endif()
endforeach()
target_sources(fuzz_ledger PRIVATE ${ledger_sources})
