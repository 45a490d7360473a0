// quantize.h - rows of activations into the forms of quant/activation.h; each block depends on its
// own elements alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "quant/activation.h"

namespace inlay::INLAY_ISA {

// The numbers that turn a block into codes.
struct BlockScale {
  float scale;
  float inverse;  // 0 for a block without codes
};

// From the largest magnitude and a sum that is NaN if any element is infinite or NaN.
static INLAY_FORCE_INLINE BlockScale block_scale(float largest, float poison) {
  if (poison != poison) return {__builtin_nanf(""), 0.0f};
  if (largest < 0x1p-100f) return {0.0f, 0.0f};
  return {largest / 127.0f, 127.0f / largest};
}

template <std::uint32_t count>
static INLAY_FORCE_INLINE BlockScale scale_of(const F32x16 (&v)[count]) {
  F32x16 largest = abs(v[0]);
  F32x16 poison = v[0] * F32x16::zero();
  for (std::uint32_t i = 1; i < count; ++i) {
    largest = max(largest, abs(v[i]));
    poison = fma(v[i], F32x16::zero(), poison);
  }
  return block_scale(max(largest), sum(poison));
}

// Writes 16 codes and returns their sum, which a float holds exactly.
static INLAY_FORCE_INLINE std::int32_t put_codes(F32x16 v, float inverse, std::int8_t* out) {
  const I32x16 codes = round_to_int(v * F32x16::broadcast(inverse));
  codes.store_int8(out);
  return static_cast<std::int32_t>(sum(to_float(codes)));
}

static void quantize_f32(const float* x, std::uint32_t k, void* out, std::size_t) {
  std::memcpy(out, x, std::size_t{k} * 4);
  std::memset(static_cast<float*>(out) + k, 0,
              activation_row_bytes(Activation::f32, k) - std::size_t{k} * 4);
}

static void quantize_bf16(const float* x, std::uint32_t k, void* out, std::size_t) {
  auto* y = static_cast<std::uint16_t*>(out);
  std::uint32_t i = 0;
  for (; k - i >= 16; i += 16) F32x16::load(x + i).store_bfloat(y + i);
  if (i < k) F32x16::load_partial(x + i, k - i).store_bfloat_partial(y + i, k - i);
  std::memset(y + k, 0, activation_row_bytes(Activation::bf16, k) - std::size_t{k} * 2);
}

static INLAY_FORCE_INLINE void quantize_block32(const float* x, Q8x32Group& group,
                                                std::uint32_t b) {
  const F32x16 v[2] = {F32x16::load(x), F32x16::load(x + 16)};
  const BlockScale s = scale_of(v);
  group.scale[b] = s.scale;
  group.sum[b] = group.first[b] = 0;
  if (s.inverse == 0.0f) {
    std::memset(group.q[b], 0, 32);
    return;
  }
  const std::int32_t first = put_codes(v[0], s.inverse, group.q[b]);
  const std::int32_t second = put_codes(v[1], s.inverse, group.q[b] + 16);
  group.first[b] = static_cast<std::int16_t>(first);
  group.sum[b] = static_cast<std::int16_t>(first + second);
}

// k is a multiple of 32.
static void quantize_q8_32(const float* x, std::uint32_t k, void* out, std::size_t stride) {
  const auto group_of = [&](std::uint32_t b) -> Q8x32Group& {
    return *reinterpret_cast<Q8x32Group*>(static_cast<std::byte*>(out) + b / 8 * stride);
  };
  const std::uint32_t blocks = k / 32;
  for (std::uint32_t b = 0; b < blocks; ++b) quantize_block32(x + b * 32, group_of(b), b % 8);
  for (std::uint32_t b = blocks; b % 8 != 0; ++b) {
    Q8x32Group& group = group_of(b);
    std::memset(group.q[b % 8], 0, 32);
    group.scale[b % 8] = 0.0f;
    group.sum[b % 8] = group.first[b % 8] = 0;
  }
}

static INLAY_FORCE_INLINE void quantize_block256(const float* x, Q8x256Block& block) {
  std::memset(&block, 0, sizeof block);
  F32x16 v[16];
  for (int i = 0; i < 16; ++i) v[i] = F32x16::load(x + 16 * i);
  const BlockScale s = scale_of(v);
  block.scale = s.scale;
  if (s.inverse == 0.0f) return;
  std::int32_t sums[16];
  for (std::uint32_t i = 0; i < 16; ++i) {
    sums[i] = put_codes(v[i], s.inverse, block.q + 16 * i);
    block.sum16[sum_place(i)] = static_cast<std::int16_t>(sums[i]);
  }
  for (std::uint32_t i = 0; i < 8; ++i) {
    block.sum32[sum_place(i)] = static_cast<std::int16_t>(sums[2 * i] + sums[2 * i + 1]);
  }
}

// k is a multiple of 256.
static void quantize_q8_256(const float* x, std::uint32_t k, void* out, std::size_t stride) {
  for (std::uint32_t b = 0; b < k / 256; ++b) {
    auto* block = static_cast<std::byte*>(out) + b * stride;
    quantize_block256(x + std::size_t{b} * 256, *reinterpret_cast<Q8x256Block*>(block));
  }
}

}  // namespace inlay::INLAY_ISA
