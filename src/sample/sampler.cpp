// sampler.cpp - checks the options, then runs the stages one after the other.
#include "sample/sampler.h"

#include <algorithm>
#include <limits>

#include "sample/stage.h"

namespace inlay {
namespace {

constexpr const Stage* stages[] = {
#define INLAY_STAGE(name) &name##_stage,
#include "sample/stages.inc"
#undef INLAY_STAGE
};

Status refuse_logits(std::span<const float> logits, Error& error) {
  constexpr float limit = std::numeric_limits<float>::max();
  const auto bad =
      std::find_if(logits.begin(), logits.end(), [](float x) { return !(x <= limit); });
  return fail(error, Status::format, "logit of token {}: {} (the model's weights are damaged)",
              bad - logits.begin(), *bad);
}

}  // namespace

Status Sampler::init(const inlay_sampler_options& options, std::uint32_t vocabulary,
                     std::span<std::byte> memory, Error& error) {
  constexpr std::uint32_t max_vocabulary = std::numeric_limits<std::int32_t>::max();
  if (vocabulary == 0 || vocabulary > max_vocabulary) {
    return fail(error, Status::argument, "sampler: vocabulary {}, expected 1 to {}", vocabulary,
                max_vocabulary);
  }
  if (memory.size() < bytes(vocabulary)) {
    return fail(error, Status::argument, "sampler: {} bytes of memory, {} needed", memory.size(),
                bytes(vocabulary));
  }
  if (options.bias_count > max_biases) {
    return fail(error, Status::argument, "bias_count: {}, expected at most {}", options.bias_count,
                max_biases);
  }
  for (const Stage* stage : stages) INLAY_TRY(stage->check(options, vocabulary, error));
  std::copy_n(options.bias, options.bias_count, biases_);
  options_ = options;
  options_.bias = nullptr;
  vocabulary_ = vocabulary;
  candidates_ = Candidates(memory);
  return Status::ok;
}

Status Sampler::sample(std::span<const float> logits, std::span<const std::int32_t> history,
                       std::uint64_t position, std::int32_t& token, Error& error) {
  if (logits.size() != vocabulary_ || logits.empty()) {
    return fail(error, Status::argument, "sampler: {} logits for a vocabulary of {}", logits.size(),
                vocabulary_);
  }
  if (!candidates_.survey(logits)) return refuse_logits(logits, error);
  Draft draft{options_, {biases_, options_.bias_count}, history, position, candidates_};
  std::size_t best = logits.size();
  for (const Stage* stage : stages) {
    if (stage->prepare) stage->prepare(draft, best);
  }
  candidates_.fill_best(logits, best);
  for (const Stage* stage : stages) INLAY_TRY(stage->apply(draft, error));
  token = candidates_[0].id;
  return Status::ok;
}

}  // namespace inlay
