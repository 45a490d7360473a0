/// sampler.hpp - how the next token is chosen from the logits.
#ifndef INLAY_SAMPLER_HPP
#define INLAY_SAMPLER_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "inlay/model.hpp"
#include "inlay/result.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// A number added to the logit of one token; -infinity forbids it.
using LogitBias = inlay_logit_bias;

/// Numbers of the stages, for SamplerOptions::stages.
namespace stage {
inline constexpr std::uint32_t logit_bias = INLAY_STAGE_LOGIT_BIAS;
inline constexpr std::uint32_t penalties = INLAY_STAGE_PENALTIES;
inline constexpr std::uint32_t dry = INLAY_STAGE_DRY;
inline constexpr std::uint32_t custom = INLAY_STAGE_CUSTOM;  ///< SamplerOptions::host_stages
inline constexpr std::uint32_t top_n_sigma = INLAY_STAGE_TOP_N_SIGMA;
inline constexpr std::uint32_t top_k = INLAY_STAGE_TOP_K;
inline constexpr std::uint32_t dynamic_temperature = INLAY_STAGE_DYNAMIC_TEMPERATURE;
inline constexpr std::uint32_t temperature = INLAY_STAGE_TEMPERATURE;
inline constexpr std::uint32_t typical_p = INLAY_STAGE_TYPICAL_P;
inline constexpr std::uint32_t top_p = INLAY_STAGE_TOP_P;
inline constexpr std::uint32_t min_p = INLAY_STAGE_MIN_P;
inline constexpr std::uint32_t xtc = INLAY_STAGE_XTC;
inline constexpr std::uint32_t infill = INLAY_STAGE_INFILL;
inline constexpr std::uint32_t mirostat = INLAY_STAGE_MIROSTAT;
inline constexpr std::uint32_t adaptive_p = INLAY_STAGE_ADAPTIVE_P;
}  // namespace stage
/// "top_k", "dry" ...; nullptr: no such stage.
inline const char* stage_name(std::uint32_t stage) noexcept {
  return inlay_sampler_stage_name(stage);
}

/// A token that may be drawn, with its probability in `weight`; and the list of them that a stage
/// of the host's changes. See inlay.h.
using Candidate = inlay_candidate;
using Candidates = inlay_candidates;
using HostStage = inlay_host_stage;
/// A stage from anything that can be called as Status(Candidates&), which is borrowed.
template <class Function>
HostStage host_stage(Function& function) {
  static_assert(std::is_same_v<decltype(function(std::declval<Candidates&>())), Status>);
  return {&function, [](void* user, inlay_candidates* candidates) {
            return static_cast<inlay_status>((*static_cast<Function*>(user))(*candidates));
          }};
}

/// A token and the natural logarithm of its probability.
using LogProb = inlay_logprob;
/// Of which distribution log-probabilities are: the model's own, or that which was drawn from.
enum class LogProbsOf : std::uint32_t {
  model = INLAY_LOGPROBS_MODEL,
  candidates = INLAY_LOGPROBS_CANDIDATES,
};

/// Bytes of the host's, UTF-8.
using TextView = inlay_text_view;

/// docs/samplers.md has the stages, their order and formulas. The draw depends on (seed, stream,
/// position) alone: the same on every machine.
///
///     inlay::SamplerOptions greedy{.temperature = 0};
///     inlay::SamplerOptions lively{.temperature = 1.1f, .top_k = 0, .min_p = 0.02f, .seed = 7};
struct SamplerOptions {
  float temperature = 0.8f;           ///< >= 0; 0: the largest logit, the lowest id on a tie
  std::uint32_t top_k = 40;           ///< keep the k best; 0: off
  float top_p = 0.95f;                ///< (0, 1]: keep the best that reach probability p; 1: off
  float min_p = 0.05f;                ///< [0, 1]: drop below min_p times the best; 0: off
  float repeat_penalty = 1.0f;        ///< > 0: divides logits of tokens that occurred; 1: off
  float frequency_penalty = 0.0f;     ///< subtracted once per occurrence
  float presence_penalty = 0.0f;      ///< subtracted once from every token that occurred
  std::uint32_t penalty_window = 64;  ///< how many of the latest tokens the penalties look at
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;           ///< sets sequences of one seed apart
  std::span<const LogitBias> bias{};  ///< copied when it is used

