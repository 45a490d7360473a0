// bench.cpp - inlay bench: tokens per second of prefill and decode, load time, memory.
#include <algorithm>
#include <chrono>

#include "arguments.h"
#include "command.h"
#include "json.h"
#include "memory.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  LoadArguments model;
  std::uint32_t prefill = 512;
  std::uint32_t decode = 128;
  std::uint32_t depth = 0;
  std::uint32_t repeats = 5;
  inlay::SessionOptions session;
  bool json = false;

  void declare(CLI::App& command) {
    model.declare(command);
    declare_number(command, "-p", prefill, "Tokens of the prefill test (default 512; 0: none)");
    declare_number(command, "-n", decode, "Tokens of the decode test (default 128; 0: none)");
    declare_number(command, "-d", depth, "Tokens already in the context (default 0)");
    declare_count(command, "-r", repeats, 10000, "Repeats of each test (default 5)");
    declare_count(command, "--sequences", session.sequences, 1024,
                  "Sequences side by side (default 1)");
    declare_count(command, "--chunk", session.chunk, 8192, "Most tokens in one pass");
    declare_kv(command, session);
    command.add_flag("--json", json, "One JSON object");
  }
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Tokens per second, one number per repeat.
struct Speeds {
  std::vector<double> runs;

  double at(double part) const {  // 0: min, 0.5: median, 1: max
    std::vector<double> sorted = runs;
    std::sort(sorted.begin(), sorted.end());
    const double place = part * static_cast<double>(sorted.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    const auto high = std::min(low + 1, sorted.size() - 1);
    return sorted[low] + (sorted[high] - sorted[low]) * (place - static_cast<double>(low));
  }
};

// A session with several sequences that are fed the same number of arbitrary tokens.
class Workload {
 public:
  Workload(const inlay::Model& model, const inlay::SessionOptions& options)
      : session_(inlay::Session::open(model, options).value()),
        vocabulary_(model.info().vocabulary),
        sequences_(options.sequences) {}

  // Empty sequences with `depth` tokens in each.
  void begin(std::uint32_t depth) {
    for (inlay::Sequence& sequence : sequences_) {
      if (sequence) session_.drop(sequence).value();
      sequence = session_.add().value();
    }
    if (depth) compute(depth);
  }
  // Feeds `count` tokens to every sequence and computes them.
  void compute(std::uint32_t count) {
    ids_.resize(count);
    for (const inlay::Sequence sequence : sequences_) {
      for (std::int32_t& id : ids_) id = next_id();
      session_.feed(sequence, ids_).value();
    }
    while (session_.step().value().status != inlay::Status::done) {
    }
  }

 private:
  std::int32_t next_id() {  // a linear congruence (Knuth's MMIX constants): any tokens will do
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::int32_t>((state_ >> 33) % vocabulary_);
  }

