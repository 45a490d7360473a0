// facade_test.cpp - the C++ interface: results and exceptions, ownership, host objects, generation.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "inlay/inlay.hpp"
#include "support/catch.h"
#include "support/data.h"
#include "support/scratch_folder.h"

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

struct Written {
  std::vector<unsigned char> all;
  std::size_t room = std::numeric_limits<std::size_t>::max();
  bool write(std::span<const std::byte> bytes) {
    if (bytes.size() > room - all.size()) return false;
    const auto* first = reinterpret_cast<const unsigned char*>(bytes.data());
    all.insert(all.end(), first, first + bytes.size());
    return true;
  }
  inlay::Source source(std::string_view name = {}) const {
    return inlay::Source::memory(std::as_bytes(std::span(all)), name);
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
  inlay_model_options opened;
  inlay_model_options_defaults(&opened);
  const inlay::ModelOptions model;
  REQUIRE(static_cast<std::uint32_t>(model.depth) == opened.depth);
  REQUIRE(model.weights == opened.weights);
  REQUIRE(model.weight_budget == opened.weight_budget);
  REQUIRE(static_cast<std::uint32_t>(model.memory) == opened.memory);
  REQUIRE(model.check_weights == (opened.check_weights != 0));
  REQUIRE(model.importance == (opened.importance != 0));
  REQUIRE(model.threads == opened.threads);
  REQUIRE(model.progress.raw()->report == opened.progress.report);
  inlay_quantize_options quantized;
  inlay_quantize_options_defaults(&quantized);
  const inlay::QuantizeOptions quantize;
  REQUIRE(quantize.type == quantized.type);
  REQUIRE(quantize.threads == quantized.threads);
  REQUIRE(quantize.keep.size() == quantized.keep_count);
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
  Written nothing;
  REQUIRE(model.quantize(inlay::Sink::callback(nothing), {.type = "Q8_0"}).error().status() ==
          Status::argument);
  inlay::Session session;
  REQUIRE(session.write_importance(inlay::Sink::callback(nothing)).error().status() ==
          Status::argument);
  REQUIRE(nothing.all.empty());
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
    REQUIRE(stopped->finish == inlay::Finish::cancelled);
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

TEST_CASE("facade: files come from and go to many places", "[api]") {
  const inlay::test::ScratchFolder folder;
  const inlay::Model model = inlay::Model::open(demo_path()).value();
  const std::string text = text_of(model.generate("Once upon a time", short_text));
  const auto opens = [&](const inlay::Source& source, const inlay::ModelOptions& options = {}) {
    return text_of(
        inlay::Model::open(source, options).value().generate("Once upon a time", short_text));
  };
  SECTION("a file inside an open one") {
    std::vector<unsigned char> package(100, 7);
    const auto demo = inlay::test::read_bytes(demo_path());
    package.insert(package.end(), demo.begin(), demo.end());
    package.insert(package.end(), 50, 7);
    const int file = ::open(folder.add("package", package).c_str(), O_RDONLY);
    REQUIRE(file >= 0);
    const auto inside = inlay::Source::descriptor(file, 100, demo.size(), "demo in package");
    const inlay::Model opened = inlay::Model::open(inside).value();
    const auto error = inlay::Model::open(inlay::Source::descriptor(file, 50, 0, "this")).error();
    ::close(file);
    REQUIRE(text_of(opened.generate("Once upon a time", short_text)) == text);
    REQUIRE(error.status() == inlay::Status::format);
    REQUIRE(std::string(error.text()).find("this") != std::string::npos);
  }
  SECTION("parts of other sources") {
    Bytes bytes{inlay::test::read_bytes(demo_path())};
    const inlay::Source part = inlay::Source::callback(bytes.all.size(), bytes, "demo.gguf");
    REQUIRE(opens(inlay::Source::parts({&part, 1})) == text);
    REQUIRE(inlay::Model::open(inlay::Source::parts({})).error().status() ==
            inlay::Status::argument);
  }
  SECTION("every kind of memory") {
    for (const auto memory : {inlay::Memory::copied, inlay::Memory::huge_pages}) {
      REQUIRE(opens(inlay::Source::path(demo_path()), {.memory = memory}) == text);
    }
    REQUIRE(opens(inlay::Source::path(demo_path()), {.check_weights = true}) == text);
  }
  SECTION("in another type, while loading or as a file") {
    std::uint64_t last = 0, total = 0;
    auto watch = [&](std::uint64_t done, std::uint64_t of) {
      REQUIRE(done >= last);
      last = done;
      total = of;
    };
    const std::string loaded = opens(inlay::Source::path(demo_path()),
                                     {.weights = "Q4_0", .threads = 1, .progress = watch});
    REQUIRE(total > 0);
    REQUIRE(last == total);
    Written file;
    last = 0;
    model.quantize(inlay::Sink::callback(file), {.type = "Q4_0", .progress = watch}).value();
    REQUIRE(last == total);
    REQUIRE(opens(file.source()) == loaded);
    const std::string path = folder / "small.gguf";
    model.quantize(path, {.type = "Q4_0", .threads = 2}).value();
    REQUIRE(inlay::test::read_bytes(path) == file.all);
    REQUIRE(folder.names() == std::vector<std::string>{"small.gguf"});

    const inlay::Keep keep[] = {{"blk.0.*", "F16"}};
    Written kept;
    model.quantize(inlay::Sink::callback(kept), {.type = "Q4_0", .keep = keep}).value();
    REQUIRE(kept.all.size() > file.all.size());
  }
  SECTION("and may be cancelled or fail") {
    auto stop = [](std::uint64_t, std::uint64_t) { return false; };
    Written file;
    REQUIRE(model.quantize(inlay::Sink::callback(file), {.type = "Q4_0", .progress = stop})
                .error()
                .status() == inlay::Status::cancelled);
    REQUIRE(
        inlay::Model::open(demo_path(), {.weights = "Q4_0", .progress = stop}).error().status() ==
        inlay::Status::cancelled);
    Written small;
    small.room = 1000;
    REQUIRE(model.quantize(inlay::Sink::callback(small), {.type = "Q4_0"}).error().status() ==
            inlay::Status::io);
    REQUIRE(model.quantize(inlay::Sink::callback(file), {.type = "Q99"}).error().status() ==
            inlay::Status::argument);
    REQUIRE(model.quantize(inlay::Sink::callback(file), {}).error().status() ==
            inlay::Status::argument);
    REQUIRE(inlay::Model::open(demo_path(), {.weights = "auto", .weight_budget = 1000})
                .error()
                .status() == inlay::Status::limit);
  }
}

TEST_CASE("facade: importance, from a session to quantize", "[api]") {
  const inlay::Model model = inlay::Model::open(demo_path(), {.importance = true}).value();
  auto session = inlay::Session::open(model, {.context = 64}).value();
  Written matrix, plain, weighed;
  REQUIRE(session.write_importance(inlay::Sink::callback(matrix)).error().status() ==
          inlay::Status::state);  // nothing was seen yet
  session.feed(session.add().value(), model.tokenizer().encode("Once upon a time").value()).value();
  while (session.step()->status != inlay::Status::done) {
  }
  session.write_importance(inlay::Sink::callback(matrix)).value();
  const inlay::Source source = matrix.source("matrix");
  model.quantize(inlay::Sink::callback(plain), {.type = "Q4_0"}).value();
  model.quantize(inlay::Sink::callback(weighed), {.type = "Q4_0", .importance = &source}).value();
  REQUIRE(plain.all != weighed.all);
  REQUIRE(plain.all.size() == weighed.all.size());
}

TEST_CASE("facade: the names of types end somewhere", "[api]") {
  bool found = false;
  std::uint32_t count = 0;
  while (const char* name = inlay::quantize_type(count)) {
    found = found || std::string(name) == "Q4_K_M";
    REQUIRE(++count < 1000);
  }
  REQUIRE(found);
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
