# Every switch of the build. What serves development defaults to ON only where inlay is the top project.

option(INLAY_SHARED "Build a shared library with hidden internals instead of a static one" OFF)
option(INLAY_WITH_PCRE2 "Byte-level BPE vocabularies, whose pre-tokenizer patterns run in PCRE2" ON)
option(INLAY_WITH_THREADS "Built-in worker threads" ON)
set(INLAY_UNITS "" CACHE STRING
  "Instruction set units to build, such as scalar;avx2 (src/isa/isa.cmake); empty: all for the processor")

option(INLAY_BUILD_TESTS "Tests" ${PROJECT_IS_TOP_LEVEL})
option(INLAY_BUILD_EXAMPLES "Examples, the inlay command among them" ${PROJECT_IS_TOP_LEVEL})
option(INLAY_BUILD_BENCHMARKS "Benchmarks" ${PROJECT_IS_TOP_LEVEL})
option(INLAY_INSTALL "Install rules" ${PROJECT_IS_TOP_LEVEL})
option(INLAY_PRECOMPILE "Headers of other libraries are read once for all sources" ${PROJECT_IS_TOP_LEVEL})

option(INLAY_WARNINGS_AS_ERRORS "Warnings stop the build" OFF)
option(INLAY_HOST_NOEXCEPT "Compile the code around the library without exceptions and RTTI" OFF)
set(INLAY_SANITIZE "" CACHE STRING "Sanitizers for everything, such as address,undefined or thread")
set(INLAY_SANITIZED_UNITS "scalar" CACHE STRING
  "Units they look at: an hour's work for the compiler with all (tests/kernels has pages of guard)")

if(PROJECT_IS_TOP_LEVEL)
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
    set(CMAKE_BUILD_TYPE Release)
  endif()
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
  set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)

  find_program(INLAY_CCACHE ccache)
  if(INLAY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    # What ccache asks of those who use precompiled headers.
    set(launcher ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${INLAY_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  endif()
endif()
