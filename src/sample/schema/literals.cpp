// literals.cpp - a tree of characters, made small.
#include "sample/schema/literals.h"

#include <algorithm>

#include "base/utf8.h"

namespace inlay::schema {
namespace {

// Calls f(character) for each; invalid bytes end the text.
template <class F>
Status each_character(std::string_view text, F f) {
  while (!text.empty()) {
    const Utf8Step c = utf8_step(text);
    if (c.kind != Utf8::whole) return Status::format;
    INLAY_TRY(f(static_cast<std::uint32_t>(c.point)));
    text.remove_prefix(c.length);
  }
  return Status::ok;
}

Status find_alphabet(std::span<const std::string_view> texts, Array<std::uint32_t>& used) {
  for (const std::string_view text : texts) {
    INLAY_TRY(each_character(text, [&](std::uint32_t c) { return used.push(c); }));
  }
  std::sort(used.begin(), used.end());
  const std::uint32_t* end = std::unique(used.begin(), used.end());
  while (used.end() != end) used.pop();
  return Status::ok;
}

Status add_text(std::string_view text, const Array<std::uint32_t>& used, Automaton& out) {
  Automaton::State at = 0;
  const auto walk = [&](std::uint32_t c) {
    const std::uint32_t* found = std::lower_bound(used.begin(), used.end(), c);
    const auto symbol = static_cast<std::uint32_t>(found - used.begin());
    Automaton::State to = out.next(at, symbol);
    if (to == Automaton::none) {
      if (out.states() >= Automaton::max_states) return Status::limit;
      to = out.states();
      INLAY_TRY(out.add_state(false));
      out.set_next(at, symbol, to);
    }
    at = to;
    return Status::ok;
  };
  INLAY_TRY(each_character(text, walk));
  out.set_accepting(at);
  return Status::ok;
}

}  // namespace

Status literals(std::span<const std::string_view> texts, Automaton& out) {
  Array<std::uint32_t> used(out.allocator());
  Array<Automaton::Symbol> alphabet(out.allocator());
  INLAY_TRY(find_alphabet(texts, used));
  for (const std::uint32_t c : used) {
    INLAY_TRY(alphabet.push({c, c, static_cast<std::uint32_t>(alphabet.size())}));
  }
  INLAY_TRY(out.set_alphabet(alphabet, static_cast<std::uint32_t>(used.size())));
  if (texts.empty()) return Status::ok;
  INLAY_TRY(out.add_state(false));
  for (const std::string_view text : texts) INLAY_TRY(add_text(text, used, out));
  return out.minimise();
}

}  // namespace inlay::schema
