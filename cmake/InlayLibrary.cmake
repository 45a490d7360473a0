# The target `inlay` (inlay::inlay): every .cpp under src, one unit per instruction set with its flags.

file(GLOB_RECURSE inlay_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*.cpp)
list(FILTER inlay_sources EXCLUDE REGEX "/src/backend/cuda/")

if(INLAY_SHARED)
  add_library(inlay SHARED ${inlay_sources})
else()
  add_library(inlay STATIC ${inlay_sources})
endif()
add_library(inlay::inlay ALIAS inlay)
inlay_core_flags(inlay)

target_include_directories(inlay
  PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:include>
  PRIVATE ${PROJECT_SOURCE_DIR}/src
)
target_compile_definitions(inlay
  PUBLIC $<$<BOOL:${INLAY_SHARED}>:INLAY_SHARED>
  PRIVATE
    INLAY_BUILDING
    INLAY_WITH_PCRE2=$<BOOL:${INLAY_WITH_PCRE2}>
    INLAY_WITH_UTF8PROC=$<BOOL:${INLAY_WITH_UTF8PROC}>
    INLAY_WITH_THREADS=$<BOOL:${INLAY_WITH_THREADS}>
)
set_target_properties(inlay PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
)

# Instruction sets: src/isa/isa.cmake lists them, a line each.
#   inlay_isa_unit(NAME [PROCESSOR pattern] [NEEDS unit] [FLAGS ...])
# A unit for another processor, or not in INLAY_UNITS, is left out; scalar never is. Units are optimised in every build type; -O2 also keeps
# inline functions of shared headers from appearing as weak symbols with the wrong instructions.
set(inlay_isa_flags -O2)
if(INLAY_SANITIZE)
  # These units are the longest to compile with sanitizers: less of everything, and checks as calls.
  set(inlay_isa_flags -O1)
  if(INLAY_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    list(APPEND inlay_isa_flags --param=asan-instrumentation-with-call-threshold=0)
  endif()
endif()
function(inlay_isa_unit name)
  cmake_parse_arguments(unit "" "PROCESSOR;NEEDS" "FLAGS" ${ARGN})
  set(file ${PROJECT_SOURCE_DIR}/src/isa/${name}.cpp)
  set_property(GLOBAL APPEND PROPERTY INLAY_KNOWN_UNITS ${name})
  set(left_out FALSE)
  if(unit_PROCESSOR AND NOT CMAKE_SYSTEM_PROCESSOR MATCHES "${unit_PROCESSOR}")
    set(left_out TRUE)
  elseif(INLAY_UNITS AND NOT name IN_LIST INLAY_UNITS AND NOT name STREQUAL "scalar")
    set(left_out TRUE)
  endif()
  if(unit_NEEDS AND NOT left_out AND INLAY_UNITS AND NOT unit_NEEDS IN_LIST INLAY_UNITS)
    message(FATAL_ERROR "INLAY_UNITS: unit ${name} needs ${unit_NEEDS}")
  endif()
  if(left_out)
    set_source_files_properties(${file} TARGET_DIRECTORY inlay PROPERTIES HEADER_FILE_ONLY ON)
    return()
  endif()
  set(flags ${inlay_isa_flags} ${unit_FLAGS})
  if(INLAY_SANITIZE AND NOT name IN_LIST INLAY_SANITIZED_UNITS)
    list(APPEND flags -fno-sanitize=all)
  endif()
  set_source_files_properties(${file} TARGET_DIRECTORY inlay PROPERTIES
    COMPILE_OPTIONS "${flags}"
    SKIP_PRECOMPILE_HEADERS ON
  )
  set_property(TARGET inlay APPEND PROPERTY INLAY_ISA_UNITS ${name})
endfunction()
include(${PROJECT_SOURCE_DIR}/src/isa/isa.cmake)
if(INLAY_UNITS)
  get_property(known GLOBAL PROPERTY INLAY_KNOWN_UNITS)
  foreach(name IN LISTS INLAY_UNITS)
    if(NOT name IN_LIST known)
      message(FATAL_ERROR "INLAY_UNITS: no unit ${name} among ${known}")
    endif()
  endforeach()
  get_property(units TARGET inlay PROPERTY INLAY_ISA_UNITS)
  list(TRANSFORM units REPLACE "(.+)" "INLAY_ISA_UNIT(\\1)")
  list(JOIN units " " units)
  set_source_files_properties(${PROJECT_SOURCE_DIR}/src/isa/isa.cpp TARGET_DIRECTORY inlay PROPERTIES
    COMPILE_DEFINITIONS "INLAY_ISA_UNITS=${units}")
endif()

# Dependencies of the library. Header-only ones are needed to build it, not to use it.
find_package(xsimd REQUIRED)
find_package(fmt REQUIRED)
foreach(headers IN ITEMS xsimd fmt::fmt-header-only)
  target_include_directories(inlay SYSTEM PRIVATE
    $<TARGET_PROPERTY:${headers},INTERFACE_INCLUDE_DIRECTORIES>
  )
endforeach()
if(INLAY_PRECOMPILE)
  target_precompile_headers(inlay PRIVATE <algorithm> <atomic> <bit> <cmath> <cstddef> <cstdint> <cstdlib>
    <cstring> <limits> <new> <span> <string_view> <type_traits> <utility> <fmt/core.h>)
endif()
if(INLAY_WITH_PCRE2)
  find_package(PCRE2 REQUIRED)
  target_link_libraries(inlay PRIVATE PCRE2::8BIT)
endif()
if(INLAY_WITH_UTF8PROC)
  find_package(utf8proc REQUIRED)
  target_link_libraries(inlay PRIVATE utf8proc::utf8proc)
endif()
if(INLAY_WITH_THREADS)
  set(THREADS_PREFER_PTHREAD_FLAG ON)
  find_package(Threads REQUIRED)
  target_link_libraries(inlay PRIVATE Threads::Threads)
endif()
