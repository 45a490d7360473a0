// cpu.cpp - from instructions to kernel calls: where a tile's rows and columns lie.
#include "backend/cpu/cpu.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked.h"
#include "base/math.h"
#include "base/rope.h"
#include "quant/dequantize.h"
#include "quant/interleave.h"

namespace inlay {
namespace {

constexpr std::uint32_t linear_tile_bytes = 64 * 1024;  // of weights
constexpr std::uint32_t linear_run_bytes = 512 * 1024;  // of weights, for one token
// Of attention: products of a tile, so that it stays short, and queries that share a page's floats.
constexpr std::uint64_t attention_tile_products = 6 << 20;
constexpr std::uint32_t attention_tile_queries = 64;
constexpr std::uint32_t row_tile_bytes = 16 * 1024;  // of activations
constexpr std::uint32_t row_group = 16;              // rows a linear kernel takes at once
constexpr std::uint32_t observe_columns = 256;       // of one tile, all tokens

// Slope of head h of n for a largest bias of b (Press et al. 2021): 2^(-b (h + 1) / m) for the
// first m heads, m the largest power of two in n; the others take every second slope of 2 m heads.
float alibi_slope(std::uint32_t h, std::uint32_t n, float bias) {
  const std::uint32_t m = std::bit_floor(n);
  const double step =
      h < m ? static_cast<double>(h + 1) / m : static_cast<double>(2 * (h - m) + 1) / (2.0 * m);
  return static_cast<float>(math::pow(2.0, -static_cast<double>(bias) * step));
}

std::uint32_t attention_tile_rows(std::uint32_t group) {
  return std::max(1u, attention_tile_queries / group);
}

// A value's rows in the arena.
struct RowsView {
  std::byte* base;
  std::size_t stride;  // bytes
  std::uint32_t width;
  std::uint32_t rows;
  float* row(std::uint32_t r) const { return reinterpret_cast<float*>(base + r * stride); }
  // Of a form that lies in blocks: the first block of row r, and bytes from one to the next.
  void* form_row(Activation form, std::uint32_t r) const {
    return base + r * (lies_in_blocks(form) ? activation_block_bytes : stride);
  }
  std::size_t form_stride(Activation form) const {
    return lies_in_blocks(form) ? rows * activation_block_bytes : stride;
  }
};

struct Range {
  std::uint32_t begin, end;
};

// One instruction of a pass with its operands resolved.
class Step {
 public:
  Step(const CpuPass& pass, std::uint32_t pc)
      : pass_(pass), program_(*pass.program), kernels_(*pass.kernels), code_(program_.code[pc]) {}

  std::uint32_t tiles() const;
  std::uint32_t run_length() const;
  void run(TileRange tiles, std::uint32_t worker) const;

 private:
  const ValueInfo& info(ValueId id) const { return program_.values[id]; }
  const StorageInfo& storage(ValueId id) const { return program_.storages[info(id).storage]; }
  std::uint32_t rows(ValueId id) const {
    return storage(id).rows == Rows::tokens ? pass_.batch.tokens : pass_.batch.wanted;
  }
  RowsView view(ValueId id) const {
    const ValueInfo& v = info(id);
    const StorageInfo& s = storage(id);
    std::byte* base = pass_.arena + pass_.offsets[v.storage] + v.column * sizeof(float);
    return {base, s.row_bytes, v.width, rows(id)};
  }
  const float* vector(WeightId id) const {
    return id == no_weight ? nullptr : static_cast<const float*>(pass_.weights[id].data);
  }
  // The value whose rows are split into tiles when the op works row by row.
  ValueId row_value() const { return code_.out != no_value ? code_.out : code_.a; }
  std::uint32_t rows_per_tile() const {
    return std::max(1u, row_tile_bytes / std::max(1u, storage(row_value()).row_bytes));
  }
  Range tile_rows(std::uint32_t tile) const {
    const std::uint32_t step = rows_per_tile();
    return {tile * step, std::min(rows(row_value()), (tile + 1) * step)};
  }
  std::uint32_t linear_step() const {
    const std::uint64_t row = std::max<std::uint64_t>(1, program_.weights[code_.weight].row_bytes);
    const std::uint64_t fit = std::max<std::uint64_t>(1, linear_tile_bytes / row / row_group);
    return static_cast<std::uint32_t>(fit) * row_group;
  }