  inlay::Session session_;
  std::uint32_t vocabulary_;
  std::vector<inlay::Sequence> sequences_;
  std::vector<std::int32_t> ids_;
  std::uint64_t state_ = 1;
};

struct Results {
  inlay::ModelInfo info;
  inlay::Plan plan;
  double open_seconds = 0;     // the model
  double session_seconds = 0;  // its first session
  double first_seconds = 0;    // its first token: the weights are read from the disk here
  Speeds prefill, decode;
  std::uint64_t peak_allocated = 0;
  std::uint64_t peak_resident = 0;
};

Speeds measure_prefill(Workload& workload, const Options& options) {
  Speeds speeds;
  for (std::uint32_t i = 0; options.prefill && i < options.repeats; ++i) {
    workload.begin(options.depth);
    const auto begin = std::chrono::steady_clock::now();
    workload.compute(options.prefill);
    const double tokens = 1.0 * options.prefill * options.session.sequences;
    speeds.runs.push_back(tokens / seconds_since(begin));
  }
  return speeds;
}

Speeds measure_decode(Workload& workload, const Options& options) {
  Speeds speeds;
  for (std::uint32_t i = 0; options.decode && i < options.repeats; ++i) {
    workload.begin(options.depth);
    const auto begin = std::chrono::steady_clock::now();
    for (std::uint32_t token = 0; token < options.decode; ++token) workload.compute(1);
    const double tokens = 1.0 * options.decode * options.session.sequences;
    speeds.runs.push_back(tokens / seconds_since(begin));
  }
  return speeds;
}

void print_text(const Options& options, const Results& r) {
  put("model      {} {}, {} parameters, {} bytes\n", shown(r.info.architecture), shown(r.info.name),
      r.info.parameters, r.info.weight_bytes);
  put("machine    {}, {}\n", r.info.isa,
      options.model.threads ? fmt::format("{} threads", options.model.threads)
                            : "a thread per physical core");
  put("load       {:.4f} s model, {:.4f} s session, {:.4f} s first token\n", r.open_seconds,
      r.session_seconds, r.first_seconds);
  const auto speeds = [&](const char* what, std::uint32_t tokens, const Speeds& s) {
    if (s.runs.empty()) return;
    put("{:<10} {} tokens x {} at depth {}, tokens/s: {:.2f}\n", what, tokens,
        options.session.sequences, options.depth, fmt::join(s.runs, " "));
    put("           median {:.2f}, min {:.2f}, max {:.2f}\n", s.at(0.5), s.at(0), s.at(1));
  };
  speeds("prefill", options.prefill, r.prefill);
  speeds("decode", options.decode, r.decode);
  put("token      {} bytes of weights read for one\n", r.info.token_bytes);
  put("memory     {} bytes planned, {} allocated at most, {} resident at most\n", r.plan.total,
      r.peak_allocated, r.peak_resident);
}

void print_json(const Options& options, const Results& r) {
  Json json;
  json.open('{').field("architecture", r.info.architecture).field("name", r.info.name);
  json.field("parameters", r.info.parameters).field("weight_bytes", r.info.weight_bytes);
  json.field("isa", r.info.isa).field("threads", options.model.threads);
  json.field("load_seconds", r.open_seconds + r.session_seconds);
  json.field("first_token_seconds", r.first_seconds);
  const auto speeds = [&](const char* what, std::uint32_t tokens, const Speeds& s) {
    if (s.runs.empty()) return;
    json.key(what).open('{').field("tokens", tokens).field("depth", options.depth);
    json.field("sequences", options.session.sequences).field("tokens_per_second", s.runs);
    json.field("median", s.at(0.5)).field("min", s.at(0)).field("max", s.at(1)).close('}');
  };
  speeds("prefill", options.prefill, r.prefill);
  speeds("decode", options.decode, r.decode);
  json.field("token_bytes", r.info.token_bytes).field("planned_bytes", r.plan.total);
  json.field("peak_allocated_bytes", r.peak_allocated);
  json.field("peak_resident_bytes", r.peak_resident);
  put("{}\n", json.close('}').text());
}

void bench(const Options& options) {
  CountingMemory memory;
  inlay::Host host;
  host.memory(memory);
  Results results{};
  auto begin = std::chrono::steady_clock::now();
  const inlay::Model model = options.model.open(inlay::Depth::weights, &host);
  results.open_seconds = seconds_since(begin);
  results.info = model.info();

  inlay::SessionOptions session = options.session;
  session.threads = options.model.threads;
  session.reuse = false;  // nothing but what is measured
  session.context = options.depth + std::max({options.prefill, options.decode, 1u});
  results.plan = model.plan(session).value();
  begin = std::chrono::steady_clock::now();
  Workload workload(model, session);
  results.session_seconds = seconds_since(begin);

  workload.begin(0);
  begin = std::chrono::steady_clock::now();
  workload.compute(1);
  results.first_seconds = seconds_since(begin);
  results.prefill = measure_prefill(workload, options);
  results.decode = measure_decode(workload, options);
  results.peak_allocated = memory.peak();
  results.peak_resident = peak_resident_bytes();
  options.json ? print_json(options, results) : print_text(options, results);
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "bench", "Speed, load time and memory", bench);
}

}  // namespace cli
