// graph.cpp - recording of instructions and the shape checks that go with them.
#include "graph/graph.h"

#include "base/checked.h"
#include "base/diagnostics.h"

namespace inlay {
namespace {

constexpr std::uint32_t row_alignment = 64;

}  // namespace

const char* op_name(Op op) {
  switch (op) {
#define INLAY_OP(name) \
  case Op::name:       \
    return #name;
#include "graph/ops.inc"
#undef INLAY_OP
  }
  return "unknown";
}

Layer Graph::layer(std::uint32_t index) {
  layer_ = static_cast<std::uint16_t>(index);
  return Layer(*this, index);
}
void Graph::end_layers() { layer_ = no_layer; }

Tensor Graph::make_value(std::uint32_t width, Rows rows, Activation form) {
  if (broken()) return {};
  StorageInfo storage{};
  storage.row_bytes =
      static_cast<std::uint32_t>(align_up(activation_row_bytes(form, width), row_alignment));
  storage.rows = rows;
  if (program_.values.size() >= no_value) {
    note(fail(meta_.error(), Status::unsupported, "{}: the program needs too many values",
              Shown(meta_.file().name)));
    return {};
  }
  note(program_.storages.push(storage));
  const auto index = static_cast<std::uint16_t>(program_.storages.size() - 1);
  note(program_.values.push(ValueInfo{index, form, 0, width}));
  if (broken()) return {};
  return {static_cast<ValueId>(program_.values.size() - 1)};
}

Instruction Graph::instruction(Op op) const {
  Instruction i{};
  i.op = op;
  i.layer = layer_;
  i.out = i.a = i.b = no_value;
  i.weight = i.bias = no_weight;
  return i;
}

void Graph::emit(const Instruction& instruction) {
  if (!broken()) note(program_.code.push(instruction));
}

bool Graph::expect_width(Tensor x, std::uint32_t width, std::string_view what) {
  if (broken() || x.id == no_value) return false;
  if (info(x).width == width) return true;
  note(fail(meta_.error(), Status::internal, "{}: {}: width {} where {} is needed",
            Shown(meta_.file().name), what, info(x).width, width));
  return false;
}

bool Graph::expect_vector(Weight w, std::uint32_t size, std::string_view what) {
  if (broken()) return false;
  if (!w || (!info(w).matrix && info(w).columns == size)) return true;
  note(fail(meta_.error(), Status::internal, "{}: {}: a vector of {} where {} is needed",
            Shown(meta_.file().name), what, info(w).columns, size));
  return false;
}

Tensor Graph::embed(Weight table) {
  if (broken()) return {};
  const Tensor out = make_value(info(table).columns, Rows::tokens);
  Instruction i = instruction(Op::embed);
  i.out = out.id;
  i.weight = table.id;
  emit(i);
  program_.vocabulary = info(table).rows;
  return out;
}

Tensor Graph::rms_norm(Tensor x, Weight scale, float eps) {
  if (broken() || !expect_width(x, info(scale).columns, "rms_norm")) return {};
  Instruction i = instruction(Op::rms_norm);
  i.a = x.id;
  i.weight = scale.id;
  i.f0 = eps;
  const Tensor out = make_value(info(x).width, rows_of(x));
  i.out = out.id;
  emit(i);
  return out;
}

Tensor Graph::layer_norm(Tensor x, Weight scale, Weight bias, float eps) {
  if (broken() || !expect_width(x, info(scale).columns, "layer_norm") ||
      !expect_vector(bias, info(x).width, "layer_norm")) {
    return {};
  }
  Instruction i = instruction(Op::layer_norm);
  i.a = x.id;
  i.weight = scale.id;
  i.bias = bias.id;
  i.f0 = eps;
  const Tensor out = make_value(info(x).width, rows_of(x));
  i.out = out.id;
  emit(i);
  return out;
}

// x in the form a weight type is multiplied with; made once for each value and form.
Tensor Graph::quantized(Tensor x, Activation form) {
  if (broken() || form == Activation::f32) return x;
  for (std::size_t i = program_.code.size(); i-- > 0;) {
    const Instruction& before = program_.code[i];
    const bool writes =
        before.out != no_value && info(Tensor{before.out}).storage == info(x).storage;
    if (writes) break;  // older forms of x are stale
    if (before.op == Op::quantize && before.a == x.id && program_.values[before.out].form == form) {
      return {before.out};
    }
  }
  const Tensor out = make_value(info(x).width, rows_of(x), form);
  Instruction i = instruction(Op::quantize);
  i.a = x.id;
  i.out = out.id;
  emit(i);
  return out;
}

Tensor Graph::linear(Tensor x, Weight w, Weight bias) {
  if (broken() || !expect_width(x, info(w).columns, "linear") ||
      !expect_vector(bias, info(w).rows, "linear")) {
    return {};
  }
  const Tensor input = quantized(x, activation_of(info(w).type));
  const Tensor out = make_value(info(w).rows, broken() ? Rows::tokens : rows_of(x));
  Instruction i = instruction(Op::linear);
  i.a = input.id;
  i.weight = w.id;
  i.bias = bias.id;
  i.out = out.id;
  emit(i);
  return out;
}

Tensor Graph::slice(Tensor x, std::uint32_t column, std::uint32_t width) {
  if (broken()) return {};
  ValueInfo view = info(x);
  std::uint64_t end = 0;
  if (view.form != Activation::f32 || !checked_add(column, width, end) || end > view.width) {
    note(fail(meta_.error(), Status::internal, "{}: slice: columns {} + {} of {}",
              Shown(meta_.file().name), column, width, view.width));
    return {};
  }
  view.column += column;
  view.width = width;
  note(program_.values.push(view));
  if (broken()) return {};
  return {static_cast<ValueId>(program_.values.size() - 1)};
}

Tensor Graph::elementwise(Op op, std::uint8_t kind, Tensor a, Tensor b) {
  if (broken() || (b.id != no_value && !expect_width(b, info(a).width, op_name(op)))) return {};
  if (b.id != no_value && rows_of(a) != rows_of(b)) {
    note(fail(meta_.error(), Status::internal, "{}: {}: rows of tokens with rows of logits",
              Shown(meta_.file().name), op_name(op)));
    return {};
  }
  Instruction i = instruction(op);
  i.kind = kind;
  i.a = a.id;
  i.b = b.id;
  const Tensor out = make_value(info(a).width, rows_of(a));
  i.out = out.id;
  emit(i);
  return out;
}

Tensor Graph::add(Tensor a, Tensor b) { return elementwise(Op::add, 0, a, b); }
Tensor Graph::activate(Act kind, Tensor x) {
  return elementwise(Op::activate, static_cast<std::uint8_t>(kind), x, {});
}
Tensor Graph::gate(Act kind, Tensor gate, Tensor up) {
  return elementwise(Op::gate, static_cast<std::uint8_t>(kind), gate, up);
}

Tensor Graph::rope_table(const Rope& rope, Weight factors) {
  if (broken()) return {};
  Instruction i = instruction(Op::rope_table);
  i.weight = factors.id;
  i.n0 = rope.pairs;
  i.f0 = rope.base;
  i.f1 = rope.position_scale;
  const Tensor out = make_value(2 * rope.pairs, Rows::tokens);
  i.out = out.id;
  emit(i);
  return out;
}

Tensor Graph::rope(Tensor x, const Rope& rope, std::uint32_t heads, std::uint32_t head_size,
                   Tensor table) {
  if (broken() || !expect_width(x, heads * head_size, "rope") ||
      !expect_width(table, 2 * rope.pairs, "rope table")) {
    return {};
  }
  Instruction i = instruction(Op::rope);
  i.kind = static_cast<std::uint8_t>(rope.order);
  i.a = i.out = x.id;
  i.b = table.id;
  i.n0 = rope.pairs;
  i.n1 = (head_size << 16) | heads;
  emit(i);
  return x;
}

Tensor Graph::attention(Tensor q, Tensor k, Tensor v, const Heads& heads, float scale,
                        float max_alibi_bias) {
  if (broken() || !expect_width(q, heads.q_width(), "queries") ||
      !expect_width(k, heads.k_width(), "keys") || !expect_width(v, heads.v_width(), "values")) {
    return {};
  }
  const auto slot = static_cast<std::uint16_t>(program_.kv_slots.size());
  note(program_.kv_slots.push(KvSlot{heads.kv, heads.key_size, heads.value_size}));
  Instruction store = instruction(Op::store_kv);
  store.a = k.id;
  store.b = v.id;
  store.slot = slot;
  emit(store);
  Instruction i = instruction(Op::attention);
  i.a = q.id;
  i.slot = slot;
  i.n0 = heads.query;
  i.f0 = scale;
  i.f1 = max_alibi_bias;
  const Tensor out = make_value(heads.query * heads.value_size, Rows::tokens);
  i.out = out.id;
  emit(i);
  return out;
}

Tensor Graph::take(Tensor x) {
  if (broken()) return {};
  Instruction i = instruction(Op::take);
  i.a = x.id;
  const Tensor out = make_value(info(x).width, Rows::wanted);
  i.out = out.id;
  emit(i);
  return out;
}

void Graph::logits(Tensor rows) {
  if (broken()) return;
  if (rows_of(rows) != Rows::wanted || info(rows).width != program_.vocabulary) {
    note(fail(meta_.error(), Status::format,
              "{}: output: {} rows of logits, token_embd has {} tokens", Shown(meta_.file().name),
              info(rows).width, program_.vocabulary));
    return;
  }
  program_.logits = rows.id;
  // The host sees the rows of logits as one matrix without gaps.
  StorageInfo& storage = program_.storages[info(rows).storage];
  storage.row_bytes = info(rows).width * static_cast<std::uint32_t>(sizeof(float));
}

void Graph::unsupported(std::string_view key) {
  if (broken()) return;
  const FileView& file = meta_.file();
  note(fail(meta_.error(), Status::unsupported, "{}: {}.{}: this build cannot run it",
            Shown(file.name), file.architecture, key));
}

}  // namespace inlay
