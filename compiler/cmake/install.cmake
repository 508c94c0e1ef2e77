# What `cmake --install` puts where. aslc looks for its runtime at ../lib/aslc from its own executable, so that folder
# does not follow the distribution's multiarch name; everything else does.
#
#     bin/aslc                                the compiler
#     lib/aslc/libasl.a                       the runtime, linked into every compiled workflow
#     LIBDIR/libaslc.a                        the compiler as a library
#     include/aslc/*.h, *.def                 the public headers of both
#     LIBDIR/cmake/aslc, LIBDIR/pkgconfig     find_package(aslc), asl.pc, aslc.pc
set(ASLC_RUNTIME_DIR lib/aslc)
set(ASLC_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/aslc)

install(TARGETS asl EXPORT aslcRuntimeTargets ARCHIVE DESTINATION ${ASLC_RUNTIME_DIR})
if(TARGET asl_musl) # for static executables; the compiler finds it beside the other
  install(TARGETS asl_musl ARCHIVE DESTINATION ${ASLC_RUNTIME_DIR})
  install(FILES ${PROJECT_SOURCE_DIR}/runtime/musl.ld RENAME libasl-musl.ld DESTINATION ${ASLC_RUNTIME_DIR})
endif()
install(TARGETS libaslc EXPORT aslcCompilerTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS aslc EXPORT aslcRuntimeTargets RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/aslc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN *.h PATTERN *.def)

# The CMake package. The compiler library brings LLVM and cJSON along, so its targets are a component of their own and
# a program that only embeds workflows needs neither.
install(EXPORT aslcRuntimeTargets NAMESPACE aslc:: DESTINATION ${ASLC_PACKAGE_DIR})
install(EXPORT aslcCompilerTargets NAMESPACE aslc:: DESTINATION ${ASLC_PACKAGE_DIR})
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/aslcConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/aslcConfig.cmake INSTALL_DESTINATION ${ASLC_PACKAGE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/aslcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/package/aslcConfig.cmake
  ${PROJECT_BINARY_DIR}/package/aslcConfigVersion.cmake
  ${CMAKE_CURRENT_LIST_DIR}/aslcWorkflow.cmake
  DESTINATION ${ASLC_PACKAGE_DIR})

# pkg-config. Paths are relative to the .pc file, so that an installed tree can be moved.
file(RELATIVE_PATH ASLC_PC_PREFIX /p/${CMAKE_INSTALL_LIBDIR}/pkgconfig /p)
string(REGEX REPLACE "/$" "" ASLC_PC_PREFIX "${ASLC_PC_PREFIX}")
if(TARGET LLVM)
  get_target_property(ASLC_PC_LLVM LLVM IMPORTED_LOCATION_RELEASE)
  if(NOT ASLC_PC_LLVM)
    get_target_property(ASLC_PC_LLVM LLVM LOCATION)
  endif()
endif()
foreach(module asl aslc)
  configure_file(${CMAKE_CURRENT_LIST_DIR}/${module}.pc.in ${PROJECT_BINARY_DIR}/package/${module}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/package/${module}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

install(FILES ${PROJECT_SOURCE_DIR}/docs/man/aslc.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/docs/completions/aslc.bash RENAME aslc
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${PROJECT_SOURCE_DIR}/docs/completions/_aslc DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${PROJECT_SOURCE_DIR}/docs/completions/aslc.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
        DESTINATION ${CMAKE_INSTALL_DOCDIR})
