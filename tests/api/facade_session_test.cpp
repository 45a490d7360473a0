// facade_session_test.cpp - the C++ interface of sessions: defaults, fork and rewind, ends of
// texts, budgets in tiles, snapshots, traces.
#include <cstring>
#include <string>
#include <vector>

#include "inlay/inlay.hpp"
#include "support/catch.h"
#include "support/data.h"
#include "support/scratch_folder.h"

namespace {

using inlay::Finish;
using inlay::Status;

struct Written {
  std::vector<std::byte> all;
  bool write(std::span<const std::byte> bytes) {
    all.insert(all.end(), bytes.begin(), bytes.end());
    return true;
  }
  inlay::Source source() const { return inlay::Source::memory(all); }
  std::string text() const { return {reinterpret_cast<const char*>(all.data()), all.size()}; }
};

const inlay::Model& demo() {
  static const inlay::Model model =
      inlay::Model::open(inlay::test::source_path("examples/demo_model/demo.gguf")).value();
  return model;
}

std::vector<std::int32_t> some_ids(std::size_t count) {
  std::vector<std::int32_t> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<std::int32_t>(i * 37 % 4000 + 1);
  return ids;
}

std::vector<float> row_of(inlay::Session& session, inlay::Sequence sequence) {
  REQUIRE(session.step().value().status == Status::logits);
  const auto row = session.logits(sequence).value().row(0);
  return {row.begin(), row.end()};
}

// The tokens of a generation; the last one is fed, too.
std::vector<std::int32_t> tell(inlay::Session& session, inlay::Sequence sequence,
                               std::uint64_t count, Finish* finish = nullptr) {
  session.generate(sequence, {.seed = 4}, count).value();
  std::vector<std::int32_t> told;
  inlay::Event event;
  do {
    event = session.step().value();
    REQUIRE((event.status == Status::token && event.sequence == sequence));
    told.push_back(event.token);
  } while (event.finish == Finish::none);
  session.feed(sequence, std::span(&event.token, 1)).value();
  if (finish) *finish = event.finish;
  return told;
}

}  // namespace

TEST_CASE("facade: defaults of sessions are those of the C interface", "[api]") {
  inlay_session_options raw;
  inlay_session_options_defaults(&raw);
  const inlay::SessionOptions ours;
  REQUIRE(ours.value_type == raw.value_type);
  REQUIRE(ours.reuse == (raw.reuse != 0));
  REQUIRE(ours.kv_tokens == raw.kv_tokens);
  REQUIRE(ours.trace_events == raw.trace_events);
  const inlay_session_options given = inlay::SessionOptions{.kv_type = inlay::KvType::q8_0,
                                                            .value_type = inlay::KvType::q4_0,
                                                            .reuse = false,
                                                            .kv_tokens = 640,
                                                            .trace_events = 7}
                                          .raw();
  REQUIRE((given.kv_type == INLAY_KV_Q8_0 && given.value_type == INLAY_KV_Q4_0));
  REQUIRE((given.reuse == 0 && given.kv_tokens == 640 && given.trace_events == 7));
}

TEST_CASE("facade: an empty session refuses everything", "[api]") {
  inlay::Session session;
  Written file;
  REQUIRE(session.fork(1).error().status() == Status::argument);
  REQUIRE(session.rewind(1, 0).error().status() == Status::argument);
  REQUIRE(session.set_context_policy(1, inlay::ContextPolicy::stop).error().status() ==
          Status::argument);
  REQUIRE(session.set_stop(1, {}).error().status() == Status::argument);
  REQUIRE(session.step_tiles(1).error().status() == Status::argument);
  REQUIRE(session.tokens(1).error().status() == Status::argument);
  REQUIRE(session.save(inlay::Sink::callback(file)).error().status() == Status::argument);
  REQUIRE(session.restore(file.source()).error().status() == Status::argument);
  REQUIRE(session.write_trace(inlay::Sink::callback(file)).error().status() == Status::argument);
  REQUIRE((session.info().context == 0 && session.info().pages == 0));
  REQUIRE(session.logits(1).error().status() == Status::argument);
  REQUIRE(inlay::Logits().row(0).empty());
}

TEST_CASE("facade: fork, rewind and what was found again", "[api]") {
  auto session = inlay::Session::open(demo(), {.context = 256, .sequences = 2}).value();
  const auto ids = some_ids(150);
  const auto one = session.add().value();
  session.feed(one, ids).value();
  const auto row = row_of(session, one);
  const auto two = session.fork(one).value();
  REQUIRE(session.tokens(two).value() == ids);
  REQUIRE(session.fork(one).error().status() == Status::limit);
  const auto told = tell(session, two, 5);
  session.rewind(two, 150).value();
  REQUIRE(session.tokens(two)->size() == 150);
  REQUIRE(tell(session, two, 5) == told);
  REQUIRE(session.rewind(one, 151).error().status() == Status::argument);
  std::vector<std::int32_t> few(149);
  REQUIRE(session.tokens(one, few).error().status() == Status::limit);
  session.drop(two).value();
  const auto three = session.add().value();
  session.feed(three, ids).value();
  REQUIRE(row_of(session, three) == row);
  const inlay::SessionInfo info = session.info();
  REQUIRE((info.tokens_reused >= 149 && info.alive == 2 && info.tokens_drawn == 10));
}

