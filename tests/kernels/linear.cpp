// linear.cpp - matrix products: every unit gives the scalar unit's bits, and the scalar unit the
// oracle's value within the derived bound.
#include <bit>

#include "quant/interleave.h"
#include "reference/linear.h"
#include "support/catch.h"

using namespace inlay;
using namespace inlay::test;

namespace {

constexpr std::uint32_t most_rows = 33, most_tokens = 17;
// Where units that take many tokens at once have their ends.
constexpr std::uint32_t many_tokens[] = {10, 31, 48, 65, 257};

std::vector<std::uint32_t> lengths(Type type) {
  switch (type_info(type)->block_elements) {
    case 32: return {32, 64, 256, 288, 1056};
    case 64: return {64, 192, 256, 320, 1088};
    case 128: return {128, 256, 384, 1152};
    case 256: return {256, 512, 1280};
    default: return {1, 2, 15, 16, 17, 31, 32, 33, 63, 100, 256, 1001};
  }
}

enum class Fill { ordinary, random_bytes, ones, zeros, extreme, tiny_scales };
constexpr Fill fills[] = {Fill::ordinary, Fill::random_bytes, Fill::ones,
                          Fill::zeros,    Fill::extreme,      Fill::tiny_scales};

// Byte offsets of the half scales in a block.
std::vector<std::size_t> scale_offsets(Type type) {
  switch (type) {
    case Type::Q4_1:
    case Type::Q5_1:
    case Type::Q4_K:
    case Type::Q5_K: return {0, 2};
    case Type::Q2_K: return {80, 82};
    case Type::Q3_K: return {108};
    case Type::Q6_K: return {208};
    case Type::TQ1_0: return {52};
    case Type::TQ2_0: return {64};
    case Type::IQ1_M:
    case Type::MXFP4:
    case Type::NVFP4: return {};
    default: return {0};
  }
}

// Writes one of `halves` as every scale, or what is like it in types with scales of another form.
void put_scales(Type type, std::uint8_t* weights, std::size_t size, std::mt19937& random,
                const std::vector<std::uint16_t>& halves) {
  for (std::size_t block = 0; block < size; block += type_info(type)->block_bytes) {
    std::uint8_t* b = weights + block;
    const auto half = [&] { return halves[random() % halves.size()]; };
    for (const std::size_t at : scale_offsets(type)) {
      const std::uint16_t value = half();
      std::memcpy(b + at, &value, 2);
    }
    if (type == Type::IQ1_M) {  // the upper four bits of four words
      const std::uint16_t value = half();
      for (int i = 0; i < 4; ++i) {
        b[49 + 2 * i] =
            static_cast<std::uint8_t>((b[49 + 2 * i] & 15) | (value >> 4 * i & 15) << 4);
      }
    }
    if (type == Type::MXFP4) b[0] = static_cast<std::uint8_t>(127 - 15 + (half() >> 10 & 31));
    for (int i = 0; type == Type::NVFP4 && i < 4; ++i)
      b[i] = static_cast<std::uint8_t>(half() >> 8 & 0x7e);
  }
}

void fill_weights(Type type, Fill fill, std::uint8_t* w, std::uint32_t rows, std::uint32_t k,
                  std::mt19937& random) {
  const std::size_t row_bytes = weight_row_bytes(type, k), size = row_bytes * rows;
  const bool blocks = type_info(type)->block_elements > 1;
  std::normal_distribution<float> normal;
  if (fill == Fill::ordinary || (!blocks && fill != Fill::zeros)) {
    std::vector<float> row(k);
    for (std::uint32_t r = 0; r < rows; ++r) {
      for (float& v : row) v = normal(random) * (fill == Fill::tiny_scales ? 1e-39f : 0.1f);
      REQUIRE((encode_row(type, row.data(), nullptr, k, w + r * row_bytes) || !has_encoder(type)));
      if (!has_encoder(type)) {
        for (std::size_t i = 0; i < row_bytes; ++i) w[r * row_bytes + i] = std::uint8_t(random());
      }
    }
    return;
  }
  constexpr std::uint8_t patterns[] = {0x80, 0x7f, 0xff, 0x81};
  for (std::size_t i = 0; i < size; ++i) {
    w[i] = fill == Fill::zeros     ? 0
           : fill == Fill::ones    ? 0xff
           : fill == Fill::extreme ? patterns[i / row_bytes % 4]
                                   : static_cast<std::uint8_t>(random());
  }
  if (fill == Fill::random_bytes)
    put_scales(type, w, size, random, {0x2c00, 0xa866, 0x3c00, 0x1401});
  if (fill == Fill::ones) put_scales(type, w, size, random, {0x3c00});
  if (fill == Fill::extreme) put_scales(type, w, size, random, {0x7bff, 0xfbff, 0x0000, 0x8000});
  if (fill == Fill::tiny_scales)
    put_scales(type, w, size, random, {0x0001, 0x8001, 0x03ff, 0x0400});
}

// Rows of different nature: normal, all at the limit, with zero blocks, tiny, huge, denormal,
// spiked.
std::vector<float> make_x(std::uint32_t k, std::uint32_t tokens, std::mt19937& random) {
  std::vector<float> x(std::size_t{k} * tokens);
  std::normal_distribution<float> normal;
  for (std::uint32_t t = 0; t < tokens; ++t) {
    for (std::uint32_t i = 0; i < k; ++i) {
      float v = normal(random);
      switch (t % 8) {
        case 1: v = (random() & 1) ? 3.0f : -3.0f; break;
        case 2: v = i / 32 % 3 ? 0.0f : v; break;
        case 3: v *= 1e-30f; break;
        case 4: v *= 1e30f; break;
        case 5: v *= i % 64 < 32 ? 1e-39f : 1e-20f; break;
        case 6: v *= i % 37 == 5 ? 1000.0f : 1.0f; break;
        default: break;
      }
      x[std::size_t{t} * k + i] = v;
    }
  }
  return x;
}

bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

// One matrix with its activations, and the scalar unit's answer for all of it.
struct Problem {
  Type type;
  std::uint32_t k, rows, tokens;
  std::size_t row_bytes;
  GuardedBytes weights;
  std::vector<float> x, bias, add;

