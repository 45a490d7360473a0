/// tokenizer.hpp - text to token ids and back, with the vocabulary of a model.
///
///     inlay::Tokenizer tokenizer = model.tokenizer();
///     auto ids = tokenizer.encode("Once upon a time");       // Result<std::vector<std::int32_t>>
///     auto text = tokenizer.decode(*ids);                    // Result<std::string>
///
/// decode(encode(x)) gives x, without the begin and end tokens. Ids are 0 .. info().size - 1.
#ifndef INLAY_TOKENIZER_HPP
#define INLAY_TOKENIZER_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "inlay/result.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// Size, special ids (-1: none) and kind of a vocabulary; see inlay.h.
using TokenizerInfo = inlay_tokenizer_info;

struct EncodeOptions {
  /// Begin and end tokens where the model's metadata asks for them.
  bool add_special = true;
  /// Text such as <|im_end|> becomes its control token. Never for text that a user typed.
  bool parse_special = false;
};

/// Tokens, and where in the text each of them is from: bytes [begin, end).
struct Encoding {
  std::vector<std::int32_t> ids;
  std::vector<inlay_range> ranges;
};

/// A view of a model's tokenizer: copy it freely, use it while the model lives. Thread-safe. An
/// empty one (the file has no vocabulary) fails every call with Status::argument.
class Tokenizer {
 public:
  Tokenizer() = default;
  explicit Tokenizer(const inlay_tokenizer* raw) noexcept : raw_(raw) {}

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  const inlay_tokenizer* raw() const noexcept { return raw_; }

  /// The ids of `text` (UTF-8; invalid bytes are taken one by one).
  /// Errors: memory (of the model's allocator, while it runs), limit (the text is too long
  /// or a pre-tokenizer pattern takes too many steps).
  Result<std::vector<std::int32_t>> encode(std::string_view text,
                                           const EncodeOptions& options = {}) const {
    std::vector<std::int32_t> ids(text.size() / 2 + 8);
    std::size_t count = 0;
    Error error = encode_into(text, ids, options, count);
    if (error.status() == Status::limit && count > ids.size()) {
      ids.resize(count);
      error = encode_into(text, ids, options, count);
    }
    if (is_error(error.status())) return error;
    ids.resize(count);
    return ids;
  }

  /// The same into memory of the caller; how many ids there are. Status::limit: `ids` is too small.
  Result<std::size_t> encode(std::string_view text, std::span<std::int32_t> ids,
                             const EncodeOptions& options = {}) const {
    std::size_t count = 0;
    const Error error = encode_into(text, ids, options, count);
    if (is_error(error.status())) return error;
    return count;
  }

  /// The ids of `text`, and where in it they are from; see inlay_tokenizer_encode_ranges.
  Result<Encoding> encode_ranges(std::string_view text, const EncodeOptions& options = {}) const {
    Encoding result;
    std::size_t room = text.size() / 2 + 8;
    for (;;) {
      result.ids.resize(room);
      result.ranges.resize(room);
      Error error;
      error.set(inlay_tokenizer_encode_ranges(raw_, text.data(), text.size(), flags_of(options),
                                              result.ids.data(), result.ranges.data(), room, &room,
                                              error.raw()));
      if (error.status() == Status::limit && room > result.ids.size()) continue;
      if (is_error(error.status())) return error;
      result.ids.resize(room);
      result.ranges.resize(room);
      return result;
    }
  }

  /// Many texts at once, each as encode() does it, on the host's jobs or on `threads` threads with
  /// the caller's (0: physical cores).
  Result<std::vector<std::vector<std::int32_t>>> encode_batch(
      std::span<const std::string_view> texts, const EncodeOptions& options = {},
      std::uint32_t threads = 0) const {
    std::vector<inlay_text> views;
    std::size_t room = 8;
    for (const std::string_view text : texts) {
      views.push_back({text.data(), text.size()});
      room += text.size() / 2 + 4;
    }
    std::vector<std::int32_t> ids;
    std::vector<std::uint64_t> ends(texts.size());
    for (;;) {
      ids.resize(room);
      Error error;
      error.set(inlay_tokenizer_encode_batch(raw_, views.data(), views.size(), flags_of(options),
                                             threads, ids.data(), ids.size(), ends.data(), &room,
                                             error.raw()));
      if (error.status() == Status::limit && room > ids.size()) continue;
      if (is_error(error.status())) return error;
      break;
    }
    std::vector<std::vector<std::int32_t>> all;
    std::uint64_t begin = 0;
    for (const std::uint64_t end : ends) {
      all.emplace_back(ids.data() + begin, ids.data() + end);
      begin = end;
    }
    return all;
  }

