# The fuzzers (`make fuzz`): libFuzzer comes with clang's runtime. All code counts its edges, so
# that the fuzzer sees where an input leads.
if(NOT CMAKE_C_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "MILLRACE_FUZZ needs clang, for libFuzzer: use the preset fuzz, or run "
                        "'make fuzz'.")
endif()
add_compile_options(-fsanitize=fuzzer-no-link)
add_custom_target(fuzzers)
