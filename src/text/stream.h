// stream.h - decoding token by token; only whole UTF-8 characters come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "text/vocab.h"

namespace inlay {

// Feeds token `id`; `length` bytes of whole characters are written to `text`. All together is what
// decode() gives without flags, with U+FFFD for bytes that are no character. Errors: ARGUMENT (an
// id outside the vocabulary, a stream that is not zero-initialised), LIMIT (`length` is what is
// needed; nothing is consumed).
Status stream_push(inlay_stream& stream, const Tokenizer& tokenizer, std::int32_t id,
                   std::span<char> text, std::size_t& length);

// The end: a character that is still incomplete comes out as U+FFFD. The stream is as new
// afterwards.
Status stream_finish(inlay_stream& stream, std::span<char> text, std::size_t& length);

}  // namespace inlay
