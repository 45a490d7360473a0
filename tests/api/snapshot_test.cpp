// snapshot_test.cpp - sequences saved and restored: the same bits go on, and nothing else is taken.
#include <algorithm>
#include <array>
#include <functional>
#include <random>

#include "api/handles.h"
#include "engine/snapshot.h"
#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/folder.h"
#include "support/scratch_folder.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Ids = std::vector<std::int32_t>;

std::string tiny() { return fixture_path("models/llama-gqa.gguf"); }

Ids ids(std::int32_t count, std::int32_t first = 3) {
  Ids result;
  for (std::int32_t i = 0; i < count; ++i) result.push_back(5 + (i * 7 + i / 9 + first) % 40);
  return result;
}

inlay_session_options roomy(std::uint32_t sequences = 2) {
  auto options = TestSession::options();
  options.context = 320;
  options.sequences = sequences;
  options.chunk = 48;
  options.logits_rows = 16;
  return options;
}

// A seeded sampler that uses most options, without an end: tokens 0 to 2 are the special ones.
inlay_sampler_options sampler(std::uint64_t seed = 11) {
  static const inlay_logit_bias biases[] = {
      {0, -INFINITY}, {1, -INFINITY}, {2, -INFINITY}, {9, 0.5f}};
  inlay_sampler_options options;
  inlay_sampler_options_defaults(&options);
  options.temperature = 1.3f;
  options.repeat_penalty = 1.1f;
  options.penalty_window = 100;
  options.seed = seed;
  options.stream = 5;
  options.bias = biases;
  options.bias_count = 4;
  return options;
}

void generate(TestSession& s, inlay_sequence q, std::uint64_t tokens, std::uint64_t seed = 11) {
  const auto options = sampler(seed);
  expect_ok(inlay_session_generate(s.handle, q, &options, tokens, &s.error), s.error);
}

inlay_status try_save(TestSession& s, inlay_sequence q, std::uint32_t flags, Bytes& bytes) {
  const inlay_sink sink = sink_to(bytes);
  return inlay_session_save(s.handle, q, flags, &sink, &s.error);
}

Bytes save(TestSession& s, inlay_sequence q, std::uint32_t flags = 0) {
  Bytes bytes;
  expect_ok(try_save(s, q, flags, bytes), s.error);
  return bytes;
}

void append(TestSession& s, inlay_sequence q, Bytes& file) {
  const Bytes more = save(s, q, INLAY_SAVE_APPEND);
  file.insert(file.end(), more.begin(), more.end());
}

inlay_status try_restore(TestSession& s, const inlay_source& source, std::uint32_t flags,
                         std::vector<inlay_sequence>& sequences) {
  sequences.assign(16, 0);
  std::size_t count = 0;
  const inlay_status status = inlay_session_restore(s.handle, &source, flags, sequences.data(),
                                                    sequences.size(), &count, &s.error);
  sequences.resize(status == INLAY_OK ? count : 0);
  return status;
}

inlay_status try_restore(TestSession& s, const Bytes& bytes,
                         std::vector<inlay_sequence>& sequences) {
  return try_restore(s, block_source(bytes), 0, sequences);
}

std::vector<inlay_sequence> restore(TestSession& s, const Bytes& bytes, std::uint32_t flags = 0) {
  std::vector<inlay_sequence> sequences;
  expect_ok(try_restore(s, block_source(bytes), flags, sequences), s.error);
  return sequences;
}

inlay_sequence restore_one(TestSession& s, const Bytes& bytes, std::uint32_t flags = 0) {
  const auto sequences = restore(s, bytes, flags);
  REQUIRE(sequences.size() == 1);
  return sequences[0];
}

Ids tokens_of(TestSession& s, inlay_sequence q) {
  std::size_t count = 0;
  inlay_session_tokens(s.handle, q, nullptr, 0, &count);
  Ids result(count);
  REQUIRE(inlay_session_tokens(s.handle, q, result.data(), count, &count) == INLAY_OK);
  return result;
}

inlay_session_info info_of(const TestSession& s) {
  inlay_session_info info{};
  info.struct_size = sizeof info;
  REQUIRE(inlay_session_get_info(s.handle, &info) == INLAY_OK);
  return info;
}

inlay_status step_tiles(TestSession& s, std::uint64_t tiles) {
  inlay_event event{};
  event.struct_size = sizeof event;
  const inlay_status status = inlay_session_step_tiles(s.handle, tiles, &event, &s.error);
  expect_ok(status, s.error);
  return status;
}

// All that a sequence tells, in order.
struct Told {
  Ids tokens;
  std::vector<std::uint32_t> finishes, dropped, positions;  // positions: of rows of logits
  std::vector<float> logits;
  bool operator==(const Told&) const = default;
};

void hear(TestSession& s, const inlay_event& event, inlay_status status, std::size_t vocabulary,
          Told& told) {
  if (status == INLAY_TOKEN) {
    told.tokens.push_back(event.token);
    told.finishes.push_back(event.finish);
    told.dropped.push_back(event.dropped);
  }
  if (status != INLAY_LOGITS) return;
  const float* logits = nullptr;
  std::uint32_t rows = 0, position = 0;
  REQUIRE(inlay_session_logits(s.handle, event.sequence, &logits, &rows, &position) == 0);
  for (std::uint32_t i = 0; i < rows; ++i) told.positions.push_back(position + i);
  told.logits.insert(told.logits.end(), logits, logits + rows * vocabulary);
}

void run(TestSession& s, const TestModel& model, inlay_sequence q, Told& told) {
  inlay_event event{};
  for (inlay_status status; (status = s.step(event)) != INLAY_DONE;) {
    if (event.sequence == q) hear(s, event, status, model.info().vocabulary, told);
  }
}

// Everything still to come of the sequence, then the logits of some more tokens, then more draws.
Told go_on(TestSession& s, const TestModel& model, inlay_sequence q) {
  Told told;
  run(s, model, q, told);
  REQUIRE(inlay_session_generate(s.handle, q, nullptr, 0, nullptr) == INLAY_OK);
  s.feed(q, ids(21, 8), INLAY_FEED_ALL_LOGITS);
  run(s, model, q, told);
  generate(s, q, 5);
  run(s, model, q, told);
  return told;
}

struct Moment {
  const char* name;
  // `other` is a second sequence, empty and in an earlier slot; it may be used up.
  std::function<void(TestSession&, inlay_sequence, inlay_sequence other)> reach;
};

inlay_event next(TestSession& s) {
  inlay_event event{};
  REQUIRE(s.step(event) > 0);
  return event;
}

