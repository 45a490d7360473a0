// candidates.cpp - filling, searching and shortening the list of candidates.
#include "sample/candidates.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace inlay {
namespace {

// A number that is smaller for a better logit; equal for equal logits, -0 and +0 among them.
std::uint32_t rank_of(float logit) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(logit + 0.0f);
  return bits >> 31 ? bits : ~bits & 0x7fffffffu;
}

constexpr float infinity = std::numeric_limits<float>::infinity();

std::size_t blocks_of(std::size_t vocabulary) {
  return (vocabulary + Candidates::block_tokens - 1) / Candidates::block_tokens;
}

struct BlockSurvey {
  float largest;
  bool sound;  // no NaN, no +infinity
};

// Lanes, so that compilers make vector code of it.
BlockSurvey survey_whole(const float* logits) {
  constexpr std::size_t lanes = 16;
  float largest[lanes];
  std::int32_t unsound[lanes] = {};
  std::fill_n(largest, lanes, -infinity);
  for (std::size_t i = 0; i < Candidates::block_tokens; i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float x = logits[i + l];
      unsound[l] |= x < infinity ? 0 : -1;
      largest[l] = x > largest[l] ? x : largest[l];
    }
  }
  std::int32_t any = 0;
  for (const std::int32_t lane : unsound) any |= lane;
  return {*std::max_element(largest, largest + lanes), any == 0};
}

BlockSurvey survey_part(std::span<const float> logits) {
  BlockSurvey survey{-infinity, true};
  for (const float x : logits) {
    survey.sound &= x < infinity;
    if (x > survey.largest) survey.largest = x;
  }
  return survey;
}

}  // namespace

std::size_t Candidates::bytes(std::uint32_t vocabulary) {
  return alignof(double) + bin_lanes * bins * sizeof(double) + vocabulary * sizeof(Candidate) +
         2 * blocks_of(vocabulary) * sizeof(float);
}

Candidates::Candidates(std::span<std::byte> memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  std::byte* block = memory.data() + (0 - address) % alignof(double);
  bins_ = static_cast<double*>(static_cast<void*>(block));
  list_ = static_cast<Candidate*>(static_cast<void*>(block + bin_lanes * bins * sizeof(double)));
}

void Candidates::fill(std::span<const float> logits) {
  begin();
  size_ = logits.size();
  for (std::size_t i = 0; i < size_; ++i) {
    list_[i] = {static_cast<std::int32_t>(i), logits[i], 1.0f};
  }
}

bool Candidates::survey(std::span<const float> logits) {
  const std::size_t blocks = blocks_of(logits.size());
  float* behind = static_cast<float*>(static_cast<void*>(list_ + logits.size()));
  largest_ = {behind, blocks};
  sorted_ = {behind + blocks, blocks};
  touched_ = 0;
  bool sound = true;
  for (std::size_t b = 0; b < blocks; ++b) {
    const auto block = logits.subspan(b * block_tokens);
    const BlockSurvey found =
        block.size() < block_tokens ? survey_part(block) : survey_whole(block.data());
    largest_[b] = found.largest;
    sound &= found.sound;
  }
  return sound;
}

void Candidates::touch(std::int32_t id) {
  const auto token = static_cast<std::size_t>(id);  // a negative one is outside, too
  if (token / block_tokens >= largest_.size()) return;
  largest_[token / block_tokens] = infinity;
  ++touched_;
}

// Of the blocks with the `count` + touched largest logits at least `count` are untouched: their
// largest logits are `count` tokens as good as the last of these blocks.
void Candidates::fill_best(std::span<const float> logits, std::size_t count, float floor) {
  float least = floor;
  if (count < largest_.size() && touched_ < largest_.size() - count) {
    std::copy(largest_.begin(), largest_.end(), sorted_.begin());
    const auto last = sorted_.begin() + static_cast<std::ptrdiff_t>(count + touched_ - 1);
    std::nth_element(sorted_.begin(), last, sorted_.end(), [](float a, float b) { return a > b; });
    least = std::max(least, *last);
  }
  if (least == -infinity) return fill(logits);
  begin();
  for (std::size_t b = 0; b < largest_.size(); ++b) {
    if (largest_[b] < least) continue;
    const float wanted = largest_[b] < infinity ? least : -infinity;
    const std::size_t end = std::min((b + 1) * block_tokens, logits.size());
    for (std::size_t i = b * block_tokens; i < end; ++i) {  // as in keep_if
      list_[size_] = {static_cast<std::int32_t>(i), logits[i], 1.0f};
      size_ += logits[i] >= wanted ? 1 : 0;
    }
  }
}

float Candidates::largest_untouched() const {
  float largest = -infinity;
  for (const float x : largest_) largest = x < infinity && x > largest ? x : largest;
  return largest;
}

double Candidates::total_of(std::span<const float> logits, float divisor) {
  constexpr std::size_t lanes = 8;
  static_assert(piece_size % lanes == 0);
  const float largest = largest_untouched();
  foreseen_ = {static_cast<float*>(static_cast<void*>(list_)), logits.size()};
  double sums[lanes] = {};
  Piece below, weights;
  for (std::size_t begin = 0; begin < logits.size(); begin += piece_size) {
    const std::size_t count = std::min(piece_size, logits.size() - begin);
    for (std::size_t i = 0; i < count; ++i) below[i] = logits[begin + i];
    for (std::size_t i = count; i < piece_size; ++i) below[i] = -infinity;  // adds nothing
    for (std::size_t i = 0; i < piece_size; ++i) below[i] = (below[i] - largest) / divisor;
    weigh_piece(below, weights);
    std::copy_n(weights, count, &foreseen_[begin]);
    for (std::size_t i = 0; i < piece_size; i += lanes) {
      for (std::size_t l = 0; l < lanes; ++l) sums[l] += weights[i + l];
    }
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

double Candidates::total_from(double least) const {
  constexpr std::size_t lanes = 16;
  float sums[lanes] = {};
  const auto wanted = static_cast<float>(least);
  const std::size_t whole = foreseen_.size() / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float weight = foreseen_[i + l];
      sums[l] += weight >= wanted ? weight : 0.0f;
    }
  }
  double total = 0;
  for (const float sum : sums) total += sum;
  // Each of the additions of a lane is off by 2^-24 at most.
  return total * (1 - static_cast<double>(whole / lanes) * 0x1p-23);
}

