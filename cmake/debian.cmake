# Run by cpack on what it is about to pack: manual pages are compressed, and each package has its
# licence and the changes.
set(package_of_tool millrace)
set(package_of_runtime ${CPACK_MILLRACE_LIBRARY})
set(package_of_development libmillrace-dev)

foreach(component ${CPACK_COMPONENTS_ALL})
    set(tree ${CPACK_TEMPORARY_DIRECTORY}/${component}${CPACK_PACKAGING_INSTALL_PREFIX})
    if(NOT EXISTS ${tree})
        message(FATAL_ERROR "cpack has not put ${component} in ${tree}")
    endif()
    set(documents ${tree}/share/doc/${package_of_${component}})
    file(MAKE_DIRECTORY ${documents})
    configure_file(${CPACK_MILLRACE_SOURCE}/LICENSE ${documents}/copyright COPYONLY)
    configure_file(${CPACK_MILLRACE_SOURCE}/CHANGELOG.md ${documents}/changelog COPYONLY)
    file(CHMOD ${documents}/copyright ${documents}/changelog
         PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    file(GLOB pages ${tree}/share/man/man*/*.1 ${tree}/share/man/man*/*.3)
    execute_process(COMMAND gzip -9 --no-name ${pages} ${documents}/changelog
                    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