const std::vector<Moment>& moments() {
  static const std::vector<Moment> list{
      {"empty", [](TestSession&, inlay_sequence, inlay_sequence) {}},
      {"fed", [](TestSession& s, inlay_sequence q, inlay_sequence) { s.feed(q, ids(70)); }},
      {"fed, with a sampler",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(70));
         generate(s, q, 9);
       }},
      {"some passes done",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(140));
         generate(s, q, 9);
         std::uint32_t computed = 0;
         while (computed < 90) {
           step_tiles(s, 40);
           REQUIRE(inlay_session_length(s.handle, q, &computed, nullptr) == INLAY_OK);
         }
       }},
      {"a pass in flight",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(60));
         generate(s, q, 9);
         REQUIRE(step_tiles(s, 7) == INLAY_YIELD);
       }},
      {"tokens drawn",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(62));
         generate(s, q, 12);
         for (int i = 0; i < 4; ++i) next(s);
       }},
      {"a pass with a drawn token in flight",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(62));
         generate(s, q, 12);
         for (int i = 0; i < 4; ++i) next(s);
         REQUIRE(step_tiles(s, 3) == INLAY_YIELD);
       }},
      {"a draw not told",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(33));
         REQUIRE(next(s).sequence == q);  // logits
         generate(s, q, 6);
       }},
      {"asked for, everything computed, no logits at hand",
       [](TestSession& s, inlay_sequence q, inlay_sequence other) {
         s.feed(q, ids(33));
         REQUIRE(next(s).sequence == q);
         s.feed(other, ids(3));
         REQUIRE(next(s).sequence == other);
         inlay_session_drop(s.handle, other);
         generate(s, q, 6);
       }},
      {"a generation is over",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(33));
         generate(s, q, 3);
         while (next(s).finish == INLAY_FINISH_NONE) continue;
       }},
      {"logits wanted of some",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(50));
         s.feed(q, ids(9, 4), INLAY_FEED_ALL_LOGITS);
         s.feed(q, ids(4, 5));
         REQUIRE(step_tiles(s, 30) == INLAY_YIELD);
       }},
      {"some logits told, others not yet computed",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(40), INLAY_FEED_ALL_LOGITS);
         REQUIRE(next(s).sequence == q);
       }},
      {"logits computed and not told",
       [](TestSession& s, inlay_sequence q, inlay_sequence other) {
         s.feed(q, ids(6));
         s.feed(q, ids(4, 2), INLAY_FEED_ALL_LOGITS);
         s.feed(other, ids(8, 9));
         REQUIRE(next(s).sequence == other);
         inlay_session_drop(s.handle, other);
       }},
      {"fed behind logits that are not told",
       [](TestSession& s, inlay_sequence q, inlay_sequence other) {
         s.feed(q, ids(12));
         s.feed(other, ids(8, 9));
         REQUIRE(next(s).sequence == other);
         s.feed(q, ids(5, 30));
         inlay_session_drop(s.handle, other);
       }},
      {"back in the middle of a page",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(150));
         next(s);
         REQUIRE(inlay_session_rewind(s.handle, q, 101, nullptr) == INLAY_OK);
       }},
      {"back, and to draw again",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         s.feed(q, ids(66));
         generate(s, q, 20);
         for (int i = 0; i < 8; ++i) next(s);
         REQUIRE(inlay_session_rewind(s.handle, q, 64, nullptr) == INLAY_OK);
       }},
      {"own stops and policy",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         const std::int32_t stops[] = {7, 13, 44};
         REQUIRE(inlay_session_set_stop(s.handle, q, stops, 3, INLAY_STOP_IGNORE_END, nullptr) ==
                 INLAY_OK);
         REQUIRE(inlay_session_set_context_policy(s.handle, q, INLAY_CONTEXT_DROP, 10, nullptr) ==
                 INLAY_OK);
         s.feed(q, ids(310));
         generate(s, q, 60);
         next(s);
       }},
      {"to drop tokens whose logits were wanted",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         REQUIRE(inlay_session_set_context_policy(s.handle, q, INLAY_CONTEXT_DROP, 10, nullptr) ==
                 INLAY_OK);
         s.feed(q, ids(200));
         s.feed(q, ids(110, 4), INLAY_FEED_ALL_LOGITS);
         inlay_event event{};
         while (s.step(event) != INLAY_DONE) continue;
       }},
      {"after tokens were dropped",
       [](TestSession& s, inlay_sequence q, inlay_sequence) {
         REQUIRE(inlay_session_set_context_policy(s.handle, q, INLAY_CONTEXT_DROP, 10, nullptr) ==
                 INLAY_OK);
         s.feed(q, ids(318));
         generate(s, q, 40);
         while (next(s).dropped == 0) continue;
       }},
  };
  return list;
}

}  // namespace

// ---- The same bits go on ------------------------------------------------------------------------

TEST_CASE("a restored sequence goes on as the saved one, at any moment", "[api][snapshot]") {
  const TestModel model(tiny());
  for (const Moment& moment : moments()) {
    INFO(moment.name);
    TestSession first(model, roomy()), second(model, roomy());
    const inlay_sequence other = first.add(), a = first.add();
    moment.reach(first, a, other);
    const Ids tokens = tokens_of(first, a);
    const Bytes file = save(first, a);
    const inlay_sequence b = restore_one(second, file);
    CHECK(tokens_of(second, b) == tokens);
    // What was read is what was written.
    CHECK((save(second, b) == file));
    const Told expected = go_on(first, model, a);
    CHECK((go_on(second, model, b) == expected));
    CHECK(tokens_of(second, b) == tokens_of(first, a));
    CHECK(expected.tokens.size() >= 5);
    CHECK(expected.logits.size() >= 21 * model.info().vocabulary);
  }
}

TEST_CASE("snapshots of every type of keys and values", "[api][snapshot]") {
  const TestModel model(tiny());
  std::vector<std::pair<std::uint32_t, std::uint32_t>> types{
      {INLAY_KV_Q8_0, INLAY_KV_Q4_0}, {INLAY_KV_F16, INLAY_KV_Q4_0}, {INLAY_KV_F32, INLAY_KV_BF16}};
  for (std::uint32_t t = INLAY_KV_F32; t <= INLAY_KV_Q4_0; ++t) types.emplace_back(t, t);
  for (const auto& [keys, values] : types) {
    INFO("keys " << keys << ", values " << values);
    auto options = roomy();
    options.kv_type = keys;
    options.value_type = values;
    for (const std::size_t moment : {3u, 5u}) {
      TestSession first(model, options), second(model, options);
      const inlay_sequence other = first.add(), a = first.add();
      moments()[moment].reach(first, a, other);
      const Bytes file = save(first, a);
      const inlay_sequence b = restore_one(second, file);
      CHECK((save(second, b) == file));
      CHECK((go_on(second, model, b) == go_on(first, model, a)));
    }
  }
}

