// requantize_model.cpp - writes a model with its matrices in other types: IN OUT q4_k_mix | TYPE.
#include <cstdio>
#include <cstring>
#include <exception>

#include "support/requantize.h"

namespace {

using inlay::Type;

bool find_type(const char* name, Type* type) {
#define INLAY_TYPE(id, spelled, file, elements, bytes) \
  if (std::strcmp(name, #spelled) == 0) return *type = Type::spelled, true;
#include "quant/types.inc"
#undef INLAY_TYPE
  return false;
}

int write_file(const char* path, const std::vector<unsigned char>& bytes) {
  std::FILE* file = std::fopen(path, "wb");
  const bool whole = file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  if (file && std::fclose(file) == 0 && whole) return 0;
  std::fprintf(stderr, "cannot write %s\n", path);
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  Type type{};
  const bool mix = count == 4 && std::strcmp(arguments[3], "q4_k_mix") == 0;
  if (count != 4 || (!mix && !find_type(arguments[3], &type))) {
    std::fprintf(stderr,
                 "usage: requantize_model IN OUT q4_k_mix|F32|F16|BF16|Q8_0|Q4_0|Q4_K|Q6_K\n");
    return 2;
  }
  try {
    return write_file(arguments[2],
                      inlay::test::requantize(arguments[1], [&](const std::string& name) {
                        return mix ? inlay::test::q4_k_mix(name) : type;
                      }));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
