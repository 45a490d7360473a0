// golden_test.cpp - hashes that every processor must give: files written by the encoders, and the
// logits of models on every instruction set.
//
// tests/fixtures/hashes.txt has a line for each: name, hash. After a change that is meant to change
// bits, the lines that `inlay_tests "[hashes]"` prints, of the scalar unit, are the new ones.
#include <cstdio>
#include <map>
#include <sstream>

#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::uint64_t hash_of_file(const Bytes& bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return hash;
}

struct Golden {
  std::string name;
  Bytes file;
  std::vector<std::int32_t> ids;
  bool encoded;  // by this program: its bytes have a hash too
};

Golden encoded(const std::string& name, const Bytes& file, const char* type,
               std::vector<std::int32_t> ids) {
  Quantized coded = quantize(file, quantize_options(type));
  expect_ok(coded.status, coded.error);
  return {name + "/" + type, std::move(coded.bytes), std::move(ids), true};
}

// What inlay_quantize_type_name offers beside mixes, and types whose encoders take long to search.
std::vector<std::string> encoded_types() {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; const char* name = inlay_quantize_type_name(i); ++i) {
#define INLAY_TYPE(id, type, file, elements, bytes) \
  if (std::string(name) == #type) names.emplace_back(name);
#include "quant/types.inc"
#undef INLAY_TYPE
  }
  std::erase_if(names,
                [](const std::string& name) { return name.rfind("IQ", 0) == 0 && name[2] < '4'; });
  return names;
}

// Calls f(Golden) for every model, one after the other. Few tokens: the scalar unit on an emulated
// processor is slow.
template <class Function>
void for_golden(Function f) {
  const Bytes demo = demo_weights();
  f(Golden{"demo/stored", demo, some_ids(5), false});
  for (const char* type : {"Q4_K_M", "Q8_0", "Q4_0", "F16"}) {
    f(encoded("demo", demo, type, some_ids(5)));
  }

  const Bytes small = SmallModel{}.build();
  for (const std::string& type : encoded_types()) {
    f(encoded("small", small, type.c_str(), some_ids(5, 48)));
  }

  // Shapes of rows and heads that end in the middle of groups and lanes.
  SmallModel shape;
  for (const std::uint32_t width : {32u, 96u, 160u, 544u}) {
    shape.width = shape.rows = width;
    shape.layers = width < 500 ? 2 : 1;
    shape.kv_heads = width % 64 ? 4 : 2;
    shape.vocabulary = 33 + width % 13;
    const std::string name = "width-" + std::to_string(width);
    for (const char* type : {"F16", "BF16", "Q8_0", "Q4_0"}) {
      if (width > 500 && type[0] != 'Q') continue;
      f(encoded(name, shape.build(), type, some_ids(11, 33)));
    }
  }

  std::istringstream index(read_text(fixture_path("models/index.txt")));
  for (std::string line; std::getline(index, line);) {
    std::istringstream words(line);
    std::string name, file, tokens;
    words >> name >> file >> tokens;
    if (tokens.find(".short.") == std::string::npos) continue;
    std::istringstream numbers(read_text(fixture_path("models/" + tokens)));
    std::vector<std::int32_t> ids;
    for (std::int32_t id; numbers >> id;) ids.push_back(id);
    const Bytes model = without_vocabulary(read_bytes(fixture_path("models/" + file)));
    f(Golden{"fixture/" + name, model, ids, false});
  }
}

std::uint64_t hash_on(const char* isa, const Golden& golden) {
  return hash_of(all_logits(TestModel(golden.file, isa), golden.ids));
}

std::string line_of(const std::string& name, std::uint64_t hash) {
  char text[160];
  std::snprintf(text, sizeof text, "%s %016llx", name.c_str(),
                static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace

TEST_CASE("files and logits have the hashes that every processor gives", "[determinism]") {
  std::map<std::string, std::string> wanted;
  std::istringstream lines(read_text(fixture_path("hashes.txt")));
  for (std::string line; std::getline(lines, line);) wanted[line.substr(0, line.find(' '))] = line;
  std::size_t count = 0;
  for_golden([&](const Golden& golden) {
    if (golden.encoded) {
      const std::string name = golden.name + "/file";
      CHECK(line_of(name, hash_of_file(golden.file)) == wanted[name]);
      ++count;
    }
    for (const std::string& isa : usable_isas()) {
      INFO("isa " << isa);
      CHECK(line_of(golden.name, hash_on(isa.c_str(), golden)) == wanted[golden.name]);
    }
    ++count;
  });
  CHECK(count == wanted.size());
}

TEST_CASE("the hashes as lines", "[.][hashes]") {
  for_golden([](const Golden& golden) {
    if (golden.encoded) {
      std::puts(line_of(golden.name + "/file", hash_of_file(golden.file)).c_str());
    }
    std::puts(line_of(golden.name, hash_on("scalar", golden)).c_str());
  });
}
