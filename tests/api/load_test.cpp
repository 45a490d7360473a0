// load_test.cpp - weights mapped, copied, on huge pages, converted: the same bits, planned bytes,
// and an end at any moment.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <thread>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/scratch_folder.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

const std::vector<std::int32_t> some_tokens{1, 17, 3, 40, 9, 9, 22};

struct Opened {
  inlay_model* model = nullptr;
  inlay_error error{};
  inlay_status status = INLAY_OK;
  Opened(const inlay_source& source, const inlay_model_options& options) {
    status = inlay_model_open(&source, &options, &model, &error);
  }
  Opened(const Opened&) = delete;
  ~Opened() { inlay_model_release(model); }

  inlay_plan plan() {
    inlay_plan plan{};
    plan.struct_size = sizeof plan;
    expect_ok(inlay_model_plan(model, nullptr, &plan, &error), error);
    return plan;
  }
  std::string program() {
    std::string text(1 << 16, ' ');
    size_t length = 0;
    expect_ok(inlay_model_explain(model, nullptr, text.data(), text.size(), &length, &error),
              error);
    return text.substr(0, length);
  }
};

std::uint64_t hash_with(const inlay_source& source, const inlay_model_options& options) {
  return hash_of(all_logits(TestModel(source, options), some_tokens));
}

inlay_model_options options_for(const char* weights, std::uint32_t threads = 1) {
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.weights = weights;
  options.threads = threads;
  return options;
}

// A host's file reader that only answers the thread that it belongs to.
struct Reader {
  const std::vector<std::uint8_t>& bytes;
  std::thread::id owner = std::this_thread::get_id();
  bool strange = false;  // another thread asked
  std::uint64_t reads = 0, fail_at = 0;

  inlay_source source() {
    inlay_source source;
    inlay_source_callback(&source, bytes.size(), this, read);
    return source;
  }
  static inlay_status read(void* user, std::uint64_t offset, void* to, std::size_t size) {
    auto& self = *static_cast<Reader*>(user);
    if (std::this_thread::get_id() != self.owner) self.strange = true;
    if (++self.reads == self.fail_at) return INLAY_ERROR_STATE;
    std::memcpy(to, self.bytes.data() + offset, size);
    return INLAY_OK;
  }
};

struct Reports {
  int cancel_at = 0;
  int count = 0;
  std::uint64_t done = 0, total = 0;
  bool ordered = true;
  std::thread::id owner = std::this_thread::get_id();

  inlay_progress progress() { return {this, report}; }
  static int report(void* user, std::uint64_t done, std::uint64_t total) {
    auto& self = *static_cast<Reports*>(user);
    self.ordered = self.ordered && done >= self.done && done <= total &&
                   std::this_thread::get_id() == self.owner;
    self.done = done;
    self.total = total;
    return ++self.count == self.cancel_at;
  }
};

