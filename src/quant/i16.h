// i16.h - I16: 16-bit integers, which models store ids and counts in; there is no encoder.
#pragma once

#include "quant/number_rows.h"

namespace inlay {

struct I16 : NumberRows<std::int16_t> {};

}  // namespace inlay
