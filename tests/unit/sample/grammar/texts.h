// texts.h - grammars made in tests, and whether they take a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sample/grammar/compile.h"
#include "sample/grammar/language.h"
#include "sample/grammar/matcher.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/data.h"

namespace inlay::test {

// A grammar with its own heap; `status` says how it went.
struct Compiled {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  grammar::Rules rules{allocator};
  grammar::Grammar grammar{allocator};
  Error error{};
  Status status = Status::ok;

  Compiled() = default;
  explicit Compiled(std::string_view gbnf) { read(gbnf, grammar::read_gbnf); }
  Compiled(std::string_view text, Status (*reader)(std::string_view, grammar::Rules&, Error&)) {
    read(text, reader);
  }
  void read(std::string_view text, Status (*reader)(std::string_view, grammar::Rules&, Error&)) {
    status = reader(text, rules, error);
    if (status == Status::ok) status = grammar::compile(rules, grammar, error);
  }
  // Of rules that the test has built.
  void finish(grammar::NodeId root) {
    const grammar::RuleId rule = rules.declare("root");
    rules.define(rule, root);
    rules.set_root(rule);
    status = grammar::compile(rules, grammar, error);
  }
  bool says(const std::string& part) const {
    return std::string(error.text).find(part) != std::string::npos;
  }
};

struct Matching {
  explicit Matching(Compiled& compiled, const grammar::Constraint* constraint = nullptr) {
    REQUIRE(grammar::Matcher::create(compiled.allocator, compiled.grammar, constraint, &matcher,
                                     error) == Status::ok);
  }
  ~Matching() { matcher->release(); }
  grammar::Matcher* operator->() const { return matcher; }

  // Bytes taken, or -1 when all were and the text may not end there.
  int taken(std::string_view text) {
    matcher->reset();
    std::size_t count = 0;
    REQUIRE(matcher->accept(text, &count, error) == Status::ok);
    return count == text.size() && !matcher->can_end() ? -1 : static_cast<int>(count);
  }
  bool accepts(std::string_view text) { return taken(text) == static_cast<int>(text.size()); }

  grammar::Matcher* matcher = nullptr;
  Error error{};
};

}  // namespace inlay::test
