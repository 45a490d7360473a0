// rendering.h - templates rendered for tests: values as JSON in, text or error out.
#pragma once

#include <string>
#include <string_view>

#include "engine/template_values.h"
#include "support/counting_allocator.h"
#include "text/template/template.h"

namespace inlay::test {

struct Drawn {
  bool ok = false;
  Status status = Status::ok;
  std::string text;    // rendered, or of the error
  std::string values;  // a letter for each byte: v of a value, t of the template
};

inline const jinja::Moment noon{2025, 7, 10, 12, 0, 0};  // the date of the recorded renderings

inline Drawn draw(std::string_view text, jinja::Variables& variables, bool trims, const jinja::Limits& limits = {}) {
  Allocator allocator{inlay_allocator{}};
  Error error{};
  jinja::Template compiled(allocator, limits);
  jinja::Rendered rendered(allocator);
  Status status = compiled.compile(text, {trims, trims}, error);
  if (!is_error(status)) status = compiled.render(variables, noon, rendered, error);
  if (is_error(status)) return {false, status, error.text, ""};
  Drawn drawn{true, Status::ok, {rendered.text.data(), rendered.text.size()}, ""};
  for (const jinja::Run& run : rendered.runs) {
    drawn.values.resize(run.end, run.origin == jinja::Origin::input ? 'v' : 't');
  }
  return drawn;
}

inline Drawn draw(std::string_view text, std::string_view json = "{}", bool trims = true,
                  const jinja::Limits& limits = {}) {
  Allocator allocator{inlay_allocator{}};
  Error error{};
  jinja::Variables variables(allocator, limits);
  const Status status = read_template_variables(json, "variables", jinja::Origin::input,
                                                variables.arena, variables.dict, error);
  if (is_error(status)) return {false, status, error.text, ""};
  return draw(text, variables, trims, limits);
}

}  // namespace inlay::test
