# Each cut of the largest batch reads the journal: in a slow build there are fewer.
if(MILLRACE_SANITIZE OR MILLRACE_COVERAGE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_definitions(engine_test_batch_crash PRIVATE SECTOR_STRIDE=7 COMMAND_STRIDE=101)
endif()
