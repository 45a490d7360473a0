// unit.h - the kernel table of one instruction set; included by its unit after the vocabulary.
#pragma once

#include "kernels/floats.h"
#include "kernels/kernel_table.h"
#include "kernels/linear_float.h"
#include "kernels/linear_panel.h"
#include "kernels/linear_plain.h"
#include "kernels/quantize.h"
#include "quant/types.h"

namespace inlay::INLAY_ISA {

// Elements that stand alone are floats; blocks go by panels where the vocabulary has them.
template <class Q>
static constexpr auto linear_of() {
  if constexpr (Q::elements == 1) {
    return &linear_float<Q>;
  } else if constexpr (Words::has_panels) {
    return &linear_panel<Q, Words>;
  } else {
    return &linear_plain<Q>;
  }
}

// `floats` is that of this unit, float_kernels(), and has static storage.
static constexpr KernelTable make_table(const char* name, const FloatKernels& floats) {
  return {name,
          Words::has_panels,
          panel_tokens,
          {
#define INLAY_TYPE(id, type, file, elements, bytes) linear_of<type>(),
#include "quant/types.inc"
#undef INLAY_TYPE
          },
          {quantize_f32, quantize_bf16, quantize_q8_32, quantize_q8_256},
          floats};
}

}  // namespace inlay::INLAY_ISA