  std::uint32_t token_tiles() const {
    return static_cast<std::uint32_t>(divide_up(rows(code_.out), kernels_.tokens));
  }

  Range attention_rows(std::uint32_t first) const;
  std::uint32_t attention_blocks() const;
  Range attention_block(std::uint32_t block) const;

  void embed(Range r, std::uint32_t worker) const;
  void rope_table(Range r, std::uint32_t worker) const;
  void rms_norm(Range r) const;
  void layer_norm(Range r) const;
  void quantize(Range r) const;
  void observe(std::uint32_t tile) const;
  void linear(TileRange tiles) const;
  void rope(Range r) const;
  void store_kv(Range r) const;
  void attention(std::uint32_t tile, std::uint32_t worker) const;
  void add(Range r) const;
  void activate(Range r) const;
  void gate(Range r) const;
  void take(Range r) const;

  void run(std::uint32_t tile, std::uint32_t worker) const;

  const CpuPass& pass_;
  const Program& program_;
  const KernelTable& kernels_;
  const Instruction& code_;
};

std::uint32_t Step::tiles() const {
  switch (code_.op) {
    case Op::linear:
      return static_cast<std::uint32_t>(divide_up(info(code_.out).width, linear_step())) *
             token_tiles();
    case Op::attention: return attention_blocks() * program_.kv_slots[code_.slot].kv_heads;
    case Op::observe:
      return static_cast<std::uint32_t>(divide_up(info(code_.a).width, observe_columns));
    default: return static_cast<std::uint32_t>(divide_up(rows(row_value()), rows_per_tile()));
  }
}

// Few tokens leave the weights no time: they stream through. 16 tokens take as long as reading.
std::uint32_t Step::run_length() const {
  if (code_.op != Op::linear) return 1;
  const std::uint64_t tile_bytes = linear_step() * program_.weights[code_.weight].row_bytes;
  const std::uint64_t bytes = std::max<std::uint64_t>(1, tile_bytes * (1 + rows(code_.out) / 16));
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(1, linear_run_bytes / bytes));
}

void Step::run(TileRange tiles, std::uint32_t worker) const {
  if (code_.op == Op::linear && token_tiles() == 1) return linear(tiles);
  for (std::uint32_t tile = tiles.begin; tile < tiles.end; ++tile) run(tile, worker);
}

void Step::run(std::uint32_t tile, std::uint32_t worker) const {
  switch (code_.op) {
    case Op::embed: return embed(tile_rows(tile), worker);
    case Op::rope_table: return rope_table(tile_rows(tile), worker);
    case Op::rms_norm: return rms_norm(tile_rows(tile));
    case Op::layer_norm: return layer_norm(tile_rows(tile));
    case Op::quantize: return quantize(tile_rows(tile));
    case Op::observe: return observe(tile);
    case Op::linear: return linear({tile, tile + 1});
    case Op::rope: return rope(tile_rows(tile));
    case Op::store_kv: return store_kv(tile_rows(tile));
    case Op::attention: return attention(tile, worker);
    case Op::add: return add(tile_rows(tile));
    case Op::activate: return activate(tile_rows(tile));
    case Op::gate: return gate(tile_rows(tile));
    case Op::take: return take(tile_rows(tile));
  }
}

void Step::embed(Range r, std::uint32_t worker) const {
  const WeightInfo& w = program_.weights[code_.weight];
  const WeightData& table = pass_.weights[code_.weight];
  const RowsView out = view(code_.out);
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    const auto id = static_cast<std::uint32_t>(pass_.batch.ids[t]);
    const std::byte* stored = static_cast<const std::byte*>(table.data) + id * w.row_bytes;
    if (table.interleaved) {
      std::byte* scratch = pass_.worker_scratch + worker * pass_.worker_bytes;
      take_row(w.type, table.data, w.rows, w.row_bytes, id, scratch);
      stored = scratch;
    }
    float* row = out.row(t);
    dequantize_row(w.type, stored, w.columns, row);
    if (table.scale == 1.0f) continue;
    for (std::uint32_t i = 0; i < w.columns; ++i) row[i] *= table.scale;
  }
}

