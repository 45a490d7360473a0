// kv_cache_test.cpp - pages against a plain model: a cell that is computed holds what belongs to
// the tokens before it, and no page is lost or in two places.
#include "engine/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "support/catch.h"

using namespace inlay;

namespace {

using Tokens = std::vector<std::int32_t>;

struct Rng {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(next() % n); }
  bool chance(std::uint32_t percent) { return below(100) < percent; }
};

// The number that belongs in the cell of the last of `count` tokens.
std::uint64_t mark_of(const Tokens& tokens, std::uint32_t count) {
  std::uint64_t hash = 7;
  for (std::uint32_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<std::uint64_t>(tokens[i] + 1)) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  return hash;
}

// Two layers, the second with smaller values: [head][token][row].
constexpr KvPlace two_places[] = {
    {0, 2 * 64 * 8, 8, 8, 2},
    {4 * 64 * 8, 4 * 64 * 8 + 3 * 64 * 16, 16, 8, 3},
};
constexpr std::uint64_t all_bytes = 4 * 64 * 8 + 3 * 64 * 16 + 3 * 64 * 8;

// Calls visit(cell's row, bytes, number of the row) for every row of a cell.
template <class Visit>
void for_rows(std::byte* page, std::uint32_t cell, Visit visit) {
  std::uint64_t number = 0;
  const auto part = [&](std::uint64_t place, std::uint32_t row, std::uint32_t heads) {
    for (std::uint32_t h = 0; h < heads; ++h) {
      for (std::uint32_t at = 0; at < row; at += 8) {
        visit(page + place + (std::uint64_t{h} * page_tokens + cell) * row + at, ++number);
      }
    }
  };
  for (const KvPlace& p : two_places) {
    part(p.keys, p.key_row, p.kv_heads);
    part(p.values, p.value_row, p.kv_heads);
  }
}

void write_cell(std::byte* page, std::uint32_t cell, std::uint64_t mark) {
  for_rows(page, cell, [&](std::byte* at, std::uint64_t number) {
    const std::uint64_t value = mark + number;
    std::memcpy(at, &value, sizeof value);
  });
}

bool cell_holds(std::byte* page, std::uint32_t cell, std::uint64_t mark) {
  bool same = true;
  for_rows(page, cell, [&](const std::byte* at, std::uint64_t number) {
    const std::uint64_t value = mark + number;
    same = same && std::memcmp(at, &value, sizeof value) == 0;
  });
  return same;
}

constexpr std::uint32_t context = 260, stride = (context + page_tokens - 1) / page_tokens;

// One chain beside the tokens it should have.
struct Owner {
  Chain chain;
  Tokens tokens;
  std::uint32_t known = 0;      // first cells that were computed when last seen
  std::uint32_t in_flight = 0;  // rows of it in the pass
  std::uint32_t table[stride];
};

struct Counts {
  std::uint64_t reused = 0, copies = 0, refused = 0, evicted = 0, abandoned = 0, finished = 0,
                restored = 0, borrowed = 0;
};

class World {
 public:
  World(std::uint32_t pages, std::uint32_t owners, bool reuse, std::uint64_t seed)
      : rng_{seed}, reuse_(reuse), owners_(owners), slow_(seed % 3 == 0) {
    Carver measure;
    REQUIRE(KvCache::lay_out(measure, pages, all_bytes, nullptr));
    memory_.resize(measure.size() + 64);
    void* block = memory_.data();
    std::size_t space = memory_.size();
    Carver carver(std::align(64, measure.size(), block, space));
    REQUIRE(KvCache::lay_out(carver, pages, all_bytes, &cache_));
    cache_.init(two_places, reuse);
    for (Owner& o : owners_) o.chain.table = o.table;
    for (Tokens& base : bases_) {
      for (std::int32_t& t : base) t = static_cast<std::int32_t>(rng_.below(3));
    }
  }

  Counts counts;

  void act() {
    Owner& o = owners_[rng_.below(static_cast<std::uint32_t>(owners_.size()))];
    const std::uint32_t what = rng_.below(100);
    if (what < 22) return append_some(o);
    if (what < 44) return pass();
    if (what < 66) return end_pass(rng_.chance(80));
    if (what < 67) return cache_.forget_sources();
    if (what < 76) return imitate(o);
    if (o.in_flight) return;  // the session ends the pass before it does the rest
    if (what < 78) return cut(o, rng_.below(o.chain.tokens + 1));
    if (what < 88) return release(o);
    if (what < 92) return share(o);
    if (what < 98) return append_computed(o);
    begin_again(o);
  }

