// dry.cpp - against repeating what stands in the text already ("don't repeat yourself", p-e-w 2024,
// text-generation-webui #5677).
//
//   n(t): the most tokens at the end of the text that stand, followed by t, earlier in the window
//   l_t = l_t - multiplier base^(n(t) - allowed), for n(t) >= allowed
//
// The end of the text is what comes behind the last breaker; a token with a breaker in it is not
// touched. Time O(window): the Z-function of the window read backwards (Main and Lorentz 1984).
#include <algorithm>
#include <cstring>
#include <limits>

#include "base/math.h"
#include "sample/sampler.h"
#include "sample/stage.h"

namespace inlay {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
using Scratch = std::span<std::uint32_t>;

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  INLAY_TRY(check_between("dry_multiplier", options.dry_multiplier, 0.0f, 1e6f, error));
  INLAY_TRY(check_between("dry_base", options.dry_base, 1.0f, 1e6f, error));
  if (options.dry_allowed_length == 0) {
    return fail(error, Status::argument, "dry_allowed_length: 0, expected at least 1");
  }
  if (options.dry_window > Sampler::max_window) {
    return fail(error, Status::argument, "dry_window: {}, expected at most {}", options.dry_window,
                Sampler::max_window);
  }
  return Status::ok;
}

// The window from its end on: at(0) is the latest token.
class Backwards {
 public:
  explicit Backwards(const Draft& draft)
      : history_(draft.history.last(
            std::min<std::size_t>(draft.history.size(), draft.options.dry_window))) {}
  std::size_t size() const { return history_.size(); }
  std::int32_t at(std::size_t i) const { return history_[history_.size() - 1 - i]; }

 private:
  std::span<const std::int32_t> history_;
};

// matches[i]: tokens from i on that are those from 0 on. The longest of them; matches[0] is not
// set.
std::uint32_t find_matches(const Backwards& text, Scratch matches) {
  std::size_t begin = 0, end = 0;  // the match that reaches farthest
  std::uint32_t longest = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    std::size_t n = i < end ? std::min<std::size_t>(end - i, matches[i - begin]) : 0;
    while (i + n < text.size() && text.at(n) == text.at(i + n)) ++n;
    if (i + n > end) {
      begin = i;
      end = i + n;
    }
    matches[i] = static_cast<std::uint32_t>(n);
    longest = std::max(longest, matches[i]);
  }
  return longest;
}

// Bytes of the longest breaker at the start of `text` followed by `behind`; 0: none is there.
std::size_t breaker_at(const ShortTexts& breakers, std::string_view text, std::string_view behind) {
  std::size_t longest = 0;
  for (std::size_t i = 0; i < breakers.count; ++i) {
    const std::string_view breaker = breakers[i];
    const std::size_t in_text = std::min(breaker.size(), text.size());
    const std::size_t rest = breaker.size() - in_text;
    if (std::memcmp(breaker.data(), text.data(), in_text) != 0 || rest > behind.size()) continue;
    if (rest && std::memcmp(breaker.data() + in_text, behind.data(), rest) != 0) continue;
    longest = std::max(longest, breaker.size());
  }
  return longest;
}

// How many of the latest tokens, at most `most`, stand wholly behind the breaker that begins last.
std::size_t tokens_behind_breaker(const Draft& draft, const Backwards& text, std::size_t most) {
  char behind[ShortTexts::longest];  // the text behind token i, as much of it as a breaker needs
  std::size_t known = 0;
  for (std::size_t i = 0; i < most; ++i) {
    const std::string_view piece = draft.tokens.text_of(text.at(i));
    for (std::size_t at = piece.size(); at-- > 0;) {
      const std::string_view from{piece.data() + at, piece.size() - at};
      std::size_t bytes = breaker_at(*draft.breakers, from, {behind, known});
      if (bytes == 0) continue;
      std::size_t token = i, left = from.size();
      while (bytes > left) {
        bytes -= left;
        left = draft.tokens.text_of(text.at(--token)).size();
      }
      return token;
    }
    const std::size_t taken = std::min(piece.size(), sizeof behind);
    const std::size_t kept = std::min(known, sizeof behind - taken);
    std::memmove(behind + taken, behind, kept);
    if (taken) std::memcpy(behind, piece.data(), taken);
    known = taken + kept;
  }
  return most;
}

bool has_breaker(const Draft& draft, std::int32_t id) {
  const std::string_view piece = draft.tokens.text_of(id);
  for (std::size_t at = 0; at < piece.size(); ++at) {
    const std::string_view from{piece.data() + at, piece.size() - at};
    if (breaker_at(*draft.breakers, from, {}) > 0) return true;
  }
  return false;
}

// Keeps matches in the draft's scratch, cut at the breaker; 0 where the token is not to be touched.
void prepare(Draft& draft, Need&) {
  if (draft.options.dry_multiplier == 0.0f) return;
  const Backwards text(draft);
  const std::uint32_t allowed = draft.options.dry_allowed_length;
  const std::uint32_t longest = find_matches(text, draft.scratch);
  std::size_t most = 0;
  if (longest >= allowed) {
    most = draft.breakers ? tokens_behind_breaker(draft, text, longest) : longest;
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    std::uint32_t& n = draft.scratch[i];
    n = static_cast<std::uint32_t>(std::min<std::size_t>(n, most));
    const std::int32_t id = text.at(i - 1);
    if (n < allowed || (draft.breakers && has_breaker(draft, id))) {
      n = 0;
    } else {
      draft.candidates.touch(id);
    }
  }
}

float penalty_of(double n, const inlay_sampler_options& options) {
  const double power = (n - options.dry_allowed_length) * math::log(double{options.dry_base});
  return static_cast<float>(options.dry_multiplier * math::exp(std::min(power, 70.0)));
}

Status apply(Draft& draft, Error&) {
  if (draft.options.dry_multiplier == 0.0f) return Status::ok;
  Candidates& candidates = draft.candidates;
  candidates.logits_changed();
  const Backwards text(draft);
  // Weights are all 1 now; meanwhile they say 1 + n.
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (draft.scratch[i] == 0) continue;
    Candidate* c = candidates.find(text.at(i - 1));
    if (c) c->weight = std::max(c->weight, 1.0f + static_cast<float>(draft.scratch[i]));
  }
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (draft.scratch[i] == 0) continue;
    Candidate* c = candidates.find(text.at(i - 1));
    if (!c || c->weight == 1.0f) continue;
    if (c->logit != -infinity) {
      c->logit = shifted_logit(c->logit, -penalty_of(c->weight - 1.0f, draft.options));
    }
    c->weight = 1.0f;
  }
  return Status::ok;
}

}  // namespace

constinit const Stage dry_stage{check, apply, prepare};

}  // namespace inlay
