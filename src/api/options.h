// options.h - option structs of several functions, read from any version of them.
#pragma once

#include <cstddef>

#include "api/checks.h"
#include "engine/session.h"

namespace inlay {

// The structs as they were when they ended before these fields.
inline constexpr std::size_t first_source = offsetof(inlay_source, offset);
inline constexpr std::size_t first_model_options = offsetof(inlay_model_options, weights);
inline constexpr std::size_t first_session_options = offsetof(inlay_session_options, value_type);

inline constexpr std::size_t first_sampler_options =
    offsetof(inlay_sampler_options, xtc_probability);

// NULL options: the defaults.
inline Status read_sampler_options(const inlay_sampler_options* given,
                                   inlay_sampler_options* options, Error& error) {
  inlay_sampler_options_defaults(options);
  return copy_options(given, options, "sampler options", error, first_sampler_options);
}

// NULL options: the defaults.
inline Status read_shape(const Model& model, const inlay_session_options* given,
                         SessionShape* shape, Error& error) {
  inlay_session_options options;
  inlay_session_options_defaults(&options);
  const char* const what = "session options";
  INLAY_TRY(copy_options(given, &options, what, error, first_session_options));
  INLAY_TRY(check_range(what, "reuse", options.reuse, 1, error));
  INLAY_TRY(check_range(what, "reserved", options.reserved, 0, error));
  return resolve(model, options, shape, error);
}

inline Status read_sink(const inlay_sink* given, inlay_sink* sink, Error& error) {
  *sink = {};
  sink->struct_size = sizeof *sink;
  return copy_options(given, sink, "sink", error);
}

inline Status read_source(const inlay_source* given, inlay_source* source, Error& error) {
  *source = {};
  source->struct_size = sizeof *source;
  return copy_options(given, source, "source", error, first_source);
}

}  // namespace inlay
