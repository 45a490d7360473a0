# Builds and runs the project `package` with inlay as an installed package or as a part of its tree.
# cmake -D WAY=find_package|add_subdirectory -D SOURCE=... -D BINARY=... -D WORK=... -D GENERATOR=...
#       -D CXX=... -D CC=... -D LAUNCHER=... -D MODEL=... -P package_test.cmake

function(run)
  execute_process(COMMAND ${ARGV} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGV " " command)
    message(FATAL_ERROR "${command}: ${result}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
set(arguments "")
if(WAY STREQUAL "find_package")
  run(${CMAKE_COMMAND} --install ${BINARY} --prefix ${WORK}/prefix)
  # The package must not lean on the place where it was built.
  file(RENAME ${WORK}/prefix ${WORK}/moved)
  set(arguments -D CMAKE_PREFIX_PATH=${WORK}/moved)
else()
  set(arguments -D INLAY_SOURCE=${SOURCE} -D INLAY_UNITS=scalar)
  if(LAUNCHER)
    list(APPEND arguments -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
  endif()
endif()

run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/package -B ${WORK}/build -G ${GENERATOR}
  -D CMAKE_CXX_COMPILER=${CXX} -D CMAKE_C_COMPILER=${CC} ${arguments})
run(${CMAKE_COMMAND} --build ${WORK}/build)
foreach(program IN ITEMS host_c host_cpp)
  run(${WORK}/build/${program} ${MODEL})
endforeach()
