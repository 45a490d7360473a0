// diagnostics.cpp - the one place where fmt's formatting engine is compiled into the library.

#define FMT_HEADER_ONLY 1
#define FMT_STATIC_THOUSANDS_SEPARATOR ','
#define FMT_THROW(x) static_cast<void>(x)
#include "base/diagnostics.h"

#include <fmt/format.h>

#include <cstring>

#include "base/utf8.h"

namespace inlay {

Shown::Shown(std::string_view raw) : length(0) {
  constexpr std::size_t limit = 64;
  while (!raw.empty()) {
    const Utf8Step step = utf8_step(raw);
    const bool whole = step.kind == Utf8::whole;
    const std::size_t size = whole ? step.length : 1;
    if (length + size > limit) {
      std::memcpy(text + length, "...", 3);
      length += 3;
      break;
    }
    const auto first = static_cast<unsigned char>(raw[0]);
    if (!whole || first < 0x20 || first == 0x7f) {
      text[length++] = '?';
    } else {
      std::memcpy(text + length, raw.data(), size);
      length += size;
    }
    raw.remove_prefix(size);
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
