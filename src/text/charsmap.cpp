// charsmap.cpp - reads the map and walks its tree (a unit: the layout of the Darts-clone library).
#include "text/charsmap.h"

#include "text/utf8.h"

namespace inlay {
namespace {

constexpr std::size_t longest_key = 1024;  // bytes; those of published maps have under 20

constexpr bool has_leaf(std::uint32_t unit) { return (unit >> 8) & 1; }
constexpr std::uint32_t value_of(std::uint32_t unit) { return unit & 0x7fffffffu; }
constexpr std::uint32_t label_of(std::uint32_t unit) { return unit & (0x80000000u | 0xffu); }
constexpr std::uint32_t offset_of(std::uint32_t unit) {
  return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

std::uint32_t read_u32(const std::byte* p) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value |= static_cast<std::uint32_t>(p[i]) << (8 * i);
  return value;
}

}  // namespace

Status Charsmap::load(std::span<const std::byte> data, Error& error) {
  const std::size_t bytes = data.size() < 4 ? 0 : read_u32(data.data());
  if (data.size() < 4 || bytes > data.size() - 4 || bytes % 4 || bytes == 0) {
    return fail(error, Status::format,
                "precompiled_charsmap: a tree of {} bytes in {} bytes is not possible", bytes,
                data.size());
  }
  const std::size_t texts = data.size() - 4 - bytes;
  if (is_error(units_.resize(bytes / 4)) || is_error(texts_.resize(texts + 1))) {
    return fail_memory(error, "precompiled_charsmap");
  }
  for (std::size_t i = 0; i < units_.size(); ++i) units_[i] = read_u32(data.data() + 4 + 4 * i);
  for (std::size_t i = 0; i < texts; ++i) texts_[i] = static_cast<char>(data[4 + bytes + i]);
  texts_[texts] = '\0';
  return Status::ok;
}

// Up to the zero byte, at most `most`.
std::size_t Charsmap::text_length(std::size_t at, std::size_t most) const {
  std::size_t length = 0;
  while (length < most && texts_[at + length]) ++length;
  return length;
}

Mapped Charsmap::find(std::string_view text, bool longest) const {
  Mapped found;
  if (units_.empty()) return found;
  std::size_t node = offset_of(units_[0]);
  const std::size_t most = text.size() < longest_key ? text.size() : longest_key;
  for (std::size_t i = 0; i < most; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label_of(units_[node]) != byte) break;
    const std::uint32_t unit = units_[node];
    node ^= offset_of(unit);
    if (!has_leaf(unit)) continue;
    if (node >= units_.size()) break;
    const std::uint32_t at = value_of(units_[node]);
    if (at >= texts_.size()) break;
    // No published map makes text more than eleven times as long.
    const std::string_view mapped(texts_.data() + at, text_length(at, 32 * (i + 1)));
    if (mapped.size() == 32 * (i + 1)) continue;
    found = {i + 1, mapped};
    if (!longest) break;
  }
  return found;
}

}  // namespace inlay
