// model.h - short ways for tests to open models and run them through the C interface.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "inlay/inlay.h"
#include "support/data.h"

namespace inlay::test {

// Throws, and so fails the test, with the library's own text.
inline void expect_ok(inlay_status status, const inlay_error& error) {
  if (status < 0) {
    throw std::runtime_error(std::string(inlay_status_name(status)) + ": " + error.text);
  }
}

struct TestModel {
  inlay_model* handle = nullptr;

  explicit TestModel(const std::string& path, const char* isa = nullptr,
                     std::uint32_t depth = INLAY_OPEN_WEIGHTS, const inlay_host* host = nullptr) {
    inlay_source source;
    inlay_source_path(&source, path.data(), path.size());
    open(source, isa, depth, host);
  }
  // The bytes must outlive the model.
  explicit TestModel(const std::vector<std::uint8_t>& bytes, const char* isa = nullptr,
                     const inlay_host* host = nullptr) {
    inlay_source source;
    inlay_source_memory(&source, bytes.data(), bytes.size());
    open(source, isa, INLAY_OPEN_WEIGHTS, host);
  }
  TestModel(const inlay_source& source, const inlay_model_options& options) {
    inlay_error error{};
    expect_ok(inlay_model_open(&source, &options, &handle, &error), error);
  }
  TestModel(const TestModel&) = delete;
  ~TestModel() { inlay_model_release(handle); }

  inlay_model_info info() const {
    inlay_model_info info{};
    info.struct_size = sizeof info;
    if (inlay_model_get_info(handle, &info) != INLAY_OK) throw std::runtime_error("info");
    return info;
  }

 private:
  void open(const inlay_source& source, const char* isa, std::uint32_t depth,
            const inlay_host* host) {
    inlay_model_options options;
    inlay_model_options_defaults(&options);
    options.isa = isa;
    options.depth = depth;
    options.host = host;
    inlay_error error{};
    expect_ok(inlay_model_open(&source, &options, &handle, &error), error);
  }
};

struct TestSession {
  inlay_session* handle = nullptr;
  inlay_error error{};

  TestSession(const TestModel& model, const inlay_session_options& options) {
    expect_ok(inlay_session_open(model.handle, &options, &handle, &error), error);
  }
  TestSession(const TestSession&) = delete;
  ~TestSession() { inlay_session_close(handle); }

  static inlay_session_options options() {
    inlay_session_options options;
    inlay_session_options_defaults(&options);
    options.threads = 1;
    return options;
  }

  inlay_sequence add() {
    inlay_sequence sequence = 0;
    expect_ok(inlay_session_add(handle, &sequence, &error), error);
    return sequence;
  }
  void feed(inlay_sequence sequence, const std::vector<std::int32_t>& ids,
            std::uint32_t flags = 0) {
    expect_ok(inlay_session_feed(handle, sequence, ids.data(), ids.size(), flags, &error), error);
  }
  inlay_status step(inlay_event& event, std::uint64_t budget = 0) {
    event = {};
    event.struct_size = sizeof event;
    const inlay_status status = inlay_session_step(handle, budget, &event, &error);
    expect_ok(status, error);
    return status;
  }
};

// Every row of logits for `ids`, run in passes of at most `chunk` tokens by `sequences` copies at
// once; throws when the copies differ.
inline std::vector<float> all_logits(const TestModel& model, const std::vector<std::int32_t>& ids,
                                     std::uint32_t chunk = 64, std::uint32_t threads = 1,
                                     std::uint32_t sequences = 1,
                                     std::uint32_t kv_type = INLAY_KV_AUTO) {
  inlay_session_options options = TestSession::options();
  options.context = static_cast<std::uint32_t>(ids.size());
  options.chunk = chunk;
  options.logits_rows = chunk;
  options.threads = threads;
  options.sequences = sequences;
  options.kv_type = kv_type;
  TestSession session(model, options);
  const std::size_t vocabulary = model.info().vocabulary;
  std::vector<inlay_sequence> handles;
  std::vector<std::vector<float>> rows(sequences, std::vector<float>(ids.size() * vocabulary));
  for (std::uint32_t i = 0; i < sequences; ++i) {
    handles.push_back(session.add());
    session.feed(handles.back(), ids, INLAY_FEED_ALL_LOGITS);
  }
  inlay_event event{};
  std::size_t told = 0;
  while (session.step(event) != INLAY_DONE) {
    const float* logits = nullptr;
    std::uint32_t count = 0, position = 0;
    if (inlay_session_logits(session.handle, event.sequence, &logits, &count, &position) != 0) {
      throw std::runtime_error("no logits");
    }
    for (std::uint32_t i = 0; i < sequences; ++i) {
      if (handles[i] != event.sequence) continue;
      std::memcpy(rows[i].data() + position * vocabulary, logits,
                  count * vocabulary * sizeof(float));
      told += count;
    }
  }
  if (told != ids.size() * sequences) throw std::runtime_error("rows are missing");
  for (std::uint32_t i = 1; i < sequences; ++i) {
    if (std::memcmp(rows[i].data(), rows[0].data(), rows[0].size() * sizeof(float)) != 0) {
      throw std::runtime_error("copies of a sequence differ");
    }
  }
  return rows[0];
}

// FNV-1a over the bytes of the floats.
inline std::uint64_t hash_of(const std::vector<float>& values) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
  for (std::size_t i = 0; i < values.size() * sizeof(float); ++i) {
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  }
  return hash;
}

// Tokens of a greedy generation; `budget` per step in nanoseconds, 0 none.
inline std::vector<std::int32_t> greedy(TestSession& session,
                                        const std::vector<std::int32_t>& prompt, std::size_t count,
                                        std::uint64_t budget = 0) {
  const inlay_sequence sequence = session.add();
  session.feed(sequence, prompt);
  inlay_sampler_options sampler;
  inlay_sampler_options_defaults(&sampler);
  sampler.temperature = 0;
  expect_ok(inlay_session_generate(session.handle, sequence, &sampler, count, &session.error),
            session.error);
  std::vector<std::int32_t> tokens;
  inlay_event event{};
  inlay_status status = INLAY_OK;
  while ((status = session.step(event, budget)) != INLAY_DONE) {
    if (status != INLAY_TOKEN) continue;
    tokens.push_back(event.token);
    if (event.finish != INLAY_FINISH_NONE) break;
  }
  inlay_session_drop(session.handle, sequence);
  return tokens;
}

// Largest |a - b| over the largest |b|.
inline double relative_error(const float* a, const float* b, std::size_t count) {
  double worst = 0, largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double difference = std::fabs(double{a[i]} - double{b[i]});
    worst = std::isnan(difference) ? INFINITY : std::max(worst, difference);
    largest = std::max(largest, std::fabs(double{b[i]}));
  }
  return worst / largest;
}

inline std::vector<std::string> usable_isas() {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < inlay_isa_count(); ++i) {
    if (inlay_isa_usable(i)) names.emplace_back(inlay_isa_name(i));
  }
  return names;
}

}  // namespace inlay::test
