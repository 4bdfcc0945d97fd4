# What the documentation shows is so: each page is tried as a user would, from an installed prefix.
# A sanitizer or coverage build is not for installing.
mr_script_test(docs links ${PROJECT_SOURCE_DIR}/tests/docs/links.sh)
if(NOT MILLRACE_SANITIZE AND NOT MILLRACE_COVERAGE)
    file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
         ${PROJECT_SOURCE_DIR}/docs/tutorial.md ${PROJECT_SOURCE_DIR}/docs/howto/*.md)
    foreach(page ${pages})
        get_filename_component(name ${page} NAME_WE)
        mr_script_test(docs ${name} ${PROJECT_SOURCE_DIR}/tests/docs/page.sh ${CMAKE_BINARY_DIR}
                       ${page})
    endforeach()
endif()
