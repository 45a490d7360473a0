// name.h - which byte strings may name a key or a tensor.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "format/limits.h"

namespace inlay {

struct NameRule {
  const char* what;  // for error texts
  std::uint64_t max_bytes;
};
inline constexpr NameRule key_rule{"key", limits::key_bytes};
inline constexpr NameRule tensor_rule{"tensor", limits::tensor_name_bytes};

// Not empty, valid UTF-8, no zero byte, not too long. `index` is the name's place in the file.
Status check_name(std::string_view file, const NameRule& rule, std::uint64_t index,
                  std::string_view name, Error& error);

}  // namespace inlay
