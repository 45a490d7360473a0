// logprobs.h - logarithms of probabilities: of the model's own distribution, of candidates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sample/candidates.h"

namespace inlay {

// What is told of one drawn token.
struct LogProbs {
  static constexpr std::size_t most = INLAY_LOGPROBS_MAX;
  inlay_logprob token;
  std::uint32_t count = 0;
  inlay_logprob top[most];
};

// ln sum exp(logit): -infinity where all are that. Sums in 16 lanes, lane = index mod 16.
double log_sum_exp(std::span<const float> logits);

// The best `top.size()` of logits, best first, lower ids first on a tie, with ln p; how many. The
// logits are no NaN.
std::size_t top_logprobs(std::span<const float> logits, double log_sum,
                         std::span<inlay_logprob> top);

// out = u + scale (c - u), in log-softmax space; -infinity where either is.
void guide(const float* logits, double sum, const float* negative, double negative_sum, float scale,
           std::span<float> out);

// Of the model's own distribution: the token that was drawn, and the `count` best.
void model_logprobs(std::span<const float> logits, std::int32_t token, std::size_t count,
                    LogProbs* out);
// The best of a list with weights.
void candidate_logprobs(const Candidates& candidates, std::size_t count, LogProbs* out);
// ln p of the token that was drawn from a list with this total weight.
float candidate_logprob(const Candidate& drawn, double total);

}  // namespace inlay
