// session_pass.cpp - which tokens are computed together: building a pass and ending it.
#include <algorithm>
#include <utility>

#include "engine/session.h"

namespace inlay {

namespace {

constexpr std::uint64_t borrowed_bytes = 8 << 20;         // that are copied before one pass
constexpr std::uint64_t bytes_between_looks = 256 << 10;  // at the clock

}  // namespace

// Whether somebody is going to compute the next cell of s in the page that s will copy it from.
bool Session::has_leader(Sequence& s) const {
  const std::uint32_t position = s.begin();
  const std::uint32_t page = s.wants(position) ? no_page : cache_.source(s.chain, position);
  if (page == no_page) return false;
  for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
    const std::uint32_t slot = (s.leader + i) % shape_.slots();
    const Sequence& other = sequences_[slot];
    if (other.length() <= position || other.chain.table[position / page_tokens] != page) continue;
    s.leader = slot;
    return true;
  }
  return false;
}

// Copies what others have computed since, some of it before each pass, so that a step keeps its
// time. Whoever has to wait adds no rows. True: there is more to copy.
bool Session::borrow(std::uint64_t deadline) {
  const auto cells_of = [&](std::uint64_t bytes) {
    const std::uint64_t cell_bytes = std::max<std::uint64_t>(1, cache_.page_bytes() / page_tokens);
    return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, bytes / cell_bytes));
  };
  const std::uint32_t most = cells_of(bytes_between_looks);
  std::uint32_t left = cells_of(borrowed_bytes);
  bool more = false;
  for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
    Sequence& s = sequences_[(turn_ + i) % shape_.slots()];
    s.waits = false;
    skip_computed(s);
    if (s.pending() == 0) continue;
    while (left > 0 && cache_.can_borrow(s.chain, s.begin())) {
      left -= cache_.borrow(s.chain, s.begin(), std::min(left, most));
      skip_computed(s);
      if (is_late(deadline)) left = 0;
    }
    s.waits = cache_.can_borrow(s.chain, s.begin());
    more = more || s.waits;
    s.waits = s.waits || has_leader(s);
  }
  return more;
}

// Tokens that another sequence has computed, and whose logits nobody wants, are there already.
void Session::skip_computed(Sequence& s) {
  if (s.pass_tokens > 0) return;
  if (s.again && !s.wants(s.begin())) s.again = 0;  // it is not the last one any more
  const std::uint32_t before = s.computed;
  while (s.pending() > 0) {
    const std::uint32_t begin = s.begin();
    const std::uint32_t end = std::min(cache_.computed_end(s.chain, begin), s.first_wanted(begin));
    if (end <= begin) break;
    s.computed = end;
  }
  counters_.reused += s.computed - before;
}

// Rows of one sequence, from the first that is not computed on, until it has `limit` of them. The
// rows whose logits are wanted are neighbours, so that the host sees them as one matrix. A token
// that another row of this pass computes is waited for, unless its logits are wanted.
void Session::add_rows(std::uint32_t slot, std::uint32_t limit) {
  Sequence& s = sequences_[slot];
  if (s.wanted && s.wanted_first + s.wanted != pass_.wanted) return;  // others' rows came between
  while (s.pass_tokens < limit && s.pass_tokens < s.pending() && pass_.tokens < shape_.chunk) {
    const std::uint32_t position = s.begin() + s.pass_tokens;
    const KvCache::Cell cell = cache_.cell(s.chain, position);
    if (s.wants(position)) {
      if (pass_.wanted == shape_.logits_rows) return;
      if (s.wanted && position != s.wanted_end()) return;
      if (s.wanted == 0) {
        s.wanted_first = pass_.wanted;
        s.wanted_position = position;
      }
      ++s.wanted;
      pass_.wanted_rows[pass_.wanted++] = pass_.tokens;
    } else if (cell != KvCache::Cell::missing) {
      return;
    }
    const bool stores = cell == KvCache::Cell::missing;
    if (stores) cache_.fill(s.chain, position);
    pass_.ids[pass_.tokens] = s.ids[position];
    pass_.positions[pass_.tokens] = position;
    pass_.sequences[pass_.tokens] = slot;
    pass_.stores[pass_.tokens] = stores;
    pass_.kv_cells += position + 1;
    ++pass_.tokens;
    ++s.pass_tokens;
  }
}

