// lists.cpp - looks names up in the lists.
#include "text/template/lists.h"

namespace inlay::jinja {
namespace {

struct Entry {
  std::string_view name;
  Applied apply;
  Kind kind = Kind::missing;
};

constexpr Entry filters[] = {
#define INLAY_FILTER(name, function) {name, function},
#include "text/template/filters.inc"
#undef INLAY_FILTER
};
constexpr Entry tests[] = {
#define INLAY_TEST(name, function) {name, function},
#include "text/template/tests.inc"
#undef INLAY_TEST
};
constexpr Entry methods[] = {
#define INLAY_METHOD(kind, name, function) {name, function, Kind::kind},
#include "text/template/methods.inc"
#undef INLAY_METHOD
};
constexpr Entry functions[] = {
#define INLAY_FUNCTION(name, function) {name, function},
#include "text/template/functions.inc"
#undef INLAY_FUNCTION
};

template <std::size_t N>
std::uint32_t find(const Entry (&list)[N], std::string_view name) {
  for (std::uint32_t i = 0; i < N; ++i) {
    if (list[i].name == name) return i;
  }
  return unknown;
}

}  // namespace

std::uint32_t find_filter(std::string_view name) { return find(filters, name); }
std::uint32_t find_test(std::string_view name) { return find(tests, name); }
Applied filter_at(std::uint32_t list) { return filters[list].apply; }
Applied test_at(std::uint32_t list) { return tests[list].apply; }

Applied find_method(Kind kind, std::string_view name) {
  for (const Entry& entry : methods) {
    if (entry.kind == kind && entry.name == name) return entry.apply;
  }
  return nullptr;
}

Applied find_function(std::string_view name) {
  const std::uint32_t i = find(functions, name);
  return i == unknown ? nullptr : functions[i].apply;
}

}  // namespace inlay::jinja
