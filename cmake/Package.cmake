# `cpack -G DEB` in a build folder that was configured with the prefix /usr (`make deb` does both):
# libmillrace0, what programs need; libmillrace-dev, what it takes to build them; millrace, the
# tool. Which libraries they depend on is found out by dpkg-shlibdeps.
set(MILLRACE_MAINTAINER "Millrace <root@localhost>" CACHE STRING
    "Who answers for the Debian packages: NAME <ADDRESS>")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME millrace)
set(CPACK_PACKAGE_VENDOR Millrace)
set(CPACK_PACKAGE_CONTACT ${MILLRACE_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "durable, deterministic business logic at memory speed")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL tool runtime development)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(library libmillrace${PROJECT_VERSION_MAJOR})
set(CPACK_DEBIAN_TOOL_PACKAGE_NAME millrace)
set(CPACK_DEBIAN_TOOL_PACKAGE_SECTION database)
set(CPACK_DEBIAN_RUNTIME_PACKAGE_NAME ${library})
set(CPACK_DEBIAN_RUNTIME_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_NAME libmillrace-dev)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SECTION libdevel)
# millrace.pc names what the static library needs, and pkg-config wants to see that it is there.
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
    "${library} (= ${PROJECT_VERSION}), liburing-dev (>= 2.3)")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)

set(CPACK_COMPONENT_TOOL_DESCRIPTION "This package has the command line tool.")
set(CPACK_COMPONENT_RUNTIME_DESCRIPTION "This package has the shared library.")
set(CPACK_COMPONENT_DEVELOPMENT_DESCRIPTION
    "This package has the headers, the static library and the manual pages of all functions.")

# What Debian wants of a package, and an ordinary installation does not have.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/debian.cmake)
set(CPACK_MILLRACE_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_MILLRACE_LIBRARY ${library})
include(CPack)
