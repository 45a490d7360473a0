// hash_test.cpp - one hash of the logits, whatever the threads, chunks, batch mates, instruction
// set.
#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/small_model.h"

using namespace inlay::test;

namespace {

// The hash of all rows, the same for every way of computing them.
void check_one_hash(const std::vector<std::uint8_t>& file, const std::string& what) {
  const auto ids = some_ids(100);
  std::uint64_t first = 0;
  for (const std::string& isa : usable_isas()) {
    const TestModel model(file, isa.c_str());
    for (const std::uint32_t threads : {1u, 2u, 3u}) {
      for (const std::uint32_t chunk : {1u, 7u, 512u}) {
        for (const std::uint32_t sequences : {1u, 3u}) {
          // The scalar unit is slow: one thread count and few copies are enough for it.
          if (isa == "scalar" && (threads != 2 || sequences != 1)) continue;
          INFO(what << " isa " << isa << " threads " << threads << " chunk " << chunk
                    << " sequences " << sequences);
          const std::uint64_t hash = hash_of(all_logits(model, ids, chunk, threads, sequences));
          if (first == 0) first = hash;
          CHECK(hash == first);
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("the demo model gives one hash as stored", "[determinism]") {
  check_one_hash(demo_weights(), "as stored");
}

TEST_CASE("the demo model gives one hash in other types", "[determinism]") {
  for (const char* type : {"Q4_K_M", "F32", "F16", "BF16", "Q4_0"}) {
    check_one_hash(quantize(demo_weights(), quantize_options(type)).bytes, type);
  }
}

TEST_CASE("a small model gives one hash in every type and mix", "[determinism]") {
  const auto file = SmallModel{}.build();
  const auto ids = some_ids(40, 48);
  for (std::uint32_t i = 0; inlay_quantize_type_name(i); ++i) {
    const std::string name = inlay_quantize_type_name(i);
    const Quantized coded = quantize(file, quantize_options(name.c_str()));
    REQUIRE(coded.status == INLAY_OK);
    std::uint64_t first = 0;
    for (const std::string& isa : usable_isas()) {
      const TestModel model(coded.bytes, isa.c_str());
      for (const std::uint32_t chunk : {1u, 9u, 512u}) {
        INFO(name << " isa " << isa << " chunk " << chunk);
        const std::uint64_t hash = hash_of(all_logits(model, ids, chunk, 2));
        if (first == 0) first = hash;
        CHECK(hash == first);
      }
    }
  }
}

TEST_CASE("the hash sees a change of one bit", "[determinism]") {
  auto file = quantize(demo_weights(), quantize_options("Q4_K_M")).bytes;
  const auto ids = some_ids(20);
  const std::uint64_t before = hash_of(all_logits(TestModel(file), ids));
  file[file.size() - 4000] ^= 0x10;  // inside the last tensors' data
  CHECK(hash_of(all_logits(TestModel(file), ids)) != before);
}
