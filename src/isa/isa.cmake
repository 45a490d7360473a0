# The units of src/isa and their compiler flags: one line each, read by cmake/InlayLibrary.cmake.
inlay_isa_unit(scalar)
inlay_isa_unit(avx2 PROCESSOR "x86_64|AMD64" FLAGS -mavx2 -mfma -mf16c)
inlay_isa_unit(avx512 PROCESSOR "x86_64|AMD64" FLAGS -mavx512f -mavx512cd -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c)
