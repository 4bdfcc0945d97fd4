# The calls that the tests of single faults take away from the storage; see inject.c.
set(wrapped
    open openat fstat pread pwrite fsync fdatasync renameat unlinkat mkdirat readdir fstatvfs flock
    io_uring_queue_init io_uring_register_files io_uring_register_buffers
    io_uring_register_files_update io_uring_submit io_uring_submit_and_wait_timeout
    io_uring_submit_and_get_events io_uring_get_events)
list(TRANSFORM wrapped PREPEND "-Wl,--wrap=")
# A sanitizer makes lives and runs slow: then not every call.
set(call_step 1)
set(kill_step 1)
if(MILLRACE_SANITIZE)
    set(call_step 3)
    set(kill_step 16)
    if(MILLRACE_SANITIZE STREQUAL "thread")
        set(call_step 24)
    endif()
endif()
foreach(target faults_test_entering faults_test_every_call)
    target_sources(${target} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/faults/inject.c
                                     ${CMAKE_CURRENT_SOURCE_DIR}/faults/inject_queue.c)
    target_link_options(${target} PRIVATE ${wrapped})
endforeach()
set_tests_properties(faults/test_every_call PROPERTIES ENVIRONMENT MR_STEP=${call_step})

# The tool, killed at every call that enters the kernel: by strace or, where that may not be used,
# by what is preloaded into it, which does not go together with a sanitizer's runtime.
add_library(kill_enter MODULE ${CMAKE_CURRENT_SOURCE_DIR}/faults/kill_enter.c)
target_include_directories(
    kill_enter PRIVATE ${PROJECT_SOURCE_DIR}
                       $<TARGET_PROPERTY:PkgConfig::liburing,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(kill_enter PRIVATE millrace_flags ${CMAKE_DL_LIBS})
set(kill_enter $<TARGET_FILE:kill_enter>)
if(MILLRACE_SANITIZE)
    set(kill_enter none)
endif()

file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/faults/test_*.sh)
foreach(script ${scripts})
    get_filename_component(stem ${script} NAME_WE)
    mr_script_test(faults ${stem} sh ${script})
    set(environment MILLRACE=$<TARGET_FILE:millrace_tool> KILL_ENTER=${kill_enter}
                    MR_STEP=${kill_step})
    set_tests_properties(faults/${stem} PROPERTIES ENVIRONMENT "${environment}")
endforeach()
