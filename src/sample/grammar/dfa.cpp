// dfa.cpp - smallest automata (Moore 1956: classes of states, refined) and products of two.
#include "sample/grammar/dfa.h"

#include <algorithm>

#include "base/hash_map.h"

namespace inlay::grammar {
namespace {

constexpr std::uint64_t max_refinement = std::uint64_t{1} << 25;  // cells looked at

// States from which an accepted one is reached, by passes backwards over the rows until nothing
// changes would be quadratic; so edges are turned around first.
Status find_alive(const Dfa& dfa, Array<std::uint8_t>& alive) {
  Allocator& allocator = *dfa.labels.allocator();
  const std::uint32_t n = dfa.states();
  Array<std::uint32_t> begin(allocator), from(allocator), work(allocator);
  INLAY_TRY(alive.resize(n));
  INLAY_TRY(begin.resize(std::size_t{n} + 1));
  for (const std::uint16_t to : dfa.next) ++begin[to];
  std::uint32_t sum = 0;
  for (std::uint32_t& b : begin) sum += std::exchange(b, sum);
  INLAY_TRY(from.resize(sum));
  for (std::uint32_t q = 0; q < n; ++q) {
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) from[begin[dfa.row(q)[c]]++] = q;
  }
  for (std::uint32_t q = 1; q < n; ++q) {
    if (!dfa.accepts(q)) continue;
    alive[q] = 1;
    INLAY_TRY(work.push(q));
  }
  while (!work.empty()) {
    const std::uint32_t q = work.back();
    work.pop();
    for (std::uint32_t i = q ? begin[q - 1] : 0; i < begin[q]; ++i) {
      if (alive[from[i]] || from[i] == dead) continue;
      alive[from[i]] = 1;
      INLAY_TRY(work.push(from[i]));
    }
  }
  return Status::ok;
}

// Groups bytes again: those with equal columns share a class.
Status merge_classes(Dfa& dfa) {
  const std::uint32_t n = dfa.states(), old = dfa.class_count;
  std::uint16_t merged[256], kept[256];
  std::uint32_t count = 0;
  for (std::uint32_t c = 0; c < old; ++c) {
    std::uint32_t k = 0;
    for (; k < count; ++k) {
      bool same = true;
      for (std::uint32_t q = 0; same && q < n; ++q) same = dfa.row(q)[c] == dfa.row(q)[kept[k]];
      if (same) break;
    }
    if (k == count) kept[count++] = static_cast<std::uint16_t>(c);
    merged[c] = static_cast<std::uint16_t>(k);
  }
  // Classes in the order of their first byte.
  std::uint16_t order[256], position[256];
  std::fill_n(position, 256, std::uint16_t{0xffff});
  std::uint32_t ordered = 0;
  for (std::uint32_t b = 0; b < 256; ++b) {
    const std::uint16_t k = merged[dfa.classes[b]];
    if (position[k] == 0xffff) {
      order[ordered] = k;
      position[k] = static_cast<std::uint16_t>(ordered++);
    }
    dfa.classes[b] = static_cast<std::uint8_t>(position[k]);
  }
  Array<std::uint16_t> next(*dfa.next.allocator());
  INLAY_TRY(next.resize(std::size_t{n} * ordered));
  for (std::uint32_t q = 0; q < n; ++q) {
    for (std::uint32_t k = 0; k < ordered; ++k) {
      next[std::size_t{q} * ordered + k] = dfa.row(q)[kept[order[k]]];
    }
  }
  dfa.next.swap(next);
  dfa.class_count = ordered;
  return Status::ok;
}

// One refinement: block[q] becomes the number of (block[q], blocks of the row).
Status refine(const Dfa& dfa, Array<std::uint32_t>& block, Array<std::uint32_t>& scratch,
              std::uint32_t& count) {
  Allocator& allocator = *dfa.labels.allocator();
  HashMap<std::uint64_t, std::uint32_t> first(allocator);  // hash -> first state of a chain
  Array<std::uint32_t> chain(allocator), head(allocator);
  const std::uint32_t n = dfa.states();
  INLAY_TRY(chain.resize(n));
  INLAY_TRY(first.reserve(n));
  const auto same = [&](std::uint32_t a, std::uint32_t b) {
    if (block[a] != block[b]) return false;
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
      if (block[dfa.row(a)[c]] != block[dfa.row(b)[c]]) return false;
    }
    return true;
  };
  std::uint32_t made = 0;
  for (std::uint32_t q = 0; q < n; ++q) {
    std::uint64_t h = block[q] + 1;
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
      h = (h ^ block[dfa.row(q)[c]]) * 0x9e3779b97f4a7c15u;
      h ^= h >> 29;
    }
    std::uint32_t* known = first.find(h);
    std::uint32_t p = known ? *known : no_label;
    while (p != no_label && !same(p, q)) p = chain[p];
    if (p != no_label) {
      scratch[q] = scratch[p];
      continue;
    }
    scratch[q] = made++;
    chain[q] = known ? *known : no_label;
    if (known) {
      *known = q;
    } else {
      INLAY_TRY(first.insert(h, q));
    }
  }
  count = made;
  block.swap(scratch);
  return Status::ok;
}

