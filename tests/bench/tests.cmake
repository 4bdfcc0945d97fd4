# A bench is a program; of its files, those are tested that compute something by themselves.
target_include_directories(bench_test_figures PRIVATE ${PROJECT_SOURCE_DIR})
target_sources(bench_test_figures PRIVATE ${PROJECT_SOURCE_DIR}/bench/journal/common.c
                                          ${PROJECT_SOURCE_DIR}/bench/journal/fio_report.c)
