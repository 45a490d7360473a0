// trace_test.cpp - entries of each worker, rings that wrap, and the JSON they become.
#include "engine/trace.h"

#include <map>
#include <string>

#include "format/json.h"
#include "support/catch.h"
#include "unit/engine/counted_program.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// Every look is 1500 ns later.
struct TickingClock {
  std::atomic<std::uint64_t> time{1000000};
  inlay_clock clock{this,
                    [](void* user) { return static_cast<TickingClock*>(user)->time += 1500; }};
};

struct Traced {
  std::vector<std::byte> memory;
  Trace trace;
  Traced(std::uint32_t workers, std::uint32_t events)
      : memory(Trace::bytes(workers, events) + 64, std::byte{0xee}) {
    auto* block = memory.data();
    while (reinterpret_cast<std::uintptr_t>(block) % 64) ++block;
    trace.open(block, workers, events);
  }
};

// Tensors of these names, as a program of counted tiles has them.
struct Names {
  Allocator allocator{system_allocator()};
  Manifest manifest{allocator};
  std::vector<std::string> names;
  explicit Names(std::vector<std::string> given) : names(std::move(given)) {
    Error error{};
    REQUIRE(manifest.clear("test", error) == Status::ok);
    for (const std::string& name : names) {
      TensorInfo tensor{};
      tensor.name = "t";
      REQUIRE(manifest.add_tensor(tensor, error) == Status::ok);
      manifest.mutable_tensors().back().name = name;  // readers would refuse some of these
    }
  }
};

struct Event {
  std::string name;
  double begin = -1, duration = -1;
  std::int64_t worker = -1, pass = -1, instruction = -1, tiles = -1;
};

struct Written {
  std::string text;
  std::vector<Event> events;
  std::int64_t dropped = -1;
  Error error{};
  Status status = Status::ok;
};

bool read_member(JsonReader& json, std::string_view key, Event& event) {
  std::string_view text;
  if (key == "name" && json.text(text)) event.name = text;
  if (key == "ph") CHECK((json.text(text) && text == "X"));
  std::int64_t process = 0;
  if (key == "pid") CHECK((json.integer(process) && process == 1));
  if (key == "ts") return json.number(event.begin);
  if (key == "dur") return json.number(event.duration);
  if (key == "tid") return json.integer(event.worker);
  if (key == "pass") return json.integer(event.pass);
  if (key == "instruction") return json.integer(event.instruction);
  if (key == "tiles") return json.integer(event.tiles);
  return true;
}

Event read_event(JsonReader& json) {
  Event event;
  std::string_view key;
  json.begin_object();
  while (json.next_key(key)) {
    if (key != "args") {
      read_member(json, std::string(key), event);
      continue;
    }
    json.begin_object();
    while (json.next_key(key)) read_member(json, std::string(key), event);
  }
  return event;
}

Written write(const Trace& trace, const Program& program, const Manifest& manifest) {
  Written result;
  Allocator allocator(system_allocator());
  inlay_sink sink{};
  sink.struct_size = sizeof sink;
  sink.user = &result.text;
  sink.write = [](void* user, const void* data, std::size_t size) {
    static_cast<std::string*>(user)->append(static_cast<const char*>(data), size);
    return inlay_status{INLAY_OK};
  };
  result.status = trace.write(program, manifest, sink, allocator, result.error);
  if (is_error(result.status)) return result;
  JsonReader json(result.text, "trace.json", allocator, result.error);
  std::string_view key;
  json.begin_object();
  while (json.next_key(key)) {
    if (key == "traceEvents") {
      json.begin_array();
      while (json.next_item()) result.events.push_back(read_event(json));
    } else if (key == "otherData") {
      json.begin_object();
      while (json.next_key(key)) key == "dropped" ? json.integer(result.dropped) : json.skip();
    } else {
      json.skip();
    }
  }
  result.status = json.finish();
  return result;
}

const std::vector<std::string> some_names = {"blk.0.attn_q.weight", "blk.0.ffn_up.weight",
                                             "output.weight"};

}  // namespace

TEST_CASE("a trace has every tile once, in time, worker by worker", "[unit][engine]") {
  const Names names(some_names);
  CountedProgram program({5, 9, 4});
  for (const auto run : {run_backwards, run_on_threads}) {
    const Host host(run, 3);
    Traced traced(3, 100);
    TickingClock clock;
    Executor executor;
    program.begin(executor, &traced.trace, 42);
    while (!executor.run(host.workers, clock.clock, {0, 7})) continue;
    const Written written = write(traced.trace, program.program(), names.manifest);
    INFO(written.text << written.error.text);
    REQUIRE(written.status == Status::ok);
    CHECK(written.dropped == 0);
    std::map<std::int64_t, std::int64_t> tiles;
    std::map<std::int64_t, double> end;  // of each worker's entries so far
    double first = 1e9;
    for (const Event& e : written.events) {
      CHECK(e.pass == 42);
      CHECK(e.name == "linear " + some_names.at(static_cast<std::size_t>(e.instruction)));
      CHECK((e.worker >= 0 && e.worker < 3));
      CHECK(e.begin >= end[e.worker]);
      CHECK(e.duration >= 1.499);
      end[e.worker] = e.begin + e.duration;
      tiles[e.instruction] += e.tiles;
      first = std::min(first, e.begin);
    }
    CHECK(first == 0);
    CHECK(tiles == std::map<std::int64_t, std::int64_t>{{0, 5}, {1, 9}, {2, 4}});
  }
}

