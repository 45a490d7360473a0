// fuse.cpp - joins add to the linear before it.
#include "graph/plan.h"

namespace inlay {
namespace {

// How many instructions read storage `s`.
std::uint32_t readers(const Program& p, std::uint16_t s) {
  std::uint32_t count = 0;
  for (const Instruction& i : p.code) {
    for (const ValueId v : {i.a, i.b}) count += v != no_value && p.values[v].storage == s;
  }
  return count;
}

// The linear that may take over the addition `add` at `at`: it makes one operand, which nothing
// else reads, and the other operand is not written in between.
bool joins(const Program& p, const Instruction& linear, const Instruction& add, ValueId made,
           ValueId other) {
  const ValueInfo& value = p.values[made];
  return linear.op == Op::linear && linear.out == made && linear.b == no_value && other != made &&
         p.values[other].storage != value.storage && add.op == Op::add &&
         readers(p, value.storage) == 1;
}

bool written_between(const Program& p, std::size_t begin, std::size_t end, ValueId value) {
  for (std::size_t i = begin; i < end; ++i) {
    const ValueId out = p.code[i].out;
    if (out != no_value && p.values[out].storage == p.values[value].storage) return true;
  }
  return false;
}

bool fuse_at(Program& p, std::size_t at) {
  const Instruction add = p.code[at];
  for (const bool second : {true, false}) {
    const ValueId made = second ? add.b : add.a;
    const ValueId other = second ? add.a : add.b;
    // The linear moves down to the addition, where `other` is surely ready.
    for (std::size_t i = at; i-- > 0;) {
      if (p.code[i].out != made) continue;
      const Instruction linear = p.code[i];
      if (!joins(p, linear, add, made, other)) break;
      if (written_between(p, i + 1, at, linear.a)) break;
      Instruction joined = linear;
      joined.b = other;
      joined.out = add.out;
      p.code[at] = joined;
      for (std::size_t j = i; j + 1 < p.code.size(); ++j) p.code[j] = p.code[j + 1];
      p.code.pop();
      return true;
    }
  }
  return false;
}

}  // namespace

void fuse(Program& program) {
  for (std::size_t i = 0; i < program.code.size();) {
    if (program.code[i].op == Op::add && fuse_at(program, i)) continue;
    ++i;
  }
}

}  // namespace inlay