  void check() {
    std::map<std::uint32_t, std::uint32_t> holders;
    std::set<std::uint32_t> waited_for;
    for (Owner& o : owners_) check_chain(o, holders);
    for (Owner& o : owners_) check_sources(o, waited_for);
    std::uint32_t held_by_copies = 0;
    for (const std::uint32_t page : waited_for) held_by_copies += !holders.count(page);
    const std::size_t known =
        cache_.free_pages() + cache_.cached_pages() + holders.size() + held_by_copies;
    REQUIRE(known <= cache_.pages());
    // Who waits for such a page can be seen here, what that waits for cannot.
    if (held_by_copies == 0) REQUIRE(known == cache_.pages());
    if (!reuse_) REQUIRE(cache_.cached_pages() == 0);
  }

  void end() {
    end_pass(true);
    for (Owner& o : owners_) release(o);
    check();
    REQUIRE(cache_.free_pages() + cache_.cached_pages() == cache_.pages());
    // Every page can be had again: none is lost in the tree.
    Owner& o = owners_[0];
    for (std::uint32_t i = 0; i < std::min(cache_.pages(), stride - 1) * page_tokens; ++i) {
      o.tokens.push_back(1000 + static_cast<std::int32_t>(i));
    }
    REQUIRE(cache_.append(o.chain, o.tokens));
    check();
    release(o);
  }

 private:
  void check_chain(Owner& o, std::map<std::uint32_t, std::uint32_t>& holders) {
    REQUIRE(o.chain.tokens == o.tokens.size());
    std::set<std::uint32_t> own;
    for (std::uint32_t i = 0; i < o.chain.pages(); ++i) {
      const std::uint32_t page = o.table[i];
      REQUIRE(page < cache_.pages());
      REQUIRE(own.insert(page).second);
      // A page stands at one place of the tree: its holders have the same tokens before it.
      const auto [at, fresh] = page_prefix_.try_emplace(page);
      if (fresh || !holders.count(page)) at->second = mark_of(o.tokens, i * page_tokens);
      REQUIRE(at->second == mark_of(o.tokens, i * page_tokens));
      ++holders[page];
    }
    bool computed = true;
    std::uint32_t known = 0;
    for (std::uint32_t p = 0; p < o.chain.tokens; ++p) {
      const bool has = cache_.cell(o.chain, p) == KvCache::Cell::computed;
      if (!has) computed = false;
      if (p % page_tokens != 0 && has) {  // in one page the computed cells are the first
        REQUIRE(cache_.cell(o.chain, p - 1) == KvCache::Cell::computed);
      }
      if (has) REQUIRE(cell_holds(cache_.page(o.table[p / 64]), p % 64, mark_of(o.tokens, p + 1)));
      known += computed;
    }
    REQUIRE(known >= o.known);  // what a chain has stays
    o.known = known;
  }

  // Cells that may come from elsewhere are not computed yet; a page waits for one other at most.
  void check_sources(const Owner& o, std::set<std::uint32_t>& waited_for) {
    for (std::uint32_t i = 0; i < o.chain.pages(); ++i) {
      std::set<std::uint32_t> sources;
      const std::uint32_t end = std::min((i + 1) * page_tokens, o.chain.tokens);
      for (std::uint32_t p = i * page_tokens; p < end; ++p) {
        const std::uint32_t source = cache_.source(o.chain, p);
        if (source == no_page) continue;
        REQUIRE(source < cache_.pages());
        REQUIRE(source != o.table[i]);
        sources.insert(source);
      }
      REQUIRE(sources.size() <= 1);
      waited_for.insert(sources.begin(), sources.end());
    }
  }

  Tokens more_tokens(const Owner& o) {
    const std::uint32_t room = context - o.chain.tokens;
    Tokens more;
    if (room == 0) return more;
    const std::uint32_t n = 1 + rng_.below(std::min(room, rng_.chance(30) ? 200u : 20u));
    const Tokens& base = bases_[rng_.below(2)];
    for (std::uint32_t i = 0; i < n; ++i) more.push_back(base[o.chain.tokens + i]);
    if (rng_.chance(30)) more[rng_.below(n)] = static_cast<std::int32_t>(rng_.below(4));
    return more;
  }

