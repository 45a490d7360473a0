# Compiler flags, given target by target: a project around inlay sees none of them.

set(INLAY_WARNINGS -Wall -Wextra -Wpedantic -Wshadow)
if(INLAY_WARNINGS_AS_ERRORS)
  list(APPEND INLAY_WARNINGS -Werror)
endif()

if(INLAY_SANITIZE)
  # GCC takes the sanitizers' own checks for uses of uninitialised values.
  add_compile_options(-fsanitize=${INLAY_SANITIZE} -fno-omit-frame-pointer -Wno-maybe-uninitialized)
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
  add_link_options(-fsanitize=${INLAY_SANITIZE})
  if(INLAY_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
endif()

# The library itself: plain processor baseline, no exceptions, no run-time types, no contraction of
# a*b+c (every sum has one defined order), nothing visible but what INLAY_API marks.
function(inlay_core_flags target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
  )
  target_compile_options(${target} PRIVATE
    ${INLAY_WARNINGS}
    -fno-exceptions
    -fno-rtti
    -ffp-contract=off
    -fno-math-errno
  )
endfunction()

# Code of a host: tests, examples, benchmarks.
function(inlay_host_flags target)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF C_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE ${INLAY_WARNINGS})
  if(INLAY_HOST_NOEXCEPT)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>
      $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>
    )
  endif()
endfunction()
