// bench.h - what benchmark programs share: words of the command line, order statistics, and
// prompts.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "inlay/inlay.hpp"

namespace bench {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

[[noreturn]] inline void fail(const std::string& text, int exit_status = 1) {
  std::fprintf(stderr, "%s\n", text.c_str());
  std::exit(exit_status);
}

// The value, or the end of the program with the error's text.
template <class T>
T need(inlay::Result<T> result) {
  if (!result) fail(result.error().text());
  return std::move(result).value();
}
inline void need(const inlay::Result<void>& result) {
  if (!result) fail(result.error().text());
}

// The words of the command line; what is asked for is taken off, and take_model or
// take_end ends it.
class Arguments {
 public:
  Arguments(int count, char** words, const char* usage)
      : words_(words + 1, words + count), usage_(usage) {}

  bool take_flag(std::string_view name) {
    const auto found = std::find(words_.begin(), words_.end(), name);
    if (found == words_.end()) return false;
    words_.erase(found);
    return true;
  }
  // Whole numbers from 1 on, separated by commas: the word that follows `name`.
  std::vector<std::uint32_t> take_list(std::string_view name, std::vector<std::uint32_t> fallback) {
    const auto found = std::find(words_.begin(), words_.end(), name);
    if (found == words_.end()) return fallback;
    if (found + 1 == words_.end()) complain();
    const std::vector<std::uint32_t> list = parse(found[1]);
    words_.erase(found, found + 2);
    return list;
  }
  std::uint32_t take_number(std::string_view name, std::uint32_t fallback) {
    const std::vector<std::uint32_t> list = take_list(name, {fallback});
    if (list.size() != 1) complain();
    return list[0];
  }
  // No word may be left.
  void take_end() const {
    if (!words_.empty()) complain();
  }
  // The one word that is left.
  std::string take_model() {
    if (words_.size() != 1 || words_[0].starts_with("-")) complain();
    return words_[0];
  }

 private:
  [[noreturn]] void complain() const { fail(std::string("usage: ") + usage_, 2); }

  std::vector<std::uint32_t> parse(const std::string& word) const {
    std::vector<std::uint32_t> list;
    const char* const end = word.data() + word.size();
    for (const char* at = word.data();; ++at) {
      std::uint32_t number = 0;
      const auto [next, status] = std::from_chars(at, end, number);
      if (status != std::errc() || number == 0) complain();
      list.push_back(number);
      if (next == end) return list;
      if (*next != ',') complain();
      at = next;
    }
  }

  std::vector<std::string> words_;
  const char* usage_;
};

// The smallest value that `part` (0 to 1) of all are not above; values are not empty.
inline double quantile(std::vector<double> values, double part) {
  const double place = std::ceil(part * static_cast<double>(values.size()));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(std::max(place, 1.0) - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
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