TEST_CASE("a snapshot goes on with other threads, chunks and instruction sets", "[api][snapshot]") {
  const TestModel model(tiny());
  for (const std::size_t moment : {3u, 5u, 12u}) {
    TestSession first(model, roomy());
    const inlay_sequence other = first.add(), a = first.add();
    moments()[moment].reach(first, a, other);
    const Bytes file = save(first, a);
    const Told expected = go_on(first, model, a);
    for (const std::string& isa : usable_isas()) {
      const TestModel unit(tiny(), isa.c_str());
      for (const std::uint32_t chunk : {5u, 256u}) {
        auto options = roomy(4);
        options.chunk = chunk;
        options.threads = chunk == 5 ? 3 : 1;
        options.context = chunk == 5 ? 320 : 512;
        options.reuse = chunk == 5;
        TestSession second(unit, options);
        const inlay_sequence before = second.add();
        second.feed(before, ids(100, 1));
        step_tiles(second, 5);  // restored beside a pass in flight
        const inlay_sequence b = restore_one(second, file);
        const Told told = go_on(second, unit, b);
        CHECK(told.tokens == expected.tokens);
        CHECK(told.positions == expected.positions);
        CHECK(told.logits == expected.logits);
      }
    }
  }
}

TEST_CASE("all sequences of a session, and pages that they share once", "[api][snapshot]") {
  const TestModel model(tiny());
  const auto options = roomy(6);
  TestSession first(model, options);
  std::vector<inlay_sequence> all{first.add()};
  first.feed(all[0], ids(200));
  next(first);
  for (std::int32_t i = 1; i < 5; ++i) {
    inlay_sequence copy = 0;
    REQUIRE(inlay_session_fork(first.handle, all[0], &copy, nullptr) == INLAY_OK);
    if (i > 1) first.feed(copy, ids(10, i));
    if (i > 2) generate(first, copy, 10, static_cast<std::uint64_t>(i));
    all.push_back(copy);
  }
  inlay_event event{};
  for (int i = 0; i < 7; ++i) REQUIRE(first.step(event) > 0);
  all.push_back(first.add());
  const Bytes file = save(first, 0);
  const std::uint64_t token_bytes = info_of(first).page_bytes / 64;
  CHECK(file.size() < (200 + 3 * (8 + 20)) * token_bytes + 6 * 4096);
  TestSession second(model, options);
  const auto restored = restore(second, file);
  REQUIRE(restored.size() == all.size());
  CHECK(info_of(second).pages_used <= info_of(first).pages_used);
  CHECK((save(second, 0) == file));
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO("sequence " << i);
    CHECK(tokens_of(second, restored[i]) == tokens_of(first, all[i]));
    CHECK((save(second, restored[i]) == save(first, all[i])));
  }
  std::vector<Told> told[2];
  for (std::size_t i = 0; i < all.size(); ++i) told[0].push_back(go_on(first, model, all[i]));
  for (std::size_t i = 0; i < all.size(); ++i) told[1].push_back(go_on(second, model, restored[i]));
  // While one is heard, the others' draws go by: what is compared is what they all say from there.
  CHECK((told[0] == told[1]));
}

TEST_CASE("a session without sequences is a file, too", "[api][snapshot]") {
  const TestModel model(tiny());
  TestSession session(model, roomy());
  const Bytes file = save(session, 0);
  CHECK(restore(session, file).empty());
}

TEST_CASE("paths, descriptors and callbacks", "[api][snapshot]") {
  const TestModel model(tiny());
  const ScratchFolder folder;
  const std::string path = folder / "chat.kv";
  TestSession session(model, roomy(3));
  const inlay_sequence other = session.add(), a = session.add();
  moments()[5].reach(session, a, other);
  inlay_sink sink;
  inlay_sink_path(&sink, path.data(), path.size());
  REQUIRE((inlay_session_save(session.handle, a, 0, &sink, nullptr) == INLAY_OK));
  CHECK(folder.names() == std::vector<std::string>{"chat.kv"});
  const Bytes file = save(session, a);
  CHECK((read_bytes(path) == file));
  inlay_source source;
  inlay_source_path(&source, path.data(), path.size());
  std::vector<inlay_sequence> restored;
  REQUIRE(try_restore(session, source, 0, restored) == INLAY_OK);
  CHECK((save(session, restored.at(0)) == file));
  inlay_session_drop(session.handle, restored[0]);
  const auto read = [](void* user, std::uint64_t offset, void* to, std::size_t size) {
    std::memcpy(to, static_cast<const Bytes*>(user)->data() + offset, size);
    return inlay_status{INLAY_OK};
  };
  inlay_source_callback(&source, file.size(), const_cast<Bytes*>(&file), read);
  REQUIRE(try_restore(session, source, 0, restored) == INLAY_OK);
  CHECK((save(session, restored.at(0)) == file));
}

// ---- Appending ----------------------------------------------------------------------------------

TEST_CASE("twenty turns appended are one whole save", "[api][snapshot]") {
  const TestModel model(tiny());
  for (const std::uint32_t kv : {INLAY_KV_F32, INLAY_KV_Q8_0}) {
    auto options = roomy();
    options.kv_type = kv;
    TestSession session(model, options);
    const inlay_sequence a = session.add();
    Bytes file = save(session, a);
    for (std::int32_t turn = 0; turn < 20; ++turn) {
      INFO("turn " << turn);
      if (turn == 7) REQUIRE(inlay_session_rewind(session.handle, a, 61, nullptr) == INLAY_OK);
      if (turn == 13) REQUIRE(inlay_session_rewind(session.handle, a, 5, nullptr) == INLAY_OK);
      if (turn == 15) {
        REQUIRE(inlay_session_set_context_policy(session.handle, a, INLAY_CONTEXT_DROP, 9,
                                                 nullptr) == INLAY_OK);
        session.feed(a, ids(300));
      }
      session.feed(a, ids(12, turn));
      generate(session, a, 6, 100 + static_cast<std::uint64_t>(turn));
      Told told;
      if (turn % 3 == 1) {
        step_tiles(session, 4);  // saved with a pass in flight
      } else {
        run(session, model, a, told);
      }
      append(session, a, file);
      if (turn % 5 == 2) append(session, a, file);  // nothing is new
      run(session, model, a, told);
      CHECK(told.tokens.size() == 6);
    }
    append(session, a, file);
    TestSession other(model, options);
    const inlay_sequence b = restore_one(other, file);
    CHECK((save(other, b) == save(session, a)));
    CHECK((go_on(other, model, b) == go_on(session, model, a)));
  }
}

