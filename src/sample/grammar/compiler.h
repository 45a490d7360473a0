// compiler.h - writes a Grammar from rules whose facts are known.
#pragma once

#include "sample/grammar/grammar.h"
#include "sample/grammar/survey.h"

namespace inlay::grammar {

class Compiler {
 public:
  Compiler(const Rules& rules, Grammar& grammar);
  Status run(Error& error);

 private:
  struct Wanted {
    NodeId node;
    std::uint32_t step;
  };

  // The step of a node, made later when it is new.
  Status want(NodeId id, std::uint32_t& step);
  Status add_step(std::uint32_t& step);
  Status fill(const Wanted& wanted, Error& error);
  bool can_be_text(NodeId id) const;
  Status add_dfa(Dfa&& dfa, std::uint32_t& index);
  Status try_text(std::span<const NodeId> nodes, bool choice, std::uint32_t limit,
                  std::uint32_t& step, bool& made);
  Status fill_sequence(const Node& n, Step& out);
  Status fill_choice(const Node& n, Step& out);
  Status fill_repeat(const Node& n, Step& out);
  Status fill_token(const Node& n, Step& out);
  Status fill_members(NodeId id, const Node& n, Step& out, Error& error);
  Status list_ahead(const Dfa& dfa, MembersStep& m, Error& error, NodeId id);
  Status count_words(const Dfa& dfa, MembersStep& m);
  Status put_children(std::span<const std::uint32_t> steps, Step& out);
  Status refuse(NodeId id, Status status, const char* what, Error& error) const;

  const Rules& rules_;
  Grammar& g_;
  Allocator& allocator_;
  RegularBuilder builder_;
  Survey survey_;
  Array<std::uint32_t> step_of_;  // (nodes)
  Array<Wanted> work_;
  HashMap<std::uint64_t, std::uint32_t> dfa_by_hash_;
  std::uint64_t cells_ = 0;  // of all DFAs
};

}  // namespace inlay::grammar
