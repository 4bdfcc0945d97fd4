# One interface target carries the warnings and definitions that all of our own code is built with.
add_library(millrace_flags INTERFACE)
target_compile_definitions(millrace_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:_GNU_SOURCE>)

set(warnings_both -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wcast-align
                  -Wcast-qual -Wpointer-arith -Wundef -Wvla -Wformat=2 -Wswitch-enum
                  -Wwrite-strings -Wimplicit-fallthrough)
set(warnings_c -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition)
set(warnings_c_gcc -Wduplicated-cond -Wlogical-op -Wtrampolines)
set(warnings_c_clang -Wcomma -Wmissing-variable-declarations -Wunreachable-code)

# -fno-strict-aliasing: images, frames and slots are bytes that are looked at as structs.
# -fno-semantic-interposition: a call within libmillrace.so may be inlined and is never redirected.
target_compile_options(
    millrace_flags
    INTERFACE ${warnings_both} -fno-common -fno-strict-aliasing -fno-semantic-interposition
              $<$<COMPILE_LANGUAGE:C>:${warnings_c}>
              $<$<COMPILE_LANG_AND_ID:C,GNU>:${warnings_c_gcc}>
              $<$<COMPILE_LANG_AND_ID:C,Clang>:${warnings_c_clang}>)

if(MILLRACE_WERROR)
    target_compile_options(millrace_flags INTERFACE -Werror)
endif()
if(MILLRACE_VERIFY)
    target_compile_definitions(millrace_flags INTERFACE MR_VERIFY)
endif()

# An assertion names its file by its path from the root, wherever that was built.
target_compile_options(millrace_flags INTERFACE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)

# A sanitizer must be in everything that is linked together, so these go to all targets.
if(MILLRACE_SANITIZE)
    add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${MILLRACE_SANITIZE})
endif()
if(MILLRACE_COVERAGE)
    add_compile_options(--coverage -fprofile-update=atomic)
    add_link_options(--coverage)
endif()