// The frequencies theta_i = base^(-i / pairs) * position_scale [/ factor_i], as floats.
void Step::rope_table(Range r, std::uint32_t worker) const {
  const RowsView out = view(code_.out);
  auto* frequencies = reinterpret_cast<float*>(pass_.worker_scratch + worker * pass_.worker_bytes);
  const float* factors = vector(code_.weight);
  for (std::uint32_t i = 0; i < code_.n0; ++i) {
    const double exponent = -static_cast<double>(i) / code_.n0;
    const auto theta = static_cast<float>(math::pow(static_cast<double>(code_.f0), exponent));
    frequencies[i] = theta * code_.f1;
    if (factors) frequencies[i] /= factors[i];
  }
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    inlay::rope_table(static_cast<float>(pass_.batch.positions[t]), frequencies, code_.n0, 1.0f,
                      out.row(t));
  }
}

void Step::rms_norm(Range r) const {
  const RowsView x = view(code_.a), y = view(code_.out);
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    kernels_.f.rms_norm(x.row(t), vector(code_.weight), x.width, code_.f0, y.row(t));
  }
}

void Step::layer_norm(Range r) const {
  const RowsView x = view(code_.a), y = view(code_.out);
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    kernels_.f.layer_norm(x.row(t), vector(code_.weight), vector(code_.bias), x.width, code_.f0,
                          y.row(t));
  }
}

void Step::quantize(Range r) const {
  const RowsView x = view(code_.a), y = view(code_.out);
  const Activation form = info(code_.out).form;
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    kernels_.quantize[static_cast<std::uint32_t>(form)](x.row(t), x.width, y.form_row(form, t),
                                                        y.form_stride(form));
  }
}

// Tile = some columns of all rows, so that a sum has one order: that of the rows, also over passes.
// The square of a float is exact as a double.
void Step::observe(std::uint32_t tile) const {
  const RowsView x = view(code_.a);
  const Observed& observed = program_.observed[code_.slot];
  const std::uint32_t begin = tile * observe_columns;
  const std::uint32_t end = std::min(observed.columns, begin + observe_columns);
  const double* before = pass_.sums_before + observed.first;
  double* sums = pass_.sums + observed.first;
  for (std::uint32_t i = begin; i < end; ++i) sums[i] = before[i];
  for (std::uint32_t t = 0; t < rows(code_.a); ++t) {
    const float* row = x.row(t);
    for (std::uint32_t i = begin; i < end; ++i) sums[i] += double{row[i]} * row[i];
  }
}

// Tile = some rows of the weights and some tokens; tiles of the same rows follow each other.
// Several tiles are of all tokens.
void Step::linear(TileRange tiles) const {
  const WeightInfo& w = program_.weights[code_.weight];
  const RowsView x = view(code_.a), y = view(code_.out);
  const std::uint32_t first = tiles.begin % token_tiles() * kernels_.tokens;  // token
  LinearTask task{};
  const WeightData& weights = pass_.weights[code_.weight];
  const Activation form = info(code_.a).form;
  task.weights = weights.data;
  task.interleaved = weights.interleaved;
  task.scale = weights.scale;
  task.row_bytes = w.row_bytes;
  task.x = x.form_row(form, first);
  task.x_stride = x.form_stride(form);
  task.y = y.row(first);
  task.y_stride = y.stride / sizeof(float);
  task.bias = vector(code_.bias);
  if (code_.b != no_value) {
    const RowsView add = view(code_.b);
    task.add = add.row(first);
    task.add_stride = add.stride / sizeof(float);
  }
  task.k = w.columns;
  task.row_begin = tiles.begin / token_tiles() * linear_step();
  const std::uint64_t end = divide_up(tiles.end, token_tiles()) * linear_step();
  task.row_end = static_cast<std::uint32_t>(std::min<std::uint64_t>(w.rows, end));
  task.tokens = std::min(kernels_.tokens, rows(code_.out) - first);
  kernels_.linear[type_index(w.type)](task);
}

void Step::rope(Range r) const {
  const RowsView x = view(code_.a), table = view(code_.b);
  const std::uint32_t heads = code_.n1 & 0xffffu, head_size = code_.n1 >> 16;
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    kernels_.f.rope(x.row(t), table.row(t), heads, head_size, code_.n0,
                    static_cast<RopePairs>(code_.kind), x.row(t));
  }
}

