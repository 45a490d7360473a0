// matcher.h - where one text stands in its grammar: takes bytes or tokens, says what may come next.
#pragma once

#include <span>
#include <string_view>

#include "base/diagnostics.h"
#include "sample/grammar/constraint.h"
#include "sample/grammar/machine.h"

namespace inlay::grammar {

// All memory is taken by create() in one block; nothing else allocates. A call that fails or
// rejects leaves the matcher as it was. Not thread-safe.
class Matcher {
 public:
  // `constraint` nullptr: for text alone, without tokens and masks. Grammar and constraint must
  // outlive the matcher.
  static Status create(Allocator& allocator, const Grammar& grammar, const Constraint* constraint,
                       Matcher** matcher, Error& error);
  void release();

  void reset();
  // Of a matcher of the same grammar.
  void copy_from(const Matcher& other);

  // How many bytes of the text it takes; the matcher goes on behind them. LIMIT: too deep, too
  // ambiguous; then none is taken.
  Status accept(std::string_view text, std::size_t* taken, Error& error);
  // STATE: the grammar does not allow it here. End tokens are taken where the grammar can end.
  Status accept_token(std::int32_t token, Error& error);

  bool can_end() const;
  // Nothing can follow but an end token, or the end has been taken.
  bool is_over() const;
  static constexpr std::uint64_t no_limit = UINT64_MAX;
  // A bit for each token that may come next, bit id % 64 of word id / 64. `words`: mask_words() of
  // the constraint. Never empty, unless the vocabulary lacks bytes (STATE), or is_over() without an
  // end token. `left`: tokens until the text is cut off, this one included: those are out that
  // lead too far from its end, as far as one can be reached.
  Status mask(std::span<std::uint64_t> words, std::uint64_t left, Error& error);
  // The only bytes that can follow, as far as `text` has room.
  std::size_t forced(std::span<char> text);

  std::uint64_t bytes() const { return block_bytes_ + sizeof *this; }
  const Constraint* constraint() const { return constraint_; }
  std::uint64_t position() const { return position_; }  // bytes and tokens taken

 private:
  static constexpr std::uint32_t frame_cells = 1u << 15;
  static constexpr std::uint32_t max_live = 1024;  // items of one state
  static constexpr std::uint32_t walk_items = 1u << 14;
  static constexpr std::uint32_t cached_items = 6;
  static constexpr std::uint32_t cache_slots = 16;

  struct Slot {  // a mask that was made before
    Item items[cached_items];
    std::uint32_t size;
    std::uint32_t used;  // when
    std::uint32_t rest;  // tokens that the farthest of the allowed ones leaves to the end
  };
  struct Level {
    std::uint32_t first, size;  // in walk_
    std::uint32_t frames;       // cells, when it was made
  };

  Matcher(const Grammar& grammar, const Constraint* constraint)
      : grammar_(grammar), constraint_(constraint) {}
  void lay_out(Carver& carver);
  bool advance_text(std::string_view text, std::size_t* taken);
  Status accept_bytes(std::string_view text, std::size_t* taken, Error& error);
  Status make_room(Error& error);
  Status refuse_limit(Error& error) const;

  // matcher_mask.cpp
  Status fill_mask(std::span<std::uint64_t> words, Error& error);
  Item cache_item(const Item& item) const;
  const std::uint64_t* find_cached() const;
  bool in_time(std::span<const Item> items);
  bool in_time(std::uint32_t rest);
  bool mask_item(const Item& item, std::span<std::uint64_t> words, bool* done);
  void join_table(const Item& item, const Step& s, const Table& table,
                  std::span<std::uint64_t> words);
  void mask_token(const Item& item, std::span<std::uint64_t> words);
  bool mask_leaving(const Item& item, const Table& table, std::span<std::uint64_t> words);
  bool walk_to(std::string_view text, std::uint32_t* depth);
  bool walk_tree(std::uint32_t begin, std::uint32_t end, std::span<std::uint64_t> words);
  bool try_token(std::int32_t token, std::span<std::uint64_t> words);
  bool try_subtree(std::uint32_t node, std::span<std::uint64_t> words);
  bool walk_rest(std::span<const Item> items, std::span<std::uint64_t> words);
  bool advance_level(std::uint32_t depth, std::uint8_t byte);
  void begin_walk(std::span<const Item> items);

  const Grammar& grammar_;
  const Constraint* constraint_;
  Allocator* allocator_ = nullptr;
  std::uint64_t block_bytes_ = 0;
  Machine machine_;
  Items now_, next_, other_;
  Items before_;  // where accept() began; else empty
  std::uint64_t position_ = 0;
  bool ended_ = false;  // an end token was taken

  Item* walk_ = nullptr;                    // (walk_items): levels of a walk, one after the other
  Level* levels_ = nullptr;                 // (max_token_bytes + 1)
  std::uint32_t path_ = 0;                  // levels that hold for last_
  std::string_view last_;                   // the token that was tried last
  Slot* slots_ = nullptr;                   // (cache_slots)
  std::uint64_t* slot_words_ = nullptr;     // (cache_slots, mask words)
  std::uint64_t* scratch_words_ = nullptr;  // (mask words)
  std::uint32_t clock_ = 0;
  std::uint32_t limit_ = Distances::far;  // of the rest behind the next token; far: none
  std::uint32_t farthest_ = 0;            // rest behind an allowed one
  bool cut_ = false;                      // the limit has kept one out
};

}  // namespace inlay::grammar
