// compile.cpp - nodes become steps: as much as is worth it becomes text of one DFA, the rest keeps
// its form. Whatever can never end is left out.
#include "sample/grammar/compile.h"

#include <algorithm>

#include "sample/grammar/compiler.h"

namespace inlay::grammar {
namespace {

constexpr std::uint32_t light_weight = 3000;  // positions of nodes that become one DFA
constexpr std::uint32_t heavy_weight = 400;   // with a loop over most characters: tables are made
constexpr std::uint32_t light_states = 20000;
constexpr std::uint32_t heavy_states = 600;
constexpr std::uint64_t max_total_cells = std::uint64_t{1} << 24;
constexpr std::uint64_t max_ahead = std::uint64_t{1} << 21;

bool same_dfa(const Dfa& a, const Dfa& b) {
  return a.class_count == b.class_count && std::equal(a.classes, a.classes + 256, b.classes) &&
         a.next.size() == b.next.size() &&
         std::equal(a.next.begin(), a.next.end(), b.next.begin()) &&
         std::equal(a.labels.begin(), a.labels.end(), b.labels.begin());
}

}  // namespace

Grammar::Grammar(Allocator& allocator)
    : steps_(allocator),
      children_(allocator),
      dfas_(allocator),
      members_(allocator),
      bits_(allocator),
      offsets_(allocator),
      ahead_(allocator),
      text_(allocator) {}

Compiler::Compiler(const Rules& rules, Grammar& grammar)
    : rules_(rules),
      g_(grammar),
      allocator_(rules.allocator()),
      builder_(rules),
      survey_(rules),
      step_of_(allocator_),
      work_(allocator_),
      dfa_by_hash_(allocator_) {}

Status Compiler::refuse(NodeId id, Status status, const char* what, Error& error) const {
  if (status == Status::memory) return fail_memory(error, "grammar");
  char text[160];
  return fail(error, status, "{}: {}", survey_.rule_text(survey_[id].owner, text), what);
}

Status Compiler::add_step(std::uint32_t& step) {
  step = static_cast<std::uint32_t>(g_.steps_.size());
  return g_.steps_.push({});
}

Status Compiler::want(NodeId id, std::uint32_t& step) {
  // Chains of rules end, since none begins with itself.
  while (rules_.node(id).kind == Kind::rule) id = rules_.rules()[rules_.node(id).first].body;
  step = step_of_[id];
  if (step != no_step) return Status::ok;
  INLAY_TRY(add_step(step));
  step_of_[id] = step;
  return work_.push({id, step});
}

bool Compiler::can_be_text(NodeId id) const {
  const NodeFacts& f = survey_[id];
  return f.regular && f.heavy <= 1 && f.weight <= (f.heavy ? heavy_weight : light_weight);
}

Status Compiler::add_dfa(Dfa&& dfa, std::uint32_t& index) {
  std::uint64_t h = dfa.class_count;
  for (const std::uint8_t c : dfa.classes) h = (h ^ c) * 0x100000001b3u;
  for (const std::uint16_t to : dfa.next) h = (h ^ to) * 0x100000001b3u;
  for (const std::uint32_t label : dfa.labels) h = (h ^ label) * 0x100000001b3u;
  if (const std::uint32_t* known = dfa_by_hash_.find(h)) {
    index = *known;
    if (same_dfa(g_.dfas_[index], dfa)) return Status::ok;
  }
  cells_ += dfa.next.size();
  if (cells_ > max_total_cells) return Status::limit;
  index = static_cast<std::uint32_t>(g_.dfas_.size());
  INLAY_TRY(dfa.finish());
  INLAY_TRY(g_.dfas_.push(std::move(dfa)));
  return dfa_by_hash_.insert(h, index);
}

// One DFA of the nodes, if it does not get too large.
Status Compiler::try_text(std::span<const NodeId> nodes, bool choice, std::uint32_t limit,
                          std::uint32_t& step, bool& made) {
  Dfa dfa(allocator_);
  const Status status =
      choice ? builder_.choice(nodes, false, limit, dfa) : builder_.sequence(nodes, limit, dfa);
  made = status == Status::ok;
  if (status == Status::limit) return Status::ok;
  INLAY_TRY(status);
  std::uint32_t index = 0;
  INLAY_TRY(add_dfa(std::move(dfa), index));
  if (step == no_step) INLAY_TRY(add_step(step));
  g_.steps_[step] = {.op = Op::text, .dfa = index};
  return Status::ok;
}

Status Compiler::put_children(std::span<const std::uint32_t> steps, Step& out) {
  out.first = static_cast<std::uint32_t>(g_.children_.size());
  out.count = static_cast<std::uint32_t>(steps.size());
  return g_.children_.append(steps);
}

// Runs of light regular parts become one text each.
Status Compiler::fill_sequence(const Node& n, Step& out) {
  Array<std::uint32_t> steps(allocator_);
  const std::span<const NodeId> parts = rules_.children(n);
  for (std::size_t i = 0; i < parts.size();) {
    std::size_t end = i;
    std::uint64_t weight = 0;
    while (end < parts.size() && can_be_text(parts[end]) && survey_[parts[end]].heavy == 0 &&
           weight + survey_[parts[end]].weight <= light_weight) {
      weight += survey_[parts[end++]].weight;
    }
    std::uint32_t step = no_step;
    bool made = false;
    if (end > i + 1) {
      INLAY_TRY(try_text(parts.subspan(i, end - i), false, light_states, step, made));
    }
    if (!made) {
      INLAY_TRY(want(parts[i], step));
      end = i + 1;
    }
    INLAY_TRY(steps.push(step));
    i = end;
  }
  out.op = Op::sequence;
  return put_children(steps.span(), out);
}

Status Compiler::fill_choice(const Node& n, Step& out) {
  Array<std::uint32_t> steps(allocator_);
  Array<NodeId> light(allocator_);
  std::uint64_t weight = 0;
  for (const NodeId part : rules_.children(n)) {
    if (!survey_[part].productive) continue;
    const bool joins = can_be_text(part) && survey_[part].heavy == 0 &&
                       weight + survey_[part].weight <= light_states;
    if (joins) {
      weight += survey_[part].weight;
      INLAY_TRY(light.push(part));
      continue;
    }
    std::uint32_t step = no_step;
    INLAY_TRY(want(part, step));
    INLAY_TRY(steps.push(step));
  }
  if (!light.empty()) {
    std::uint32_t step = no_step;
    bool made = false;
    if (light.size() > 1) INLAY_TRY(try_text(light.span(), true, light_states, step, made));
    if (made) INLAY_TRY(steps.push(step));
    for (std::size_t i = 0; !made && i < light.size(); ++i) {
      step = no_step;
      INLAY_TRY(want(light[i], step));
      INLAY_TRY(steps.push(step));
    }
  }
  out.op = Op::choice;
  return put_children(steps.span(), out);
}

Status Compiler::fill_repeat(const Node& n, Step& out) {
  const NodeId body = rules_.children(n)[0];
  out.min = n.min;
  out.max = n.max;
  if (!survey_[body].productive) {  // min is 0: nothing remains
    out = {.op = Op::sequence};
    return Status::ok;
  }
  if (can_be_text(body) && survey_[body].heavy == 0 && !survey_[body].nullable) {
    Dfa dfa(allocator_);
    const Status status = builder_.sequence({&body, 1}, heavy_states, dfa);
    if (status != Status::ok && status != Status::limit) return status;
    if (status == Status::ok && is_prefix_free(dfa)) {
      out.op = Op::counted;
      return add_dfa(std::move(dfa), out.dfa);
    }
  }
  std::uint32_t step = no_step;
  INLAY_TRY(want(body, step));
  out.op = Op::repeat;
  out.nullable = survey_[body].nullable;
  if (out.nullable) out.min = 0;
  return put_children({&step, 1}, out);
}

Status Compiler::fill_token(const Node& n, Step& out) {
  out.op = Op::token;
  out.negated = n.negated;
  out.min = n.min;
  out.count = n.count;
  out.first = static_cast<std::uint32_t>(g_.text_.size());
  g_.has_tokens_ = true;
  const std::string_view text = rules_.text(n);
  return g_.text_.append({text.data(), n.count});
}

// For every state of the keys' DFA: which named members lie ahead, and whether an extra one does.
Status Compiler::list_ahead(const Dfa& dfa, MembersStep& m, Error& error, NodeId id) {
  const std::uint32_t states = dfa.states();
  Array<std::uint64_t> ahead(allocator_);  // (states, words): labels
  const std::uint32_t words = (m.named + m.extra + 63) / 64;
  if (std::uint64_t{states} * words > max_ahead) {
    return refuse(id, Status::limit, "too many members with too long keys", error);
  }
  INLAY_TRY(ahead.resize(std::size_t{states} * words));
  for (std::uint32_t q = 1; q < states; ++q) {
    if (dfa.accepts(q))
      ahead[std::size_t{q} * words + dfa.labels[q] / 64] |= std::uint64_t{1}
                                                            << (dfa.labels[q] % 64);
  }
  // Breadth-first numbers: going backwards settles all but loops, which take another round.
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t q = states; q-- > 1;) {
      std::uint64_t* mine = ahead.data() + std::size_t{q} * words;
      for (std::uint32_t c = 0; c < dfa.class_count; ++c) {
        const std::uint32_t to = dfa.row(q)[c];
        if (to == dead || to == q) continue;
        const std::uint64_t* theirs = ahead.data() + std::size_t{to} * words;
        for (std::uint32_t w = 0; w < words; ++w) {
          changed = changed || (theirs[w] & ~mine[w]);
          mine[w] |= theirs[w];
        }
      }
    }
  }
  m.extras = static_cast<std::uint32_t>(g_.bits_.size());
  INLAY_TRY(g_.bits_.extend((states + 31) / 32));
  m.reach = static_cast<std::uint32_t>(g_.offsets_.size());
  for (std::uint32_t q = 0; q < states; ++q) {
    INLAY_TRY(g_.offsets_.push(static_cast<std::uint32_t>(g_.ahead_.size())));
    if (g_.ahead_.size() + m.named > max_ahead) {
      return refuse(id, Status::limit, "too many members with too long keys", error);
    }
    for (std::uint32_t label = 0; label < m.named + m.extra; ++label) {
      if (!(ahead[std::size_t{q} * words + label / 64] >> (label % 64) & 1)) continue;
      if (label < m.named) {
        INLAY_TRY(g_.ahead_.push(label));
      } else {
        g_.bits_[m.extras + q / 32] |= 1u << (q % 32);
        break;
      }
    }
  }
  return g_.offsets_.push(static_cast<std::uint32_t>(g_.ahead_.size()));
}

