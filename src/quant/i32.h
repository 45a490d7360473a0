// i32.h - I32: 32-bit integers, which models store ids and counts in; there is no encoder.
#pragma once

#include "quant/number_rows.h"

namespace inlay {

struct I32 : NumberRows<std::int32_t> {};

}  // namespace inlay
