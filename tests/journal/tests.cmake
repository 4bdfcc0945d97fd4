# What enumerates crash states is too large for one file.
set(enumerate_sources
    ${CMAKE_CURRENT_SOURCE_DIR}/journal/enumerate.c
    ${CMAKE_CURRENT_SOURCE_DIR}/journal/enumerate_life.c
    ${CMAKE_CURRENT_SOURCE_DIR}/journal/enumerate_model.c)
target_sources(journal_test_enumerate PRIVATE ${enumerate_sources})
