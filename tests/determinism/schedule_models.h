// schedule_models.h - models for random schedules, and the logits their tokens have alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <thread>
#include <unordered_map>

#include "support/model.h"
#include "support/small_model.h"

namespace inlay::test::schedules {

using Tokens = std::vector<std::int32_t>;

#define EXPECT(condition, what)                                                          \
  do {                                                                                   \
    if (!(condition)) throw std::runtime_error(std::string(what) + " (" #condition ")"); \
  } while (false)

struct Rng {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(next() % n); }
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return low + below(high - low + 1);
  }
  bool chance(std::uint32_t percent) { return below(100) < percent; }
  template <class T>
  const T& one_of(const std::vector<T>& list) {
    return list[below(static_cast<std::uint32_t>(list.size()))];
  }
};

// ---- Models -------------------------------------------------------------------------------------

// How the host runs workers and tells the time.
enum class HostKind { plain, clock_only, backwards, threads, count };

// A clock that goes on by a microsecond each time it is asked.
inline std::uint64_t next_microsecond(void* user) {
  return static_cast<std::atomic<std::uint64_t>*>(user)->fetch_add(1000) + 1000;
}

inline void run_backwards(void*, std::uint32_t count, void (*task)(void*, std::uint32_t),
                          void* argument) {
  for (std::uint32_t i = count; i-- > 0;) task(argument, i);
}

inline void run_on_threads(void*, std::uint32_t count, void (*task)(void*, std::uint32_t),
                           void* argument) {
  std::vector<std::thread> threads;
  for (std::uint32_t i = 1; i < count; ++i) threads.emplace_back(task, argument, i);
  task(argument, 0);
  for (std::thread& thread : threads) thread.join();
}

using KvPair = std::pair<std::uint32_t, std::uint32_t>;

// The rows of logits of token lists, each computed alone: a fresh session, one thread, no reuse.
class Reference {
 public:
  Reference(const TestModel& model, KvPair kv)
      : model_(model), kv_(kv), vocabulary_(model.info().vocabulary) {}

  // Of no tokens. From a small number on, [0, 45] and [46] would have the same key.
  static constexpr std::uint64_t first_key = 0x2545f4914f6cdd1du;
  static std::uint64_t key_after(std::uint64_t key, std::int32_t token) {
    key = (key ^ (static_cast<std::uint64_t>(token) + 1)) * 0x9e3779b97f4a7c15u;
    return key ^ (key >> 29);
  }

  void compute(const Tokens& tokens) {
    std::vector<std::uint64_t> keys;
    bool known = true;
    for (const std::int32_t token : tokens) {
      const std::uint64_t before = keys.empty() ? first_key : keys.back();
      keys.push_back(key_after(before, token));
      const auto found = places_.find(keys.back());
      known = known && found != places_.end();
      EXPECT(found == places_.end() || found->second.ends(before, token), "two lists, one key");
    }
    if (known) return;
    auto options = TestSession::options();
    options.context = static_cast<std::uint32_t>(tokens.size());
    options.chunk = options.logits_rows = 64;
    options.reuse = 0;
    options.kv_type = kv_.first;
    options.value_type = kv_.second;
    TestSession session(model_, options);
    session.feed(session.add(), tokens, INLAY_FEED_ALL_LOGITS);
    inlay_event event{};
    std::size_t told = 0;
    while (session.step(event) == INLAY_LOGITS) {
      const float* logits = nullptr;
      std::uint32_t rows = 0, position = 0;
      EXPECT(!inlay_session_logits(session.handle, event.sequence, &logits, &rows, &position), "");
      EXPECT(position == told, "reference");
      for (std::uint32_t r = 0; r < rows; ++r, ++told) {
        const std::uint64_t before = told ? keys[told - 1] : first_key;
        const Place here{before, tokens[told], rows_.size()};
        const auto [found, is_new] = places_.try_emplace(keys[told], here);
        EXPECT(found->second.ends(before, tokens[told]), "two lists, one key");
        if (!is_new) continue;
        rows_.insert(rows_.end(), logits + r * vocabulary_, logits + (r + 1) * vocabulary_);
      }
    }
    EXPECT(told == tokens.size(), "reference");
  }
  const float* row(std::uint64_t key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &rows_[found->second.row];
  }
  std::uint32_t vocabulary() const { return vocabulary_; }

