// text_watch.cpp - what a token adds goes through the stop texts byte by byte.
#include "text/text_watch.h"

#include <cstring>

#include "text/stream.h"

namespace inlay {

void TextWatch::put(std::string_view text) {
  fits_ = fits_ && text.size() <= room_.text.size() - length_;
  if (!fits_ || text.empty()) return;
  std::memcpy(room_.text.data() + length_, text.data(), text.size());
  length_ += text.size();
}

Status TextWatch::take(std::string_view characters) {
  if (!stops_) {
    put(characters);
    return fits_ ? Status::ok : Status::limit;
  }
  for (const char& c : characters) {
    const std::string_view before = stops_->held(state_.stop);
    state_.stop = stops_->next(state_.stop, static_cast<unsigned char>(c));
    std::size_t held = stops_->held(state_.stop).size();
    stopped_ = stops_->match(state_.stop);
    if (stopped_ >= 0) held = stops_->text(static_cast<std::size_t>(stopped_)).size();
    const std::size_t let_go = before.size() + 1 - held;  // of what was held and this byte
    put(before.substr(0, let_go));
    if (let_go > before.size()) put({&c, 1});
    if (stopped_ < 0) continue;
    state_ = {};
    break;
  }
  return fits_ ? Status::ok : Status::limit;
}

Status TextWatch::push(const Tokenizer& tokenizer, std::int32_t id) {
  std::size_t length = 0;
  INLAY_TRY(stream_push(state_.stream, tokenizer, id, room_.characters, length));
  return take({room_.characters.data(), length});
}

void TextWatch::let_go() {
  if (stops_) put(stops_->held(state_.stop));
  state_.stop = StopTexts::start;
}

Status TextWatch::finish() {
  if (stopped_ >= 0) return Status::ok;
  std::size_t length = 0;
  INLAY_TRY(stream_finish(state_.stream, room_.characters, length));
  INLAY_TRY(take({room_.characters.data(), length}));
  if (stopped_ < 0) let_go();
  state_ = {};
  return fits_ ? Status::ok : Status::limit;
}

}  // namespace inlay
