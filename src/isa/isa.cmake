# The units of src/isa and their compiler flags: one line each, read by cmake/InlayLibrary.cmake.
inlay_isa_unit(scalar)
inlay_isa_unit(avx2 PROCESSOR "x86_64|AMD64" FLAGS -mavx2 -mfma -mf16c)
inlay_isa_unit(avx512 PROCESSOR "x86_64|AMD64" FLAGS -mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c)
inlay_isa_unit(amx PROCESSOR "x86_64|AMD64" NEEDS avx512 FLAGS -mamx-tile -mamx-int8 -mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c)
# GCC 12 moves loads up before it has registers for them, and then spills; left alone it does so less.
set(inlay_neon_flags $<$<CXX_COMPILER_ID:GNU>:-fno-schedule-insns>)
inlay_isa_unit(neon PROCESSOR "aarch64|arm64|ARM64" FLAGS ${inlay_neon_flags})
inlay_isa_unit(neon_dotprod PROCESSOR "aarch64|arm64|ARM64" FLAGS -march=armv8.2-a+dotprod ${inlay_neon_flags})
