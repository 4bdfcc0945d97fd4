# What the documentation shows is so: each page is tried as a user would, from an installed prefix.
# A sanitizer or coverage build is not for installing.
mr_script_test(docs links ${PROJECT_SOURCE_DIR}/tests/docs/links.sh)
# And what the pages about the ledger show comes out of the tool, too, when it is typed.
mr_script_test(docs typed ${PROJECT_SOURCE_DIR}/tests/docs/typed.sh $<TARGET_FILE:millrace_tool>
               ${PROJECT_SOURCE_DIR}/docs/ledger.md ${PROJECT_SOURCE_DIR}/docs/ledger-recipes.md)
if(NOT MILLRACE_SANITIZE AND NOT MILLRACE_COVERAGE)
    file(GLOB pages CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
         ${PROJECT_SOURCE_DIR}/docs/tutorial.md ${PROJECT_SOURCE_DIR}/docs/howto/*.md)
    foreach(page ${pages})
        get_filename_component(name ${page} NAME_WE)
        mr_script_test(docs ${name} ${PROJECT_SOURCE_DIR}/tests/docs/page.sh ${CMAKE_BINARY_DIR}
                       ${page})
    endforeach()
endif()
