// session_pass.cpp - which tokens are computed together: building a pass and ending it.
#include <algorithm>
#include <utility>

#include "engine/session.h"

namespace inlay {

// Rows of one sequence, from the first that is not computed on, until it has `limit` of them. The
// rows whose logits are wanted are neighbours, so that the host sees them as one matrix.
void Session::add_rows(std::uint32_t slot, std::uint32_t limit) {
  Sequence& s = sequences_[slot];
  while (s.pass_tokens < limit && s.pass_tokens < s.pending() && pass_.tokens < shape_.chunk) {
    const std::uint32_t position = s.begin() + s.pass_tokens;
    if (s.wants(position)) {
      if (pass_.wanted == shape_.logits_rows) return;
      if (s.wanted && position != s.wanted_end()) return;
      if (s.wanted == 0) {
        s.wanted_first = pass_.wanted;
        s.wanted_position = position;
      }
      ++s.wanted;
      pass_.wanted_rows[pass_.wanted++] = pass_.tokens;
    }
    pass_.ids[pass_.tokens] = s.ids[position];
    pass_.positions[pass_.tokens] = position;
    pass_.sequences[pass_.tokens] = slot;
    ++pass_.tokens;
    ++s.pass_tokens;
  }
}

// One sequence after the other has its turn, which surely moves it on. Then come those that wait
// for a single token, then the others, which share what is left evenly. Each adds its rows once.
bool Session::build_pass() {
  pass_.tokens = pass_.wanted = 0;
  std::uint32_t singles = 0, prompts = 0;
  for (std::uint32_t i = 0; i < shape_.sequences; ++i) {
    Sequence& s = sequences_[i];
    s.pass_tokens = s.wanted = 0;
    singles += s.pending() == 1;
    prompts += s.pending() > 1;
  }
  if (singles + prompts == 0) return false;
  while (sequences_[turn_].pending() == 0) turn_ = (turn_ + 1) % shape_.sequences;
  const std::uint32_t first = turn_;
  turn_ = (turn_ + 1) % shape_.sequences;
  const std::uint32_t left = shape_.chunk > singles ? shape_.chunk - singles : 0;
  add_rows(first, std::max(1u, prompts ? left / prompts : 1));
  if (sequences_[first].pending() > 1) --prompts;
  for (const bool single : {true, false}) {
    for (std::uint32_t i = 1; i < shape_.sequences; ++i) {
      const std::uint32_t slot = (first + i) % shape_.sequences;
      const std::uint32_t pending = sequences_[slot].pending();
      if (pending == 0 || (pending == 1) != single) continue;
      add_rows(slot, single ? 1 : std::max(1u, (shape_.chunk - pass_.tokens) / prompts--));
    }
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
  pass.batch = Batch{pass_.tokens,    pass_.wanted,    pass_.ids,
                     pass_.positions, pass_.sequences, pass_.wanted_rows};
  pass.kv = kv_;
  pass.sums_before = sums_;
  pass.sums = next_sums_;
  pass.worker_scratch = worker_scratch_;
  pass.worker_bytes = worker_bytes_;
  executor_.begin(pass, tile_counts_);
}

void Session::finish_pass() {
  std::swap(sums_, next_sums_);
  observed_tokens_ += pass_.tokens;
  observed_wanted_ += pass_.wanted;
  for (std::uint32_t i = 0; i < shape_.sequences; ++i) {
    Sequence& s = sequences_[i];
    if (s.pass_tokens == 0) continue;
    s.computed = s.begin() + s.pass_tokens;
    s.pass_tokens = s.again = 0;
    // More may have been fed while the pass ran: then its last row was not the end after all.
    if (s.wanted && !s.wants(s.wanted_end() - 1)) --s.wanted;
    s.event = s.wanted && (!s.sampling || s.pending() == 0);
  }
  told_ = 0;
}

// A pass holds rows of a sequence that ends or changes: its keys and values are written again
// later.
void Session::abandon_pass() {
  executor_.abandon();
  for (std::uint32_t i = 0; i < shape_.sequences; ++i) {
    sequences_[i].pass_tokens = sequences_[i].wanted = 0;
  }
}

}  // namespace inlay
