// nfc.h - Unicode Normalization Form C (UAX #15), which some vocabularies want their text in.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/array.h"

namespace inlay {

// Whether append_nfc would change nothing; may say no of text that is in NFC. Time O(n).
bool surely_nfc(std::string_view text);

// Appends `text` in NFC; bytes that are no UTF-8 stay as they are. Time O(n), memory 8 bytes per
// character until it returns. MEMORY is the only error.
Status append_nfc(std::string_view text, Array<char>& out);

}  // namespace inlay
