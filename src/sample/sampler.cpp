// sampler.cpp - checks the options, then runs the stages one after the other.
#include "sample/sampler.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <limits>

namespace inlay {
namespace {

struct Listed {
  std::uint32_t number;
  const char* name;
  const Stage* stage;
};
constexpr Listed all_stages[] = {
#define INLAY_STAGE(name, number) {number, #name, &name##_stage},
#include "sample/stages.inc"
#undef INLAY_STAGE
};
constexpr std::size_t draw_index = std::size(all_stages) - 1;
static_assert(std::size(all_stages) <= Sampler::max_stages);

const Listed* find_stage(std::uint32_t number) {
  for (std::size_t i = 0; i < draw_index; ++i) {
    if (all_stages[i].number == number) return &all_stages[i];
  }
  return nullptr;
}

Status refuse_logits(std::span<const float> logits, Error& error) {
  constexpr float limit = std::numeric_limits<float>::max();
  const auto bad =
      std::find_if(logits.begin(), logits.end(), [](float x) { return !(x <= limit); });
  return fail(error, Status::format, "logit of token {}: {} (the model's weights are damaged)",
              bad - logits.begin(), *bad);
}

Status check_count(const char* name, std::size_t count, std::size_t most, Error& error) {
  if (count <= most) return Status::ok;
  return fail(error, Status::argument, "{}: {}, expected at most {}", name, count, most);
}

// Stages of a list: known ones, each once.
Status check_order(std::span<const std::uint32_t> order, Error& error) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Listed* listed = find_stage(order[i]);
    if (!listed) {
      return fail(error, Status::argument, "stages[{}]: {} is no number of a stage", i, order[i]);
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (order[j] != order[i]) continue;
      return fail(error, Status::argument, "stages[{}]: {} stands at {} already", i,
                  std::string_view(listed->name), j);
    }
  }
  return Status::ok;
}

// Lists that a host gives would be ignored in silence if their stage did not run.
Status check_runs(const char* what, std::size_t count, std::uint32_t number,
                  std::span<const std::uint32_t> order, Error& error) {
  if (count == 0 || std::find(order.begin(), order.end(), number) != order.end()) {
    return Status::ok;
  }
  return fail(error, Status::argument, "stages: {} is {}, and the list has no {}", what, count,
              std::string_view(stage_name(number)));
}

// The stage that steers decides what is drawn: it is the last, and alone.
Status check_steering(std::span<const std::uint32_t> order, const inlay_sampler_options& options,
                      Error& error) {
  const Listed* before = nullptr;
  for (const std::uint32_t number : order) {
    const Listed* listed = find_stage(number);
    if (before) {
      return fail(error, Status::argument, "stages: {} comes behind {}, which has to be the last",
                  std::string_view(listed->name), std::string_view(before->name));
    }
    if (listed->stage->steers && listed->stage->steers(options)) before = listed;
  }
  return Status::ok;
}

Status check_texts(const inlay_sampler_options& options, Error& error) {
  INLAY_TRY(check_count("dry_breaker_count", options.dry_breaker_count, ShortTexts::most, error));
  if (options.dry_breaker_count > 0 && !options.dry_breakers) {
    return fail(error, Status::argument, "dry_breakers: NULL with dry_breaker_count {}",
                options.dry_breaker_count);
  }
  for (std::size_t i = 0; i < options.dry_breaker_count; ++i) {
    const inlay_text_view& text = options.dry_breakers[i];
    if (text.text && text.length > 0 && text.length <= ShortTexts::longest) continue;
    return fail(error, Status::argument, "dry_breakers[{}]: {} bytes, expected 1 to {}", i,
                text.text ? text.length : 0, ShortTexts::longest);
  }
  return Status::ok;
}

}  // namespace

const char* stage_name(std::uint32_t number) {
  const Listed* listed = find_stage(number);
  return listed ? listed->name : nullptr;
}

std::uint32_t default_stage(std::size_t index) {
  return index < draw_index ? all_stages[index].number : 0;
}

Status Sampler::check_lists(const inlay_sampler_options& options, Error& error) const {
  INLAY_TRY(check_count("bias_count", options.bias_count, max_biases, error));
  INLAY_TRY(check_count("host_stage_count", options.host_stage_count, max_host_stages, error));
  INLAY_TRY(check_count("stage_count", options.stage_count, draw_index, error));
  INLAY_TRY(check_count("logprobs", options.logprobs, INLAY_LOGPROBS_MAX, error));
  INLAY_TRY(check_count("logprobs_of", options.logprobs_of, INLAY_LOGPROBS_CANDIDATES, error));
  INLAY_TRY(check_texts(options, error));
  if (options.stage_count == 0) return Status::ok;
  if (!options.stages) {
    return fail(error, Status::argument, "stages: NULL with stage_count {}", options.stage_count);
  }
  const std::span<const std::uint32_t> order{options.stages, options.stage_count};
  INLAY_TRY(check_order(order, error));
  INLAY_TRY(check_runs("bias_count", options.bias_count, INLAY_STAGE_LOGIT_BIAS, order, error));
  INLAY_TRY(
      check_runs("host_stage_count", options.host_stage_count, INLAY_STAGE_CUSTOM, order, error));
  return check_steering(order, options, error);
}

