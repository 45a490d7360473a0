// limits.cpp - what this machine can do at most: memory read per second, and int8, bf16 and f32
// operations per second, with one thread and with more. Speeds of models are to be set against it.
//
//   bench_limits [--threads 1,2] [--megabytes 2048] [--quick] [--json]
//
// --quick: only what changes between runs on a shared machine (read from huge pages, int8), with
// all threads, in half a second; to be called before and after whatever is measured.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "arguments.h"
#include "figures.h"
#include "instruction_loops.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#endif

namespace {

using namespace bench;

constexpr const char* usage = "bench_limits [--threads 1,2] [--megabytes 2048] [--quick] [--json]";

// A rate that is 0 where the processor has no such instruction.
struct Figure {
  const char* id;
  const char* what;
  const char* form;
  const char* unit;
  std::uint32_t threads;
  double median, best;
};

struct Effort {
  int runs;
  double seconds;  // a run
};

std::atomic<std::uint64_t> results_sink;  // results count as used

// Each thread calls work(thread), which takes microseconds and returns what it did, for `seconds`;
// what all of them did in a second. Their beginnings lie microseconds apart.
template <class Work>
double rate_of(std::uint32_t threads, double seconds, Work work) {
  std::atomic<std::uint32_t> ready = 0;
  std::vector<double> rates(threads);
  const auto run = [&](std::uint32_t thread) {
    ++ready;
    while (ready < threads) {
    }
    const Clock::time_point begin = Clock::now();
    double done = 0, elapsed = 0;
    for (; elapsed < seconds; elapsed = seconds_since(begin)) done += work(thread);
    rates[thread] = done / elapsed;
  };
  std::vector<std::thread> others;
  for (std::uint32_t thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
  run(0);
  for (std::thread& other : others) other.join();
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

// Median and best of several runs, in 10^9 a second.
template <class Work>
void measure(Figure& figure, const Effort& effort, Work work) {
  std::vector<double> rates;
  for (int i = 0; i < effort.runs; ++i)
    rates.push_back(1e-9 * rate_of(figure.threads, effort.seconds, work));
  figure.median = median(rates);
  figure.best = quantile(rates, 1);
}

void measure_arithmetic(std::vector<Figure>& figures, const char* id, const char* what,
                        const ArithmeticLoop& loop, const std::vector<std::uint32_t>& list,
                        const Effort& effort) {
  for (const std::uint32_t threads : list) {
    Figure figure{id, what, loop.form, "GOP/s", threads, 0, 0};
    if (loop.run) {
      measure(figure, effort, [&](std::uint32_t) {
        constexpr std::uint32_t rounds = 2048;
        results_sink.fetch_add(loop.run(rounds), std::memory_order_relaxed);
        return loop.operations * rounds;
      });
    }
    figures.push_back(figure);
  }
}

// Memory of its own, from the system where it can be asked for a size of pages.
class Region {
 public:
  Region(std::size_t bytes, bool huge) : bytes_(bytes) {
#if defined(__unix__) || defined(__APPLE__)
    void* memory =
        mmap(nullptr, bytes + align, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail("bench_limits: no memory; use --megabytes");
    memory_ = memory;
#if defined(MADV_HUGEPAGE)
    madvise(memory, bytes + align, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
#else
    memory_ = std::malloc(bytes + align);
    if (!memory_) fail("bench_limits: no memory; use --megabytes");
#endif
    static_cast<void>(huge);
    const auto address = reinterpret_cast<std::uintptr_t>(memory_);
    data_ = static_cast<std::byte*>(memory_) + (align - address % align) % align;
  }
  ~Region() {
#if defined(__unix__) || defined(__APPLE__)
    munmap(memory_, bytes_ + align);
#else
    std::free(memory_);
#endif
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t align = std::size_t{2} << 20;  // a huge page
  std::size_t bytes_;
  void* memory_;
  std::byte* data_;
};

constexpr std::size_t step_bytes = std::size_t{256} << 10;

// Each thread's part of a region, which it reads round and round.
class Streams {
 public:
  Streams(const Region& region, std::uint32_t threads)
      : data_(region.data()),
        part_(region.bytes() / threads / step_bytes * step_bytes),
        places_(threads) {}

  double read(std::uint32_t thread, const ReadLoop& loop) {
    std::size_t& at = places_[thread].at;
    const std::uint64_t result = loop.run(data_ + thread * part_ + at, step_bytes);
    results_sink.fetch_add(result, std::memory_order_relaxed);
    at = at + step_bytes < part_ ? at + step_bytes : 0;
    return step_bytes;
  }

 private:
  struct alignas(64) Place {
    std::size_t at = 0;
  };
  const std::byte* data_;
  std::size_t part_;
  std::vector<Place> places_;
};

// Gives every page its memory.
void fill(const Region& region, std::uint32_t threads) {
  const std::size_t part = region.bytes() / threads;
  std::vector<std::thread> all;
  for (std::uint32_t thread = 0; thread < threads; ++thread)
    all.emplace_back([&, thread] { std::memset(region.data() + thread * part, 1, part); });
  for (std::thread& one : all) one.join();
}

void measure_read(std::vector<Figure>& figures, bool huge, std::size_t bytes,
                  const std::vector<std::uint32_t>& list, const Effort& effort) {
  const ReadLoop loop = read_loop();
  const Region region(bytes, huge);
  fill(region, *std::max_element(list.begin(), list.end()));
  for (const std::uint32_t threads : list) {
    Figure figure{huge ? "read_huge" : "read_small",
                  huge ? "read, huge pages" : "read, 4 KiB pages",
                  loop.form,
                  "GB/s",
                  threads,
                  0,
                  0};
    Streams streams(region, threads);
    measure(figure, effort, [&](std::uint32_t thread) { return streams.read(thread, loop); });
    figures.push_back(figure);
  }
}

// 1, 2, 4 and so on, and all.
std::vector<std::uint32_t> usual_threads() {
  const std::uint32_t all = std::max(std::thread::hardware_concurrency(), 1u);
  std::vector<std::uint32_t> list;
  for (std::uint32_t threads = 1; threads < all; threads *= 2) list.push_back(threads);
  list.push_back(all);
  return list;
}

void print_text(const std::vector<Figure>& figures) {
  std::printf("%-20s %8s %10s %10s  %-6s %s\n", "limit", "threads", "median", "best", "", "how");
  for (const Figure& f : figures) {
    std::printf("%-20s %8u %10.1f %10.1f  %-6s %s\n", f.what, f.threads, f.median, f.best, f.unit,
                f.form);
  }
}

void print_json(const std::vector<Figure>& figures) {
  const char* separator = "";
  std::printf("{\"figures\":[");
  for (const Figure& f : figures) {
    std::printf(
        "%s{\"id\":\"%s\",\"threads\":%u,\"median\":%.2f,\"best\":%.2f,\"unit\":\"%s\","
        "\"form\":\"%s\"}",
        separator, f.id, f.threads, f.median, f.best, f.unit, f.form);
    separator = ",";
  }
  std::printf("]}\n");
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments(count, words, usage);
  const bool quick = arguments.take_flag("--quick"), json = arguments.take_flag("--json");
  const auto usual = quick ? std::vector{usual_threads().back()} : usual_threads();
  const std::vector<std::uint32_t> list = arguments.take_list("--threads", usual);
  const std::size_t bytes = std::size_t{arguments.take_number("--megabytes", quick ? 256 : 2048)}
                            << 20;
  arguments.take_end();

  if (bytes / *std::max_element(list.begin(), list.end()) < step_bytes)
    fail("bench_limits: too little memory for so many threads");
  std::vector<Figure> figures;
  const Effort effort = quick ? Effort{5, 0.02} : Effort{7, 0.03};
  measure_read(figures, true, bytes, list, effort);
  if (!quick) measure_read(figures, false, bytes, list, effort);
  measure_arithmetic(figures, "int8", "int8 dot", int8_loop(), list, effort);
  if (!quick) measure_arithmetic(figures, "bf16", "bf16 dot", bf16_loop(), list, effort);
  if (!quick) measure_arithmetic(figures, "f32", "f32 multiply-add", f32_loop(), list, effort);
  json ? print_json(figures) : print_text(figures);
  return 0;
}
