// tokenizers.cpp - how fast text becomes ids, one thread: a whole file, its lines one by one, and
// runs of one character, which are the worst case of merging.
//
//   bench_tokenizers [--text FILE] [--repeats 5] [--json] MODEL...
//
// MODEL: a GGUF file, one without tensors too, or a model folder. Times are medians.
#include <fstream>
#include <iterator>
#include <string_view>

#include "bench.h"

namespace {

using namespace bench;

constexpr const char* usage = "bench_tokenizers [--text FILE] [--repeats 5] [--json] MODEL...";

struct Run {
  const char* name;  // of the character
  char character;
  std::size_t length;
};
constexpr Run runs[] = {{"A", 'A', 9400}, {"_", '_', 50000}, {"A", 'A', 1000000}};

struct Figures {
  std::string model;
  std::size_t tokens = 0;          // of the whole text
  double whole = 0, lines = 0;     // MB/s
  double runs[std::size(::runs)];  // ms
};

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("cannot open " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

template <class Work>
double median_seconds(std::uint32_t repeats, Work work) {
  std::vector<double> seconds;
  for (std::uint32_t i = 0; i < repeats; ++i) {
    const Clock::time_point begin = Clock::now();
    work();
    seconds.push_back(seconds_since(begin));
  }
  return median(seconds);
}

Figures measure(const std::string& path, const std::string& text, std::uint32_t repeats) {
  inlay::ModelOptions options;
  options.depth = inlay::Depth::metadata;
  const inlay::Model model = need(inlay::Model::open(path, options));
  const inlay::Tokenizer tokenizer = model.tokenizer();
  if (!tokenizer) fail(path + ": no tokenizer");
  std::vector<std::int32_t> ids(text.size() + 1000008);
  Figures figures;
  figures.model = path;
  const auto encode = [&](std::string_view what) { return need(tokenizer.encode(what, ids)); };
  const double megabytes = 1e-6 * static_cast<double>(text.size());
  figures.tokens = encode(text);
  figures.whole = megabytes / median_seconds(repeats, [&] { encode(text); });
  const std::vector<std::string_view> lines = lines_of(text);
  figures.lines = megabytes / median_seconds(repeats, [&] {
                    for (const std::string_view line : lines) encode(line);
                  });
  for (std::size_t i = 0; i < std::size(runs); ++i) {
    const std::string run(runs[i].length, runs[i].character);
    figures.runs[i] = 1e3 * median_seconds(repeats, [&] { encode(run); });
  }
  return figures;
}

void print_text(const std::vector<Figures>& all) {
  std::printf("%-50s %9s %12s %12s", "model", "tokens", "whole MB/s", "lines MB/s");
  for (const Run& run : runs) std::printf(" %7zu %s ms", run.length, run.name);
  std::printf("\n");
  for (const Figures& f : all) {
    std::printf("%-50s %9zu %12.2f %12.2f", f.model.c_str(), f.tokens, f.whole, f.lines);
    for (const double ms : f.runs) std::printf(" %12.3f", ms);
    std::printf("\n");
  }
}

void print_json(const std::vector<Figures>& all) {
  std::printf("[");
  for (const Figures& f : all) {
    std::printf("%s{\"model\":\"%s\",\"tokens\":%zu,\"whole\":%.3f,\"lines\":%.3f,\"runs_ms\":[",
                &f == all.data() ? "" : ",", f.model.c_str(), f.tokens, f.whole, f.lines);
    for (const double& ms : f.runs) std::printf("%s%.4f", &ms == f.runs ? "" : ",", ms);
    std::printf("]}");
  }
  std::printf("]\n");
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments(count, words, usage);
  const std::string path = arguments.take_word("--text", "");
  const std::uint32_t repeats = arguments.take_number("--repeats", 5);
  const bool json = arguments.take_flag("--json");
  const std::vector<std::string> models = arguments.take_rest(1);
  std::string text;
  if (!path.empty()) text = read_text(path);
  while (path.empty() && text.size() < 1000000) {
    text += "The library opens a model, encodes " + std::to_string(text.size()) +
            " bytes of text,\nand isn't allowed to be slow: naïve loops don't count!\n";
  }
  std::vector<Figures> all;
  for (const std::string& model : models) all.push_back(measure(model, text, repeats));
  json ? print_json(all) : print_text(all);
  return 0;
}