TEST_CASE("a restored sequence goes on in its file", "[api][snapshot]") {
  const TestModel model(tiny());
  TestSession first(model, roomy(5));
  const inlay_sequence a = first.add();
  first.feed(a, ids(100));
  next(first);
  inlay_sequence b = 0;
  REQUIRE(inlay_session_fork(first.handle, a, &b, nullptr) == INLAY_OK);
  first.feed(b, ids(50, 2));
  next(first);
  Bytes file = save(first, 0);
  std::vector<inlay_sequence> restored{a, b};
  std::vector<Bytes> whole;
  for (std::int32_t turn = 0; turn < 6; ++turn) {
    TestSession session(model, roomy(5));
    restored = restore(session, file);
    REQUIRE(restored.size() == 2);
    if (turn > 0) {
      CHECK((save(session, restored[0]) == whole[0]));
      CHECK((save(session, restored[1]) == whole[1]));
      restored = restore(session, file);  // a save of one is another file
      restored.erase(restored.begin(), restored.end() - 2);
    }
    // The base of the other goes back behind what they share, and each goes on alone.
    const inlay_sequence one = restored[turn % 2];
    REQUIRE(inlay_session_rewind(session.handle, one, 90 - 15 * static_cast<std::uint32_t>(turn),
                                 nullptr) == INLAY_OK);
    session.feed(one, ids(33, turn));
    next(session);
    append(session, one, file);
    whole = {save(session, restored[0]), save(session, restored[1])};
  }
}

TEST_CASE("an append that cannot be is refused, one that failed is made up for",
          "[api][snapshot]") {
  const TestModel model(tiny());
  const ScratchFolder folder;
  TestSession session(model, roomy());
  const inlay_sequence a = session.add();
  session.feed(a, ids(80));
  next(session);
  Bytes bytes;
  CHECK((try_save(session, a, INLAY_SAVE_APPEND, bytes) == INLAY_ERROR_STATE));
  CHECK((try_save(session, 0, INLAY_SAVE_APPEND, bytes) == INLAY_ERROR_ARGUMENT));
  CHECK((try_save(session, a + 77, 0, bytes) == INLAY_ERROR_STATE));
  CHECK(bytes.empty());
  Bytes file = save(session, a);
  const std::string path = folder / "chat.kv";
  inlay_sink to_path;
  inlay_sink_path(&to_path, path.data(), path.size());
  CHECK((inlay_session_save(session.handle, a, INLAY_SAVE_APPEND, &to_path, nullptr) ==
         INLAY_ERROR_ARGUMENT));
  CHECK(folder.names().empty());

  session.feed(a, ids(30, 9));
  next(session);
  inlay_sink failing;
  inlay_sink_callback(&failing, nullptr,
                      [](void*, const void*, std::size_t) { return inlay_status{INLAY_ERROR_IO}; });
  CHECK((inlay_session_save(session.handle, a, INLAY_SAVE_APPEND, &failing, nullptr) ==
         INLAY_ERROR_IO));
  inlay_sink_callback(&failing, nullptr, [](void*, const void*, std::size_t) {
    return inlay_status{INLAY_ERROR_CANCELLED};
  });
  CHECK((inlay_session_save(session.handle, a, 0, &failing, nullptr) == INLAY_ERROR_CANCELLED));
  append(session, a, file);
  TestSession other(model, roomy());
  CHECK((save(other, restore_one(other, file)) == save(session, a)));
  // A fork is in no file yet.
  inlay_sequence copy = 0;
  REQUIRE(inlay_session_fork(session.handle, a, &copy, nullptr) == INLAY_OK);
  CHECK((try_save(session, copy, INLAY_SAVE_APPEND, bytes) == INLAY_ERROR_STATE));
}

// ---- What does not fit --------------------------------------------------------------------------

namespace {

// The status and text of restoring the file into a session with these options.
std::string refusal(const TestModel& model, const inlay_session_options& options,
                    const Bytes& file) {
  TestSession session(model, options);
  std::vector<inlay_sequence> restored;
  const inlay_status status = try_restore(session, file, restored);
  CHECK(info_of(session).alive == 0);
  CHECK(info_of(session).pages_used == 0);
  return std::string(inlay_status_name(status)) + ": " + session.error.text;
}

bool has(const std::string& text, std::initializer_list<const char*> parts) {
  INFO(text);
  const bool all = std::all_of(parts.begin(), parts.end(), [&](const char* part) {
    return text.find(part) != std::string::npos;
  });
  CHECK(all);
  return all;
}

}  // namespace

TEST_CASE("files for another model or session are refused with both values", "[api][snapshot]") {
  const TestModel model(tiny()), other(fixture_path("models/mistral.gguf"));
  auto options = roomy();
  options.kv_type = INLAY_KV_F16;
  TestSession session(model, options);
  const inlay_sequence a = session.add();
  session.feed(a, ids(100));
  generate(session, a, 300 - 100);
  next(session);
  const Bytes file = save(session, a);
  const auto print = [](const TestModel& m) {
    char text[40];
    const inlay::Fingerprint f = fingerprint_of(*inlay::unwrap(m.handle));
    std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(f.high),
                  static_cast<unsigned long long>(f.low));
    return std::string(text);
  };
  has(refusal(other, options, file),
      {"unsupported", "another model", print(model).c_str(), print(other).c_str()});
  options.kv_type = INLAY_KV_Q8_0;
  has(refusal(model, options, file), {"unsupported", "keys", "has 2", "expected 4"});
  options.kv_type = INLAY_KV_F16;
  options.value_type = INLAY_KV_BF16;
  has(refusal(model, options, file), {"unsupported", "values", "has 2", "expected 3"});
  options.value_type = INLAY_KV_AUTO;
  options.context = 100;
  has(refusal(model, options, file), {"limit", "has 101", "the context has 100"});
  options.context = 101;  // just enough
  TestSession enough(model, options);
  CHECK(tokens_of(enough, restore_one(enough, file)) == tokens_of(session, a));
}

