// json.h - writes one JSON value into a string; commas are its own business.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

//   Json json;
//   json.open('{').field("total",
//   5).key("runs").open('[').value(1.5).value(2.5).close(']').close('}');
class Json {
 public:
  const std::string& text() const { return text_; }

  Json& open(char bracket) {
    comma();
    text_ += bracket;
    first_ = true;
    return *this;
  }
  Json& close(char bracket) {
    text_ += bracket;
    first_ = false;
    return *this;
  }
  // What is written next is the value of this key.
  Json& key(std::string_view name) {
    value(name);
    text_ += ':';
    first_ = true;
    return *this;
  }

  Json& value(std::string_view text);
  Json& value(const char* text) { return value(std::string_view(text)); }
  Json& value(const std::string& text) { return value(std::string_view(text)); }
  Json& value(bool x) { return raw(x ? "true" : "false"); }
  Json& value(std::integral auto x) { return raw(fmt::format("{}", x)); }
  Json& value(double x) { return raw(std::isfinite(x) ? fmt::format("{}", x) : "null"); }
  template <class T>
  Json& value(const std::vector<T>& list) {
    open('[');
    for (const T& x : list) value(x);
    return close(']');
  }
  Json& null() { return raw("null"); }

  template <class T>
  Json& field(std::string_view name, const T& x) {
    return key(name).value(x);
  }

 private:
  void comma() {
    if (!first_) text_ += ',';
    first_ = false;
  }
  Json& raw(std::string_view x) {
    comma();
    text_ += x;
    return *this;
  }

  std::string text_;
  bool first_ = true;
};

}  // namespace cli
