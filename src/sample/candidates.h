// candidates.h - the tokens that may still be drawn, always in ascending order of their ids.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/status.h"
#include "sample/weight.h"

namespace inlay {

// id; logit (-infinity: never drawn; after the temperature stage relative to the largest); weight,
// in proportion to the probability once the list is weighed, 1 before.
using Candidate = inlay_candidate;

// A list in memory of the caller that stages change and shorten. As the order of the list never
// changes, sums over it have one order too.
class Candidates {
 public:
  // Bins of one pass of keep_best, in four lanes: neighbours often fall into one bin.
  static constexpr std::size_t bins = 2048, bin_lanes = 4;
  // Tokens that fill_best takes or leaves together.
  static constexpr std::size_t block_tokens = 64;
  // Bytes of memory for a vocabulary, whatever the alignment of the block.
  static std::size_t bytes(std::uint32_t vocabulary);

  Candidates() = default;
  // `memory` has at least bytes(vocabulary) bytes and is borrowed.
  explicit Candidates(std::span<std::byte> memory);

  // All tokens, with weight 1.
  void fill(std::span<const float> logits);

  // In three calls, the same for a sampler that looks at the best tokens only; most of a vocabulary
  // is then read once. First: false when a logit is NaN or +infinity.
  bool survey(std::span<const float> logits);
  // Second: a token whose logit will be changed.
  void touch(std::int32_t id);
  // Third: every touched token, the `count` best of the others (all that tie with the last of
  // them) as far as their logits reach `floor`, and some more.
  void fill_best(std::span<const float> logits, std::size_t count, float floor);
  // In between: the largest logit that nobody touches, and whether none is touched; and
  // total_weight() of all tokens, cooled by `divisor`, where that is so.
  float largest_untouched() const;
  bool untouched() const { return touched_ == 0; }
  double total_of(std::span<const float> logits, float divisor);
  // Behind total_of: how much of it tokens of at least that weight have, never too much.
  double total_from(double least) const;

  std::size_t size() const { return size_; }
  Candidate& operator[](std::size_t i) { return list_[i]; }
  std::span<Candidate> list() { return {list_, size_}; }
  std::span<const Candidate> list() const { return {list_, size_}; }

  // The candidate with this id, or nullptr when it is not (or no longer) there.
  Candidate* find(std::int32_t id);
  // The one with the largest logit, the lowest id on a tie; size() is not 0.
  const Candidate& best() const;
  // Its logit, and its weight, without the search.
  float largest_logit() const;
  float largest_weight() const;
  // Sums of weights, and of weights times what logits are under the largest; lanes as below.
  struct Moments {
    double total, below;
  };
  Moments moments() const;
  // The sum of all weights, in eight lanes, lane = index mod 8.
  double total_weight() const;

  // Makes weights exp(logit - largest) unless they are that. False: every token is forbidden.
  bool weigh();
  // Logits are divided by `divisor` (over 0), relative to the largest, and weighed.
  bool cool(float divisor);
  // Logits have changed: weights are 1 until the list is weighed again.
  void logits_changed();
  // Calls change(logits, weights) for pieces of the list, side by side, so that compilers make
  // vector code of it. What is behind the end of the list may be anything.
  template <class Change>
  void change_pieces(Change change);
  // What is to be added to a logit to have the model's own, as far as stages have shifted it.
  float shift() const { return shift_; }

  // Keeps the shortest list of best candidates (larger logit first, lower id on a tie) whose
  // weights reach `target` together; everything when they do not. O(size), without sorting.
  void keep_best(double target);
  // The `count` best; all where there are no more.
  void keep_top(std::size_t count);
  // Weights of the best, in falling order, as many as there is room for; how many.
  std::size_t best_weights(std::span<float> weights) const;
  // keep_best where the best has the lowest score(candidate), a float from 0 on.
  template <class Score>
  void keep_lowest(double target, Score score);
  void keep_only(Candidate kept) {
    list_[0] = kept;
    size_ = 1;
  }
  // Keeps the first `count`, which are in the order of their ids.
  void shorten(std::size_t count) { size_ = count; }
  // Keeps those for which `wanted` is true.
  template <class Wanted>
  void keep_if(Wanted wanted) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {  // without a branch, which nobody could foresee
      const Candidate c = list_[i];
      list_[kept] = c;
      kept += wanted(c) ? 1 : 0;
    }
    size_ = kept;
  }

