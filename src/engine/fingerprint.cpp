// fingerprint.cpp - hashing bytes and models.
#include "engine/fingerprint.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/hash_map.h"
#include "engine/model.h"
#include "quant/interleave.h"

namespace inlay {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they are");

// Odd, so that multiplying is one-to-one.
constexpr std::uint64_t word_factor = 0x9e3779b97f4a7c15u, lane_factor = 0xc2b2ae3d27d4eb4fu;

constexpr std::size_t window_bytes = 64, windows = 4;

void add_text(ByteHash& hash, std::string_view text) {
  hash.add(std::uint64_t{text.size()});
  hash.add(text.data(), text.size());
}

// Bytes of a matrix as its file has them, wherever it lies.
void add_bytes(ByteHash& hash, const WeightInfo& weight, const WeightData& in, std::uint64_t begin,
               std::uint64_t size) {
  if (!in.interleaved) {
    return hash.add(static_cast<const std::byte*>(in.data) + begin, static_cast<std::size_t>(size));
  }
  for (const std::uint64_t end = begin + size; begin < end; ++begin) {
    const std::byte byte = take_byte(weight.type, in.data, weight.rows, weight.row_bytes, begin);
    hash.add(&byte, 1);
  }
}

// Evenly over the whole, with both ends.
void add_samples(ByteHash& hash, const WeightInfo& weight, const WeightData& in) {
  const std::uint64_t size = weight.bytes;
  if (size <= window_bytes * windows) return add_bytes(hash, weight, in, 0, size);
  for (std::uint64_t i = 0; i < windows; ++i) {
    add_bytes(hash, weight, in, (size - window_bytes) * i / (windows - 1), window_bytes);
  }
}

void add_weight(ByteHash& hash, const Model& model, std::size_t index) {
  const WeightInfo& weight = model.program().weights[index];
  const WeightData& data = model.weights()[index];
  add_text(hash, model.manifest().tensors()[weight.tensor].name);
  hash.add(std::uint32_t{weight.matrix});
  hash.add(weight.rows);
  hash.add(weight.columns);
  hash.add(data.scale);
  if (!weight.matrix) return hash.add(data.data, static_cast<std::size_t>(weight.bytes));
  hash.add(weight.type);
  add_samples(hash, weight, data);
}

// What is observed changes no result.
void add_code(ByteHash& hash, const Program& program) {
  for (Instruction code : program.code) {
    if (code.op == Op::observe) continue;
    if (code.op == Op::linear || code.op == Op::quantize) code.slot = 0;
    hash.add(code);
  }
}

}  // namespace

void ByteHash::step(std::uint64_t (&lanes)[4], const std::byte* block) {
  for (int i = 0; i < 4; ++i) {
    std::uint64_t word;
    std::memcpy(&word, block + 8 * i, sizeof word);
    lanes[i] = std::rotl(lanes[i] ^ word * word_factor, 29) * lane_factor + 1;
  }
}

void ByteHash::add(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::byte*>(data);
  const std::size_t held = size_ % block_bytes;
  size_ += size;
  if (held) {
    const std::size_t taken = std::min(size, block_bytes - held);
    std::copy_n(bytes, taken, held_ + held);
    if (held + taken < block_bytes) return;
    step(lanes_, held_);
    bytes += taken;
    size -= taken;
  }
  for (; size >= block_bytes; size -= block_bytes, bytes += block_bytes) step(lanes_, bytes);
  std::copy_n(bytes, size, held_);
}

Fingerprint ByteHash::result() const {
  std::uint64_t lanes[4];
  std::copy_n(lanes_, 4, lanes);
  if (const std::size_t held = size_ % block_bytes) {
    std::byte last[block_bytes] = {};
    std::copy_n(held_, held, last);
    step(lanes, last);
  }
  Fingerprint f{hash_of(size_), hash_of(~size_)};
  for (int i = 0; i < 4; ++i) {
    f.low = hash_of(f.low ^ lanes[i]);
    f.high = hash_of(f.high ^ lanes[3 - i]);
  }
  return f;
}

Fingerprint fingerprint_of(const Model& model) {
  const Program& program = model.program();
  ByteHash hash;
  add_text(hash, model.architecture());
  hash.add(program.vocabulary);
  for (const KvSlot& slot : program.kv_slots) hash.add(slot);
  add_code(hash, program);
  for (std::size_t i = 0; i < program.weights.size(); ++i) add_weight(hash, model, i);
  return hash.result();
}

}  // namespace inlay
