// merge_test.cpp - merging gives what its definition says, for short and long pieces.
#include "text/merge.h"

#include <map>
#include <random>
#include <vector>

#include "support/catch.h"
#include "support/counting_allocator.h"

using namespace inlay;
using namespace inlay::test;

namespace {

using Ids = std::vector<std::int32_t>;
using Rules = std::map<std::pair<std::int32_t, std::int32_t>, Merge>;

// Merges of any ids, also such that a product merges before its parts do, and several of one rank.
Rules random_rules(std::mt19937& random, std::int32_t letters) {
  Rules rules;
  for (std::int32_t made = letters; made < letters + 12; ++made) {
    const auto any = [&] { return static_cast<std::int32_t>(random() % std::size_t(made)); };
    for (int i = 0; i < 3; ++i)
      rules[{any(), any()}] = {static_cast<std::uint32_t>(random() % 8), made};
  }
  return rules;
}

Merge find(const Rules& rules, std::int32_t left, std::int32_t right) {
  const auto found = rules.find({left, right});
  return found == rules.end() ? Merge{} : found->second;
}

// The pair of the lowest rank, leftmost, again and again.
Ids merge_by_definition(const Rules& rules, Ids ids) {
  for (;;) {
    Merge best;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const Merge merge = find(rules, ids[i], ids[i + 1]);
      if (merge.rank < best.rank) best = merge, at = i;
    }
    if (best.rank == Merge::never) return ids;
    ids[at] = best.id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

Ids merge(Merger& merger, const Rules& rules, const Ids& ids) {
  merger.clear();
  for (std::uint32_t i = 0; i < ids.size(); ++i) {
    REQUIRE(merger.add(i, i + 1, ids[i]) == Status::ok);
  }
  const auto rule = [&](const Symbol& left, const Symbol& right) {
    return find(rules, left.id, right.id);
  };
  REQUIRE(merger.run(rule) == Status::ok);
  Ids merged;
  std::uint32_t end = 0;
  for (const Symbol* s = merger.first(); s; s = merger.after(*s)) {
    CHECK(s->begin == end);
    end = s->end;
    merged.push_back(s->id);
  }
  CHECK(end == ids.size());
  return merged;
}

}  // namespace

TEST_CASE("merging gives what its definition says") {
  std::mt19937 random(11);
  CountingAllocator heap;
  Allocator allocator(heap.host());
  Merger merger(allocator);
  std::size_t merges = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto letters = static_cast<std::int32_t>(1 + random() % 4);
    const Rules rules = random_rules(random, letters);
    Ids ids(random() % 200);
    for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random() % std::size_t(letters));
    const Ids merged = merge(merger, rules, ids);
    REQUIRE(merged == merge_by_definition(rules, ids));
    merges += ids.size() - merged.size();
  }
  CHECK(merges > 100000);
}
