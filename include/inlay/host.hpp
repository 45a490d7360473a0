/// host.hpp - what a program lends to the library: memory, workers, a clock, a log. All optional.
///
///     struct MyLog {
///       void operator()(int level, std::string_view text) { my_engine_log(level, text); }
///     } log;
///     inlay::Host host;
///     host.log(log);
///     auto model = inlay::Model::open("model.gguf", {.host = &host});
///
/// Objects given here are used by reference: they must live until the last model and session made
/// with this Host is gone. The Host itself is copied by Model::open. What the objects do must not
/// throw.
#ifndef INLAY_HOST_HPP
#define INLAY_HOST_HPP

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "inlay/result.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// A piece of work given to the host's workers: call it once with every index in [0, count).
class Task {
 public:
  Task(void (*function)(void*, std::uint32_t), void* argument) noexcept
      : function_(function), argument_(argument) {}
  void operator()(std::uint32_t index) const { function_(argument_, index); }

 private:
  void (*function_)(void*, std::uint32_t);
  void* argument_;
};

class Host {
 public:
  Host() noexcept { inlay_host_defaults(&raw_); }

  /// All memory of the library. Needs
  ///     void* allocate(std::size_t size, std::size_t alignment);  // nullptr: out of memory
  ///     void release(void* block, std::size_t size, std::size_t alignment);
  /// Called from any thread that runs inlay.
  template <class Memory>
  Host& memory(Memory& memory) noexcept {
    raw_.allocator.user = &memory;
    raw_.allocator.allocate = [](void* user, std::size_t size, std::size_t alignment) noexcept {
      return static_cast<void*>(static_cast<Memory*>(user)->allocate(size, alignment));
    };
    raw_.allocator.release = [](void* user, void* block, std::size_t size,
                                std::size_t alignment) noexcept {
      static_cast<Memory*>(user)->release(block, size, alignment);
    };
    return *this;
  }

  /// The job system in place of built-in threads. Needs
  ///     void run(std::uint32_t count, inlay::Task task);
  /// which calls task(i) for every i in [0, count), in any order, on any threads, together or one
  /// after the other, and returns when all have returned. `workers` (1 to 256): how many may run at
  /// the same time; count is never over it. Results do not depend on any of this.
  template <class Jobs>
  Host& jobs(Jobs& jobs, std::uint32_t workers) noexcept {
    raw_.jobs.user = &jobs;
    raw_.jobs.workers = workers;
    raw_.jobs.run = [](void* user, std::uint32_t count, void (*function)(void*, std::uint32_t),
                       void* argument) noexcept {
      static_cast<Jobs*>(user)->run(count, Task(function, argument));
    };
    return *this;
  }

  /// Nanoseconds from any fixed point, never going back: std::uint64_t operator()().
  template <class Clock>
  Host& clock(Clock& clock) noexcept {
    raw_.clock.user = &clock;
    raw_.clock.now = [](void* user) noexcept -> std::uint64_t {
      return (*static_cast<Clock*>(user))();
    };
    return *this;
  }

  /// Warnings and information: void operator()(int level, std::string_view text), level being
  /// INLAY_LOG_WARNING or INLAY_LOG_INFO. Without it the library is silent.
  template <class Log>
  Host& log(Log& log) noexcept {
    raw_.log.user = &log;
    raw_.log.write = [](void* user, int level, const char* text, std::size_t length) noexcept {
      (*static_cast<Log*>(user))(level, std::string_view(text, length));
    };
    return *this;
  }

  const inlay_host* raw() const noexcept { return &raw_; }

 private:
  inlay_host raw_;
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_HOST_HPP