  Problem(Type kind, Fill fill, std::uint32_t length, std::uint32_t row_count,
          std::uint32_t token_count, std::mt19937& random)
      : type(kind),
        k(length),
        rows(row_count),
        tokens(token_count),
        row_bytes(weight_row_bytes(kind, length)),
        weights(row_bytes * row_count),
        x(make_x(length, token_count, random)),
        bias(row_count),
        add(std::size_t{row_count} * token_count) {
    fill_weights(type, fill, weights.data(), rows, k, random);
    std::normal_distribution<float> normal;
    for (float& v : bias) v = normal(random);
    for (float& v : add) v = normal(random);
  }

  LinearTask task(Activations& form, std::uint32_t first_token, std::uint32_t count,
                  float* y) const {
    LinearTask task{};
    task.weights = weights.data();
    task.row_bytes = row_bytes;
    task.x = form.row(first_token);
    task.x_stride = form.stride();
    task.y = y;
    task.y_stride = rows;
    task.k = k;
    task.row_end = rows;
    task.tokens = count;
    return task;
  }
  void (*kernel(const KernelTable& unit) const)(const LinearTask&) {
    return unit.linear[type_index(type)];
  }
  std::vector<float> whole(const KernelTable& unit) const {
    Activations form(unit, type, x, k);
    std::vector<float> y(std::size_t{rows} * tokens);
    kernel(unit)(task(form, 0, tokens, y.data()));
    return y;
  }
};

std::size_t count_different(const std::vector<float>& a, const std::vector<float>& b) {
  std::size_t different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) different += same(a[i], b[i]) ? 0 : 1;
  return different;
}

}  // namespace

