// text_builder.h - puts texts together and keeps the origin of their bytes.
#pragma once

#include <concepts>

#include "text/template/value.h"

namespace inlay::jinja {

class TextBuilder {
 public:
  explicit TextBuilder(Arena& arena) : arena_(&arena) {}

  // False when memory is out, also in all later calls.
  bool add(std::string_view bytes, Origin origin = Origin::text);
  bool add(char c, Origin origin = Origin::text) { return add({&c, 1}, origin); }
  template <std::same_as<Text> T>  // no other type, so that {bytes, size} is a view
  bool add(const T& text) {
    return add(text, 0, text.size);
  }
  bool add(const Text& text, std::uint32_t begin, std::uint32_t end);
  bool add_repeated(char c, std::size_t count, Origin origin = Origin::text);
  bool add_character(char32_t c, std::size_t count);

  bool is_bad() const { return bad_; }  // memory was out
  std::uint32_t size() const { return bytes_.count; }
  std::string_view view() const { return {bytes_.items, bytes_.count}; }
  // nullptr when memory is or was out. The builder can be used on for a longer text.
  const Text* finish();
  const Vec<Run>& runs() const { return runs_; }

 private:
  bool mark(Origin origin, std::size_t size);

  Arena* arena_;
  Vec<char> bytes_;
  Vec<Run> runs_;
  bool bad_ = false;
};

// Bytes [begin, end) of a text, at borders of characters; nullptr when memory is out.
const Text* slice_text(Arena& arena, const Text& text, std::uint32_t begin, std::uint32_t end);
// The origin of the byte at `at`.
Origin origin_at(const Text& text, std::uint32_t at);
// each(bytes, origin) for every run of a text.
template <class Each>
void for_runs(const Text& text, Each each) {
  if (!text.runs) return each(text.view(), text.origin);
  for (std::uint32_t i = 0, from = 0; i < text.run_count && from < text.size; ++i) {
    const std::uint32_t to = text.runs[i].end < text.size ? text.runs[i].end : text.size;
    each(std::string_view(text.data + from, to - from), text.runs[i].origin);
    from = to;
  }
}

}  // namespace inlay::jinja
