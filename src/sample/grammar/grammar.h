// grammar.h - a compiled grammar: an automaton with a stack, shared by any number of matchers.
#pragma once

#include <span>
#include <string_view>

#include "base/array.h"
#include "base/status.h"
#include "sample/grammar/dfa.h"

namespace inlay::grammar {

enum class Op : std::uint8_t {
  text,      // what a DFA accepts
  counted,   // min to max texts of a prefix-free DFA; counted in the item itself
  token,     // one token
  sequence,  // children
  choice,    // any child
  repeat,    // a child, min to max times
  members,   // of an object
};

struct Step {  // a node of the automaton
  Op op = Op::text;
  bool nullable = false;    // repeat: the child may be empty, so min is 0
  bool negated = false;     // token
  std::uint32_t dfa = 0;    // text, counted: it; members: of keys, with labels
  std::uint32_t first = 0;  // children: in children; members: the record; token: its text
  std::uint32_t count = 0;  // token by id: 0
  std::uint32_t min = 0;    // token by id: the id
  std::uint32_t max = 0;
};

// Of an object's members. Labels of the DFA: named members, then extra ones.
struct MembersStep {
  std::uint32_t named = 0;
  std::uint32_t extra = 0;
  std::uint32_t values = 0;    // in children: (named + extra) steps
  std::uint32_t required = 0;  // in bits: (named + extra) bits in words of 32
  std::uint32_t required_count = 0;
  std::uint32_t reach = 0;    // in reach: (states + 1) offsets of labels that lie ahead
  std::uint32_t extras = 0;   // in bits: (states) bits: an extra key lies ahead
  std::uint32_t words = 0;    // distinct: in offsets: (states) how many extra keys lie ahead
  std::uint32_t between = 0;  // steps; no_step: nothing
  std::uint32_t separator = 0;
  std::uint32_t min = 0;
  std::uint32_t max = 0;
  bool ordered = false;
  bool distinct = false;
};

inline constexpr std::uint32_t no_step = 0xffffffffu;

// Immutable once compiled; then every const function is thread-safe.
class Grammar {
 public:
  explicit Grammar(Allocator& allocator);

  static constexpr std::uint32_t max_seen_words = (1u << 14) / 32 + 8;  // of members

  const Step& step(std::uint32_t i) const { return steps_[i]; }
  std::span<const Step> steps() const { return steps_.span(); }
  std::uint32_t root() const { return root_; }
  const Dfa& dfa(std::uint32_t i) const { return dfas_[i]; }
  std::span<const Dfa> dfas() const { return dfas_.span(); }
  std::span<const std::uint32_t> children(const Step& s) const {
    return {children_.data() + s.first, s.count};
  }
  const MembersStep& members(const Step& s) const { return members_[s.first]; }
  std::uint32_t value(const MembersStep& m, std::uint32_t label) const {
    return children_[m.values + label];
  }
  bool is_required(const MembersStep& m, std::uint32_t label) const {
    return bits_[m.required + label / 32] >> (label % 32) & 1;
  }
  // Bits of a word of 32 named members.
  std::uint32_t required_bits(const MembersStep& m, std::uint32_t word) const {
    return bits_[m.required + word];
  }
  bool extra_ahead(const MembersStep& m, std::uint32_t state) const {
    return bits_[m.extras + state / 32] >> (state % 32) & 1;
  }
  // Named members whose keys can still be reached from a state of the DFA of keys, ascending.
  std::span<const std::uint32_t> named_ahead(const MembersStep& m, std::uint32_t state) const {
    const std::uint32_t begin = offsets_[m.reach + state], end = offsets_[m.reach + state + 1];
    return {ahead_.data() + begin, end - begin};
  }
  // Of distinct extra keys: how many lie ahead; `countless` and more are not told apart.
  std::uint32_t words_ahead(const MembersStep& m, std::uint32_t state) const {
    return offsets_[m.words + state];
  }
  // How many extra members an object may have.
  std::uint32_t most_extras(const MembersStep& m) const {
    return m.extra == 0 ? 0 : m.distinct ? words_ahead(m, 1) : countless;
  }
  // Where they stand among those of all states of all objects.
  std::uint32_t first_ahead(const MembersStep& m, std::uint32_t state) const {
    return offsets_[m.reach + state];
  }
  std::size_t all_ahead() const { return ahead_.size(); }
  std::string_view text(const Step& token) const {
    return {text_.data() + token.first, token.count};
  }
  bool has_tokens() const { return has_tokens_; }

 private:
  friend class Compiler;

  Array<Step> steps_;
  Array<std::uint32_t> children_;
  Array<Dfa> dfas_;
  Array<MembersStep> members_;
  Array<std::uint32_t> bits_, offsets_, ahead_;
  Array<char> text_;
  std::uint32_t root_ = 0;
  bool has_tokens_ = false;
};

}  // namespace inlay::grammar