// For every state of the keys' DFA: how many extra keys lie ahead.
Status Compiler::count_words(const Dfa& dfa, MembersStep& m) {
  Array<std::uint32_t> words(allocator_);
  INLAY_TRY(count_texts(dfa, m.named, words));
  m.words = static_cast<std::uint32_t>(g_.offsets_.size());
  return g_.offsets_.append(words.span());
}

Status Compiler::fill_members(NodeId id, const Node& n, Step& out, Error& error) {
  const MembersRecord& r = rules_.record(n);
  MembersStep m{.min = r.min, .max = r.max, .ordered = r.ordered, .distinct = r.distinct};
  Array<NodeId> keys(allocator_);
  Array<std::uint32_t> values(allocator_);
  Array<std::uint8_t> required(allocator_);
  std::uint32_t at = 0;
  for (const Member& member : rules_.members(r)) {
    const bool named = at++ < r.named;
    const bool usable = survey_[member.key].productive && survey_[member.value].productive;
    if (!usable) continue;
    if (!survey_[member.key].regular || survey_[member.key].weight > RegularBuilder::max_nfa / 2) {
      return refuse(id, Status::format, "the key of a member is not regular, or too large", error);
    }
    if (survey_[member.key].nullable) {
      return refuse(id, Status::format, "the key of a member may be empty", error);
    }
    std::uint32_t step = no_step;
    INLAY_TRY(want(member.value, step));
    INLAY_TRY(keys.push(member.key));
    INLAY_TRY(values.push(step));
    INLAY_TRY(required.push(member.required));
    ++(named ? m.named : m.extra);
  }
  for (const std::uint8_t one : required) m.required_count += one;
  m.required = static_cast<std::uint32_t>(g_.bits_.size());
  if (m.named + m.extra > Grammar::max_seen_words * 32) {
    return refuse(id, Status::limit, "too many members", error);
  }
  INLAY_TRY(g_.bits_.extend((m.named + m.extra + 31) / 32));
  for (std::uint32_t i = 0; i < m.named + m.extra; ++i) {
    if (required[i]) g_.bits_[m.required + i / 32] |= 1u << (i % 32);
  }
  Dfa dfa(allocator_);
  const Status status = builder_.choice(keys.span(), true, max_states, dfa);
  if (status == Status::format) {
    return refuse(id, Status::format, "two members have the same key", error);
  }
  if (is_error(status)) return refuse(id, status, "the keys of members are too large", error);
  INLAY_TRY(list_ahead(dfa, m, error, id));
  if (m.distinct) INLAY_TRY(count_words(dfa, m));
  Step inner{};
  INLAY_TRY(put_children(values.span(), inner));
  m.values = inner.first;
  m.between = m.separator = no_step;
  if (rules_.node(r.between).kind != Kind::empty) INLAY_TRY(want(r.between, m.between));
  if (rules_.node(r.separator).kind != Kind::empty) INLAY_TRY(want(r.separator, m.separator));
  out.op = Op::members;
  out.first = static_cast<std::uint32_t>(g_.members_.size());
  INLAY_TRY(add_dfa(std::move(dfa), out.dfa));
  return g_.members_.push(m);
}

