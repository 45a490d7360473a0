// compare.cpp - inlay compare: how far the predictions of two models lie apart over a text.
#include <algorithm>
#include <cmath>

#include "command.h"
#include "json.h"
#include "output.h"
#include "progress.h"
#include "windows.h"

namespace cli {
namespace {

struct Options {
  MachineArguments machine;
  WeightArguments weights;  // of B
  WindowArguments text;
  std::string a, b;
  bool json = false;

  void declare(CLI::App& command) {
    command.add_option("MODEL_A", a, "The model to compare with")->required();
    command.add_option("MODEL_B", b, "The model that is looked at")->required();
    machine.declare(command);
    weights.declare(command, " of MODEL_B");
    text.declare(command);
    command.add_flag("--json", json, "One JSON object");
  }
};

// A distribution over the next token.
struct Prediction {
  std::span<const float> logits;
  double sum = log_sum_exp(logits);
  double log_p(std::size_t id) const { return double{logits[id]} - sum; }
  std::size_t top() const {  // the lowest id on a tie
    return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) -
                                    logits.begin());
  }
};

// sum p_a log(p_a / p_b), in nats (Kullback and Leibler 1951).
double divergence(const Prediction& a, const Prediction& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.logits.size(); ++i) {
    const double log_p = a.log_p(i);
    const double p = std::exp(log_p);
    if (p > 0) total += p * (log_p - b.log_p(i));
  }
  return total > 0 ? total : 0;
}

struct Results {
  Perplexity a, b;
  std::vector<double> divergences;
  std::uint64_t same_top = 0;

  void add(const Prediction& of_a, const Prediction& of_b, std::int32_t next) {
    a.add(of_a.logits, of_a.sum, next);
    b.add(of_b.logits, of_b.sum, next);
    divergences.push_back(divergence(of_a, of_b));
    same_top += of_a.top() == of_b.top();
  }
  Mean mean() const {
    Mean result;
    for (const double x : divergences) result.add(x);
    return result;
  }
  // The number that `part` of all do not exceed.
  double quantile(double part) const {
    std::vector<double> sorted = divergences;
    std::sort(sorted.begin(), sorted.end());
    const double place = std::ceil(part * static_cast<double>(sorted.size()));
    return sorted[static_cast<std::size_t>(std::max(place, 1.0)) - 1];
  }
  double share() const {
    return static_cast<double>(same_top) / static_cast<double>(divergences.size());
  }
};

void print_json(const Options& options, const Results& r, std::size_t windows) {
  const Mean mean = r.mean();
  Json json;
  json.open('{').field("kl_mean", mean.value()).field("kl_standard_error", mean.error());
  json.field("kl_99_9", r.quantile(0.999)).field("kl_max", r.quantile(1));
  json.field("same_top", r.share());
  json.field("perplexity_a", r.a.value()).field("standard_error_a", r.a.error());
  json.field("perplexity_b", r.b.value()).field("standard_error_b", r.b.error());
  json.field("tokens", r.a.tokens()).field("windows", windows);
  put("{}\n", json.field("ctx", options.text.context).close('}').text());
}

void print_text(const Options& options, const Results& r, std::size_t windows) {
  const Mean mean = r.mean();
  put("KL divergence   mean {:.6f} +- {:.6f}, 99.9 % {:.6f}, most {:.6f}\n", mean.value(),
      mean.error(), r.quantile(0.999), r.quantile(1));
  put("same top token  {:.3f} %\n", 100 * r.share());
  put("perplexity      A {:.4f} +- {:.4f}, B {:.4f} +- {:.4f}\n", r.a.value(), r.a.error(),
      r.b.value(), r.b.error());
  put("{} tokens scored, {} windows of {}\n", r.a.tokens(), windows, options.text.context);
}

inlay::Model open_b(const Options& options) {
  inlay::ModelOptions how = options.machine.options(inlay::Depth::weights);
  options.weights.apply(how);
  ProgressBar bar("loading");
  how.progress = bar;
  return inlay::Model::open(options.b, how).value();
}

void compare(const Options& options) {
  const inlay::Model a =
      inlay::Model::open(options.a, options.machine.options(inlay::Depth::weights)).value();
  const inlay::Model b = open_b(options);
  const Windows windows(a, options.text);
  if (a.info().vocabulary != b.info().vocabulary) {
    fail(inlay::Status::argument, fmt::format("the models have different vocabularies: {} and {}",
                                              a.info().vocabulary, b.info().vocabulary));
  }
  if (windows.ids() != Windows(b, options.text).ids()) {
    fail(inlay::Status::argument,
         "the models have different vocabularies: the text has other tokens in the second");
  }
  WindowRows of_a(a, options.machine.threads, options.text.context);
  WindowRows of_b(b, options.machine.threads, options.text.context);
  Results results;
  ProgressBar bar("windows");
  for (std::size_t i = 0; i < windows.count(); ++i) {
    const std::vector<std::int32_t> window = windows[i];
    const std::uint32_t first = options.text.context / 2;
    of_a.begin(window, first);
    of_b.begin(window, first);
    while (of_a.next() && of_b.next()) {
      const std::uint32_t next = of_a.position() + 1;
      if (next < window.size()) results.add({of_a.row()}, {of_b.row()}, window[next]);
    }
    bar(i + 1, windows.count());
  }
  options.json ? print_json(options, results, windows.count())
               : print_text(options, results, windows.count());
}

}  // namespace

void add_compare(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "compare", "How far two models lie apart over a text", compare);
}

}  // namespace cli
