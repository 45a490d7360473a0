// i64.h - I64: 64-bit integers, which models store ids and counts in; there is no encoder.
#pragma once

#include "quant/number_rows.h"

namespace inlay {

struct I64 : NumberRows<std::int64_t> {};

}  // namespace inlay
