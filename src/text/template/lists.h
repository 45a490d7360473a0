// lists.h - filters, tests, methods and functions by name: the lists are the .inc files.
#pragma once

#include "text/template/renderer.h"

namespace inlay::jinja {

inline constexpr std::uint32_t unknown = UINT32_MAX;

std::uint32_t find_filter(std::string_view name);  // unknown: no such filter
std::uint32_t find_test(std::string_view name);
Applied filter_at(std::uint32_t list);
Applied test_at(std::uint32_t list);  // gives a boolean
// nullptr: values of this kind have no such method.
Applied find_method(Kind kind, std::string_view name);
Applied find_function(std::string_view name);

// item.path.of.names; `otherwise`, unless it is none, stands for what is undefined.
Value item_at_path(Renderer& r, const Value& item, const Value& path, const Value& otherwise);

#define INLAY_FILTER(name, function) Value function(Renderer&, Subject, const Arguments&);
#include "text/template/filters.inc"
#undef INLAY_FILTER
#define INLAY_TEST(name, function) Value function(Renderer&, Subject, const Arguments&);
#include "text/template/tests.inc"
#undef INLAY_TEST
#define INLAY_METHOD(kind, name, function) Value function(Renderer&, Subject, const Arguments&);
#include "text/template/methods.inc"
#undef INLAY_METHOD
#define INLAY_FUNCTION(name, function) Value function(Renderer&, Subject, const Arguments&);
#include "text/template/functions.inc"
#undef INLAY_FUNCTION

}  // namespace inlay::jinja
