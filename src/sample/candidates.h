// candidates.h - the tokens that may still be drawn, always in ascending order of their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace inlay {

struct Candidate {
  std::int32_t id;
  float logit;   // -infinity: never drawn; after the temperature stage relative to the largest
  float weight;  // 1 until the temperature stage makes it exp(logit)
};

// A list in memory of the caller that stages change and shorten. As the order of the list never
// changes, sums over it have one order too.
class Candidates {
 public:
  // Bins of one pass of keep_best.
  static constexpr std::size_t bins = 2048;
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
  // them), and some more.
  void fill_best(std::span<const float> logits, std::size_t count);

  std::size_t size() const { return size_; }
  Candidate& operator[](std::size_t i) { return list_[i]; }
  std::span<Candidate> list() { return {list_, size_}; }
  std::span<const Candidate> list() const { return {list_, size_}; }

  // The candidate with this id, or nullptr when it is not (or no longer) there.
  Candidate* find(std::int32_t id);
  // The one with the largest logit, the lowest id on a tie; size() is not 0.
  const Candidate& best() const;
  // The sum of all weights, in list order.
  double total_weight() const;

  // Keeps the shortest list of best candidates (larger logit first, lower id on a tie) whose
  // weights reach `target` together; everything when they do not. O(size), without sorting.
  void keep_best(double target);
  void keep_only(Candidate kept) {
    list_[0] = kept;
    size_ = 1;
  }
  // Keeps those for which `wanted` is true.
  template <class Wanted>
  void keep_if(Wanted wanted) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (wanted(list_[i])) list_[kept++] = list_[i];
    }
    size_ = kept;
  }

 private:
  Candidate* list_ = nullptr;
  double* bins_ = nullptr;  // (bins), scratch of keep_best
  // Behind the list, (blocks) each: the largest logit, or infinity of touched ones; scratch.
  std::span<float> largest_, sorted_;
  std::size_t touched_ = 0;
  std::size_t size_ = 0;
};

// logit + amount for a finite sum: -infinity forbids, nothing else leaves the range of float.
float shifted_logit(float logit, float amount);

}  // namespace inlay
