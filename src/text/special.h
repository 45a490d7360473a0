// special.h - finds the names of control and user-defined tokens in text.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/array.h"
#include "base/hash_map.h"

namespace inlay {

// A tree over the bytes of the names. Control tokens are only found when asked for, user-defined
// ones always; the leftmost place wins, there the longest name.
class SpecialTokens {
 public:
  // Longer names are never looked for.
  static constexpr std::size_t longest = 512;

  struct Match {
    std::size_t begin;  // in the text; text.size() and size 0: nothing found
    std::size_t size;
    std::int32_t id;
  };

  explicit SpecialTokens(Allocator& allocator) : nodes_(allocator), children_(allocator) {}

  // Of two tokens with one name the first one counts.
  Status add(std::string_view name, std::int32_t id, bool is_control);
  // The first name at or after `from`. With segments, control tokens lie in those of the template.
  Match find(std::string_view text, std::size_t from, bool with_control,
             std::span<const inlay_segment> segments = {}) const;

 private:
  struct Node {
    std::int32_t user = -1;  // ids of the names that end here
    std::int32_t control = -1;
  };

  static std::uint64_t key(std::uint32_t node, char byte) {
    return static_cast<std::uint64_t>(node) << 8 | static_cast<unsigned char>(byte);
  }
  // Control tokens end at or before control_end.
  Match match_at(std::string_view text, std::size_t at, std::size_t control_end) const;

  Array<Node> nodes_;  // [0] is the root
  HashMap<std::uint64_t, std::uint32_t> children_;
  bool starts_user_[256] = {};  // bytes that a user-defined name starts with
  bool starts_any_[256] = {};
};

}  // namespace inlay
