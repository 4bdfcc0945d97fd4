# The journals that are kept lie beside their test, the tables in docs/.
foreach(test test_golden test_tables)
    target_compile_definitions(golden_${test} PRIVATE MR_ROOT="${PROJECT_SOURCE_DIR}")
endforeach()