Candidate* Candidates::find(std::int32_t id) {
  Candidate* end = list_ + size_;
  Candidate* found = std::lower_bound(
      list_, end, id, [](const Candidate& c, std::int32_t wanted) { return c.id < wanted; });
  return found != end && found->id == id ? found : nullptr;
}

namespace {

// The largest of a list that is not empty; values are no NaN.
template <class Value>
float largest_of(std::span<const Candidate> list, Value value) {
  constexpr std::size_t lanes = 8;
  float largest[lanes];
  std::fill_n(largest, lanes, value(list[0]));
  std::size_t i = 0;
  for (; i + lanes <= list.size(); i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) {
      const float x = value(list[i + l]);
      largest[l] = x > largest[l] ? x : largest[l];
    }
  }
  for (; i < list.size(); ++i) largest[0] = std::max(largest[0], value(list[i]));
  return *std::max_element(largest, largest + lanes);
}

}  // namespace

float Candidates::largest_logit() const {
  return largest_of(list(), [](const Candidate& c) { return c.logit; });
}

float Candidates::largest_weight() const {
  return largest_of(list(), [](const Candidate& c) { return c.weight; });
}

const Candidate& Candidates::best() const {
  const float largest = largest_logit();
  const Candidate* best = list_;
  while (best->logit != largest) ++best;
  return *best;
}

Candidates::Moments Candidates::moments() const {
  constexpr std::size_t lanes = 8;
  const float largest = largest_logit();
  double totals[lanes] = {}, below[lanes] = {};
  const auto add = [&](const Candidate& c, std::size_t lane) {
    const float x = c.weight > 0.0f ? c.logit - largest : 0.0f;
    totals[lane] += c.weight;
    below[lane] += static_cast<double>(c.weight) * static_cast<double>(x);
  };
  std::size_t i = 0;
  for (; i + lanes <= size_; i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) add(list_[i + l], l);
  }
  for (; i < size_; ++i) add(list_[i], i % lanes);
  Moments sums{0, 0};
  for (std::size_t l = 0; l < lanes; ++l) {
    sums.total += totals[l];
    sums.below += below[l];
  }
  return sums;
}

double Candidates::total_weight() const {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= size_; i += lanes) {
    for (std::size_t l = 0; l < lanes; ++l) sums[l] += list_[i + l].weight;
  }
  for (; i < size_; ++i) sums[i % lanes] += list_[i].weight;
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

void Candidates::keep_best(double target) {
  keep_ranked(
      target, [](const Candidate& c) { return rank_of(c.logit); },
      [](const Candidate& c) { return double{c.weight}; });
}

void Candidates::keep_top(std::size_t count) {
  if (count >= size_) return;
  keep_ranked(
      static_cast<double>(count), [](const Candidate& c) { return rank_of(c.logit); },
      [](const Candidate&) { return 1.0; });
}

std::size_t Candidates::best_weights(std::span<float> weights) const {
  std::size_t count = 0;  // a heap with the least on top
  const auto more = [](float a, float b) { return a > b; };
  for (const Candidate& c : list()) {
    if (count < weights.size()) {
      weights[count++] = c.weight;
      std::push_heap(weights.data(), weights.data() + count, more);
    } else if (c.weight > weights[0]) {
      std::pop_heap(weights.data(), weights.data() + count, more);
      weights[count - 1] = c.weight;
      std::push_heap(weights.data(), weights.data() + count, more);
    }
  }
  std::sort(weights.data(), weights.data() + count, more);
  return count;
}

bool Candidates::weigh() {
  if (weighed_) return true;
  const float largest = largest_logit();
  if (largest == -infinity) return false;
  change_pieces([=](const Piece& logits, Piece& weights) {
    Piece below;
    for (std::size_t i = 0; i < piece_size; ++i) below[i] = logits[i] - largest;
    weigh_piece(below, weights);
  });
  weighed_ = true;
  return true;
}

bool Candidates::cool(float divisor) {
  constexpr float limit = std::numeric_limits<float>::max();
  const float largest = largest_logit();
  if (largest == -infinity) return false;
  change_pieces([=](Piece& logits, Piece& weights) {
    for (std::size_t i = 0; i < piece_size; ++i) logits[i] = (logits[i] - largest) / divisor;
    weigh_piece(logits, weights);
  });
  shift_ = std::clamp((shift_ + largest) / divisor, -limit, limit);
  weighed_ = true;
  return true;
}

void Candidates::logits_changed() {
  if (!weighed_) return;
  for (Candidate& c : list()) c.weight = 1.0f;
  weighed_ = false;
}

float shifted_logit(float logit, float amount) {
  constexpr float limit = std::numeric_limits<float>::max();
  if (logit == -infinity || amount == -infinity) return -infinity;
  return std::clamp(logit + amount, -limit, limit);
}

}  // namespace inlay
