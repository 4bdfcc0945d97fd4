# What is installed, and what it shows. A sanitizer or coverage build is not for installing.
if(MILLRACE_SANITIZE OR MILLRACE_COVERAGE)
    return()
endif()
set(package ${PROJECT_SOURCE_DIR}/tests/package)

mr_script_test(package installed ${package}/installed.sh ${CMAKE_BINARY_DIR})
mr_script_test(package library_shows_what_headers_declare ${package}/exports.sh
               ${CMAKE_BINARY_DIR})
mr_script_test(package every_function_has_a_page ${package}/pages.sh ${CMAKE_BINARY_DIR})
mr_script_test(package reference_is_current ${package}/current.sh)
mr_script_test(package completion ${package}/completion.sh ${CMAKE_BINARY_DIR})
mr_script_test(package debian ${package}/debian.sh ${CMAKE_BINARY_DIR})

# The library once more, for its debugging information: what it looks like to the programs that were
# built with it, compared with what is kept in libmillrace.abi.
find_program(ABIDW abidw)
mark_as_advanced(ABIDW)
if(ABIDW)
    get_property(object_targets GLOBAL PROPERTY MILLRACE_OBJECTS)
    set(sources)
    foreach(target ${object_targets})
        get_target_property(files ${target} SOURCES)
        get_target_property(folder ${target} SOURCE_DIR)
        foreach(file ${files})
            cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${folder})
            list(APPEND sources ${file})
        endforeach()
    endforeach()
    add_library(millrace_abi SHARED ${sources})
    target_compile_options(millrace_abi PRIVATE -g -O0 -fdebug-prefix-map=${PROJECT_SOURCE_DIR}/=)
    target_include_directories(millrace_abi PRIVATE ${PROJECT_SOURCE_DIR}
                                                    ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(millrace_abi PRIVATE millrace_flags PkgConfig::liburing PkgConfig::xxhash
                                               Threads::Threads)
    target_link_options(millrace_abi PRIVATE
                        -Wl,--version-script=${PROJECT_SOURCE_DIR}/cmake/libmillrace.map)
    # Of the sources there are commands enough: the analyser of clang-tidy mixes up two of one file.
    set_target_properties(
        millrace_abi
        PROPERTIES C_VISIBILITY_PRESET hidden EXPORT_COMPILE_COMMANDS OFF OUTPUT_NAME millrace
                   SOVERSION ${PROJECT_VERSION_MAJOR}
                   LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/abi)
endif()
mr_script_test(package abi ${PROJECT_SOURCE_DIR}/scripts/abi.sh check ${CMAKE_BINARY_DIR})
