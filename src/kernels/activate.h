// activate.h - activation functions, alone and as the gate of a gated feed-forward layer.
#pragma once

#include "base/activation_kind.h"
#include "base/math.h"
#include "kernels/chunks.h"

namespace inlay::INLAY_ISA {

// x / (1 + e^-t)
static INLAY_FORCE_INLINE F32x16 times_sigmoid(F32x16 x, F32x16 t) {
  return x / (math::exp_of(-t) + F32x16::broadcast(1.0f));
}

template <Act act>
static INLAY_FORCE_INLINE F32x16 act_of(F32x16 x) {
  const F32x16 one = F32x16::broadcast(1.0f);
  if constexpr (act == Act::silu) return times_sigmoid(x, x);
  if constexpr (act == Act::gelu) {
    const F32x16 e = math::erf_of(x * F32x16::broadcast(0x1.6a09e6p-1f));  // sqrt(1/2)
    return x * F32x16::broadcast(0.5f) * (e + one);
  }
  if constexpr (act == Act::gelu_tanh) {
    // (1 + tanh u) / 2 = 1 / (1 + e^-2u), 2u = x (c + 0.044715 c x^2), c = 2 sqrt(2/pi)
    const F32x16 c = F32x16::broadcast(0x1.988454p+0f);
    return times_sigmoid(x, x * fma(x * x, F32x16::broadcast(0x1.2444f2p-4f), c));
  }
  if constexpr (act == Act::gelu_quick) return times_sigmoid(x, x * F32x16::broadcast(1.702f));
  if constexpr (act == Act::relu) return max(F32x16::zero(), x);
  if constexpr (act == Act::relu_squared) {
    const F32x16 r = max(F32x16::zero(), x);
    return r * r;
  }
  if constexpr (act == Act::sigmoid) return times_sigmoid(one, x);
  if constexpr (act == Act::tanh) return math::tanh_of(x);
}

// A call per sixteen elements, so that the polynomials are in the unit once. Lanes go through
// memory.
using ActFunction = void (*)(F32x16& v);
template <Act act>
static void act_in_place(F32x16& v) {
  v = act_of<act>(v);
}
static ActFunction act_function(Act act) {
  switch (act) {
    case Act::silu: return act_in_place<Act::silu>;
    case Act::gelu: return act_in_place<Act::gelu>;
    case Act::gelu_tanh: return act_in_place<Act::gelu_tanh>;
    case Act::gelu_quick: return act_in_place<Act::gelu_quick>;
    case Act::relu: return act_in_place<Act::relu>;
    case Act::relu_squared: return act_in_place<Act::relu_squared>;
    case Act::sigmoid: return act_in_place<Act::sigmoid>;
    case Act::tanh: break;
  }
  return act_in_place<Act::tanh>;
}

static void activate(Act act, const float* x, std::uint32_t n, float* y) {
  const ActFunction f = act_function(act);
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    F32x16 v = chunk.load(x + i);
    f(v);
    chunk.store(v, y + i);
  });
}

static void gate(Act act, const float* g, const float* u, std::uint32_t n, float* y) {
  const ActFunction f = act_function(act);
  for_chunks(n, [&](std::uint32_t i, auto chunk) {
    F32x16 v = chunk.load(g + i);
    f(v);
    chunk.store(v * chunk.load(u + i), y + i);
  });
}

}  // namespace inlay::INLAY_ISA