 private:
  Candidate* list_ = nullptr;
  double* bins_ = nullptr;  // (bin_lanes, bins), scratch of keep_best
  // Behind the list, (blocks) each: the largest logit, or infinity of touched ones; scratch.
  std::span<float> largest_, sorted_;
  std::span<float> foreseen_;  // weights of total_of, in the memory of the list
  std::size_t touched_ = 0;
  std::size_t size_ = 0;
  float shift_ = 0;
  bool weighed_ = false;

  void begin() {
    size_ = 0;
    shift_ = 0;
    weighed_ = false;
  }
  template <class Rank, class Amount>
  void keep_ranked(double target, Rank rank_of, Amount amount_of);
};

// logit + amount for a finite sum: -infinity forbids, nothing else leaves the range of float.
float shifted_logit(float logit, float amount);

template <class Change>
void Candidates::change_pieces(Change change) {
  Piece logits, weights;
  for (std::size_t i = 0; i < piece_size; ++i) logits[i] = weights[i] = 0;
  for (std::size_t begin = 0; begin < size_; begin += piece_size) {
    const std::size_t count = size_ - begin < piece_size ? size_ - begin : piece_size;
    for (std::size_t i = 0; i < count; ++i) {
      logits[i] = list_[begin + i].logit;
      weights[i] = list_[begin + i].weight;
    }
    change(logits, weights);
    for (std::size_t i = 0; i < count; ++i) {
      list_[begin + i].logit = logits[i];
      list_[begin + i].weight = weights[i];
    }
  }
}

// A radix selection: digit by digit it finds the rank (smaller is better) at which the target is
// reached. What is surely behind it goes at once.
template <class Rank, class Amount>
void Candidates::keep_ranked(double target, Rank rank_of, Amount amount_of) {
  struct Digit {
    unsigned shift, width;
  };
  constexpr Digit digits[] = {{21, 11}, {10, 11}, {0, 10}};  // the most significant first
  std::uint32_t cut = 0;                                     // leading digits of that rank
  std::uint32_t known = 0;                                   // mask of these digits
  double better = 0;  // weight of everything with a smaller rank
  for (const Digit digit : digits) {
    const std::uint32_t mask = (1u << digit.width) - 1;
    for (std::size_t i = 0; i < bin_lanes * bins; ++i) bins_[i] = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      const std::uint32_t rank = rank_of(list_[i]);
      if ((rank & known) != cut) continue;
      bins_[i % bin_lanes * bins + (rank >> digit.shift & mask)] += amount_of(list_[i]);
    }
    for (std::size_t lane = 1; lane < bin_lanes; ++lane) {
      for (std::size_t i = 0; i < bins; ++i) bins_[i] += bins_[lane * bins + i];
    }
    std::uint32_t last = mask;  // the last bin that holds anything
    while (last > 0 && bins_[last] == 0) --last;
    std::uint32_t bin = 0;
    while (bin < last && better + bins_[bin] < target) better += bins_[bin++];
    cut |= bin << digit.shift;
    known |= mask << digit.shift;
    keep_if([&](const Candidate& c) { return (rank_of(c) & known) <= cut; });
  }
  keep_if([&](const Candidate& c) {
    if (rank_of(c) != cut) return true;
    if (better >= target) return false;
    better += amount_of(c);
    return true;
  });
}

template <class Score>
void Candidates::keep_lowest(double target, Score score) {
  keep_ranked(
      target,
      [&](const Candidate& c) {
        return std::bit_cast<std::uint32_t>(static_cast<float>(score(c)) + 0.0f);
      },
      [](const Candidate& c) { return double{c.weight}; });
}

}  // namespace inlay
