# The reference: manual pages of section 3, made from the public headers.
file(GLOB public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/millrace/*.h)
set(reference ${PROJECT_SOURCE_DIR}/scripts/reference)
set(pages ${CMAKE_BINARY_DIR}/man3)
add_custom_command(
    OUTPUT ${pages}/millrace.3
    COMMAND ${reference}.sh man ${pages} ${PROJECT_VERSION}
    DEPENDS ${public_headers} ${reference}.sh ${reference}/headers.awk ${reference}/pages.awk
            ${reference}/man.awk
    COMMENT "Making the manual pages of the headers" VERBATIM)
add_custom_target(reference ALL DEPENDS ${pages}/millrace.3)
install(DIRECTORY ${pages}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT development)
