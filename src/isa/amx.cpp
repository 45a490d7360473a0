// amx.cpp - the kernels for x86-64 with AMX: those of AVX-512, but tiles for quantized weights and
// many tokens.
#define INLAY_ISA amx
#include "kernels/vector/avx512.h"

#include "kernels/kernel_table.h"
#include "kernels/vector/int_avx512.h"
#include "kernels/vector/tiles_amx.h"

#include "kernels/linear_tiles.h"
#include "quant/types.h"

#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace inlay {

const KernelTable* avx512_kernels();
extern const FloatKernels avx512_floats;

namespace amx {

template <std::uint32_t index>
static void linear_without(const LinearTask& task) {
  avx512_kernels()->linear[index](task);
}
template <class Q, std::uint32_t index>
static void linear_with(const LinearTask& task) {
  if (task.tokens < least_tile_tokens) return linear_without<index>(task);
  linear_tiles<Q>(task);
}
template <class Q, std::uint32_t index>
static constexpr auto linear_of() {
  if constexpr (Q::elements == 1) {
    return &linear_without<index>;
  } else {
    return &linear_with<Q, index>;
  }
}

template <Activation form>
static void quantize(const float* x, std::uint32_t k, void* out, std::size_t stride) {
  avx512_kernels()->quantize[static_cast<std::uint32_t>(form)](x, k, out, stride);
}

static constexpr KernelTable table = {"amx",
                                      true,
                                      tile_panel_tokens,
                                      {
#define INLAY_TYPE(id, type, file, elements, bytes) linear_of<type, type_index_##type>(),
#include "quant/types.inc"
#undef INLAY_TYPE
                                      },
                                      {quantize<Activation::f32>, quantize<Activation::bf16>,
                                       quantize<Activation::q8_32>, quantize<Activation::q8_256>},
                                      avx512_floats};

}  // namespace amx

// Linux gives a process its tile registers when it asks for them (arch_prctl(2),
// ARCH_REQ_XCOMP_PERM), once for all its threads, those to come too. It refuses where an alternate
// signal stack of some thread is too small for them, and refuses such stacks from then on. A unit
// calls nothing outside of the library, so here is the call itself.
static bool tiles_allowed() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr long request_permission = 0x1023, tile_data = 18;
  long result = SYS_arch_prctl;
  asm volatile("syscall"
               : "+a"(result)
               : "D"(request_permission), "S"(tile_data)
               : "rcx", "r11", "memory");
  return result == 0;
#else
  return false;
#endif
}

// nullptr where the system does not allow it.
const KernelTable* amx_kernels() { return tiles_allowed() ? &amx::table : nullptr; }

}  // namespace inlay