void Step::store_kv(Range r) const {
  const RowsView k = view(code_.a), v = view(code_.b);
  const KvSlot& slot = program_.kv_slots[code_.slot];
  const KvPages& kv = pass_.kv;
  const KvPlace& place = kv.places[code_.slot];
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    if (pass_.batch.stores && !pass_.batch.stores[t]) continue;
    const std::uint32_t position = pass_.batch.positions[t];
    const std::uint32_t* table =
        kv.tables + std::size_t{pass_.batch.sequences[t]} * kv.table_stride;
    std::byte* page = kv.pool + table[position / page_tokens] * kv.page_bytes;
    const std::uint32_t cell = position % page_tokens;
    for (std::uint32_t h = 0; h < slot.kv_heads; ++h) {
      const std::size_t at = std::size_t{h} * page_tokens + cell;
      kernels_.f.store_cells(kv.types.keys, k.row(t) + h * slot.head_k, slot.head_k,
                             page + place.keys + at * place.key_row);
      kernels_.f.store_cells(kv.types.values, v.row(t) + h * slot.head_v, slot.head_v,
                             page + place.values + at * place.value_row);
    }
  }
}

// The rows from `first` on that go together: tokens of one sequence one after the other, as many as
// a tile may have.
Range Step::attention_rows(std::uint32_t first) const {
  const KvSlot& slot = program_.kv_slots[code_.slot];
  const Batch& batch = pass_.batch;
  const std::uint32_t group = code_.n0 / slot.kv_heads;
  const std::uint64_t cell_products = std::uint64_t{group} * (slot.head_k + slot.head_v);
  const std::uint32_t limit = std::min(batch.tokens - first, attention_tile_rows(group));
  std::uint32_t rows = 1;
  for (; rows < limit; ++rows) {
    const std::uint32_t row = first + rows, position = batch.positions[row];
    if (batch.sequences[row] != batch.sequences[first]) break;
    if (position != batch.positions[first] + rows) break;
    if (cell_products * (rows + 1) * (position + 1) > attention_tile_products) break;
  }
  return {first, first + rows};
}

std::uint32_t Step::attention_blocks() const {
  std::uint32_t blocks = 0;
  for (std::uint32_t row = 0; row < pass_.batch.tokens; row = attention_rows(row).end) ++blocks;
  return blocks;
}

Range Step::attention_block(std::uint32_t block) const {
  Range rows = attention_rows(0);
  for (; block > 0; --block) rows = attention_rows(rows.end);
  return rows;
}

// Tile = one key/value head with its group of query heads, and a block of rows.
void Step::attention(std::uint32_t tile, std::uint32_t worker) const {
  const KvSlot& slot = program_.kv_slots[code_.slot];
  const KvPages& kv = pass_.kv;
  const KvPlace& place = kv.places[code_.slot];
  const std::uint32_t head = tile % slot.kv_heads;
  const Range rows = attention_block(tile / slot.kv_heads);
  const std::uint32_t t = rows.begin, group = code_.n0 / slot.kv_heads;
  const std::uint32_t last = pass_.batch.positions[rows.end - 1];
  const std::uint32_t pages = last / page_tokens + 1;

  std::byte* scratch = pass_.worker_scratch + worker * pass_.worker_bytes;
  const auto** k_pages = reinterpret_cast<const void**>(scratch);
  const auto** v_pages = k_pages + kv.table_stride;
  auto* slopes =
      reinterpret_cast<float*>(scratch + align_up(2 * kv.table_stride * sizeof(void*), 64));
  const std::uint32_t* table = kv.tables + std::size_t{pass_.batch.sequences[t]} * kv.table_stride;
  for (std::uint32_t p = 0; p < pages; ++p) {
    const std::byte* page = kv.pool + table[p] * kv.page_bytes;
    k_pages[p] = page + place.keys + std::size_t{head} * page_tokens * place.key_row;
    v_pages[p] = page + place.values + std::size_t{head} * page_tokens * place.value_row;
  }
  if (code_.f1 > 0) {
    for (std::uint32_t g = 0; g < group; ++g) {
      slopes[g] = alibi_slope(head * group + g, code_.n0, code_.f1);
    }
  }

  const RowsView q = view(code_.a), out = view(code_.out);
  AttentionTask task{};
  task.q = q.row(t) + std::size_t{head} * group * slot.head_k;
  task.q_row_stride = q.stride / sizeof(float);
  task.q_stride = slot.head_k;
  task.out = out.row(t) + std::size_t{head} * group * slot.head_v;
  task.out_row_stride = out.stride / sizeof(float);
  task.out_stride = slot.head_v;
  task.rows = rows.end - rows.begin;
  task.group = group;
  task.head_k = slot.head_k;
  task.head_v = slot.head_v;
  task.k_pages = k_pages;
  task.v_pages = v_pages;
  task.k_stride = place.key_row;
  task.v_stride = place.value_row;
  task.page_tokens = page_tokens;
  task.length = pass_.batch.positions[t] + 1;
  task.window = whole_window;
  task.scale = code_.f0;
  task.slopes = code_.f1 > 0 ? slopes : nullptr;
  task.scratch = slopes + align_up(group, 16);
  kernels_.f.attention(kv.types.keys, kv.types.values, task);
}

