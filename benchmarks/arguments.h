// arguments.h - the words of a benchmark's command line, and the end of one that cannot go on.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

[[noreturn]] inline void fail(const std::string& text, int exit_status = 1) {
  std::fprintf(stderr, "%s\n", text.c_str());
  std::exit(exit_status);
}

// The words of the command line; what is asked for is taken off, take_model or take_end ends it.
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
  // The word that follows `name`.
  std::string take_word(std::string_view name, const std::string& fallback) {
    const auto found = std::find(words_.begin(), words_.end(), name);
    if (found == words_.end()) return fallback;
    if (found + 1 == words_.end()) complain();
    const std::string word = found[1];
    words_.erase(found, found + 2);
    return word;
  }
  // Whole numbers from 1 on, separated by commas: the word that follows `name`.
  std::vector<std::uint32_t> take_list(std::string_view name, std::vector<std::uint32_t> fallback) {
    const std::string word = take_word(name, "");
    return word.empty() ? fallback : parse(word);
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
  // The words that are left, at least `least`.
  std::vector<std::string> take_rest(std::size_t least) {
    if (words_.size() < least) complain();
    for (const std::string& word : words_) {
      if (word.starts_with("-")) complain();
    }
    return std::move(words_);
  }
  // The one word that is left.
  std::string take_model() {
    if (words_.size() != 1) complain();
    return take_rest(1)[0];
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

}  // namespace bench
