// sampler.h - from a row of logits to one token, without allocating.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "sample/logprobs.h"
#include "sample/stage.h"

namespace inlay {

// Runs the stages of stages.inc. The same options, logits, history and position give the same token
// on every machine; with a stage that steers, what it was given before counts, too: that is one
// number, state(). Not thread-safe; samplers that are not used at the same time may share `memory`.
class Sampler {
 public:
  static constexpr std::size_t max_biases = 1024;
  static constexpr std::size_t max_host_stages = 8;
  static constexpr std::uint32_t max_window = 8192;  // tokens that the repetition stage looks at
  static constexpr std::size_t max_stages = 32;

  // Bytes of memory that init wants, enough for any options.
  static std::size_t bytes(std::uint32_t vocabulary) {
    return alignof(std::uint32_t) + max_window * sizeof(std::uint32_t) +
           Candidates::bytes(vocabulary);
  }

  // Checks and copies the options. `memory` is borrowed scratch of at least bytes(vocabulary)
  // bytes. Errors: argument (a value out of its range or NaN, too many biases, memory too small);
  // the sampler is then as before.
  Status init(const inlay_sampler_options& options, std::uint32_t vocabulary,
              std::span<std::byte> memory, Error& error, const TokenView& tokens = {});

  // Those that init copied; its lists live as long as the sampler, but for dry_breakers, which is
  // NULL: see breakers().
  inlay_sampler_options options() const;
  const ShortTexts& breakers() const { return breakers_; }

  // Of the stage that steers, behind the last token; 0 without one.
  float state() const { return state_; }
  void set_state(float state) { state_ = state; }
  float first_state() const;
  bool steers() const { return steering_ != nullptr; }

  // Draws the token at `position` of its sequence. `history`: the latest tokens, oldest first; ids
  // outside the vocabulary are ignored.
  // Errors: argument (not `vocabulary` logits), format (a logit is NaN or +infinity: the weights
  // are damaged), state (every token is forbidden), and those of the host's stages.
  // `logprobs`, where the options ask for them; `own`: the model's logits, where the others are
  // not.
  Status sample(std::span<const float> logits, std::span<const std::int32_t> history,
                std::uint64_t position, std::int32_t& token, Error& error,
                LogProbs* logprobs = nullptr, std::span<const float> own = {});
  // The same in parts: everything but the draw, which leaves the candidates with their weights; and
  // the one that was drawn, for the stage that steers.
  Status propose(std::span<const float> logits, std::span<const std::int32_t> history,
                 std::uint64_t position, Error& error);
  Candidates& candidates() { return candidates_; }
  void accept(const Candidate& drawn);

 private:
  Draft draft_of(std::span<const std::int32_t> history, std::uint64_t position);
  Status check_lists(const inlay_sampler_options& options, Error& error) const;
  void copy_lists(const inlay_sampler_options& options);

  inlay_sampler_options options_{};
  std::uint32_t vocabulary_ = 0;
  Candidates candidates_;
  std::span<std::uint32_t> scratch_;
  TokenView tokens_;
  const Stage* steering_ = nullptr;
  float state_ = 0;
  double total_before_ = 0;  // of the latest draft
  std::uint32_t stage_count_ = 0;
  const Stage* stages_[max_stages];  // in the order they run; the draw is the last
  std::uint32_t given_stages_[max_stages];
  ShortTexts breakers_;
  inlay_host_stage host_stages_[max_host_stages];
  inlay_logit_bias biases_[max_biases];
};

// The name of a stage by its number INLAY_STAGE_..., as the list has it; nullptr: there is none.
const char* stage_name(std::uint32_t number);
// Numbers of the stages in the order in which they run by default.
std::uint32_t default_stage(std::size_t index);

}  // namespace inlay
