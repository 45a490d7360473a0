// vocab_view.h - loads the tokenizer that a file's metadata describes.
#pragma once

#include "format/manifest.h"
#include "text/vocab.h"

namespace inlay {

// Errors: format (a key of the wrong type, parts that do not fit each other), unsupported, memory.
Status load_tokenizer(const Manifest& manifest, Allocator& allocator, Tokenizer& tokenizer,
                      Error& error);

}  // namespace inlay
