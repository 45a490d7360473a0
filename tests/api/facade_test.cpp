// facade_test.cpp - the C++ interface: results and exceptions, ownership, host objects, generation.
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "inlay/inlay.hpp"
#include "support/catch.h"
#include "support/data.h"

namespace {

std::string demo_path() { return inlay::test::source_path("examples/demo_model/demo.gguf"); }

struct Heap {
  std::atomic<std::size_t> live{0};
  std::atomic<std::size_t> calls{0};
  std::size_t fail_from = std::numeric_limits<std::size_t>::max();
  void* allocate(std::size_t size, std::size_t alignment) {
    if (calls++ >= fail_from) return nullptr;
    live += size;
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  }
  void release(void* block, std::size_t size, std::size_t) {
    live -= size;
    std::free(block);
  }
};

struct SerialJobs {
  std::uint32_t runs = 0;
  void run(std::uint32_t count, inlay::Task task) {
    ++runs;
    for (std::uint32_t i = count; i-- > 0;) task(i);
  }
};

struct Bytes {
  std::vector<unsigned char> all;
  std::size_t reads = 0;
  bool broken = false;
  bool read(std::uint64_t offset, std::span<std::byte> destination) {
    ++reads;
    if (broken) return false;
    std::memcpy(destination.data(), all.data() + offset, destination.size());
    return true;
  }
};

const inlay::GenerateOptions short_text{.max_tokens = 20, .sampler = {.seed = 3}};

std::string text_of(inlay::Generation generation) {
  std::string text;
  for (const std::string_view piece : generation) text += piece;
  return text;
}

}  // namespace

TEST_CASE("facade: defaults are those of the C interface", "[api]") {
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  const inlay::SamplerOptions mine;
  REQUIRE(mine.temperature == sampler.temperature);
  REQUIRE(mine.top_k == sampler.top_k);
  REQUIRE(mine.top_p == sampler.top_p);
  REQUIRE(mine.min_p == sampler.min_p);
  REQUIRE(mine.repeat_penalty == sampler.repeat_penalty);
  REQUIRE(mine.frequency_penalty == sampler.frequency_penalty);
  REQUIRE(mine.presence_penalty == sampler.presence_penalty);
  REQUIRE(mine.penalty_window == sampler.penalty_window);
  REQUIRE(mine.seed == sampler.seed);
  REQUIRE(mine.stream == sampler.stream);
  inlay_session_options session;
  inlay_session_options_defaults(&session);
  const inlay::SessionOptions ours;
  REQUIRE(ours.context == session.context);
  REQUIRE(ours.sequences == session.sequences);
  REQUIRE(ours.chunk == session.chunk);
  REQUIRE(ours.logits_rows == session.logits_rows);
  REQUIRE(ours.kv_type == session.kv_type);
  REQUIRE(ours.threads == session.threads);
}

TEST_CASE("facade: an error can be looked at or thrown", "[api]") {
  auto model = inlay::Model::open("no such file");
  REQUIRE_FALSE(model);
  REQUIRE(model.error().status() == inlay::Status::io);
  REQUIRE(std::string(model.error().text()).find("no such file") != std::string::npos);
  REQUIRE_THROWS_AS(model.value(), inlay::Exception);
  try {
    static_cast<void>(inlay::Model::open("no such file").value());
  } catch (const std::exception& e) {
    REQUIRE(std::string(e.what()) == model.error().text());
  }
  REQUIRE(std::string(inlay::Error(inlay::Status::limit).text()) == "limit");
}