void Sampler::copy_lists(const inlay_sampler_options& options) {
  std::copy_n(options.bias, options.bias_count, biases_);
  std::copy_n(options.host_stages, options.host_stage_count, host_stages_);
  std::copy_n(options.stages, options.stage_count, given_stages_);
  breakers_.count = static_cast<std::uint32_t>(options.dry_breaker_count);
  for (std::size_t i = 0; i < options.dry_breaker_count; ++i) {
    const inlay_text_view& text = options.dry_breakers[i];
    breakers_.lengths[i] = static_cast<std::uint8_t>(text.length);
    std::memcpy(breakers_.bytes[i], text.text, text.length);
  }
  stage_count_ = 0;
  steering_ = nullptr;
  for (std::size_t i = 0; i < draw_index; ++i) {
    const Stage* stage = all_stages[i].stage;
    if (options.stage_count > 0) {
      if (i == options.stage_count) break;
      stage = find_stage(options.stages[i])->stage;
    } else if (options.mirostat && stage->truncates) {
      continue;  // it decides by itself how many candidates there are
    }
    stages_[stage_count_++] = stage;
    if (stage->steers && stage->steers(options)) steering_ = stage;
  }
  stages_[stage_count_++] = all_stages[draw_index].stage;
}

inlay_sampler_options Sampler::options() const {
  inlay_sampler_options options = options_;
  options.bias = biases_;
  options.host_stages = host_stages_;
  options.stages = given_stages_;
  return options;
}

float Sampler::first_state() const { return steering_ ? steering_->first_state(options_) : 0.0f; }

Status Sampler::init(const inlay_sampler_options& options, std::uint32_t vocabulary,
                     std::span<std::byte> memory, Error& error, const TokenView& tokens) {
  constexpr std::uint32_t max_vocabulary = std::numeric_limits<std::int32_t>::max();
  if (vocabulary == 0 || vocabulary > max_vocabulary) {
    return fail(error, Status::argument, "sampler: vocabulary {}, expected 1 to {}", vocabulary,
                max_vocabulary);
  }
  if (memory.size() < bytes(vocabulary)) {
    return fail(error, Status::argument, "sampler: {} bytes of memory, {} needed", memory.size(),
                bytes(vocabulary));
  }
  INLAY_TRY(check_lists(options, error));
  for (const Listed& listed : all_stages) {
    INLAY_TRY(listed.stage->check(options, vocabulary, error));
  }
  copy_lists(options);
  options_ = options;
  options_.bias = nullptr;
  options_.host_stages = nullptr;
  options_.stages = nullptr;
  options_.dry_breakers = nullptr;
  vocabulary_ = vocabulary;
  tokens_ = tokens;
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  std::byte* block = memory.data() + (0 - address) % alignof(std::uint32_t);
  scratch_ = {static_cast<std::uint32_t*>(static_cast<void*>(block)), max_window};
  block += max_window * sizeof(std::uint32_t);
  candidates_ = Candidates({block, Candidates::bytes(vocabulary)});
  state_ = first_state();
  return Status::ok;
}

Draft Sampler::draft_of(std::span<const std::int32_t> history, std::uint64_t position) {
  return {.options = options_,
          .bias = {biases_, options_.bias_count},
          .history = history,
          .position = position,
          .candidates = candidates_,
          .host_stages = {host_stages_, options_.host_stage_count},
          .breakers = &breakers_,
          .tokens = tokens_,
          .vocabulary = vocabulary_,
          .scratch = scratch_,
          .state = state_,
          .total_before = total_before_};
}

Status Sampler::propose(std::span<const float> logits, std::span<const std::int32_t> history,
                        std::uint64_t position, Error& error) {
  if (logits.size() != vocabulary_ || logits.empty()) {
    return fail(error, Status::argument, "sampler: {} logits for a vocabulary of {}", logits.size(),
                vocabulary_);
  }
  if (!candidates_.survey(logits)) return refuse_logits(logits, error);
  Draft draft = draft_of(history, position);
  draft.logits = logits;
  const std::span<const Stage* const> stages{stages_, stage_count_ - 1};
  Need need{logits.size()};
  for (const Stage* stage : stages) {
    if (stage->prepare) stage->prepare(draft, need);
  }
  candidates_.fill_best(logits, need.best, need.floor);
  for (const Stage* stage : stages) INLAY_TRY(stage->apply(draft, error));
  total_before_ = draft.total_before;
  return weigh(draft, error);
}

void Sampler::accept(const Candidate& drawn) {
  candidates_.keep_only(drawn);
  if (!steering_) return;
  Draft draft = draft_of({}, 0);
  steering_->observe(draft);
  state_ = draft.state;
}

Status Sampler::sample(std::span<const float> logits, std::span<const std::int32_t> history,
                       std::uint64_t position, std::int32_t& token, Error& error,
                       LogProbs* logprobs, std::span<const float> own) {
  INLAY_TRY(propose(logits, history, position, error));
  const bool of_candidates = options_.logprobs_of == INLAY_LOGPROBS_CANDIDATES;
  const bool wanted = logprobs && options_.logprobs > 0;
  double total = 0;
  if (wanted && of_candidates) {
    candidate_logprobs(candidates_, options_.logprobs, logprobs);
    total = candidates_.total_weight();
  }
  Draft draft = draft_of(history, position);
  INLAY_TRY(stages_[stage_count_ - 1]->apply(draft, error));
  const Candidate drawn = candidates_[0];
  accept(drawn);
  token = drawn.id;
  if (wanted && of_candidates) {
    logprobs->token = {token, candidate_logprob(drawn, total)};
  } else if (wanted) {
    model_logprobs(own.empty() ? logits : own, token, options_.logprobs, logprobs);
  }
  return Status::ok;
}

}  // namespace inlay
