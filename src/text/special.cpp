// special.cpp - the tree of special names.
#include "text/special.h"

#include <algorithm>

namespace inlay {

Status SpecialTokens::add(std::string_view name, std::int32_t id, bool is_control) {
  if (name.empty() || name.size() > longest) return Status::ok;
  if (nodes_.empty()) INLAY_TRY(nodes_.push({}));
  std::uint32_t node = 0;
  for (const char byte : name) {
    if (const std::uint32_t* child = children_.find(key(node, byte))) {
      node = *child;
      continue;
    }
    const auto child = static_cast<std::uint32_t>(nodes_.size());
    INLAY_TRY(nodes_.push({}));
    INLAY_TRY(children_.insert(key(node, byte), child));
    node = child;
  }
  std::int32_t& slot = is_control ? nodes_[node].control : nodes_[node].user;
  if (slot < 0) slot = id;
  const auto first = static_cast<unsigned char>(name[0]);
  starts_any_[first] = true;
  if (!is_control) starts_user_[first] = true;
  return Status::ok;
}

std::size_t segment_at(std::span<const inlay_segment> segments, std::size_t at) {
  const auto ends_before = [at](const inlay_segment& segment) { return segment.end <= at; };
  const auto* found =
      std::partition_point(segments.data(), segments.data() + segments.size(), ends_before);
  return static_cast<std::size_t>(found - segments.data());
}

SpecialTokens::Match SpecialTokens::match_at(std::string_view text, std::size_t at,
                                             std::size_t control_end) const {
  Match best{text.size(), 0, -1};
  std::uint32_t node = 0;
  for (std::size_t i = at; i < text.size(); ++i) {
    const std::uint32_t* child = children_.find(key(node, text[i]));
    if (!child) break;
    node = *child;
    const Node& here = nodes_[node];
    if (here.user >= 0) best = {at, i + 1 - at, here.user};
    if (i < control_end && here.control >= 0) best = {at, i + 1 - at, here.control};
  }
  return best;
}

SpecialTokens::Match SpecialTokens::find(std::string_view text, std::size_t from, bool with_control,
                                         std::span<const inlay_segment> segments) const {
  const bool* starts = with_control ? starts_any_ : starts_user_;
  std::size_t segment = segment_at(segments, from);
  for (std::size_t i = from; i < text.size(); ++i) {
    if (!starts[static_cast<unsigned char>(text[i])]) continue;
    while (segment < segments.size() && segments[segment].end <= i) ++segment;
    std::size_t control_end = with_control ? text.size() : 0;
    if (with_control && segment < segments.size()) {
      control_end = segments[segment].is_value ? 0 : segments[segment].end;
    }
    const Match match = match_at(text, i, control_end);
    if (match.size) return match;
  }
  return {text.size(), 0, -1};
}

}  // namespace inlay
