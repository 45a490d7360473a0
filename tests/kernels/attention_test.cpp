// attention_test.cpp - attention over pages: equal bits on every unit, for every group and window.

#include "reference/attention.h"

#include <limits>

#include "base/half.h"
#include "kernels/rows.h"
#include "kernels/units.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr std::uint32_t page_tokens = 64;

struct Shape {
  std::uint32_t group, head_k, head_v, kv_heads, first, length;
};
constexpr Shape shapes[] = {
    {1, 16, 16, 1, 0, 1},      {1, 64, 64, 2, 0, 63},   {4, 64, 64, 2, 0, 64},
    {3, 64, 64, 3, 0, 65},     {7, 80, 80, 1, 0, 200},  {4, 128, 128, 2, 0, 257},
    {2, 20, 36, 2, 0, 70},     {5, 7, 9, 1, 0, 130},    {4, 192, 128, 1, 0, 129},
    {4, 64, 64, 2, 100, 300},  {2, 48, 48, 1, 64, 128}, {1, 64, 64, 1, 127, 128},
    {8, 100, 100, 1, 37, 190}, {3, 32, 32, 1, 5, 5},
};

// Keys or values of one head in pages [token][head], as the cache has them: other heads, cells
// before the window and cells behind the end are NaN, so that reading one shows.
template <class Cell>
struct Pages {
  std::vector<std::vector<Cell>> memory;
  std::vector<const void*> pointers;
  std::size_t stride;

  Pages(const Floats& rows, std::uint32_t head, const Shape& shape)
      : stride(std::size_t{shape.kv_heads} * head) {
    constexpr Cell nan = sizeof(Cell) == 2 ? Cell(0x7e00) : Cell(__builtin_nanf(""));
    for (std::uint32_t cell = 0; cell < shape.length; cell += page_tokens) {
      memory.emplace_back(page_tokens * stride, nan);
    }
    const std::size_t offset = (shape.kv_heads - 1) * head;
    for (std::uint32_t cell = shape.first; cell < shape.length; ++cell) {
      Cell* out = memory[cell / page_tokens].data() + cell % page_tokens * stride + offset;
      for (std::uint32_t d = 0; d < head; ++d) out[d] = as_cell(rows[cell * head + d]);
    }
    for (const auto& page : memory) pointers.push_back(page.data() + offset);
  }

  static Cell as_cell(float x) {
    if constexpr (sizeof(Cell) == 2) {
      return float_to_half(x);
    } else {
      return x;
    }
  }
};

struct Problem {
  Shape shape;
  Floats q, k, v, slopes;
  float scale;
};

Problem make_problem(std::mt19937& random, const Shape& s, bool alibi, bool wild) {
  const auto row = [&](std::size_t n) {
    return wild ? wild_row(random, n, 12) : normal_row(random, n);
  };
  Problem p{s,
            row(s.group * s.head_k),
            row(s.length * s.head_k),
            row(s.length * s.head_v),
            {},
            1.0f / std::sqrt(static_cast<float>(s.head_k))};
  for (std::uint32_t h = 0; alibi && h < s.group; ++h) p.slopes.push_back(std::exp2(-1.0f - h));
  return p;
}

// Runs query heads [query, query + group) of the problem.
template <class Cell>
Floats attend(const FloatKernels& f, const Problem& p, std::uint32_t query, std::uint32_t group) {
  const Shape& s = p.shape;
  const Pages<Cell> keys(p.k, s.head_k, s), values(p.v, s.head_v, s);
  Floats out(std::size_t{group} * s.head_v, 7.0f);
  Floats scratch(attention_scratch(group, page_tokens), std::numeric_limits<float>::quiet_NaN());
  AttentionTask task{};
  task.q = p.q.data() + std::size_t{query} * s.head_k;
  task.q_stride = s.head_k;
  task.group = group;
  task.head_k = s.head_k;
  task.head_v = s.head_v;
  task.k_pages = keys.pointers.data();
  task.v_pages = values.pointers.data();
  task.k_stride = keys.stride;
  task.v_stride = values.stride;
  task.page_tokens = page_tokens;
  task.first = s.first;
  task.length = s.length;
  task.scale = p.scale;
  task.slopes = p.slopes.empty() ? nullptr : p.slopes.data() + query;
  task.out = out.data();
  task.out_stride = s.head_v;
  task.scratch = scratch.data();
  f.attention(sizeof(Cell) == 2 ? CellType::f16 : CellType::f32, task);
  return out;
}

