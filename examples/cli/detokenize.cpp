// detokenize.cpp - inlay detokenize: the text of token ids, byte for byte.
#include "arguments.h"
#include "command.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  ModelArguments model;
  std::string ids;

  void declare(CLI::App& command) {
    model.declare(command);
    command.add_option("--ids", ids, "Token ids, separated by commas")->required();
  }
};

void detokenize(const Options& options) {
  const inlay::Model model = options.model.open(inlay::Depth::metadata);
  const auto ids = parse_ids(options.ids);
  write(ModelArguments::tokenizer_of(model).decode(ids).value());
}

}  // namespace

void add_detokenize(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "detokenize", "The text of token ids", detokenize);
}

}  // namespace cli
