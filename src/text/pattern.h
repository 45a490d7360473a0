// pattern.h - patterns as tokenizer.json has them (Oniguruma's) in PCRE2's words.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/array.h"
#include "base/diagnostics.h"

// White_Space as the inside of a class. PCRE2's own \s would also take U+180E.
#define INLAY_SPACE_CLASS \
  "\\t-\\r "              \
  "\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"

namespace inlay {

// Replaces `to` by the pattern that matches the same text under PCRE2_UTF and PCRE2_UCP. What the
// two read differently is spelt out (\s, ^, $, \u, scripts) or refused with UNSUPPORTED, naming it
// and its byte: \w and \b, sets within sets, POSIX brackets, back-references, {n,m}+ ...
Status translate_pattern(std::string_view from, Array<char>& to, Error& error);

}  // namespace inlay
