// json_scan.cpp - the walk over a JSON value.
#include "text/reply/json_scan.h"

#include "text/utf8.h"

namespace inlay {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

}  // namespace

// A member of the outer object ends before at_.
void JsonScan::end_value(std::string_view text) {
  if (depth_ != 1 || !after_colon_ || !value_begin_) return;
  const std::string_view key = slice(text, key_begin_, key_end_);
  const Range range{value_begin_, at_};
  if (key == "name" && !name.known()) name = range;
  const bool holds_arguments = key == "arguments" || key == "parameters";
  if (holds_arguments && arguments_begin == value_begin_) arguments = range;
  value_begin_ = 0;
  after_colon_ = in_scalar_ = false;
}

void JsonScan::end_string(std::string_view text) {
  in_string_ = false;
  if (depth_ != 1) return;
  if (after_colon_) {
    ++at_;  // with its quote
    end_value(text);
    --at_;
  } else {
    key_end_ = at_;
  }
}

void JsonScan::open(char c, std::string_view) {
  if (depth_ == max_depth) {
    bad_ = true;
    return;
  }
  arrays_ = c == '[' ? arrays_ | std::uint64_t{1} << depth_ : arrays_ & ~(std::uint64_t{1} << depth_);
  ++depth_;
}

void JsonScan::close(char c, std::string_view text) {
  if (in_scalar_) end_value(text);
  const bool is_array = arrays_ >> (depth_ - 1) & 1;
  if (is_array != (c == ']')) {
    bad_ = true;
    return;
  }
  --depth_;
  ++at_;
  if (depth_ == 0) done_ = true;
  else end_value(text);
  --at_;
}

void JsonScan::run(std::string_view text) {
  for (; at_ < text.size() && !done_ && !bad_; ++at_) {
    const char c = text[at_];
    if (in_string_) {
      if (escaped_) escaped_ = false;
      else if (c == '\\') escaped_ = true;
      else if (c == '"') end_string(text);
      continue;
    }
    if (is_blank(c)) {
      if (in_scalar_) end_value(text);
      continue;
    }
    if (depth_ == 0 && c != '{' && c != '[') {
      bad_ = true;
      break;
    }
    const bool begins_value = depth_ == 1 && after_colon_ && !value_begin_ && c != ',' && c != '}';
    if (begins_value) {
      value_begin_ = at_;
      const std::string_view key = slice(text, key_begin_, key_end_);
      if ((key == "arguments" || key == "parameters") && !arguments_begin) arguments_begin = at_;
    }
    switch (c) {
      case '"':
        in_string_ = true;
        if (depth_ == 1 && !after_colon_) key_begin_ = at_ + 1;
        break;
      case '{':
      case '[': open(c, text); break;
      case '}':
      case ']': close(c, text); break;
      case ':': after_colon_ |= depth_ == 1; break;
      case ',':
        if (in_scalar_) end_value(text);
        break;
      default: in_scalar_ |= depth_ == 1 && after_colon_;
    }
  }
}

}  // namespace inlay
