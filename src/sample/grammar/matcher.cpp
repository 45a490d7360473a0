// matcher.cpp - text and tokens move the items on; frames that nobody uses are collected.
#include "sample/grammar/matcher.h"

#include <algorithm>

namespace inlay::grammar {

void Matcher::lay_out(Carver& carver) {
  Machine::lay_out(carver, frame_cells, machine_);
  for (Items* items : {&now_, &next_, &other_, &before_}) {
    *items = {carver.take<Item>(max_live), 0, max_live};
  }
  if (!constraint_) return;
  walk_ = carver.take<Item>(walk_items);
  levels_ = carver.take<Level>(TokenTrie::max_token_bytes + 2);
  slots_ = carver.take<Slot>(cache_slots);
  scratch_words_ = carver.take<std::uint64_t>(constraint_->mask_words());
  slot_words_ = carver.take<std::uint64_t>(cache_slots * constraint_->mask_words());
}

Status Matcher::create(Allocator& allocator, const Grammar& grammar, const Constraint* constraint,
                       Matcher** matcher, Error& error) {
  Matcher measured(grammar, constraint);
  Carver measure;
  measured.lay_out(measure);
  void* block = allocator.allocate(measure.size());
  void* own = block ? allocator.allocate(sizeof(Matcher)) : nullptr;
  if (!own) {
    if (block) allocator.release(block, measure.size());
    return fail_memory(error, "grammar: the matcher of a sequence");
  }
  auto* m = new (own) Matcher(grammar, constraint);
  m->allocator_ = &allocator;
  m->block_bytes_ = measure.size();
  Carver carver(block);
  m->lay_out(carver);
  m->machine_.init(grammar, constraint ? &constraint->distances() : nullptr);
  if (!m->machine_.start(m->now_)) {
    const Status status = m->refuse_limit(error);
    m->release();
    return status;
  }
  m->reset();
  *matcher = m;
  return Status::ok;
}

void Matcher::release() {
  Allocator& allocator = *allocator_;
  void* block = machine_.block();
  const std::uint64_t bytes = block_bytes_;
  this->~Matcher();
  allocator.release(block, bytes);
  allocator.release(this, sizeof(Matcher));
}

void Matcher::reset() {
  machine_.clear();
  static_cast<void>(machine_.start(now_));  // create has tried it
  position_ = 0;
  ended_ = false;
  for (std::uint32_t i = 0; constraint_ && i < cache_slots; ++i) slots_[i] = {};
  clock_ = 0;
}

void Matcher::copy_from(const Matcher& other) {
  machine_.copy_from(other.machine_);
  std::copy_n(other.now_.data, other.now_.size, now_.data);
  now_.size = other.now_.size;
  position_ = other.position_;
  ended_ = other.ended_;
  for (std::uint32_t i = 0; constraint_ && i < cache_slots; ++i) slots_[i] = {};
  clock_ = 0;
}

Status Matcher::refuse_limit(Error& error) const {
  return fail(error, Status::limit, "grammar: at position {}: {}", position_, machine_.why());
}

// A quarter of the cells is left to walks and to the bytes of one token.
Status Matcher::make_room(Error& error) {
  Frames& frames = machine_.frames();
  if (frames.size() < frame_cells / 4 * 3) return Status::ok;
  frames.begin_marks();
  for (const Items* items : {&now_, &before_}) {
    for (const Item& item : items->view()) machine_.mark(item);
  }
  frames.compact();
  for (const Items* items : {&now_, &before_}) {
    for (std::uint32_t i = 0; i < items->size; ++i) machine_.move(items->data[i]);
  }
  for (std::uint32_t i = 0; constraint_ && i < cache_slots; ++i) slots_[i] = {};
  if (frames.size() < frame_cells / 8 * 5) return Status::ok;
  return fail(error, Status::limit, "grammar: at position {}: nested too deeply", position_);
}

// Leaves the items behind the text in next_; *taken < size: they are of no use.
bool Matcher::advance_text(std::string_view text, std::size_t* taken) {
  std::span<const Item> from = now_.view();
  *taken = 0;
  if (text.empty()) {
    std::copy(from.begin(), from.end(), next_.data);
    next_.size = now_.size;
  }
  for (const char c : text) {
    if (!machine_.advance(from, static_cast<std::uint8_t>(c), other_)) return false;
    if (other_.size == 0) return true;
    std::swap(next_, other_);
    from = next_.view();
    ++*taken;
  }
  return true;
}

Status Matcher::accept(std::string_view text, std::size_t* taken, Error& error) {
  const std::uint64_t position = position_;
  std::copy_n(now_.data, now_.size, before_.data);
  before_.size = now_.size;
  const Status status = accept_bytes(text, taken, error);
  if (is_error(status)) {
    std::swap(now_, before_);
    position_ = position;
    *taken = 0;
  }
  before_.size = 0;
  return status;
}

Status Matcher::accept_bytes(std::string_view text, std::size_t* taken, Error& error) {
  for (*taken = 0; *taken < text.size(); ++*taken, ++position_) {
    INLAY_TRY(make_room(error));
    std::size_t one = 0;
    if (!advance_text({text.data() + *taken, 1}, &one)) return refuse_limit(error);
    if (one == 0 || ended_) break;
    std::swap(now_, next_);
  }
  return Status::ok;
}

Status Matcher::accept_token(std::int32_t token, Error& error) {
  if (!constraint_ || !constraint_->trie().tokenizer().contains(token)) {
    return fail(error, Status::argument, "grammar: token {} is not in the vocabulary", token);
  }
  INLAY_TRY(make_room(error));
  const Tokenizer& tokenizer = constraint_->trie().tokenizer();
  const std::uint32_t frames = machine_.frames().size();
  std::size_t taken = 0;
  next_.size = 0;
  if (!ended_ && is_text_token(tokenizer, token)) {
    const std::string_view text = tokenizer.piece(token);
    if (!advance_text(text, &taken)) {
      machine_.frames().roll_back(frames);
      return refuse_limit(error);
    }
    if (taken < text.size()) next_.size = 0;
  }
  if (!ended_ && grammar_.has_tokens()) {
    const auto matches = [&](const Item& item, const Step& s) {
      return (constraint_->token(item.step) == token) != s.negated &&
             !(s.negated && tokenizer.is_end(token));
    };
    if (!machine_.advance_token(now_.view(), matches, next_)) {
      machine_.frames().roll_back(frames);
      return refuse_limit(error);
    }
  }
  if (next_.size > 0) {
    std::swap(now_, next_);
  } else if (tokenizer.is_end(token) && can_end() && !ended_) {
    ended_ = true;
  } else {
    return fail(error, Status::state, "grammar: at position {}: token {} ({}) is not allowed here",
                position_, token, Shown(tokenizer.piece(token)));
  }
  ++position_;
  return Status::ok;
}

bool Matcher::can_end() const {
  return std::any_of(now_.data, now_.data + now_.size,
                     [](const Item& item) { return item.step == end_step; });
}

bool Matcher::is_over() const {
  return ended_ || std::all_of(now_.data, now_.data + now_.size,
                               [](const Item& item) { return item.step == end_step; });
}

std::size_t Matcher::forced(std::span<char> text) {
  const std::uint32_t frames = machine_.frames().size();
  std::copy_n(now_.data, now_.size, next_.data);
  next_.size = now_.size;
  std::size_t size = 0;
  for (; !ended_ && size < text.size(); ++size) {
    ByteSet bytes;
    bool stops = false;
    for (const Item& item : next_.view()) stops = stops || machine_.stops(item);
    if (!stops) machine_.next_bytes(next_.view(), bytes);
    if (stops || bytes.count() != 1) break;
    std::uint32_t byte = 0;
    while (!bytes.has(byte)) ++byte;
    if (!machine_.advance(next_.view(), static_cast<std::uint8_t>(byte), other_)) break;
    if (other_.size == 0) break;
    text[size] = static_cast<char>(byte);
    std::swap(next_, other_);
  }
  machine_.frames().roll_back(frames);
  return size;
}

}  // namespace inlay::grammar
