// rank_vocabulary.h - byte-level vocabularies from files of "base64 rank" lines, as tiktoken has
// them.
#pragma once

#include <sstream>
#include <string>
#include <unordered_set>
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

// A vocabulary from a list of "base64 rank" lines.
inline VocabData vocabulary_of_ranks(const std::string& path, const std::string& pre) {
  std::istringstream lines(read_text(path));
  std::vector<std::string> tokens;
  std::unordered_set<std::string> ranks;
  for (std::string word, rank; lines >> word >> rank;) {
    tokens.push_back(decode_base64(word));
    ranks.insert(tokens.back());
  }
  VocabData v;
  v.model = "gpt2";
  v.pre = pre;
  const auto spell = [](const std::string& bytes) {
    std::string text;
    for (const char c : bytes) text += byte_character(static_cast<unsigned char>(c));
    return text;
  };
  // Whatever two tokens are a third one together merge to it, by the rank of that.
  for (const std::string& token : tokens) {
    v.tokens.push_back(spell(token));
    for (std::size_t i = 1; i < token.size(); ++i) {
      const std::string left = token.substr(0, i), right = token.substr(i);
      if (!ranks.contains(left) || !ranks.contains(right)) continue;
      v.merges.push_back(spell(left) + " " + spell(right));
    }
  }
  return v;
}

}  // namespace inlay::test
