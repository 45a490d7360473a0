// matcher_mask.cpp - all tokens that may come next: from tables where there are some, by a walk
// over the tree of tokens for the rest.
#include <algorithm>

#include "sample/grammar/matcher.h"

namespace inlay::grammar {
namespace {

void set_bit(std::span<std::uint64_t> words, std::int32_t id) {
  const auto i = static_cast<std::uint32_t>(id);
  words[i / 64] |= std::uint64_t{1} << (i % 64);
}
void clear_bit(std::span<std::uint64_t> words, std::int32_t id) {
  const auto i = static_cast<std::uint32_t>(id);
  words[i / 64] &= ~(std::uint64_t{1} << (i % 64));
}
bool has_bit(std::span<const std::uint64_t> words, std::int32_t id) {
  const auto i = static_cast<std::uint32_t>(id);
  return words[i / 64] >> (i % 64) & 1;
}

}  // namespace

// Behind a token the text can still come to its end in time.
bool Matcher::in_time(std::uint32_t rest) {
  if (rest > limit_) cut_ = true;
  if (rest <= limit_) farthest_ = std::max(farthest_, rest);
  return rest <= limit_;
}

bool Matcher::in_time(std::span<const Item> items) {
  return limit_ == Distances::far || in_time(machine_.rest(items));
}

void Matcher::begin_walk(std::span<const Item> items) {
  std::copy(items.begin(), items.end(), walk_);
  levels_[0] = {0, static_cast<std::uint32_t>(items.size()), machine_.frames().size()};
  path_ = 0;
  last_ = {};
}

// Level `depth` + 1 from level `depth`; what stood there is forgotten. False: memory is out.
bool Matcher::advance_level(std::uint32_t depth, std::uint8_t byte) {
  const Level& from = levels_[depth];
  machine_.frames().roll_back(from.frames);
  Level& to = levels_[depth + 1];
  to.first = from.first + from.size;
  Items out{walk_ + to.first, 0, walk_items - to.first};
  const bool fits = machine_.advance({walk_ + from.first, from.size}, byte, out);
  to.size = out.size;
  to.frames = machine_.frames().size();
  return fits;
}

// Brings the walk to the bytes of `text`; *depth is where it ends, earlier when nothing takes them.
// Texts in order share their beginnings.
bool Matcher::walk_to(std::string_view text, std::uint32_t* depth) {
  const auto size = static_cast<std::uint32_t>(text.size());
  const std::uint32_t known = std::min(path_, size);
  std::uint32_t d = 0;
  while (d < known && text[d] == last_[d]) ++d;
  path_ = d;
  last_ = text;
  while (levels_[d].size > 0 && d < size) {
    if (!advance_level(d, static_cast<std::uint8_t>(text[d]))) return false;
    path_ = ++d;
  }
  *depth = d;
  return true;
}

bool Matcher::try_token(std::int32_t token, std::span<std::uint64_t> words) {
  const std::string_view text = constraint_->trie().tokenizer().piece(token);
  std::uint32_t depth = 0;
  if (!walk_to(text, &depth)) return false;
  const Level& level = levels_[depth];
  if (depth < text.size() || level.size == 0) return true;
  if (in_time({walk_ + level.first, level.size})) set_bit(words, token);
  return true;
}

// All tokens of a subtree; its parent's level stands.
bool Matcher::walk_tree(std::uint32_t begin, std::uint32_t end, std::span<std::uint64_t> words) {
  const TokenTrie& trie = constraint_->trie();
  const std::span<const TrieNode> nodes = trie.nodes();
  for (std::uint32_t i = begin; i < end;) {
    const TrieNode& node = nodes[i];
    if (!advance_level(node.depth - 1u, node.byte)) return false;
    const Level& level = levels_[node.depth];
    if (level.size == 0) {
      i = node.end;
      continue;
    }
    const std::span<const std::int32_t> tokens = trie.tokens_at(i);
    if (!tokens.empty() && in_time({walk_ + level.first, level.size})) {
      for (const std::int32_t token : tokens) set_bit(words, token);
    }
    ++i;
  }
  return true;
}

bool Matcher::try_subtree(std::uint32_t node, std::span<std::uint64_t> words) {
  const TokenTrie& trie = constraint_->trie();
  const std::string_view text = trie.prefix(node);
  const std::string_view before(text.data(), text.size() - 1);
  std::uint32_t depth = 0;
  if (!walk_to(before, &depth)) return false;
  if (depth < before.size() || levels_[depth].size == 0) return true;
  return walk_tree(node, trie.nodes()[node].end, words);
}

// Tokens that pass the end of the item's text and go on with what follows it.
bool Matcher::mask_leaving(const Item& item, const Table& table, std::span<std::uint64_t> words) {
  const std::span<const std::int32_t> leaving = constraint_->leave(table);
  const std::span<const std::uint16_t> exits = constraint_->exits(table);
  const Step& s = grammar_.step(item.step);
  ByteSet after;
  bool clear = false;  // where the text could go on, nothing that follows it begins
  if (s.op != Op::members) {
    const std::uint32_t frames = machine_.frames().size();
    if (!machine_.follow(item.frame, other_)) return false;
    machine_.next_bytes(other_.view(), after);
    machine_.frames().roll_back(frames);
    const ByteSet& inside = constraint_->ambiguous(s.dfa);
    clear = true;
    for (std::size_t i = 0; i < 4; ++i) clear = clear && !(inside.words[i] & after.words[i]);
  }
  begin_walk({&item, 1});
  for (std::size_t i = 0; i < leaving.size(); ++i) {
    const bool skip = clear && !(exits[i] & Constraint::exit_asks) &&
                      !((exits[i] & Constraint::exit_at_end) && after.has(exits[i] & 0xff));
    if (skip) continue;
    if (!try_subtree(static_cast<std::uint32_t>(leaving[i]), words)) return false;
  }
  if (s.op != Op::counted || s.max == no_step) return true;
  // Tokens with more texts than are left stay out, unless they leave in time.
  const std::uint32_t left = s.max - item.count;
  const std::span<const std::int32_t> needy = constraint_->by_need(table);
  for (std::uint32_t i = 0; i < needy.size() && constraint_->need(table, i) > left; ++i) {
    if (!clear && !has_bit(words, needy[i]) && !try_token(needy[i], words)) return false;
  }
  return true;
}

void Matcher::mask_token(const Item& item, std::span<std::uint64_t> words) {
  if (limit_ != Distances::far && !in_time(machine_.frames()[item.frame].rest)) return;
  const std::int32_t token = constraint_->token(item.step);
  if (!grammar_.step(item.step).negated) return set_bit(words, token);
  const bool had = has_bit(words, token);
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(constraint_->trie().vocabulary());
       ++id) {
    if (!constraint_->trie().tokenizer().is_end(id)) set_bit(words, id);
  }
  if (!had) clear_bit(words, token);
}

