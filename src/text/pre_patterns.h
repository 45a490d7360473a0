// pre_patterns.h - patterns of pre-tokenizers that several vocabularies share, in PCRE2's syntax.
#pragma once

#include "text/pattern.h"

#define INLAY_PRE_SPACES "[" INLAY_SPACE_CLASS "]"
#define INLAY_PRE_NO_SPACE_NEXT "(?![^" INLAY_SPACE_CLASS "])"

// English contractions.
#define INLAY_PRE_CONTRACTION "'s|'t|'re|'ve|'m|'ll|'d"
#define INLAY_PRE_CONTRACTION_ANY_CASE "(?i:" INLAY_PRE_CONTRACTION ")"

// Words, numbers, symbols, each with one space before it, and runs of spaces.
#define INLAY_PRE_GPT2                                                                 \
  INLAY_PRE_CONTRACTION "| ?\\p{L}+| ?\\p{N}+| ?[^" INLAY_SPACE_CLASS                  \
                        "\\p{L}\\p{N}]+|" INLAY_PRE_SPACES "+" INLAY_PRE_NO_SPACE_NEXT \
                        "|" INLAY_PRE_SPACES "+"

// Line ends with the spaces before them, then other spaces, but the last one if a word follows.
#define INLAY_PRE_TAIL                                                                             \
  INLAY_PRE_SPACES "*[\\r\\n]+|" INLAY_PRE_SPACES "+" INLAY_PRE_NO_SPACE_NEXT "|" INLAY_PRE_SPACES \
                   "+"
#define INLAY_PRE_WORD "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define INLAY_PRE_SYMBOLS " ?[^" INLAY_SPACE_CLASS "\\p{L}\\p{N}]+[\\r\\n]*"
#define INLAY_PRE_SYMBOLS_SLASH " ?[^" INLAY_SPACE_CLASS "\\p{L}\\p{N}]+[\\r\\n/]*"
#define INLAY_PRE_LLAMA3                                                              \
  INLAY_PRE_CONTRACTION_ANY_CASE "|" INLAY_PRE_WORD "|\\p{N}{1,3}|" INLAY_PRE_SYMBOLS \
                                 "|" INLAY_PRE_TAIL
#define INLAY_PRE_QWEN2 \
  INLAY_PRE_CONTRACTION_ANY_CASE "|" INLAY_PRE_WORD "|\\p{N}|" INLAY_PRE_SYMBOLS "|" INLAY_PRE_TAIL

// Words that break where a capital follows a small letter.
#define INLAY_PRE_NOT_CAPITAL "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define INLAY_PRE_NOT_SMALL "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define INLAY_PRE_WORD_SMALL \
  "[^\\r\\n\\p{L}\\p{N}]?" INLAY_PRE_NOT_SMALL "*" INLAY_PRE_NOT_CAPITAL "+"
#define INLAY_PRE_WORD_CAPITAL \
  "[^\\r\\n\\p{L}\\p{N}]?" INLAY_PRE_NOT_SMALL "+" INLAY_PRE_NOT_CAPITAL "*"
#define INLAY_PRE_O200K                                          \
  INLAY_PRE_WORD_SMALL INLAY_PRE_CONTRACTION_ANY_CASE            \
      "?|" INLAY_PRE_WORD_CAPITAL INLAY_PRE_CONTRACTION_ANY_CASE \
      "?|\\p{N}{1,3}|" INLAY_PRE_SYMBOLS_SLASH "|" INLAY_PRE_TAIL
#define INLAY_PRE_TEKKEN                                                             \
  INLAY_PRE_WORD_SMALL "|" INLAY_PRE_WORD_CAPITAL "|\\p{N}|" INLAY_PRE_SYMBOLS_SLASH \
                       "|" INLAY_PRE_TAIL

// Decimal digits in threes, counted from the right: where no other character of a word follows, or
// only as places to cut at. Pretokenizer has both written by hand, as they take quadratic time.
#define INLAY_PRE_THREES_OF_WORD "\\p{Nd}{1,3}(?=(?:\\p{Nd}{3})*\\b)"
#define INLAY_PRE_THREES_CUT "(?=(?:\\p{Nd}{3})+(?!\\p{Nd}))"
