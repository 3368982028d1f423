# Files as constants of the program.

# myriad_embed(SOURCE NAMESPACE HEADER [CONSTANT FILE]…): writes SOURCE, which defines for each pair the std::string_view
# CONSTANT, declared in HEADER, with the bytes of FILE.
function(myriad_embed source namespace header)
  set(text "// Made by the build.\n#include \"${header}\"\n\nnamespace ${namespace} {\nnamespace {\n")
  set(constants "")
  set(pairs ${ARGN})
  while(pairs)
    list(POP_FRONT pairs constant file)
    get_filename_component(file ${file} ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    # Fourteen to a line: each is seven characters.
    string(REGEX REPLACE "(..................................................................................................)" "\\1\n" bytes "${bytes}")
    string(APPEND text "constexpr char k${constant}Bytes[] = {\n${bytes}};\n")
    string(APPEND constants
           "const std::string_view ${constant}{k${constant}Bytes, sizeof k${constant}Bytes};\n")
  endwhile()
  file(CONFIGURE OUTPUT ${source} CONTENT "${text}}  // namespace\n\n${constants}\n}  // namespace ${namespace}\n" @ONLY)
endfunction()

# myriad_check_sums(FOLDER): every file that FOLDER/SHA256SUMS lists is what it says.
function(myriad_check_sums folder)
  file(STRINGS ${folder}/SHA256SUMS lines)
  foreach(line ${lines})
    string(REGEX MATCH "^([0-9a-f]+)  (.+)$" matched "${line}")
    set(wanted ${CMAKE_MATCH_1})
    set(file ${folder}/${CMAKE_MATCH_2})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(SHA256 ${file} found)
    if(NOT matched OR NOT found STREQUAL wanted)
      message(FATAL_ERROR "${file} is not what ${folder}/SHA256SUMS says")
    endif()
  endforeach()
endfunction()