// By the item's table; *done is false when it has none that holds here.
bool Matcher::mask_item(const Item& item, std::span<std::uint64_t> words, bool* done) {
  *done = true;
  if (item.step == end_step) return true;
  const Step& s = grammar_.step(item.step);
  if (s.op == Op::token) {
    mask_token(item, words);
    return true;
  }
  const Table* table = constraint_->table(item.step, item.state);
  const bool key = s.op == Op::members;
  const bool few = key && grammar_.members(s).distinct &&
                   grammar_.words_ahead(grammar_.members(s), item.state) < countless;
  if (!table || few || (key && !machine_.extra_open(s, machine_.frames()[item.frame]))) {
    *done = false;
    return true;
  }
  if (limit_ != Distances::far) {
    const std::uint32_t rest = machine_.rest_inside(item);
    if (rest > limit_) {  // each token has to be looked at
      *done = false;
      return true;
    }
    farthest_ = std::max(farthest_, rest);
  }
  join_table(item, s, *table, words);
  return mask_leaving(item, *table, words);
}

// Adds the tokens that stay in the item's text.
void Matcher::join_table(const Item& item, const Step& s, const Table& table,
                         std::span<std::uint64_t> words) {
  std::span<const std::uint64_t> bits = constraint_->bits(table);
  const std::uint32_t left = s.max == no_step ? no_step : s.max - item.count;
  const bool needs = s.op == Op::counted && left < table.most_need;
  if (needs || table.removed > 0) {
    // In scratch, so that bits of other items stay.
    const std::span<std::uint64_t> own(scratch_words_, words.size());
    std::copy(bits.begin(), bits.end(), own.begin());
    const std::span<const std::int32_t> needy = constraint_->by_need(table);
    for (std::uint32_t i = 0; needs && i < needy.size() && constraint_->need(table, i) > left;
         ++i) {
      clear_bit(own, needy[i]);
    }
    for (const std::int32_t token : constraint_->removed(table)) clear_bit(own, token);
    bits = own;
  }
  for (std::size_t i = 0; i < words.size(); ++i) words[i] |= bits[i];
  for (const std::int32_t token : constraint_->added(table)) set_bit(words, token);
}

