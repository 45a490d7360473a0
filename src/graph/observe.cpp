// observe.cpp - sets observers before matrix products, for an importance matrix.
#include <utility>

#include "graph/plan.h"

namespace inlay {
namespace {

class Observers {
 public:
  explicit Observers(Program& p) : p_(p), code_(*p.code.allocator()) {}

  Status run() {
    INLAY_TRY(code_.reserve(2 * p_.code.size()));
    for (const Instruction& i : p_.code) INLAY_TRY(copy(i));
    p_.code = std::move(code_);
    return Status::ok;
  }

 private:
  // A rounded input is observed where it is still exact: before it is rounded.
  Status copy(Instruction i) {
    const bool exact = i.op == Op::linear && p_.values[i.a].form == Activation::f32;
    if (i.op == Op::quantize || exact) {
      INLAY_TRY(slot_of(i.a, &i.slot));
    } else if (i.op == Op::linear) {
      i.slot = rounded(i.a).slot;
    }
    return code_.push(i);
  }

  const Instruction& rounded(ValueId value) const {
    std::size_t at = code_.size() - 1;
    while (at > 0 && code_[at].out != value) --at;
    return code_[at];
  }

  // The sums of `value` as it is now: those it has already, unless it was written since.
  Status slot_of(ValueId value, std::uint16_t* slot) {
    const std::uint16_t storage = p_.values[value].storage;
    for (std::size_t at = code_.size(); at-- > 0;) {
      const Instruction& before = code_[at];
      if (before.op == Op::observe && before.a == value) {
        *slot = before.slot;
        return Status::ok;
      }
      if (before.out != no_value && p_.values[before.out].storage == storage) break;
    }
    *slot = static_cast<std::uint16_t>(p_.observed.size());
    const Observed observed{p_.values[value].width, p_.storages[storage].rows,
                            p_.observed_columns()};
    INLAY_TRY(p_.observed.push(observed));
    Instruction i{};
    i.op = Op::observe;
    i.layer = layer_of(value);
    i.out = i.b = no_value;
    i.a = value;
    i.weight = i.bias = no_weight;
    i.slot = *slot;
    return code_.push(i);
  }

  std::uint16_t layer_of(ValueId value) const {
    const std::uint16_t storage = p_.values[value].storage;
    for (std::size_t at = code_.size(); at-- > 0;) {
      const ValueId out = code_[at].out;
      if (out != no_value && p_.values[out].storage == storage) return code_[at].layer;
    }
    return no_layer;
  }

  Program& p_;
  Array<Instruction> code_;
};

}  // namespace

Status observe(Program& program) { return Observers(program).run(); }

}  // namespace inlay
