// unicode.h - what kind a character is: general categories, and the sets that tokenizers cut by.
#pragma once

#include <cstdint>

namespace inlay {

// Unicode's general categories.
enum class Category : std::uint8_t {
  Cn,  // none of the others
  Lu,
  Ll,
  Lt,
  Lm,
  Lo,
  Mn,
  Mc,
  Me,
  Nd,
  Nl,
  No,
  Pc,
  Pd,
  Ps,
  Pe,
  Pi,
  Pf,
  Po,
  Sm,
  Sc,
  Sk,
  So,
  Zs,
  Zl,
  Zp,
  Cc,
  Cf,
  Co,
  Cs,
};

// Of any number; those over U+10FFFF are Cn.
Category category_of(char32_t point);

// What patterns of pre-tokenizers ask of a character, as bits.
struct CharClass {
  static constexpr std::uint8_t letter = 1;        // \p{L}
  static constexpr std::uint8_t number = 2;        // \p{N}
  static constexpr std::uint8_t space = 4;         // \s: White_Space
  static constexpr std::uint8_t line_end = 8;      // \r and \n
  static constexpr std::uint8_t mark = 16;         // \p{M}
  static constexpr std::uint8_t not_small = 32;    // [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
  static constexpr std::uint8_t not_capital = 64;  // [\p{Ll}\p{Lm}\p{Lo}\p{M}]
};
std::uint8_t class_of(char32_t point);

// Sets of components of tokenizer.json, which follow other versions of Unicode than categories do.
enum class PointSet : std::uint8_t {
  punctuation,   // Punctuation, BertPreTokenizer
  digit,         // Digits
  word,          // \w of Whitespace
  accent,        // StripAccents
  bert_accent,   // strip_accents of BertNormalizer
  bert_control,  // clean_text of BertNormalizer leaves these out
  number,        // \p{N}
};
bool is_in(PointSet set, char32_t point);

// The ideographs that BERT takes for words of their own.
bool is_bert_ideograph(char32_t point);

}  // namespace inlay
