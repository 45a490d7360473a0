// counters_test.cpp - what a session says it has done, on a host whose clock goes on by a
// microsecond each time it is asked.
#include "support/catch.h"
#include "support/model.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

std::uint64_t next_microsecond(void* user) { return *static_cast<std::uint64_t*>(user) += 1000; }

struct Counted {
  std::uint64_t now = 0;
  std::vector<std::uint8_t> file =
      SmallModel{.layers = 2, .width = 128, .rows = 128, .kv_heads = 2, .vocabulary = 50}.build();
  inlay_host host = with_clock(&now);
  TestModel model{file, nullptr, &host};

  static inlay_host with_clock(std::uint64_t* now) {
    inlay_host host;
    inlay_host_defaults(&host);
    host.clock = {now, next_microsecond};
    return host;
  }
  // Bytes of the matrices of a layer, and of that of the logits.
  std::uint64_t matrices(bool logits) const {
    std::uint64_t bytes = 0;
    inlay_tensor tensor{};
    tensor.struct_size = sizeof tensor;
    for (std::uint64_t i = 0; inlay_model_get_tensor(model.handle, i, &tensor) == INLAY_OK; ++i) {
      const std::string name(tensor.name, tensor.name_length);
      if (tensor.rank != 2 || name == "token_embd.weight") continue;
      if ((name == "output.weight") == logits) bytes += tensor.bytes;
    }
    return bytes;
  }
};

inlay_session_info info_of(const TestSession& session) {
  inlay_session_info info{};
  info.struct_size = sizeof info;
  REQUIRE(inlay_session_get_info(session.handle, &info) == INLAY_OK);
  return info;
}

void finish(TestSession& session) {
  inlay_event event{};
  while (session.step(event) != INLAY_DONE) {
  }
}

std::vector<std::int32_t> ids(std::uint32_t count, std::int32_t first) {
  std::vector<std::int32_t> ids(count);
  for (std::int32_t& id : ids) id = (first = (first * 7 + 3) % 48);
  return ids;
}

}  // namespace

TEST_CASE("bytes are those of each matrix once a pass and of the cells attention looks at",
          "[api]") {
  Counted world;
  auto options = TestSession::options();
  options.context = 256;
  options.sequences = 2;
  options.chunk = 40;
  TestSession session(world.model, options);
  session.feed(session.add(), ids(100, 1));
  finish(session);
  auto info = info_of(session);
  const std::uint64_t cell = info.page_bytes / 64;
  CHECK(info.passes == 3);
  CHECK(info.tokens_computed == 100);
  CHECK(info.weight_bytes_read == 3 * world.matrices(false) + world.matrices(true));
  CHECK(info.kv_bytes_read == 100 * 101 / 2 * cell);
  // What is found is not read, until the tokens behind it look at it.
  auto longer = ids(100, 1);
  longer.push_back(5);
  session.feed(session.add(), longer);
  finish(session);
  info = info_of(session);
  CHECK(info.tokens_reused == 100);
  CHECK(info.tokens_computed == 101);
  CHECK(info.kv_bytes_read == (100 * 101 / 2 + 101) * cell);
}

TEST_CASE("time goes to prompts, to waiting for one token, and to draws", "[api]") {
  Counted world;
  auto options = TestSession::options();
  options.context = 256;
  options.sequences = 2;
  options.chunk = 10;
  TestSession session(world.model, options);
  const inlay_sequence first = session.add(), second = session.add();
  session.feed(first, ids(20, 1));
  finish(session);
  auto info = info_of(session);
  CHECK(info.prefill_ns == 2000);  // two passes, the clock is asked at both ends
  CHECK(info.decode_ns == 0);
  CHECK(info.sample_ns == 0);

  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  REQUIRE(inlay_session_generate(session.handle, first, &sampler, 4, nullptr) == INLAY_OK);
  finish(session);
  info = info_of(session);
  CHECK(info.tokens_drawn == 4);
  CHECK(info.sample_ns == 4000);
  CHECK(info.prefill_ns == 2000);
  CHECK(info.decode_ns == 3000);  // the first is drawn from the logits at hand

  // A pass with nine rows of a prompt and one that waits.
  REQUIRE(inlay_session_generate(session.handle, first, &sampler, 2, nullptr) == INLAY_OK);
  inlay_event event{};
  REQUIRE(session.step(event) == INLAY_TOKEN);
  session.feed(second, ids(9, 30));
  finish(session);
  info = info_of(session);
  CHECK(info.decode_ns == 3100);
  CHECK(info.prefill_ns == 2900);
}

TEST_CASE("a pass that begins anew is counted once", "[api]") {
  Counted world;
  auto options = TestSession::options();
  options.context = 256;
  TestSession session(world.model, options);
  const inlay_sequence sequence = session.add();
  session.feed(sequence, ids(30, 1));
  inlay_event event{};
  event.struct_size = sizeof event;
  REQUIRE(inlay_session_step_tiles(session.handle, 5, &event, nullptr) == INLAY_YIELD);
  REQUIRE(inlay_session_rewind(session.handle, sequence, 20, nullptr) == INLAY_OK);
  CHECK(info_of(session).passes == 0);
  finish(session);
  const auto info = info_of(session);
  CHECK(info.passes == 1);
  CHECK(info.tokens_computed == 20);
  CHECK(info.tokens_reused == 0);
  CHECK(info.weight_bytes_read == world.matrices(false) + world.matrices(true));
}
