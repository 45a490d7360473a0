// limits.h - the most a model file may ask of its reader; beyond these the file is refused.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inlay::limits {

inline constexpr std::uint64_t files = 1024;
inline constexpr std::uint64_t keys = 65'536;
inline constexpr std::uint64_t tensors = 262'144;
inline constexpr std::uint64_t key_bytes = 65'535;
inline constexpr std::uint64_t tensor_name_bytes = 255;
inline constexpr std::uint64_t string_bytes = std::uint64_t{16} << 20;
inline constexpr std::uint64_t array_items = std::uint64_t{16} << 20;
inline constexpr std::uint64_t metadata_bytes = std::uint64_t{512} << 20;  // all before the weights
inline constexpr std::uint64_t min_alignment = 8;
inline constexpr std::uint64_t max_alignment = 65'536;
inline constexpr std::uint32_t rank = 4;
inline constexpr std::uint64_t elements = std::uint64_t{1} << 40;  // of one tensor

}  // namespace inlay::limits