Session::Ready Session::count_ready() const {
  Ready ready{};
  for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
    const Sequence& s = sequences_[i];
    if (s.ready()) ++(s.pending() == 1 ? ready.singles : ready.prompts);
  }
  return ready;
}

// One sequence after the other has its turn, which surely moves it on. Then come those that wait
// for a single token, then the others, which share what is left evenly, again and again as long as
// some of them have more; a quarter of the pass is left in any case.
bool Session::build_pass(std::uint64_t deadline) {
  Ready ready{};
  for (bool more = true; more && ready.none();) {
    more = borrow(deadline);
    ready = count_ready();
  }
  if (ready.none()) return false;  // and the logits at hand stay
  const std::uint32_t slots = shape_.slots(), chunk = shape_.chunk;
  pass_.tokens = pass_.wanted = pass_.waiting = 0;
  pass_.kv_cells = pass_.ns = 0;
  for (std::uint32_t i = 0; i < slots; ++i) sequences_[i].wanted = 0;
  while (!sequences_[turn_].ready()) turn_ = (turn_ + 1) % slots;
  const std::uint32_t first = turn_;
  turn_ = (turn_ + 1) % slots;
  const std::uint32_t unasked = chunk > ready.singles ? chunk - ready.singles : 0;
  const std::uint32_t left = ready.prompts ? std::max(unasked, chunk / 4) : 0;
  add_rows(first, std::max(1u, left / std::max(1u, ready.prompts)));
  const std::uint32_t own = sequences_[first].pending() > 1;
  const std::uint32_t end = chunk - left + own * pass_.tokens;  // of rows that come alone
  for (std::uint32_t i = 0; i < slots && pass_.tokens < end; ++i) {
    const std::uint32_t slot = (first + i) % slots;
    if (sequences_[slot].ready() && sequences_[slot].pending() == 1) add_rows(slot, 1);
  }
  std::uint32_t taking = own + share_rows(first, 1, ready.prompts - own);
  while (taking > 0 && pass_.tokens < chunk) taking = share_rows(first, 0, taking);
  for (std::uint32_t i = 0; i < slots; ++i) {
    const Sequence& s = sequences_[i];
    if (s.conduct.sampling && s.pending() == 1) pass_.waiting += s.pass_tokens;
  }
  return true;
}

// Prompts share what is left of the pass, from `begin` slots behind the first on; `prompts` of them
// may take something. Returns how many did.
std::uint32_t Session::share_rows(std::uint32_t first, std::uint32_t begin, std::uint32_t prompts) {
  std::uint32_t taking = 0;
  for (std::uint32_t i = begin; i < shape_.slots() && pass_.tokens < shape_.chunk; ++i) {
    const std::uint32_t slot = (first + i) % shape_.slots();
    Sequence& s = sequences_[slot];
    if (!s.ready() || s.pending() == 1) continue;
    const std::uint32_t before = s.pass_tokens;
    const std::uint32_t sharing = prompts > taking ? prompts - taking : 1;
    const std::uint32_t share = (shape_.chunk - pass_.tokens) / sharing;
    add_rows(slot, before + std::max(1u, share));
    taking += s.pass_tokens > before;
  }
  return taking;
}