TEST_CASE("facade: how texts end", "[api]") {
  auto session = inlay::Session::open(demo(), {.context = 64}).value();
  const auto one = session.add().value();
  session.feed(one, some_ids(50)).value();
  const auto told = tell(session, one, 6);
  session.rewind(one, 50).value();
  session.set_stop(one, std::span(told).subspan(4, 1)).value();
  Finish finish{};
  const auto again = tell(session, one, 0, &finish);
  REQUIRE(finish == Finish::stop);
  REQUIRE(again.back() == told[4]);
  REQUIRE(session.set_stop(one, some_ids(INLAY_STOP_MAX + 1)).error().status() == Status::limit);
  session.set_stop(one, {}, {.ignore_end = true}).value();

  session.set_context_policy(one, inlay::ContextPolicy::refuse).value();
  REQUIRE(session.generate(one, {}, 100).error().status() == Status::limit);
  session.set_context_policy(one, inlay::ContextPolicy::drop, 8).value();
  session.generate(one, {}, 30).value();
  std::uint32_t dropped = 0;
  inlay::Event event;
  do {
    event = session.step().value();
    dropped += event.dropped;
  } while (event.finish == Finish::none);
  REQUIRE(event.finish == Finish::tokens);
  REQUIRE(dropped >= 8);
  REQUIRE(session.info().tokens_dropped == dropped);
}

TEST_CASE("facade: steps of tiles are the same every time", "[api]") {
  std::vector<int> calls;
  std::vector<std::vector<float>> rows;
  for (const std::uint32_t threads : {1u, 2u}) {
    auto session = inlay::Session::open(demo(), {.context = 128, .threads = threads}).value();
    const auto one = session.add().value();
    session.feed(one, some_ids(100)).value();
    calls.push_back(1);
    while (session.step_tiles(5).value().status == Status::yield) ++calls.back();
    const auto row = session.logits(one).value().row(0);
    rows.emplace_back(row.begin(), row.end());
  }
  REQUIRE(calls[0] > 10);
  REQUIRE(calls[0] == calls[1]);
  REQUIRE(rows[0] == rows[1]);
}

TEST_CASE("facade: sequences go on from files", "[api]") {
  const inlay::test::ScratchFolder folder;
  const std::string path = folder / "all.kv";
  const auto ids = some_ids(90);
  Written chat;
  std::vector<std::int32_t> saved, expected;
  {
    auto session = inlay::Session::open(demo(), {.context = 256, .sequences = 2}).value();
    const auto one = session.add().value();
    session.feed(one, ids).value();
    REQUIRE(session.save(one, inlay::Sink::callback(chat), {.append = true}).error().status() ==
            Status::state);
    session.save(one, inlay::Sink::callback(chat)).value();
    session.feed(session.add().value(), some_ids(3)).value();
    while (session.step().value().status != Status::done) {
    }
    tell(session, one, 4);
    session.save(one, inlay::Sink::callback(chat), {.append = true}).value();
    session.save(path).value();
    saved = session.tokens(one).value();
    expected = tell(session, one, 8);
  }
  auto session = inlay::Session::open(demo(), {.context = 256, .sequences = 2}).value();
  const auto restored = session.restore(chat.source()).value();
  REQUIRE(restored.size() == 1);
  REQUIRE(tell(session, restored[0], 8) == expected);
  REQUIRE(session.restore(path).error().status() == Status::limit);
  session.drop(restored[0]).value();
  const auto both = session.restore(path, {.share = true}).value();
  REQUIRE(both.size() == 2);
  REQUIRE(session.tokens(both[0]).value() == saved);
  REQUIRE(session.tokens(both[1]).value() == some_ids(3));
  chat.all.resize(chat.all.size() - 1);
  session.drop(both[0]).value();
  REQUIRE(session.restore(chat.source()).error().status() == Status::format);
  REQUIRE(session.restore("no-such-file.kv").error().status() == Status::io);
}

TEST_CASE("facade: a trace", "[api]") {
  Written trace;
  auto session = inlay::Session::open(demo(), {.context = 64, .trace_events = 100}).value();
  session.feed(session.add().value(), some_ids(5)).value();
  while (session.step().value().status != Status::done) {
  }
  session.write_trace(inlay::Sink::callback(trace)).value();
  REQUIRE(trace.text().find("\"traceEvents\"") != std::string::npos);
  REQUIRE(trace.text().find("blk.1.") != std::string::npos);
  auto silent = inlay::Session::open(demo(), {.context = 64}).value();
  REQUIRE(silent.write_trace(inlay::Sink::callback(trace)).error().status() == Status::state);
}
