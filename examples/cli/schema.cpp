// schema.cpp - inlay schema: whether a text is JSON of a schema; 0 yes, 1 no, 2 a bad schema.
#include "arguments.h"
#include "command.h"
#include "constraint.h"

namespace cli {
namespace {

struct Options {
  std::string schema;
  bool ordered = false;
  TextArguments text;

  void declare(CLI::App& command) {
    command.add_option("schema", schema, "A file with a JSON schema (draft 2020-12)")->required();
    command.add_flag("--ordered", ordered,
                     "By llama.cpp's conventions: members in the order of properties, no others");
    text.declare(command, "--text", "--file");
  }
};

void check(const Options& options) {
  const auto language = options.ordered ? inlay::GrammarLanguage::schema_ordered
                                        : inlay::GrammarLanguage::schema_text;
  check_text(language, options.schema, options.text.read(true));
}

}  // namespace

void add_schema(CLI::App& app, Action& action) {
  add_command<Options>(
      app, action, "schema",
      "Whether a text (standard input when none is given) is valid JSON of a schema", check);
}

}  // namespace cli
