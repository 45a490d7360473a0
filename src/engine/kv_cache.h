// kv_cache.h - pages of keys and values: shared by reference count, found again by their tokens.
#pragma once

#include <cstdint>
#include <span>

#include "backend/cpu/cpu.h"
#include "base/carver.h"

namespace inlay {

inline constexpr std::uint32_t no_page = UINT32_MAX;

// The pages of one sequence in order. `table` has room for its whole context.
struct Chain {
  std::uint32_t* table = nullptr;
  std::uint32_t tokens = 0;  // planned: known, computed or not
  std::uint32_t pages() const { return (tokens + page_tokens - 1) / page_tokens; }
};

// A page holds up to 64 tokens and their keys and values:
//
//   cells [0, valid)        computed by passes that are finished
//   cells [valid, filling)  computed by the pass in flight
//   cells [filling, planned) tokens that some sequence will compute
//
// What a cell holds follows from the tokens before it, so a page is a node of a tree whose edges
// are tokens: its parent is the page before it. A chain walks from a root to a page, follows the
// tokens that are already there, and adds its own. Only the end of a page (cell == planned) is
// written in place; a chain that goes on differently gets a copy of what is computed, and of the
// rest once another chain has computed it (`source`, which the copy holds until then). Pages that
// no chain holds stay in the tree, the longest unused are taken first when pages are needed.
//
// A page that is not linked to its parent cannot be found from there: its chain alone holds it. So
// are the pages of snapshots that nobody vouched for, and all pages when reuse is off.
class KvCache {
 public:
  struct Page {
    std::uint32_t refs;            // chains that hold it, and copies that wait for it
    std::uint32_t parent;          // no_page: a root
    std::uint32_t child, sibling;  // first linked child; next linked child of the parent
    std::uint32_t before;          // the sibling before this one
    std::uint32_t older, newer;    // neighbours among the pages of nobody
    std::uint32_t source;          // of cells [valid, borrowed); or no_page
    std::uint8_t planned, filling, valid, borrowed;
    bool linked;
  };

  // Lays the arrays out; with null blocks only their size is counted.
  static bool lay_out(Carver& state, std::uint32_t pages, std::uint64_t page_bytes, KvCache* cache);
  // `places`: (slots) where a page has what.
  void init(std::span<const KvPlace> places, bool reuse);

  // Adds tokens: follows pages that have them, writes at the end of a page, copies or takes one.
  // All or none; false: no page is free, and what was followed is still remembered.
  bool append(Chain& chain, std::span<const std::int32_t> tokens);
  // Whether a chain that is cut to `keep` can surely grow to `tokens` again, whatever they are.
  bool can_regrow(const Chain& chain, std::uint32_t keep, std::uint32_t tokens) const;
  // Whether append would copy the last page, and so change the table of a pass in flight.
  bool copies(const Chain& chain) const;
  // Back to the first `tokens`. Computed pages behind stay to be found; what is computed behind in
  // the same page is forgotten when no page is given back and nobody else has it.
  void cut(Chain& chain, std::uint32_t tokens);
  // Gives all pages back; what is computed stays to be found.
  void release(Chain& chain);
  // The same, and what only this chain has is forgotten: its cells may be wrong.
  void forget(Chain& chain);
  // `to` is empty and becomes a second chain over the same pages.
  void share(const Chain& from, Chain& to);
  // Adds `tokens`, which end in the page where they begin, as computed, behind tokens that all are;
  // the caller fills the cells. A new page is found by others only when `linked`. Returns the page;
  // no_page: none is free.
  std::uint32_t append_computed(Chain& chain, std::span<const std::int32_t> tokens, bool linked);

  // Where the missing cell of `position` may be computed for another chain; no_page: nowhere.
  std::uint32_t source(const Chain& chain, std::uint32_t position) const;
  // Whether cells from `position` on can be copied from there now; and copies at most `most` of
  // them, returns how many.
  bool can_borrow(const Chain& chain, std::uint32_t position) const;
  std::uint32_t borrow(const Chain& chain, std::uint32_t position, std::uint32_t most);
  // Copies that wait do so no longer: their chains will compute.
  void forget_sources();

  // How far a pass may go: of the token at `position`.
  enum class Cell { computed, in_flight, missing };
  Cell cell(const Chain& chain, std::uint32_t position) const;
  // Behind the computed cells of the page that `position` lies in.
  std::uint32_t computed_end(const Chain& chain, std::uint32_t position) const;
  // The pass in flight computes this cell; it is missing and the first such of its page.
  void fill(const Chain& chain, std::uint32_t position);
  // The pass is over, or never happened: of the pages that it filled.
  void finish(const Chain& chain, std::uint32_t position);
  void abandon(const Chain& chain, std::uint32_t position);

  std::byte* page(std::uint32_t index) const { return pool_ + std::uint64_t{index} * page_bytes_; }
  std::byte* pool() const { return pool_; }
  std::uint64_t page_bytes() const { return page_bytes_; }
  std::span<const KvPlace> places() const { return places_; }
  std::uint32_t pages() const { return count_; }
  std::uint32_t free_pages() const { return free_count_; }
  std::uint32_t cached_pages() const { return cached_; }

 private:
  std::int32_t* tokens_of(std::uint32_t page) const {
    return tokens_ + std::size_t{page} * page_tokens;
  }
  std::uint32_t parent_of(const Chain& chain) const;
  std::uint32_t find_child(std::uint32_t parent, std::span<const std::int32_t> tokens) const;
  std::uint32_t matching(std::uint32_t page, std::span<const std::int32_t> tokens) const;
  std::uint32_t take_free();
  std::uint32_t new_page(std::uint32_t parent, bool linked);
  bool make_own(Chain& chain, std::uint32_t cell);
  void end_at(std::uint32_t page, std::uint32_t cells);
  bool add_page(Chain& chain, bool linked);
  bool append_one(Chain& chain, std::int32_t token);
  void shorten(Chain& chain, std::uint32_t tokens, bool forget);
  void write(Chain& chain, std::int32_t token);
  std::uint32_t follow(Chain& chain, std::span<const std::int32_t> tokens);
  void copy_cells(std::uint32_t from, std::uint32_t to, std::uint32_t begin, std::uint32_t end);
  void forget_source(std::uint32_t page);
  void link(std::uint32_t page);
  void unlink(std::uint32_t page);
  void hold(std::uint32_t page);
  void let_go(std::uint32_t page);
  void forget_children(std::uint32_t page);
  void make_free(std::uint32_t page);
  void enqueue(std::uint32_t page);
  void dequeue(std::uint32_t page);

  Page* list_ = nullptr;            // (count)
  std::int32_t* tokens_ = nullptr;  // (count, page_tokens)
  std::uint32_t* free_ = nullptr;   // (count) stack
  std::byte* pool_ = nullptr;       // (count, page_bytes)
  std::uint64_t page_bytes_ = 0;
  std::uint32_t count_ = 0, free_count_ = 0, cached_ = 0;
  std::uint32_t root_child_ = no_page;                 // first page of all linked roots
  std::uint32_t oldest_ = no_page, newest_ = no_page;  // pages of nobody
  std::span<const KvPlace> places_;
  bool reuse_ = true;
};

}  // namespace inlay
