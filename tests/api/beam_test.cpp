// beam_test.cpp - beam search against a search of everything on a tiny model, its ends and errors.
#include <cmath>
#include <vector>

#include "inlay/inlay.hpp"
#include "support/catch.h"

namespace inlay::test {
std::vector<std::uint8_t> model_of_eight_tokens();  // beam_model.cpp
}

namespace {

using inlay::Beam;
using inlay::BeamOptions;
using inlay::Status;

constexpr std::uint32_t vocabulary = 8;
const std::vector<std::int32_t> prompt = {1, 5, 2};
constexpr std::int32_t end = 3;

const std::vector<std::uint8_t>& file() {
  static const auto bytes = inlay::test::model_of_eight_tokens();
  return bytes;
}
const inlay::Model& model() {
  static const inlay::Model opened =
      inlay::Model::open(inlay::Source::memory(std::as_bytes(std::span(file())))).value();
  return opened;
}

struct Running {
  inlay::Session session;
  inlay::Sequence sequence;
  explicit Running(std::uint32_t sequences)
      : session(inlay::Session::open(model(), {.context = 64, .sequences = sequences}).value()),
        sequence(session.add().value()) {
    session.feed(sequence, prompt).value();
  }
};

// Every text of at most `left` more tokens, each with its sum.
void search_all(Running& running, const Beam& so_far, std::uint32_t left, std::vector<Beam>& all) {
  REQUIRE(running.session.step().value().status == Status::logits);
  const auto row = running.session.logits(running.sequence).value().row(0);
  std::vector<inlay::LogProb> top(vocabulary);
  REQUIRE(inlay::top_logprobs(row, top).value() == vocabulary);
  const std::uint32_t length = running.session.length(running.sequence).value().computed;
  for (const inlay::LogProb& next : top) {
    Beam beam = so_far;
    beam.ids.push_back(next.token);
    beam.sum += double{next.logprob};
    beam.ended = next.token == end;
    if (beam.ended || left == 1) {
      all.push_back(beam);
      continue;
    }
    running.session.feed(running.sequence, std::span(&next.token, 1)).value();
    search_all(running, beam, left - 1, all);
    running.session.rewind(running.sequence, length).value();
  }
}

std::vector<Beam> best_of_all(double length_penalty) {
  Running running(1);
  std::vector<Beam> all;
  search_all(running, {}, 3, all);
  REQUIRE(all.size() == 1 + 7 + 7 * 7 * 8);
  for (Beam& b : all) b.score = b.sum / std::pow(double(b.ids.size()), length_penalty);
  std::stable_sort(all.begin(), all.end(),
                   [](const Beam& a, const Beam& b) { return a.score > b.score; });
  return all;
}

}  // namespace

TEST_CASE("wide enough, a beam search finds what a search of everything finds", "[api]") {
  for (const float penalty : {0.0f, 1.0f, 2.0f}) {
    const std::vector<Beam> expected = best_of_all(penalty);
    Running running(50);  // 49 texts of two tokens that have not ended
    const BeamOptions options{.beams = 49,
                              .max_tokens = 3,
                              .results = 20,
                              .length_penalty = penalty,
                              .early_stop = false,
                              .ends = std::span(&end, 1)};
    const auto found = inlay::beam_search(running.session, running.sequence, options).value();
    REQUIRE(found.size() == 20);
    for (std::size_t i = 0; i < found.size(); ++i) {
      INFO("penalty " << penalty << ", text " << i);
      CHECK(found[i].ids == expected[i].ids);
      CHECK(found[i].sum == expected[i].sum);
      CHECK(found[i].score == expected[i].score);
      CHECK(found[i].ended == expected[i].ended);
    }
  }
}

TEST_CASE("one beam is the greedy text", "[api]") {
  Running beam(2), greedy(1);
  const auto found =
      inlay::beam_search(beam.session, beam.sequence, {.beams = 1, .max_tokens = 12}).value();
  greedy.session.set_stop(greedy.sequence, {}, {.ignore_end = true}).value();
  greedy.session.generate(greedy.sequence, {.temperature = 0}, 12).value();
  std::vector<std::int32_t> ids;
  for (inlay::Event event; ids.size() < 12;) {
    event = greedy.session.step().value();
    REQUIRE(event.status == Status::token);
    ids.push_back(event.token);
  }
  REQUIRE(found.size() == 1);
  CHECK(found[0].ids == ids);
}

TEST_CASE("a beam search leaves the prompt and no other sequence", "[api]") {
  Running running(5);
  const auto search = [&](BeamOptions options) {
    return inlay::beam_search(running.session, running.sequence, options);
  };
  REQUIRE(search({.beams = 0}).error().status() == Status::argument);
  REQUIRE(search({.length_penalty = -1.0f}).error().status() == Status::argument);
  const auto first = search({.beams = 4, .max_tokens = 9, .results = 4}).value();
  REQUIRE(first.size() == 4);
  CHECK(running.session.tokens(running.sequence).value() == prompt);
  // Its logits are computed: there is nothing to begin with.
  CHECK(search({.beams = 4}).error().status() == Status::state);
  running.session.rewind(running.sequence, 2).value();
  running.session.feed(running.sequence, std::span(&prompt[2], 1)).value();
  CHECK(search({.beams = 5}).error().status() == Status::limit);
  running.session.rewind(running.sequence, 2).value();
  running.session.feed(running.sequence, std::span(&prompt[2], 1)).value();
  const auto again = search({.beams = 4, .max_tokens = 9, .results = 4}).value();
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(again[i].ids == first[i].ids);
    CHECK(again[i].sum == first[i].sum);
  }
  for (int i = 0; i < 4; ++i) REQUIRE(running.session.add());  // all others are free
}
