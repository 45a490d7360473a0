// encode_batch.h - many texts to ids at once, on the host's workers or on threads of our own.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "text/vocab.h"

namespace inlay {

// Replaces `ids` by the tokens of text after text, and ends[i] by where those of texts[i] end; each
// text gives what Tokenizer::encode() gives. Without jobs of the host at most `threads` threads
// (0: physical cores) work, the caller's among them. Of several texts that fail the first one's
// error is told.
Status encode_batch(const Tokenizer& tokenizer, std::span<const inlay_text> texts,
                    std::uint32_t flags, const inlay_jobs& jobs, std::uint32_t threads,
                    Allocator& allocator, Array<std::int32_t>& ids, Array<std::uint64_t>& ends,
                    Error& error);

}  // namespace inlay