TEST_CASE("linear: every unit gives the scalar unit's bits") {
  const FlushDenormals flushed;
  std::mt19937 random(1);
  const KernelTable& scalar = *isa_kernels("scalar");
  for (const Type type : all_types()) {
    for (const std::uint32_t k : lengths(type)) {
      for (const Fill fill : fills) {
        const Problem p(type, fill, k, most_rows, most_tokens, random);
        const std::vector<float> expected = p.whole(scalar);
        for (const KernelTable* unit : usable_tables()) {
          INFO(type_info(type)->name << " k " << k << " fill " << int(fill) << " " << unit->name);
          REQUIRE(count_different(p.whole(*unit), expected) == 0);
        }
      }
    }
  }
}

TEST_CASE("linear: many tokens give the scalar unit's bits") {
  const FlushDenormals flushed;
  std::mt19937 random(3);
  for (const Type type : all_types()) {
    const std::uint32_t k =
        type_info(type)->block_elements == 1 ? 40 : 256 + type_info(type)->block_elements;
    const Problem p(type, Fill::random_bytes, k, 17, 257, random);
    const std::vector<float> expected = p.whole(*isa_kernels("scalar"));
    for (const KernelTable* unit : usable_tables()) {
      Activations form(*unit, type, p.x, k);
      for (const std::uint32_t tokens : many_tokens) {
        const std::uint32_t first = random() % (257 - tokens + 1);
        std::vector<float> y(std::size_t{17} * tokens);
        p.kernel (*unit)(p.task(form, first, tokens, y.data()));
        const auto* begin = expected.data() + first * 17;
        INFO(type_info(type)->name << " " << unit->name << " tokens " << tokens);
        REQUIRE(count_different(y, {begin, begin + y.size()}) == 0);
      }
    }
  }
}

TEST_CASE("linear: any rows and tokens of a call give the same bits") {
  const FlushDenormals flushed;
  std::mt19937 random(2);
  constexpr std::uint32_t row_splits[][2] = {{0, 1},  {0, 2},   {3, 18},  {1, 17},
                                             {0, 17}, {16, 33}, {32, 33}, {0, 33}};
  for (const Type type : all_types()) {
    const std::uint32_t k = type_info(type)->block_elements == 1 ? 77 : 768;
    const Problem p(type, Fill::random_bytes, k, most_rows, most_tokens, random);
    const std::vector<float> expected = p.whole(*isa_kernels("scalar"));
    for (const KernelTable* unit : usable_tables()) {
      Activations form(*unit, type, p.x, k);
      for (const auto& split : row_splits) {
        for (const std::uint32_t tokens : {1, 2, 3, 4, 5, 8, 9, 16, 17}) {
          const std::uint32_t first = random() % (most_tokens - tokens + 1);
          std::vector<float> y(std::size_t{most_rows} * tokens, -7.0f);
          LinearTask task = p.task(form, first, tokens, y.data());
          task.row_begin = split[0];
          task.row_end = split[1];
          p.kernel (*unit)(task);
          std::size_t wrong = 0;
          for (std::uint32_t t = 0; t < tokens; ++t) {
            for (std::uint32_t r = 0; r < most_rows; ++r) {
              const bool inside = r >= split[0] && r < split[1];
              const float want = inside ? expected[(first + t) * most_rows + r] : -7.0f;
              wrong += same(y[t * most_rows + r], want) ? 0 : 1;
            }
          }
          INFO(type_info(type)->name << " " << unit->name << " rows " << split[0] << ".."
                                     << split[1] << " tokens " << tokens);
          REQUIRE(wrong == 0);
        }
      }
    }
  }
}

TEST_CASE("linear: more tokens than one panel serves") {
  const FlushDenormals flushed;
  std::mt19937 random(3);
  for (const Type type : {Type::Q8_0, Type::Q4_K, Type::F16}) {
    const Problem p(type, Fill::ordinary, 256, 5, 131, random);
    const std::vector<float> expected = p.whole(*isa_kernels("scalar"));
    for (const KernelTable* unit : usable_tables()) {
      INFO(type_info(type)->name << " " << unit->name);
      REQUIRE(count_different(p.whole(*unit), expected) == 0);
    }
  }
}

