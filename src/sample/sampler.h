// sampler.h - from a row of logits to one token, without allocating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "sample/candidates.h"

namespace inlay {

// Runs the stages of stages.inc. The same options, logits, history and position give the same token
// on every machine. Not thread-safe; samplers that are not used at the same time may share
// `memory`.
class Sampler {
 public:
  static constexpr std::size_t max_biases = 1024;

  // Bytes of memory that init wants, enough for any options.
  static std::size_t bytes(std::uint32_t vocabulary) { return Candidates::bytes(vocabulary); }

  // Checks and copies the options. `memory` is borrowed scratch of at least bytes(vocabulary)
  // bytes. Errors: argument (a value out of its range or NaN, too many biases, memory too small);
  // the sampler is then as before.
  Status init(const inlay_sampler_options& options, std::uint32_t vocabulary,
              std::span<std::byte> memory, Error& error);

  // Those that init copied; its biases live as long as the sampler.
  inlay_sampler_options options() const {
    inlay_sampler_options options = options_;
    options.bias = biases_;
    return options;
  }

  // Draws the token at `position` of its sequence. `history`: the latest tokens, oldest first; ids
  // outside the vocabulary are ignored.
  // Errors: argument (not `vocabulary` logits), format (a logit is NaN or +infinity: the weights
  // are damaged), state (every token is forbidden).
  Status sample(std::span<const float> logits, std::span<const std::int32_t> history,
                std::uint64_t position, std::int32_t& token, Error& error);

 private:
  inlay_sampler_options options_{};
  std::uint32_t vocabulary_ = 0;
  Candidates candidates_;
  inlay_logit_bias biases_[max_biases];
};

}  // namespace inlay
