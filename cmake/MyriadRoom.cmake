# What every target of the house shares: the language, the warnings, the sanitizers; and the two ways to add to it.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(tl-expected REQUIRED)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  # What uses precompiled headers is cached only when ccache may look past them.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

add_library(myriad_flags INTERFACE)
target_include_directories(myriad_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(myriad_flags INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(myriad_flags INTERFACE -Wno-restrict) # GCC bug 105651: "literal" + std::string at -O2 and above
endif()
if(MYRIAD_SANITIZE) # of what a debugger could be told, lines are enough for a report: the rest takes time to write
  target_compile_options(myriad_flags INTERFACE -fsanitize=${MYRIAD_SANITIZE} -fno-sanitize-recover=all
                                                -fno-omit-frame-pointer -g1)
  target_link_options(myriad_flags INTERFACE -fsanitize=${MYRIAD_SANITIZE})
  if(MYRIAD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(myriad_flags INTERFACE -Wno-tsan) # our fences order flags that are atomic by themselves
  endif()
endif()
if(MYRIAD_FUZZ)
  # Optimised, but with assertions: a broken invariant is a finding. What costs more than it finds is left out: the
  # tracing of comparisons (a fifth of the time, and inputs are programs whose operands are relative to what happens),
  # and checks inside the standard library's own loops, which make each filling of a table a walk.
  target_compile_options(myriad_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
                                                -fno-omit-frame-pointer
                                                -fno-sanitize-coverage=trace-cmp
                                                -fsanitize-ignorelist=${CMAKE_SOURCE_DIR}/cmake/fuzz_ignored.txt -UNDEBUG)
  target_link_options(myriad_flags INTERFACE -fsanitize=address,undefined)
endif()

# myriad_room(NAME SOURCES … [LINK …]): the static library of a room. LINK names the rooms and libraries it may include.
function(myriad_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINK" ${ARGN})
  add_library(myriad_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(myriad_${name} PUBLIC myriad_flags ${ROOM_LINK})
endfunction()

# myriad_test(NAME LABEL label SOURCES … [LINK …]): one GoogleTest binary, one ctest row per test.
function(myriad_test name)
  cmake_parse_arguments(TEST "" "LABEL;TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 60)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE myriad_flags ${TEST_LINK} GTest::gtest_main GTest::gmock)
  target_precompile_headers(${name} REUSE_FROM test_precompiled)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # For ccache; and the optimiser's guesses about what is inlined from the standard library, which GCC keeps to itself
    # as long as it knows that those headers are the system's.
    target_compile_options(${name} PRIVATE -fpch-preprocess -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  gtest_discover_tests(${name} PROPERTIES LABELS ${TEST_LABEL} TIMEOUT ${TEST_TIMEOUT} DISCOVERY_TIMEOUT 60)
endfunction()
