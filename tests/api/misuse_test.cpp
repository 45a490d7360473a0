// misuse_test.cpp - mistakes of the caller are errors, in every build.
#include <atomic>
#include <limits>
#include <thread>

#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"

using namespace inlay::test;

namespace {

std::string tiny() { return fixture_path("models/llama-gqa.gguf"); }

bool says(const inlay_error& error, const char* part) {
  return std::string(error.text).find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("NULL for every pointer is an argument error", "[api]") {
  inlay_error error{};
  inlay_model* model = nullptr;
  inlay_session* session = nullptr;
  inlay_source source;
  inlay_source_path(&source, "x", 1);
  const std::int32_t ids[] = {1};
  std::size_t count = 0;
  const char* bytes = nullptr;
  const float* logits = nullptr;
  inlay_stream stream{};
  char text[8];
  inlay_event event{};
  inlay_plan plan{};
  CHECK(inlay_model_open(nullptr, nullptr, &model, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_open(&source, nullptr, nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_get_info(nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_get_metadata(nullptr, 0, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_get_tensor(nullptr, 0, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_get_tokenizer(nullptr) == nullptr);
  CHECK(inlay_model_plan(nullptr, nullptr, &plan, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_model_explain(nullptr, nullptr, text, 8, &count, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_tokenizer_encode(nullptr, "x", 1, 0, nullptr, 0, &count, &error) ==
        INLAY_ERROR_ARGUMENT);
  CHECK(inlay_tokenizer_decode(nullptr, ids, 1, 0, text, 8, &count, &error) ==
        INLAY_ERROR_ARGUMENT);
  CHECK(inlay_tokenizer_piece(nullptr, 0, &bytes, &count) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_tokenizer_get_info(nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_tokenizer_is_end(nullptr, 0) == 0);
  CHECK(inlay_stream_push(&stream, nullptr, 0, text, 8, &count) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_stream_finish(nullptr, text, 8, &count) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_open(nullptr, nullptr, &session, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_add(nullptr, nullptr, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_drop(nullptr, 1) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_feed(nullptr, 1, ids, 1, 0, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_generate(nullptr, 1, nullptr, 1, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_step(nullptr, 0, &event, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_logits(nullptr, 1, &logits, nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_length(nullptr, 1, nullptr, nullptr) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_clear(nullptr, 1) == INLAY_ERROR_ARGUMENT);
  inlay_sequence sequence = 0;
  inlay_session_info info{};
  inlay_sink sink;
  inlay_sink_path(&sink, "x", 1);
  CHECK(inlay_session_fork(nullptr, 1, &sequence, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_rewind(nullptr, 1, 0, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_set_context_policy(nullptr, 1, 0, 0, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_set_stop(nullptr, 1, ids, 1, 0, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_step_tiles(nullptr, 1, &event, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_tokens(nullptr, 1, nullptr, 0, &count) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_get_info(nullptr, &info) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_save(nullptr, 0, 0, &sink, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_restore(nullptr, &source, 0, &sequence, 1, &count, &error) ==
        INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_write_trace(nullptr, &sink, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_write_importance(nullptr, &sink, &error) == INLAY_ERROR_ARGUMENT);
  inlay_session_cancel(nullptr);
  inlay_session_close(nullptr);
  inlay_model_release(nullptr);
  inlay_model_retain(nullptr);
  inlay_model_options_defaults(nullptr);
  inlay_session_options_defaults(nullptr);
  inlay_sampler_options_defaults(nullptr);
  inlay_host_defaults(nullptr);
  inlay_source_path(nullptr, "x", 1);
}

TEST_CASE("ids, options and sequences outside their range name the value", "[api]") {
  const TestModel model(tiny());
  auto options = TestSession::options();
  options.context = 32;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add();
  inlay_error error{};
  const auto vocabulary = static_cast<std::int32_t>(model.info().vocabulary);
  for (const std::int32_t id : {-1, vocabulary, std::numeric_limits<std::int32_t>::max(),
                                std::numeric_limits<std::int32_t>::min()}) {
    CHECK(inlay_session_feed(session.handle, sequence, &id, 1, 0, &error) == INLAY_ERROR_ARGUMENT);
    CHECK(says(error, std::to_string(id).c_str()));
  }
  const std::vector<std::int32_t> long_prompt(33, 1);
  CHECK(inlay_session_feed(session.handle, sequence, long_prompt.data(), 33, 0, &error) ==
        INLAY_ERROR_LIMIT);
  CHECK(says(error, "33"));
  CHECK(says(error, "32"));
  CHECK(inlay_session_feed(session.handle, sequence, long_prompt.data(), 1, 8, &error) ==
        INLAY_ERROR_ARGUMENT);
  CHECK(inlay_session_feed(session.handle, 0, long_prompt.data(), 1, 0, &error) ==
        INLAY_ERROR_STATE);
  CHECK(inlay_session_feed(session.handle, sequence + 1, long_prompt.data(), 1, 0, &error) ==
        INLAY_ERROR_STATE);
  inlay_sequence second = 0;
  CHECK(inlay_session_add(session.handle, &second, &error) == INLAY_ERROR_LIMIT);
  const float* logits = nullptr;
  CHECK(inlay_session_logits(session.handle, sequence, &logits, nullptr, nullptr) ==
        INLAY_ERROR_STATE);
  // After all that the session works, up to the last cell of its context.
  session.feed(sequence, std::vector<std::int32_t>(32, 1));
  inlay_event event{};
  CHECK(session.step(event) == INLAY_LOGITS);
  CHECK(session.step(event) == INLAY_DONE);
}

TEST_CASE("sampler options outside their range are refused", "[api]") {
  const TestModel model(tiny());
  TestSession session(model, TestSession::options());
  const inlay_sequence sequence = session.add();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [&](auto set) {
    inlay_sampler_options options;
    inlay_sampler_options_defaults(&options);
    set(options);
    return inlay_session_generate(session.handle, sequence, &options, 1, nullptr) ==
           INLAY_ERROR_ARGUMENT;
  };
  CHECK(refused([&](auto& o) { o.temperature = -1; }));
  CHECK(refused([&](auto& o) { o.temperature = nan; }));
  CHECK(refused([&](auto& o) { o.top_p = 0; }));
  CHECK(refused([&](auto& o) { o.top_p = 1.5f; }));
  CHECK(refused([&](auto& o) { o.min_p = nan; }));
  CHECK(refused([&](auto& o) { o.repeat_penalty = 0; }));
  CHECK(refused([&](auto& o) { o.struct_size = 0; }));
  const inlay_logit_bias outside{1 << 30, 1.0f};
  CHECK(refused([&](auto& o) {
    o.bias = &outside;
    o.bias_count = 1;
  }));
  CHECK(refused([&](auto& o) { o.bias_count = 3; }));
}

TEST_CASE("a dropped sequence is gone, its successor is another one", "[api]") {
  const TestModel model(tiny());
  TestSession session(model, TestSession::options());
  const inlay_sequence first = session.add();
  REQUIRE(inlay_session_drop(session.handle, first) == INLAY_OK);
  CHECK(inlay_session_drop(session.handle, first) == INLAY_ERROR_STATE);
  const inlay_sequence second = session.add();
  CHECK(second != first);
  CHECK(inlay_session_length(session.handle, first, nullptr, nullptr) == INLAY_ERROR_STATE);
}

TEST_CASE("session options over their limits are refused with both values", "[api]") {
  const TestModel model(tiny());
  inlay_error error{};
  inlay_session* session = nullptr;
  const auto refused = [&](auto set, inlay_status expected) {
    auto options = TestSession::options();
    set(options);
    return inlay_session_open(model.handle, &options, &session, &error) == expected;
  };
  CHECK(refused([](auto& o) { o.context = 0xffffffff; }, INLAY_ERROR_LIMIT));
  CHECK(says(error, "4294967295"));
  CHECK(refused([](auto& o) { o.sequences = 1025; }, INLAY_ERROR_LIMIT));
  CHECK(refused([](auto& o) { o.chunk = 1u << 31; }, INLAY_ERROR_LIMIT));
  CHECK(refused([](auto& o) { o.threads = 100000; }, INLAY_ERROR_LIMIT));
  CHECK(refused([](auto& o) { o.kv_tokens = (std::uint64_t{1} << 30) + 1; }, INLAY_ERROR_LIMIT));
  CHECK(says(error, "1073741825"));
  CHECK(says(error, "1073741824"));
  CHECK(refused([](auto& o) { o.trace_events = (1u << 22) + 1; }, INLAY_ERROR_LIMIT));
  CHECK(says(error, "4194305"));
  CHECK(refused([](auto& o) { o.kv_type = 99; }, INLAY_ERROR_ARGUMENT));
  CHECK(says(error, "99"));
  CHECK(refused([](auto& o) { o.value_type = 6; }, INLAY_ERROR_ARGUMENT));
  CHECK(says(error, "value_type is 6, known are 0 to 5"));
  CHECK(refused([](auto& o) { o.reuse = 2; }, INLAY_ERROR_ARGUMENT));
  CHECK(says(error, "reuse is 2, expected 0 to 1"));
  CHECK(refused([](auto& o) { o.reserved = 7; }, INLAY_ERROR_ARGUMENT));
  CHECK(says(error, "reserved is 7"));
  CHECK(refused([](auto& o) { o.struct_size = 3; }, INLAY_ERROR_ARGUMENT));
}

TEST_CASE("options and events of the first version keep working", "[api]") {
  const TestModel model(tiny());
  auto options = TestSession::options();
  options.context = 32;
  options.struct_size = offsetof(inlay_session_options, value_type);
  // Fields behind the caller's size are not looked at.
  options.value_type = options.reuse = options.reserved = 0xabababab;
  options.kv_tokens = options.trace_events = 0xabababab;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add();
  session.feed(sequence, {3, 4, 5});
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, 1, nullptr) == INLAY_OK);
  inlay_event event{};
  constexpr std::uint32_t first_event = offsetof(inlay_event, dropped);
  event.struct_size = first_event;
  event.dropped = 0xabababab;
  REQUIRE(inlay_session_step(session.handle, 0, &event, nullptr) == INLAY_TOKEN);
  CHECK(event.struct_size == first_event);
  CHECK(event.sequence == sequence);
  CHECK(event.finish == INLAY_FINISH_TOKENS);
  CHECK(event.dropped == 0xabababab);
}

TEST_CASE("a count over the context is refused before the ids are read", "[api]") {
  const TestModel model(demo_path());
  TestSession session(model, TestSession::options());
  const inlay_sequence sequence = session.add();
  const std::int32_t one = 5;  // reading more ends the test
  for (const std::uint32_t policy : {INLAY_CONTEXT_STOP, INLAY_CONTEXT_DROP}) {
    REQUIRE(inlay_session_set_context_policy(session.handle, sequence, policy, 1, nullptr) == 0);
    CHECK(inlay_session_feed(session.handle, sequence, &one, std::size_t{1} << 50, 0, nullptr) ==
          INLAY_ERROR_LIMIT);
  }
  session.feed(sequence, {one});
}

TEST_CASE("defaults write no byte behind an older, smaller struct", "[api]") {
  struct {
    inlay_session_options options;
    unsigned char behind[16];
  } memory;
  std::memset(&memory, 0x5a, sizeof memory);
  inlay_session_options_init(&memory.options, offsetof(inlay_session_options, value_type));
  CHECK(memory.options.struct_size == offsetof(inlay_session_options, value_type));
  CHECK(memory.options.chunk == 256);
  CHECK(memory.options.value_type == 0x5a5a5a5a);
  inlay_session_options_init(&memory.options, sizeof memory.options);
  CHECK(memory.options.reuse == 1);
  CHECK(memory.behind[0] == 0x5a);
}

TEST_CASE("depths: what is not opened is a state error", "[api]") {
  const TestModel metadata(tiny(), nullptr, INLAY_OPEN_METADATA);
  const TestModel program(tiny(), nullptr, INLAY_OPEN_PROGRAM);
  inlay_error error{};
  inlay_session* session = nullptr;
  inlay_plan plan{};
  plan.struct_size = sizeof plan;
  CHECK(inlay_model_plan(metadata.handle, nullptr, &plan, &error) == INLAY_ERROR_STATE);
  CHECK(inlay_session_open(metadata.handle, nullptr, &session, &error) == INLAY_ERROR_STATE);
  CHECK(inlay_model_plan(program.handle, nullptr, &plan, &error) == INLAY_OK);
  CHECK(inlay_session_open(program.handle, nullptr, &session, &error) == INLAY_ERROR_STATE);
  CHECK(inlay_model_get_tokenizer(metadata.handle) != nullptr);
  plan.struct_size = 0;
  CHECK(inlay_model_plan(program.handle, nullptr, &plan, &error) == INLAY_ERROR_ARGUMENT);
  CHECK(std::string(error.text) ==
        "plan: struct_size is 0, expected " + std::to_string(sizeof plan));
}

TEST_CASE("an unknown instruction set is named", "[api]") {
  inlay_source source;
  const std::string path = tiny();
  inlay_source_path(&source, path.data(), path.size());
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.isa = "quantum";
  inlay_model* model = nullptr;
  inlay_error error{};
  CHECK(inlay_model_open(&source, &options, &model, &error) == INLAY_ERROR_UNSUPPORTED);
  CHECK(says(error, "quantum"));
}

TEST_CASE("a missing file is named", "[api]") {
  inlay_source source;
  inlay_source_path(&source, "no-such-file.gguf", 17);
  inlay_model* model = nullptr;
  inlay_error error{};
  CHECK(inlay_model_open(&source, nullptr, &model, &error) == INLAY_ERROR_IO);
  CHECK(says(error, "no-such-file.gguf"));
}

TEST_CASE("two threads in one session: one works, the other is told", "[api]") {
  const TestModel model(demo_path());
  auto options = TestSession::options();
  options.context = 512;
  TestSession session(model, options);
  const inlay_sequence sequence = session.add();
  session.feed(sequence, some_ids(400));
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> told{0};
  std::thread other([&] {
    while (!over) {
      std::uint32_t computed = 0;
      if (inlay_session_length(session.handle, sequence, &computed, nullptr) == INLAY_ERROR_STATE) {
        ++told;
      }
    }
  });
  inlay_event event{};
  inlay_status status = INLAY_YIELD;
  // The other thread's short calls may meet the start of a step: then this one is told.
  while (status != INLAY_LOGITS) {
    event.struct_size = sizeof event;
    status = inlay_session_step(session.handle, 0, &event, nullptr);
    REQUIRE((status >= 0 || status == INLAY_ERROR_STATE));
  }
  over = true;
  other.join();
  CHECK(told > 0);
}

TEST_CASE("one model, many threads, each with a session of its own", "[api]") {
  const TestModel model(demo_path());
  const auto ids = some_ids(70);
  const std::uint64_t expected = hash_of(all_logits(model, ids));
  std::vector<std::thread> threads;
  std::atomic<int> equal{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { equal += hash_of(all_logits(model, ids)) == expected; });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(equal == 4);
}

TEST_CASE("the context ends a generation with its reason", "[api]") {
  const TestModel model(demo_path());
  for (std::uint32_t context = 38; context <= 42; ++context) {
    auto options = TestSession::options();
    options.context = context;
    TestSession session(model, options);
    const inlay_sequence sequence = session.add();
    session.feed(sequence, some_ids(36));
    inlay_sampler_options sampler;
    inlay_sampler_options_defaults(&sampler);
    const inlay_logit_bias no_end{0, -INFINITY};
    sampler.bias = &no_end;
    sampler.bias_count = 1;
    REQUIRE(inlay_session_generate(session.handle, sequence, &sampler, 0, nullptr) == INLAY_OK);
    inlay_event event{};
    std::uint32_t tokens = 0, last = 0;
    while (session.step(event) != INLAY_DONE) {
      ++tokens;
      last = event.finish;
    }
    // Tokens up to the full context are fed, one more is told.
    CHECK(tokens == context - 36 + 1);
    CHECK(last == INLAY_FINISH_CONTEXT);
  }
}
