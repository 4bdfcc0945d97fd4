# The tests of the millrace command are scripts: each gets the tool as $MILLRACE, the example
# (another logic) as $COUNTER, and where the real market data lies, if it does, as $MILLRACE_DATA.
file(GLOB scripts CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/tools/test_*.sh)
foreach(script ${scripts})
    get_filename_component(stem ${script} NAME_WE)
    mr_script_test(tools ${stem} sh ${script})
    set(environment MILLRACE=$<TARGET_FILE:millrace_tool>
                    MILLRACE_DATA=${PROJECT_SOURCE_DIR}/../shared/data)
    if(TARGET example_counter)
        list(APPEND environment COUNTER=$<TARGET_FILE:example_counter>)
    endif()
    set_tests_properties(tools/${stem} PROPERTIES ENVIRONMENT "${environment}")
endforeach()
