# A bench is a program; of its files, those are tested that compute something by themselves.
target_include_directories(bench_test_figures PRIVATE ${PROJECT_SOURCE_DIR})
target_sources(bench_test_figures PRIVATE ${PROJECT_SOURCE_DIR}/bench/journal/common.c
                                          ${PROJECT_SOURCE_DIR}/bench/journal/fio_report.c)

# bench_pipeline's: how it measures, and what it writes.
set(pipeline ${PROJECT_SOURCE_DIR}/bench/pipeline)
target_include_directories(bench_test_open_loop PRIVATE ${PROJECT_SOURCE_DIR})
target_sources(bench_test_open_loop PRIVATE ${pipeline}/open_loop.c)
target_link_libraries(bench_test_open_loop PRIVATE millrace_engine m)
target_include_directories(bench_test_latency_files PRIVATE ${PROJECT_SOURCE_DIR})
target_sources(bench_test_latency_files PRIVATE ${pipeline}/curve.c ${pipeline}/hgrm.c)
target_link_libraries(bench_test_latency_files PRIVATE millrace_base m)

# bench_book's: the messages that it sends, and what it looks at to know that they came out right.
set(book ${PROJECT_SOURCE_DIR}/bench/book)
target_include_directories(bench_test_book_flow PRIVATE ${PROJECT_SOURCE_DIR}
                                                        ${PROJECT_SOURCE_DIR}/include)
target_sources(bench_test_book_flow PRIVATE ${book}/flow.c ${book}/law.c ${book}/outcome.c)
target_link_libraries(bench_test_book_flow PRIVATE m)

# bench_ledger's: the transfers that it sends.
target_include_directories(bench_test_ledger_traffic PRIVATE ${PROJECT_SOURCE_DIR}
                                                             ${PROJECT_SOURCE_DIR}/include)
target_sources(bench_test_ledger_traffic PRIVATE ${PROJECT_SOURCE_DIR}/bench/ledger/traffic.c)
target_link_libraries(bench_test_ledger_traffic PRIVATE m)
