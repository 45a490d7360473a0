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

// One digit of a rank; the first is the most significant.
struct Digit {
  unsigned shift;
  unsigned width;
};
constexpr Digit digits[] = {{21, 11}, {10, 11}, {0, 10}};

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
  return alignof(double) + bins * sizeof(double) + vocabulary * sizeof(Candidate) +
         2 * blocks_of(vocabulary) * sizeof(float);
}

Candidates::Candidates(std::span<std::byte> memory) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  std::byte* block = memory.data() + (0 - address) % alignof(double);
  bins_ = static_cast<double*>(static_cast<void*>(block));
  list_ = static_cast<Candidate*>(static_cast<void*>(block + bins * sizeof(double)));
}

void Candidates::fill(std::span<const float> logits) {
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
void Candidates::fill_best(std::span<const float> logits, std::size_t count) {
  if (count >= largest_.size() || touched_ >= largest_.size() - count) return fill(logits);
  std::copy(largest_.begin(), largest_.end(), sorted_.begin());
  const auto last = sorted_.begin() + static_cast<std::ptrdiff_t>(count + touched_ - 1);
  std::nth_element(sorted_.begin(), last, sorted_.end(), [](float a, float b) { return a > b; });
  size_ = 0;
  for (std::size_t b = 0; b < largest_.size(); ++b) {
    if (largest_[b] < *last) continue;
    const std::size_t end = std::min((b + 1) * block_tokens, logits.size());
    for (std::size_t i = b * block_tokens; i < end; ++i) {
      list_[size_++] = {static_cast<std::int32_t>(i), logits[i], 1.0f};
    }
  }
}

Candidate* Candidates::find(std::int32_t id) {
  Candidate* end = list_ + size_;
  Candidate* found = std::lower_bound(
      list_, end, id, [](const Candidate& c, std::int32_t wanted) { return c.id < wanted; });
  return found != end && found->id == id ? found : nullptr;
}

const Candidate& Candidates::best() const {
  const Candidate* best = list_;
  for (const Candidate& c : list()) {
    if (c.logit > best->logit) best = &c;
  }
  return *best;
}

double Candidates::total_weight() const {
  double total = 0;
  for (const Candidate& c : list()) total += c.weight;
  return total;
}

// A radix selection: digit by digit it finds the rank at which the target is reached.
void Candidates::keep_best(double target) {
  std::uint32_t cut = 0;    // leading digits of that rank
  std::uint32_t known = 0;  // mask of these digits
  double better = 0;        // weight of everything with a smaller rank
  for (const Digit digit : digits) {
    const std::uint32_t mask = (1u << digit.width) - 1;
    std::fill_n(bins_, bins, 0.0);
    for (const Candidate& c : list()) {
      const std::uint32_t rank = rank_of(c.logit);
      if ((rank & known) == cut) bins_[rank >> digit.shift & mask] += c.weight;
    }
    std::uint32_t last = mask;  // the last bin that holds anything
    while (last > 0 && bins_[last] == 0) --last;
    std::uint32_t bin = 0;
    while (bin < last && better + bins_[bin] < target) better += bins_[bin++];
    cut |= bin << digit.shift;
    known |= mask << digit.shift;
  }
  keep_if([&](const Candidate& c) {
    const std::uint32_t rank = rank_of(c.logit);
    if (rank != cut) return rank < cut;
    if (better >= target) return false;
    better += c.weight;
    return true;
  });
}

float shifted_logit(float logit, float amount) {
  constexpr float limit = std::numeric_limits<float>::max();
  if (logit == -infinity || amount == -infinity) return -infinity;
  return std::clamp(logit + amount, -limit, limit);
}

}  // namespace inlay
