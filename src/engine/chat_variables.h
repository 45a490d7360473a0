// chat_variables.h - what apply_chat_template gives a template: messages, tools, special tokens.
#pragma once

#include <span>
#include <string_view>

#include "base/diagnostics.h"
#include "text/template/template.h"

namespace inlay {

// `specials`: texts of the begin, end, unknown and padding token; empty ones are left undefined.
Status add_chat_variables(const inlay_chat_input& input, std::span<const std::string_view, 4> specials,
                          jinja::Variables& variables, Error& error);

}  // namespace inlay
