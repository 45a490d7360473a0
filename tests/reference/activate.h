// activate.h - activation functions in double precision, by the formulas of their papers.
#pragma once

#include <cmath>

#include "base/activation_kind.h"

namespace inlay::reference {

inline double activate(Act act, double x) {
  switch (act) {
    case Act::silu: return x / (1 + std::exp(-x));
    case Act::gelu: return x / 2 * std::erfc(-x / std::sqrt(2.0));
    case Act::gelu_tanh: {
      const double u = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
      return x / (1 + std::exp(-2 * u));  // x/2 (1 + tanh u) without the cancellation
    }
    case Act::gelu_quick: return x / (1 + std::exp(-1.702 * x));
    case Act::relu: return x > 0 ? x : 0;
    case Act::relu_squared: return x > 0 ? x * x : 0;
    case Act::sigmoid: return 1 / (1 + std::exp(-x));
    case Act::tanh: return std::tanh(x);
  }
  return 0;
}

}  // namespace inlay::reference
