// attention_problems.h - problems for the tests of attention: shapes, cells in pages, and what is
// computed over them.
#pragma once

#include "reference/attention.h"

#include <limits>

#include "kernels/cell_rows.h"
#include "kernels/units.h"

namespace inlay::test {

inline constexpr std::uint32_t page_tokens = 64;

// The first row sees the cells [first, length), every other row one more at either end; with a
// first of 0 the window is open.
struct Shape {
  std::uint32_t group, head_k, head_v, kv_heads, first, length, rows = 1;

  std::uint32_t cells() const { return length + rows - 1; }
  std::uint32_t window() const { return first == 0 ? whole_window : length - first; }
  std::uint32_t first_of(std::uint32_t row) const { return first == 0 ? 0 : first + row; }
  std::uint32_t queries() const { return rows * group; }
};
inline constexpr Shape shapes[] = {
    {1, 16, 16, 1, 0, 1},         {1, 64, 64, 2, 0, 63},       {4, 64, 64, 2, 0, 64},
    {3, 64, 64, 3, 0, 65},        {7, 80, 80, 1, 0, 200},      {4, 128, 128, 2, 0, 257},
    {2, 20, 36, 2, 0, 70},        {5, 7, 9, 1, 0, 130},        {4, 192, 128, 1, 0, 129},
    {4, 64, 64, 2, 100, 300},     {2, 48, 48, 1, 64, 128},     {1, 64, 64, 1, 127, 128},
    {8, 100, 100, 1, 37, 190},    {3, 32, 32, 1, 5, 5},        {4, 64, 64, 2, 0, 60, 16},
    {1, 64, 64, 1, 0, 1, 70},     {7, 64, 64, 1, 0, 120, 9},   {3, 20, 36, 1, 0, 62, 5},
    {2, 80, 72, 2, 100, 190, 12}, {5, 48, 16, 1, 10, 12, 20},  {1, 32, 32, 1, 0, 63, 3},
    {2, 16, 100, 1, 127, 128, 3}, {16, 128, 64, 1, 0, 129, 2}, {1, 64, 80, 1, 200, 264, 40},
    {3, 48, 32, 1, 0, 1, 2},      {1, 7, 130, 1, 60, 70, 6},
};

// What keys and values are made of.
struct Cells {
  CellType keys, values;
};
constexpr Cells same(CellType type) { return {type, type}; }

// Keys or values of one head in pages [token][head], as the cache has them: other heads, cells
// before the window and cells behind the end are NaN, so that reading one shows. So does it for
// the codes of a last block beyond the head.
struct Pages {
  std::vector<Bytes> memory;
  std::vector<const void*> pointers;
  std::size_t stride;

