// kv_cache.cpp - the tree of pages: linked, held and let go; pages of nobody wait to be found or
// taken.
#include "engine/kv_cache.h"

#include <algorithm>

namespace inlay {

bool KvCache::lay_out(Carver& state, std::uint32_t pages, std::uint64_t page_bytes,
                      KvCache* cache) {
  std::uint64_t pool_bytes = 0;
  if (!checked_mul(pages, page_bytes, pool_bytes)) return false;
  auto* list = state.take<Page>(pages);
  auto* tokens = state.take<std::int32_t>(std::uint64_t{pages} * page_tokens);
  auto* free = state.take<std::uint32_t>(pages);
  auto* pool = state.take<std::byte>(pool_bytes);
  if (!cache) return true;
  cache->list_ = list;
  cache->tokens_ = tokens;
  cache->free_ = free;
  cache->pool_ = pool;
  cache->page_bytes_ = page_bytes;
  cache->count_ = pages;
  return true;
}

void KvCache::init(std::span<const KvPlace> places, bool reuse) {
  places_ = places;
  reuse_ = reuse;
  cached_ = 0;
  root_child_ = oldest_ = newest_ = no_page;
  for (free_count_ = 0; free_count_ < count_; ++free_count_) {
    list_[free_count_] = {};
    free_[free_count_] = count_ - 1 - free_count_;
  }
}

// ---- The tree -----------------------------------------------------------------------------------

void KvCache::link(std::uint32_t page) {
  Page& p = list_[page];
  std::uint32_t& first = p.parent == no_page ? root_child_ : list_[p.parent].child;
  p.sibling = first;
  p.before = no_page;
  if (first != no_page) list_[first].before = page;
  first = page;
  p.linked = true;
}

void KvCache::unlink(std::uint32_t page) {
  Page& p = list_[page];
  if (!p.linked) return;
  std::uint32_t& first = p.parent == no_page ? root_child_ : list_[p.parent].child;
  (p.before == no_page ? first : list_[p.before].sibling) = p.sibling;
  if (p.sibling != no_page) list_[p.sibling].before = p.before;
  p.linked = false;
}

// How many of `tokens` the page has in the same order from its first cell on.
std::uint32_t KvCache::matching(std::uint32_t page, std::span<const std::int32_t> tokens) const {
  const std::int32_t* own = tokens_of(page);
  const std::size_t most = std::min<std::size_t>(list_[page].planned, tokens.size());
  return static_cast<std::uint32_t>(std::mismatch(own, own + most, tokens.begin()).first - own);
}

// The child with the longest run of `tokens`, of those the one that is computed furthest.
std::uint32_t KvCache::find_child(std::uint32_t parent,
                                  std::span<const std::int32_t> tokens) const {
  std::uint32_t best = no_page, longest = 0;
  std::uint32_t child = parent == no_page ? root_child_ : list_[parent].child;
  for (; child != no_page; child = list_[child].sibling) {
    const std::uint32_t run = matching(child, tokens);
    if (run == 0 || run < longest) continue;
    if (run == longest && list_[child].valid <= list_[best].valid) continue;
    best = child;
    longest = run;
  }
  return best;
}

// ---- Pages of nobody, oldest first --------------------------------------------------------------

void KvCache::enqueue(std::uint32_t page) {
  list_[page].older = newest_;
  list_[page].newer = no_page;
  (newest_ == no_page ? oldest_ : list_[newest_].newer) = page;
  newest_ = page;
  ++cached_;
}

void KvCache::dequeue(std::uint32_t page) {
  const Page& p = list_[page];
  (p.older == no_page ? oldest_ : list_[p.older].newer) = p.newer;
  (p.newer == no_page ? newest_ : list_[p.newer].older) = p.older;
  --cached_;
}

// ---- Holding pages ------------------------------------------------------------------------------

void KvCache::hold(std::uint32_t page) {
  if (list_[page].refs++ == 0) dequeue(page);
}

void KvCache::make_free(std::uint32_t page) {
  unlink(page);
  free_[free_count_++] = page;
}

// The linked pages below `page`, which nobody holds: whoever holds a page holds its parent.
void KvCache::forget_children(std::uint32_t page) {
  std::uint32_t at = list_[page].child;
  while (at != no_page) {
    if (list_[at].child != no_page) {
      at = list_[at].child;
      continue;
    }
    const std::uint32_t parent = list_[at].parent;
    dequeue(at);
    make_free(at);
    at = list_[at].sibling != no_page ? list_[at].sibling : parent == page ? no_page : parent;
  }
}

void KvCache::let_go(std::uint32_t page) {
  while (page != no_page && --list_[page].refs == 0) {
    Page& p = list_[page];
    const std::uint32_t source = p.source;
    p.source = no_page;
    if (!p.linked || p.valid == 0) {
      forget_children(page);
      make_free(page);
    } else {
      p.planned = p.filling = p.valid;
      enqueue(page);
    }
    page = source;  // which waited for nobody else, perhaps
  }
}

void KvCache::forget_source(std::uint32_t page) {
  const std::uint32_t source = list_[page].source;
  list_[page].source = no_page;
  let_go(source);
}

void KvCache::forget_sources() {
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (list_[i].refs > 0 && list_[i].source != no_page) forget_source(i);
  }
}

// A free page, or the one that was unused for longest. A chain lets its last page go first, so that
// a page is older than its parent: the oldest has no children.
std::uint32_t KvCache::take_free() {
  if (free_count_ == 0) {
    if (oldest_ == no_page) return no_page;
    const std::uint32_t page = oldest_;
    forget_children(page);
    dequeue(page);
    make_free(page);
  }
  return free_[--free_count_];
}

std::uint32_t KvCache::new_page(std::uint32_t parent, bool linked) {
  std::uint32_t page = take_free();
  if (page == no_page) {
    forget_sources();
    page = take_free();
  }
  if (page == no_page) return no_page;
  list_[page] = {1,       parent, no_page, no_page, no_page, no_page, no_page,
                 no_page, 0,      0,       0,       0,       false};
  if (linked) link(page);
  return page;
}

std::uint32_t KvCache::parent_of(const Chain& chain) const {
  return chain.tokens == 0 ? no_page : chain.table[(chain.tokens - 1) / page_tokens];
}

}  // namespace inlay
