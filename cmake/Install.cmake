# What users link and install: the folders' objects in one libmillrace.a and one libmillrace.so, the
# public headers, a package for CMake's find_package and one for pkg-config.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(object_targets GLOBAL PROPERTY MILLRACE_OBJECTS)
set(objects)
foreach(target ${object_targets})
    list(APPEND objects $<TARGET_OBJECTS:${target}>)
endforeach()

# A static library cannot carry the libraries that it needs, so it names them for whoever links it.
# (Of xxhash only headers are used.)
add_library(millrace_static STATIC ${objects})
target_link_libraries(millrace_static INTERFACE uring Threads::Threads)

# The shared library shows mr_* and nothing else.
set(exports ${PROJECT_SOURCE_DIR}/cmake/libmillrace.map)
add_library(millrace_shared SHARED ${objects})
target_link_libraries(millrace_shared PRIVATE PkgConfig::liburing Threads::Threads)
target_link_options(millrace_shared PRIVATE -Wl,--version-script=${exports}
                    -Wl,-Bsymbolic-functions)
if(NOT MILLRACE_SANITIZE) # whose runtime is found only when a program starts
    target_link_options(millrace_shared PRIVATE -Wl,-z,defs)
endif()
set_target_properties(millrace_shared PROPERTIES LINK_DEPENDS ${exports} LINKER_LANGUAGE C
                                                 VERSION ${PROJECT_VERSION}
                                                 SOVERSION ${PROJECT_VERSION_MAJOR})

foreach(kind static shared)
    set_target_properties(
        millrace_${kind}
        PROPERTIES OUTPUT_NAME millrace EXPORT_NAME ${kind}
                   LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}
                   ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
    target_include_directories(
        millrace_${kind} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                   $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

# Three components: `runtime`, what programs need; `development`, what it takes to build them;
# `tool`, the command. Without --component, `cmake --install` installs all.
install(TARGETS millrace_static millrace_shared EXPORT millrace
        LIBRARY COMPONENT runtime NAMELINK_COMPONENT development
        ARCHIVE COMPONENT development)
install(DIRECTORY include/millrace DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
        FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/millrace)
install(EXPORT millrace NAMESPACE millrace:: FILE millrace-targets.cmake
        DESTINATION ${package_dir} COMPONENT development)
write_basic_package_version_file(millrace-config-version.cmake COMPATIBILITY SameMinorVersion)
configure_file(cmake/millrace-config.cmake.in millrace-config.cmake @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/millrace-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/millrace-config-version.cmake
        DESTINATION ${package_dir} COMPONENT development)

# The prefix of millrace.pc is relative to where it lies, so that the tree can be moved and
# `cmake --install --prefix` needs no new configuration.
file(RELATIVE_PATH MILLRACE_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/millrace.pc.in millrace.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/millrace.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)

# All that `cmake --install` installs, without the tests and benches.
add_custom_target(product DEPENDS millrace_static millrace_shared millrace_tool reference)
