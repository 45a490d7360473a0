// floats.h - every float kernel of one instruction set, gathered for its table.
#pragma once

#include "kernels/activate.h"
#include "kernels/attention.h"
#include "kernels/cells.h"
#include "kernels/elementwise.h"
#include "kernels/float_kernels.h"
#include "kernels/norm.h"
#include "kernels/rope.h"

namespace inlay::INLAY_ISA {

static constexpr FloatKernels float_kernels() {
  return {rms_norm, layer_norm, add, mul, scale, activate, gate, rope, store_cells, attention};
}

}  // namespace inlay::INLAY_ISA
