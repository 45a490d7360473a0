// masks.cpp - what constraining a text costs: compiling, the mask of each token, and decoding with
// it against decoding freely.
//
//   masks MODEL [--texts 4] [--tokens 200] [--decode 0] [--repeats 3] [--each] GRAMMAR...
//
// Grammars by their names: .gbnf, .regex, else JSON schema. Texts are drawn among the allowed
// tokens, each as likely as the next, up to --tokens; every text begins with a new matcher, so
// nothing is remembered of the one before. --decode: the median of so many tokens of a session,
// free and then constrained, in turn, half of the limit of tokens; without it weights are not
// opened. --each: a line for each grammar.
#include <fstream>
#include <iterator>
#include <random>

#include "bench.h"

namespace {

using namespace bench;

constexpr const char* usage =
    "bench_masks MODEL [--texts 4] [--tokens 200] [--decode 0] [--repeats 3] [--each] GRAMMAR...";

struct Options {
  std::uint32_t texts, tokens, decode, repeats;
  bool each;
  std::vector<std::string> files;  // the model first
};

Options parse(int count, char** words) {
  Arguments arguments(count, words, usage);
  Options options;
  options.texts = arguments.take_number("--texts", 4);
  options.tokens = arguments.take_number("--tokens", 200);
  options.decode = arguments.take_number("--decode", UINT32_MAX);
  options.repeats = arguments.take_number("--repeats", 3);
  options.each = arguments.take_flag("--each");
  options.files = arguments.take_rest(2);
  return options;
}

inlay::GrammarLanguage language_of(std::string_view path) {
  if (path.ends_with(".gbnf")) return inlay::GrammarLanguage::gbnf;
  return path.ends_with(".regex") ? inlay::GrammarLanguage::regex : inlay::GrammarLanguage::schema;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// In microseconds.
struct Times {
  std::vector<double> compile, masks;

  void add(const Times& other) {
    compile.insert(compile.end(), other.compile.begin(), other.compile.end());
    masks.insert(masks.end(), other.masks.begin(), other.masks.end());
  }
  void print(const std::string& name) const {
    const auto most = [](const std::vector<double>& v) {
      return *std::max_element(v.begin(), v.end());
    };
    std::printf("%-44s compile %8.2f ms, most %8.2f  masks %6zu: %8.1f us, p99 %8.1f, most %8.1f\n",
                name.c_str(), median(compile) / 1e3, most(compile) / 1e3, masks.size(),
                median(masks), quantile(masks, 0.99), most(masks));
    std::fflush(stdout);
  }
};

// One text: the time of every mask.
void draw(const inlay::Grammar& grammar, std::uint32_t vocabulary, std::mt19937& random,
          std::uint32_t tokens, Times& times) {
  inlay::Matcher matcher = need(inlay::Matcher::open(grammar));
  std::vector<std::uint64_t> words((vocabulary + 63) / 64);
  std::vector<std::int32_t> allowed;
  for (std::uint32_t i = 0; i < tokens && !matcher.is_over(); ++i) {
    const auto begin = Clock::now();
    need(matcher.mask(words));
    times.masks.push_back(seconds_since(begin) * 1e6);
    allowed.clear();
    for (std::uint32_t id = 0; id < vocabulary; ++id) {
      if (words[id / 64] >> (id % 64) & 1) allowed.push_back(static_cast<std::int32_t>(id));
    }
    if (!matcher.accept(allowed[random() % allowed.size()])) return;  // an end
  }
}

// Seconds of each of `tokens` tokens, or of fewer where the text ends.
void decode(const inlay::Model& model, const inlay::Grammar& grammar, std::uint32_t tokens,
            std::uint64_t seed, std::vector<double>& seconds) {
  auto session = need(inlay::Session::open(model, {.context = 2 * tokens + 64}));
  const inlay::Sequence sequence = need(session.add());
  need(session.feed(sequence, Prompts(model.info().vocabulary).next(16)));
  if (grammar) need(session.constrain(sequence, grammar));
  generate(session, sequence, {.temperature = 1.0f, .seed = seed}, 2 * tokens);
  for (std::uint32_t i = 0; i <= tokens; ++i) {
    const auto begin = Clock::now();
    const inlay::Event event = need(session.step());
    if (event.status != inlay::Status::token) break;
    if (i > 0) seconds.push_back(seconds_since(begin));  // the first one computes the prompt
    if (event.finish != inlay::Finish::none) break;
  }
}

void compare_decoding(const inlay::Model& model, const inlay::Grammar& grammar,
                      const std::string& name, const Options& options) {
  std::vector<double> free, held;
  for (std::uint32_t i = 0; i < options.repeats; ++i) {
    decode(model, {}, options.decode, i, free);
    decode(model, grammar, options.decode, i, held);
  }
  if (held.empty()) return;
  std::printf("%-44s %.3f ms a token, constrained %.3f (%zu tokens): %+.2f %%\n", name.c_str(),
              median(free) * 1e3, median(held) * 1e3, held.size(),
              100 * (median(held) / median(free) - 1));
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** words) {
  const Options options = parse(count, words);
  const bool decodes = options.decode != UINT32_MAX;
  const auto depth = decodes ? inlay::Depth::weights : inlay::Depth::metadata;
  const inlay::Model model = need(inlay::Model::open(options.files[0], {.depth = depth}));
  const std::uint32_t vocabulary = model.tokenizer().info().size;
  std::mt19937 random(1);
  Times all;
  std::uint32_t refused = 0;
  // The tree of tokens is made once for a model.
  const auto begin = Clock::now();
  need(inlay::Grammar::regex(model, "a"));
  std::printf("the tree of %u tokens: %.1f ms\n", vocabulary, seconds_since(begin) * 1e3);
  for (std::size_t i = 1; i < options.files.size(); ++i) {
    const std::string& path = options.files[i];
    const std::string name = path.substr(path.rfind('/') + 1);
    const std::string text = read_file(path);
    Times times;
    const auto start = Clock::now();
    const auto grammar = inlay::Grammar::compile(language_of(path), text, model);
    times.compile.push_back(seconds_since(start) * 1e6);
    if (!grammar) {
      std::printf("%s: %s\n", name.c_str(), grammar.error().text());
      ++refused;
      continue;
    }
    for (std::uint32_t k = 0; k < options.texts; ++k) {
      draw(*grammar, vocabulary, random, options.tokens, times);
    }
    if (options.each) times.print(name);
    if (decodes) compare_decoding(model, *grammar, name, options);
    all.add(times);
  }
  if (all.masks.empty()) return 1;
  all.print(std::to_string(options.files.size() - 1 - refused) + " grammars, " +
            std::to_string(refused) + " refused");
}