TEST_CASE("linear: float weights for many tokens, in blocks that end anywhere") {
  const FlushDenormals flushed;
  std::mt19937 random(8);
  for (const Type type : all_types()) {
    if (type_info(type)->block_elements > 1) continue;
    for (const std::uint32_t k : {1, 31, 512, 1024, 1065}) {
      for (const std::uint32_t tokens : {15, 16, 31, 32, 33, 47, 64, 66}) {
        const std::uint32_t rows = 1 + random() % 19;
        const Problem p(type, Fill::ordinary, k, rows, tokens, random);
        const std::vector<float> expected = p.whole(*isa_kernels("scalar"));
        for (const KernelTable* unit : usable_tables()) {
          Activations form(*unit, type, p.x, k);
          if (activation_of(type) == Activation::f32) {  // what lies beyond k is anybody's
            for (std::uint32_t t = 0; t < tokens; ++t) {
              std::memset(form.row(t) + k * 4, 0xff, form.stride() - k * 4);
            }
          }
          std::vector<float> y(std::size_t{rows} * tokens);
          p.kernel (*unit)(p.task(form, 0, tokens, y.data()));
          INFO(type_info(type)->name << " k " << k << " rows " << rows << " tokens " << tokens
                                     << " " << unit->name);
          REQUIRE(count_different(y, expected) == 0);
        }
      }
    }
  }
}

TEST_CASE("linear: bias and residual are one addition each, also in place") {
  const FlushDenormals flushed;
  std::mt19937 random(4);
  for (const Type type : all_types()) {
    const Problem p(type, Fill::ordinary, 256, 19, 9, random);
    for (const KernelTable* unit : usable_tables()) {
      const std::vector<float> dots = p.whole(*unit);
      Activations form(*unit, type, p.x, p.k);
      for (const int what : {1, 2, 3, 7}) {  // bias, residual, both, both with y = residual
        std::vector<float> y = p.add, expected = dots;
        LinearTask task = p.task(form, 0, p.tokens, y.data());
        if (what & 1) task.bias = p.bias.data();
        if (what & 2) task.add = what & 4 ? y.data() : p.add.data();
        task.add_stride = p.rows;
        for (std::size_t i = 0; i < expected.size(); ++i) {
          if (what & 1) expected[i] = p.bias[i % p.rows] + expected[i];
          if (what & 2) expected[i] = p.add[i] + expected[i];
        }
        p.kernel (*unit)(task);
        INFO(type_info(type)->name << " " << unit->name << " " << what);
        REQUIRE(count_different(y, expected) == 0);
      }
    }
  }
}

TEST_CASE("linear: interleaved rows give the bits of rows as stored") {
  const FlushDenormals flushed;
  std::mt19937 random(8);
  for (const Type type : all_types()) {
    if (!can_interleave(type)) continue;
    for (const std::uint32_t k : lengths(type)) {
      for (const Fill fill : {Fill::ordinary, Fill::random_bytes, Fill::extreme}) {
        const Problem p(type, fill, k, most_rows + 2 * 16, most_tokens, random);
        GuardedBytes interleaved(p.row_bytes * p.rows);
        std::memcpy(interleaved.data(), p.weights.data(), interleaved.size());
        for (std::uint32_t row = 0; row + 16 <= p.rows; row += 16) {
          interleave(type, p.weights.data() + row * p.row_bytes, p.row_bytes,
                     interleaved.data() + row * p.row_bytes);
        }
        const std::vector<float> expected = p.whole(*isa_kernels("scalar"));
        for (const KernelTable* unit : usable_tables()) {
          if (!unit->takes_interleaved) continue;
          Activations form(*unit, type, p.x, p.k);
          for (const std::uint32_t tokens : {1u, 5u, most_tokens}) {
            std::vector<float> y(std::size_t{p.rows} * tokens);
            LinearTask task = p.task(form, 0, tokens, y.data());
            task.weights = interleaved.data();
            task.interleaved = true;
            p.kernel (*unit)(task);
            INFO(type_info(type)->name << " k " << k << " fill " << int(fill) << " " << unit->name
                                       << " tokens " << tokens);
            REQUIRE(count_different(y, {expected.begin(), expected.begin() + y.size()}) == 0);
          }
        }
      }
    }
  }
}

