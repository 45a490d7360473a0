// json_bytes.h - what single characters of JSON text are.
#pragma once

namespace inlay {

inline bool is_digit(int c) { return c >= '0' && c <= '9'; }

}  // namespace inlay
