// template.cpp - compiles and renders.
#include "text/template/template.h"

namespace inlay::jinja {

Status Template::compile(std::string_view text, Syntax syntax, Error& error) {
  if (text.size() > limits_.template_bytes) {
    return fail(error, Status::limit, "chat template: {} bytes, at most {}", text.size(),
                limits_.template_bytes);
  }
  Vec<Token> tokens;
  Lexer lexer(arena_, syntax, error);
  INLAY_TRY(lexer.run(text, tokens));
  Parser parser(arena_, names_, limits_, error);
  return parser.run(tokens, &root_);
}

Status Template::render(Variables& variables, const Moment& now, Rendered& out, Error& error) const {
  const Text* text = nullptr;
  Renderer renderer(names_, variables.arena, limits_, now, error);
  INLAY_TRY(renderer.run(root_, &variables.dict, &text));
  out.text.clear();
  out.runs.clear();
  Status status = out.text.append({text->data, text->size});
  if (!text->runs && text->size) status = is_error(status) ? status : out.runs.push({text->size, text->origin});
  for (std::uint32_t i = 0; i < text->run_count && !is_error(status); ++i) status = out.runs.push(text->runs[i]);
  return is_error(status) ? fail_memory(error, "the prompt") : Status::ok;
}

}  // namespace inlay::jinja
