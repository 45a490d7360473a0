// hf_tensors.cpp - goes through the table of names, module by module.
#include "format/hf_tensors.h"

#include <algorithm>

#include "base/checked.h"
#include "base/math.h"
#include "format/packing_parts.h"
#include "format/tensor_table.h"

namespace inlay {
namespace {

constexpr double two_pi = 6.283185307179586476925286766559;

// A composed name, bounded; a longer one is cut and then not found.
struct Composed {
  char text[256];
  std::size_t length = 0;
  template <class... Args>
  explicit Composed(fmt::format_string<detail::Printed<Args>...> format, const Args&... args) {
    length = print<Args...>(text, sizeof text, format, args...);
    if (length >= sizeof text) length = sizeof text - 1;
  }
  std::string_view view() const { return {text, length}; }
};

// A plain tensor as a packing: rows of floats in its own type.
Packing as_stored(const TensorInfo& tensor) {
  Packing packing;
  packing.element = tensor.type == Type::F32   ? Element::f32
                    : tensor.type == Type::F16 ? Element::f16
                                               : Element::bf16;
  packing.data = {tensor.part, tensor.offset, tensor.bytes};
  return packing;
}

class Binder {
 public:
  Binder(const ModelFiles& files, const StoredTensors& stored, const QuantizedLayout& layout,
         const HfModel& model, Manifest& manifest, Error& error)
      : files_(files),
        stored_(stored),
        layout_(layout),
        model_(model),
        names_(*model.names),
        manifest_(manifest),
        error_(error) {}

  Status add_all();

 private:
  Status find_prefix();
  Status add_group(std::span<const HfTensor> group, std::string_view module_prefix,
                   std::string_view name_prefix);
  Status add_matrix(std::string_view module, std::string_view name, HfRows rows, bool* present);
  Status add_vector(std::string_view module, const char* part, std::string_view name, HfRows rows);
  Status add_block(std::uint32_t i);
  Status add_bias(const HfTensor& row, std::string_view module, std::string_view name);
  Status is_zero(const StoredTensor& stored, bool* zero) const;
  bool may_be_output(const HfTensor& row) const;
  Status add_output_as(std::string_view name, bool* present);
  Status add_output();
  Status add_divisors();
  Status add(TensorInfo& tensor, Packing& packing, bool plain, std::string_view name, HfRows rows,
             std::uint64_t row_count);
  RowSwap swap(HfRows rows) const;
  Status missing(std::string_view module, const char* part) const;

