// hello.cpp - text from a model in ten lines.
//
// Build: cmake --build build/release --target hello_cpp
// Run:   build/release/bin/hello_cpp model.gguf "Once upon a time"
#include <inlay/inlay.hpp>
#include <iostream>

int main(int count, char** arguments) {
  const auto model = inlay::Model::open(count > 1 ? arguments[1] : "model.gguf");
  if (!model) return std::cerr << model.error().text() << '\n', 1;
  const char* prompt = count > 2 ? arguments[2] : "Once upon a time";
  auto text = model->generate(prompt, {.max_tokens = 100});
  std::cout << prompt;
  for (std::string_view piece : text) std::cout << piece << std::flush;
  std::cout << '\n' << (text ? "" : text.error().text());
  return text ? 0 : 1;
}
