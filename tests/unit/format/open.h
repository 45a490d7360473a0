// open.h - one read of a GGUF file for the tests of this folder: bytes or a path in, manifest out.
#pragma once

#include <string>
#include <vector>

#include "base/source.h"
#include "format/gguf.h"
#include "support/counting_allocator.h"

namespace inlay::test {

inline inlay_source memory_source(const std::vector<unsigned char>& bytes) {
  inlay_source source{};
  source.struct_size = sizeof source;
  source.kind = INLAY_SOURCE_MEMORY;
  source.text = "test.gguf";
  source.text_length = 9;
  source.data = bytes.data();
  source.size = bytes.size();
  return source;
}

inline inlay_source path_source(const std::string& path) {
  inlay_source source{};
  source.struct_size = sizeof source;
  source.kind = INLAY_SOURCE_PATH;
  source.text = path.data();
  source.text_length = path.size();
  return source;
}

// Serves `bytes` and counts the calls.
struct CallbackFile {
  const std::vector<unsigned char>* bytes = nullptr;
  int calls = 0;
  int fail_at = 0;  // this call fails with INLAY_ERROR_IO; 0: none

  inlay_source source() {
    inlay_source source{};
    source.struct_size = sizeof source;
    source.kind = INLAY_SOURCE_CALLBACK;
    source.text = "test.gguf";
    source.text_length = 9;
    source.size = bytes->size();
    source.user = this;
    source.read = read;
    return source;
  }

 private:
  static inlay_status read(void* user, std::uint64_t offset, void* destination, std::size_t size) {
    auto& self = *static_cast<CallbackFile*>(user);
    if (++self.calls == self.fail_at) return INLAY_ERROR_IO;
    std::memcpy(destination, self.bytes->data() + offset, size);
    return INLAY_OK;
  }
};

// A file that was read, with its own counted heap.
struct Opened {
  CountingAllocator heap;
  Allocator allocator{heap.host()};
  Source source;
  Manifest manifest{allocator};
  Error error{};
  Status status;

  explicit Opened(const inlay_source& description) {
    status = source.open(allocator, description, error);
    if (!is_error(status)) status = read_gguf(source, manifest, error);
  }
  explicit Opened(const std::vector<unsigned char>& bytes) : Opened(memory_source(bytes)) {}

  std::string text() const { return error.text; }
  bool says(const std::string& part) const { return text().find(part) != std::string::npos; }
};

}  // namespace inlay::test