TEST_CASE("a file that needs more than the session has is refused as a whole", "[api][snapshot]") {
  const TestModel model(tiny());
  TestSession session(model, roomy(3));
  for (int i = 0; i < 3; ++i) session.feed(session.add(), ids(150, i));
  inlay_event event{};
  while (session.step(event) != INLAY_DONE) continue;
  const Bytes file = save(session, 0);
  has(refusal(model, roomy(2), file), {"limit", "3 sequences", "room for 2"});
  auto few = roomy(3);
  few.kv_tokens = 8 * 64;  // 9 pages are needed
  has(refusal(model, few, file), {"limit", "8 pages"});
  few.kv_tokens = 9 * 64;
  TestSession enough(model, few);
  CHECK(restore(enough, file).size() == 3);
  // The list is too short: how many there are is told.
  TestSession third(model, roomy(3));
  const inlay_source source = block_source(file);
  std::size_t count = 0;
  CHECK(inlay_session_restore(third.handle, &source, 0, nullptr, 0, &count, &third.error) ==
        INLAY_ERROR_LIMIT);
  CHECK(count == 3);
  CHECK(info_of(third).alive == 0);
}

TEST_CASE("only a file that is vouched for serves other sequences", "[api][snapshot]") {
  const TestModel model(tiny());
  TestSession first(model, roomy());
  const inlay_sequence a = first.add();
  const Ids prompt = ids(150);
  first.feed(a, prompt);
  next(first);
  const Bytes file = save(first, a);
  const auto last = [&](TestSession& s) {
    const inlay_sequence q = s.add();
    s.feed(q, prompt);
    Told told;
    run(s, model, q, told);
    return told;
  };
  TestSession plain(model, roomy());
  const Told expected = last(plain);
  for (const std::uint32_t flags : {0u, std::uint32_t{INLAY_RESTORE_SHARE}}) {
    TestSession second(model, roomy(3));
    const inlay_sequence b = restore_one(second, file, flags);
    CHECK((last(second) == expected));
    CHECK(info_of(second).tokens_reused == (flags ? 149 : 0));
    // Nor is what came behind it, when it is gone.
    second.feed(b, ids(70, 4));
    Told told;
    run(second, model, b, told);
    inlay_session_drop(second.handle, b);
    const std::uint64_t before = info_of(second).tokens_reused;
    Ids longer = prompt;
    const Ids tail = ids(70, 4);
    longer.insert(longer.end(), tail.begin(), tail.end());
    const inlay_sequence c = second.add();
    second.feed(c, longer);
    Told again;
    run(second, model, c, again);
    CHECK(again.logits == told.logits);
    CHECK(info_of(second).tokens_reused - before == (flags ? 219 : 150));
  }
}

// ---- Fingerprints -------------------------------------------------------------------------------

namespace {

inlay::Fingerprint print_of(const TestModel& model) {
  return fingerprint_of(*inlay::unwrap(model.handle));
}

}  // namespace

TEST_CASE("the same weights have the same fingerprint, others another", "[api][snapshot]") {
  Folder folder = tiny_llama_folder();
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  const TestModel from_folder(folder.source(), options);
  const Quantized plain = quantize(from_folder, quantize_options("F32"));
  const Quantized coded = quantize(from_folder, quantize_options("Q8_0"));
  REQUIRE(plain.status == INLAY_OK);
  REQUIRE(coded.status == INLAY_OK);
  const inlay::Fingerprint own = print_of(from_folder);
  const TestModel from_file(plain.bytes);
  CHECK(print_of(from_file) == own);
  for (const std::string& isa : usable_isas()) {
    CHECK(print_of(TestModel(plain.bytes, isa.c_str())) == own);
  }
  const inlay_source source = block_source(plain.bytes);
  options.memory = INLAY_MEMORY_COPIED;
  options.importance = 1;
  options.threads = 3;
  CHECK(print_of(TestModel(source, options)) == own);
  inlay_model_options_defaults(&options);
  options.weights = "Q8_0";
  const TestModel coded_here(folder.source(), options), coded_before(coded.bytes);
  CHECK(print_of(coded_here) == print_of(coded_before));
  CHECK_FALSE(print_of(coded_here) == own);

  // One weight, one key, one name.
  inlay_model_options_defaults(&options);
  for (const auto& [file, from, to] : std::vector<std::array<const char*, 3>>{
           {"config.json", "10000.0", "10001.0"}, {"config.json", "1e-05", "2e-05"}}) {
    Folder other = tiny_llama_folder();
    replace_once(other[file], from, to);
    CHECK_FALSE(print_of(TestModel(other.source(), options)) == own);
  }
  Folder other = tiny_llama_folder();
  other["model.safetensors"].back() ^= 1;  // of output_norm
  CHECK_FALSE(print_of(TestModel(other.source(), options)) == own);
}

TEST_CASE("a snapshot moves from a folder to a file of the same weights", "[api][snapshot]") {
  Folder folder = tiny_llama_folder();
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  const TestModel one(folder.source(), options);
  const Quantized file = quantize(one, quantize_options("F32"));
  const TestModel two(file.bytes);
  TestSession first(one, roomy()), second(two, roomy());
  const inlay_sequence other = first.add(), a = first.add();
  moments()[5].reach(first, a, other);
  const inlay_sequence b = restore_one(second, save(first, a));
  CHECK((go_on(second, two, b) == go_on(first, one, a)));
}

TEST_CASE("the hash sees every byte, however it is cut", "[api][snapshot]") {
  std::mt19937 random(1);
  Bytes bytes(201);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  const auto hash = [](const Bytes& b, std::size_t piece) {
    inlay::ByteHash h;
    for (std::size_t at = 0; at < b.size(); at += piece) {
      h.add(b.data() + at, std::min(piece, b.size() - at));
    }
    return h.result();
  };
  const auto own = hash(bytes, 1000);
  for (const std::size_t piece : {1u, 3u, 8u, 31u, 32u, 33u, 64u}) CHECK(hash(bytes, piece) == own);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes other = bytes;
    other[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    const auto h = hash(other, 64);
    REQUIRE(h.low != own.low);
    REQUIRE(h.high != own.high);
  }
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK(hash(longer, 64).low != own.low);
}

// ---- Damaged and forged files -------------------------------------------------------------------

