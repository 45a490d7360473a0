// json_scan.h - finds the end of a JSON value and the members of an object, byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace inlay {

// Not a validator: it counts brackets and knows strings. Of an object it notes where the members
// name, arguments (or parameters) and id begin and end.
class JsonScan {
 public:
  struct Range {
    std::size_t begin = 0;
    std::size_t end = 0;  // 0: not known yet
    bool known() const { return end != 0; }
  };

  void reset() { *this = JsonScan(); }
  // Goes on to the end of `text`, which begins with the text of the calls before.
  void run(std::string_view text);

  bool done() const { return done_; }      // the value is whole; it ends at at()
  bool bad() const { return bad_; }        // no object or array begins here, or brackets do not fit
  std::size_t at() const { return at_; }   // bytes looked at
  Range name, arguments;
  std::size_t arguments_begin = 0;  // 0: not met

 private:
  void open(char c, std::string_view text);
  void close(char c, std::string_view text);
  void end_string(std::string_view text);
  void end_value(std::string_view text);

  static constexpr std::uint32_t max_depth = 64;
  std::size_t at_ = 0;
  std::uint64_t arrays_ = 0;  // a bit for each level: 1 an array
  std::uint32_t depth_ = 0;
  std::size_t key_begin_ = 0, key_end_ = 0, value_begin_ = 0;
  bool in_string_ = false, escaped_ = false, after_colon_ = false, in_scalar_ = false;
  bool done_ = false, bad_ = false;
};

}  // namespace inlay
