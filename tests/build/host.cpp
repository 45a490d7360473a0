// host.cpp - the smallest C++ program that links inlay; built with and without exceptions.
#include <cstdio>
#include <string_view>

#include "inlay/inlay.hpp"

int main(int count, char** arguments) {
  if (count != 2) return 2;
  const auto missing = inlay::Model::open("no such file");
  if (missing || missing.error().status() != inlay::Status::io) return 1;

  const auto model = inlay::Model::open(arguments[1]);
  if (!model) {
    std::printf("%s\n", model.error().text());
    return 1;
  }
  std::size_t bytes = 0;
  const auto summary = model->generate("The", {.max_tokens = 4, .sampler = {.temperature = 0}},
                                       [&](std::string_view piece) { bytes += piece.size(); });
  if (!summary) {
    std::printf("%s\n", summary.error().text());
    return 1;
  }
  std::printf("%zu bytes from %llu tokens\n", bytes,
              static_cast<unsigned long long>(summary->tokens));
  return bytes > 0 && summary->tokens > 0 ? 0 : 1;
}