TEST_CASE("tiles of one instruction are one entry, but not over two runs", "[unit][engine]") {
  const Names names(some_names);
  CountedProgram program({3, 4, 1});
  const Host host(run_backwards, 1);
  Traced traced(1, 100);
  TickingClock clock;
  Executor executor;
  program.begin(executor, &traced.trace, 7);
  CHECK_FALSE(executor.run(host.workers, clock.clock, {0, 5}));
  clock.time += 1000000;  // a frame of the host
  CHECK(executor.run(host.workers, clock.clock, {}));
  REQUIRE(traced.trace.count(0) == 4);
  const std::uint32_t tiles[] = {3, 2, 2, 1};
  for (std::uint32_t i = 0; i < 4; ++i) {
    CHECK(traced.trace.entry(0, i).tiles == tiles[i]);
    // Two looks at the clock for each tile.
    CHECK(traced.trace.entry(0, i).end - traced.trace.entry(0, i).begin ==
          1500 * (2 * tiles[i] - 1));
  }
  const std::string text = write(traced.trace, program.program(), names.manifest).text;
  CHECK(text ==
        "{\"traceEvents\":["
        "\n{\"name\":\"linear blk.0.attn_q.weight\",\"ph\":\"X\",\"ts\":0.000,\"dur\":7.500,"
        "\"pid\":1,\"tid\":0,\"args\":{\"pass\":7,\"instruction\":0,\"tiles\":3}},"
        "\n{\"name\":\"linear blk.0.ffn_up.weight\",\"ph\":\"X\",\"ts\":9.000,\"dur\":4.500,"
        "\"pid\":1,\"tid\":0,\"args\":{\"pass\":7,\"instruction\":1,\"tiles\":2}},"
        "\n{\"name\":\"linear blk.0.ffn_up.weight\",\"ph\":\"X\",\"ts\":1015.000,\"dur\":4.500,"
        "\"pid\":1,\"tid\":0,\"args\":{\"pass\":7,\"instruction\":1,\"tiles\":2}},"
        "\n{\"name\":\"linear output.weight\",\"ph\":\"X\",\"ts\":1021.000,\"dur\":1.500,"
        "\"pid\":1,\"tid\":0,\"args\":{\"pass\":7,\"instruction\":2,\"tiles\":1}}"
        "\n],\"otherData\":{\"dropped\":0}}\n");
}

TEST_CASE("a full ring keeps the latest entries, oldest first", "[unit][engine]") {
  const Names names(some_names);
  CountedProgram program({1, 1, 1});
  for (const std::uint32_t events : {0u, 1u, 4u, 7u, 100u}) {
    Traced traced(2, events);
    for (std::uint64_t i = 0; i < 13; ++i) {
      traced.trace.add(1, {i, 5000 + 10 * i, 5005 + 10 * i, static_cast<std::uint32_t>(i % 3), 1});
    }
    traced.trace.add(2, {});  // no such worker: nothing happens
    const std::uint32_t kept = std::min(events, 13u);
    CHECK(traced.trace.count(0) == 0);
    REQUIRE(traced.trace.count(1) == kept);
    CHECK(traced.trace.dropped() == 13 - kept);
    const Written written = write(traced.trace, program.program(), names.manifest);
    REQUIRE(written.status == Status::ok);
    REQUIRE(written.events.size() == kept);
    CHECK(written.dropped == 13 - kept);
    for (std::uint32_t i = 0; i < kept; ++i) {
      CHECK(written.events[i].pass == 13 - kept + i);
      CHECK(written.events[i].worker == 1);
      CHECK(written.events[i].begin == Approx(0.01 * i));
      CHECK(written.events[i].duration == Approx(0.005));
    }
    traced.trace.clear();
    CHECK(traced.trace.count(1) == 0);
    CHECK(traced.trace.dropped() == 0);
  }
}

TEST_CASE("names of any file become JSON", "[unit][engine]") {
  const std::string long_name(64, '\\');
  const Names names({"say \"x\\y\"", "line\nbreak \x01\xff\xc3\xa9", long_name});
  CountedProgram program({1, 1, 1});
  Traced traced(1, 10);
  for (std::uint32_t pc = 0; pc < 3; ++pc) traced.trace.add(0, {1, pc, pc + 1, pc, 1});
  traced.trace.add(0, {INT64_MAX, 0, UINT64_MAX, 99, UINT32_MAX});  // of another program
  const Written written = write(traced.trace, program.program(), names.manifest);
  INFO(written.text << written.error.text);
  REQUIRE(written.events.size() == 4);
  CHECK(written.events[0].name == "linear say \"x\\y\"");
  CHECK(written.events[1].name == "linear line?break ??\xc3\xa9");
  CHECK(written.events[2].name == "linear " + long_name);
  CHECK(written.events[3].name == "?");
}

TEST_CASE("a sink's error is told", "[unit][engine]") {
  const Names names(some_names);
  CountedProgram program({1});
  Traced traced(1, 4);
  traced.trace.add(0, {1, 1, 2, 0, 1});
  Allocator allocator(system_allocator());
  inlay_sink sink{};
  sink.struct_size = sizeof sink;
  sink.write = [](void*, const void*, std::size_t) { return inlay_status{INLAY_ERROR_CANCELLED}; };
  Error error{};
  CHECK(traced.trace.write(program.program(), names.manifest, sink, allocator, error) ==
        Status::cancelled);
}
