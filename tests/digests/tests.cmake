# The program that scripts/digest-matrix.sh compares; here the engine is compared with core/ alone.
file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/digests/*.c)
add_executable(digests ${sources})
target_link_libraries(digests PRIVATE millrace_flags millrace_engine millrace_support
                                      PkgConfig::xxhash)
set_target_properties(digests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
mr_script_test(digests engine_and_core_agree ${PROJECT_SOURCE_DIR}/tests/digests/agree.sh
               $<TARGET_FILE:digests>)
