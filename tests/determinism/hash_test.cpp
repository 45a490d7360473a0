// hash_test.cpp - one hash of the logits, whatever the threads, chunks, batch mates, instruction
// set.
#include "support/catch.h"
#include "support/demo.h"
#include "support/model.h"
#include "support/requantize.h"

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
  check_one_hash(read_bytes(demo_path()), "as stored");
}

TEST_CASE("the demo model gives one hash in Q4_K and Q6_K", "[determinism]") {
  check_one_hash(requantize(demo_path(), q4_k_mix), "Q4_K/Q6_K");
}

TEST_CASE("the demo model gives one hash in the other types", "[determinism]") {
  for (const inlay::Type type :
       {inlay::Type::F32, inlay::Type::F16, inlay::Type::BF16, inlay::Type::Q4_0}) {
    check_one_hash(requantize(demo_path(), [&](const std::string&) { return type; }),
                   inlay::type_info(type)->name);
  }
}

TEST_CASE("the hash sees a change of one bit", "[determinism]") {
  auto file = requantize(demo_path(), q4_k_mix);
  const auto ids = some_ids(20);
  const std::uint64_t before = hash_of(all_logits(TestModel(file), ids));
  file[file.size() - 4000] ^= 0x10;  // inside the last tensors' data
  CHECK(hash_of(all_logits(TestModel(file), ids)) != before);
}
