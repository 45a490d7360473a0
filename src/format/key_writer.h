// key_writer.h - keys made by inlay itself, as a GGUF file would have them: "<prefix>.<name>".
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "format/manifest.h"

namespace inlay {

// Before Manifest::index_keys(). The first error sticks.
class KeyWriter {
 public:
  // The prefix must outlive the writer: "general", "tokenizer.ggml", an architecture.
  KeyWriter(Manifest& manifest, std::string_view prefix, Error& error)
      : manifest_(manifest), error_(error), prefix_(prefix) {}

  Status status() const { return status_; }
  // nullptr: not added yet. O(keys), and a folder has few.
  const Value* find(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }

  void number(std::string_view name, std::uint32_t value) { scalar(name, ValueType::u32, value); }
  void integer(std::string_view name, std::int32_t value) { scalar(name, ValueType::i32, value); }
  void real(std::string_view name, double value) {
    scalar(name, ValueType::f32, static_cast<float>(value));
  }
  void flag(std::string_view name, bool value) { scalar(name, ValueType::boolean, value); }
  void text(std::string_view name, std::string_view value);
  void numbers(std::string_view name, std::span<const std::uint32_t> values);

 private:
  struct Name {
    char text[160];
    std::size_t length;
    std::string_view view() const { return {text, length}; }
  };
  Name full(std::string_view name) const;
  void add(std::string_view name, const Value& value);
  void fail_for_memory();

  template <class T>
  void scalar(std::string_view name, ValueType type, T value) {
    T* stored = manifest_.store().allocate<T>(1);
    if (!stored) return fail_for_memory();
    *stored = value;
    add(name, {type, false, 1, stored});
  }

  Manifest& manifest_;
  Error& error_;
  std::string_view prefix_;
  Status status_ = Status::ok;
};

}  // namespace inlay
