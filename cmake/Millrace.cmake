# Helpers that turn a folder into a library, a program or a row of tests, so that the CMakeLists.txt
# files read like the architecture that they enforce.

# mr_library(NAME [SOURCES file...] [EXCLUDE file...] [DEPENDS other...] [LINK external...])
# makes millrace_NAME, a static library of SOURCES or, without them, of every .c file in the current
# folder and below but those of EXCLUDE. It may use only what DEPENDS (other folders) and LINK
# (libraries from outside) give it. Its objects are compiled once and also go into the one
# libmillrace that users link.
function(mr_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;EXCLUDE;DEPENDS;LINK" ${ARGN})
    if(arg_SOURCES)
        set(sources ${arg_SOURCES})
    else()
        file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
        foreach(file ${arg_EXCLUDE})
            list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
        endforeach()
    endif()
    set(uses ${arg_LINK})
    foreach(other ${arg_DEPENDS})
        list(APPEND uses millrace_${other})
    endforeach()

    set(objects millrace_${name}_objects)
    add_library(${objects} OBJECT ${sources})
    target_include_directories(${objects} PUBLIC ${PROJECT_SOURCE_DIR}
                                                 ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(${objects} PRIVATE millrace_flags PUBLIC ${uses})
    # Hidden is what no public header declares: each of those has a pragma that shows its own. So
    # the linker knows that a call within libmillrace.so stays in it, and users see the rest alone.
    set_target_properties(${objects} PROPERTIES C_VISIBILITY_PRESET hidden)

    add_library(millrace_${name} STATIC $<TARGET_OBJECTS:${objects}>)
    target_include_directories(millrace_${name} PUBLIC ${PROJECT_SOURCE_DIR}
                                                       ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(millrace_${name} PUBLIC ${uses})
    set_property(GLOBAL APPEND PROPERTY MILLRACE_OBJECTS ${objects})
endfunction()

# mr_tool(): the millrace command, from every .c file of the current folder and below, at the top
# of the build folder. All but main.c is a library, millrace_tools, for the tests.
function(mr_tool)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
    set(main ${CMAKE_CURRENT_SOURCE_DIR}/main.c)
    list(REMOVE_ITEM sources ${main})
    add_library(millrace_tools STATIC ${sources})
    target_compile_definitions(millrace_tools PUBLIC MR_VERSION="${PROJECT_VERSION}")
    target_link_libraries(millrace_tools PRIVATE millrace_flags PUBLIC millrace_wire)
    add_executable(millrace_tool ${main})
    target_link_libraries(millrace_tool PRIVATE millrace_flags millrace_tools)
    # A user's logic, in a shared object, calls back into what the tool is linked with.
    target_link_libraries(millrace_tools PUBLIC ${CMAKE_DL_LIBS})
    set_target_properties(millrace_tool PROPERTIES OUTPUT_NAME millrace ENABLE_EXPORTS ON
                                                   RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
    install(TARGETS millrace_tool RUNTIME COMPONENT tool)
endfunction()

# mr_example(NAME): examples/NAME.c, built against the same static library that users link. It sees
# the public headers alone. examples/test_NAME.sh is given the program, to test what it claims.
function(mr_example name)
    add_executable(example_${name} ${name}.c)
    target_link_libraries(example_${name} PRIVATE millrace_flags millrace_static)
    set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
                                                                 ${CMAKE_BINARY_DIR}/examples)
    if(MILLRACE_TESTS)
        mr_script_test(examples ${name} sh ${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.sh
                       $<TARGET_FILE:example_${name}>)
    endif()
endfunction()

# mr_bench(NAME SOURCE... LINK library... [PEERS peer...]) makes build/bench/bench_NAME, of C and
# C++ sources, on the harness; `make bench` runs it. LINK names what it measures. Each peer X that
# was found (mr_peer in Dependencies.cmake) is linked, NAME/peer_X.c or .cc is compiled, and
# MR_BENCH_PEER_X is defined, in capitals; the bench does without the others.
function(mr_bench name)
    cmake_parse_arguments(arg "" "" "LINK;PEERS" ${ARGN})
    add_executable(bench_${name} ${arg_UNPARSED_ARGUMENTS})
    target_link_libraries(bench_${name} PRIVATE millrace_flags bench_harness ${arg_LINK})
    foreach(peer ${arg_PEERS})
        if(TARGET peer_${peer})
            string(TOUPPER MR_BENCH_PEER_${peer} defined)
            file(GLOB source ${name}/peer_${peer}.c ${name}/peer_${peer}.cc)
            target_sources(bench_${name} PRIVATE ${source})
            target_link_libraries(bench_${name} PRIVATE peer_${peer})
            target_compile_definitions(bench_${name} PRIVATE ${defined})
        endif()
    endforeach()
    set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                                   ${CMAKE_BINARY_DIR}/bench)
    add_dependencies(benches bench_${name})
endfunction()

# mr_tests(FOLDER LIBRARY...): each tests/FOLDER/test_*.c is one executable and one ctest entry; it
# links the named libraries only, so a test cannot hide a dependency that its folder must not have.
# What tests/FOLDER/tests.cmake says comes on top.
function(mr_tests folder)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.c)
    foreach(source ${sources})
        get_filename_component(stem ${source} NAME_WE)
        set(target ${folder}_${stem})
        add_executable(${target} ${source})
        target_link_libraries(${target} PRIVATE millrace_flags ${ARGN} PkgConfig::cmocka)
        set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                                   ${CMAKE_BINARY_DIR}/tests)
        add_test(NAME ${folder}/${stem} COMMAND ${target}
                 WORKING_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
        mr_test_limits(${folder}/${stem} ${folder})
    endforeach()
    include(${PROJECT_SOURCE_DIR}/tests/${folder}/tests.cmake OPTIONAL)
endfunction()

# mr_script_test(FOLDER NAME COMMAND...): a ctest entry FOLDER/NAME that runs a program or a script.
function(mr_script_test folder name)
    add_test(NAME ${folder}/${name} COMMAND ${ARGN})
    mr_test_limits(${folder}/${name} ${folder})
endfunction()

# What holds for every test: exit code 77 means skipped, and none may hang.
function(mr_test_limits test label)
    set_tests_properties(${test} PROPERTIES LABELS ${label} TIMEOUT 900 SKIP_RETURN_CODE 77)
endfunction()