namespace {

// Three sequences, two of them with a common start, then two records behind.
Bytes example(const TestModel& model, std::vector<std::size_t>* records = nullptr) {
  TestSession session(model, roomy(4));
  const inlay_sequence a = session.add();
  session.feed(a, ids(70));
  next(session);
  inlay_sequence b = 0;
  REQUIRE(inlay_session_fork(session.handle, a, &b, nullptr) == INLAY_OK);
  session.feed(b, ids(7, 2));
  const std::int32_t stops[] = {40, 41};
  REQUIRE(inlay_session_set_stop(session.handle, b, stops, 2, 0, nullptr) == INLAY_OK);
  generate(session, b, 20);
  next(session);
  const inlay_sequence c = session.add();
  session.feed(c, ids(9, 5), INLAY_FEED_ALL_LOGITS);
  Bytes file = save(session, 0);
  std::vector<std::size_t> at{0, file.size()};
  next(session);
  append(session, b, file);
  at.push_back(file.size());
  REQUIRE(inlay_session_rewind(session.handle, a, 50, nullptr) == INLAY_OK);
  session.feed(a, ids(20, 8));
  while (next(session).sequence != a) continue;
  append(session, a, file);
  if (records) *records = at;
  return file;
}

// Makes the checksum of the record at `at` right, if it still has one.
void repair(Bytes& file, std::size_t at) {
  inlay::RecordHeader header;
  if (file.size() < at + sizeof header) return;
  std::memcpy(&header, file.data() + at, sizeof header);
  if (header.bytes < sizeof header + 8 || header.bytes > file.size() - at) return;
  inlay::ByteHash hash;
  hash.add(file.data() + at, static_cast<std::size_t>(header.bytes - 8));
  const std::uint64_t sum = hash.result().low;
  std::memcpy(file.data() + at + header.bytes - 8, &sum, sizeof sum);
}

// Restores variants of a file into one session, beside a sequence that must not notice.
class Victim {
 public:
  explicit Victim(const TestModel& model) : model_(model), session_(model, roomy(5)) {
    witness_ = session_.add();
    session_.feed(witness_, ids(30, 1));
    next(session_);
    witnessed_ = save(session_, witness_);
    info_ = info_of(session_);
  }

  inlay_status restore(const Bytes& file) {
    restored_.clear();
    const inlay_status status = try_restore(session_, file, restored_);
    const inlay_session_info now = info_of(session_);
    if (status != INLAY_OK) {
      REQUIRE(now.alive == info_.alive);
      REQUIRE(now.pages_used == info_.pages_used);
      REQUIRE(now.pages_cached == info_.pages_cached);
      REQUIRE(session_.error.text[0] != 0);
    }
    return status;
  }
  std::vector<Bytes> saved() {
    std::vector<Bytes> files;
    for (const inlay_sequence q : restored_) files.push_back(save(session_, q));
    return files;
  }
  // What was restored runs to its end, whatever it is.
  void run_and_drop() {
    for (const inlay_sequence q : restored_) {
      inlay_session_generate(session_.handle, q, nullptr, 0, nullptr);
    }
    inlay_event event{};
    event.struct_size = sizeof event;
    while (inlay_session_step(session_.handle, 0, &event, nullptr) != INLAY_DONE) continue;
    for (const inlay_sequence q : restored_) {
      REQUIRE(inlay_session_drop(session_.handle, q) == INLAY_OK);
    }
    info_ = info_of(session_);
  }
  void check_witness() {
    CHECK((save(session_, witness_) == witnessed_));
    TestSession fresh(model_, roomy());
    const inlay_sequence q = restore_one(fresh, witnessed_);
    CHECK((go_on(session_, model_, witness_) == go_on(fresh, model_, q)));
  }
  TestSession& session() { return session_; }

 private:
  const TestModel& model_;
  TestSession session_;
  inlay_sequence witness_ = 0;
  Bytes witnessed_;
  inlay_session_info info_{};
  std::vector<inlay_sequence> restored_;
};

struct HostModel {
  CountingAllocator heap;
  inlay_host host;
  std::unique_ptr<TestModel> model;
  HostModel() {
    inlay_host_defaults(&host);
    host.allocator = heap.host();
    model = std::make_unique<TestModel>(tiny(), nullptr, INLAY_OPEN_WEIGHTS, &host);
  }
};

}  // namespace

TEST_CASE("damaged files are refused, and the session is as before", "[api][snapshot]") {
  HostModel host;
  const Bytes file = example(*host.model);
  Victim victim(*host.model);
  const std::uint64_t memory = host.heap.live_bytes;
  int refused = 0;
  const auto refuse = [&](const Bytes& variant) {
    const inlay_status status = victim.restore(variant);
    REQUIRE((status == INLAY_ERROR_FORMAT || status == INLAY_ERROR_UNSUPPORTED));
    REQUIRE(host.heap.live_bytes == memory);
    ++refused;
  };
  std::mt19937 random(7);
  // One bit: all of the first header, and everywhere.
  for (std::size_t bit = 0; bit < 80 * 8; bit += 3) {
    Bytes variant = file;
    variant[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    refuse(variant);
  }
  for (int i = 0; i < 150; ++i) {
    Bytes variant = file;
    variant[random() % file.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    refuse(variant);
  }
  // Cut: at any place that is no end of a record; grown.
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{79}, std::size_t{87},
                                 std::size_t{88}, file.size() - 1, file.size() - 8}) {
    refuse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size)));
  }
  for (int i = 0; i < 60; ++i) {
    refuse(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(random() % file.size())));
  }
  for (const std::size_t more : {1u, 8u, 80u, 88u, 4096u}) {
    Bytes variant = file;
    variant.resize(file.size() + more);
    refuse(variant);
  }
  // Blocks of noise and of zeros.
  for (int i = 0; i < 40; ++i) {
    Bytes variant = file;
    const std::size_t at = random() % (file.size() - 64);
    for (std::size_t k = 0; k < 64; ++k) {
      variant[at + k] = i % 2 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0xee};
    }
    refuse(variant);
  }
  CHECK(refused > 400);
  victim.check_witness();
}

