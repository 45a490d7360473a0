// checks.h - what every function of the C interface does first: arguments, option structs, errors.
#pragma once

#include <cstring>
#include <string_view>

#include "base/diagnostics.h"
#include "base/status.h"

namespace inlay {

// The Error of a call: the caller's, or one of our own when the caller passes NULL.
class CallError {
 public:
  explicit CallError(inlay_error* error) : error_(error ? error : &own_) {}
  operator Error&() { return *error_; }

 private:
  Error own_{};
  Error* error_;
};

inline inlay_status code(Status status) { return static_cast<inlay_status>(status); }

inline inlay_status null_argument(Error& error, const char* name) {
  return code(fail(error, Status::argument, "{} is NULL", name));
}

// Copies an option struct of any version over the defaults: a shorter, older one leaves the rest of
// them, a longer, newer one is refused when it sets fields unknown here. `oldest`: the size in the
// version that had the struct first; nothing shorter is a struct of ours.
template <class T>
Status copy_options(const T* given, T* options, const char* name, Error& error,
                    std::size_t oldest = sizeof(T)) {
  const std::uint32_t own = options->struct_size;
  if (!given) return Status::ok;
  const std::uint32_t size = given->struct_size;
  if (size < oldest || size > 2 * own) {
    return fail(error, Status::argument,
                "{}: struct_size is {}, expected {}; use the _defaults function", name, size, own);
  }
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (std::uint32_t i = own; i < size; ++i) {
    if (bytes[i]) {
      return fail(error, Status::unsupported, "{}: an option of a newer version is set (byte {})",
                  name, i);
    }
  }
  std::memcpy(static_cast<void*>(options), given, size < own ? size : own);
  options->struct_size = own;
  return Status::ok;
}

inline Status check_flags(const char* what, std::uint32_t flags, std::uint32_t known,
                          Error& error) {
  if ((flags & ~known) == 0) return Status::ok;
  return fail(error, Status::argument, "{}: flags are {:#x}, known are {:#x}", what, flags, known);
}

inline Status check_range(const char* what, const char* name, std::uint32_t value,
                          std::uint32_t most, Error& error) {
  if (value <= most) return Status::ok;
  return fail(error, Status::argument, "{}: {} is {}, expected 0 to {}", what, name, value, most);
}

// An output struct must at least say how large it is.
template <class T>
Status check_struct(const T* out, const char* name, Error& error) {
  if (out->struct_size >= sizeof(std::uint32_t)) return Status::ok;
  return fail(error, Status::argument, "{}: struct_size is {}, expected {}", name, out->struct_size,
              sizeof(T));
}

// Fills as much of an option struct as the caller's version has; `value` is this version's.
template <class T>
void give_options(T value, T* out, std::size_t size) {
  if (!out) return;
  const std::size_t known = size < sizeof(T) ? size : sizeof(T);
  value.struct_size = static_cast<std::uint32_t>(known);
  std::memcpy(static_cast<void*>(out), &value, known);
}

// Fills as much of an output struct as the caller's version has.
template <class T>
inlay_status give_struct(const T& value, T* out) {
  const std::uint32_t size = out->struct_size;
  if (size < sizeof(std::uint32_t)) return INLAY_ERROR_ARGUMENT;
  const std::uint32_t known = size < sizeof(T) ? size : static_cast<std::uint32_t>(sizeof(T));
  std::memcpy(static_cast<void*>(out), &value, known);
  out->struct_size = known;
  return INLAY_OK;
}

}  // namespace inlay
