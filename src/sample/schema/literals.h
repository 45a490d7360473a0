// literals.h - a list of texts as an automaton.
#pragma once

#include "sample/schema/automaton.h"

namespace inlay::schema {

// Exactly these texts (UTF-8).
Status literals(std::span<const std::string_view> texts, Automaton& out);

}  // namespace inlay::schema
