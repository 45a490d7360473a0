// quantized_modules.cpp - a module's matrix, put together from the tensors its form of quantization
// has for it.
//
// Types, and what they cost against the published weight (measured:
// tests/fixtures/layouts/README.md):
//   8-bit floats   F16. E4M3 has 4 significant bits, its product with a scale up to 28, of which
//   F16
//                  keeps 11: 2^-11 at most, 2.2e-4 rms. BF16 would be 8 times worse and would round
//                  activations as well. F16 ends at 65504 and loses bits below 2^-14: when the
//                  matrix' largest possible product is not in [2^-11, 65504], F32 (2^-24). Inside,
//                  what is lost at the small end is under 2^-14 of the largest weight.
//   MXFP4          MXFP4, exactly: another order of the same codes, the same scale.
//   4-bit integers of groups of a multiple of 32 columns: Q4_0 where all zero points are 8,
//   exactly;
//                  else Q4_1: codes and scale exact, the offset scale * zero rounded to half (2^-11
//                  of it: at most 0.007 of the step between codes; 1.2e-4 to 4.5e-4 rms of the
//                  weights, which the 4 bits themselves have moved by 9e-2). Q8_0 would hold it
//                  exactly at 1.7 times the size.
//   8-bit integers Q8_0, exactly but for scales that are no halves (2^-11, the same for all of a
//                  row's group; BF16 scales are exact). Zero points off the middle: F16.
//   act-order      (columns of a block of 32 have different scales) F16, 2^-11, 1.7e-4 rms.
// Scales stored as BF16 or F32 are read: when the largest is too large or too small for a half,
// F32.
#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "format/module_parts.h"

namespace inlay {
namespace {

using Method = QuantizedLayout::Method;

constexpr float half_max = 65504.0f, half_min_normal = 0x1p-14f, smallest_reach = 0x1p-11f;

class ModuleFinder : private ModuleParts {
 public:
  ModuleFinder(const ModelFiles& files, const StoredTensors& tensors, const QuantizedLayout& layout,
               std::string_view module, TensorInfo& tensor, Packing& packing, Error& error)
      : ModuleParts(files, tensors, layout, module, tensor, packing, error) {}

  Status find(bool* plain, bool* present);