bool Matcher::walk_rest(std::span<const Item> items, std::span<std::uint64_t> words) {
  begin_walk(items);
  return walk_tree(0, static_cast<std::uint32_t>(constraint_->trie().nodes().size()), words);
}

Status Matcher::fill_mask(std::span<std::uint64_t> words, Error& error) {
  farthest_ = limit_ == Distances::far ? limit_ : 0;
  cut_ = false;
  std::fill(words.begin(), words.end(), std::uint64_t{0});
  if (ended_) return Status::ok;
  const std::uint32_t frames = machine_.frames().size();
  // What has tables and named tokens; the rest in one walk.
  next_.size = 0;
  bool fits = true;
  for (std::uint32_t i = 0; fits && i < now_.size; ++i) {
    bool done = false;
    fits = mask_item(now_.data[i], words, &done);
    machine_.frames().roll_back(frames);
    if (!done) next_.data[next_.size++] = now_.data[i];
  }
  if (fits && next_.size > 0) fits = walk_rest(next_.view(), words);
  machine_.frames().roll_back(frames);
  if (!fits) return refuse_limit(error);
  if (can_end()) {
    for (const std::int32_t end : constraint_->trie().ends()) set_bit(words, end);
  }
  return Status::ok;
}

// What a mask depends on.
Item Matcher::cache_item(const Item& item) const {
  Item known = item;
  if (machine_.is_new_key(item)) known.count = Frames::none;
  return known;
}

const std::uint64_t* Matcher::find_cached() const {
  if (now_.size > cached_items || ended_) return nullptr;
  Item items[cached_items];
  for (std::uint32_t i = 0; i < now_.size; ++i) items[i] = cache_item(now_.data[i]);
  for (std::uint32_t i = 0; i < cache_slots; ++i) {
    const Slot& slot = slots_[i];
    if (slot.used && slot.size == now_.size && slot.rest <= limit_ &&
        std::equal(slot.items, slot.items + slot.size, items)) {
      slots_[i].used = clock_;
      return slot_words_ + i * constraint_->mask_words();
    }
  }
  return nullptr;
}

Status Matcher::mask(std::span<std::uint64_t> words, std::uint64_t left, Error& error) {
  if (!constraint_ || words.size() != constraint_->mask_words()) {
    return fail(error, Status::argument, "grammar: {} words for a mask of {}", words.size(),
                constraint_ ? constraint_->mask_words() : 0);
  }
  INLAY_TRY(make_room(error));
  ++clock_;
  limit_ = Distances::far;
  if (left < Distances::far) {
    // Where the end is too far already, every token has to come nearer.
    const std::uint64_t rest = machine_.rest(now_.view());
    limit_ = static_cast<std::uint32_t>(std::max<std::uint64_t>({left, rest, 1}) - 1);
  }
  if (const std::uint64_t* known = find_cached()) {
    std::copy_n(known, words.size(), words.data());
    return Status::ok;
  }
  INLAY_TRY(fill_mask(words, error));
  const auto nothing = [&] {
    return std::all_of(words.begin(), words.end(), [](std::uint64_t w) { return !w; });
  };
  if (cut_ && nothing()) {
    limit_ = Distances::far;
    INLAY_TRY(fill_mask(words, error));
  }
  const bool empty = nothing();
  if (empty && !is_over()) {
    return fail(error, Status::state,
                "grammar: at position {}: no token of the vocabulary can go on", position_);
  }
  if (now_.size > cached_items || ended_ || cut_) return Status::ok;
  Slot* oldest = slots_;
  for (std::uint32_t i = 1; i < cache_slots; ++i) {
    if (slots_[i].used < oldest->used) oldest = slots_ + i;
  }
  for (std::uint32_t i = 0; i < now_.size; ++i) oldest->items[i] = cache_item(now_.data[i]);
  oldest->size = now_.size;
  oldest->used = clock_;
  oldest->rest = farthest_;
  std::copy(words.begin(), words.end(),
            slot_words_ + static_cast<std::size_t>(oldest - slots_) * words.size());
  return Status::ok;
}

}  // namespace inlay::grammar
