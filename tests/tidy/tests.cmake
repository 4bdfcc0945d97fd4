# The checks of tests/tidy/ that need nothing but a compiler are tests; `make tidy` runs them all.
# They see the same sources in every build, so one kind of build is enough.
if(NOT MILLRACE_SANITIZE AND NOT MILLRACE_COVERAGE)
    set(tidy ${PROJECT_SOURCE_DIR}/tests/tidy)
    mr_script_test(tidy house_rules ${tidy}/house.sh)
    mr_script_test(tidy headers_compile_alone_as_c ${tidy}/headers.sh c)
    mr_script_test(tidy headers_compile_alone_as_cxx ${tidy}/headers.sh c++)
    mr_script_test(tidy headers_compile_alone_as_cxx_by_clang env CXX=clang++ ${tidy}/headers.sh
                   c++)
    mr_script_test(tidy core_is_freestanding ${tidy}/freestanding.sh)
    mr_script_test(tidy every_check_can_fail ${tidy}/selftest.sh)
endif()