void Step::add(Range r) const {
  const RowsView a = view(code_.a), b = view(code_.b), y = view(code_.out);
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    kernels_.f.add(a.row(t), b.row(t), a.width, y.row(t));
  }
}

void Step::activate(Range r) const {
  const RowsView x = view(code_.a), y = view(code_.out);
  const auto kind = static_cast<Act>(code_.kind);
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    kernels_.f.activate(kind, x.row(t), x.width, y.row(t));
  }
}

void Step::gate(Range r) const {
  const RowsView g = view(code_.a), u = view(code_.b), y = view(code_.out);
  const auto kind = static_cast<Act>(code_.kind);
  for (std::uint32_t t = r.begin; t < r.end; ++t) {
    kernels_.f.gate(kind, g.row(t), u.row(t), g.width, y.row(t));
  }
}

void Step::take(Range r) const {
  const RowsView x = view(code_.a), y = view(code_.out);
  for (std::uint32_t i = r.begin; i < r.end; ++i) {
    std::memcpy(y.row(i), x.row(pass_.batch.wanted_rows[i]), x.width * sizeof(float));
  }
}

}  // namespace

std::uint64_t kv_layout(const Program& program, KvTypes types, KvPlace* places) {
  std::uint64_t at = 0;
  for (std::size_t i = 0; i < program.kv_slots.size(); ++i) {
    const KvSlot& s = program.kv_slots[i];
    const std::uint64_t cells = std::uint64_t{page_tokens} * s.kv_heads;
    const std::size_t key_row = cell_row_bytes(types.keys, s.head_k);
    const std::size_t value_row = cell_row_bytes(types.values, s.head_v);
    const std::uint64_t values = at + align_up(cells * key_row, 64);
    if (places) {
      places[i] = {at, values, static_cast<std::uint32_t>(key_row),
                   static_cast<std::uint32_t>(value_row), s.kv_heads};
    }
    at = values + align_up(cells * value_row, 64);
  }
  return at;
}

std::size_t worker_scratch_bytes(const Program& program, std::uint32_t table_stride) {
  std::uint64_t widest = 0;
  for (const Instruction& i : program.code) {
    if (i.op == Op::embed) widest = std::max(widest, program.weights[i.weight].row_bytes);
    if (i.op == Op::rope_table) widest = std::max<std::uint64_t>(widest, i.n0 * sizeof(float));
    if (i.op != Op::attention) continue;
    const KvSlot& s = program.kv_slots[i.slot];
    const std::uint32_t group = i.n0 / s.kv_heads;
    const std::size_t floats =
        align_up(group, 16) +
        attention_scratch(attention_tile_rows(group) * group, s.head_k, s.head_v, page_tokens);
    widest = std::max<std::uint64_t>(widest, floats * sizeof(float));
  }
  return align_up(align_up(2 * table_stride * sizeof(void*), 64) + widest, 64);
}

std::uint32_t tile_count(const CpuPass& pass, std::uint32_t pc) { return Step(pass, pc).tiles(); }

std::uint32_t run_length(const CpuPass& pass, std::uint32_t pc) {
  return Step(pass, pc).run_length();
}

void run_tiles(const CpuPass& pass, std::uint32_t pc, TileRange tiles, std::uint32_t worker) {
  Step(pass, pc).run(tiles, worker);
}

}  // namespace inlay