// The DFA of blocks, numbered breadth-first from the start.
Status renumber(Dfa& dfa, std::span<const std::uint32_t> block, std::uint32_t blocks) {
  Allocator& allocator = *dfa.labels.allocator();
  Array<std::uint32_t> number(allocator), order(allocator);
  INLAY_TRY(number.resize(blocks));
  std::fill_n(number.data(), blocks, no_label);
  number[block[dead]] = 0;
  INLAY_TRY(order.push(dead));
  if (number[block[1]] == no_label) {
    number[block[1]] = 1;
    INLAY_TRY(order.push(1));
  }
  for (std::size_t i = 1; i < order.size(); ++i) {
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
      const std::uint32_t to = dfa.row(order[i])[c];
      if (number[block[to]] != no_label) continue;
      number[block[to]] = static_cast<std::uint32_t>(order.size());
      INLAY_TRY(order.push(to));
    }
  }
  Array<std::uint16_t> next(allocator);
  Array<std::uint32_t> labels(allocator);
  INLAY_TRY(next.resize(order.size() * dfa.class_count));
  INLAY_TRY(labels.resize(order.size()));
  for (std::size_t i = 0; i < order.size(); ++i) {
    labels[i] = dfa.labels[order[i]];
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
      next[i * dfa.class_count + c] =
          static_cast<std::uint16_t>(number[block[dfa.row(order[i])[c]]]);
    }
  }
  dfa.next.swap(next);
  dfa.labels.swap(labels);
  return Status::ok;
}

// Only what cannot be reached goes.
Status renumber_all(Dfa& dfa) {
  Array<std::uint32_t> block(*dfa.labels.allocator());
  INLAY_TRY(block.resize(dfa.states()));
  for (std::uint32_t q = 0; q < dfa.states(); ++q) block[q] = q;
  return renumber(dfa, block.span(), dfa.states());
}

}  // namespace

Status minimize(Dfa& dfa) {
  Allocator& allocator = *dfa.labels.allocator();
  Array<std::uint8_t> alive(allocator);
  INLAY_TRY(find_alive(dfa, alive));
  for (std::uint16_t& to : dfa.next) {
    if (!alive[to]) to = dead;
  }
  INLAY_TRY(merge_classes(dfa));
  Array<std::uint32_t> block(allocator), scratch(allocator);
  INLAY_TRY(block.resize(dfa.states()));
  INLAY_TRY(scratch.resize(dfa.states()));
  // Blocks at first: dead ones, and one for each label.
  HashMap<std::uint64_t, std::uint32_t> of_label(allocator);
  for (std::uint32_t q = 0; q < dfa.states(); ++q) {
    if (!alive[q]) continue;
    const std::uint64_t key = dfa.labels[q];
    INLAY_TRY(of_label.insert(key, static_cast<std::uint32_t>(of_label.size()) + 1));
    block[q] = *of_label.find(key);
  }
  std::uint32_t count = static_cast<std::uint32_t>(of_label.size()) + 1;
  const std::uint64_t round = std::uint64_t{dfa.states()} * dfa.class_count + 1;
  std::uint64_t work = max_refinement;
  for (std::uint32_t refined = 0;; count = refined) {
    // A long chain needs as many rounds as it has states; then it stays as it is.
    if (work < round) return renumber_all(dfa);
    work -= round;
    INLAY_TRY(refine(dfa, block, scratch, refined));
    if (refined == count) break;
  }
  INLAY_TRY(renumber(dfa, block.span(), count));
  return merge_classes(dfa);
}

