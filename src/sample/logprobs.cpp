// logprobs.cpp - log-softmax in double precision, of which only the best are listed.
#include "sample/logprobs.h"

#include <algorithm>
#include <limits>

#include "base/math.h"

namespace inlay {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

bool is_better(const inlay_logprob& a, const inlay_logprob& b) {
  return a.logprob != b.logprob ? a.logprob > b.logprob : a.token < b.token;
}

// The best of what comes, in a heap with the worst on top.
class Best {
 public:
  explicit Best(std::span<inlay_logprob> room) : room_(room) {}

  // Whether something of this size has a chance, which spares most of the work.
  bool wants(float value) const { return count_ < room_.size() || value > floor_; }
  void add(inlay_logprob entry) {
    if (room_.empty()) return;
    inlay_logprob* const list = room_.data();
    if (count_ == room_.size()) {
      if (!is_better(entry, list[0])) return;
      std::pop_heap(list, list + count_--, is_better);
    }
    list[count_++] = entry;
    std::push_heap(list, list + count_, is_better);
    floor_ = list[0].logprob;
  }
  std::size_t sort() {
    std::sort(room_.data(), room_.data() + count_, is_better);
    return count_;
  }

 private:
  std::span<inlay_logprob> room_;
  std::size_t count_ = 0;
  float floor_ = 0;
};

}  // namespace

namespace {

constexpr std::size_t lanes = 16;

float largest_of(std::span<const float> logits) {
  float largest[lanes];
  std::fill_n(largest, lanes, -infinity);
  std::size_t i = 0;
  for (; i + lanes <= logits.size(); i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float x = logits[i + l];
      largest[l] = x > largest[l] ? x : largest[l];
    }
  }
  for (; i < logits.size(); ++i) largest[0] = std::max(largest[0], logits[i]);
  return *std::max_element(largest, largest + lanes);
}

}  // namespace

double log_sum_exp(std::span<const float> logits) {
  const float largest = largest_of(logits);
  if (largest == -infinity) return -std::numeric_limits<double>::infinity();
  double sums[lanes] = {};
  for (std::size_t begin = 0; begin < logits.size(); begin += piece_size) {
    const std::size_t count = std::min(piece_size, logits.size() - begin);
    Piece below, weights;
    for (std::size_t i = 0; i < count; ++i) below[i] = logits[begin + i] - largest;
    for (std::size_t i = count; i < piece_size; ++i) below[i] = -infinity;
    weigh_piece(below, weights);
    for (std::size_t i = 0; i < piece_size; ++i) sums[i % lanes] += weights[i];
  }
  double sum = 0;
  for (const double part : sums) sum += part;
  return static_cast<double>(largest) + math::log(sum);
}

std::size_t top_logprobs(std::span<const float> logits, double log_sum,
                         std::span<inlay_logprob> top) {
  Best best(top);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (best.wants(logits[i])) best.add({static_cast<std::int32_t>(i), logits[i]});
  }
  const std::size_t count = best.sort();
  for (inlay_logprob& entry : top.first(count)) {
    if (entry.logprob == -infinity) continue;
    entry.logprob = static_cast<float>(static_cast<double>(entry.logprob) - log_sum);
  }
  return count;
}

void guide(const float* logits, double sum, const float* negative, double negative_sum, float scale,
           std::span<float> out) {
  constexpr double limit = std::numeric_limits<float>::max();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool forbidden = logits[i] == -infinity || negative[i] == -infinity;
    const double c = logits[i] - sum, u = negative[i] - negative_sum;
    const double guided = std::clamp(u + static_cast<double>(scale) * (c - u), -limit, limit);
    out[i] = forbidden ? -infinity : static_cast<float>(guided);
  }
}

void model_logprobs(std::span<const float> logits, std::int32_t token, std::size_t count,
                    LogProbs* out) {
  const double sum = log_sum_exp(logits);
  const std::span<inlay_logprob> top{out->top, count};
  out->count = static_cast<std::uint32_t>(top_logprobs(logits, sum, top));
  const double logit = logits[static_cast<std::size_t>(token)];
  out->token = {token, static_cast<float>(logit - sum)};
}

float candidate_logprob(const Candidate& drawn, double total) {
  if (drawn.weight <= 0.0f) return -infinity;
  return static_cast<float>(math::log(static_cast<double>(drawn.weight) / total));
}

void candidate_logprobs(const Candidates& candidates, std::size_t count, LogProbs* out) {
  Best best(std::span(out->top).first(count));
  for (const Candidate& c : candidates.list()) {
    if (best.wants(c.weight)) best.add({c.id, c.weight});
  }
  out->count = static_cast<std::uint32_t>(best.sort());
  const double total = candidates.total_weight();
  for (inlay_logprob& entry : std::span(out->top).first(out->count)) {
    entry.logprob = candidate_logprob({entry.token, 0, entry.logprob}, total);
  }
}

}  // namespace inlay
