// json.h - JSON read from front to back in constant memory: the reader asks for what it expects.
//
//   JsonReader json(source, allocator, error);
//   std::string_view key;
//   if (json.begin_object()) {
//     while (json.next_key(key)) {
//       if (key == "vocab_size") json.integer(vocab_size);
//       else json.skip();
//     }
//   }
//   INLAY_TRY(json.finish());
//
// RFC 8259, UTF-8 only, nothing else: no comments, no trailing commas, no NaN. The first error
// sticks: after it every call returns false and changes nothing. Its text names file, path of keys
// and byte. The same key twice in an object is the caller's matter: both come. Keys end with the
// next call of any function, so compare them before reading the value. Why not simdjson: its memory
// cannot come from the host's allocator.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"
#include "base/source.h"

namespace inlay {

// The last component of a path, for error texts: "config.json".
std::string_view last_component(std::string_view path);

class JsonReader {
 public:
  enum class Kind : std::uint8_t { object, array, string, number, boolean, null, none };

  // Limits: depth 128, a string of 16 MiB, a number of 1024 characters. Source or text, allocator
  // and error must outlive the reader; the name is the one in error texts.
  JsonReader(const Source& source, Allocator& allocator, Error& error);
  JsonReader(std::string_view text, std::string_view name, Allocator& allocator, Error& error);
  // Only bytes [begin, end) of the source (the header of a safetensors file begins at 8); the range
  // lies inside it.
  JsonReader(const Source& source, std::uint64_t begin, std::uint64_t end, Allocator& allocator,
             Error& error);
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  Status status() const { return status_; }
  // The last component of the file's path: "config.json".
  std::string_view file() const { return file_; }

  // What comes next; none at the end of an array, object or text, where no value can begin (which
  // reading it then refuses), and after an error.
  Kind peek();

  bool begin_object();                   // fails when the next value is no object
  bool next_key(std::string_view& key);  // false at the object's end
  bool begin_array();
  bool next_item();  // false at the array's end; then the value is to be read

  // Values of that kind. Text is unescaped UTF-8, good until the next call.
  bool text(std::string_view& value);
  bool number(double& value);
  bool number_text(std::string_view& value);  // as it stands, whatever its size
  bool integer(
      std::int64_t& value);  // also 1e3 and 2.0; fails for fractions and beyond 2^53 in those forms
  bool integer(std::uint64_t& value);
  bool integer(std::uint32_t& value);
  bool boolean(bool& value);
  bool null();
  bool skip();  // any value, checked all the same

  // Refuses what was read: "<file>: <path of keys>: <text>" with Status::format (or another). An
  // earlier error stays.
  void refuse(Status status, std::string_view text);

  template <class... Args>
  void refuse_with(Status status, fmt::format_string<detail::Printed<Args>...> format,
                   const Args&... args) {
    char text[256];
    const std::size_t length = print<Args...>(text, sizeof text, format, args...);
    refuse(status, {text, length < sizeof text ? length : sizeof text - 1});
  }

  // Where the next value begins; asked when one is to be read, for a later look by seek().
  std::uint64_t position();
  // Reads the value at `position` next, as if the whole text were that value: what lies around it
  // is left, and finish() asks no more about it. `path` stands in front of the paths in error
  // texts.
  void seek(std::uint64_t position, std::string_view path);

  // Path of keys and indices of the value being read, e.g. "rope_scaling.factor" or "merges[17]";
  // good until the next call. Cut after 160 bytes.
  std::string_view path() const;

  // Nothing but white space may follow. Returns the first error, if there was one.
  Status finish();

 private:
  static constexpr std::uint32_t max_depth = 128;
  static constexpr std::size_t max_path = 160;
  struct Level {
    bool object = false;
    std::uint16_t key_bytes = 0;  // of the key being read, at the end of keys_
    std::uint64_t items = 0;      // read or being read
  };

  int look();  // the next byte; -1 at the end or after an error
  int look_over_space();
  void advance() { ++at_; }
  bool fill();
  bool is_bad() const { return is_error(status_); }
  bool begin_value(Kind wanted);
  bool begin_container(Kind kind);
  bool next_member(bool object);
  bool read_string();  // into text_
  bool read_escape();
  bool read_hex(std::uint32_t& unit);
  bool lone_surrogate(std::uint32_t unit);
  bool read_number();  // into text_
  bool read_digits();
  bool read_word(std::string_view word);
  bool integer_text(bool& negative, std::uint64_t& magnitude) const;
  bool integer_in(std::uint64_t low, std::uint64_t high, bool& negative, std::uint64_t& magnitude);
  bool append(const char* bytes, std::size_t count);
  bool append_character(std::uint32_t code);
  std::size_t append_key(std::string_view key);
  void forget_key();
  bool syntax(const char* expected);
  bool wrong_kind(Kind wanted, Kind found);
  void fail_here(Status status, std::string_view text);

  Error& error_;
  const Source* source_ = nullptr;  // nullptr: all bytes are in the window
  std::string_view file_;
  const char* window_ = nullptr;
  std::uint64_t window_begin_ = 0;  // of the window's first byte, in the file
  std::size_t window_bytes_ = 0;
  std::size_t at_ = 0;  // in the window
  std::uint64_t end_ = 0;
  Status status_ = Status::ok;
  bool pending_ = true;  // a value is to be read
  bool sought_ = false;  // seek() was used
  std::uint32_t depth_ = 0;
  std::size_t root_key_bytes_ = 0;
  std::size_t keys_bytes_ = 0;  // of all keys on the way in keys_, as far as they fit
  Array<char> text_;
  Level levels_[max_depth];
  char keys_[max_path];
  mutable char path_[max_path];
  char buffer_[4096];
};

}  // namespace inlay
