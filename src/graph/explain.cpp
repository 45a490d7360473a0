// explain.cpp - prints the program, one instruction a line.
#include "graph/explain.h"

#include "base/diagnostics.h"

namespace inlay {
namespace {

constexpr const char* form_name(Activation form) {
  switch (form) {
    case Activation::f32: return "f32";
    case Activation::bf16: return "bf16";
    case Activation::q8_32: return "q8_32";
    case Activation::q8_256: return "q8_256";
  }
  return "?";
}

class Printer {
 public:
  explicit Printer(Array<char>& text) : text_(text) {}
  Status status() const { return status_; }

  template <class... Args>
  void line(fmt::format_string<detail::Printed<Args>...> format, const Args&... args) {
    char buffer[256];
    const std::size_t length = print(buffer, sizeof buffer, format, args...);
    if (is_error(status_)) return;
    status_ = text_.append({buffer, length < sizeof buffer ? length : sizeof buffer - 1});
  }

 private:
  Array<char>& text_;
  Status status_ = Status::ok;
};

void print_value(const Program& p, Printer& out, std::string_view before, ValueId id) {
  if (id == no_value) return;
  const ValueInfo& v = p.values[id];
  const StorageInfo& s = p.storages[v.storage];
  out.line("{}v{}({}, {}{}{})", before, v.storage, s.rows == Rows::tokens ? "T" : "R", v.width,
           v.form == Activation::f32 ? "" : " ",
           v.form == Activation::f32 ? "" : form_name(v.form));
  if (v.column) out.line("[{}:]", v.column);
}

}  // namespace

Status explain(const Program& p, const void* file,
               std::string_view (*name)(const void* file, std::uint32_t tensor),
               Array<char>& text) {
  Printer out(text);
  for (std::size_t i = 0; i < p.code.size(); ++i) {
    const Instruction& c = p.code[i];
    if (c.layer == no_layer) {
      out.line("{:5}    - {:<10}", i, op_name(c.op));
    } else {
      out.line("{:5} {:4} {:<10}", i, c.layer, op_name(c.op));
    }
    print_value(p, out, " ", c.out);
    print_value(p, out, c.out == no_value ? " " : " <- ", c.a);
    print_value(p, out, ", ", c.b);
    for (const WeightId w : {c.weight, c.bias}) {
      if (w == no_weight) continue;
      const WeightInfo& weight = p.weights[w];
      out.line("; {} {}", Shown(name(file, weight.tensor)), type_info(weight.type)->name);
      if (weight.matrix) out.line(" {} x {}", weight.columns, weight.rows);
      if (weight.scale_tensor != no_tensor) out.line(" scaled");
    }
    out.line("\n");
  }
  return out.status();
}

}  // namespace inlay
