// fingerprint.h - a hash of bytes, and what a model is recognised by: its program and samples of
// its weights.
#pragma once

#include <cstddef>
#include <cstdint>

namespace inlay {

class Model;

struct Fingerprint {
  std::uint64_t low = 0, high = 0;
  bool operator==(const Fingerprint&) const = default;
};

// 128 bits over a stream of bytes, however it is cut into pieces. Four lanes of 64 bits take a word
// in turn, each by a one-to-one step, so that a change within one word always changes the result;
// any other change is missed with a chance of 2^-64. Finds accidents, not forgers: it is no
// cryptographic hash.
class ByteHash {
 public:
  void add(const void* data, std::size_t size);
  template <class T>
  void add(const T& value) {
    add(&value, sizeof value);
  }
  Fingerprint result() const;

 private:
  static constexpr std::size_t block_bytes = 32;
  static void step(std::uint64_t (&lanes)[4], const std::byte* block);

  std::uint64_t lanes_[4] = {0x243f6a8885a308d3u, 0x13198a2e03707344u, 0xa4093822299f31d0u,
                             0x082efa98ec4e6c89u};  // digits of pi
  std::uint64_t size_ = 0;
  std::byte held_[block_bytes];  // size_ % block_bytes of them
};

// Over the architecture's name, the recorded program, and name, type, shape and samples of every
// weight as it is used in memory (vectors whole, 4 places of a matrix): all that decides what a
// token's keys and values are. Not over paths, instruction set, threads, or where the weights lie;
// a model has the same fingerprint as one file, as a folder, and encoded while loading.
// Thread-safe. Some 0.2 ms for a model of 10^9 weights that is in memory; what is mapped and was
// not read yet comes from the disk, four places of each matrix.
Fingerprint fingerprint_of(const Model& model);

}  // namespace inlay
