// stream.cpp - the bytes of an incomplete character are held until the next token completes it.
#include "text/stream.h"

#include <cstring>

#include "text/utf8.h"

namespace inlay {
namespace {

constexpr std::size_t most_held = 3;  // a character of four bytes without its last one

// Held bytes followed by those of a token, read character by character into `text` as far as it
// reaches. What is left over is an incomplete character.
class Feed {
 public:
  Feed(const inlay_stream& stream, std::string_view bytes) : bytes_(bytes) {
    for (std::uint32_t i = 0; i < stream.held_length; ++i) {
      held_[held_length_++] = static_cast<char>(stream.held[i]);
    }
  }

  // Bytes of all whole characters; writes as many as fit.
  std::size_t run(std::span<char> text) {
    while (held_length_ || !bytes_.empty()) {
      const std::size_t wanted = 4 - held_length_;
      const std::string_view more = bytes_.substr(0, wanted);
      char next[4];
      std::memcpy(next, held_, held_length_);
      if (!more.empty()) std::memcpy(next + held_length_, more.data(), more.size());
      const std::string_view view(next, held_length_ + more.size());
      const Utf8Step step = utf8_step(view);
      if (step.kind == Utf8::partial) {
        std::memcpy(held_, next, view.size());
        held_length_ = view.size();
        bytes_ = {};
        break;
      }
      put(step.kind == Utf8::whole ? view.substr(0, step.length) : replacement_character, text);
      drop(step.length);
    }
    return length_;
  }

  void save(inlay_stream& stream) const {
    for (std::size_t i = 0; i < sizeof stream.held; ++i) {
      stream.held[i] = i < held_length_ ? static_cast<unsigned char>(held_[i]) : 0;
    }
    stream.held_length = static_cast<std::uint32_t>(held_length_);
  }

 private:
  void put(std::string_view character, std::span<char> text) {
    if (length_ + character.size() <= text.size()) {
      std::memcpy(text.data() + length_, character.data(), character.size());
    }
    length_ += character.size();
  }

  void drop(std::size_t count) {
    const std::size_t of_held = count < held_length_ ? count : held_length_;
    std::memmove(held_, held_ + of_held, held_length_ - of_held);
    held_length_ -= of_held;
    bytes_.remove_prefix(count - of_held);
  }

  char held_[4] = {};
  std::size_t held_length_ = 0;
  std::string_view bytes_;
  std::size_t length_ = 0;
};

}  // namespace

Status stream_push(inlay_stream& stream, const Tokenizer& tokenizer, std::int32_t id,
                   std::span<char> text, std::size_t& length) {
  length = 0;
  if (stream.held_length > most_held || !tokenizer.contains(id)) return Status::argument;
  bool at_start = stream.started == 0;
  Feed feed(stream, tokenizer.next_text(id, 0, at_start));
  length = feed.run(text);
  if (length > text.size()) return Status::limit;
  feed.save(stream);
  stream.started = at_start ? 0 : 1;
  return Status::ok;
}

Status stream_finish(inlay_stream& stream, std::span<char> text, std::size_t& length) {
  length = 0;
  if (stream.held_length > most_held) return Status::argument;
  length = stream.held_length ? replacement_character.size() : 0;
  if (length > text.size()) return Status::limit;
  if (length) std::memcpy(text.data(), replacement_character.data(), length);
  stream = {};
  return Status::ok;
}

}  // namespace inlay
