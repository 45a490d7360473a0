// candidates_test.cpp - the list of candidates: selection against a full sort, search, order.
#include "sample/candidates.h"

#include "support/catch.h"
#include "unit/sample/reference.h"

using namespace inlay;
using namespace inlay::test;

namespace {

struct Filled {
  std::vector<std::byte> memory;
  Candidates candidates;
  explicit Filled(const std::vector<float>& logits)
      : memory(Candidates::bytes(static_cast<std::uint32_t>(logits.size()))), candidates(memory) {
    candidates.fill(logits);
  }
  std::vector<std::int32_t> ids() const {
    std::vector<std::int32_t> ids;
    for (const Candidate& c : candidates.list()) ids.push_back(c.id);
    return ids;
  }
};

std::vector<std::int32_t> best_by_sorting(const std::vector<float>& logits, std::size_t k) {
  PlainList list = plain_list(logits);
  plain_sort(list);
  list.resize(std::min(k, list.size()));
  std::vector<std::int32_t> ids;
  for (const Plain& p : list) ids.push_back(p.id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

void require_same_as_sorting(const std::vector<float>& logits) {
  for (const std::size_t k : {1u, 2u, 3u, 7u, 40u, 999u, 1000u, 1001u, 5000u}) {
    Filled filled(logits);
    filled.candidates.keep_best(static_cast<double>(k));
    INFO("k = " << k);
    REQUIRE(filled.ids() == best_by_sorting(logits, k));
  }
}

}  // namespace

TEST_CASE("keep_best equals a full sort", "[sample]") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  SECTION("model-like logits") { require_same_as_sorting(bell_logits(1000, 1)); }
  SECTION("all equal: lower ids first") {
    require_same_as_sorting(std::vector<float>(1000, -3.5f));
  }
  SECTION("neighbouring floats around zero, zeros of both signs") {
    std::vector<float> logits(1000);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const float tiny = static_cast<float>(i % 5) * std::numeric_limits<float>::min();
      logits[i] = i % 2 ? -tiny : tiny;
    }
    require_same_as_sorting(logits);
  }
  SECTION("the ends of the range and -infinity") {
    std::vector<float> logits(1000, -infinity);
    logits[3] = std::numeric_limits<float>::max();
    logits[999] = std::numeric_limits<float>::lowest();
    logits[500] = std::nextafter(std::numeric_limits<float>::max(), 0.0f);
    require_same_as_sorting(logits);
  }
  SECTION("falling and rising") {
    std::vector<float> logits(1000);
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = static_cast<float>(i) * 0.01f;
    require_same_as_sorting(logits);
    std::reverse(logits.begin(), logits.end());
    require_same_as_sorting(logits);
  }
}

TEST_CASE("keep_best adds up weights, not tokens", "[sample]") {
  Filled filled({1, 4, 2, 3});
  const float weights[] = {0.1f, 0.5f, 0.2f, 0.2f};
  for (std::size_t i = 0; i < 4; ++i) filled.candidates[i].weight = weights[i];
  const auto kept = [&](double target) {
    Filled copy({1, 4, 2, 3});
    for (std::size_t i = 0; i < 4; ++i) copy.candidates[i].weight = weights[i];
    copy.candidates.keep_best(target);
    return copy.ids();
  };
  using Ids = std::vector<std::int32_t>;
  REQUIRE(kept(0.0).size() <= 1);
  REQUIRE(kept(0.5) == Ids{1});
  REQUIRE(kept(0.6) == Ids{1, 3});
  REQUIRE(kept(0.75) == Ids{1, 2, 3});
  REQUIRE(kept(0.95) == Ids{0, 1, 2, 3});
  REQUIRE(kept(9.0) == Ids{0, 1, 2, 3});
}