  // A character with the prompt of another, but for one of the last tokens.
  void imitate(const Owner& from) {
    for (Owner& o : owners_) {
      if (o.chain.tokens || from.tokens.empty()) continue;
      Tokens ids = from.tokens;
      ids[ids.size() - 1 - rng_.below(std::min(40u, from.chain.tokens))] = 9;
      if (cache_.append(o.chain, ids)) o.tokens = ids;
      return;
    }
  }

  void append_some(Owner& o) {
    if (o.in_flight && cache_.copies(o.chain)) end_pass(false);
    const Tokens more = more_tokens(o);
    if (more.empty()) return;
    const std::uint32_t before = o.chain.tokens, pages = o.chain.pages();
    const std::uint32_t available = cache_.free_pages() + cache_.cached_pages();
    const bool full = cache_.free_pages() == 0 && cache_.cached_pages() > 0;
    const bool copies = cache_.copies(o.chain);
    if (!cache_.append(o.chain, more)) {
      REQUIRE(o.chain.tokens == before);
      const auto after = static_cast<std::uint32_t>((before + more.size() + 63) / 64);
      REQUIRE(available < after - pages + 1);
      ++counts.refused;
      return;
    }
    o.tokens.insert(o.tokens.end(), more.begin(), more.end());
    counts.copies += copies;
    counts.evicted += full && o.chain.pages() > pages &&
                      cache_.cell(o.chain, o.chain.tokens - 1) == KvCache::Cell::missing;
    for (std::uint32_t p = before; p < o.chain.tokens; ++p) {
      counts.reused += cache_.cell(o.chain, p) == KvCache::Cell::computed;
    }
  }

  // Rows of all chains, in their order, as far as nobody else computes them.
  void pass() {
    if (running_) return;
    running_ = true;
    for (Owner& o : owners_) {
      std::uint32_t at = 0, left = rng_.below(slow_ ? 12 : 90);
      while (at < o.chain.tokens && cache_.cell(o.chain, at) == KvCache::Cell::computed) ++at;
      if (at < o.chain.tokens && cache_.can_borrow(o.chain, at)) {
        REQUIRE(cache_.borrow(o.chain, at, slow_ ? 5 : 64) > 0);
        REQUIRE(cache_.cell(o.chain, at) == KvCache::Cell::computed);
        ++counts.borrowed;
        continue;
      }
      if (at < o.chain.tokens && cache_.source(o.chain, at) != no_page && rng_.chance(80)) continue;
      for (; left > 0 && at < o.chain.tokens; ++at, --left) {
        if (cache_.cell(o.chain, at) != KvCache::Cell::missing) break;
        cache_.fill(o.chain, at);
        REQUIRE(cache_.cell(o.chain, at) == KvCache::Cell::in_flight);
        write_cell(cache_.page(o.table[at / 64]), at % 64, mark_of(o.tokens, at + 1));
        rows_.push_back({&o, at});
        ++o.in_flight;
      }
    }
  }

  void end_pass(bool finish) {
    for (const auto& [o, at] : rows_) {
      if (finish) {
        cache_.finish(o->chain, at);
        REQUIRE(cache_.cell(o->chain, at) == KvCache::Cell::computed);
      } else {
        cache_.abandon(o->chain, at);
        REQUIRE(cache_.cell(o->chain, at) == KvCache::Cell::missing);
      }
      o->in_flight = 0;
    }
    if (running_) ++(finish ? counts.finished : counts.abandoned);
    running_ = false;
    rows_.clear();
  }

  void cut(Owner& o, std::uint32_t tokens) {
    cache_.cut(o.chain, tokens);
    o.tokens.resize(tokens);
    o.known = std::min(o.known, tokens);
  }

  void release(Owner& o) {
    cache_.release(o.chain);
    o.tokens.clear();
    o.known = 0;
  }

  void share(Owner& from) {
    for (Owner& to : owners_) {
      if (to.chain.tokens || &to == &from) continue;
      const std::uint32_t free = cache_.free_pages();
      cache_.share(from.chain, to.chain);
      REQUIRE(cache_.free_pages() == free);
      to.tokens = from.tokens;
      return;
    }
  }

