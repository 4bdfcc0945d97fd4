# The stress test is too large for one file.
target_sources(
    disruptor_test_stress
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_consume.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_handle.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_mill.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_plan.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_produce.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_visit.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_watch.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_work.c)

# Ten million hand-offs between up to eight threads take minutes under the thread sanitizer.
set_tests_properties(disruptor/test_stress PROPERTIES COST 90 TIMEOUT 900)

# It brings its own sanitizer; and it sees the same sources in every build.
if(NOT MILLRACE_SANITIZE AND NOT MILLRACE_COVERAGE)
    mr_script_test(disruptor tsan_catches ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/tsan_catches.sh)
    set_tests_properties(disruptor/tsan_catches PROPERTIES ENVIRONMENT CC=${CMAKE_C_COMPILER})
endif()
