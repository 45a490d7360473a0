// diagnostics.cpp - the one place where fmt's formatting engine is compiled into the library.

#define FMT_HEADER_ONLY 1
#define FMT_STATIC_THOUSANDS_SEPARATOR ','
#define FMT_THROW(x) static_cast<void>(x)
#include "base/diagnostics.h"

#include <fmt/format.h>

#include <cstring>

namespace inlay {

namespace {

// Bytes of the UTF-8 character at the front of `text`; 0 when there is no whole, valid one.
std::size_t character_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : size;
}

}  // namespace

Shown::Shown(std::string_view raw) : length(0) {
  constexpr std::size_t limit = 64;
  while (!raw.empty()) {
    const std::size_t size = character_size(raw);
    if (length + (size ? size : 1) > limit) {
      std::memcpy(text + length, "...", 3);
      length += 3;
      break;
    }
    const auto first = static_cast<unsigned char>(raw[0]);
    if (size == 0 || first < 0x20 || first == 0x7f) {
      text[length++] = '?';
    } else {
      std::memcpy(text + length, raw.data(), size);
      length += size;
    }
    raw.remove_prefix(size ? size : 1);
  }
  text[length] = 0;
}

namespace detail {

std::size_t print(char* text, std::size_t capacity, fmt::string_view format,
                  fmt::format_args args) {
  if (capacity == 0) return 0;
  const auto result = fmt::vformat_to_n(text, capacity - 1, format, args);
  const std::size_t written = result.size < capacity ? result.size : capacity - 1;
  text[written] = 0;
  return result.size;
}

Status fail(Error& error, Status status, fmt::string_view format, fmt::format_args args) {
  error.status = static_cast<inlay_status>(status);
  print(error.text, sizeof error.text, format, args);
  return status;
}

}  // namespace detail

Status fail_memory(Error& error, std::string_view what) {
  return fail(error, Status::memory, "out of memory: {}", what);
}

const char* status_name(Status s) {
  switch (s) {
    case Status::ok: return "ok";
    case Status::yield: return "yield";
    case Status::token: return "token";
    case Status::logits: return "logits";
    case Status::done: return "done";
    case Status::argument: return "argument";
    case Status::memory: return "memory";
    case Status::io: return "io";
    case Status::format: return "format";
    case Status::unsupported: return "unsupported";
    case Status::limit: return "limit";
    case Status::state: return "state";
    case Status::cancelled: return "cancelled";
    case Status::internal: return "internal";
  }
  return "unknown";
}

}  // namespace inlay
