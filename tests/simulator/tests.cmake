# The simulator is one program. Its seeds are several tests, so that they run side by side.
file(GLOB simulator_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/simulator/*.c)
add_executable(simulator ${simulator_sources})
target_link_libraries(simulator PRIVATE millrace_flags millrace_engine millrace_support)
set_target_properties(simulator PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)

set(seeds_each 500)
if(MILLRACE_SANITIZE OR MILLRACE_COVERAGE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(seeds_each 100)
endif()
foreach(part 0 1 2 3)
    math(EXPR first "${part} * 500 + 1")
    math(EXPR last "${part} * 500 + ${seeds_each}")
    mr_script_test(simulator seeds_${first} $<TARGET_FILE:simulator> --seeds ${first}..${last})
endforeach()
mr_script_test(simulator trace bash ${CMAKE_CURRENT_SOURCE_DIR}/simulator/test_trace.sh
               $<TARGET_FILE:simulator>)
# How fast it is, it says itself; here it only has to be right at that pace, too.
mr_script_test(simulator counter $<TARGET_FILE:simulator> --logic counter --seeds 1..8)
