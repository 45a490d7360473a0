// formula.h - "and", "or" and "not" over numbered tests: what a schema says about one kind of
// value.
#pragma once

#include <cstdint>
#include <span>

#include "base/array.h"

namespace inlay::schema {

// A growing list of terms; a term names earlier ones only. Terms 0 and 1 are no and yes.
class Formula {
 public:
  using Term = std::uint32_t;
  static constexpr Term no = 0, yes = 1;

  explicit Formula(Allocator& allocator) : terms_(allocator), truth_(allocator) {}

  Status test(std::uint32_t number, Term& term) { return add({Op::test, number, 0}, term); }

  Status negate(Term a, Term& term) {
    if (a <= yes) return give(a == no ? yes : no, term);
    return add({Op::negate, a, 0}, term);
  }
  Status both(Term a, Term b, Term& term) {
    if (a == no || b == no) return give(no, term);
    if (a == yes || a == b) return give(b, term);
    if (b == yes) return give(a, term);
    return add({Op::both, a, b}, term);
  }
  Status either(Term a, Term b, Term& term) {
    if (a == yes || b == yes) return give(yes, term);
    if (a == no || a == b) return give(b, term);
    if (b == no) return give(a, term);
    return add({Op::either, a, b}, term);
  }

  std::size_t size() const { return terms_.size() + 2; }
  // What a term says, as numbers: the same for the same tests, the same set.
  Status spell(Term term, Array<std::uint32_t>& out) const {
    INLAY_TRY(out.push(term));
    for (std::size_t i = 0; term > yes && i <= term - 2; ++i) {
      const std::uint32_t node[] = {static_cast<std::uint32_t>(terms_[i].op), terms_[i].a,
                                    terms_[i].b};
      INLAY_TRY(out.append(node));
    }
    return Status::ok;
  }

  // Answers to a test, and what follows for a term.
  enum Answer : std::uint8_t { fails, passes, open };

  // Whether `term` holds, as far as the answers to all tests say.
  Answer value(Term term, std::span<const std::uint8_t> answers) {
    if (term <= yes) return value(term);
    for (std::size_t i = 0; i <= term - 2; ++i) {
      const Node& n = terms_[i];
      switch (n.op) {
        case Op::test: truth_[i] = answers[n.a]; break;
        case Op::negate: truth_[i] = opposite(value(n.a)); break;
        case Op::both: truth_[i] = conjunction(value(n.a), value(n.b)); break;
        case Op::either:
          truth_[i] = opposite(conjunction(opposite(value(n.a)), opposite(value(n.b))));
          break;
      }
    }
    return value(term);
  }
  bool holds(Term term, std::span<const std::uint8_t> answers) {
    return value(term, answers) == passes;
  }

 private:
  enum class Op : std::uint8_t { test, negate, both, either };
  struct Node {
    Op op;
    Term a, b;
  };

  static Status give(Term value, Term& term) {
    term = value;
    return Status::ok;
  }
  Status add(Node node, Term& term) {
    term = static_cast<Term>(size());
    INLAY_TRY(truth_.push(0));
    return terms_.push(node);
  }
  Answer value(Term term) const {
    return static_cast<Answer>(term <= yes ? term : truth_[term - 2]);
  }
  static Answer opposite(Answer a) { return a == open ? open : a == passes ? fails : passes; }
  static Answer conjunction(Answer a, Answer b) {
    if (a == fails || b == fails) return fails;
    return a == open || b == open ? open : passes;
  }

  Array<Node> terms_;
  Array<std::uint8_t> truth_;
};

}  // namespace inlay::schema