template <class Cell>
Floats attend(const FloatKernels& f, const Problem& p) {
  return attend<Cell>(f, p, 0, p.shape.group);
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The visible rows of a cache in double, through the cell type.
template <class Cell>
Matrix visible(const Floats& rows, std::uint32_t width, const Shape& s) {
  Matrix m(s.length - s.first, width);
  for (Eigen::Index i = 0; i < m.rows(); ++i) {
    for (Eigen::Index d = 0; d < m.cols(); ++d) {
      const float x =
          rows[(s.first + static_cast<std::size_t>(i)) * width + static_cast<std::size_t>(d)];
      m(i, d) = sizeof(Cell) == 2 ? half_to_float(float_to_half(x)) : x;
    }
  }
  return m;
}

template <class Cell>
void check_bound(const FloatKernels& f, const Problem& p) {
  const Shape& s = p.shape;
  const Floats out = attend<Cell>(f, p);
  const Matrix keys = visible<Cell>(p.k, s.head_k, s), values = visible<Cell>(p.v, s.head_v, s);
  const double pages = std::ceil(s.length / double{page_tokens});
  for (std::uint32_t h = 0; h < s.group; ++h) {
    const Eigen::VectorXd q =
        Eigen::Map<const Eigen::VectorXf>(p.q.data() + h * s.head_k, s.head_k).cast<double>();
    Eigen::VectorXd bias = Eigen::VectorXd::Zero(keys.rows());
    for (Eigen::Index j = 0; !p.slopes.empty() && j < bias.size(); ++j) {
      bias[j] = p.slopes[h] * (s.first + static_cast<double>(j) - (s.length - 1.0));
    }
    const double scale = static_cast<double>(p.scale);
    const Eigen::VectorXd scores = scale * (keys * q) + bias;
    const Eigen::VectorXd weights = (scores.array() - scores.maxCoeff()).exp();
    const Eigen::VectorXd wanted = reference::attention(q, keys, values, bias, scale);
    // Error of a score: the dot in 16 lanes and a tree, scale, bias, and the difference to the
    // maximum.
    const Eigen::VectorXd sizes = scale * (keys.cwiseAbs() * q.cwiseAbs()) + bias.cwiseAbs();
    const double score_error =
        half_ulp * ((s.head_k / 16.0 + 6) * sizes.maxCoeff() + 4 * scores.cwiseAbs().maxCoeff());
    // A weight: that error twice (its own and the maximum's, once again per rescale), exp 2 each;
    // sums.
    const double relative = 2 * score_error + half_ulp * (2 + 5 * pages + 64 + 10);
    const Eigen::VectorXd bound =
        2 * relative * (values.cwiseAbs().transpose() * weights) / weights.sum();
    const Eigen::VectorXd got =
        Eigen::Map<const Eigen::VectorXf>(out.data() + h * s.head_v, s.head_v).cast<double>();
    REQUIRE(((got - wanted).cwiseAbs() - bound).maxCoeff() <= 0.0);
  }
}

}  // namespace

TEST_CASE("attention has the same bits on every unit") {
  std::mt19937 random(1);
  for_units([&](const FloatKernels& law, const FloatKernels& unit) {
    for (const Shape& s : shapes) {
      for (const bool alibi : {false, true}) {
        for (const bool wild : {false, true}) {
          INFO("group " << s.group << ", heads " << s.head_k << " and " << s.head_v << ", cells "
                        << s.first << " to " << s.length << ", alibi " << alibi << ", wild "
                        << wild);
          const Problem p = make_problem(random, s, alibi, wild);
          REQUIRE(first_difference(attend<float>(unit, p), attend<float>(law, p)) == "");
          REQUIRE(first_difference(attend<std::uint16_t>(unit, p), attend<std::uint16_t>(law, p)) ==
                  "");
        }
      }
    }
  });
}

TEST_CASE("attention of a head does not depend on the heads beside it") {
  std::mt19937 random(2);
  for (const Unit& unit : usable_units()) {
    INFO("unit " << unit.name);
    const Problem p = make_problem(random, {9, 64, 80, 2, 0, 150}, true, false);
    const Floats together = attend<std::uint16_t>(unit.f, p);
    Floats apart;
    std::uint32_t h = 0;
    for (const std::uint32_t group : {1u, 2u, 1u, 5u}) {
      const Floats part = attend<std::uint16_t>(unit.f, p, h, group);
      apart.insert(apart.end(), part.begin(), part.end());
      h += group;
    }
    REQUIRE(first_difference(together, apart) == "");
  }
}

TEST_CASE("attention is within its error bound of double precision") {
  std::mt19937 random(3);
  const FloatKernels f = usable_units().back().f;
  for (const Shape& s : shapes) {
    if (s.first == s.length) continue;
    for (const bool alibi : {false, true}) {
      INFO("group " << s.group << ", heads " << s.head_k << ", cells " << s.first << " to "
                    << s.length << ", alibi " << alibi);
      const Problem p = make_problem(random, s, alibi, false);
      check_bound<float>(f, p);
      check_bound<std::uint16_t>(f, p);
    }
  }
}

TEST_CASE("attention over no cell gives zeros") {
  std::mt19937 random(4);
  for (const Unit& unit : usable_units()) {
    const Problem p = make_problem(random, {2, 16, 16, 1, 0, 0}, false, false);
    REQUIRE(first_difference(attend<float>(unit.f, p), Floats(32, 0.0f)) == "");
  }
}

TEST_CASE("attention follows scores that are far apart") {
  // One key matches the query strongly, in the first, a middle or the last page: its value is the
  // answer.
  for (const Unit& unit : usable_units()) {
    INFO("unit " << unit.name);
    for (const std::uint32_t chosen : {0u, 70u, 199u}) {
      const Shape s{1, 16, 16, 1, 0, 200};
      Problem p{s, Floats(16, 10.0f), Floats(200 * 16, -1.0f), Floats(200 * 16, 0.0f), {}, 1.0f};
      for (std::uint32_t d = 0; d < 16; ++d) {
        p.k[chosen * 16 + d] = 1.0f;
        p.v[chosen * 16 + d] = 3.0f + static_cast<float>(d);
      }
      const Floats out = attend<float>(unit.f, p);
      for (std::uint32_t d = 0; d < 16; ++d) REQUIRE(out[d] == 3.0f + static_cast<float>(d));
    }
  }
}