Status Compiler::fill(const Wanted& wanted, Error& error) {
  const Node& n = rules_.node(wanted.node);
  const NodeFacts& f = survey_[wanted.node];
  const bool leaf = n.kind == Kind::bytes || n.kind == Kind::points || n.kind == Kind::literal ||
                    n.kind == Kind::empty || n.kind == Kind::table || n.kind == Kind::all_of ||
                    n.kind == Kind::but_not;
  if (f.dfa != no_node) {
    std::uint32_t index = 0;
    INLAY_TRY(add_dfa(std::move(survey_.product(f)), index));
    g_.steps_[wanted.step] = {.op = Op::text, .dfa = index};
    return Status::ok;
  }
  if (leaf || can_be_text(wanted.node)) {
    bool made = false;
    std::uint32_t step = wanted.step;
    const std::uint32_t limit = leaf ? max_states : f.heavy ? heavy_states : light_states;
    INLAY_TRY(try_text({&wanted.node, 1}, false, limit, step, made));
    if (made) return Status::ok;
    if (leaf) return refuse(wanted.node, Status::limit, "a text is too long", error);
  }
  Step out{};
  switch (n.kind) {
    case Kind::sequence: INLAY_TRY(fill_sequence(n, out)); break;
    case Kind::choice: INLAY_TRY(fill_choice(n, out)); break;
    case Kind::repeat: INLAY_TRY(fill_repeat(n, out)); break;
    case Kind::token: INLAY_TRY(fill_token(n, out)); break;
    case Kind::members: INLAY_TRY(fill_members(wanted.node, n, out, error)); break;
    default: return refuse(wanted.node, Status::internal, "a node without text", error);
  }
  g_.steps_[wanted.step] = out;
  return Status::ok;
}

Status Compiler::run(Error& error) {
  INLAY_TRY(survey_.run(builder_, error));
  INLAY_TRY(step_of_.resize(rules_.nodes().size()));
  std::fill(step_of_.begin(), step_of_.end(), no_step);
  INLAY_TRY(want(rules_.rules()[rules_.root()].body, g_.root_));
  while (!work_.empty()) {
    const Wanted wanted = work_.back();
    work_.pop();
    const Status status = fill(wanted, error);
    if (status == Status::limit && error.status != INLAY_ERROR_LIMIT) {
      return refuse(wanted.node, status, "the automaton is too large", error);
    }
    INLAY_TRY(status);
  }
  return Status::ok;
}

Status compile(const Rules& rules, Grammar& grammar, Error& error) {
  error = {};
  INLAY_TRY(rules.status(error));
  Compiler compiler(rules, grammar);
  const Status status = compiler.run(error);
  return status == Status::memory ? fail_memory(error, "grammar") : status;
}

}  // namespace inlay::grammar