Status intersect(const Dfa& a, const Dfa& b, bool not_b, std::uint32_t limit, Dfa& result) {
  Allocator& allocator = *a.labels.allocator();
  result.class_count = 0;
  std::uint16_t of_pair[256][2];
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t k = 0;
    while (k < result.class_count &&
           (of_pair[k][0] != a.classes[byte] || of_pair[k][1] != b.classes[byte])) {
      ++k;
    }
    if (k == result.class_count) {
      of_pair[k][0] = a.classes[byte];
      of_pair[k][1] = b.classes[byte];
      ++result.class_count;
    }
    result.classes[byte] = static_cast<std::uint8_t>(k);
  }
  HashMap<std::uint64_t, std::uint32_t> numbers(allocator);
  Array<std::uint64_t> pairs(allocator);
  const auto number = [&](std::uint32_t qa, std::uint32_t qb, std::uint32_t& n) {
    n = dead;
    if (qa == dead || (!not_b && qb == dead)) return Status::ok;
    const std::uint64_t pair = std::uint64_t{qa} << 32 | qb;
    if (const std::uint32_t* known = numbers.find(pair)) {
      n = *known;
      return Status::ok;
    }
    n = static_cast<std::uint32_t>(pairs.size());
    if (n >= limit || std::uint64_t{n} * result.class_count > max_cells) return Status::limit;
    INLAY_TRY(numbers.insert(pair, n));
    return pairs.push(pair);
  };
  std::uint32_t n = 0;
  INLAY_TRY(pairs.push(0));
  INLAY_TRY(number(a.start(), b.start(), n));
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto qa = static_cast<std::uint32_t>(pairs[i] >> 32);
    const auto qb = static_cast<std::uint32_t>(pairs[i]);
    const bool accepted = i > 0 && a.accepts(qa) && b.accepts(qb) != not_b;
    INLAY_TRY(result.labels.push(accepted ? a.labels[qa] : no_label));
    for (std::uint32_t c = 0; c < result.class_count; ++c) {
      n = dead;
      if (i > 0) INLAY_TRY(number(a.row(qa)[of_pair[c][0]], b.row(qb)[of_pair[c][1]], n));
      INLAY_TRY(result.next.push(static_cast<std::uint16_t>(n)));
    }
  }
  return minimize(result);
}

Status Dfa::finish() {
  INLAY_TRY(goes_on.resize(states()));
  for (std::uint32_t q = 0; q < states(); ++q) {
    bool any = false;
    for (std::uint32_t c = 0; c < class_count; ++c) any = any || row(q)[c] != dead;
    goes_on[q] = any;
  }
  return Status::ok;
}

// texts(q) = [q is an end] + sum over bytes of texts(step(q, byte)); a state is counted once all
// that it leads to are, so those in circles, and before them, never are.
Status count_texts(const Dfa& dfa, std::uint32_t first, Array<std::uint32_t>& texts) {
  const std::uint32_t states = dfa.states();
  Array<std::uint8_t> leads(*texts.allocator());  // to an end
  std::uint32_t width[256] = {};                  // bytes of each class
  for (const std::uint8_t c : dfa.classes) ++width[c];
  INLAY_TRY(leads.resize(states));
  texts.clear();
  INLAY_TRY(texts.resize(states));
  const auto is_end = [&](std::uint32_t q) { return dfa.accepts(q) && dfa.labels[q] >= first; };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t q = states; q-- > 1;) {
      bool one = is_end(q);
      for (std::uint32_t c = 0; c < dfa.class_count && !one; ++c) one = leads[dfa.row(q)[c]];
      changed = changed || one != leads[q];
      leads[q] = one;
    }
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t q = states; q-- > 1;) {
      if (!leads[q] || texts[q] > 0) continue;
      std::uint64_t sum = is_end(q);
      for (std::uint32_t c = 0; c < dfa.class_count && sum < countless; ++c) {
        const std::uint32_t to = dfa.row(q)[c];
        if (leads[to]) sum += texts[to] ? std::uint64_t{texts[to]} * width[c] : countless;
      }
      if (sum >= countless) continue;
      texts[q] = static_cast<std::uint32_t>(sum);
      changed = true;
    }
  }
  for (std::uint32_t q = 0; q < states; ++q) {
    if (leads[q] && texts[q] == 0) texts[q] = countless;
  }
  return Status::ok;
}

bool is_prefix_free(const Dfa& dfa) {
  for (std::uint32_t q = 1; q < dfa.states(); ++q) {
    if (!dfa.accepts(q)) continue;
    for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
      if (dfa.row(q)[c] != dead) return false;
    }
  }
  return true;
}

}  // namespace inlay::grammar
