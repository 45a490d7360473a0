# Builds for Linux on aarch64 with Debian's cross compiler; tests run under QEMU.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Libraries of headers alone are the host's, for they are the same on every processor: links to
# their folders, apart from the host's other headers, and a package file for each.
#   inlay_host_headers(PACKAGE TARGET FOLDER [DEFINITION])
get_property(inlay_trying GLOBAL PROPERTY IN_TRY_COMPILE)
function(inlay_host_headers package target folder)
  set(home ${CMAKE_BINARY_DIR}/host_headers/${package})
  cmake_path(GET folder FILENAME name)
  if(NOT EXISTS ${home}/include/${name})
    file(MAKE_DIRECTORY ${home}/include)
    file(CREATE_LINK ${folder} ${home}/include/${name} SYMBOLIC)
  endif()
  file(CONFIGURE OUTPUT ${home}/${package}Config.cmake @ONLY CONTENT [[
if(NOT TARGET @target@)
  add_library(@target@ INTERFACE IMPORTED)
  set_target_properties(@target@ PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${CMAKE_CURRENT_LIST_DIR}/include
    INTERFACE_COMPILE_DEFINITIONS "@ARGN@")
endif()
]])
  set(${package}_DIR ${home} CACHE PATH "Headers of the host")
endfunction()
if(NOT inlay_trying)
  inlay_host_headers(xsimd xsimd /usr/include/xsimd)
  inlay_host_headers(fmt fmt::fmt-header-only /usr/include/fmt FMT_HEADER_ONLY=1)
  inlay_host_headers(Catch2 Catch2::Catch2 /usr/include/catch2)
  inlay_host_headers(Eigen3 Eigen3::Eigen /usr/include/eigen3/Eigen)
endif()
