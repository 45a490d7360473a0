// gguf_input.h - the bytes of a GGUF file as numbers, strings and values, one check before every
// step.
#pragma once

#include "base/diagnostics.h"
#include "base/source.h"
#include "format/manifest.h"

namespace inlay {

// Where the reader is, for error texts: "key 5" before its name is known, then "key
// llama.block_count", in an array "key tokenizer.ggml.tokens, item 17".
struct Place {
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  const char* what = "header";  // "header", "key", "tensor"
  std::uint64_t index = none;
  std::string_view name;
  std::uint64_t item = none;
};

// "key llama.block_count", cut to fit.
struct ShownPlace {
  char text[144];
  std::size_t length = 0;
  explicit ShownPlace(const Place& place);
  std::string_view view() const { return {text, length}; }
};

// Reads from front to back. Text and arrays go into the store of the manifest.
class GgufInput {
 public:
  GgufInput(const Source& source, Manifest& manifest, Error& error)
      : manifest_(manifest), error_(error), reader_(source, error) {}

  Place& place() { return place_; }
  std::uint64_t position() const { return reader_.position(); }
  std::uint64_t remaining() const { return reader_.remaining(); }

  template <class T>
  Status read_number(T& value) {
    INLAY_TRY(need(sizeof value));
    return reader_.read(value, place_.what);
  }
  Status read_string(std::uint64_t limit, std::string_view& text);
  // Type number, then the value.
  Status read_value(Value& value);

  // fail() with file and place in front of the text.
  template <class... Args>
  Status refuse(Status status, fmt::format_string<detail::Printed<Args>...> format,
                const Args&... args) {
    char text[sizeof error_.text];
    const std::size_t length = print<Args...>(text, sizeof text, format, args...);
    return refuse_text(status, {text, length < sizeof text ? length : sizeof text - 1});
  }

 private:
  // Fails unless `size` more bytes are there and may be metadata.
  Status need(std::uint64_t size);
  Status read_array(Value& value);
  Status read_numbers(ValueType type, bool is_array, std::uint64_t count, Value& value);
  Status read_strings(bool is_array, std::uint64_t count, Value& value);
  Status refuse_text(Status status, std::string_view text);
  Status out_of_memory() { return fail_memory(error_, ShownPlace(place_).view()); }

  Manifest& manifest_;
  Error& error_;
  SourceReader reader_;
  Place place_;
};

}  // namespace inlay
