// tokenize.cpp - inlay tokenize: the ids of a text.
#include "arguments.h"
#include "command.h"
#include "json.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  ModelArguments model;
  TextArguments text;
  bool no_bos = false;
  bool parse_special = false;
  bool ranges = false;
  bool json = false;

  void declare(CLI::App& command) {
    model.declare(command);
    text.declare(command, "--text", "--file");
    command.add_flag("--no-bos", no_bos, "No begin and end tokens around the text");
    command.add_flag("--parse-special", parse_special,
                     "Text such as <|im_end|> becomes its control token");
    command.add_flag("--ranges", ranges,
                     "Where in the text tokens are from: id:begin:end, in bytes");
    command.add_flag("--json", json, "One JSON object");
  }
};

void print_ranges(const inlay::Encoding& encoding) {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    const inlay_range range = encoding.ranges[i];
    words.push_back(fmt::format("{}:{}:{}", encoding.ids[i], range.begin, range.end));
  }
  put("{}\n", fmt::join(words, " "));
}

void tokenize(const Options& options) {
  const inlay::Model model = options.model.open(inlay::Depth::metadata);
  if (options.ranges && !options.json) {
    return print_ranges(
        ModelArguments::tokenizer_of(model)
            .encode_ranges(options.text.read(true),
                           {.add_special = !options.no_bos, .parse_special = options.parse_special})
            .value());
  }
  const auto ids = ModelArguments::tokenizer_of(model)
                       .encode(options.text.read(true), {.add_special = !options.no_bos,
                                                         .parse_special = options.parse_special})
                       .value();
  if (options.json) {
    Json json;
    json.open('{').field("count", ids.size()).field("ids", ids).close('}');
    put("{}\n", json.text());
  } else {
    put("{}\n", fmt::join(ids, " "));
  }
}

}  // namespace

void add_tokenize(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "tokenize",
                       "Token ids of a text (standard input when none is given)", tokenize);
}

}  // namespace cli
