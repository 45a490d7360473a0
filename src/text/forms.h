// forms.h - Unicode normalization forms (UAX #15) and lower case; the data is utf8proc's.
#pragma once

#include "text/aligned.h"

namespace inlay {

struct Form {
  bool compatible;  // NFKC, NFKD
  bool composed;    // NFC, NFKC
};

// Whether this build has utf8proc; without it the calls below must not be made.
bool has_forms();

// Whether append_form would change nothing; may say no of text that is in this form. Time O(n).
bool surely_in_form(std::string_view text, Form form);

// Appends `text` in this form; bytes that are no UTF-8 stay as they are. Time O(n), memory 16 bytes
// per character until it returns. MEMORY is the only error.
Status append_form(const AlignedView& text, Form form, AlignedText& out);

// Of one character: lower case (one or two characters), written to `lower`; their number.
std::size_t lower_case(char32_t point, char32_t (&lower)[2]);

// Splits text into what is seen as one character (UAX #29).
class Graphemes {
 public:
  explicit Graphemes(std::string_view text) : text_(text) {}
  // The end of the one that begins at `begin`, which is where the last one ended.
  std::size_t next(std::size_t begin);

 private:
  std::string_view text_;
};

}  // namespace inlay