void Session::begin_pass() {
  CpuPass pass;
  pass.program = &model_.program();
  pass.kernels = &model_.kernels();
  pass.weights = model_.weights();
  pass.arena = arena_;
  pass.offsets = offsets_;
  pass.batch = Batch{pass_.tokens,    pass_.wanted,      pass_.ids,   pass_.positions,
                     pass_.sequences, pass_.wanted_rows, pass_.stores};
  pass.kv.types = shape_.kv_types;
  pass.kv.pool = cache_.pool();
  pass.kv.page_bytes = cache_.page_bytes();
  pass.kv.places = cache_.places().data();
  pass.kv.tables = tables_;
  pass.kv.table_stride = shape_.pages_per_sequence();
  pass.sums_before = sums_;
  pass.sums = next_sums_;
  pass.worker_scratch = worker_scratch_;
  pass.worker_bytes = worker_bytes_;
  executor_.begin(pass, tile_counts_, shape_.trace_events ? &trace_ : nullptr, counters_.passes);
}

// Goes on with the pass; takes what it did from the tiles of the budget. True: it is over.
bool Session::run_pass(Limits* limits) {
  const std::uint64_t begin = clock_.now(clock_.user);
  const bool over = executor_.run(workers_, clock_, *limits);
  pass_.ns += clock_.now(clock_.user) - begin;
  if (limits->tiles != UINT64_MAX) limits->tiles -= executor_.tiles_done();
  return over;
}

// Weights of matrices, each read once, with its rows wanted or not.
std::uint64_t Session::weight_bytes_of_pass() const {
  const Program& program = model_.program();
  std::uint64_t bytes = 0;
  for (const Instruction& code : program.code) {
    if (code.op != Op::linear) continue;
    const bool all = program.storages[program.values[code.out].storage].rows == Rows::tokens;
    if (all || pass_.wanted > 0) bytes += program.weights[code.weight].bytes;
  }
  return bytes;
}

void Session::count_pass() {
  const std::uint64_t decode = pass_.ns / pass_.tokens * pass_.waiting;
  ++counters_.passes;
  counters_.computed += pass_.tokens;
  counters_.decode_ns += decode;
  counters_.prefill_ns += pass_.ns - decode;
  counters_.weight_bytes += weight_bytes_of_pass();
  counters_.kv_bytes += pass_.kv_cells * (cache_.page_bytes() / page_tokens);
}

void Session::finish_pass() {
  std::swap(sums_, next_sums_);
  observed_tokens_ += pass_.tokens;
  observed_wanted_ += pass_.wanted;
  count_pass();
  for (std::uint32_t t = 0; t < pass_.tokens; ++t) {
    if (pass_.stores[t]) cache_.finish(sequences_[pass_.sequences[t]].chain, pass_.positions[t]);
  }
  for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
    Sequence& s = sequences_[i];
    if (s.pass_tokens == 0) continue;
    s.computed = s.begin() + s.pass_tokens;
    s.pass_tokens = s.again = 0;
    if (s.leaving) continue;
    // More may have been fed while the pass ran: then its last row was not the end after all.
    if (s.wanted && !s.wants(s.wanted_end() - 1)) --s.wanted;
    s.event = s.wanted && (!s.conduct.sampling || s.pending() == 0);
  }
  end_leaving();
  told_ = 0;
}

// A pass holds rows of a sequence that changes: its keys and values are written again later.
void Session::abandon_pass() {
  executor_.abandon();
  for (std::uint32_t t = 0; t < pass_.tokens; ++t) {
    if (pass_.stores[t]) cache_.abandon(sequences_[pass_.sequences[t]].chain, pass_.positions[t]);
  }
  for (std::uint32_t i = 0; i < shape_.slots(); ++i) {
    sequences_[i].pass_tokens = sequences_[i].wanted = 0;
  }
  end_leaving();
}

void Session::end_leaving() {
  for (std::uint32_t i = 0; leaving_ > 0 && i < shape_.slots(); ++i) {
    Sequence& s = sequences_[i];
    if (!s.leaving) continue;
    s.leaving = false;
    --leaving_;
    release(s);
  }
}

}  // namespace inlay
