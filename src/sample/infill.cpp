// infill.cpp - for filling a gap in a text: rather ends than goes astray (llama.cpp #9896).
//
//   of the n best, 128 at most, e: the probability of tokens that end, w: of the others
//   3 e n > w: only tokens that end stay
//   else the less likely of two where one text begins the other adds its p to the likelier one and
//   goes; then tokens under 0.2 go, and, with the m others that are left and p anew, those under
//   1 / (m + 1); never those that end. Nothing but ends left: the likeliest end, or end of text.
#include <algorithm>
#include <cstring>
#include <limits>

#include "sample/stage.h"

namespace inlay {
namespace {

constexpr std::size_t looked_at = 128;

struct Option {
  Candidate candidate;
  double p;
  bool ends, gone;
  std::string_view text;
};

Status check(const inlay_sampler_options& options, std::uint32_t, Error& error) {
  if (options.infill <= 1) return Status::ok;
  return fail(error, Status::argument, "infill: {}, expected 0 or 1", options.infill);
}

bool begins(std::string_view a, std::string_view b) {
  return !a.empty() && a.size() <= b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

// The likelier of two, and the earlier in the list on a tie, takes the other's probability.
void merge(std::span<Option> options) {
  for (Option& a : options) {
    for (Option& b : options) {
      if (a.gone) break;
      if (&a == &b || b.gone || !begins(a.text, b.text)) continue;
      Option& into = b.p > a.p ? b : a;
      Option& from = b.p > a.p ? a : b;
      into.p += from.p;
      from.p = 0;
      from.gone = true;
    }
  }
}

// Whatever does not end and is under `least` goes; the rest adds up to 1. Returns how many of them
// do not end.
std::size_t drop_under(std::span<Option> options, double least) {
  std::size_t others = 0;
  double sum = 0;
  for (Option& o : options) {
    o.gone = o.gone || (!o.ends && o.p < least);
    if (o.gone) continue;
    others += !o.ends;
    sum += o.p;
  }
  for (Option& o : options) o.p = sum > 0 ? o.p / sum : o.p;
  return others;
}

bool is_allowed(const Candidate& c) { return c.logit > -std::numeric_limits<float>::infinity(); }

// Without one, the end of text where it is not forbidden, though a stage may have dropped it; else
// the best of all stays.
Candidate likeliest_end(const Draft& draft, std::span<const Option> options) {
  for (const Option& o : options) {
    if (o.ends && !o.gone) return o.candidate;
  }
  Candidate end = options[0].candidate;
  if (draft.may_end) end.id = draft.tokens.end;
  return end;
}

void keep(Draft& draft, std::span<Option> options) {
  std::sort(options.begin(), options.end(),
            [](const Option& a, const Option& b) { return a.candidate.id < b.candidate.id; });
  std::size_t count = 0;
  for (const Option& o : options) {
    if (o.gone) continue;
    draft.candidates[count] = o.candidate;
    draft.candidates[count++].weight = static_cast<float>(o.p);
  }
  draft.candidates.shorten(count);
}

std::size_t fill(const Draft& draft, Option* options) {
  const auto list = draft.candidates.list();
  const double total = draft.candidates.total_weight();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::int32_t id = list[i].id;
    options[i] = {list[i], list[i].weight / total, draft.tokens.ends(id), !is_allowed(list[i]),
                  draft.tokens.text_of(id)};
  }
  std::sort(options, options + list.size(), [](const Option& a, const Option& b) {
    return a.p != b.p ? a.p > b.p : a.candidate.id < b.candidate.id;
  });
  return list.size();
}

Status apply(Draft& draft, Error& error) {
  if (!draft.options.infill) return Status::ok;
  INLAY_TRY(weigh(draft, error));
  const Candidate* end = draft.candidates.find(draft.tokens.end);
  draft.may_end = draft.may_end && (!end || is_allowed(*end));
  draft.candidates.keep_top(looked_at);
  Option memory[looked_at];
  const std::span<Option> options{memory, fill(draft, memory)};
  double ending = 0, text = 0;
  for (const Option& o : options) (o.ends ? ending : text) += o.p;
  if (3 * ending * static_cast<double>(options.size()) > text) {
    for (Option& o : options) o.gone = o.gone || !o.ends;
    keep(draft, options);
    return Status::ok;
  }
  merge(options);
  const std::size_t others = drop_under(options, 0.2);
  if (others == 0) {
    draft.candidates.keep_only(likeliest_end(draft, options));
    return Status::ok;
  }
  drop_under(options, 1.0 / static_cast<double>(others + 1));
  keep(draft, options);
  return Status::ok;
}

void prepare(Draft& draft, Need& need) {
  if (!draft.options.infill) return;
  need.limit(looked_at);
  constexpr float forbidden = -std::numeric_limits<float>::infinity();
  const std::int32_t end = draft.tokens.end;
  draft.may_end = end >= 0 && static_cast<std::size_t>(end) < draft.logits.size() &&
                  draft.logits[static_cast<std::size_t>(end)] > forbidden;
  for (const inlay_logit_bias& b : draft.bias) {
    if (b.token == end && b.bias == forbidden) draft.may_end = false;
  }
}

}  // namespace

constinit const Stage infill_stage{
    .check = check, .apply = apply, .prepare = prepare, .truncates = true};

}  // namespace inlay
