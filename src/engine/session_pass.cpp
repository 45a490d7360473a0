// session_pass.cpp - which tokens are computed together: building a pass and ending it.
#include <algorithm>
#include <utility>

#include "engine/session.h"

namespace inlay {

// Tokens that another sequence has computed, and whose logits nobody wants, are there already.
void Session::skip_computed(Sequence& s) {
  while (s.pending() > 0 && s.pass_tokens == 0 && !s.wants(s.begin()) &&
         cache_.cell(s.chain, s.begin()) == KvCache::Cell::computed) {
    ++s.computed;
    ++counters_.reused;
  }
}

// Rows of one sequence, from the first that is not computed on, until it has `limit` of them. The
// rows whose logits are wanted are neighbours, so that the host sees them as one matrix. A token
// that another row of this pass computes is waited for, unless its logits are wanted.
void Session::add_rows(std::uint32_t slot, std::uint32_t limit) {
  Sequence& s = sequences_[slot];
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

// One sequence after the other has its turn, which surely moves it on. Then come those that wait
// for a single token, then the others, which share what is left evenly. Each adds its rows once.
bool Session::build_pass() {
  pass_.tokens = pass_.wanted = pass_.waiting = 0;
  pass_.kv_cells = pass_.ns = 0;
  std::uint32_t singles = 0, prompts = 0;
  const std::uint32_t slots = shape_.slots();
  for (std::uint32_t i = 0; i < slots; ++i) {
    Sequence& s = sequences_[i];
    s.pass_tokens = s.wanted = 0;
    skip_computed(s);
    singles += s.pending() == 1;
    prompts += s.pending() > 1;
  }
  if (singles + prompts == 0) return false;
  while (sequences_[turn_].pending() == 0) turn_ = (turn_ + 1) % slots;
  const std::uint32_t first = turn_;
  turn_ = (turn_ + 1) % slots;
  const std::uint32_t left = shape_.chunk > singles ? shape_.chunk - singles : 0;
  add_rows(first, std::max(1u, prompts ? left / prompts : 1));
  if (sequences_[first].pending() > 1) --prompts;
  for (const bool single : {true, false}) {
    for (std::uint32_t i = 1; i < slots; ++i) {
      const std::uint32_t slot = (first + i) % slots;
      const std::uint32_t pending = sequences_[slot].pending();
      if (pending == 0 || (pending == 1) != single) continue;
      add_rows(slot, single ? 1 : std::max(1u, (shape_.chunk - pass_.tokens) / prompts--));
    }
  }
  for (std::uint32_t i = 0; i < slots; ++i) {
    const Sequence& s = sequences_[i];
    if (s.conduct.sampling && s.pending() == 1) pass_.waiting += s.pass_tokens;
  }
  return true;
}

void Session::begin_pass() {
  CpuPass pass;
  pass.program = &model_.program();
  pass.kernels = &model_.kernels();
  pass.weights = model_.weights();
  pass.scales = model_.scales();
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