  const ModelFiles& files_;
  const StoredTensors& stored_;
  const QuantizedLayout& layout_;
  const HfModel& model_;
  const HfNames& names_;
  Manifest& manifest_;
  Error& error_;
  std::string_view prefix_;
};

Status Binder::missing(std::string_view module, const char* part) const {
  return fail(error_, Status::format, "{}: tensor {}.{} is missing", Shown(manifest_.file()),
              module, part);
}

Status Binder::find_prefix() {
  for (const std::string_view prefix : names_.prefixes) {
    if (!stored_.find(Composed("{}{}.weight", prefix, names_.last_norm).view())) continue;
    prefix_ = prefix;
    return Status::ok;
  }
  return missing(Composed("{}{}", names_.prefixes[0], names_.last_norm).view(), "weight");
}

Status Binder::add_all() {
  INLAY_TRY(find_prefix());
  INLAY_TRY(add_group(names_.outside, prefix_, ""));
  if (model_.rope.kind == HfRope::Kind::llama3) INLAY_TRY(add_divisors());
  for (std::uint32_t i = 0; i < model_.layers; ++i) INLAY_TRY(add_block(i));
  return add_output();
}

// AWQ may divide what the activation gives by scales of its own; no graph does.
Status Binder::add_block(std::uint32_t i) {
  const Composed block("{}{}.{}.", prefix_, names_.blocks, i);
  const Composed scales("{}{}.scales", block.view(), names_.activation);
  if (stored_.find(scales.view())) {
    return fail(error_, Status::unsupported, "{}: tensor {}: scales of an activation",
                Shown(manifest_.file()), scales.view());
  }
  return add_group(names_.block, block.view(), Composed("blk.{}.", i).view());
}

Status Binder::add_group(std::span<const HfTensor> group, std::string_view module_prefix,
                         std::string_view name_prefix) {
  for (const HfTensor& row : group) {
    const Composed module("{}{}", module_prefix, row.module);
    const Composed name("{}{}", name_prefix, row.name);
    const Composed weight("{}.weight", name.view());
    if (row.matrix) {
      bool present = false;
      INLAY_TRY(add_matrix(module.view(), weight.view(), row.rows, &present));
      if (!present && may_be_output(row)) {
        INLAY_TRY(add_output_as(weight.view(), &present));
      }
      if (!present) return missing(module.view(), "weight");
    } else {
      INLAY_TRY(add_vector(module.view(), "weight", weight.view(), row.rows));
    }
    INLAY_TRY(add_bias(row, module.view(), Composed("{}.bias", name.view()).view()));
  }
  return Status::ok;
}

Status Binder::add_bias(const HfTensor& row, std::string_view module, std::string_view name) {
  bool wanted = true;
  const char* key = "attention_bias";
  switch (row.bias) {
    case HfBias::none: return Status::ok;
    case HfBias::always: break;
    case HfBias::attention: wanted = model_.attention_bias; break;
    case HfBias::attention_output: wanted = model_.attention_output_bias; break;
    case HfBias::mlp:
      wanted = model_.mlp_bias;
      key = "mlp_bias";
      break;
  }
  if (wanted) return add_vector(module, "bias", name, row.rows);
  const StoredTensor* stored = stored_.find(Composed("{}.bias", module).view());
  bool zero = true;  // AutoGPTQ gives every module a bias
  if (stored) INLAY_TRY(is_zero(*stored, &zero));
  if (zero) return Status::ok;
  return fail(error_, Status::format,
              "{}: tensor {}.bias is there and not 0, but by config.json the model has none ({})",
              Shown(manifest_.file()), module, key);
}

Status Binder::is_zero(const StoredTensor& stored, bool* zero) const {
  std::byte buffer[4096];
  *zero = true;
  for (std::uint64_t done = 0; done < stored.range.bytes && *zero; done += sizeof buffer) {
    const auto size = std::min<std::uint64_t>(stored.range.bytes - done, sizeof buffer);
    const std::byte* at = nullptr;
    INLAY_TRY(piece_bytes(files_, stored.range, done, size, buffer, at, error_));
    *zero = std::all_of(at, at + size, [](std::byte b) { return b == std::byte{0}; });
  }
  return Status::ok;
}

RowSwap Binder::swap(HfRows rows) const {
  switch (rows) {
    case HfRows::same: break;
    case HfRows::queries:
      if (model_.pairs_neighbour) return {model_.heads, 2, model_.head_size / 2, 1};
      break;
    case HfRows::keys:
      if (model_.pairs_neighbour) return {model_.kv_heads, 2, model_.head_size / 2, 1};
      break;
    case HfRows::fused: return {1, model_.heads, 3, model_.head_size};
  }
  return {};
}

// row_count: rows of a matrix, elements of a vector.
Status Binder::add(TensorInfo& tensor, Packing& packing, bool plain, std::string_view name,
                   HfRows rows, std::uint64_t row_count) {
  const RowSwap order = swap(rows);
  if (order.first != 1 && order.second != 1) {
    std::uint64_t expected = std::uint64_t{order.outer} * order.first;
    const bool fits = checked_mul(expected, order.second, expected) &&
                      checked_mul(expected, order.inner, expected);
    if (!fits || expected != row_count) {
      return fail(error_, Status::format,
                  "{}: {}: expected {} x {} rows by the heads of config.json, file has {}",
                  Shown(manifest_.file()), name,
                  std::uint64_t{order.outer} * (model_.pairs_neighbour ? 1 : order.second),
                  std::uint64_t{model_.head_size} * (model_.pairs_neighbour ? 1 : order.first),
                  row_count);
    }
    if (plain) packing = as_stored(tensor);
    packing.swap = order;
    plain = false;
  }
  if (!plain) {
    INLAY_TRY(manifest_.add_packing(packing, tensor.packing, error_));
    tensor.offset = 0;
  }
  if (is_error(manifest_.store().copy(name, tensor.name)))
    return fail_memory(error_, "tensor names");
  return manifest_.add_tensor(tensor, error_);
}

Status Binder::add_matrix(std::string_view module, std::string_view name, HfRows rows,
                          bool* present) {
  TensorInfo tensor;
  Packing packing;
  bool plain = false;
  INLAY_TRY(
      find_module(files_, stored_, layout_, module, tensor, packing, &plain, present, error_));
  if (!*present) return Status::ok;
  const bool by_token = name == "token_embd.weight" || name == "output.weight";
  if (by_token && tensor.shape[1] != model_.vocabulary) {
    return fail(error_, Status::format,
                "{}: tensor {}.weight: expected {} rows by vocab_size of config.json, file has {}",
                Shown(manifest_.file()), module, model_.vocabulary, tensor.shape[1]);
  }
  return add(tensor, packing, plain, name, rows, tensor.shape[1]);
}

Status Binder::add_vector(std::string_view module, const char* part, std::string_view name,
                          HfRows rows) {
  const StoredTensor* found = stored_.find(Composed("{}.{}", module, part).view());
  if (!found) return missing(module, part);
  TensorInfo tensor;
  bool plain = true;
  switch (found->element) {
    case Element::f32: tensor.type = Type::F32; break;
    case Element::f16: tensor.type = Type::F16; break;
    case Element::bf16: tensor.type = Type::BF16; break;
    case Element::f64: plain = false; break;
    default:
      return fail(error_, Status::unsupported, "{}: tensor {}.{}: a vector of {}",
                  Shown(manifest_.file()), module, part, element_name(found->element));
  }
  if (found->rank != 1) {
    return fail(error_, Status::format, "{}: tensor {}.{}: expected 1 dimension, file has {}",
                Shown(manifest_.file()), module, part, found->rank);
  }
  tensor.name = found->name;
  tensor.shape[0] = found->shape[0];
  tensor.part = found->range.part;
  tensor.offset = found->range.offset;
  INLAY_TRY(measure_tensor(manifest_.file(), tensor, error_));
  Packing packing;
  packing.element = found->element;
  packing.data = found->range;
  return add(tensor, packing, plain, name, rows, tensor.elements);
}

// A matrix that is both embedding and output is stored under one of its names, mostly the former.
bool Binder::may_be_output(const HfTensor& row) const {
  return &row == &names_.outside[0] && model_.output == HfOutput::tied;
}

Status Binder::add_output_as(std::string_view name, bool* present) {
  for (const std::string_view module : names_.outputs) {
    INLAY_TRY(add_matrix(module, name, HfRows::same, present));
    if (*present) break;
  }
  return Status::ok;
}

Status Binder::add_output() {
  bool present = false;
  if (model_.output == HfOutput::tied) return Status::ok;
  INLAY_TRY(add_output_as("output.weight", &present));
  if (present || model_.output == HfOutput::if_there) return Status::ok;
  return missing(names_.outputs[0], "weight");
}

// Llama 3 stretches the waves of rope that turn less than `low` times over the positions it was
// trained with first, by `factor`; those under `high` turns in part. GGUF has the divisors as a
// tensor. (Grattafiori et al. 2024, arXiv:2407.21783, and the reference implementation.)
Status Binder::add_divisors() {
  const HfRope& rope = model_.rope;
  const std::uint32_t pairs = model_.head_size / 2;
  auto* values = manifest_.store().allocate<float>(pairs);
  if (!values) return fail_memory(error_, "rope_freqs.weight");
  for (std::uint32_t i = 0; i < pairs; ++i) {
    const double wave = two_pi * math::pow(rope.theta, 2.0 * i / model_.head_size);
    const double turns = rope.context / wave;
    const double part = (turns - rope.low) / (rope.high - rope.low);
    const double divisor = turns > rope.high  ? 1.0
                           : turns < rope.low ? rope.factor
                                              : 1.0 / ((1.0 - part) / rope.factor + part);
    values[i] = static_cast<float>(divisor);
  }
  TensorInfo tensor;
  tensor.name = "rope_freqs.weight";
  tensor.shape[0] = pairs;
  INLAY_TRY(measure_tensor(manifest_.file(), tensor, error_));
  Packing packing;
  packing.kind = Packing::Kind::stored;
  packing.values = values;
  return add(tensor, packing, false, "rope_freqs.weight", HfRows::same, pairs);
}

}  // namespace

Status add_hf_tensors(const ModelFiles& files, const StoredTensors& stored,
                      const QuantizedLayout& layout, const HfModel& model, Manifest& manifest,
                      Error& error) {
  return Binder(files, stored, layout, model, manifest, error).add_all();
}

}  // namespace inlay
