// threads_test.cpp - one model and many threads, each with sessions of its own that come and go;
// and a thousand openings that leave nothing behind.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/small_model.h"

#if defined(__linux__)
#include <unistd.h>
#endif

using namespace inlay::test;

namespace {

using Tokens = std::vector<std::int32_t>;
constexpr std::uint32_t kinds = 8;  // of texts

const std::vector<std::uint8_t>& small_file() {
  static const auto file =
      SmallModel{.layers = 2, .width = 128, .rows = 128, .kv_heads = 2, .vocabulary = 50}.build();
  return file;
}

// Half of the texts begin with the same page.
Tokens text(std::uint32_t kind) {
  Tokens ids = some_ids(70 + kind, 50);
  for (std::size_t i = kind % 2 ? 66 : 0; i < ids.size(); ++i) {
    ids[i] = static_cast<std::int32_t>((ids[i] + kind * 7 + i) % 50);
  }
  return ids;
}

inlay_sampler_options sampler(std::uint32_t kind) {
  inlay_sampler_options options;
  inlay_sampler_options_defaults(&options);
  options.temperature = kind % 3 ? 1.0f : 0.0f;
  options.seed = kind;
  return options;
}

inlay_session_options options(std::uint32_t threads) {
  auto options = TestSession::options();
  options.context = 128;
  options.sequences = 4;
  options.chunk = 32;
  options.threads = threads;
  return options;
}

struct Random {
  std::uint32_t state;
  std::uint32_t below(std::uint32_t n) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
  }
};

// A session that another thread may cancel while it lives.
class Cancellable {
 public:
  void set(inlay_session* session) {
    const std::lock_guard lock(mutex_);
    session_ = session;
  }
  bool cancel() {
    const std::lock_guard lock(mutex_);
    if (session_) inlay_session_cancel(session_);
    return session_ != nullptr;
  }

 private:
  std::mutex mutex_;
  inlay_session* session_ = nullptr;
};

#if defined(__linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr int cycles = 1000;
std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  unsigned long long all = 0, resident = 0;
  const bool read = file && std::fscanf(file, "%llu %llu", &all, &resident) == 2;
  if (file) std::fclose(file);
  REQUIRE(read);
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}
#else
constexpr int cycles = 60;
std::uint64_t resident_bytes() { return 0; }  // a sanitizer keeps memory of its own
#endif

constexpr std::uint64_t drawn = 12;

// One thread's work; its first failure, or "". No test macros: they are not for many threads.
class Worker {
 public:
  Worker(inlay_model* model, std::uint32_t number, const std::vector<Tokens>& expected,
         Cancellable& cancellable)
      : model_(model), random_{number + 1}, expected_(expected), cancellable_(cancellable) {}

  std::string run(std::uint32_t rounds) {
    inlay_model_retain(model_);
    for (std::uint32_t i = 0; i < rounds && failure_.empty(); ++i) session();
    inlay_model_release(model_);
    return failure_;
  }

 private:
  bool ok(inlay_status status, const char* what) {
    if (status >= 0) return true;
    if (failure_.empty()) failure_ = std::string(what) + ": " + error_.text;
    return false;
  }

  void session() {
    const auto how = options(1 + random_.below(2));
    if (!ok(inlay_session_open(model_, &how, &session_, &error_), "open")) return;
    cancellable_.set(session_);
    for (std::uint32_t i = 0; i < 2 && failure_.empty(); ++i) generation();
    cancellable_.set(nullptr);
    inlay_session_close(session_);
  }

  // Goes a piece of its way, then goes on in a fork or a restored copy, or is left as it is.
  void generation() {
    const std::uint32_t kind = random_.below(kinds);
    const Tokens ids = text(kind);
    const auto how = sampler(kind);
    inlay_sequence sequence = 0;
    if (!ok(inlay_session_add(session_, &sequence, &error_), "add") ||
        !ok(inlay_session_feed(session_, sequence, ids.data(), ids.size(), 0, &error_), "feed") ||
        !ok(inlay_session_generate(session_, sequence, &how, drawn, &error_), "generate")) {
      return;
    }
    Tokens tokens;
    steps(sequence, tokens, 1 + random_.below(40));
    if (tokens.size() < drawn) {
      const std::uint32_t way = random_.below(4);
      if (way == 0) sequence = fork(sequence);
      if (way == 1) sequence = reload(sequence);
      if (way == 2) return static_cast<void>(inlay_session_drop(session_, sequence));
    }
    steps(sequence, tokens, 1000000);
    if (failure_.empty() && tokens != expected_[kind]) failure_ = "other tokens than alone";
    inlay_session_drop(session_, sequence);
  }

  void steps(inlay_sequence sequence, Tokens& tokens, std::uint32_t most) {
    for (std::uint32_t i = 0; i < most && tokens.size() < drawn && failure_.empty(); ++i) {
      inlay_event event{};
      event.struct_size = sizeof event;
      const std::uint64_t budget = random_.below(3) ? 0 : 1000 * random_.below(200);
      const inlay_status status = inlay_session_step(session_, budget, &event, &error_);
      if (!ok(status, "step")) return;
      if (status == INLAY_TOKEN && event.sequence == sequence) tokens.push_back(event.token);
      if (status == INLAY_DONE) failure_ = "done before the last token";
    }
  }

  inlay_sequence fork(inlay_sequence from) {
    inlay_sequence copy = 0;
    ok(inlay_session_fork(session_, from, &copy, &error_), "fork");
    ok(inlay_session_drop(session_, from), "drop");
    return copy;
  }

