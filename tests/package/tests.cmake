# A sanitizer or coverage build is not for installing.
if(NOT MILLRACE_SANITIZE AND NOT MILLRACE_COVERAGE)
    mr_script_test(package installed ${PROJECT_SOURCE_DIR}/tests/package/installed.sh
                   ${CMAKE_BINARY_DIR})
endif()
