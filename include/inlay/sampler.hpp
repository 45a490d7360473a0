/// sampler.hpp - how the next token is chosen from the logits.
#ifndef INLAY_SAMPLER_HPP
#define INLAY_SAMPLER_HPP

#include <cstdint>
#include <span>

#include "inlay/result.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// A number added to the logit of one token; -infinity forbids it.
using LogitBias = inlay_logit_bias;

/// The stages run in this order: logit bias, penalties, top-k, temperature, top-p, min-p, draw. The
/// draw depends on (seed, stream, position) alone: the same on every machine.
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
    return raw;
  }
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_SAMPLER_HPP
