// template_values.h - JSON to the values a chat template is rendered with.
#pragma once

#include <string_view>

#include "base/diagnostics.h"
#include "text/template/value.h"

namespace inlay {

// One JSON value. `name` is what error texts call it. Errors: FORMAT, LIMIT, MEMORY.
Status read_template_value(std::string_view json, std::string_view name, jinja::Origin origin,
                           jinja::Arena& arena, jinja::Value& value, Error& error);

// The members of one JSON object become variables.
Status read_template_variables(std::string_view json, std::string_view name, jinja::Origin origin,
                               jinja::Arena& arena, jinja::Dict& variables, Error& error);

}  // namespace inlay
