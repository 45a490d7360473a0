/// result.hpp - how the C++ interface reports failure: Status, Error, Result<T>.
///
/// A call that can fail returns Result<T>. It works with and without exceptions:
///
///     auto model = inlay::Model::open("model.gguf");
///     if (!model) return complain(model.error().text());   // never throws
///     use(*model);
///
///     auto model = inlay::Model::open("model.gguf").value();  // throws inlay::Exception
///
/// These headers are compiled with the flags of the host and contain no state. A file compiled
/// without exceptions gets types of another name, so that both kinds may be linked into one
/// program; passing such objects from one kind of file to the other does not link.
#ifndef INLAY_RESULT_HPP
#define INLAY_RESULT_HPP

#include <cstdint>
#include <utility>

#include "inlay/inlay.h"

#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define INLAY_HOST_EXCEPTIONS 1
#define INLAY_FACADE facade_v1
#include <exception>
#else
#define INLAY_HOST_EXCEPTIONS 0
#define INLAY_FACADE facade_v1_noexcept
#endif

namespace inlay {
inline namespace INLAY_FACADE {

/// What happened, by the numbers of inlay_status. Below zero: an error.
enum class Status : std::int32_t {
  ok = INLAY_OK,
  yield = INLAY_YIELD,                    ///< the budget is spent or a cancel was asked for
  token = INLAY_TOKEN,                    ///< a sequence has a new token
  logits = INLAY_LOGITS,                  ///< a sequence has logits to read
  done = INLAY_DONE,                      ///< nothing to do until something is fed
  argument = INLAY_ERROR_ARGUMENT,        ///< the call itself is wrong
  memory = INLAY_ERROR_MEMORY,            ///< the allocator returned null
  io = INLAY_ERROR_IO,                    ///< a file or read callback failed
  format = INLAY_ERROR_FORMAT,            ///< the file breaks the rules of its format
  unsupported = INLAY_ERROR_UNSUPPORTED,  ///< well-formed, but not for this build
  limit = INLAY_ERROR_LIMIT,              ///< over a stated limit
  state = INLAY_ERROR_STATE,              ///< not possible now
  cancelled = INLAY_ERROR_CANCELLED,      ///< the host asked to stop
  internal = INLAY_ERROR_INTERNAL,        ///< a defect of inlay
};

constexpr bool is_error(Status status) { return static_cast<std::int32_t>(status) < 0; }

/// "ok", "format" ...; zero-terminated.
inline const char* name(Status status) {
  return inlay_status_name(static_cast<inlay_status>(status));
}

/// A status and one line of text that names the field and both values. Owns its text; no heap.
class Error {
 public:
  Error() noexcept {
    raw_.status = INLAY_OK;
    raw_.text[0] = 0;
  }
  Error(Status status) noexcept : Error() { raw_.status = static_cast<inlay_status>(status); }

  Status status() const noexcept { return static_cast<Status>(raw_.status); }
  /// Zero-terminated; the name of the status where there is nothing more to say.
  const char* text() const noexcept { return raw_.text[0] ? raw_.text : name(status()); }

  /// For calls into inlay.h: receives what they report.
  inlay_error* raw() noexcept { return &raw_; }
  /// Notes the status such a call returned; true when it is an error.
  bool set(inlay_status status) noexcept {
    if (status < 0) raw_.status = status;
    return status < 0;
  }

 private:
  inlay_error raw_;
};

#if INLAY_HOST_EXCEPTIONS
/// Thrown by Result::value and by loops over generated text; by nothing else.
class Exception : public std::exception {
 public:
  explicit Exception(const Error& error) noexcept : error_(error) {}
  const char* what() const noexcept override { return error_.text(); }
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};
#endif

namespace detail {
// Without exceptions a failure stays what it is: an empty value whose calls fail in their turn.
inline void raise([[maybe_unused]] const Error& error) {
#if INLAY_HOST_EXCEPTIONS
  throw Exception(error);
#endif
}
}  // namespace detail

/// A T, or the error that kept it from being made.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(const Error& error) : error_(error) {}

  explicit operator bool() const noexcept { return !is_error(error_.status()); }
  /// Status::ok, or why there is no value.
  const Error& error() const noexcept { return error_; }

  /// The value; throws Exception on an error. In a program without exceptions: an empty T, whose
  /// calls all fail with Status::argument. Never undefined.
  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }

  /// The value without a look at the error: an empty T then.
  T& operator*() & noexcept { return value_; }
  const T& operator*() const& noexcept { return value_; }
  T&& operator*() && noexcept { return std::move(value_); }
  T* operator->() noexcept { return &value_; }
  const T* operator->() const noexcept { return &value_; }

 private:
  T& checked() {
    if (!*this) detail::raise(error_);
    return value_;
  }

  T value_{};
  Error error_;
};

/// Done, or the error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() noexcept = default;
  Result(const Error& error) noexcept : error_(error) {}

  explicit operator bool() const noexcept { return !is_error(error_.status()); }
  const Error& error() const noexcept { return error_; }
  /// Throws Exception on an error, where the program has exceptions.
  void value() const {
    if (!*this) detail::raise(error_);
  }

 private:
  Error error_;
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_RESULT_HPP
