// text_builder.cpp - bytes and runs of a text under way.
#include "text/template/text_builder.h"

#include <algorithm>
#include <cstring>

#include "base/utf8.h"

namespace inlay::jinja {
namespace {

// Of the run that the byte at `at` is in; their number where there is none.
std::uint32_t run_at(const Text& text, std::uint32_t at) {
  const Run* end = text.runs + text.run_count;
  const auto before = [at](const Run& run) { return run.end <= at; };
  return static_cast<std::uint32_t>(std::partition_point(text.runs, end, before) - text.runs);
}

}  // namespace

bool TextBuilder::mark(Origin origin, std::size_t size) {
  const auto end = static_cast<std::uint32_t>(bytes_.count + size);
  if (runs_.count && runs_.back().origin == origin) {
    runs_.back().end = end;
    return true;
  }
  return runs_.push(*arena_, {end, origin});
}

bool TextBuilder::add(std::string_view bytes, Origin origin) {
  if (bad_) return false;
  if (bytes.empty()) return true;
  const std::size_t wanted = bytes_.count + bytes.size();
  if (!bytes_.reserve(*arena_, wanted < 64 ? 64 : wanted) || !mark(origin, bytes.size())) {
    bad_ = true;
    return false;
  }
  std::memcpy(bytes_.items + bytes_.count, bytes.data(), bytes.size());
  bytes_.count = static_cast<std::uint32_t>(wanted);
  return true;
}

bool TextBuilder::add(const Text& text, std::uint32_t begin, std::uint32_t end) {
  if (begin >= end) return !bad_;
  if (!text.runs) return add({text.data + begin, end - begin}, text.origin);
  for (std::uint32_t i = run_at(text, begin), from = begin; from < end; ++i) {
    const std::uint32_t to = text.runs[i].end < end ? text.runs[i].end : end;
    if (!add({text.data + from, to - from}, text.runs[i].origin)) return false;
    from = to;
  }
  return !bad_;
}

bool TextBuilder::add_repeated(char c, std::size_t count, Origin origin) {
  if (bad_ || !count) return !bad_;
  if (!bytes_.reserve(*arena_, bytes_.count + count) || !mark(origin, count)) {
    bad_ = true;
    return false;
  }
  std::memset(bytes_.items + bytes_.count, c, count);
  bytes_.count += static_cast<std::uint32_t>(count);
  return true;
}

bool TextBuilder::add_character(char32_t c, std::size_t count) {
  if (c < 0x80) return add_repeated(static_cast<char>(c), count);
  char bytes[4];
  const std::size_t size = write_utf8(c, bytes);
  for (std::size_t i = 0; i < count && !bad_; ++i) add({bytes, size});
  return !bad_;
}

const Text* TextBuilder::finish() {
  if (bad_) return nullptr;
  Text* text = arena_->make<Text>();
  if (!text) return nullptr;
  text->data = bytes_.count ? bytes_.items : "";
  text->size = bytes_.count;
  if (runs_.count) text->origin = runs_[0].origin;
  if (runs_.count > 1) {
    text->runs = runs_.items;
    text->run_count = runs_.count;
  }
  return text;
}

const Text* slice_text(Arena& arena, const Text& text, std::uint32_t begin, std::uint32_t end) {
  if (begin > end) begin = end;
  if (begin == 0 && end == text.size) return &text;
  Text* part = arena.make<Text>();
  if (!part) return nullptr;
  part->data = text.data + begin;
  part->size = end - begin;
  part->origin = begin < end ? origin_at(text, begin) : text.origin;
  part->markup = text.markup;
  if (!text.runs || begin == end) return part;
  Vec<Run> runs;
  for (std::uint32_t i = run_at(text, begin); i < text.run_count; ++i) {
    const bool last = text.runs[i].end >= end;
    if (!runs.push(arena, {(last ? end : text.runs[i].end) - begin, text.runs[i].origin})) {
      return nullptr;
    }
    if (last) break;
  }
  if (runs.count > 1) {
    part->runs = runs.items;
    part->run_count = runs.count;
  }
  return part;
}

Origin origin_at(const Text& text, std::uint32_t at) {
  const std::uint32_t run = run_at(text, at);
  return run < text.run_count ? text.runs[run].origin : text.origin;
}

}  // namespace inlay::jinja