TEST_CASE("find and best after a selection", "[sample]") {
  Filled filled({1, 9, 2, 9, 3});
  REQUIRE(filled.candidates.best().id == 1);
  filled.candidates.keep_best(3);
  REQUIRE(filled.ids() == std::vector<std::int32_t>{1, 3, 4});
  REQUIRE(filled.candidates.find(4)->logit == 3.0f);
  REQUIRE(filled.candidates.find(2) == nullptr);
  REQUIRE(filled.candidates.find(-1) == nullptr);
  REQUIRE(filled.candidates.find(5) == nullptr);
  REQUIRE(filled.candidates.total_weight() == 3.0);
}

TEST_CASE("memory at any address is enough", "[sample]") {
  constexpr std::uint32_t vocabulary = 5;
  for (std::size_t offset = 0; offset < 16; ++offset) {
    std::vector<std::byte> block(Candidates::bytes(vocabulary) + offset);
    Candidates candidates(std::span<std::byte>(block).subspan(offset));
    candidates.fill(std::vector<float>{5, 4, 3, 2, 1});  // under the sanitizer: no byte outside
    candidates.keep_best(2);
    REQUIRE(candidates.size() == 2);
    REQUIRE(reinterpret_cast<std::uintptr_t>(candidates.list().data()) % alignof(Candidate) == 0);
  }
}

TEST_CASE("shifted logits stay in the range of float", "[sample]") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr float limit = std::numeric_limits<float>::max();
  REQUIRE(shifted_logit(1.5f, 2.0f) == 3.5f);
  REQUIRE(shifted_logit(limit, limit) == limit);
  REQUIRE(shifted_logit(-limit, -limit) == -limit);
  REQUIRE(shifted_logit(limit, -infinity) == -infinity);
  REQUIRE(shifted_logit(-infinity, limit) == -infinity);
}

namespace {

// The k best after some tokens' logits have changed, from a whole list or a short one.
std::vector<std::int32_t> best_after_changes(const std::vector<float>& logits, std::size_t k,
                                             const std::vector<std::int32_t>& touched,
                                             bool short_list, std::size_t* listed = nullptr) {
  Filled filled(logits);
  if (short_list) {
    REQUIRE(filled.candidates.survey(logits));
    for (const std::int32_t id : touched) filled.candidates.touch(id);
    filled.candidates.fill_best(logits, k, -std::numeric_limits<float>::infinity());
  }
  if (listed) *listed = filled.candidates.size();
  for (std::size_t i = 0; i < touched.size(); ++i) {
    Candidate* c = filled.candidates.find(touched[i]);
    REQUIRE(c);
    c->logit += i % 2 ? 5.0f : -50.0f;
  }
  filled.candidates.keep_best(static_cast<double>(k));
  return filled.ids();
}

}  // namespace

TEST_CASE("fill_best lists what the best need, and little more", "[sample]") {
  for (const std::size_t vocabulary : {1u, 63u, 64u, 65u, 1000u, 20000u}) {
    for (const bool ties : {false, true}) {
      auto logits = bell_logits(vocabulary, static_cast<std::uint32_t>(vocabulary));
      for (float& x : logits) x = ties ? std::round(x) : x;
      for (const std::size_t k : {1u, 2u, 40u, 300u}) {
        std::vector<std::int32_t> touched;
        for (std::size_t i = 0; i < k % 7; ++i) {
          touched.push_back(static_cast<std::int32_t>((i * 7919 + k) % vocabulary));
        }
        INFO("vocabulary " << vocabulary << " k " << k << " ties " << ties);
        std::size_t listed = 0;
        CHECK(best_after_changes(logits, k, touched, true, &listed) ==
              best_after_changes(logits, k, touched, false));
        if (!ties && vocabulary == 20000 && k == 1) CHECK(listed < 500);
      }
    }
  }
}

TEST_CASE("a survey sees logits that are no numbers", "[sample]") {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {0u, 63u, 64u, 128u, 129u}) {
      std::vector<float> logits(130, -std::numeric_limits<float>::infinity());
      Filled filled(logits);
      CHECK(filled.candidates.survey(logits));
      logits[at] = bad;
      CHECK_FALSE(filled.candidates.survey(logits));
    }
  }
}
