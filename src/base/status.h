// status.h - how every function of the core says what happened: a Status, and an Error with its
// text.
#pragma once

#include <cstdint>

#include "inlay/inlay.h"

namespace inlay {

// The same numbers as inlay_status: 0 done, > 0 flow, < 0 error.
enum class [[nodiscard]] Status : int32_t{
    ok = INLAY_OK,
    yield = INLAY_YIELD,
    token = INLAY_TOKEN,
    logits = INLAY_LOGITS,
    done = INLAY_DONE,
    argument = INLAY_ERROR_ARGUMENT,
    memory = INLAY_ERROR_MEMORY,
    io = INLAY_ERROR_IO,
    format = INLAY_ERROR_FORMAT,
    unsupported = INLAY_ERROR_UNSUPPORTED,
    limit = INLAY_ERROR_LIMIT,
    state = INLAY_ERROR_STATE,
    cancelled = INLAY_ERROR_CANCELLED,
    internal = INLAY_ERROR_INTERNAL,
};

constexpr bool is_error(Status s) { return static_cast<int32_t>(s) < 0; }

const char* status_name(Status s);

// A status with one line of text; filled by fail() in diagnostics.h.
using Error = inlay_error;

}  // namespace inlay

// Leaves the function with the status of `expression` when it is an error.
#define INLAY_TRY(expression)                                  \
  do {                                                         \
    if (const ::inlay::Status inlay_try_status = (expression); \
        ::inlay::is_error(inlay_try_status)) {                 \
      return inlay_try_status;                                 \
    }                                                          \
  } while (false)