TEST_CASE("linear: strides larger than the rows") {
  const FlushDenormals flushed;
  std::mt19937 random(5);
  for (const Type type : all_types()) {
    const Problem p(type, Fill::random_bytes, 256, 18, 3, random);
    const std::vector<float> expected = p.whole(*isa_kernels("scalar"));
    const std::size_t wide = p.row_bytes + 3;  // and so every alignment
    std::vector<std::uint8_t> spread(wide * p.rows);
    for (std::uint32_t r = 0; r < p.rows; ++r) {
      std::memcpy(spread.data() + r * wide, p.weights.data() + r * p.row_bytes, p.row_bytes);
    }
    for (const KernelTable* unit : usable_tables()) {
      Activations form(*unit, type, p.x, p.k);
      std::vector<float> y(std::size_t{100} * p.tokens);
      LinearTask task = p.task(form, 0, p.tokens, y.data());
      task.weights = spread.data();
      task.row_bytes = wide;
      task.y_stride = 100;
      p.kernel (*unit)(task);
      INFO(type_info(type)->name << " " << unit->name);
      for (std::uint32_t t = 0; t < p.tokens; ++t) {
        for (std::uint32_t r = 0; r < p.rows; ++r) {
          REQUIRE(same(y[t * 100 + r], expected[t * p.rows + r]));
        }
      }
    }
  }
}

TEST_CASE("linear: the scalar unit is within the bound of the oracle") {
  const FlushDenormals flushed;
  std::mt19937 random(6);
  constexpr std::uint32_t rows = 7, tokens = 4;
  const KernelTable& unit = *isa_kernels("scalar");
  for (const Type type : all_types()) {
    for (const std::uint32_t k : lengths(type)) {
      for (const Fill fill : {Fill::ordinary, Fill::random_bytes, Fill::ones}) {
        for (const bool exact : {false, true}) {
          Problem p(type, fill, k, rows, tokens, random);
          // Whole numbers with a 127 in every block of 32 are their own codes with scale 1.
          for (std::size_t i = 0; exact && i < p.x.size(); ++i) {
            p.x[i] = i % k % 32 == 7 ? 127.0f : static_cast<float>(int(random() % 255) - 127);
          }
          const std::vector<float> y = p.whole(unit);
          for (std::uint32_t r = 0; r < rows; ++r) {
            const ExactRow w = exact_row(type, p.weights.data() + r * p.row_bytes, k);
            for (std::uint32_t t = 0; t < tokens; ++t) {
              const Bounded want = reference_dot(type, w, p.x.data() + t * k, exact);
              INFO(type_info(type)->name << " k " << k << " fill " << int(fill) << " exact "
                                         << exact);
              REQUIRE(std::abs(y[t * rows + r] - want.value) <= want.bound);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("linear: what is not finite in the activations shows in the output of its token only") {
  const FlushDenormals flushed;
  std::mt19937 random(7);
  for (const Type type : all_types()) {
    Problem p(type, Fill::ordinary, 256, 3, 8, random);
    const std::vector<float> clean = p.whole(*isa_kernels("scalar"));
    p.x[5 * 256 + 100] = std::numeric_limits<float>::quiet_NaN();
    p.x[6 * 256 + 31] = -std::numeric_limits<float>::infinity();
    for (const KernelTable* unit : usable_tables()) {
      const std::vector<float> y = p.whole(*unit);
      for (std::uint32_t i = 0; i < y.size(); ++i) {
        INFO(type_info(type)->name << " " << unit->name << " " << i);
        if (i / 3 == 5 || i / 3 == 6) {
          REQUIRE(!std::isfinite(y[i]));
        } else {
          REQUIRE(same(y[i], clean[i]));
        }
      }
    }
  }
}
