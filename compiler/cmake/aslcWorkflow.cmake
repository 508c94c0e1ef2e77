# aslc_add_workflow(NAME DEFINITION [SHARED]
#     [BIND PATTERN=HANDLER …]     who does the work of a Task, compiled in
#     [DEFINES NAME=VALUE …]       fill ${NAME} placeholders
#     [DEFINITIONS FILE.json]      the same, from a file
#     [LIBRARIES LIB …]            libraries with the functions of ffi: bindings: a path, a target or a name for -l
#     [TYPE standard|express] [OPTIONS …])
#
# Compiles DEFINITION when the project is built, and again when it, the definitions file, a library or the compiler has
# changed. Without SHARED, NAME becomes an imported executable, good for add_test(COMMAND NAME …) and
# install(PROGRAMS $<TARGET_FILE:NAME> …). With SHARED, NAME becomes an imported shared library whose header, NAME.h, is
# on the include path of whoever links it.
function(aslc_add_workflow name definition)
  cmake_parse_arguments(PARSE_ARGV 2 arg "SHARED" "TYPE;DEFINITIONS" "BIND;DEFINES;LIBRARIES;OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "aslc_add_workflow(${name}): what is \"${arg_UNPARSED_ARGUMENTS}\"?")
  endif()
  cmake_path(ABSOLUTE_PATH definition BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
  if(NOT EXISTS ${definition})
    get_source_file_property(generated ${definition} GENERATED)
    if(NOT generated)
      message(FATAL_ERROR "aslc_add_workflow(${name}): there is no ${definition}")
    endif()
  endif()

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${name}.workflow)
  file(MAKE_DIRECTORY ${folder})
  set(depends ${definition} aslc::aslc $<TARGET_FILE:aslc::runtime>)
  set(command aslc::aslc build ${definition})
  foreach(bind IN LISTS arg_BIND)
    list(APPEND command --bind ${bind})
  endforeach()
  foreach(define IN LISTS arg_DEFINES)
    list(APPEND command -D ${define})
  endforeach()
  if(arg_DEFINITIONS)
    cmake_path(ABSOLUTE_PATH arg_DEFINITIONS BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    list(APPEND command --definitions ${arg_DEFINITIONS})
    list(APPEND depends ${arg_DEFINITIONS})
  endif()
  foreach(library IN LISTS arg_LIBRARIES)
    if(TARGET ${library})
      list(APPEND command -l $<TARGET_FILE:${library}>)
      list(APPEND depends ${library} $<TARGET_FILE:${library}>)
    else()
      list(APPEND command -l ${library})
      if(IS_ABSOLUTE ${library})
        list(APPEND depends ${library})
      endif()
    endif()
  endforeach()
  if(arg_TYPE)
    list(APPEND command --type ${arg_TYPE})
  endif()
  list(APPEND command ${arg_OPTIONS})

  if(arg_SHARED)
    set(output ${folder}/lib${name}.so)
    set(outputs ${output} ${folder}/${name}.h)
    list(APPEND command --shared)
  else()
    set(output ${folder}/${name})
    set(outputs ${output})
  endif()
  # The rule makes a stamp: a target that depended on the file itself would, in CMake's eyes, depend on the imported
  # target of the same name and so on itself.
  add_custom_command(OUTPUT ${folder}/stamp BYPRODUCTS ${outputs}
    COMMAND ${command} --name ${name} -o ${output}
    COMMAND ${CMAKE_COMMAND} -E touch ${folder}/stamp
    DEPENDS ${depends}
    COMMENT "Compiling workflow ${name}" VERBATIM)
  add_custom_target(${name}-workflow ALL DEPENDS ${folder}/stamp)

  if(arg_SHARED)
    add_library(${name} SHARED IMPORTED GLOBAL)
    set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${output} IMPORTED_NO_SONAME ON
      INTERFACE_INCLUDE_DIRECTORIES ${folder})
  else()
    add_executable(${name} IMPORTED GLOBAL)
    set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${output})
  endif()
  add_dependencies(${name} ${name}-workflow)
endfunction()
