// explain.cpp - inlay explain: the recorded program as text.
#include "arguments.h"
#include "command.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  LoadArguments model;
  std::uint32_t context = 0;

  void declare(CLI::App& command) {
    model.declare(command);
    declare_count(command, "--ctx", context, 1u << 20, "Tokens a sequence can hold");
  }
};

void explain(const Options& options) {
  const inlay::Model model = options.model.open(inlay::Depth::program);
  const std::string text =
      model.explain({.context = options.context, .threads = options.model.threads}).value();
  write(text);
  if (!text.ends_with('\n')) write("\n");
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "explain", "What the model computes, one instruction a line",
                       explain);
}

}  // namespace cli