  // As a snapshot is read: pages of its own, filled by the caller.
  void append_computed(Owner& o) {
    release(o);
    const bool linked = rng_.chance(50);
    for (std::uint32_t page = 0; page < 2; ++page) {
      const std::uint32_t n = page == 0 ? 64 : 1 + rng_.below(64);
      const Tokens& base = bases_[rng_.below(2)];
      const Tokens part(base.begin() + o.chain.tokens, base.begin() + o.chain.tokens + n);
      const std::uint32_t at = cache_.append_computed(o.chain, part, linked);
      if (at == no_page) return;
      ++counts.restored;
      REQUIRE(at == o.table[page]);
      o.tokens.insert(o.tokens.end(), part.begin(), part.end());
      for (std::uint32_t c = 0; c < n; ++c) {
        write_cell(cache_.page(at), c, mark_of(o.tokens, page * 64 + c + 1));
      }
    }
  }

  // A chat that is told anew from its first token.
  void begin_again(Owner& o) {
    const Tokens before = o.tokens;
    release(o);
    if (cache_.append(o.chain, before)) o.tokens = before;
  }

  Rng rng_;
  bool reuse_;
  std::vector<std::byte> memory_;
  KvCache cache_;
  std::vector<Owner> owners_;
  Tokens bases_[2] = {Tokens(context + 200), Tokens(context + 200)};
  std::vector<std::pair<Owner*, std::uint32_t>> rows_;
  std::map<std::uint32_t, std::uint64_t> page_prefix_;
  bool running_ = false;
  bool slow_;
};

// A small cache with one chain a test drives by hand.
struct Bench {
  explicit Bench(std::uint32_t pages, bool reuse = true) {
    Carver measure;
    REQUIRE(KvCache::lay_out(measure, pages, all_bytes, nullptr));
    memory.resize(measure.size() + 64);
    void* block = memory.data();
    std::size_t space = memory.size();
    Carver carver(std::align(64, measure.size(), block, space));
    REQUIRE(KvCache::lay_out(carver, pages, all_bytes, &cache));
    cache.init(two_places, reuse);
  }
  // All cells that are missing.
  void compute(const Chain& chain) {
    for (std::uint32_t p = 0; p < chain.tokens; ++p) {
      if (cache.cell(chain, p) != KvCache::Cell::missing) continue;
      cache.fill(chain, p);
      cache.finish(chain, p);
    }
  }
  std::uint32_t computed(const Chain& chain) const {
    std::uint32_t n = 0;
    for (std::uint32_t p = 0; p < chain.tokens; ++p) {
      n += cache.cell(chain, p) == KvCache::Cell::computed;
    }
    return n;
  }
  std::vector<std::byte> memory;
  KvCache cache;
};

struct HandChain {
  std::uint32_t table[8];
  Chain chain{table, 0};
};

Tokens counted(std::int32_t first, std::uint32_t count) {
  Tokens tokens(count);
  for (std::uint32_t i = 0; i < count; ++i) tokens[i] = first + static_cast<std::int32_t>(i);
  return tokens;
}

}  // namespace

TEST_CASE("random chains over few pages keep every promise of the cache", "[kv_cache]") {
  Counts all;
  for (std::uint64_t seed = 1; seed <= 240; ++seed) {
    INFO("seed " << seed);
    const bool reuse = seed % 4 != 0;
    World world(static_cast<std::uint32_t>(3 + seed % 24), static_cast<std::uint32_t>(2 + seed % 6),
                reuse, seed);
    for (int i = 0; i < 300; ++i) {
      INFO("action " << i);
      world.act();
      if (i % 4 == 0) world.check();
    }
    world.end();
    all.reused += world.counts.reused;
    all.copies += world.counts.copies;
    all.refused += world.counts.refused;
    all.evicted += world.counts.evicted;
    all.abandoned += world.counts.abandoned;
    all.finished += world.counts.finished;
    all.restored += world.counts.restored;
    all.borrowed += world.counts.borrowed;
  }
  // The test is not empty.
  CHECK(all.reused > 10000);
  CHECK(all.copies > 300);
  CHECK(all.refused > 100);
  CHECK(all.evicted > 100);
  CHECK(all.abandoned > 100);
  CHECK(all.finished > 1000);
  CHECK(all.restored > 500);
  CHECK(all.borrowed > 100);
}

