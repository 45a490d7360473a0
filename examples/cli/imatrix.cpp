// imatrix.cpp - inlay imatrix: what a model's matrices get to see of a text, for quantize.
#include <algorithm>

#include "command.h"
#include "output.h"
#include "progress.h"
#include "windows.h"

namespace cli {
namespace {

struct Options {
  LoadArguments model;
  WindowArguments text;
  std::string out;
  std::uint32_t chunks = 0;

  void declare(CLI::App& command) {
    model.declare(command);
    text.declare(command);
    command.add_option("--out", out, "File for the importance matrix (GGUF)")->required();
    declare_number(command, "--chunks", chunks, "At most so many windows (default 0: all)");
  }
};

void imatrix(const Options& options) {
  const inlay::Model model = options.model.open(inlay::Depth::weights, nullptr, true);
  const Windows windows(model, options.text);
  std::size_t count = windows.count();
  if (options.chunks) count = std::min<std::size_t>(count, options.chunks);
  WindowRows rows(model, options.model.threads, options.text.context);
  {
    ProgressBar bar("windows");
    for (std::size_t i = 0; i < count; ++i) {
      const std::vector<std::int32_t> window = windows[i];
      rows.begin(window, 0);  // logits for all tokens: the output matrix counts too
      while (rows.next()) {
      }
      bar(i + 1, count);
    }
  }
  rows.session().write_importance(inlay::Sink::path(options.out)).value();
}

}  // namespace

void add_imatrix(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "imatrix", "An importance matrix for quantize, from a text",
                       imatrix);
}

}  // namespace cli
