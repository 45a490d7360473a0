// frame_budget.cpp - a game loop of 60 frames a second gives a model 1.5 ms of each frame.
//
// A step stops in the middle of a token when its time is up and goes on in the next frame; the text
// is the same as without a budget. At the end: the longest that one call of step took.
//
// Build: cmake --build build/release --target frame_budget_cpp
// Run:   build/release/bin/frame_budget_cpp model.gguf "Once upon a time"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <inlay/inlay.hpp>
#include <thread>

using Clock = std::chrono::steady_clock;

constexpr std::chrono::nanoseconds frame{1'000'000'000 / 60};
constexpr std::chrono::microseconds budget{1500};
constexpr std::uint64_t max_tokens = 60;

static int fail(const inlay::Error& error) {
  std::fprintf(stderr, "%s\n", error.text());
  return 1;
}

// What the game knows about its one speaking character.
struct Character {
  inlay::Session session;
  inlay::TextStream text;
  bool speaking = true;
  Clock::duration worst{};
};

// The model's part of one frame: at most `budget`, plus the tile of work that was under way.
static inlay::Result<void> speak(Character& character) {
  const Clock::time_point end = Clock::now() + budget;
  while (character.speaking && Clock::now() < end) {
    const Clock::time_point begin = Clock::now();
    const auto event = character.session.step(end - begin);
    character.worst = std::max(character.worst, Clock::now() - begin);
    if (!event) return event.error();
    if (event->status == inlay::Status::done) character.speaking = false;
    if (event->status != inlay::Status::token) continue;
    if (event->finish != inlay::Finish::none) character.speaking = false;
    if (event->finish == inlay::Finish::end) continue;
    const auto piece = character.text.push(event->token);
    if (!piece) return piece.error();
    std::fwrite(piece->data(), 1, piece->size(), stdout);
    std::fflush(stdout);
  }
  return {};
}

int main(int count, char** arguments) {
  const char* prompt = count > 2 ? arguments[2] : "Once upon a time";
  const auto model = inlay::Model::open(count > 1 ? arguments[1] : "model.gguf");
  if (!model) return fail(model.error());
  const auto ids = model->tokenizer().encode(prompt);
  if (!ids) return fail(ids.error());
  // The loop's own thread alone; more threads would wait for their share of the cores anyway.
  auto session = inlay::Session::open(*model, {.context = 1024, .threads = 1});
  if (!session) return fail(session.error());
  const auto sequence = session->add();
  if (!sequence) return fail(sequence.error());
  if (auto fed = session->feed(*sequence, *ids); !fed) return fail(fed.error());
  if (auto on = session->generate(*sequence, {}, max_tokens); !on) return fail(on.error());

  Character character{std::move(*session), inlay::TextStream(model->tokenizer(), true)};
  std::printf("%s", prompt);
  int frames = 0;
  Clock::time_point next = Clock::now();
  for (; character.speaking; ++frames) {
    if (auto spoken = speak(character); !spoken) return fail(spoken.error());
    // ... the game draws its picture here ...
    next += frame;
    std::this_thread::sleep_until(next);
  }
  const double worst = std::chrono::duration<double, std::milli>(character.worst).count();
  std::printf("\n%d frames; longest step %.3f ms of a budget of 1.5 ms\n", frames, worst);
}
