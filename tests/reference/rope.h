// rope.h - rotary position embedding in double precision, pair by pair as rotations of the plane.
#pragma once

#include <Eigen/Geometry>

#include "base/rope.h"

namespace inlay::reference {

// One head (head_size), angles (pairs) -> (head_size); lengths grow by `scale`.
inline Eigen::VectorXd rope(Eigen::VectorXd head, const Eigen::VectorXd& angles, double scale,
                            RopePairs order) {
  const Eigen::Index pairs = angles.size();
  for (Eigen::Index i = 0; i < pairs; ++i) {
    const Eigen::Index a = order == RopePairs::halves ? i : 2 * i;
    const Eigen::Index b = order == RopePairs::halves ? i + pairs : 2 * i + 1;
    const Eigen::Vector2d turned =
        Eigen::Rotation2Dd(angles[i]) * Eigen::Vector2d(head[a], head[b]) * scale;
    head[a] = turned[0];
    head[b] = turned[1];
  }
  return head;
}

}  // namespace inlay::reference
