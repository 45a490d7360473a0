// json.cpp - the grammar of RFC 8259 over a window of bytes: what contains what, and errors.
#include "format/json.h"

#include <cstring>

#include "base/diagnostics.h"
#include "base/utf8.h"
#include "format/json_bytes.h"

namespace inlay {
namespace {

bool is_space(int c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

const char* kind_name(JsonReader::Kind kind) {
  switch (kind) {
    case JsonReader::Kind::object: return "an object";
    case JsonReader::Kind::array: return "an array";
    case JsonReader::Kind::string: return "a string";
    case JsonReader::Kind::number: return "a number";
    case JsonReader::Kind::boolean: return "a boolean";
    case JsonReader::Kind::null: return "null";
    case JsonReader::Kind::none: break;
  }
  return "a value";
}

JsonReader::Kind kind_of(int c) {
  switch (c) {
    case '{': return JsonReader::Kind::object;
    case '[': return JsonReader::Kind::array;
    case '"': return JsonReader::Kind::string;
    case 't':
    case 'f': return JsonReader::Kind::boolean;
    case 'n': return JsonReader::Kind::null;
    default: break;
  }
  return c == '-' || is_digit(c) ? JsonReader::Kind::number : JsonReader::Kind::none;
}

}  // namespace

std::string_view last_component(std::string_view path) {
  const std::size_t cut = path.find_last_of("/\\");
  if (cut != std::string_view::npos && cut + 1 < path.size()) path.remove_prefix(cut + 1);
  return path;
}

JsonReader::JsonReader(const Source& source, std::uint64_t begin, std::uint64_t end,
                       Allocator& allocator, Error& error)
    : error_(error),
      source_(&source),
      file_(last_component(source.name())),
      window_begin_(begin),
      end_(end),
      text_(allocator) {
  if (source.map()) {
    window_ = reinterpret_cast<const char*>(source.map()) + begin;
    window_bytes_ = static_cast<std::size_t>(end - begin);
    source_ = nullptr;
  }
}

JsonReader::JsonReader(const Source& source, Allocator& allocator, Error& error)
    : JsonReader(source, 0, source.size(), allocator, error) {}

JsonReader::JsonReader(std::string_view text, std::string_view name, Allocator& allocator,
                       Error& error)
    : error_(error),
      file_(last_component(name)),
      window_(text.data()),
      window_bytes_(text.size()),
      end_(text.size()),
      text_(allocator) {}

// ---- Bytes
// ----------------------------------------------------------------------------------------

// The bytes from the window's end on, if there are any.
bool JsonReader::fill() {
  window_begin_ += at_;
  at_ = window_bytes_ = 0;
  if (!source_ || window_begin_ >= end_) return false;
  const std::uint64_t left = end_ - window_begin_;
  const std::size_t size = left < sizeof buffer_ ? static_cast<std::size_t>(left) : sizeof buffer_;
  if (const Status s = source_->read(window_begin_, buffer_, size, error_); is_error(s)) {
    status_ = s;
    return false;
  }
  window_ = buffer_;
  window_bytes_ = size;
  return true;
}

int JsonReader::look() {
  if (is_bad()) return -1;
  if (at_ == window_bytes_ && (!source_ || !fill())) return -1;
  return static_cast<unsigned char>(window_[at_]);
}

int JsonReader::look_over_space() {
  while (is_space(look())) advance();
  return look();
}

// ---- Errors
// ---------------------------------------------------------------------------------------

void JsonReader::fail_here(Status status, std::string_view text) {
  if (is_bad()) return;
  const std::string_view where = path();
  status_ =
      fail(error_, status, "{}: {}{}{}", Shown(file_), where, where.empty() ? "" : ": ", text);
}

void JsonReader::refuse(Status status, std::string_view text) { fail_here(status, text); }

bool JsonReader::syntax(const char* expected) {
  const int found = look();
  if (is_bad()) return false;
  char text[160];
  const std::uint64_t byte = window_begin_ + at_;
  std::size_t length = 0;
  if (found < 0) {
    length = print(text, sizeof text, "expected {} at byte {}, the text ends", expected, byte);
  } else if (found > 0x20 && found < 0x7f) {
    length = print(text, sizeof text, "expected {} at byte {}, file has '{}'", expected, byte,
                   static_cast<char>(found));
  } else {
    length = print(text, sizeof text, "expected {} at byte {}, file has 0x{:02x}", expected, byte,
                   static_cast<unsigned>(found));
  }
  fail_here(Status::format, {text, length < sizeof text ? length : sizeof text - 1});
  return false;
}

bool JsonReader::wrong_kind(Kind wanted, Kind found) {
  char text[96];
  const std::size_t length =
      print(text, sizeof text, "expected {}, file has {}", kind_name(wanted), kind_name(found));
  fail_here(Status::format, {text, length});
  return false;
}

std::string_view JsonReader::path() const {
  // keys_ holds the first max_path bytes of all keys; an index is written where it stands.
  std::size_t length = 0, key_at = 0;
  const auto put = [&](std::string_view piece) {
    for (const char c : piece) {
      if (length < max_path) path_[length++] = c;
    }
  };
  for (std::uint32_t i = 0; i <= depth_; ++i) {
    // Level 0 is the path given to seek(); levels_[i - 1] is the i-th open container.
    const std::size_t bytes = i == 0 ? root_key_bytes_ : levels_[i - 1].key_bytes;
    if (i > 0 && !levels_[i - 1].object) {
      if (levels_[i - 1].items == 0) continue;
      char index[24];
      put({index, print(index, sizeof index, "[{}]", levels_[i - 1].items - 1)});
      continue;
    }
    if (bytes == 0) continue;
    if (length) put(".");
    put({keys_ + key_at, bytes});
    key_at += bytes;
  }
  return {path_, length};
}

// ---- Structure
// ------------------------------------------------------------------------------------

JsonReader::Kind JsonReader::peek() {
  if (is_bad() || !pending_) return Kind::none;
  return kind_of(look_over_space());
}

std::uint64_t JsonReader::position() {
  look_over_space();
  return window_begin_ + at_;
}

void JsonReader::seek(std::uint64_t position, std::string_view path) {
  if (is_bad()) return;
  if (source_) {
    window_begin_ = position;
    at_ = window_bytes_ = 0;
  } else {
    at_ = static_cast<std::size_t>(position - window_begin_);
  }
  pending_ = sought_ = true;
  depth_ = 0;
  keys_bytes_ = 0;
  root_key_bytes_ = append_key(path);
}

// The next value must be of this kind; it is then being read.
bool JsonReader::begin_value(Kind wanted) {
  if (is_bad()) return false;
  if (!pending_) {
    fail_here(Status::internal, "no value is to be read here");
    return false;
  }
  const Kind found = kind_of(look_over_space());
  if (found == Kind::none) return syntax("a value");
  if (found != wanted) return wrong_kind(wanted, found);
  pending_ = false;
  return true;
}

bool JsonReader::begin_container(Kind kind) {
  if (!begin_value(kind)) return false;
  if (depth_ == max_depth) {
    fail_here(Status::limit, "over 128 objects and arrays inside one another");
    return false;
  }
  advance();
  levels_[depth_++] = {kind == Kind::object, 0, 0};
  return true;
}

bool JsonReader::begin_object() { return begin_container(Kind::object); }
bool JsonReader::begin_array() { return begin_container(Kind::array); }

// Goes over the comma to the next member, or over the end.
bool JsonReader::next_member(bool object) {
  if (is_bad()) return false;
  if (pending_ || depth_ == 0 || levels_[depth_ - 1].object != object) {
    fail_here(Status::internal, "asked for a member in the wrong place");
    return false;
  }
  Level& level = levels_[depth_ - 1];
  const int c = look_over_space();
  if (c == (object ? '}' : ']')) {
    advance();
    forget_key();
    --depth_;
    return false;
  }
  if (level.items > 0) {
    if (c != ',') return syntax(object ? "',' or '}'" : "',' or ']'");
    advance();
    look_over_space();
  }
  forget_key();
  ++level.items;
  return !is_bad();
}

bool JsonReader::next_item() {
  if (!next_member(false)) return false;
  pending_ = true;
  // Told here, not by whoever asks what kind of value comes.
  return kind_of(look()) != Kind::none || syntax("a value");
}

bool JsonReader::next_key(std::string_view& key) {
  if (!next_member(true)) return false;
  if (look() != '"') return syntax("a key");
  if (!read_string()) return false;
  const std::string_view text(text_.data(), text_.size());
  levels_[depth_ - 1].key_bytes = static_cast<std::uint16_t>(append_key(text));
  if (look_over_space() != ':') return syntax("':'");
  advance();
  if (kind_of(look_over_space()) == Kind::none) return syntax("a value");
  pending_ = true;
  key = text;
  return true;
}

// Keeps what fits of a key for error texts, made safe to show; returns the bytes kept.
std::size_t JsonReader::append_key(std::string_view key) {
  const std::size_t begin = keys_bytes_;
  while (!key.empty()) {
    const std::size_t length = utf8_step(key).length;  // a string that was read is valid
    if (keys_bytes_ + length > max_path) break;
    const auto first = static_cast<unsigned char>(key[0]);
    std::memcpy(keys_ + keys_bytes_, key.data(), length);
    if (first < 0x20 || first == 0x7f) keys_[keys_bytes_] = '?';
    keys_bytes_ += length;
    key.remove_prefix(length);
  }
  return keys_bytes_ - begin;
}

void JsonReader::forget_key() {
  keys_bytes_ -= levels_[depth_ - 1].key_bytes;
  levels_[depth_ - 1].key_bytes = 0;
}

bool JsonReader::skip() {
  const std::uint32_t depth = depth_;
  std::string_view key;
  do {
    switch (peek()) {
      case Kind::object: begin_object(); break;
      case Kind::array: begin_array(); break;
      case Kind::string: text(key); break;
      case Kind::number: begin_value(Kind::number) && read_number(); break;
      case Kind::boolean: {
        bool ignored = false;
        boolean(ignored);
        break;
      }
      case Kind::null:
      case Kind::none: null(); break;
    }
    while (!is_bad() && depth_ > depth && !pending_) {
      if (levels_[depth_ - 1].object) {
        next_key(key);
      } else {
        next_item();
      }
    }
  } while (!is_bad() && depth_ > depth);
  return !is_bad();
}

Status JsonReader::finish() {
  if (is_bad() || sought_) return status_;
  if (pending_ || depth_ > 0) {
    fail_here(Status::internal, "the text is not read to its end");
  } else if (look_over_space() >= 0) {
    syntax("the end");
  }
  return status_;
}

}  // namespace inlay
