// kv_chain.cpp - chains follow and grow the tree of pages, copy what they share, and are computed.
#include <algorithm>
#include <cstring>

#include "engine/kv_cache.h"

namespace inlay {

bool KvCache::copies(const Chain& chain) const {
  const std::uint32_t cell = chain.tokens % page_tokens;
  return cell != 0 && list_[parent_of(chain)].planned != cell;
}

bool KvCache::can_regrow(const Chain& chain, std::uint32_t keep, std::uint32_t tokens) const {
  const std::uint32_t whole = keep / page_tokens;  // pages that stay as they are
  std::uint32_t room = free_count_ + cached_;
  for (std::uint32_t i = whole; i < chain.pages(); ++i) room += list_[chain.table[i]].refs == 1;
  return (tokens + page_tokens - 1) / page_tokens <= whole + room;
}

void KvCache::copy_cells(std::uint32_t from, std::uint32_t to, std::uint32_t begin,
                         std::uint32_t end) {
  const auto copy = [&](std::uint64_t place, std::uint32_t row, std::uint32_t heads) {
    for (std::uint32_t h = 0; h < heads; ++h) {
      const std::uint64_t at = place + (std::uint64_t{h} * page_tokens + begin) * row;
      std::memcpy(page(to) + at, page(from) + at, std::size_t{end - begin} * row);
    }
  };
  for (const KvPlace& place : places_) {
    copy(place.keys, place.key_row, place.kv_heads);
    copy(place.values, place.value_row, place.kv_heads);
  }
}

// The last page of the chain becomes one that ends at `cell`, where the chain goes on alone.
bool KvCache::make_own(Chain& chain, std::uint32_t cell) {
  std::uint32_t& last = chain.table[(chain.tokens - 1) / page_tokens];
  Page& shared = list_[last];
  const std::uint32_t own = new_page(shared.parent, shared.linked);
  if (own == no_page) {
    if (shared.refs > 1) return false;
    forget_children(last);
    end_at(last, cell);
    return true;
  }
  std::copy_n(tokens_of(last), cell, tokens_of(own));
  Page& page = list_[own];
  page.planned = static_cast<std::uint8_t>(cell);
  page.filling = page.valid =
      static_cast<std::uint8_t>(std::min<std::uint32_t>(cell, shared.valid));
  copy_cells(last, own, 0, page.valid);
  if (page.valid < cell && shared.refs > 1) {
    page.source = last;  // held from now on by the copy
    page.borrowed = page.planned;
  } else {
    let_go(last);
  }
  last = own;
  return true;
}

// The page has no more than `cells` cells.
void KvCache::end_at(std::uint32_t page, std::uint32_t cells) {
  Page& p = list_[page];
  const auto end = static_cast<std::uint8_t>(cells);
  p.planned = std::min(p.planned, end);
  p.filling = std::min(p.filling, end);
  p.valid = std::min(p.valid, end);
  p.borrowed = std::min(p.borrowed, end);
  if (p.source != no_page && p.borrowed <= p.valid) forget_source(page);
}

// A new page at the end of a full one.
bool KvCache::add_page(Chain& chain, bool linked) {
  const std::uint32_t page = new_page(parent_of(chain), linked);
  if (page == no_page) return false;
  chain.table[chain.tokens / page_tokens] = page;
  return true;
}

// Adds a token behind the chain's last one, or as the first of the page `add_page` brought.
void KvCache::write(Chain& chain, std::int32_t token) {
  const std::uint32_t page = chain.table[chain.tokens / page_tokens];
  tokens_of(page)[list_[page].planned++] = token;
  ++chain.tokens;
}

// Follows stored tokens as far as they are those of `tokens`; returns how many.
std::uint32_t KvCache::follow(Chain& chain, std::span<const std::int32_t> tokens) {
  if (!reuse_) return 0;
  const std::uint32_t cell = chain.tokens % page_tokens;
  if (cell == 0) {
    const std::uint32_t page = find_child(parent_of(chain), tokens);
    if (page == no_page) return 0;
    hold(page);
    chain.table[chain.tokens / page_tokens] = page;
    const std::uint32_t run = matching(page, tokens);
    chain.tokens += run;
    return run;
  }
  const std::uint32_t last = parent_of(chain);
  const std::int32_t* own = tokens_of(last) + cell;
  const std::size_t most = std::min<std::size_t>(list_[last].planned - cell, tokens.size());
  const auto run =
      static_cast<std::uint32_t>(std::mismatch(own, own + most, tokens.begin()).first - own);
  chain.tokens += run;
  return run;
}

// Adds a token that is not stored behind the chain. False: no page is free.
bool KvCache::append_one(Chain& chain, std::int32_t token) {
  const std::uint32_t cell = chain.tokens % page_tokens;
  if (cell == 0) {
    if (!add_page(chain, reuse_)) return false;
  } else if (copies(chain) && !make_own(chain, cell)) {
    return false;
  }
  write(chain, token);
  return true;
}

bool KvCache::append(Chain& chain, std::span<const std::int32_t> tokens) {
  const std::uint32_t before = chain.tokens;
  while (!tokens.empty()) {
    const std::uint32_t run = follow(chain, tokens);
    tokens = tokens.subspan(run);
    // Behind a full page the next one may be stored as well.
    if (tokens.empty() || (run > 0 && chain.tokens % page_tokens == 0)) continue;
    if (!append_one(chain, tokens[0])) {
      shorten(chain, before, false);
      return false;
    }
    tokens = tokens.subspan(1);
  }
  return true;
}

// Pages behind stay to be found; what is behind in the last page is forgotten if `forget` says so
// and nobody else has it.
void KvCache::shorten(Chain& chain, std::uint32_t tokens, bool forget) {
  const std::uint32_t kept = (tokens + page_tokens - 1) / page_tokens;
  for (std::uint32_t i = chain.pages(); i-- > kept;) let_go(chain.table[i]);
  chain.tokens = tokens;
  const std::uint32_t cell = tokens % page_tokens;
  if (cell == 0) return;
  const std::uint32_t last = chain.table[kept - 1];
  const Page& page = list_[last];
  if (page.refs > 1 || page.child != no_page) return;
  end_at(last, forget ? cell : std::max<std::uint32_t>(cell, page.valid));
}

// Going back a little in a page, which some do at every token, copies nothing.
void KvCache::cut(Chain& chain, std::uint32_t tokens) {
  if (tokens == chain.tokens) return;
  shorten(chain, tokens, (tokens + page_tokens - 1) / page_tokens == chain.pages());
}

void KvCache::release(Chain& chain) {
  for (std::uint32_t i = chain.pages(); i-- > 0;) let_go(chain.table[i]);
  chain.tokens = 0;
}

void KvCache::forget(Chain& chain) {
  for (std::uint32_t i = 0; i < chain.pages(); ++i) {
    Page& page = list_[chain.table[i]];
    if (page.refs == 1) page.filling = page.valid = 0;
  }
  release(chain);
}

void KvCache::share(const Chain& from, Chain& to) {
  for (std::uint32_t i = 0; i < from.pages(); ++i) hold(to.table[i] = from.table[i]);
  to.tokens = from.tokens;
}

std::uint32_t KvCache::append_computed(Chain& chain, std::span<const std::int32_t> tokens,
                                       bool linked) {
  const std::uint32_t cell = chain.tokens % page_tokens;
  if (cell == 0) {
    if (!add_page(chain, linked && reuse_)) return no_page;
  } else if (copies(chain) && !make_own(chain, cell)) {
    return no_page;
  }
  for (const std::int32_t token : tokens) write(chain, token);
  const std::uint32_t page = parent_of(chain);
  list_[page].filling = list_[page].valid = list_[page].planned;
  return page;
}

// ---- Copies that wait ---------------------------------------------------------------------------

std::uint32_t KvCache::source(const Chain& chain, std::uint32_t position) const {
  const Page& page = list_[chain.table[position / page_tokens]];
  return page.source != no_page && position % page_tokens < page.borrowed ? page.source : no_page;
}

bool KvCache::can_borrow(const Chain& chain, std::uint32_t position) const {
  const std::uint32_t from = source(chain, position);
  const Page& page = list_[chain.table[position / page_tokens]];
  return from != no_page && page.filling == page.valid && list_[from].valid > page.valid;
}

std::uint32_t KvCache::borrow(const Chain& chain, std::uint32_t position, std::uint32_t most) {
  const std::uint32_t own = chain.table[position / page_tokens];
  Page& page = list_[own];
  const std::uint32_t begin = page.valid;
  const std::uint32_t end = std::min<std::uint32_t>(page.borrowed, list_[page.source].valid);
  const std::uint32_t cells = std::min(end - begin, most);
  copy_cells(page.source, own, begin, begin + cells);
  page.filling = page.valid = static_cast<std::uint8_t>(begin + cells);
  if (page.valid == page.borrowed) forget_source(own);
  return cells;
}

// ---- A pass -------------------------------------------------------------------------------------

KvCache::Cell KvCache::cell(const Chain& chain, std::uint32_t position) const {
  const Page& page = list_[chain.table[position / page_tokens]];
  const std::uint32_t cell = position % page_tokens;
  return cell < page.valid ? Cell::computed : cell < page.filling ? Cell::in_flight : Cell::missing;
}

std::uint32_t KvCache::computed_end(const Chain& chain, std::uint32_t position) const {
  const std::uint32_t page = position / page_tokens;
  return page * page_tokens + list_[chain.table[page]].valid;
}

void KvCache::fill(const Chain& chain, std::uint32_t position) {
  const std::uint32_t page = chain.table[position / page_tokens];
  list_[page].filling = static_cast<std::uint8_t>(position % page_tokens + 1);
  if (list_[page].source != no_page) forget_source(page);
}

void KvCache::finish(const Chain& chain, std::uint32_t position) {
  Page& page = list_[chain.table[position / page_tokens]];
  page.valid = page.filling;
}

void KvCache::abandon(const Chain& chain, std::uint32_t position) {
  Page& page = list_[chain.table[position / page_tokens]];
  page.filling = page.valid;
}

}  // namespace inlay
