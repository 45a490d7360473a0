// logit_bias.cpp - adds the host's biases to the logits of single tokens; -infinity forbids a
// token.
//
//   l_t = l_t + bias
#include <limits>

#include "sample/stage.h"

namespace inlay {
namespace {

Status check(const inlay_sampler_options& options, std::uint32_t vocabulary, Error& error) {
  if (options.bias_count > 0 && !options.bias) {
    return fail(error, Status::argument, "bias: NULL with bias_count {}", options.bias_count);
  }
  for (std::size_t i = 0; i < options.bias_count; ++i) {
    const auto [token, bias] = options.bias[i];
    if (token < 0 || static_cast<std::uint32_t>(token) >= vocabulary) {
      return fail(error, Status::argument, "bias[{}].token: {}, expected an id in [0, {})", i,
                  token, vocabulary);
    }
    if (!(bias < std::numeric_limits<float>::infinity())) {
      return fail(error, Status::argument,
                  "bias[{}].bias: {}, expected a finite number or -infinity", i, bias);
    }
  }
  return Status::ok;
}

Status apply(Draft& draft, Error&) {
  if (!draft.bias.empty()) draft.candidates.logits_changed();
  for (const auto& [token, bias] : draft.bias) {
    if (Candidate* c = draft.candidates.find(token)) c->logit = shifted_logit(c->logit, bias);
  }
  return Status::ok;
}

void prepare(Draft& draft, Need&) {
  for (const auto& bias : draft.bias) draft.candidates.touch(bias.token);
}

}  // namespace

constinit const Stage logit_bias_stage{check, apply, prepare};

}  // namespace inlay
