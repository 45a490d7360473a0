// rank_vocabulary.h - byte-level vocabularies from files of "base64 rank" lines, as tiktoken has
// them.
#pragma once

#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

#include "unit/text/vocabulary.h"

namespace inlay::test {

inline std::string decode_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string::npos) break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    if ((count += 6) >= 8) bytes.push_back(static_cast<char>(bits >> (count -= 8)));
  }
  return bytes;
}

// The merge that makes a token is the one its bytes end in when only lower ranks merge.
inline std::string last_merge(const std::string& bytes, std::size_t rank,
                              const std::unordered_map<std::string, std::size_t>& ranks) {
  std::vector<std::string> parts;
  for (const char c : bytes) parts.emplace_back(1, c);
  while (parts.size() > 2) {
    std::size_t best = rank;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find(parts[i] + parts[i + 1]);
      if (found != ranks.end() && found->second < best) best = found->second, at = i;
    }
    if (best == rank) return "";
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
  const auto spell = [](const std::string& part) {
    std::string text;
    for (const char c : part) text += byte_character(static_cast<unsigned char>(c));
    return text;
  };
  return parts.size() == 2 ? spell(parts[0]) + " " + spell(parts[1]) : "";
}

// A vocabulary from a list of "base64 rank" lines.
inline VocabData vocabulary_of_ranks(const std::string& path, const std::string& pre) {
  std::istringstream lines(read_text(path));
  std::vector<std::string> tokens;
  std::unordered_map<std::string, std::size_t> ranks;
  for (std::string word, rank; lines >> word >> rank;) {
    tokens.push_back(decode_base64(word));
    ranks.emplace(tokens.back(), tokens.size() - 1);
  }
  VocabData v;
  v.model = "gpt2";
  v.pre = pre;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string text;
    for (const char c : tokens[i]) text += byte_character(static_cast<unsigned char>(c));
    v.tokens.push_back(text);
    const std::string merge = last_merge(tokens[i], i, ranks);
    if (!merge.empty()) v.merges.push_back(merge);
  }
  return v;
}

}  // namespace inlay::test
