// rules.h - broken files made by hand, and the check that each is refused with the right words.
#pragma once

#include <string>
#include <vector>

#include "support/catch.h"
#include "support/gguf_builder.h"
#include "unit/format/open.h"

namespace inlay::test {
using Bytes = std::vector<unsigned char>;
using Words = std::vector<std::string>;

inline constexpr std::uint64_t all_ones = ~std::uint64_t{0};
inline constexpr std::uint64_t top_bit = std::uint64_t{1} << 63;

struct Case {
  std::string name;
  Bytes file;
  Status status;
  Words words;  // each must be in the error text
};

// Refused with the status, naming file and culprit, and with no more memory than the file explains.
inline void check(const Case& c) {
  INFO(c.name);
  CountingAllocator* heap = nullptr;
  Opened opened(c.file);
  heap = &opened.heap;
  INFO(opened.text());
  CHECK(opened.status == c.status);
  CHECK(opened.error.status == static_cast<inlay_status>(c.status));
  CHECK(opened.says("test.gguf"));
  for (const std::string& word : c.words) {
    INFO("expected in the text: " << word);
    CHECK(opened.says(word));
  }
  CHECK(heap->peak_bytes <= 16384 + 8 * c.file.size());
  CHECK(opened.manifest.entries().empty());
  CHECK(opened.manifest.tensors().empty());
}

inline void check_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) check(c);
}

inline ByteWriter header(std::uint64_t tensors, std::uint64_t keys) {
  ByteWriter bytes;
  bytes.raw("GGUF").u32(3).u64(tensors).u64(keys);
  return bytes;
}

// A file with one good key, then whatever the test puts there; 100 bytes of zeros behind it.
inline Bytes with_key(const std::string& name, std::uint32_t type, const ByteWriter& value) {
  return GgufBuilder()
      .key("general.architecture", "llama")
      .raw_key(name, type, value.bytes())
      .data(Bytes(100))
      .build();
}

// A tensor table of one entry made by hand, and 256 bytes of data.
inline Bytes with_tensor(const ByteWriter& entry) {
  return header(1, 0).raw(entry.bytes()).pad(32).raw(Bytes(256)).bytes();
}
inline ByteWriter entry(const std::string& name, const std::vector<std::uint64_t>& shape,
                        std::uint32_t type, std::uint64_t offset) {
  ByteWriter bytes;
  bytes.string(name).u32(shape.size());
  for (const std::uint64_t size : shape) bytes.u64(size);
  bytes.u32(type).u64(offset);
  return bytes;
}
inline Bytes with_shape(const std::vector<std::uint64_t>& shape, Type type = Type::F32) {
  return with_tensor(entry("blk.0.x", shape, static_cast<std::uint32_t>(type), 0));
}

inline std::string text(std::uint64_t number) { return std::to_string(number); }

}  // namespace inlay::test
