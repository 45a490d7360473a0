// requantize.h - the same model with its matrices in other types, as a file in memory.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/source.h"
#include "format/gguf.h"
#include "quant/dequantize.h"
#include "quant/encode.h"
#include "support/gguf_builder.h"

namespace inlay::test {

inline void copy_key(GgufBuilder& to, const std::string& key, std::uint64_t count, bool is_array,
                     ValueType type, const std::function<void(ByteWriter&, std::uint64_t)>& put) {
  ByteWriter bytes;
  if (is_array) bytes.u32(static_cast<std::uint32_t>(type) + (type > ValueType::string)).u64(count);
  for (std::uint64_t i = 0; i < count; ++i) put(bytes, i);
  to.raw_key(key,
             is_array ? gguf_array : static_cast<std::uint32_t>(type) + (type > ValueType::string),
             bytes.bytes());
}

// Keys of the kinds that model files have: integers, floats, bools, strings, and arrays of them.
inline void copy_keys(GgufBuilder& to, const Manifest& from) {
  for (const auto& [key, value] : from.entries()) {
    const auto put = [&v = value](ByteWriter& bytes, std::uint64_t i) {
      std::string_view text;
      double number = 0;
      std::int64_t integer = 0;
      v.number(i, number);
      v.integer(i, integer);
      switch (v.type()) {
        case ValueType::string:
          v.text(i, text);
          bytes.string(std::string(text));
          break;
        case ValueType::f32: bytes.number(static_cast<float>(number)); break;
        case ValueType::f64: bytes.number(number); break;
        case ValueType::boolean: bytes.u8(number != 0); break;
        case ValueType::u8:
        case ValueType::i8: bytes.u8(static_cast<std::uint64_t>(integer) & 0xff); break;
        case ValueType::u16:
        case ValueType::i16: bytes.number(static_cast<std::uint16_t>(integer)); break;
        case ValueType::u32:
        case ValueType::i32: bytes.u32(static_cast<std::uint64_t>(integer) & 0xffffffff); break;
        case ValueType::u64:
        case ValueType::i64: bytes.number(integer); break;
      }
    };
    copy_key(to, std::string(key), value.count(), value.is_array(), value.type(), put);
  }
}

// `type_of` chooses the type of each matrix by its name; vectors stay as they are.
inline std::vector<unsigned char> requantize(
    const std::string& path, const std::function<Type(const std::string&)>& type_of) {
  Allocator allocator(system_allocator());
  Source source;
  Manifest manifest(allocator);
  Error error{};
  inlay_source description;
  inlay_source_path(&description, path.data(), path.size());
  if (is_error(source.open(allocator, description, error)) ||
      is_error(read_gguf(source, manifest, error))) {
    throw std::runtime_error(error.text);
  }
  GgufBuilder out;
  copy_keys(out, manifest);
  for (const TensorInfo& tensor : manifest.tensors()) {
    const std::string name(tensor.name);
    const auto* stored = reinterpret_cast<const unsigned char*>(source.map()) + tensor.offset;
    std::vector<std::uint64_t> shape(tensor.shape, tensor.shape + tensor.rank);
    if (tensor.rank < 2) {
      out.tensor(name, tensor.type, shape, {stored, stored + tensor.bytes});
      continue;
    }
    const Type type = type_of(name);
    const auto k = static_cast<std::uint32_t>(tensor.shape[0]);
    const std::uint64_t rows = tensor.elements / k;
    const TypeInfo& to = *type_info(type);
    const std::size_t row_bytes = k / to.block_elements * to.block_bytes;
    std::vector<float> values(k);
    std::vector<unsigned char> data(rows * row_bytes);
    for (std::uint64_t r = 0; r < rows; ++r) {
      dequantize_row(tensor.type, stored + r * (tensor.bytes / rows), k, values.data());
      if (!encode_row(type, values.data(), nullptr, k, data.data() + r * row_bytes)) {
        throw std::runtime_error("cannot encode " + name);
      }
    }
    out.tensor(name, type, shape, data);
  }
  return out.build();
}

// Q4_K with Q6_K where the usual mix has it: embedding, values, and the way down.
inline Type q4_k_mix(const std::string& name) {
  const bool fine = name == "token_embd.weight" || name == "output.weight" ||
                    name.find("attn_v") != std::string::npos ||
                    name.find("ffn_down") != std::string::npos;
  return fine ? Type::Q6_K : Type::Q4_K;
}

}  // namespace inlay::test