TEST_CASE("records that are missing, swapped or doubled are refused", "[api][snapshot]") {
  const TestModel model(tiny());
  std::vector<std::size_t> at;
  const Bytes file = example(model, &at);
  at.push_back(file.size());
  REQUIRE(at.size() == 4);
  Victim victim(model);
  const auto joined = [&](std::initializer_list<int> order) {
    Bytes result;
    for (const int i : order) {
      result.insert(result.end(), file.begin() + static_cast<std::ptrdiff_t>(at[i]),
                    file.begin() + static_cast<std::ptrdiff_t>(at[i + 1]));
    }
    return result;
  };
  for (const auto& order :
       {std::initializer_list<int>{1}, {2}, {1, 0}, {0, 0}, {0, 1, 0}, {0, 2, 1, 0}}) {
    CHECK(victim.restore(joined(order)) == INLAY_ERROR_FORMAT);
  }
  // The two records behind are of different sequences; the last one once more changes nothing.
  CHECK(victim.restore(joined({0, 1, 2})) == INLAY_OK);
  const auto whole = victim.saved();
  victim.run_and_drop();
  for (const auto& order : {std::initializer_list<int>{0, 2, 1}, {0, 1, 2, 2}, {0, 1, 1, 2}}) {
    REQUIRE(victim.restore(joined(order)) == INLAY_OK);
    CHECK((victim.saved() == whole));
    victim.run_and_drop();
  }
  // A turn that is missing: the next one was written behind other tokens.
  TestSession session(model, roomy());
  const inlay_sequence a = session.add();
  session.feed(a, ids(20));
  next(session);
  const Bytes start = save(session, a);
  std::vector<Bytes> turns;
  for (int i = 0; i < 3; ++i) {
    if (i == 1) REQUIRE(inlay_session_rewind(session.handle, a, 15, nullptr) == INLAY_OK);
    session.feed(a, ids(10, i));
    next(session);
    turns.push_back(save(session, a, INLAY_SAVE_APPEND));
  }
  const auto chat = [&](std::initializer_list<int> order) {
    Bytes result = start;
    for (const int i : order) result.insert(result.end(), turns[i].begin(), turns[i].end());
    return result;
  };
  CHECK(victim.restore(chat({0, 1, 2})) == INLAY_OK);
  victim.run_and_drop();
  for (const auto& order : {std::initializer_list<int>{0, 2}, {2}, {1, 0, 2}, {2, 1}}) {
    CHECK(victim.restore(chat(order)) == INLAY_ERROR_FORMAT);
  }
  victim.check_witness();
}

TEST_CASE("forged files with the right checksum end in an error or in a sequence",
          "[api][snapshot]") {
  HostModel host;
  std::vector<std::size_t> at;
  const Bytes file = example(*host.model, &at);
  Victim victim(*host.model);
  const std::uint64_t memory = host.heap.live_bytes;
  int refused = 0, taken = 0;
  const auto forge = [&](std::size_t record, std::size_t offset, const void* value,
                         std::size_t size) {
    Bytes variant = file;
    std::memcpy(variant.data() + offset, value, size);
    repair(variant, record);
    if (variant == file) return;
    const inlay_status status = victim.restore(variant);
    INFO("byte " << offset << " of record " << record << ": " << victim.session().error.text);
    if (status == INLAY_OK) {
      ++taken;
      victim.run_and_drop();
    } else {
      ++refused;
      REQUIRE((status == INLAY_ERROR_FORMAT || status == INLAY_ERROR_UNSUPPORTED ||
               status == INLAY_ERROR_LIMIT));
    }
    REQUIRE(host.heap.live_bytes == memory);
  };
  const std::uint64_t words[] = {0,          1,          2,          3,          63,
                                 64,         65,         320,        321,        0x7fffffff,
                                 0x80000000, 0xffffffff, 0x7fc00000, 0xff800000, 0x8000000000000000,
                                 UINT64_MAX};
  for (const std::size_t record : at) {
    // Every number of the record's header and of its first sequence, as 4 and as 8 bytes.
    for (std::size_t offset = record; offset < record + 80 + 120; offset += 4) {
      for (const std::uint64_t word : words) {
        forge(record, offset, &word, 4);
        if (offset % 8 == 0) forge(record, offset, &word, 8);
      }
    }
  }
  // Anything, anywhere: ids, stops, biases, bits, the headers of later sequences, cells.
  std::mt19937 random(3);
  for (int i = 0; i < 1500; ++i) {
    const std::size_t which = random() % at.size();
    const std::size_t end = which + 1 < at.size() ? at[which + 1] : file.size();
    const std::size_t offset = at[which] + random() % (end - at[which] - 8);
    const auto value = static_cast<std::uint32_t>(random() % 3 ? random() : words[random() % 16]);
    forge(at[which], offset, &value, std::min<std::size_t>(1 + random() % 4, end - offset));
  }
  CHECK(refused > 1000);
  CHECK(taken > 100);
  victim.check_witness();
}

TEST_CASE("every field of a sequence is checked by itself", "[api][snapshot]") {
  const TestModel model(tiny());
  const Bytes file = example(model);
  Victim victim(model);
  // The second sequence: it has a base, a sampler, stops and biases.
  inlay::SequenceHeader first, header;
  std::memcpy(&first, file.data() + 80, sizeof first);
  inlay::RecordHeader record;
  std::memcpy(&record, file.data(), sizeof record);
  std::uint64_t body = 0;
  REQUIRE(inlay::body_bytes(first, record.token_bytes, &body));
  const std::size_t place = 80 + sizeof first + static_cast<std::size_t>(body);
  std::memcpy(&header, file.data() + place, sizeof header);
  REQUIRE(header.id == 2);
  REQUIRE(header.base == 1);
  REQUIRE(header.from == 64 + 6);
  REQUIRE(header.stops == 2);
  REQUIRE(header.biases == 4);
  const std::size_t lists = place + sizeof header;
  // The last byte of the third: the ninth bit of nine, nothing is computed.
  const std::size_t bits = static_cast<std::size_t>(record.bytes) - 8 - 1;
  REQUIRE(file[bits] == 1);
  using Change = std::function<void(inlay::SequenceHeader&, Bytes&)>;
  const auto put = [](Bytes& bytes, std::size_t offset, auto value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  };
  const std::vector<std::pair<const char*, Change>> changes{
      {"wanted logits", [&](auto&, auto& b) { put(b, bits, std::uint8_t{3}); }},
      {"number", [](auto& h, auto&) { h.id = 1; }},
      {"number", [](auto& h, auto&) { h.id = 3; }},
      {"base", [](auto& h, auto&) { h.base = 2; }},
      {"known are 0", [](auto& h, auto&) { h.base = 0; }},
      {"hash of the tokens", [](auto& h, auto&) { h.earlier ^= 1; }},
      {"at most", [](auto& h, auto&) { h.from = h.computed + 1; }},
      {"at most", [](auto& h, auto&) { h.computed = h.tokens + 1; }},
      {"bytes", [](auto& h, auto&) { h.tokens += 100000; }},
      {"flags", [](auto& h, auto&) { h.flags |= 4; }},
      {"sampler flag", [](auto& h, auto&) { h.flags &= ~1u; }},
      {"tokens left", [](auto& h, auto&) { h.tokens_left = 0; }},
      {"context policy", [](auto& h, auto&) { h.policy = 3; }},
      {"tokens to keep", [](auto& h, auto&) { h.keep = 320; }},
      {"room for", [](auto& h, auto&) { h.policy = INLAY_CONTEXT_REFUSE, h.tokens_left = 300; }},
      {"stop tokens", [](auto& h, auto&) { h.stops = 33; }},
      {"biases", [](auto& h, auto&) { h.biases = 1025; }},
      {"sampler: temperature", [](auto& h, auto&) { h.sampler.temperature = -1; }},
      {"sampler: top_p", [](auto& h, auto&) { h.sampler.top_p = NAN; }},
      {"sampler: repeat_penalty", [](auto& h, auto&) { h.sampler.repeat_penalty = INFINITY; }},
      {"stop token", [&](auto&, auto& b) { put(b, lists, std::int32_t{64}); }},
      {"stop token", [&](auto&, auto& b) { put(b, lists + 4, std::int32_t{-1}); }},
      {"sampler: bias[0]", [&](auto&, auto& b) { put(b, lists + 8, std::int32_t{64}); }},
      {"sampler: bias[3]", [&](auto&, auto& b) { put(b, lists + 8 + 28, NAN); }},
      {"token: the file has 64", [&](auto&, auto& b) { put(b, lists + 40, std::int32_t{64}); }},
  };
  for (const auto& [text, change] : changes) {
    Bytes variant = file;
    inlay::SequenceHeader changed = header;
    change(changed, variant);
    std::memcpy(variant.data() + place, &changed, sizeof changed);
    repair(variant, 0);
    INFO(text);
    CHECK(victim.restore(variant) < 0);
    CHECK(has(victim.session().error.text, {text}));
  }
  // And of the record.
  using Field = std::function<void(inlay::RecordHeader&)>;
  const std::vector<std::pair<const char*, Field>> fields{
      {"no record", [](auto& h) { h.magic[7] = 1; }},
      {"version: the file has 2, expected 1", [](auto& h) { h.version = 2; }},
      {"kind 3", [](auto& h) { h.kind = static_cast<inlay::RecordKind>(3); }},
      {"continuation", [](auto& h) { h.kind = inlay::RecordKind::more; }},
      {"order of sums: the file has 9, expected 1", [](auto& h) { h.order = 9; }},
      {"tokens of a page: the file has 32, expected 64", [](auto& h) { h.page_tokens = 32; }},
      {"layers", [](auto& h) { ++h.slots; }},
      {"bytes of a token", [](auto& h) { --h.token_bytes; }},
      {"reserved: the file has 5", [](auto& h) { h.reserved = 5; }},
      {"behind its sequences", [](auto& h) { h.sequences = 2; }},
      {"no sequence", [](auto& h) { h.sequences = 4; }},
      {"room for", [](auto& h) { h.sequences = 5; }},
  };
  for (const auto& [text, change] : fields) {
    Bytes variant = file;
    inlay::RecordHeader changed = record;
    change(changed);
    std::memcpy(variant.data(), &changed, sizeof changed);
    repair(variant, 0);
    INFO(text);
    CHECK(victim.restore(variant) < 0);
    CHECK(has(victim.session().error.text, {text}));
  }
  victim.check_witness();
}