  /// The text of `ids`; control tokens are left out unless `special` is set. Bytes of a character
  /// that is not complete are given as they are: use TextStream to show tokens as they come.
  /// Errors: argument (an id outside the vocabulary).
  Result<std::string> decode(std::span<const std::int32_t> ids, bool special = false) const {
    std::string text(ids.size() * 8 + 16, '\0');
    std::size_t length = 0;
    Error error = decode_into(ids, special, text, length);
    if (error.status() == Status::limit && length > text.size()) {
      text.resize(length);
      error = decode_into(ids, special, text, length);
    }
    if (is_error(error.status())) return error;
    text.resize(length);
    return text;
  }

  /// The bytes one token stands for, perhaps part of a character; "" for ids outside the
  /// vocabulary.
  std::string_view piece(std::int32_t id) const noexcept {
    const char* bytes = nullptr;
    std::size_t length = 0;
    return inlay_tokenizer_piece(raw_, id, &bytes, &length) == INLAY_OK
               ? std::string_view(bytes, length)
               : std::string_view();
  }

  /// All zero for an empty tokenizer.
  TokenizerInfo info() const noexcept {
    TokenizerInfo info{};
    info.struct_size = sizeof info;
    if (inlay_tokenizer_get_info(raw_, &info) != INLAY_OK) info = {};
    return info;
  }

  /// Whether a generation ends with this token: end of text, of turn, of message.
  bool is_end(std::int32_t id) const noexcept { return inlay_tokenizer_is_end(raw_, id) == 1; }

 private:
  static std::uint32_t flags_of(const EncodeOptions& options) noexcept {
    std::uint32_t flags = 0;
    if (options.add_special) flags |= INLAY_ENCODE_ADD_SPECIAL;
    if (options.parse_special) flags |= INLAY_ENCODE_PARSE_SPECIAL;
    return flags;
  }
  Error encode_into(std::string_view text, std::span<std::int32_t> ids,
                    const EncodeOptions& options, std::size_t& count) const {
    const std::uint32_t flags = flags_of(options);
    Error error;
    error.set(inlay_tokenizer_encode(raw_, text.data(), text.size(), flags, ids.data(), ids.size(),
                                     &count, error.raw()));
    return error;
  }
  Error decode_into(std::span<const std::int32_t> ids, bool special, std::string& text,
                    std::size_t& length) const {
    const std::uint32_t flags = special ? std::uint32_t{INLAY_DECODE_SPECIAL} : 0;
    Error error;
    error.set(inlay_tokenizer_decode(raw_, ids.data(), ids.size(), flags, text.data(), text.size(),
                                     &length, error.raw()));
    return error;
  }

  const inlay_tokenizer* raw_ = nullptr;
};

/// Turns tokens into text as they come and never gives out a broken UTF-8 character. One for each
/// text; one owner. The model must live as long.
///
///     inlay::TextStream text(model.tokenizer());
///     show(*text.push(token));   // for each token
///     show(*text.finish());      // at the end
class TextStream {
 public:
  /// `continues`: the tokens go on a text that is already there, such as a prompt; then the space
  /// before their first word stays. Else they are the beginning, where such a space is dropped.
  explicit TextStream(Tokenizer tokenizer, bool continues = false) noexcept
      : tokenizer_(tokenizer) {
    state_.started = continues ? 1 : 0;
  }

  /// The whole characters that token `id` completes, perhaps none; valid until the next call.
  Result<std::string_view> push(std::int32_t id) {
    return with_room(64, [&](std::size_t& length) {
      return inlay_stream_push(&state_, tokenizer_.raw(), id, text_.data(), text_.size(), &length);
    });
  }
  /// The end: what is still held back, as U+FFFD when it is no whole character.
  Result<std::string_view> finish() {
    return with_room(24, [&](std::size_t& length) {
      return inlay_stream_finish(&state_, text_.data(), text_.size(), &length);
    });
  }

 private:
  // A call that finds too little room consumes nothing and can be made again.
  template <class Call>
  Result<std::string_view> with_room(std::size_t room, Call call) {
    constexpr std::size_t most = std::size_t{1} << 30;
    for (;; room *= 2) {
      if (text_.size() < room) text_.resize(room);
      std::size_t length = 0;
      const inlay_status status = call(length);
      if (status >= 0) return std::string_view(text_.data(), length);
      if (status != INLAY_ERROR_LIMIT || room > most) {
        Error error;
        error.set(status);
        return error;
      }
    }
  }

  Tokenizer tokenizer_;
  inlay_stream state_{};
  std::string text_;
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_TOKENIZER_HPP