  Pages(CellType type, const Floats& rows, std::uint32_t head, const Shape& shape)
      : stride(shape.kv_heads * cell_row_bytes(type, head)) {
    for (std::uint32_t cell = 0; cell < shape.cells(); cell += page_tokens) {
      memory.emplace_back(page_tokens * stride, std::uint8_t{0xff});
    }
    const std::size_t offset = (shape.kv_heads - 1) * cell_row_bytes(type, head);
    for (std::uint32_t cell = shape.first; cell < shape.cells(); ++cell) {
      Bytes row = encode_cell(type, rows.data() + std::size_t{cell} * head, head);
      spoil_tail(type, row, head);
      std::uint8_t* page = memory[cell / page_tokens].data();
      std::memcpy(page + cell % page_tokens * stride + offset, row.data(), row.size());
    }
    for (const auto& page : memory) pointers.push_back(page.data() + offset);
  }
};

// The floats that the cells of these rows stand for.
inline Floats through_cells(CellType type, const Floats& rows, std::uint32_t width) {
  Floats values;
  for (std::size_t at = 0; at < rows.size(); at += width) {
    const Floats row = decode_cell(type, encode_cell(type, rows.data() + at, width), width);
    values.insert(values.end(), row.begin(), row.end());
  }
  return values;
}

struct Problem {
  Shape shape;
  Floats q, k, v, slopes;
  float scale;
};

inline Problem make_problem(std::mt19937& random, const Shape& s, bool alibi, bool wild) {
  const auto row = [&](std::size_t n) {
    return wild ? wild_row(random, n, 12) : normal_row(random, n);
  };
  Problem p{s,
            row(s.queries() * s.head_k),
            row(s.cells() * s.head_k),
            row(s.cells() * s.head_v),
            {},
            1.0f / std::sqrt(static_cast<float>(s.head_k))};
  for (std::uint32_t h = 0; alibi && h < s.group; ++h) p.slopes.push_back(std::exp2(-1.0f - h));
  return p;
}

// Some query heads of some rows of a problem.
struct Part {
  std::uint32_t row, rows, head, heads;
};
inline Part whole(const Shape& s) { return {0, s.rows, 0, s.group}; }

// out: (rows, heads, head_v).
inline void run(const FloatKernels& f, Cells cells, const Problem& p, const Pages& keys,
                const Pages& values, const Part& part, Floats& out) {
  const Shape& s = p.shape;
  Floats scratch(attention_scratch(part.rows * part.heads, s.head_k, s.head_v, page_tokens),
                 std::numeric_limits<float>::quiet_NaN());
  AttentionTask task{};
  task.q = p.q.data() + (std::size_t{part.row} * s.group + part.head) * s.head_k;
  task.q_row_stride = std::size_t{s.group} * s.head_k;
  task.q_stride = s.head_k;
  task.rows = part.rows;
  task.group = part.heads;
  task.head_k = s.head_k;
  task.head_v = s.head_v;
  task.k_pages = keys.pointers.data();
  task.v_pages = values.pointers.data();
  task.k_stride = keys.stride;
  task.v_stride = values.stride;
  task.page_tokens = page_tokens;
  task.length = s.length + part.row;
  task.window = s.window();
  task.scale = p.scale;
  task.slopes = p.slopes.empty() ? nullptr : p.slopes.data() + part.head;
  task.out = out.data();
  task.out_row_stride = std::size_t{part.heads} * s.head_v;
  task.out_stride = s.head_v;
  task.scratch = scratch.data();
  f.attention(cells.keys, cells.values, task);
}

inline Floats attend(const FloatKernels& f, Cells cells, const Problem& p, const Part& part) {
  const Shape& s = p.shape;
  const Pages keys(cells.keys, p.k, s.head_k, s), values(cells.values, p.v, s.head_v, s);
  Floats out(std::size_t{part.rows} * part.heads * s.head_v, 7.0f);
  run(f, cells, p, keys, values, part, out);
  return out;
}

inline Floats attend(const FloatKernels& f, Cells cells, const Problem& p) {
  return attend(f, cells, p, whole(p.shape));
}

// The rows one after the other, some of them at once.
inline Floats attend_by(const FloatKernels& f, Cells cells, const Problem& p, std::uint32_t step) {
  Floats all;
  for (std::uint32_t row = 0; row < p.shape.rows; row += step) {
    const std::uint32_t rows = std::min(step, p.shape.rows - row);
    const Floats some = attend(f, cells, p, {row, rows, 0, p.shape.group});
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The cells of a cache that a row sees, in double, through the type of its cells.
inline Matrix visible(const Floats& values, std::uint32_t width, const Shape& s,
                      std::uint32_t row) {
  const std::uint32_t first = s.first_of(row);
  Matrix m(s.length + row - first, width);
  for (Eigen::Index i = 0; i < m.rows(); ++i) {
    for (Eigen::Index d = 0; d < m.cols(); ++d) {
      m(i, d) = values[(first + static_cast<std::size_t>(i)) * width + static_cast<std::size_t>(d)];
    }
  }
  return m;
}

// q: (group, head_k) and out: (group, head_v) of the row.
inline void check_row(const Problem& p, const Floats& k, const Floats& v, std::uint32_t row,
                      const float* query, const float* out) {
  const Shape& s = p.shape;
  const Matrix keys = visible(k, s.head_k, s, row), values = visible(v, s.head_v, s, row);
  const double pages = std::ceil((s.length + row) / double{page_tokens});
  for (std::uint32_t h = 0; h < s.group; ++h) {
    const Eigen::VectorXd q =
        Eigen::Map<const Eigen::VectorXf>(query + h * s.head_k, s.head_k).cast<double>();
    Eigen::VectorXd bias = Eigen::VectorXd::Zero(keys.rows());
    for (Eigen::Index j = 0; !p.slopes.empty() && j < bias.size(); ++j) {
      bias[j] = p.slopes[h] * (static_cast<double>(j) - (static_cast<double>(bias.size()) - 1.0));
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
        Eigen::Map<const Eigen::VectorXf>(out + h * s.head_v, s.head_v).cast<double>();
    REQUIRE(((got - wanted).cwiseAbs() - bound).maxCoeff() <= 0.0);
  }
}

inline void check_bound(const FloatKernels& f, Cells cells, const Problem& p) {
  const Shape& s = p.shape;
  const Floats out = attend(f, cells, p);
  const Floats k = through_cells(cells.keys, p.k, s.head_k);
  const Floats v = through_cells(cells.values, p.v, s.head_v);
  for (std::uint32_t row = 0; row < s.rows; ++row) {
    INFO("row " << row);
    check_row(p, k, v, row, p.q.data() + std::size_t{row} * s.group * s.head_k,
              out.data() + std::size_t{row} * s.group * s.head_v);
  }
}

// Calls check(problem, cells) for problems of all shapes; all pairs of types have their turns.
template <class Check>
inline void for_problems(std::mt19937& random, bool with_wild, Check check) {
  std::uint32_t turn = 0;
  for (const Shape& s : shapes) {
    for (const bool alibi : {false, true}) {
      for (const bool wild : {false, true}) {
        if (wild && !with_wild) continue;
        const Problem p = make_problem(random, s, alibi, wild);
        ++turn;
        for (std::uint32_t k = 0; k < cell_type_count; ++k) {
          const Cells cells{cell_types[k], cell_types[(k + turn) % cell_type_count]};
          INFO("group " << s.group << ", heads " << s.head_k << " and " << s.head_v << ", cells "
                        << s.first << " to " << s.length << ", rows " << s.rows << ", alibi "
                        << alibi << ", wild " << wild << ", keys " << cell_name(cells.keys)
                        << ", values " << cell_name(cells.values));
          check(p, cells);
        }
      }
    }
  }
}

}  // namespace inlay::test