TEST_CASE("what is computed is found again by its tokens, page by page", "[kv_cache]") {
  Bench b(8);
  HandChain first, second;
  const Tokens text = counted(0, 150);
  REQUIRE(b.cache.append(first.chain, text));
  b.compute(first.chain);
  b.cache.release(first.chain);
  CHECK(b.cache.cached_pages() == 3);
  CHECK(b.cache.free_pages() == 5);
  REQUIRE(b.cache.append(second.chain, text));
  CHECK(b.computed(second.chain) == 150);
  CHECK(b.cache.cached_pages() == 0);
  // Another end in the last page: its first cells are copied.
  HandChain third;
  Tokens other = text;
  other[140] = 7777;
  REQUIRE(b.cache.append(third.chain, other));
  CHECK(b.computed(third.chain) == 140);
  CHECK(third.table[0] == second.table[0]);
  CHECK(third.table[1] == second.table[1]);
  CHECK(third.table[2] != second.table[2]);
  CHECK(b.computed(second.chain) == 150);
}

TEST_CASE("tokens that nobody has computed yet are shared as well", "[kv_cache]") {
  Bench b(8);
  HandChain a, c;
  const Tokens text = counted(0, 100);
  REQUIRE(b.cache.append(a.chain, text));
  REQUIRE(b.cache.append(c.chain, text));
  CHECK(b.cache.free_pages() == 6);
  b.compute(a.chain);
  CHECK(b.computed(c.chain) == 100);
}

TEST_CASE("a copy of what is not computed yet is filled when it is", "[kv_cache]") {
  for (const bool alone : {false, true}) {
    Bench b(8);
    HandChain first, copy;
    Tokens text = counted(0, 100);
    REQUIRE(b.cache.append(first.chain, text));
    text[90] = 7777;
    REQUIRE(b.cache.append(copy.chain, text));
    CHECK(copy.table[0] == first.table[0]);
    REQUIRE(copy.table[1] != first.table[1]);
    for (const std::uint32_t at : {64u, 89u})
      CHECK(b.cache.source(copy.chain, at) == first.table[1]);
    for (const std::uint32_t at : {0u, 90u, 99u}) CHECK(b.cache.source(copy.chain, at) == no_page);
    CHECK_FALSE(b.cache.can_borrow(copy.chain, 64));
    for (std::uint32_t p = 0; p < 80; ++p) {  // half of it
      b.cache.fill(first.chain, p);
      write_cell(b.cache.page(first.table[p / 64]), p % 64, p);
      b.cache.finish(first.chain, p);
    }
    REQUIRE(b.cache.can_borrow(copy.chain, 64));
    CHECK(b.cache.borrow(copy.chain, 64, 10) == 10);
    REQUIRE(b.cache.can_borrow(copy.chain, 64));
    CHECK(b.cache.borrow(copy.chain, 64, 64) == 6);
    CHECK(b.computed(copy.chain) == 80);
    for (std::uint32_t c = 0; c < 16; ++c) {
      CHECK(cell_holds(b.cache.page(copy.table[1]), c, 64 + c));
    }
    // The one it waits for is kept for it, until it computes the rest itself.
    CHECK_FALSE(b.cache.can_borrow(copy.chain, 80));
    CHECK(b.cache.source(copy.chain, 80) == first.table[1]);
    b.cache.release(first.chain);
    CHECK(b.cache.free_pages() + b.cache.cached_pages() == 5);
    if (alone) {
      b.cache.fill(copy.chain, 80);
    } else {
      b.cache.forget_sources();
    }
    CHECK(b.cache.source(copy.chain, 81) == no_page);
    CHECK(b.cache.free_pages() + b.cache.cached_pages() == 6);
    b.cache.abandon(copy.chain, 80);
    b.cache.release(copy.chain);
    CHECK(b.cache.free_pages() + b.cache.cached_pages() == 8);
  }
}

TEST_CASE("pages that were unused for longest go first", "[kv_cache]") {
  Bench b(4);
  HandChain chain;
  const Tokens old = counted(0, 64), young = counted(1000, 64);
  for (const Tokens& text : {old, young}) {
    REQUIRE(b.cache.append(chain.chain, text));
    b.compute(chain.chain);
    b.cache.release(chain.chain);
  }
  REQUIRE(b.cache.append(chain.chain, counted(2000, 192)));  // two free pages and one remembered
  b.cache.release(chain.chain);
  REQUIRE(b.cache.append(chain.chain, young));
  CHECK(b.computed(chain.chain) == 64);
  b.cache.release(chain.chain);
  REQUIRE(b.cache.append(chain.chain, old));
  CHECK(b.computed(chain.chain) == 0);
}

