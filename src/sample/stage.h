// stage.h - what a stage of sampling is: a check of its own options and one change of the
// candidates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "base/diagnostics.h"
#include "sample/candidates.h"

namespace inlay {

// What stages may ask about tokens; by default no token has a text and none is an end.
struct TokenView {
  const void* of = nullptr;
  std::string_view (*text)(const void* of, std::int32_t id) = nullptr;
  bool (*is_end)(const void* of, std::int32_t id) = nullptr;
  std::int32_t end = -1;  // of text; -1: none

  std::string_view text_of(std::int32_t id) const {
    return text ? text(of, id) : std::string_view{};
  }
  bool ends(std::int32_t id) const { return is_end && is_end(of, id); }
};

// Short texts in memory of their own.
struct ShortTexts {
  static constexpr std::size_t most = 16, longest = 32;
  std::uint32_t count = 0;
  std::uint8_t lengths[most];
  char bytes[most][longest];
  std::string_view operator[](std::size_t i) const { return {bytes[i], lengths[i]}; }
};

// How much of a vocabulary the stages look at: what they would drop anyhow is not listed.
struct Need {
  std::size_t best;  // no others than so many of the best (and those that are touched)
  float floor = -std::numeric_limits<float>::infinity();  // nor those whose logit is under this
  bool whole = false;                                     // a stage before has to see all of them
  float divisor = 1;  // of logits, once the temperature has come
  void limit(std::size_t count) {
    if (!whole && count < best) best = count;
  }
  // Tokens whose weight is under `least`, that of the best being 1, are not needed.
  void limit_weight(double least, const Candidates& candidates);
  void all() { whole = true; }
};

// One token in the making: what the stages read, and the candidates they change.
struct Draft {
  const inlay_sampler_options& options;    // checked; its lists are not to be used
  std::span<const inlay_logit_bias> bias;  // the copies of the options' lists
  std::span<const std::int32_t> history;   // latest tokens, oldest first
  std::uint64_t position;                  // in the sequence, of the token to draw
  Candidates& candidates;                  // never empty when stages apply
  std::span<const inlay_host_stage> host_stages{};
  const ShortTexts* breakers = nullptr;
  TokenView tokens{};
  std::uint32_t vocabulary = 0;
  std::span<std::uint32_t> scratch{};  // (Sampler::max_window), kept from prepare to apply
  float heat = options.temperature;    // of this token
  // Of a stage that steers by what was drawn before: its state, as it leaves it behind the last
  // token and then behind this one; and the weight of all candidates as it found them.
  float state = 0;
  double total_before = 0;
  // The model's, until the candidates are listed; and the weight of all of them where a stage has
  // found it before that, 0 elsewhere.
  std::span<const float> logits{};
  double total = 0;
  bool may_end = false;  // of infill: nothing forbids the end of text
};

struct Stage {
  // Refuses options of this stage that are out of range, NaN among them.
  Status (*check)(const inlay_sampler_options& options, std::uint32_t vocabulary, Error& error);
  // Allocates nothing and leaves at least one candidate.
  Status (*apply)(Draft& draft, Error& error);
  // Before the candidates are listed, in the order of the stages: touches the tokens whose logits
  // `apply` changes, and says how many others it needs. nullptr: as many as there are.
  void (*prepare)(Draft& draft, Need& need) = nullptr;
  // Of a stage that steers. Its state before the first token; whether it is on; and what becomes of
  // the state once a token is drawn, the only candidate left.
  float (*first_state)(const inlay_sampler_options& options) = nullptr;
  bool (*steers)(const inlay_sampler_options& options) = nullptr;
  void (*observe)(Draft& draft) = nullptr;
  // Shortens the list, which is not done by default where another stage does it by itself.
  bool truncates = false;
};

#define INLAY_STAGE(name, number) extern const Stage name##_stage;
#include "sample/stages.inc"
#undef INLAY_STAGE

// For stages without options of their own.
inline Status check_nothing(const inlay_sampler_options&, std::uint32_t, Error&) {
  return Status::ok;
}

// low <= value <= high, which NaN is not.
Status check_between(const char* name, float value, float low, float high, Error& error);

// Before the candidates are listed: the weight of all of them, for a stage whose `prepare` asks and
// that sees all; 0 where it cannot be known yet. Less of them has to be listed then.
double foresee_total(Draft& draft, const Need& need);
// When it applies: the weight of all candidates it is given, foreseen or not; weighed before.
double total_of_all(Draft& draft);

// The list with weights; an error where every token is forbidden.
Status weigh(Draft& draft, Error& error);
Status all_forbidden(const Draft& draft, Error& error);

}  // namespace inlay
