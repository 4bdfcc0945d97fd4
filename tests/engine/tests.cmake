# Each cut of the largest batch reads the journal: in a slow build there are fewer.
if(MILLRACE_SANITIZE OR MILLRACE_COVERAGE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    foreach(test engine_test_batch_crash engine_test_ledger_crash)
        target_compile_definitions(${test} PRIVATE SECTOR_STRIDE=7 COMMAND_STRIDE=101)
    endforeach()
endif()
