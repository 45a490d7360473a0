// diagnostics.h - error texts: formats checked at compile time by fmt, written into bounded
// buffers.
#pragma once

// fmt must neither throw nor end the process here; formats are checked when compiled.
#ifndef FMT_EXCEPTIONS
#define FMT_EXCEPTIONS 0
#endif
#ifndef FMT_ASSERT
#define FMT_ASSERT(condition, message) static_cast<void>(0)
#endif
#include <fmt/core.h>

#include <cstddef>
#include <string_view>
#include <type_traits>

#include "base/status.h"

namespace inlay {

// A name or text from a file, made safe to show: at most 64 bytes of valid UTF-8; control
// characters and bytes that are no character become '?'.
struct Shown {
  char text[72];
  std::size_t length;
  explicit Shown(std::string_view raw);
  std::string_view view() const { return {text, length}; }
};

namespace detail {
Status fail(Error& error, Status status, fmt::string_view format, fmt::format_args args);
std::size_t print(char* text, std::size_t capacity, fmt::string_view format, fmt::format_args args);

// A Shown goes to fmt as a string view, everything else as it is.
template <class T>
using Printed = std::conditional_t<std::is_same_v<std::remove_cvref_t<T>, Shown>, std::string_view,
                                   std::decay_t<const std::remove_reference_t<T>>>;
template <class T>
Printed<T> printed(const T& value) {
  if constexpr (std::is_same_v<T, Shown>) {
    return value.view();
  } else {
    return value;
  }
}
}  // namespace detail

// Fills `error` and returns `status`: return fail(error, Status::format, "{}: {} of {}", ...);
template <class... Args>
Status fail(Error& error, Status status, fmt::format_string<detail::Printed<Args>...> format,
            const Args&... args) {
  return [&](const detail::Printed<Args>&... printed) {
    return detail::fail(error, status, format, fmt::make_format_args(printed...));
  }(detail::printed(args)...);
}

// Out of memory says how much was asked for.
Status fail_memory(Error& error, std::string_view what);

// Writes at most capacity - 1 bytes and a zero; returns the length the whole text would have.
template <class... Args>
std::size_t print(char* text, std::size_t capacity,
                  fmt::format_string<detail::Printed<Args>...> format, const Args&... args) {
  return [&](const detail::Printed<Args>&... printed) {
    return detail::print(text, capacity, format, fmt::make_format_args(printed...));
  }(detail::printed(args)...);
}

// A message to the host's log, if it has one; cut at 255 bytes.
template <class... Args>
void tell(const inlay_log& log, int level, fmt::format_string<detail::Printed<Args>...> format,
          const Args&... args) {
  if (!log.write) return;
  char text[256];
  const std::size_t length = print(text, sizeof text, format, args...);
  log.write(log.user, level, text, length < sizeof text ? length : sizeof text - 1);
}

}  // namespace inlay
