// activation_kind.h - the activation functions of feed-forward layers.
#pragma once

#include <cstdint>

namespace inlay {

enum class Act : std::uint8_t {
  silu,          // x / (1 + e^-x), also called swish
  gelu,          // x/2 (1 + erf(x / sqrt 2))
  gelu_tanh,     // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  gelu_quick,    // x / (1 + e^(-1.702 x))
  relu,          // max(x, 0)
  relu_squared,  // max(x, 0)^2
  sigmoid,       // 1 / (1 + e^-x)
  tanh,
};
inline constexpr std::uint32_t act_count = 8;

}  // namespace inlay