 private:
  Status plain_matrix(const StoredTensor& weight, bool* plain);
  const StoredTensor* fp8_scales() const;
  Status fp8(const StoredTensor& weight);
  Status int8(const StoredTensor& weight);
  Status mxfp4(const StoredTensor& codes, const StoredTensor* scales, const char* scales_name);
  Status packed(const StoredTensor& codes);
  Status packed_shape(const StoredTensor& codes);
  Status columns(const StoredTensor& codes);
  Status columns_shape(const StoredTensor& codes);
  Status columns_zeros();
  Status columns_type();
  Status code_type(bool middle);
  Status product_type(float reach);
};

// ---- Types --------------------------------------------------------------------------------------

// A type of floats for products up to `reach` times a scale.
Status ModuleFinder::product_type(float reach) {
  tensor_.type = Type::F16;
  if (packing_.scale_element == Element::f16) return Status::ok;
  float largest = 0;
  INLAY_TRY(largest_scale(&largest));
  largest *= reach;
  const bool fits = largest == 0 || (largest >= smallest_reach && largest <= half_max);
  if (!fits) tensor_.type = Type::F32;
  return Status::ok;
}

// A type of codes where blocks of 32 have one scale that is nearly a half, else one of floats.
Status ModuleFinder::code_type(bool middle) {
  const bool wide = packing_.bits == 8 || packing_.kind == Packing::Kind::int8_channels;
  const float reach = wide ? 255.0f : 16.0f;
  const bool blocks = columns_ % 32 == 0 && (packing_.group % 32 == 0 || groups_ == 1);
  if (!blocks || packing_.order.bytes != 0 || (wide && !middle)) return product_type(reach);
  tensor_.type = wide ? Type::Q8_0 : middle ? Type::Q4_0 : Type::Q4_1;
  if (packing_.scale_element == Element::f16) return Status::ok;
  float largest = 0;
  INLAY_TRY(largest_scale(&largest));
  const bool fits = largest == 0 || (largest >= half_min_normal && largest * reach <= half_max);
  if (!fits) tensor_.type = Type::F32;
  return Status::ok;
}

// ---- Forms --------------------------------------------------------------------------------------

// Any rank from 2 on: experts come as one tensor.
Status ModuleFinder::plain_matrix(const StoredTensor& weight, bool* plain) {
  if (weight.rank < 2) INLAY_TRY(expect_rank(weight, 2));
  Type type = Type::F32;
  switch (weight.element) {
    case Element::f32: *plain = true; break;
    case Element::f16: type = Type::F16, *plain = true; break;
    case Element::bf16: type = Type::BF16, *plain = true; break;
    case Element::f64: break;
    case Element::f8_e4m3:
    case Element::f8_e5m2: type = Type::F16; break;  // exactly
    default: return expect_element(weight, false, "a matrix of floats");
  }
  tensor_.rank = weight.rank;
  for (std::uint32_t i = 0; i < weight.rank; ++i)
    tensor_.shape[i] = weight.shape[weight.rank - 1 - i];
  packing_.kind = Packing::Kind::elements;
  return finish(type, weight);
}

const StoredTensor* ModuleFinder::fp8_scales() const {
  const StoredTensor* scales = part(".weight_scale_inv");
  return scales ? scales : part(".weight_scale");
}

// Despite its name weight_scale_inv is multiplied with too.
Status ModuleFinder::fp8(const StoredTensor& weight) {
  const StoredTensor* scales = fp8_scales();
  INLAY_TRY(expect_rank(weight, 2));
  rows_ = weight.shape[0];
  columns_ = weight.shape[1];
  const Element e = scales->element;
  const bool right = e == Element::f32 || e == Element::f16 || e == Element::bf16 ||
                     e == Element::f8_e8m0 || e == Element::u8;
  INLAY_TRY(expect_element(*scales, right, "F32, F16, BF16, F8_E8M0 or U8"));
  INLAY_TRY(row_scales(*scales));
  packing_.kind = Packing::Kind::fp8_blocks;
  const float reach = weight.element == Element::f8_e4m3 ? 448.0f : 57344.0f;
  float largest = 0;
  INLAY_TRY(largest_scale(&largest));
  largest *= reach;
  const bool fits = largest == 0 || (largest >= smallest_reach && largest <= half_max);
  return finish(fits ? Type::F16 : Type::F32, weight);
}

// Codes of two dimensions (n, k / 2), or three (n, k / 32, 16), or those of experts: one more.
Status ModuleFinder::mxfp4(const StoredTensor& codes, const StoredTensor* scales,
                           const char* scales_name) {
  if (!scales) INLAY_TRY(require(scales_name, codes, scales));
  const Element e = scales->element;
  INLAY_TRY(
      expect_element(codes, codes.element == Element::u8 || codes.element == Element::i8, "U8"));
  INLAY_TRY(expect_element(*scales, e == Element::u8 || e == Element::f8_e8m0, "U8 or F8_E8M0"));
  const bool blocks = codes.rank > 2 && codes.shape[codes.rank - 1] == 16;
  const std::uint32_t outer = codes.rank - (blocks ? 2 : 1);  // dimensions before the columns
  if (codes.rank < 2 || outer > 2) INLAY_TRY(expect_rank(codes, 2));
  INLAY_TRY(expect_some(codes));
  INLAY_TRY(expect_rank(*scales, outer + 1));
  columns_ = blocks ? codes.shape[outer] * 32 : codes.shape[outer] * 2;
  INLAY_TRY(expect_whole(codes, columns_, 32));
  tensor_.rank = outer + 1;
  tensor_.shape[0] = columns_;
  for (std::uint32_t i = 0; i <= outer; ++i) {
    const std::uint64_t expected = i < outer ? codes.shape[i] : columns_ / 32;
    if (i < outer) tensor_.shape[outer - i] = codes.shape[i];
    if (scales->shape[i] == expected) continue;
    return fail(error_, Status::format, "{}: tensor {}: dimension {}: expected {}, file has {}",
                file(*scales), Shown(scales->name), i, expected, scales->shape[i]);
  }
  packing_.kind = Packing::Kind::mxfp4;
  packing_.group = 32;
  packing_.scales = scales->range;
  packing_.scale_element = Element::f8_e8m0;
  return finish(Type::MXFP4, codes);
}

Status ModuleFinder::int8(const StoredTensor& weight) {
  const StoredTensor* scales = nullptr;
  INLAY_TRY(require(".weight_scale", weight, scales));
  INLAY_TRY(expect_rank(weight, 2));
  rows_ = weight.shape[0];
  columns_ = weight.shape[1];
  INLAY_TRY(expect_scale_element(*scales));
  INLAY_TRY(row_scales(*scales));
  packing_.kind = Packing::Kind::int8_channels;
  if (const StoredTensor* zeros = part(".weight_zero_point")) INLAY_TRY(zero_points(*zeros));
  bool middle = true;
  INLAY_TRY(all_zeros_middle(&middle));
  INLAY_TRY(code_type(middle));
  return finish(tensor_.type, weight);
}

// weight_packed (n, k * bits / 32) and weight_shape, which says n and k.
Status ModuleFinder::packed_shape(const StoredTensor& codes) {
  const StoredTensor* shape = nullptr;
  INLAY_TRY(require(".weight_shape", codes, shape));
  INLAY_TRY(expect_rank(codes, 2));
  INLAY_TRY(expect_rank(*shape, 1));
  const std::uint32_t unit = shape->element == Element::i64 ? 8 : 4;
  INLAY_TRY(expect_element(*shape, unit == 8 || shape->element == Element::i32, "I64 or I32"));
  std::uint64_t sizes[2] = {}, count = 0;
  INLAY_TRY(for_each_bytes(shape->range, unit, [&](const std::byte* at, std::uint64_t numbers) {
    for (std::uint64_t i = 0; i < numbers && count < 2; ++i)
      std::memcpy(&sizes[count++], at + i * unit, unit);
    return false;
  }));
  rows_ = sizes[0];
  columns_ = sizes[1];
  for (const std::uint32_t bits : {4u, 8u}) {
    const bool fits = shape->shape[0] == 2 && rows_ == codes.shape[0] && columns_ != 0 &&
                      columns_ <= std::uint64_t{1} << 40 &&
                      codes.shape[1] == divide_up(columns_, 32 / bits);
    if (!fits) continue;
    packing_.bits = bits;
    return Status::ok;
  }
  return fail(error_, Status::format,
              "{}: tensor {}: expected {}x{} codes of 4 or 8 bits as weight_shape says, file has "
              "{}x{} words",
              file(codes), Shown(codes.name), rows_, columns_, codes.shape[0], codes.shape[1]);
}

// compressed-tensors: codes packed along the rows.
Status ModuleFinder::packed(const StoredTensor& codes) {
  const StoredTensor* scales = nullptr;
  INLAY_TRY(require(".weight_scale", codes, scales));
  if (codes.element == Element::u8) return mxfp4(codes, scales, ".weight_scale");
  INLAY_TRY(expect_element(codes, codes.element == Element::i32, "I32"));
  INLAY_TRY(packed_shape(codes));
  INLAY_TRY(expect_some(codes));
  INLAY_TRY(expect_scale_element(*scales));
  INLAY_TRY(row_scales(*scales));
  packing_.kind = Packing::Kind::packed_rows;
  if (const StoredTensor* zeros = part(".weight_zero_point")) INLAY_TRY(zero_points(*zeros));
  if (const StoredTensor* order = part(".weight_g_idx")) {
    bool trivial = true;
    INLAY_TRY(read_order(*order, &trivial));
    if (!trivial) packing_.order = order->range;
  }
  bool middle = true;
  INLAY_TRY(all_zeros_middle(&middle));
  INLAY_TRY(code_type(middle));
  return finish(tensor_.type, codes);
}

// ---- AWQ and GPTQ -------------------------------------------------------------------------------

// AWQ packs 8 rows of weights in a word, GPTQ 8 (or 4) columns.
Status ModuleFinder::columns_shape(const StoredTensor& codes) {
  const bool awq = layout_.method == Method::awq;
  packing_.kind = awq ? Packing::Kind::awq : Packing::Kind::gptq;
  packing_.bits = layout_.bits;
  INLAY_TRY(expect_element(codes, codes.element == Element::i32, "I32"));
  INLAY_TRY(expect_rank(codes, 2));
  INLAY_TRY(expect_some(codes));
  const std::uint32_t per = 32 / layout_.bits;
  rows_ = awq ? codes.shape[1] * per : codes.shape[1];
  columns_ = awq ? codes.shape[0] : codes.shape[0] * per;
  packing_.group = layout_.group ? std::min<std::uint64_t>(layout_.group, columns_) : columns_;
  groups_ = divide_up(columns_, packing_.group);
  return Status::ok;
}

Status ModuleFinder::columns_zeros() {
  const StoredTensor* zeros = part(".qzeros");
  if (!zeros) return Status::ok;
  INLAY_TRY(expect_element(*zeros, zeros->element == Element::i32, "I32"));
  INLAY_TRY(expect_shape(*zeros, groups_, divide_up(rows_, 32 / packing_.bits)));
  packing_.zeros = zeros->range;
  packing_.zeros_less_one = layout_.method == Method::gptq && layout_.zeros_less_one;
  return Status::ok;
}

// Zero points are read only where they are said to be in the middle, as they are a hundredth of a
// large file.
Status ModuleFinder::columns_type() {
  bool middle = packing_.zeros.bytes == 0;
  const bool whole = rows_ % (32 / packing_.bits) == 0;  // else the last word has codes of no row
  if (!middle && layout_.symmetric && whole) INLAY_TRY(all_zeros_middle(&middle));
  return code_type(middle);
}

Status ModuleFinder::columns(const StoredTensor& codes) {
  if (layout_.method != Method::awq && layout_.method != Method::gptq) return refuse_method(codes);
  INLAY_TRY(columns_shape(codes));
  const StoredTensor* scales = nullptr;
  INLAY_TRY(require(".scales", codes, scales));
  INLAY_TRY(expect_scale_element(*scales));
  INLAY_TRY(expect_shape(*scales, groups_, rows_));
  packing_.scales = scales->range;
  packing_.scale_element = scales->element;
  if (layout_.method == Method::awq || !layout_.symmetric) {
    const StoredTensor* zeros = nullptr;
    INLAY_TRY(require(".qzeros", codes, zeros));
  }
  INLAY_TRY(columns_zeros());
  const StoredTensor* order = layout_.method == Method::gptq ? part(".g_idx") : nullptr;
  if (order && order->range.bytes != 0) {
    bool trivial = true;
    INLAY_TRY(read_order(*order, &trivial));
    if (!trivial) packing_.order = order->range;
  }
  INLAY_TRY(columns_type());
  return finish(tensor_.type, codes);
}

Status ModuleFinder::find(bool* plain, bool* present) {
  *plain = false;
  *present = true;
  tensor_ = {};
  tensor_.rank = 0;
  packing_ = {};
  const auto use = [&](const StoredTensor* stored) {
    packing_.data = stored->range;
    packing_.element = stored->element;
    return stored;
  };
  if (const StoredTensor* codes = part(".weight_packed")) return packed(*use(codes));
  if (const StoredTensor* codes = part(".qweight")) return columns(*use(codes));
  if (const StoredTensor* codes = part("_blocks")) return mxfp4(*use(codes), nullptr, "_scales");
  if (const StoredTensor* codes = part(".weight_blocks")) {
    return mxfp4(*use(codes), nullptr, ".weight_scales");
  }
  const StoredTensor* weight = part(".weight");
  *present = weight != nullptr;
  if (!weight) return Status::ok;
  use(weight);
  INLAY_TRY(expect_some(*weight));
  const bool scaled = fp8_scales() != nullptr, fp8_method = layout_.method == Method::fp8;
  switch (weight->element) {
    case Element::i8:
      // DeepSeek's pairs of 4-bit floats, among matrices of 8-bit ones.
      return fp8_method && scaled ? mxfp4(*weight, fp8_scales(), "") : int8(*weight);
    case Element::f8_e4m3:
    case Element::f8_e5m2:
      if (scaled) return fp8(*weight);
      if (layout_.method != Method::none) {
        const StoredTensor* scales = nullptr;
        return require(fp8_method ? ".weight_scale_inv" : ".weight_scale", *weight, scales);
      }
      break;
    default: break;
  }
  return plain_matrix(*weight, plain);
}

}  // namespace

Status find_module(const ModelFiles& files, const StoredTensors& tensors,
                   const QuantizedLayout& layout, std::string_view module, TensorInfo& tensor,
                   Packing& packing, bool* plain, bool* present, Error& error) {
  return ModuleFinder(files, tensors, layout, module, tensor, packing, error).find(plain, present);
}

}  // namespace inlay
