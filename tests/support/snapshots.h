// snapshots.h - short ways for tests to save and restore sequences, and to hear what they say then.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <vector>

#include "support/catch.h"
#include "support/small_model.h"

namespace inlay::test::snapshots {

using Bytes = std::vector<std::uint8_t>;
using Ids = std::vector<std::int32_t>;

inline std::string tiny() { return fixture_path("models/llama-gqa.gguf"); }

inline Ids ids(std::int32_t count, std::int32_t first = 3) {
  Ids result;
  for (std::int32_t i = 0; i < count; ++i) result.push_back(5 + (i * 7 + i / 9 + first) % 40);
  return result;
}

inline inlay_session_options roomy(std::uint32_t sequences = 2) {
  auto options = TestSession::options();
  options.context = 320;
  options.sequences = sequences;
  options.chunk = 48;
  options.logits_rows = 16;
  return options;
}

// A seeded sampler that uses most options, without an end: tokens 0 to 2 are the special ones.
inline inlay_sampler_options sampler(std::uint64_t seed = 11) {
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

inline void generate(TestSession& s, inlay_sequence q, std::uint64_t tokens,
                     std::uint64_t seed = 11) {
  const auto options = sampler(seed);
  expect_ok(inlay_session_generate(s.handle, q, &options, tokens, &s.error), s.error);
}

inline inlay_status try_save(TestSession& s, inlay_sequence q, std::uint32_t flags, Bytes& bytes) {
  const inlay_sink sink = sink_to(bytes);
  return inlay_session_save(s.handle, q, flags, &sink, &s.error);
}

inline Bytes save(TestSession& s, inlay_sequence q, std::uint32_t flags = 0) {
  Bytes bytes;
  expect_ok(try_save(s, q, flags, bytes), s.error);
  return bytes;
}

inline void append(TestSession& s, inlay_sequence q, Bytes& file) {
  const Bytes more = save(s, q, INLAY_SAVE_APPEND);
  file.insert(file.end(), more.begin(), more.end());
}

inline inlay_status try_restore(TestSession& s, const inlay_source& source, std::uint32_t flags,
                                std::vector<inlay_sequence>& sequences) {
  sequences.assign(16, 0);
  std::size_t count = 0;
  const inlay_status status = inlay_session_restore(s.handle, &source, flags, sequences.data(),
                                                    sequences.size(), &count, &s.error);
  sequences.resize(status == INLAY_OK ? count : 0);
  return status;
}

inline inlay_status try_restore(TestSession& s, const Bytes& bytes,
                                std::vector<inlay_sequence>& sequences) {
  return try_restore(s, block_source(bytes), 0, sequences);
}

inline std::vector<inlay_sequence> restore(TestSession& s, const Bytes& bytes,
                                           std::uint32_t flags = 0) {
  std::vector<inlay_sequence> sequences;
  expect_ok(try_restore(s, block_source(bytes), flags, sequences), s.error);
  return sequences;
}

inline inlay_sequence restore_one(TestSession& s, const Bytes& bytes, std::uint32_t flags = 0) {
  const auto sequences = restore(s, bytes, flags);
  REQUIRE(sequences.size() == 1);
  return sequences[0];
}

inline Ids tokens_of(TestSession& s, inlay_sequence q) {
  std::size_t count = 0;
  inlay_session_tokens(s.handle, q, nullptr, 0, &count);
  Ids result(count);
  REQUIRE(inlay_session_tokens(s.handle, q, result.data(), count, &count) == INLAY_OK);
  return result;
}

inline inlay_session_info info_of(const TestSession& s) {
  inlay_session_info info{};
  info.struct_size = sizeof info;
  REQUIRE(inlay_session_get_info(s.handle, &info) == INLAY_OK);
  return info;
}

inline inlay_status step_tiles(TestSession& s, std::uint64_t tiles) {
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

inline void hear(TestSession& s, const inlay_event& event, inlay_status status,
                 std::size_t vocabulary, Told& told) {
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

inline void run(TestSession& s, const TestModel& model, inlay_sequence q, Told& told) {
  inlay_event event{};
  for (inlay_status status; (status = s.step(event)) != INLAY_DONE;) {
    if (event.sequence == q) hear(s, event, status, model.info().vocabulary, told);
  }
}

// Everything still to come of the sequence, then the logits of some more tokens, then more draws.
inline Told go_on(TestSession& s, const TestModel& model, inlay_sequence q) {
  Told told;
  run(s, model, q, told);
  REQUIRE(inlay_session_generate(s.handle, q, nullptr, 0, nullptr) == INLAY_OK);
  s.feed(q, ids(21, 8), INLAY_FEED_ALL_LOGITS);
  run(s, model, q, told);
  generate(s, q, 5);
  run(s, model, q, told);
  return told;
}

inline inlay_event next(TestSession& s) {
  inlay_event event{};
  REQUIRE(s.step(event) > 0);
  return event;
}

inline bool has(const std::string& text, std::initializer_list<const char*> parts) {
  INFO(text);
  const bool all = std::all_of(parts.begin(), parts.end(), [&](const char* part) {
    return text.find(part) != std::string::npos;
  });
  CHECK(all);
  return all;
}

}  // namespace inlay::test::snapshots
