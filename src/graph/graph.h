// graph.h - the builder: an architecture calls it once, on metadata only, and a Program is
// recorded.
#pragma once

#include <string_view>

#include "base/activation_kind.h"
#include "graph/meta.h"
#include "graph/program.h"

namespace inlay {

// A matrix of activations in the program, (rows, width): the index of a value, not a pointer.
struct Tensor {
  ValueId id = no_value;
};

// A tensor of the file that the program uses; none when it is optional and absent.
struct Weight {
  WeightId id = no_weight;
  explicit operator bool() const { return id != no_weight; }
};

class Graph;

// Tensors of one block by their short name: matrix("attn_q") is blk.<index>.attn_q.weight.
class Layer {
 public:
  Layer(Graph& graph, std::uint32_t index) : graph_(graph), index_(index) {}
  Weight matrix(std::string_view name, std::uint32_t rows, std::uint32_t columns) const;
  Weight vector(std::string_view name, std::uint32_t size) const;   // <name>.weight
  Weight bias(std::string_view name, std::uint32_t size) const;     // <name>.bias
  Weight bias_if(std::string_view name, std::uint32_t size) const;  // none when it is absent

 private:
  Graph& graph_;
  std::uint32_t index_;
};

// Records instructions. Errors stick (in the Meta given): after the first one every call returns an
// empty handle and records nothing, so architectures need no error handling of their own.
class Graph {
 public:
  Graph(const Meta& meta, Program& program) : meta_(meta), program_(program) {}

  Status status() const { return meta_.status(); }

  // Weights, checked against the file: a matrix (rows n, columns k) multiplies rows of k elements.
  Weight matrix(std::string_view name, std::uint32_t rows, std::uint32_t columns);
  Weight matrix_if(std::string_view name, std::uint32_t rows, std::uint32_t columns);
  // Rows are taken from the file (the vocabulary).
  Weight embedding(std::string_view name, std::uint32_t columns);
  Weight vector(std::string_view name, std::uint32_t size);
  Weight vector_if(std::string_view name, std::uint32_t size);
  std::uint32_t rows(Weight weight) const;

  // Starts block `index`; the instructions that follow belong to it.
  Layer layer(std::uint32_t index);
  void end_layers();

  Tensor embed(Weight table);                                         // (T, d)
  Tensor rms_norm(Tensor x, Weight scale, float eps);                 // as x
  Tensor layer_norm(Tensor x, Weight scale, Weight bias, float eps);  // as x
  Tensor linear(Tensor x, Weight w, Weight bias = {});                // (., n)
  Tensor slice(Tensor x, std::uint32_t column, std::uint32_t width);  // a view, nothing is copied
  Tensor add(Tensor a, Tensor b);
  Tensor activate(Act kind, Tensor x);
  Tensor gate(Act kind, Tensor gate, Tensor up);  // kind(gate) * up
  // cos and sin for every token's position; `factors` (pairs) divides the frequencies if given.
  Tensor rope_table(const Rope& rope, Weight factors = {});
  // Rotates the first 2 * pairs elements of each head in place: x itself is changed.
  Tensor rope(Tensor x, const Rope& rope, std::uint32_t heads, std::uint32_t head_size,
              Tensor table);
  // Stores keys and values in the layer's cache, then attends over the sequence up to each token.
  // max_alibi_bias: 0 none; 8 for ALiBi (Press et al. 2021, arXiv:2108.12409).
  Tensor attention(Tensor q, Tensor k, Tensor v, const Heads& heads, float scale,
                   float max_alibi_bias = 0);
  Tensor take(Tensor x);     // (R, d): only the rows whose logits are wanted
  void logits(Tensor rows);  // (R, vocabulary): the end of the program

  // Refuses the model for something its file says that this family cannot do here.
  void unsupported(std::string_view key);

 private:
  friend class Layer;
  bool broken() const { return is_error(meta_.status()); }
  Weight weight(std::string_view name, std::uint32_t rank, std::uint32_t rows,
                std::uint32_t columns, bool optional);
  std::uint32_t scale_of(std::string_view name);
  const ValueInfo& info(Tensor x) const { return program_.values[x.id]; }
  const WeightInfo& info(Weight w) const { return program_.weights[w.id]; }
  Rows rows_of(Tensor x) const { return program_.storages[info(x).storage].rows; }
  bool expect_width(Tensor x, std::uint32_t width, std::string_view what);
  bool expect_vector(Weight w, std::uint32_t size, std::string_view what);  // or none
  Tensor make_value(std::uint32_t width, Rows rows, Activation form = Activation::f32);
  Tensor quantized(Tensor x, Activation form);
  Instruction instruction(Op op) const;
  void emit(const Instruction& instruction);
  void note(Status status) { meta_.refuse(status); }
  Tensor elementwise(Op op, std::uint8_t kind, Tensor a, Tensor b);

  const Meta& meta_;
  Program& program_;
  std::uint16_t layer_ = no_layer;
};

}  // namespace inlay