// ---- Failures -----------------------------------------------------------------------------------

TEST_CASE("saving and restoring fail cleanly at every allocation", "[api][snapshot]") {
  HostModel host;
  const Bytes file = example(*host.model);
  Victim victim(*host.model);
  const std::uint64_t memory = host.heap.live_bytes;
  int failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    REQUIRE(n < 100);
    host.heap.fail_at = host.heap.calls + n;
    const inlay_status status = victim.restore(file);
    host.heap.fail_at = 0;
    REQUIRE(host.heap.live_bytes == memory);
    if (status == INLAY_OK) break;
    REQUIRE(status == INLAY_ERROR_MEMORY);
    ++failures;
  }
  CHECK(failures >= 4);
  failures = 0;
  for (std::uint64_t n = 1;; ++n) {
    REQUIRE(n < 100);
    host.heap.fail_at = host.heap.calls + n;
    Bytes bytes;
    const inlay_status status = try_save(victim.session(), 0, 0, bytes);
    host.heap.fail_at = 0;
    REQUIRE(host.heap.live_bytes == memory);
    if (status == INLAY_OK) break;
    REQUIRE(status == INLAY_ERROR_MEMORY);
    ++failures;
  }
  CHECK(failures >= 3);
  victim.run_and_drop();
  victim.check_witness();
}

TEST_CASE("a source that fails at any read leaves the session as it was", "[api][snapshot]") {
  const TestModel model(tiny());
  const Bytes file = example(model);
  Victim victim(model);
  struct Failing {
    const Bytes* bytes;
    int reads, fail_at;
    inlay_status status;
    bool changes;  // the bytes, once they were checked
  };
  const auto read = [](void* user, std::uint64_t offset, void* to, std::size_t size) {
    auto& self = *static_cast<Failing*>(user);
    ++self.reads;
    if (!self.changes && self.reads == self.fail_at) return self.status;
    std::memcpy(to, self.bytes->data() + offset, size);
    if (self.changes && self.reads >= self.fail_at) {
      std::memset(to, 0xa5, std::min<std::size_t>(size, 200));
    }
    return inlay_status{INLAY_OK};
  };
  auto& session = victim.session();
  const inlay_session_info before = info_of(session);
  for (const inlay_status wanted : {INLAY_ERROR_IO, INLAY_ERROR_CANCELLED}) {
    // Pages for everybody are forgotten, too, when they are half filled.
    const std::uint32_t flags = wanted == INLAY_ERROR_IO ? 0 : INLAY_RESTORE_SHARE;
    for (int n = 1;; ++n) {
      REQUIRE(n < 1000);
      Failing failing{&file, 0, n, wanted, false};
      inlay_source source;
      inlay_source_callback(&source, file.size(), &failing, read);
      std::vector<inlay_sequence> restored;
      const inlay_status status = try_restore(session, source, flags, restored);
      if (status == INLAY_OK) {
        CHECK(n > 10);
        for (const inlay_sequence q : restored) inlay_session_drop(session.handle, q);
        break;
      }
      REQUIRE(status == wanted);
      REQUIRE(info_of(session).alive == before.alive);
      REQUIRE(info_of(session).pages_used == before.pages_used);
      REQUIRE(info_of(session).pages_cached == before.pages_cached);
    }
  }
  // Bytes that change behind the check of their checksum are still no danger.
  for (int n = 1; n < 60; ++n) {
    Failing failing{&file, 0, n, INLAY_OK, true};
    inlay_source source;
    inlay_source_callback(&source, file.size(), &failing, read);
    std::vector<inlay_sequence> restored;
    if (try_restore(session, source, 0, restored) == INLAY_OK) {
      for (const inlay_sequence q : restored) inlay_session_drop(session.handle, q);
    }
    REQUIRE(info_of(session).alive == before.alive);
  }
  victim.check_witness();
}
