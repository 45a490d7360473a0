// manifest.h - what a model file says of itself: keys and tensors, checked, in host memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/array.h"
#include "format/chunk_store.h"
#include "format/name_index.h"
#include "format/packing.h"
#include "format/value.h"
#include "quant/type.h"

namespace inlay {

struct Entry {
  std::string_view key;
  Value value;
};

inline constexpr std::uint32_t no_packing = 0xffffffffu;

// A tensor as inlay uses it. Without packing the range [offset, offset + bytes) of file `part`
// holds exactly that; with one, the bytes of its rows are made by packing.h and offset is 0.
struct TensorInfo {
  std::string_view name;
  Type type = Type::F32;
  std::uint32_t rank = 1;                 // 1 to 4
  std::uint64_t shape[4] = {1, 1, 1, 1};  // innermost (contiguous) first; 1 beyond the rank
  std::uint64_t offset = 0;               // of the data, from the start of its file
  std::uint64_t bytes = 0;
  std::uint64_t elements = 0;
  std::uint32_t part = 0;  // which of the ModelFiles
  std::uint32_t packing = no_packing;
};

// Keys and tensors in file order, found by name in O(log n). All text is owned by the Manifest and
// keeps its address. Reading is thread-safe.
//
// get() fails with Status::format, naming file and key, when the key is missing, has another type
// or holds a number that does not fit. Integers accept every integer type of the file, floats f32
// and f64, bool only bool. get_or() gives `fallback` for a missing key.
class Manifest {
 public:
  explicit Manifest(Allocator& allocator);
  Manifest(const Manifest&) = delete;
  Manifest& operator=(const Manifest&) = delete;

  std::string_view file() const { return file_; }
  std::span<const Entry> entries() const { return entries_.span(); }
  std::span<const TensorInfo> tensors() const { return tensors_.span(); }

  std::span<const Packing> packings() const { return packings_.span(); }

  const Value* find(std::string_view key) const;  // nullptr: no such key
  const TensorInfo* tensor(std::string_view name) const;

  Status get(std::string_view key, std::uint32_t& out, Error& error) const;
  Status get(std::string_view key, std::uint64_t& out, Error& error) const;
  Status get(std::string_view key, std::int32_t& out, Error& error) const;
  Status get(std::string_view key, std::int64_t& out, Error& error) const;
  Status get(std::string_view key, float& out, Error& error) const;  // NaN and infinity pass
  Status get(std::string_view key, bool& out, Error& error) const;
  Status get(std::string_view key, std::string_view& out, Error& error) const;
  // An array of any type (`out` stays valid as long as the Manifest).
  Status get_array(std::string_view key, const Value*& out, Error& error) const;

  template <class T>
  Status get_or(std::string_view key, T& out, std::type_identity_t<T> fallback,
                Error& error) const {
    out = fallback;
    return find(key) ? get(key, out, error) : Status::ok;
  }

  // For readers of a file format: clear(file), add everything, then index_...() once each, which
  // refuses duplicates. Names are checked (name.h); their bytes and those of values live in
  // store().
  Status clear(std::string_view file, Error& error);
  void clear();
  ChunkStore& store() { return store_; }
  std::span<TensorInfo> mutable_tensors() { return tensors_.span(); }
  Allocator& allocator() { return *entries_.allocator(); }
  Status reserve(std::size_t keys, std::size_t tensors, Error& error);
  Status add_key(std::string_view key, const Value& value, Error& error);
  Status add_tensor(const TensorInfo& tensor, Error& error);
  Status add_packing(const Packing& packing, std::uint32_t& index, Error& error);
  Status index_keys(Error& error);
  Status index_tensors(Error& error);

 private:
  Status expect(std::string_view key, const char* expected, const Value*& value,
                Error& error) const;
  Status wrong_type(std::string_view key, const char* expected, const Value& value,
                    Error& error) const;
  template <class T>
  Status get_integer(std::string_view key, const char* expected, T& out, Error& error) const;

  ChunkStore store_;
  std::string_view file_;
  Array<Entry> entries_;
  Array<TensorInfo> tensors_;
  Array<Packing> packings_;
  NameIndex<Entry, &Entry::key> key_index_;
  NameIndex<TensorInfo, &TensorInfo::name> tensor_index_;
};

}  // namespace inlay
