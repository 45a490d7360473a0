// output.h - results to standard output, failures as exceptions.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "inlay/result.hpp"

namespace cli {

// Leaves the command with a status and a text.
[[noreturn]] inline void fail(inlay::Status status, const std::string& text) {
  inlay::Error error(status);
  const std::size_t length = text.copy(error.raw()->text, INLAY_ERROR_TEXT - 1);
  error.raw()->text[length] = 0;
  throw inlay::Exception(error);
}

inline void flush_output() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
    fail(inlay::Status::io, "cannot write to standard output");
  }
}

inline void write(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

template <class... Args>
void put(fmt::format_string<Args...> format, Args&&... args) {
  write(fmt::format(format, std::forward<Args>(args)...));
}

// Text from a file on its way to a terminal: control bytes as '?', at most `limit` bytes.
inline std::string shown(std::string_view text, std::size_t limit = 200) {
  std::string safe(text.substr(0, limit));
  for (char& c : safe) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (text.size() > limit) safe += "...";
  return safe;
}

}  // namespace cli