TEST_CASE("facade: empty objects fail in order", "[api]") {
  using inlay::Status;
  const inlay::Model model;
  REQUIRE_FALSE(model);
  REQUIRE(model.info().vocabulary == 0);
  REQUIRE(std::string(model.info().architecture).empty());
  REQUIRE(model.metadata(0).error().status() == Status::argument);
  REQUIRE(model.tensor(0).error().status() == Status::argument);
  REQUIRE(model.plan().error().status() == Status::argument);
  REQUIRE(model.explain().error().status() == Status::argument);
  REQUIRE_FALSE(model.find_metadata("general.name"));
  REQUIRE_FALSE(model.share());
  REQUIRE_FALSE(model.tokenizer());
  REQUIRE(model.tokenizer().encode("x").error().status() == Status::argument);
  REQUIRE(model.tokenizer().decode({}).error().status() == Status::argument);
  REQUIRE(model.tokenizer().info().size == 0);
  REQUIRE(model.tokenizer().piece(1).empty());
  REQUIRE_FALSE(model.tokenizer().is_end(1));
  REQUIRE(inlay::Session::open(model).error().status() == Status::argument);
  inlay::Session session;
  REQUIRE(session.add().error().status() == Status::argument);
  REQUIRE(session.step().error().status() == Status::argument);
  REQUIRE(session.drop(1).error().status() == Status::argument);
  REQUIRE(session.logits(1).error().status() == Status::argument);
  session.cancel();
  auto generation = model.generate("x");
  std::string_view piece;
  REQUIRE_FALSE(generation.next(piece));
  REQUIRE(generation.error().status() == Status::argument);
  REQUIRE_THROWS_AS(text_of(model.generate("x")), inlay::Exception);
}

TEST_CASE("facade: one text, however it is asked for", "[api]") {
  const inlay::Model model = inlay::Model::open(demo_path()).value();
  const std::string text = text_of(model.generate("Once upon a time", short_text));
  REQUIRE(text.size() > 20);

  SECTION("by callback, which may stop") {
    std::string pieces;
    const auto summary = model.generate("Once upon a time", short_text,
                                        [&](std::string_view piece) { pieces += piece; });
    REQUIRE(pieces == text);
    REQUIRE(summary->tokens == 20);
    REQUIRE(summary->prompt_tokens > 2);
    REQUIRE(summary->finish == inlay::Finish::tokens);
    int calls = 0;
    const auto stopped = model.generate("Once upon a time", short_text,
                                        [&](std::string_view) { return ++calls < 3; });
    REQUIRE(calls == 3);
    REQUIRE(stopped->finish == inlay::Finish::none);
  }
  SECTION("moved and shared") {
    inlay::Model other = model.share();
    inlay::Generation generation = other.generate("Once upon a time", short_text);
    other = inlay::Model();
    std::string_view piece;
    REQUIRE(generation.next(piece));
    std::string pieces(piece);
    inlay::Generation moved = std::move(generation);
    while (moved.next(piece)) pieces += piece;
    REQUIRE(moved);
    REQUIRE(pieces == text);
  }
  SECTION("by steps of the smallest budget") {
    auto session = inlay::Session::open(model, {.threads = 1}).value();
    const auto sequence = session.add().value();
    session.feed(sequence, model.tokenizer().encode("Once upon a time").value()).value();
    session.generate(sequence, short_text.sampler, 20).value();
    inlay::TextStream stream(model.tokenizer());
    std::string pieces;
    int yields = 0;
    for (inlay::Finish finish{}; finish == inlay::Finish::none;) {
      const auto event = session.step(std::chrono::nanoseconds(0)).value();  // not: without limit
      yields += event.status == inlay::Status::yield;
      if (event.status != inlay::Status::token) continue;
      finish = event.finish;
      pieces += stream.push(event.token).value();
    }
    pieces += stream.finish().value();
    REQUIRE(pieces == text);
    REQUIRE(yields > 20);
  }
  SECTION("from memory and from a reader") {
    Bytes bytes{inlay::test::read_bytes(demo_path())};
    const auto in_memory = inlay::Model::open(
        inlay::Source::memory(std::as_bytes(std::span<unsigned char>(bytes.all))));
    REQUIRE(text_of(in_memory.value().generate("Once upon a time", short_text)) == text);
    const auto read = inlay::Model::open(inlay::Source::callback(bytes.all.size(), bytes));
    REQUIRE(bytes.reads > 0);
    REQUIRE(text_of(read.value().generate("Once upon a time", short_text)) == text);
    bytes.broken = true;
    REQUIRE(inlay::Model::open(inlay::Source::callback(bytes.all.size(), bytes)).error().status() ==
            inlay::Status::io);
  }
  SECTION("on the host's heap, jobs and clock") {
    Heap heap;
    SerialJobs jobs;
    auto clock = []() -> std::uint64_t { return 5; };
    auto log = [](int, std::string_view) {};
    {
      inlay::Host host;
      host.memory(heap).jobs(jobs, 3).clock(clock).log(log);
      const auto lent = inlay::Model::open(demo_path(), {.host = &host}).value();
      REQUIRE(text_of(lent.generate("Once upon a time", short_text)) == text);
      REQUIRE(heap.live > 0);
      REQUIRE(jobs.runs > 0);
      heap.fail_from = heap.calls;
      REQUIRE(inlay::Session::open(lent).error().status() == inlay::Status::memory);
    }
    REQUIRE(heap.live == 0);
  }
}

