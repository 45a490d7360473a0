// attention.h - softmax(scale q K^T + bias) V in double precision, over whole matrices.
#pragma once

#include <Eigen/Core>

namespace inlay::reference {

// q (head_k), keys (cells, head_k), values (cells, head_v), bias (cells) -> (head_v)
inline Eigen::VectorXd attention(const Eigen::VectorXd& q, const Eigen::MatrixXd& keys,
                                 const Eigen::MatrixXd& values, const Eigen::VectorXd& bias,
                                 double scale) {
  const Eigen::VectorXd scores = scale * (keys * q) + bias;
  const Eigen::VectorXd weights = (scores.array() - scores.maxCoeff()).exp();
  return values.transpose() * weights / weights.sum();
}

}  // namespace inlay::reference
