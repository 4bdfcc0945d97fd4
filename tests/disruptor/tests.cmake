# The stress test is too large for one file.
target_sources(
    disruptor_test_stress
    PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_consume.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_handle.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_plan.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_produce.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_visit.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_watch.c
            ${CMAKE_CURRENT_SOURCE_DIR}/disruptor/stress_work.c)