 private:
  // Of a list's last token: its row of logits, and that no other list has the key.
  struct Place {
    std::uint64_t key_before;
    std::int32_t token;
    std::size_t row;
    bool ends(std::uint64_t key, std::int32_t last) const {
      return key_before == key && token == last;
    }
  };

  const TestModel& model_;
  KvPair kv_;
  std::uint32_t vocabulary_;
  std::unordered_map<std::uint64_t, Place> places_;
  std::vector<float> rows_;
};

// One file, opened for each instruction set and host when it is asked for.
class Family {
 public:
  Family(std::vector<std::uint8_t> file, std::vector<std::uint32_t> types)
      : kv_types(std::move(types)), file_(std::move(file)), plain_(file_) {}

  const TestModel& model(const std::string& isa, HostKind kind) {
    auto& place = models_[{isa, kind}];
    if (!place) {
      inlay_host host;
      inlay_host_defaults(&host);
      if (kind != HostKind::plain) host.clock = {&now_, next_microsecond};
      if (kind == HostKind::backwards) host.jobs = {nullptr, 3, run_backwards};
      if (kind == HostKind::threads) host.jobs = {nullptr, 2, run_on_threads};
      place = std::make_unique<TestModel>(file_, isa.c_str(), &host);
    }
    return *place;
  }
  void set_clock_back() { now_ = 0; }
  Reference& reference(KvPair kv) {
    auto& place = references_[kv];
    if (!place) place = std::make_unique<Reference>(plain_, kv);
    return *place;
  }
  bool is_end(std::int32_t token) const {
    const inlay_tokenizer* tokenizer = inlay_model_get_tokenizer(plain_.handle);
    return tokenizer && inlay_tokenizer_is_end(tokenizer, token);
  }

  const std::vector<std::uint32_t> kv_types;

 private:
  std::vector<std::uint8_t> file_;
  TestModel plain_;
  std::atomic<std::uint64_t> now_{0};
  std::map<std::pair<std::string, HostKind>, std::unique_ptr<TestModel>> models_;
  std::map<KvPair, std::unique_ptr<Reference>> references_;
};

// Grouped queries; the second one with integer dot products. Then biases, ALiBi, parallel
// residuals.
inline std::vector<std::unique_ptr<Family>>& families() {
  static std::vector<std::unique_ptr<Family>> list;
  if (!list.empty()) return list;
  const std::vector<std::uint32_t> all{INLAY_KV_F32, INLAY_KV_F16, INLAY_KV_BF16, INLAY_KV_Q8_0,
                                       INLAY_KV_Q4_0};
  const auto small =
      SmallModel{.layers = 2, .width = 128, .rows = 128, .kv_heads = 2, .vocabulary = 50}.build();
  list.push_back(std::make_unique<Family>(small, all));
  list.push_back(std::make_unique<Family>(quantize(small, quantize_options("Q8_0")).bytes, all));
  for (const char* name : {"qwen2", "bloom-6-heads", "gptneox-parallel"}) {
    const auto file = read_bytes(fixture_path(std::string("models/") + name + ".gguf"));
    list.push_back(std::make_unique<Family>(file, all));
  }
  return list;
}

// ---- Counting -----------------------------------------------------------------------------------

// How often each thing really happened; a schedule that does nothing proves nothing.
inline std::map<std::string, std::uint64_t>& happened() {
  static std::map<std::string, std::uint64_t> counts;
  return counts;
}
inline void count(const std::string& what, std::uint64_t times = 1) { happened()[what] += times; }

}  // namespace inlay::test::schedules
