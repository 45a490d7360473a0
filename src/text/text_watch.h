// text_watch.h - the text of a generation token by token: whole characters, without what may still
// become a stop text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "text/stop_texts.h"
#include "text/vocab.h"

namespace inlay {

// What a text in the making is, a few bytes; a function of its tokens and of the stop texts.
struct TextState {
  inlay_stream stream{};
  std::uint32_t stop = StopTexts::start;
};

// Memory for one piece of text, which says how long a token may be.
struct TextRoom {
  std::span<char> characters;  // of one token
  std::span<char> text;        // and what was held back before
  static std::size_t character_bytes(std::size_t longest_token) { return 3 * longest_token + 24; }
  static std::size_t text_bytes(std::size_t longest_token) {
    return character_bytes(longest_token) + INLAY_STOP_TEXT_LENGTH;
  }
};

// Appends to one piece of text.
class TextWatch {
 public:
  TextWatch(TextState& state, const StopTexts* stops, const TextRoom& room)
      : state_(state), stops_(stops), room_(room) {}

  // The text of one more token. After a stop text nothing may be pushed. ARGUMENT: an id outside
  // the vocabulary; LIMIT: a token that is longer than the room was made for.
  Status push(const Tokenizer& tokenizer, std::int32_t id);
  // What is held back as the beginning of a stop text is none.
  void let_go();
  // The end: whatever is held back.
  Status finish();
  std::string_view text() const { return {room_.text.data(), length_}; }
  // Index of the stop text that was completed; -1: none.
  std::int32_t stopped() const { return stopped_; }

 private:
  Status take(std::string_view characters);
  void put(std::string_view text);

  TextState& state_;
  const StopTexts* stops_;
  const TextRoom& room_;
  std::size_t length_ = 0;
  std::int32_t stopped_ = -1;
  bool fits_ = true;
};

}  // namespace inlay