TEST_CASE("a chain that finds no page is as before, and so are the others", "[kv_cache]") {
  Bench b(3);
  HandChain holder, asker;
  REQUIRE(b.cache.append(holder.chain, counted(0, 128)));
  b.compute(holder.chain);
  REQUIRE(b.cache.append(asker.chain, counted(500, 60)));
  REQUIRE_FALSE(b.cache.append(asker.chain, counted(560, 5)));
  CHECK(asker.chain.tokens == 60);
  CHECK(b.computed(holder.chain) == 128);
  REQUIRE(b.cache.append(asker.chain, counted(560, 4)));
  CHECK(b.cache.free_pages() == 0);
  // A second sequence over the same pages costs none, until it goes on.
  HandChain copy;
  b.cache.share(asker.chain, copy.chain);
  b.cache.cut(copy.chain, 63);
  REQUIRE_FALSE(b.cache.append(copy.chain, counted(9000, 1)));
  CHECK(copy.chain.tokens == 63);
  CHECK(asker.chain.tokens == 64);
}

TEST_CASE("a chain that finds no page leaves what was remembered", "[kv_cache]") {
  Bench b(5);
  HandChain holder, asker;
  const Tokens text = counted(0, 150);
  REQUIRE(b.cache.append(asker.chain, text));
  b.compute(asker.chain);
  b.cache.release(asker.chain);
  REQUIRE(b.cache.append(holder.chain, counted(1000, 128)));
  CHECK(b.cache.cached_pages() == 3);
  Tokens more = text;
  for (const std::int32_t token : counted(5000, 100)) more.push_back(token);
  REQUIRE_FALSE(b.cache.append(asker.chain, more));
  CHECK(asker.chain.tokens == 0);
  CHECK(b.cache.cached_pages() == 3);
  REQUIRE(b.cache.append(asker.chain, text));
  CHECK(b.computed(asker.chain) == 150);
  // Also in the page where it stands.
  b.cache.cut(asker.chain, 140);
  REQUIRE_FALSE(b.cache.append(asker.chain, counted(5000, 100)));
  CHECK(asker.chain.tokens == 140);
  CHECK(b.computed(asker.chain) == 140);
}

TEST_CASE("without reuse a second chain over the same pages computes what it adds", "[kv_cache]") {
  for (const bool reuse : {true, false}) {
    Bench b(8, reuse);
    HandChain first, copy;
    REQUIRE(b.cache.append(first.chain, counted(0, 70)));
    b.compute(first.chain);
    b.cache.share(first.chain, copy.chain);
    REQUIRE(b.cache.append(first.chain, counted(70, 10)));
    b.compute(first.chain);
    REQUIRE(b.cache.append(copy.chain, counted(70, 10)));
    CHECK(b.computed(copy.chain) == (reuse ? 80u : 70u));
  }
}

TEST_CASE("without reuse nothing is found and nothing is remembered", "[kv_cache]") {
  Bench b(8, false);
  HandChain a, c;
  const Tokens text = counted(0, 100);
  REQUIRE(b.cache.append(a.chain, text));
  b.compute(a.chain);
  REQUIRE(b.cache.append(c.chain, text));
  CHECK(b.computed(c.chain) == 0);
  CHECK(b.cache.free_pages() == 4);
  b.cache.release(a.chain);
  b.cache.release(c.chain);
  CHECK(b.cache.free_pages() == 8);
  CHECK(b.cache.cached_pages() == 0);
}

TEST_CASE("pages that nobody vouched for are not found by others", "[kv_cache]") {
  for (const bool linked : {false, true}) {
    Bench b(8);
    HandChain restored, other;
    const Tokens text = counted(0, 64);
    REQUIRE(b.cache.append_computed(restored.chain, text, linked) != no_page);
    CHECK(b.computed(restored.chain) == 64);
    REQUIRE(b.cache.append(other.chain, text));
    CHECK(b.computed(other.chain) == (linked ? 64 : 0));
    // What is added behind it stays with its holder, too.
    b.cache.release(other.chain);
    REQUIRE(b.cache.append(restored.chain, counted(64, 10)));
    b.compute(restored.chain);
    b.cache.release(restored.chain);
    CHECK(b.cache.cached_pages() == (linked ? 2 : 0));
    REQUIRE(b.cache.append(other.chain, counted(0, 74)));
    CHECK(b.computed(other.chain) == (linked ? 74 : 0));
  }
}
