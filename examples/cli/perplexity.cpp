// perplexity.cpp - inlay perplexity: how well a model foresees a text.
#include "command.h"
#include "json.h"
#include "output.h"
#include "progress.h"
#include "windows.h"

namespace cli {
namespace {

struct Options {
  LoadArguments model;
  WindowArguments text;
  bool json = false;

  void declare(CLI::App& command) {
    model.declare(command);
    text.declare(command);
    command.add_flag("--json", json, "One JSON object");
  }
};

void perplexity(const Options& options) {
  const inlay::Model model = options.model.open(inlay::Depth::weights);
  const Windows windows(model, options.text);
  WindowRows rows(model, options.model.threads, options.text.context);
  Perplexity result;
  ProgressBar bar("windows");
  for (std::size_t i = 0; i < windows.count(); ++i) {
    const std::vector<std::int32_t> window = windows[i];
    for (rows.begin(window, options.text.context / 2); rows.next();) {
      if (rows.position() + 1 == window.size()) continue;  // what follows is not in the window
      result.add(rows.row(), log_sum_exp(rows.row()), window[rows.position() + 1]);
    }
    bar(i + 1, windows.count());
  }
  if (options.json) {
    Json json;
    json.open('{').field("perplexity", result.value()).field("standard_error", result.error());
    json.field("tokens", result.tokens()).field("windows", windows.count());
    json.field("ctx", options.text.context).close('}');
    return put("{}\n", json.text());
  }
  put("perplexity {:.4f} +- {:.4f}\n", result.value(), result.error());
  put("{} tokens scored, {} windows of {}\n", result.tokens(), windows.count(),
      options.text.context);
}

}  // namespace

void add_perplexity(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "perplexity", "How well the model foresees a text", perplexity);
}

}  // namespace cli
