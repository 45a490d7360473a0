// snapshot_test.cpp - sequences saved and restored: the same bits go on; what does not fit is
// refused.
#include <array>
#include <functional>
#include <random>

#include "api/handles.h"
#include "engine/fingerprint.h"
#include "support/folder.h"
#include "support/scratch_folder.h"
#include "support/snapshots.h"

using namespace inlay::test;
using namespace inlay::test::snapshots;

namespace {

struct Moment {
  const char* name;
  // `other` is a second sequence, empty and in an earlier slot; it may be used up.
  std::function<void(TestSession&, inlay_sequence, inlay_sequence other)> reach;
};

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
