// reply.cpp - bytes in, deltas out; the formats do the reading.
#include "text/reply/reply.h"

#include <cstring>

#include "text/utf8.h"

namespace inlay {

#define INLAY_REPLY_FORMAT(format) extern const ReplyFormat format##_replies;
#include "text/reply/formats.inc"
#undef INLAY_REPLY_FORMAT

namespace {

constexpr const ReplyFormat* formats[] = {
#define INLAY_REPLY_FORMAT(format) &format##_replies,
#include "text/reply/formats.inc"
#undef INLAY_REPLY_FORMAT
};

const ReplyFormat* find_format(std::string_view name, std::string_view template_text) {
  for (const ReplyFormat* format : formats) {
    if (name.empty() ? format->fits(template_text) : name == format->name) return format;
  }
  return nullptr;
}

}  // namespace

const char* reply_format_name(std::uint32_t index) {
  return index < std::size(formats) ? formats[index]->name : nullptr;
}

std::size_t find_mark(std::string_view text, std::string_view mark, std::size_t& kept) {
  const std::size_t found = text.find(mark);
  kept = 0;
  if (found != std::string_view::npos) return found;
  std::size_t most = mark.size() - 1 < text.size() ? mark.size() - 1 : text.size();
  for (; most > 0 && !mark.starts_with(slice(text, text.size() - most, text.size())); --most) {
  }
  kept = most;
  return found;
}

Status Reply::open(const inlay_allocator& host, std::string_view format,
                   std::string_view template_text, std::string_view prompt, Reply** reply,
                   Error& error) {
  const ReplyFormat* found = find_format(format, template_text);
  if (!found) return fail(error, Status::argument, "reply: no format '{}'", Shown(format));
  const Allocator allocator(host);
  const inlay_allocator& own = allocator.host();
  void* block = own.allocate(own.user, sizeof(Reply), default_alignment);
  if (!block) return fail_memory(error, "reply");
  auto* opened = new (block) Reply(host);
  opened->format_ = found;
  const std::size_t size = prompt.size() < 31 ? prompt.size() : 31;
  if (size) std::memcpy(opened->prompt_end_, prompt.data() + (prompt.size() - size), size);
  *reply = opened;
  return Status::ok;
}

void Reply::close() {
  const inlay_allocator host = allocator_.host();
  this->~Reply();
  host.release(host.user, this, sizeof(Reply), default_alignment);
}

Status Reply::push(std::string_view text, Error& error) {
  if (finished_) return fail(error, Status::state, "reply: it is finished");
  all_bytes_ += text.size();
  if (all_bytes_ > most_bytes || all_bytes_ < text.size()) {
    return fail(error, Status::limit, "reply: over {} bytes", most_bytes);
  }
  told_.clear();
  deltas_.clear();
  next_ = 0;
  // What was taken goes when it is the larger part: each byte moves once.
  if (at_ > 4096 && at_ > bytes_.size() / 2) {
    std::memmove(bytes_.data(), bytes_.data() + at_, bytes_.size() - at_);
    for (; at_ > 0; --at_) bytes_.pop();
    taken_ = true;
  }
  if (is_error(bytes_.append({text.data(), text.size()}))) status_ = Status::memory;
  return step(false, error);
}

Status Reply::finish(Error& error) {
  if (finished_) return fail(error, Status::state, "reply: it is finished");
  told_.clear();
  deltas_.clear();
  next_ = 0;
  const Status status = step(true, error);
  finished_ = true;
  return status;
}

// A format takes what it can; it is asked again as long as it takes something.
Status Reply::step(bool at_end, Error& error) {
  for (;;) {
    if (failed()) return fail_memory(error, "reply");
    const std::size_t before = at_;
    const std::uint32_t state_before = state;
    if (held().empty() && !at_end) return Status::ok;
    format_->step(*this, at_end);
    if (at_ == before && state == state_before) break;
  }
  if (at_end && !failed() && !held().empty()) tell(INLAY_DELTA_CONTENT, held().size());
  return failed() ? fail_memory(error, "reply") : Status::ok;
}

bool Reply::next(inlay_delta& delta) {
  if (next_ >= deltas_.size()) return false;
  const Delta& d = deltas_[next_++];
  delta.kind = d.kind;
  delta.call = d.call;
  delta.text = told_.data() + d.begin;
  delta.length = d.size;
  return true;
}

void Reply::tell_text(std::uint32_t kind, std::string_view text) {
  if (failed()) return;
  const bool is_text =
      kind == INLAY_DELTA_CONTENT || kind == INLAY_DELTA_REASONING || kind == INLAY_DELTA_ARGUMENTS;
  if (is_text && text.empty()) return;
  const std::size_t begin = told_.size();
  const std::uint32_t call = kind >= INLAY_DELTA_CALL && calls_ ? calls_ - 1 : 0;
  Status status = told_.append({text.data(), text.size()});
  if (is_text && deltas_.size() && deltas_.back().kind == kind) {
    if (!is_error(status)) deltas_.back().size += text.size();
  } else if (!is_error(status)) {
    status = deltas_.push({kind, call, begin, text.size()});
  }
  if (is_error(status)) status_ = status;
}

void Reply::tell(std::uint32_t kind, std::size_t count) {
  tell_text(kind, slice(held(), 0, count));
  at_ += count;
}

std::size_t Reply::blanks(std::size_t at, std::uint32_t which) {
  Blanks& known = blanks_[which];
  const std::size_t place = all_bytes_ - held().size() + at;
  if (place != known.place) known = {place, 0};
  const std::string_view text = held();
  while (at + known.count < text.size() && is_blank(text[at + known.count])) ++known.count;
  return known.count;
}

void Reply::begin_call(std::string_view name) {
  ++calls_;
  in_call = true;
  told = 0;
  tell_text(INLAY_DELTA_CALL, name);
}

void Reply::end_call() {
  in_call = false;
  tell_text(INLAY_DELTA_CALL_END, {});
}

}  // namespace inlay
