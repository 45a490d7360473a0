// grammar.cpp - inlay grammar: whether a text follows a grammar; 0 yes, 1 no, 2 a bad grammar.
#include "arguments.h"
#include "command.h"
#include "constraint.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  std::string grammar;
  bool regex = false;
  TextArguments text;

  void declare(CLI::App& command) {
    command.add_option("grammar", grammar, "A file in llama.cpp's grammar language (GBNF)")
        ->required();
    command.add_flag("--regex", regex, "The file holds a regular expression");
    text.declare(command, "--text", "--file");
  }
};

void check(const Options& options) {
  const auto language =
      options.regex ? inlay::GrammarLanguage::regex : inlay::GrammarLanguage::gbnf;
  check_text(language, options.grammar, options.text.read(true));
}

}  // namespace

void add_grammar(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "grammar",
                       "Whether a text (standard input when none is given) follows a grammar",
                       check);
}

}  // namespace cli
