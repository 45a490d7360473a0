// i8.h - I8: 8-bit integers, which models store ids and counts in; there is no encoder.
#pragma once

#include "quant/number_rows.h"

namespace inlay {

struct I8 : NumberRows<std::int8_t> {};

}  // namespace inlay
