// meta.h - what an architecture may ask of a model file: keys with its own prefix, checked ranges.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/rope.h"
#include "base/status.h"
#include "quant/type.h"

namespace inlay {

struct TensorShape {
  std::uint32_t index;  // in the file's tensor list
  Type type;
  std::uint32_t rank;
  std::uint64_t shape[4];  // innermost first
};

// The file, seen through functions: graph/ knows no file format. Each getter leaves *value alone
// and *present false when the key is absent; a wrong type or range is an error.
struct FileView {
  const void* file;
  std::string_view name;          // of the file, for error texts
  std::string_view architecture;  // prefix of the keys
  Status (*get_u32)(const void* file, std::string_view key, std::uint32_t* value, bool* present,
                    Error& error);
  Status (*get_f32)(const void* file, std::string_view key, float* value, bool* present,
                    Error& error);
  Status (*get_bool)(const void* file, std::string_view key, bool* value, bool* present,
                     Error& error);
  Status (*get_text)(const void* file, std::string_view key, std::string_view* value, bool* present,
                     Error& error);
  bool (*find_tensor)(const void* file, std::string_view name, TensorShape* shape);
};

// Attention heads of one layer.
struct Heads {
  std::uint32_t query;       // heads of queries
  std::uint32_t kv;          // heads of keys and values; divides `query`
  std::uint32_t key_size;    // elements of one query or key head
  std::uint32_t value_size;  // elements of one value head
  std::uint32_t q_width() const { return query * key_size; }
  std::uint32_t k_width() const { return kv * key_size; }
  std::uint32_t v_width() const { return kv * value_size; }
};

// Rotary position embedding (Su et al. 2021, arXiv:2104.09864).
struct Rope {
  RopePairs order;       // which elements form a pair
  std::uint32_t pairs;   // rotated pairs of a head
  float base;            // theta
  float position_scale;  // positions are multiplied with it ("linear" scaling: 1 / factor)
};

// Keys are given without the architecture's prefix: "attention.head_count". The first error sticks;
// after it every getter returns a harmless value.
class Meta {
 public:
  explicit Meta(const FileView& file, Error& error) : file_(file), error_(error) {}

  Status status() const { return status_; }
  const FileView& file() const { return file_; }
  Error& error() const { return error_; }

  // Required; min <= value <= max.
  std::uint32_t number(std::string_view key, std::uint32_t min, std::uint32_t max) const;
  std::uint32_t number_or(std::string_view key, std::uint32_t fallback, std::uint32_t min,
                          std::uint32_t max) const;
  float real_or(std::string_view key, float fallback, float min, float max) const;
  bool flag_or(std::string_view key, bool fallback) const;
  std::string_view text_or(std::string_view key, std::string_view fallback) const;

  // The standard keys.
  std::uint32_t width() const;               // embedding_length
  std::uint32_t layers() const;              // block_count
  std::uint32_t feed_forward_width() const;  // feed_forward_length
  float rms_eps() const;                     // attention.layer_norm_rms_epsilon
  float layer_norm_eps() const;              // attention.layer_norm_epsilon
  Heads heads() const;
  Rope rope(const Heads& heads, RopePairs order) const;

  // Records an error of the model file; the first one stays.
  void refuse(Status status) const;

 private:
  struct Key {  // prefix + key, bounded
    char text[160];
    std::size_t length;
    std::string_view view() const { return {text, length}; }
  };
  Key full(std::string_view key) const;
  template <class T, class Get>
  bool get(std::string_view key, Get getter, T& value) const;

  FileView file_;
  Error& error_;
  mutable Status status_ = Status::ok;
};

}  // namespace inlay