  float typical_p = 1.0f;        ///< (0, 1]: keep the most typical that reach p; 1: off
  float top_n_sigma = 0.0f;      ///< keep logits within n standard deviations of the best; 0: off
  float xtc_probability = 0.0f;  ///< of excluding the top choices; 0: off
  float xtc_threshold = 0.1f;    ///< a top choice has that probability; over 0.5: off
  float dry_multiplier = 0.0f;   ///< against repeating the text; 0: off
  float dry_base = 1.75f;        ///< >= 1
  std::uint32_t dry_allowed_length = 2;  ///< >= 1: tokens that may be repeated
  std::uint32_t dry_window = 1024;       ///< at most 8192
  /// Texts that a repetition does not reach across; nothing: newline, colon, quote, asterisk.
  std::optional<std::span<const TextView>> dry_breakers{};
  float dynatemp_range = 0.0f;  ///< of a temperature by the entropy of each token; 0: off
  float dynatemp_exponent = 1.0f;
  std::uint32_t mirostat = 0;                ///< 1, 2: that version; 0: off
  float mirostat_tau = 5.0f;                 ///< surprise that is aimed at, bits
  float mirostat_eta = 0.1f;                 ///< how fast it gets there
  float adaptive_target = -1.0f;             ///< probability that is aimed at, [0, 1]; under 0: off
  float adaptive_decay = 0.9f;               ///< [0, 0.99]
  bool infill = false;                       ///< for filling a gap in a text
  std::span<const std::uint32_t> stages{};   ///< their order, others do not run; empty: default
  std::span<const HostStage> host_stages{};  ///< at most 8
  std::uint32_t logprobs = 0;                ///< how many to list with each token, at most 64
  LogProbsOf logprobs_of = LogProbsOf::model;

  inlay_sampler_options raw() const noexcept {
    inlay_sampler_options raw;
    inlay_sampler_options_defaults(&raw);
    raw.temperature = temperature;
    raw.top_k = top_k;
    raw.top_p = top_p;
    raw.min_p = min_p;
    raw.repeat_penalty = repeat_penalty;
    raw.frequency_penalty = frequency_penalty;
    raw.presence_penalty = presence_penalty;
    raw.penalty_window = penalty_window;
    raw.seed = seed;
    raw.stream = stream;
    raw.bias = bias.data();
    raw.bias_count = bias.size();
    raw.typical_p = typical_p;
    raw.top_n_sigma = top_n_sigma;
    raw.xtc_probability = xtc_probability;
    raw.xtc_threshold = xtc_threshold;
    raw.dry_multiplier = dry_multiplier;
    raw.dry_base = dry_base;
    raw.dry_allowed_length = dry_allowed_length;
    raw.dry_window = dry_window;
    if (dry_breakers) {
      raw.dry_breakers = dry_breakers->data();
      raw.dry_breaker_count = dry_breakers->size();
    }
    raw.dynatemp_range = dynatemp_range;
    raw.dynatemp_exponent = dynatemp_exponent;
    raw.mirostat = mirostat;
    raw.mirostat_tau = mirostat_tau;
    raw.mirostat_eta = mirostat_eta;
    raw.adaptive_target = adaptive_target;
    raw.adaptive_decay = adaptive_decay;
    raw.infill = infill;
    raw.stages = stages.data();
    raw.stage_count = stages.size();
    raw.host_stages = host_stages.data();
    raw.host_stage_count = host_stages.size();
    raw.logprobs = logprobs;
    raw.logprobs_of = static_cast<std::uint32_t>(logprobs_of);
    return raw;
  }
};

/// The best of a row of logits, best first, lower ids first on a tie, into memory of the caller;
/// how many. ln p is of the softmax over the whole row, with the same bits on every machine.
/// Errors: format (NaN, infinite), state (all are -infinity).
inline Result<std::size_t> top_logprobs(std::span<const float> logits, std::span<LogProb> top) {
  std::size_t count = 0;
  Error error;
  if (error.set(inlay_logits_top(logits.data(), logits.size(), top.data(), top.size(), &count,
                                 error.raw()))) {
    return error;
  }
  return count;
}

/// A sampler without a session, for logits that the host has or has changed. One owner. An empty
/// one fails every call with Status::argument.
class Sampler {
 public:
  Sampler() = default;
  Sampler(Sampler&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Sampler& operator=(Sampler&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Sampler() { inlay_sampler_close(raw_); }

  /// Takes all its memory now; keeps the model alive. Errors: argument, memory, state (the model
  /// was opened for its metadata only).
  static Result<Sampler> open(const Model& model, const SamplerOptions& options = {}) {
    const inlay_sampler_options raw = options.raw();
    Sampler sampler;
    Error error;
    if (error.set(inlay_sampler_open(model.raw(), &raw, &sampler.raw_, error.raw()))) return error;
    return sampler;
  }
  /// The token at `position` that follows `tokens`, of which only the latest count.
  /// Errors: as of Session::step.
  Result<std::int32_t> draw(std::span<const float> logits, std::span<const std::int32_t> tokens,
                            std::uint64_t position) {
    std::int32_t token = -1;
    Error error;
    if (error.set(inlay_sampler_draw(raw_, logits.data(), logits.size(), tokens.data(),
                                     tokens.size(), position, &token, error.raw()))) {
      return error;
    }
    return token;
  }

 private:
  inlay_sampler* raw_ = nullptr;
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_SAMPLER_HPP
