# What enumerates crash states is too large for one file, and is several tests so that they run side
# by side.
set(enumerate_life ${CMAKE_CURRENT_SOURCE_DIR}/journal/enumerate_life.c)
set(enumerate_sources
    ${enumerate_life} ${CMAKE_CURRENT_SOURCE_DIR}/journal/enumerate.c
    ${CMAKE_CURRENT_SOURCE_DIR}/journal/enumerate_model.c)
set(enumerate_map ${enumerate_life} ${CMAKE_CURRENT_SOURCE_DIR}/journal/enumerate_map.c)
target_sources(journal_test_enumerate PRIVATE ${enumerate_sources})
target_sources(journal_test_enumerate_many PRIVATE ${enumerate_sources})
target_sources(journal_test_enumerate_policies PRIVATE ${enumerate_sources})
target_sources(journal_test_enumerate_refusals PRIVATE ${enumerate_map})
target_sources(journal_test_bit_flips PRIVATE ${enumerate_map})

# They take a minute or less of a core each; the longest are begun first. On a machine that has
# much else to do it may be many.
set_tests_properties(
    journal/test_enumerate journal/test_enumerate_many journal/test_enumerate_policies
    PROPERTIES COST 100 TIMEOUT 900)
