/// files.hpp - where files are read from and written to, and how far that has come.
///
///     Model::open(Source::path("models/llama"));                // a file or a folder
///     Model::open(Source::descriptor(fd, offset, size));        // inside a package
///     model.quantize(Sink::path("small.gguf"), {.type = "Q4_K_M"});
#ifndef INLAY_FILES_HPP
#define INLAY_FILES_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "inlay/result.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// Where the bytes of a model or of a snapshot come from. What a Source refers to is borrowed until
/// the call that takes the Source returns; the bytes of memory() longer, where it is a model.
class Source {
 public:
  /// A file, mapped into memory, or a folder (config.json, *.safetensors, tokenizer.json). Of a
  /// split GGUF model its first part; the others lie beside it. A mapped file must not shrink while
  /// the model lives.
  static Source path(std::string_view path) noexcept {
    Source source;
    inlay_source_path(&source.raw_, path.data(), path.size());
    return source;
  }
  /// A block that holds the whole file; used in place, so it must outlive the model. `name`, here
  /// and below: for error texts, and which file it is among parts.
  static Source memory(std::span<const std::byte> bytes, std::string_view name = {}) noexcept {
    Source source;
    inlay_source_memory(&source.raw_, bytes.data(), bytes.size());
    return source.named(name);
  }
  /// Bytes through an object with
  ///     bool read(std::uint64_t offset, std::span<std::byte> destination);  // false: failed
  /// that must not throw. Weights are copied into the host's memory.
  template <class Reader>
  static Source callback(std::uint64_t size, Reader& reader, std::string_view name = {}) noexcept {
    Source source;
    inlay_source_callback(&source.raw_, size, &reader,
                          [](void* user, std::uint64_t offset, void* destination,
                             std::size_t count) noexcept -> inlay_status {
                            const std::span bytes(static_cast<std::byte*>(destination), count);
                            return static_cast<Reader*>(user)->read(offset, bytes) ? INLAY_OK
                                                                                   : INLAY_ERROR_IO;
                          });
    return source.named(name);
  }
  /// `size` bytes of an open file from `offset` on; 0: to its end. Mapped like a path; the
  /// descriptor of the operating system may be closed once the model is open.
  static Source descriptor(std::int64_t descriptor, std::uint64_t offset = 0,
                           std::uint64_t size = 0, std::string_view name = {}) noexcept {
    Source source;
    inlay_source_descriptor(&source.raw_, descriptor, offset, size);
    return source.named(name);
  }
  /// Several files that are one model: all parts of a split GGUF file in any order, or the files of
  /// a folder by their names ("config.json", "model.safetensors" ...).
  static Source parts(std::span<const Source> parts) noexcept {
    static_assert(sizeof(Source) == sizeof(inlay_source) && std::is_standard_layout_v<Source>);
    Source source;
    inlay_source_parts(&source.raw_, parts.empty() ? nullptr : parts.front().raw(), parts.size());
    return source;
  }

  const inlay_source* raw() const noexcept { return &raw_; }

 private:
  Source() = default;
  Source named(std::string_view name) const noexcept {
    Source source = *this;
    if (name.empty()) return source;
    source.raw_.text = name.data();
    source.raw_.text_length = name.size();
    return source;
  }
  inlay_source raw_{};
};

/// Where a file that is written goes; borrowed like a Source.
class Sink {
 public:
  /// A file. It is written beside its place as <path>.part, and takes it when it is whole.
  static Sink path(std::string_view path) noexcept {
    Sink sink;
    inlay_sink_path(&sink.raw_, path.data(), path.size());
    return sink;
  }
  /// Bytes, front to back, to an object with
  ///     bool write(std::span<const std::byte> bytes);  // false: failed
  /// that must not throw.
  template <class Writer>
  static Sink callback(Writer& writer) noexcept {
    Sink sink;
    inlay_sink_callback(
        &sink.raw_, &writer,
        [](void* user, const void* data, std::size_t size) noexcept -> inlay_status {
          const std::span bytes(static_cast<const std::byte*>(data), size);
          return static_cast<Writer*>(user)->write(bytes) ? INLAY_OK : INLAY_ERROR_IO;
        });
    return sink;
  }

  const inlay_sink* raw() const noexcept { return &raw_; }

 private:
  Sink() = default;
  inlay_sink raw_{};
};

/// How far a long operation has come: an object to be called about 100 times, from the thread that
/// waits, with (std::uint64_t done, std::uint64_t total). It returns nothing, or false to cancel:
/// the operation then fails with Status::cancelled. Borrowed; it must not throw.
///
///     auto bar = [](std::uint64_t done, std::uint64_t total) { show(100 * done / total); };
///     Model::open(path, {.progress = bar});
class Progress {
 public:
  Progress() = default;
  template <class Report>
  requires(!std::is_same_v<std::remove_cv_t<Report>, Progress>) Progress(Report& report)
  noexcept {
    raw_.user = const_cast<void*>(static_cast<const void*>(&report));
    raw_.report = [](void* user, std::uint64_t done, std::uint64_t total) noexcept -> int {
      Report& object = *static_cast<Report*>(user);
      if constexpr (std::is_void_v<decltype(object(done, total))>) {
        object(done, total);
        return 0;
      } else {
        return object(done, total) ? 0 : 1;
      }
    };
  }

  const inlay_progress* raw() const noexcept { return &raw_; }

 private:
  inlay_progress raw_{};
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_FILES_HPP
