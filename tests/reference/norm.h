// norm.h - RMSNorm and LayerNorm in double precision.
#pragma once

#include <Eigen/Core>

namespace inlay::reference {

using Row = Eigen::ArrayXd;

// (n), (n) -> (n)
inline Row rms_norm(const Row& x, const Row& weight, double eps) {
  return x / std::sqrt(x.square().mean() + eps) * weight;
}

inline Row layer_norm(const Row& x, const Row& weight, const Row& bias, double eps) {
  const Row centred = x - x.mean();
  return centred / std::sqrt(centred.square().mean() + eps) * weight + bias;
}

}  // namespace inlay::reference
