// constraint.cpp - reads a grammar and says whether a text follows it.
#include "constraint.h"

#include <cstdio>

#include "arguments.h"
#include "command.h"
#include "output.h"

namespace cli {

std::string read_grammar(inlay::GrammarLanguage language, const std::string& path) {
  TextArguments file;
  file.file = path;
  std::string text = file.read(false);
  if (language != inlay::GrammarLanguage::regex) return text;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

void check_text(inlay::GrammarLanguage language, const std::string& path, std::string_view text) {
  const auto grammar = inlay::Grammar::compile(language, read_grammar(language, path));
  if (!grammar) {
    std::fprintf(stderr, "inlay: %s: %s\n", name(grammar.error().status()), grammar.error().text());
    throw Exit{2};
  }
  inlay::Matcher matcher = inlay::Matcher::open(*grammar).value();
  const std::size_t taken = matcher.accept(text).value();
  if (taken < text.size()) {
    put("rejected at byte {}\n", taken);
    throw Exit{1};
  }
  if (!matcher.can_end()) {
    put("rejected at byte {}: the text is not whole\n", taken);
    throw Exit{1};
  }
  put("accepted\n");
}

}  // namespace cli
