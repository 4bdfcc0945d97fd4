# Preloaded into a program; see interpose.c.
add_library(syncguard MODULE ${CMAKE_CURRENT_SOURCE_DIR}/syncguard/interpose.c
                             ${CMAKE_CURRENT_SOURCE_DIR}/syncguard/shadow.c)
target_include_directories(
    syncguard PRIVATE ${PROJECT_SOURCE_DIR}
                      $<TARGET_PROPERTY:PkgConfig::liburing,INTERFACE_INCLUDE_DIRECTORIES>)
target_link_libraries(syncguard PRIVATE millrace_flags Threads::Threads ${CMAKE_DL_LIBS})
add_dependencies(syncguard_test_guard syncguard)
target_compile_definitions(syncguard_test_guard
                           PRIVATE SYNCGUARD="$<TARGET_FILE:syncguard>")

mr_script_test(syncguard sync_before_ack
               sh ${CMAKE_CURRENT_SOURCE_DIR}/syncguard/test_sync_before_ack.sh)
set_tests_properties(
    syncguard/sync_before_ack
    PROPERTIES ENVIRONMENT
               "MILLRACE=$<TARGET_FILE:millrace_tool>;SYNCGUARD=$<TARGET_FILE:syncguard>")