TEST_CASE("facade: what a model says about itself", "[api]") {
  const auto model = inlay::Model::open(demo_path(), {.depth = inlay::Depth::program}).value();
  REQUIRE(std::string(model.info().architecture) == "llama");
  const auto architecture = model.find_metadata("general.architecture");
  REQUIRE(architecture);
  REQUIRE(
      (architecture->is_text && architecture->text == "llama" && architecture->type == "string"));
  REQUIRE_FALSE(model.find_metadata("general.nothing"));
  REQUIRE(model.metadata(model.info().metadata_count).error().status() == inlay::Status::argument);
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < model.info().tensor_count; ++i) bytes += model.tensor(i)->bytes;
  REQUIRE(bytes == model.info().weight_bytes);
  REQUIRE(model.plan()->total > model.plan({.context = 16})->total);
  REQUIRE(model.explain()->find("attention") != std::string::npos);
  REQUIRE(inlay::Session::open(model).error().status() == inlay::Status::state);

  const auto ids = model.tokenizer().encode("Hello there", {.add_special = false}).value();
  REQUIRE(model.tokenizer().decode(ids).value() == "Hello there");
  std::vector<std::int32_t> few(1);
  REQUIRE(model.tokenizer().encode("Hello there", few).error().status() == inlay::Status::limit);
  const std::string longer(10000, 'x');  // more ids than the first guess has room for, or fewer
  REQUIRE(model.tokenizer().decode(model.tokenizer().encode(longer).value()).value() == longer);
}

TEST_CASE("facade: logits of fed tokens", "[api]") {
  const auto model = inlay::Model::open(demo_path()).value();
  auto session = inlay::Session::open(model, {.context = 64, .logits_rows = 8}).value();
  const auto sequence = session.add().value();
  REQUIRE(session.logits(sequence).error().status() == inlay::Status::state);
  const std::vector<std::int32_t> ids = {1, 2, 3, 4, 5};
  session.feed(sequence, ids, inlay::LogitsOf::all).value();
  REQUIRE(session.length(sequence)->pending == 5);
  const auto event = session.step().value();
  REQUIRE(event.status == inlay::Status::logits);
  REQUIRE(event.sequence == sequence);
  const auto logits = session.logits(sequence).value();
  REQUIRE((logits.rows == 5 && logits.position == 0));
  REQUIRE(logits.row(4).size() == model.info().vocabulary);
  REQUIRE(logits.row(4).data() == logits.values.data() + 4 * logits.row(0).size());
  REQUIRE(session.step()->status == inlay::Status::done);
  REQUIRE(session.length(sequence)->computed == 5);
  session.drop(sequence).value();
  REQUIRE(session.feed(sequence, ids).error().status() == inlay::Status::state);
}

TEST_CASE("text that goes on a prompt keeps the space before its first word", "[api]") {
  INLAY_NEEDS_TEST_DATA();
  const auto model =
      inlay::Model::open(inlay::test::data_path("models/stories260K/stories260K.gguf"));
  REQUIRE(model);
  inlay::GenerateOptions options;
  options.sampler.temperature = 0;
  options.max_tokens = 5;
  std::string text;
  for (std::string_view piece : model->generate("Once upon", options)) text += piece;
  CHECK(text == " a time, there was");
  text.clear();
  for (std::string_view piece : model->generate("", options)) text += piece;
  CHECK(text.find("Once upon a time") == 0);
}