void run_backwards(void*, std::uint32_t count, void (*task)(void*, std::uint32_t), void* argument) {
  std::vector<std::thread> threads;
  for (std::uint32_t i = count; i-- > 0;) threads.emplace_back(task, argument, i);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("encoded while loading: the bits and the plan of the quantized file", "[api]") {
  SmallModel shape;
  shape.layers = 2;
  const auto original = shape.build();
  for (const char* name : {"Q8_0", "Q4_K_M", "Q4_0", "F16", "Q3_K_M", "Q2_K"}) {
    INFO(name);
    const Quantized file = quantize(original, quantize_options(name));
    REQUIRE(file.status == INLAY_OK);
    Opened expected(block_source(file.bytes), options_for(nullptr));
    Opened loaded(block_source(original), options_for(name));
    const std::uint64_t hash = hash_with(block_source(file.bytes), options_for(nullptr));
    REQUIRE(hash_with(block_source(original), options_for(name)) == hash);
    CHECK(loaded.program() == expected.program());
    const inlay_plan a = loaded.plan(), b = expected.plan();
    CHECK(a.weights - a.borrowed >= b.borrowed);
    CHECK(a.borrowed == 0);
    CHECK(a.scratch == b.scratch);
    for (const std::uint32_t threads : {2u, 5u}) {
      CHECK(hash_with(block_source(original), options_for(name, threads)) == hash);
    }
    inlay_host host;
    inlay_host_defaults(&host);
    host.jobs.workers = 3;
    host.jobs.run = run_backwards;
    auto options = options_for(name);
    options.host = &host;
    CHECK(hash_with(block_source(original), options) == hash);
    Reader reader{original};
    CHECK(hash_with(reader.source(), options_for(name, 3)) == hash);
    CHECK(!reader.strange);
  }
}

TEST_CASE("the plan of every way to load equals what is allocated, before a weight is read",
          "[api]") {
  SmallModel shape;
  shape.layers = 2;
  const auto original = shape.build();
  for (const char* weights : {"stored", "Q4_K_M", "F16"}) {
    for (const std::uint32_t memory :
         {INLAY_MEMORY_MAPPED, INLAY_MEMORY_COPIED, INLAY_MEMORY_HUGE_PAGES}) {
      for (const bool callback : {false, true}) {
        INFO(weights << " " << memory << " " << callback);
        CountingAllocator counter;
        inlay_host host;
        inlay_host_defaults(&host);
        host.allocator = counter.host();
        auto options = options_for(weights, 2);
        options.host = &host;
        options.memory = memory;
        Reader reader{original};
        const inlay_source source = callback ? reader.source() : block_source(original);
        inlay_plan planned{};
        {
          options.depth = INLAY_OPEN_PROGRAM;
          Opened header(source, options);
          planned = header.plan();
        }
        CHECK(counter.clean());
        options.depth = INLAY_OPEN_WEIGHTS;
        {
          Opened opened(source, options);
          REQUIRE(opened.status == INLAY_OK);
          const inlay_plan plan = opened.plan();
          CHECK(plan.weights == planned.weights);
          CHECK(plan.borrowed == planned.borrowed);
          CHECK(plan.metadata == planned.metadata);
          CHECK(counter.live_bytes == plan.metadata + plan.weights - plan.borrowed);
          const bool in_place =
              !callback && memory == INLAY_MEMORY_MAPPED && std::string(weights) == "stored";
          CHECK((plan.borrowed != 0) == in_place);
          // Little more than the result while it was loaded.
          CHECK(counter.peak_bytes < counter.live_bytes + (1 << 20));
        }
        CHECK(counter.clean());
        CHECK(!reader.strange);
      }
    }
  }
}

TEST_CASE("mapped, copied and on huge pages: the same bits", "[api]") {
  const auto original = SmallModel{}.build();
  const ScratchFolder folder;
  const std::string path = folder / "model.gguf";
  const auto write = [&](const std::vector<std::uint8_t>& bytes) {
    folder.add("model.gguf", bytes);
  };
  write(original);
  inlay_source source;
  inlay_source_path(&source, path.data(), path.size());
  const std::uint64_t expected = hash_with(source, options_for(nullptr));
  for (const std::uint32_t memory : {INLAY_MEMORY_COPIED, INLAY_MEMORY_HUGE_PAGES}) {
    for (const std::uint32_t threads : {1u, 3u}) {
      auto options = options_for(nullptr, threads);
      options.memory = memory;
      const TestModel model(source, options);
      write({});  // the file is not needed any more
      CHECK(hash_of(all_logits(model, some_tokens)) == expected);
      write(original);
    }
  }
}

TEST_CASE("auto: as stored if that fits, else the best that does, else both numbers", "[api]") {
  const auto original = SmallModel{}.build();
  const auto with_budget = [&](std::uint64_t budget) {
    auto options = options_for("auto");
    options.weight_budget = budget;
    options.depth = INLAY_OPEN_PROGRAM;
    return options;
  };
  auto header = options_for(nullptr);
  header.depth = INLAY_OPEN_PROGRAM;
  const std::uint64_t stored = Opened(block_source(original), header).plan().weights;
  Opened whole(block_source(original), with_budget(stored));
  CHECK(whole.plan().weights == stored);
  CHECK(whole.plan().borrowed != 0);
  std::uint64_t last = stored;
  for (const char* rung : {"Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K"}) {
    INFO(rung);
    auto options = options_for(rung);
    options.depth = INLAY_OPEN_PROGRAM;
    Opened exact(block_source(original), options);
    const std::uint64_t bytes = exact.plan().weights;
    REQUIRE(bytes < last);
    Opened below(block_source(original), with_budget(last - 1));
    CHECK(below.program() == exact.program());
    Opened fits(block_source(original), with_budget(bytes));
    CHECK(fits.program() == exact.program());
    last = bytes;
  }
  Opened none(block_source(original), with_budget(last - 1));
  CHECK(none.status == INLAY_ERROR_LIMIT);
  const std::string text = none.error.text;
  CHECK(text.find(std::to_string(last)) != std::string::npos);
  CHECK(text.find(std::to_string(last - 1)) != std::string::npos);
}

TEST_CASE("auto: the log is told of the tensors of the types that were chosen", "[api]") {
  std::string log;
  inlay_host host;
  inlay_host_defaults(&host);
  host.log.user = &log;
  host.log.write = [](void* user, int, const char* text, size_t length) {
    static_cast<std::string*>(user)->append(text, length).append("\n");
  };
  const auto bytes = read_bytes(fixture_path("models/llama-gqa.gguf"));  // rows of 32
  auto options = options_for("Q5_K_M");  // smaller than Q8_0, which Q6_K becomes here
  options.depth = INLAY_OPEN_PROGRAM;
  options.host = &host;
  options.weight_budget = Opened(block_source(bytes), options).plan().weights;
  const std::string expected = log;
  CHECK(expected.find("(Q5_K): Q5_1 instead") != std::string::npos);
  log.clear();
  options.weights = "auto";
  const Opened chosen(block_source(bytes), options);
  CHECK(chosen.status == INLAY_OK);
  CHECK(log == expected);
}

TEST_CASE("loading: cancel at every report frees everything", "[api]") {
  SmallModel shape;
  shape.layers = 2;
  const auto original = shape.build();
  for (const char* weights : {"stored", "Q4_0"}) {
    for (const std::uint32_t memory : {INLAY_MEMORY_MAPPED, INLAY_MEMORY_COPIED}) {
      CountingAllocator counter;
      inlay_host host;
      inlay_host_defaults(&host);
      host.allocator = counter.host();
      auto options = options_for(weights, 2);
      options.host = &host;
      options.memory = memory;
      Reports all;
      options.progress = all.progress();
      REQUIRE(Opened(block_source(original), options).status == INLAY_OK);
      CHECK(all.ordered);
      CHECK(all.done == all.total);
      CHECK(all.count >= 10);
      CHECK(all.count <= 110);
      REQUIRE(counter.clean());
      for (int at = 1; at <= all.count; ++at) {
        Reports cancel;
        cancel.cancel_at = at;
        options.progress = cancel.progress();
        Opened opened(block_source(original), options);
        REQUIRE(opened.status == INLAY_ERROR_CANCELLED);
        REQUIRE(opened.model == nullptr);
        REQUIRE(cancel.count == at);
        REQUIRE(counter.clean());
      }
    }
  }
}

TEST_CASE("loading: a reader that fails at any time is an error", "[api]") {
  const auto original = SmallModel{}.build();
  for (const char* weights : {"stored", "Q8_0"}) {
    CountingAllocator counter;
    inlay_host host;
    inlay_host_defaults(&host);
    host.allocator = counter.host();
    auto options = options_for(weights, 2);
    options.host = &host;
    Reader whole{original};
    REQUIRE(Opened(whole.source(), options).status == INLAY_OK);
    for (std::uint64_t at = 1; at <= whole.reads; ++at) {
      Reader reader{original};
      reader.fail_at = at;
      REQUIRE(Opened(reader.source(), options).status == INLAY_ERROR_IO);
      REQUIRE(counter.clean());
    }
  }
}

TEST_CASE("check_weights finds what is not finite, by tensor, row and column", "[api]") {
  auto model = SmallModel{};
  const auto healthy = model.build();
  auto options = options_for(nullptr, 3);
  options.check_weights = 1;
  CHECK(Opened(block_source(healthy), options).status == INLAY_OK);
  // The weights of one matrix are somewhere in the file; another value at (5, 100).
  const auto values = values_of(healthy, "blk.0.ffn_up.weight");
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
  const auto found = std::search(healthy.begin(), healthy.end(), bytes, bytes + 64);
  REQUIRE(found != healthy.end());
  auto damaged = healthy;
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    const std::size_t place =
        static_cast<std::size_t>(found - healthy.begin()) + (5 * 256 + 100) * 4;
    std::memcpy(damaged.data() + place, &bad, sizeof bad);
    for (const std::uint32_t memory : {INLAY_MEMORY_MAPPED, INLAY_MEMORY_COPIED}) {
      options.memory = memory;
      options.check_weights = 1;
      Opened opened(block_source(damaged), options);
      CHECK(opened.status == INLAY_ERROR_FORMAT);
      CHECK(std::string(opened.error.text).find("blk.0.ffn_up.weight: row 5, column 100") !=
            std::string::npos);
      options.check_weights = 0;
      CHECK(Opened(block_source(damaged), options).status == INLAY_OK);
    }
    Opened encoded(block_source(damaged), options_for("Q8_0", 3));
    CHECK(encoded.status == INLAY_ERROR_FORMAT);
    CHECK(std::string(encoded.error.text).find("row 5, column 100") != std::string::npos);
  }
}

TEST_CASE("loading: mistakes of the caller, and options of the first version", "[api]") {
  const auto original = SmallModel{}.build();
  const auto refused = [&](const std::function<void(inlay_model_options&)>& change) {
    auto options = options_for(nullptr);
    change(options);
    return Opened(block_source(original), options).status == INLAY_ERROR_ARGUMENT;
  };
  CHECK(refused([](auto& o) { o.weights = "Q4_Z"; }));
  CHECK(refused([](auto& o) { o.weights = ""; }));
  CHECK(refused([](auto& o) { o.memory = 3; }));
  CHECK(refused([](auto& o) { o.check_weights = 2; }));
  CHECK(refused([](auto& o) { o.importance = 2; }));
  CHECK(refused([](auto& o) { o.threads = 257; }));
  auto options = options_for("no such type");
  options.struct_size = offsetof(inlay_model_options, weights);  // then it is not looked at
  inlay_source source = block_source(original);
  source.struct_size = offsetof(inlay_source, offset);
  CHECK(Opened(source, options).status == INLAY_OK);
}
