# The page that states the rules of the order book is a test.
target_compile_definitions(core_test_book_page
                           PRIVATE MR_BOOK_PAGE="${PROJECT_SOURCE_DIR}/docs/book.md")
# And so are those about the ledger.
target_compile_definitions(
    core_test_ledger_page
    PRIVATE MR_LEDGER_PAGE="${PROJECT_SOURCE_DIR}/docs/ledger.md"
            MR_LEDGER_RECIPES="${PROJECT_SOURCE_DIR}/docs/ledger-recipes.md")

# Random commands to a logic and to a naive one: what does not depend on the logic.
set(fuzz_sources
    ${CMAKE_CURRENT_SOURCE_DIR}/core/fuzz_rounds.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/fuzz_script.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/fuzz_shrink.c)

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
    ${fuzz_sources})
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

# The ledger next to a naive one, likewise: five million commands in four tests.
set(ledger_pair_sources
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_ledger.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_ledger_accounts.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_ledger_lists.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_ledger_pending.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/naive_ledger_transfers.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_pair.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_pair_image.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_pair_queries.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_random.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_random_make.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_random_spoil.c
    ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_script.c
    ${fuzz_sources})
target_sources(core_test_ledger_fuzz PRIVATE ${ledger_pair_sources})
target_sources(core_test_ledger_shrink PRIVATE ${ledger_pair_sources})
if(MILLRACE_SANITIZE OR MILLRACE_COVERAGE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_definitions(core_test_ledger_fuzz PRIVATE FUZZ_COMMANDS=100000)
endif()
foreach(shard 1 2 3)
    mr_script_test(core test_ledger_fuzz_${shard} $<TARGET_FILE:core_test_ledger_fuzz> ${shard})
    set_tests_properties(core/test_ledger_fuzz_${shard} PROPERTIES COST 40)
endforeach()

# Test tables of the ledger: our own, and, where MR_LEDGER_TABLES names a file of them, given ones.
target_sources(core_test_ledger_tables
               PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_table.c
                       ${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_table_ask.c)
target_compile_definitions(
    core_test_ledger_tables
    PRIVATE MR_LEDGER_OWN_TABLES="${CMAKE_CURRENT_SOURCE_DIR}/core/ledger_tables")
mr_script_test(core test_ledger_tables_given $<TARGET_FILE:core_test_ledger_tables> given)
