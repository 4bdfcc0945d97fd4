# The tests of the millrace command are scripts: each gets the tool as $MILLRACE, the example
# (another logic) as $COUNTER, and where the real market data lies, if it does, as $MILLRACE_DATA.
#
# A service manager to be notified, and what kills a program at a given call on its sockets; that is
# preloaded, which does not go together with a sanitizer's runtime.
add_executable(notify_listen ${CMAKE_CURRENT_SOURCE_DIR}/tools/notify_listen.c)
target_link_libraries(notify_listen PRIVATE millrace_flags)
set_target_properties(notify_listen PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
add_library(kill_socket MODULE ${CMAKE_CURRENT_SOURCE_DIR}/tools/kill_socket.c)
target_include_directories(kill_socket PRIVATE ${PROJECT_SOURCE_DIR})
target_link_libraries(kill_socket PRIVATE millrace_flags ${CMAKE_DL_LIBS})
set(kill_socket $<TARGET_FILE:kill_socket>)
if(MILLRACE_SANITIZE)
    set(kill_socket none)
endif()
file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/tools/test_*.sh)
foreach(script ${scripts})
    get_filename_component(stem ${script} NAME_WE)
    mr_script_test(tools ${stem} sh ${script})
    set(environment MILLRACE=$<TARGET_FILE:millrace_tool>
                    NOTIFY_LISTEN=$<TARGET_FILE:notify_listen> KILL_SOCKET=${kill_socket}
                    MILLRACE_DATA=${PROJECT_SOURCE_DIR}/../shared/data)
    if(TARGET example_counter)
        list(APPEND environment COUNTER=$<TARGET_FILE:example_counter>)
    endif()
    set_tests_properties(tools/${stem} PROPERTIES ENVIRONMENT "${environment}")
endforeach()