  inlay_sequence reload(inlay_sequence from) {
    std::vector<std::uint8_t> file;
    const inlay_sink sink = sink_to(file);
    if (!ok(inlay_session_save(session_, from, 0, &sink, &error_), "save")) return from;
    ok(inlay_session_drop(session_, from), "drop");
    const inlay_source source = block_source(file);
    inlay_sequence copy = 0;
    std::size_t count = 0;
    ok(inlay_session_restore(session_, &source, 0, &copy, 1, &count, &error_), "restore");
    return copy;
  }

  inlay_model* model_;
  Random random_;
  const std::vector<Tokens>& expected_;
  Cancellable& cancellable_;
  inlay_session* session_ = nullptr;
  inlay_error error_{};
  std::string failure_;
};

std::vector<Tokens> tokens_alone(const TestModel& model) {
  std::vector<Tokens> all;
  for (std::uint32_t kind = 0; kind < kinds; ++kind) {
    auto plain = options(1);
    plain.reuse = 0;
    TestSession session(model, plain);
    const inlay_sequence sequence = session.add();
    session.feed(sequence, text(kind));
    const auto how = sampler(kind);
    REQUIRE(inlay_session_generate(session.handle, sequence, &how, drawn, nullptr) == INLAY_OK);
    all.emplace_back();
    inlay_event event{};
    while (session.step(event) == INLAY_TOKEN) all.back().push_back(event.token);
    REQUIRE(all.back().size() == drawn);
  }
  return all;
}

}  // namespace

TEST_CASE("sixteen threads with sessions of one model do not disturb each other", "[api]") {
  constexpr std::uint32_t count = 16;
  auto model = std::make_unique<TestModel>(small_file());
  const std::vector<Tokens> expected = tokens_alone(*model);
  Cancellable cancellable[count];
  std::string failures[count];
  std::atomic<bool> over{false};
  std::uint64_t cancels = 0, openings = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i, handle = model->handle] {
      failures[i] = Worker(handle, i, expected, cancellable[i]).run(cycles / 20);
    });
  }
  std::thread canceller([&] {
    for (std::uint32_t i = 0; !over; ++i) {
      cancels += cancellable[i % count].cancel();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  std::thread opener([&] {  // other models and sessions come and go meanwhile
    while (!over) {
      const TestModel other(small_file());
      const TestSession session(other, options(2));
      ++openings;
    }
  });
  for (std::thread& thread : threads) thread.join();
  over = true;
  canceller.join();
  opener.join();
  for (const std::string& failure : failures) CHECK(failure == "");
  CHECK(cancels > 10);
  CHECK(openings > 0);
}

TEST_CASE("sessions keep their model alive, whoever closes last", "[api]") {
  inlay_session* sessions[8] = {};
  {
    const TestModel model(small_file());
    for (inlay_session*& session : sessions) {
      const auto how = options(1);
      REQUIRE(inlay_session_open(model.handle, &how, &session, nullptr) == INLAY_OK);
    }
  }
  std::vector<std::thread> threads;
  std::atomic<int> told{0};
  for (inlay_session* session : sessions) {
    threads.emplace_back([session, &told] {
      inlay_sequence sequence = 0;
      const Tokens ids = text(1);
      inlay_event event{};
      event.struct_size = sizeof event;
      inlay_session_add(session, &sequence, nullptr);
      inlay_session_feed(session, sequence, ids.data(), ids.size(), 0, nullptr);
      told += inlay_session_step(session, 0, &event, nullptr) == INLAY_LOGITS;
      inlay_session_close(session);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(told == 8);
}

namespace {

// Opens, runs and closes; with all that leaves something behind if anything does.
void cycle(const inlay_host* host, std::uint32_t threads) {
  const TestModel model(small_file(), nullptr, host);
  TestSession session(model, options(threads));
  const inlay_sequence a = session.add();
  session.feed(a, text(0));
  inlay_sequence b = 0;
  REQUIRE(inlay_session_fork(session.handle, a, &b, nullptr) == INLAY_OK);
  const auto how = sampler(1);
  REQUIRE(inlay_session_generate(session.handle, b, &how, 2, nullptr) == INLAY_OK);
  inlay_event event{};
  int tokens = 0;
  while (session.step(event) != INLAY_DONE) tokens += event.token >= 0;
  REQUIRE(tokens == 2);
  std::vector<std::uint8_t> file;
  const inlay_sink sink = sink_to(file);
  REQUIRE(inlay_session_save(session.handle, b, 0, &sink, nullptr) == INLAY_OK);
  const inlay_source source = block_source(file);
  std::size_t count = 0;
  REQUIRE(inlay_session_drop(session.handle, a) == INLAY_OK);
  inlay_sequence back = 0;
  REQUIRE(inlay_session_restore(session.handle, &source, 0, &back, 1, &count, nullptr) == INLAY_OK);
}

}  // namespace

TEST_CASE("a thousand openings leave no memory behind", "[api]") {
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  std::uint64_t resident = 0, calls = 0, peak = 0;
  for (int i = 0; i < cycles; ++i) {
    const std::uint64_t before = memory.calls;
    if (i % 2) {
      cycle(&host, 1);
      REQUIRE(memory.clean());
    } else {
      cycle(nullptr, 2);  // the C library's heap, and threads
      REQUIRE(memory.calls == before);
    }
    if (i == 51) {
      resident = resident_bytes();
      calls = memory.calls - before;
      peak = memory.peak_bytes;
    }
    if (i > 51 && i % 2) {
      REQUIRE(memory.calls - before == calls);
      REQUIRE(memory.peak_bytes == peak);
    }
  }
  CHECK(calls > 0);
  const std::uint64_t after = resident_bytes();
  INFO("resident " << resident << " then " << after);
  CHECK(after <= resident + (1u << 20));
}
