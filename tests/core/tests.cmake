# The page that states the rules of the order book is a test.
target_compile_definitions(core_test_book_page
                           PRIVATE MR_BOOK_PAGE="${PROJECT_SOURCE_DIR}/docs/book.md")

# The book next to a naive one: too large for one file; and several tests, so that they run side by
# side, with a million commands each.
set(book_pair_sources
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_book.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_orders.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_setup.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_views.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_pair.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_pair_image.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_pair_queries.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_random.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_random_make.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_script.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/book_shrink.c)
target_sources(core_test_book_fuzz PRIVATE ${book_pair_sources})
target_sources(core_test_book_shrink PRIVATE ${book_pair_sources})
target_sources(core_test_book_views PRIVATE ${book_pair_sources})
if(MILLRACE_SANITIZE OR MILLRACE_COVERAGE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_definitions(core_test_book_fuzz PRIVATE FUZZ_COMMANDS=100000)
endif()
foreach(shard 1 2 3 4)
    mr_script_test(core test_book_fuzz_${shard} $<TARGET_FILE:core_test_book_fuzz> ${shard})
    set_tests_properties(core/test_book_fuzz_${shard} PROPERTIES COST 40)
endforeach()
