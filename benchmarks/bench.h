// bench.h - what benchmarks of sessions share: results of the library, prompts, and the headers
// beside this one.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "arguments.h"
#include "figures.h"
#include "inlay/inlay.hpp"

namespace bench {

// The value, or the end of the program with the error's text.
template <class T>
T need(inlay::Result<T> result) {
  if (!result) fail(result.error().text());
  return std::move(result).value();
}
inline void need(const inlay::Result<void>& result) {
  if (!result) fail(result.error().text());
}

// The next `tokens` tokens of a sequence; none of them ends its text.
inline void generate(inlay::Session& session, inlay::Sequence sequence,
                     const inlay::SamplerOptions& sampler, std::uint32_t tokens) {
  need(session.set_stop(sequence, {}, {.ignore_end = true}));
  need(session.generate(sequence, sampler, tokens));
}

// Arbitrary tokens that go on from prompt to prompt, so that no two share a prefix.
class Prompts {
 public:
  explicit Prompts(std::uint32_t vocabulary) : vocabulary_(vocabulary) {}

  std::vector<std::int32_t> next(std::uint32_t count) {
    std::vector<std::int32_t> ids(count);
    for (std::int32_t& id : ids) {  // a linear congruence (Knuth's MMIX constants)
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      id = static_cast<std::int32_t>((state_ >> 33) % vocabulary_);
    }
    return ids;
  }

 private:
  std::uint32_t vocabulary_;
  std::uint64_t state_ = 1;
};

}  // namespace bench
