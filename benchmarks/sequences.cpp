// sequences.cpp - tokens a second of several sequences that decode together, and what that is of
// one alone.
//
//   sequences MODEL [--sequences 1,2,4,8] [--tokens 64] [--depth 64] [--threads 1] [--repeats 5]
//             [--json]
//
// Each repeat measures every count once, so that a machine that slows down slows all of them. The
// prompts (--depth tokens each, not timed) differ; each token is the likeliest one, and none ends
// its text.
#include "bench.h"

namespace {

using namespace bench;

constexpr const char* usage =
    "bench_sequences MODEL [--sequences 1,2,4,8] [--tokens 64] [--depth 64] [--threads 1]\n"
    "                       [--repeats 5] [--json]";

struct Options {
  std::vector<std::uint32_t> counts;
  std::uint32_t tokens, depth, threads, repeats;
  bool json;
  std::string model;
};

Options parse(int count, char** words) {
  Arguments arguments(count, words, usage);
  Options options;
  options.counts = arguments.take_list("--sequences", {1, 2, 4, 8});
  options.tokens = arguments.take_number("--tokens", 64);
  options.depth = arguments.take_number("--depth", 64);
  options.threads = arguments.take_number("--threads", 1);
  options.repeats = arguments.take_number("--repeats", 5);
  options.json = arguments.take_flag("--json");
  options.model = arguments.take_model();
  return options;
}

class Choir {
 public:
  Choir(const inlay::Model& model, const Options& options)
      : options_(options),
        prompts_(model.info().vocabulary),
        session_(need(inlay::Session::open(
            model, {.context = options.depth + options.tokens,
                    .sequences = *std::max_element(options.counts.begin(), options.counts.end()),
                    .threads = options.threads}))) {}

  // Tokens a second of `count` sequences, all of them together.
  double sing(std::uint32_t count) {
    std::vector<inlay::Sequence> sequences(count);
    for (inlay::Sequence& sequence : sequences) {
      sequence = need(session_.add());
      need(session_.feed(sequence, prompts_.next(options_.depth)));
    }
    run();
    for (const inlay::Sequence sequence : sequences) {
      generate(session_, sequence, {.temperature = 0}, options_.tokens);
      need(session_.feed(sequence, prompts_.next(1)));
    }
    const Clock::time_point start = Clock::now();
    const std::uint64_t told = run();
    const double seconds = seconds_since(start);
    for (const inlay::Sequence sequence : sequences) need(session_.drop(sequence));
    if (told != std::uint64_t{count} * options_.tokens) fail("a sequence ended too early");
    return static_cast<double>(told) / seconds;
  }

 private:
  // Until nothing is left to do; how many tokens were told.
  std::uint64_t run() {
    for (std::uint64_t told = 0;;) {
      const inlay::Status status = need(session_.step()).status;
      if (status == inlay::Status::done) return told;
      if (status == inlay::Status::token) ++told;
    }
  }

  const Options& options_;
  Prompts prompts_;
  inlay::Session session_;
};

struct Speeds {
  std::uint32_t sequences;
  std::vector<double> runs;    // tokens a second
  std::vector<double> ratios;  // to the first count in the same repeat
};

std::vector<Speeds> measure(const inlay::Model& model, const Options& options) {
  std::vector<Speeds> all;
  for (const std::uint32_t count : options.counts) all.push_back({count, {}, {}});
  Choir choir(model, options);
  choir.sing(options.counts[0]);  // reads the weights from the disk
  for (std::uint32_t i = 0; i < options.repeats; ++i) {
    for (Speeds& speeds : all) {
      speeds.runs.push_back(choir.sing(speeds.sequences));
      speeds.ratios.push_back(speeds.runs.back() / all[0].runs.back());
    }
  }
  return all;
}

void print_text(const Options& options, const char* isa, const std::vector<Speeds>& all) {
  std::printf("%u tokens after %u, %u threads, %s; medians of %u\n", options.tokens, options.depth,
              options.threads, isa, options.repeats);
  std::printf("sequences   tokens/s       min       max   ms a token of each   ratio\n");
  for (const Speeds& speeds : all) {
    const double middle = median(speeds.runs);
    std::printf("%9u  %9.2f %9.2f %9.2f %20.3f %7.2f\n", speeds.sequences, middle,
                quantile(speeds.runs, 0), quantile(speeds.runs, 1), 1e3 * speeds.sequences / middle,
                median(speeds.ratios));
  }
}

void print_json(const Options& options, const char* isa, const std::vector<Speeds>& all) {
  std::printf("{\"tokens\":%u,\"depth\":%u,\"threads\":%u,\"isa\":\"%s\",\"decode\":[",
              options.tokens, options.depth, options.threads, isa);
  for (const Speeds& speeds : all) {
    std::printf("%s{\"sequences\":%u,\"tokens_per_second\":[", &speeds == &all[0] ? "" : ",",
                speeds.sequences);
    for (std::size_t i = 0; i < speeds.runs.size(); ++i)
      std::printf("%s%.4f", i ? "," : "", speeds.runs[i]);
    std::printf("],\"median\":%.4f,\"ratio\":%.4f}", median(speeds.runs), median(speeds.ratios));
  }
  std::printf("]}\n");
}

}  // namespace

int main(int count, char** words) {
  const Options options = parse(count, words);
  const inlay::Model model = need(inlay::Model::open(options.model));
  const std::vector<Speeds> all = measure(model, options);
  const char* isa = model.info().isa;
  options.json ? print_json(options, isa, all) : print_text(options, isa, all);
  return 0;
}
