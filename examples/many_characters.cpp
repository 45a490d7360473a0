// many_characters.cpp - a village: characters that know one scene speak side by side, in 1.5 ms of
// each frame; who has spoken leaves, and the next one comes.
//
// All are sequences of one session. The scene is computed once, while the level loads, and found
// again by its tokens: a new character costs only its own words. Each draws with a sampler of its
// own, and what it says does not depend on who else speaks. At the end: how much was computed.
//
// Build: cmake --build build/release --target many_characters_cpp
// Run:   build/release/bin/many_characters_cpp model.gguf
#include <chrono>
#include <cstdlib>
#include <inlay/inlay.hpp>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

constexpr std::chrono::nanoseconds frame{1'000'000'000 / 60};
constexpr std::chrono::microseconds budget{1500};
constexpr std::uint32_t seats = 4;  // who speaks at the same time
constexpr std::uint64_t most_tokens = 40;

constexpr const char* scene =
    "It was market day in the village, and all day long carts had come down the hill with apples, "
    "cheese and wool. Now the sun was low, the square was nearly empty, and a few of the "
    "neighbours still stood about the old well to talk over what they had seen. There was a rumour "
    "that a stranger had come in the night, a tall man with a grey horse, who asked at every door "
    "for a boy called Tom; and nobody knew what he wanted.\n";
constexpr const char* people[] = {"The miller", "Old Anna",   "The baker's boy", "The doctor",
                                  "The smith",  "The priest", "The fiddler",     "A soldier",
                                  "The king",   "The widow",  "The shepherd",    "A little girl"};

static void must(const inlay::Result<void>& result) {
  if (result) return;
  std::cerr << result.error().text() << '\n';
  std::exit(1);
}
template <class T>
static T must(inlay::Result<T> result) {
  if (!result) must(inlay::Result<void>(result.error()));
  return *std::move(result);
}

struct Character {
  const char* name;
  inlay::Sequence sequence;
  inlay::TextStream text;
  std::string words;
};

class Village {
 public:
  explicit Village(const inlay::Model& model)
      : session_(
            must(inlay::Session::open(model, {.context = 256, .sequences = seats, .threads = 1}))),
        tokenizer_(model.tokenizer()),
        scene_(must(tokenizer_.encode(scene))),
        line_break_(must(tokenizer_.encode("\n", {.add_special = false}))) {
    const inlay::Sequence nobody = must(session_.add());
    must(session_.feed(nobody, scene_));
    while (must(session_.step()).status != inlay::Status::done) {
    }
    must(session_.drop(nobody));
  }

  bool full() const { return here_.size() == seats; }
  bool empty() const { return here_.empty(); }

  // A new sequence with the scene, the beginning of a sentence, and a temper of its own.
  void come(const char* name, std::uint64_t number) {
    const inlay::Sequence sequence = must(session_.add());
    const std::string opening = std::string(name) + " looked round and said: \"";
    must(session_.feed(sequence, scene_));
    must(session_.feed(sequence, must(tokenizer_.encode(opening, {.add_special = false}))));
    must(session_.set_stop(sequence, line_break_));
    const float temperature = 0.5f + 0.1f * static_cast<float>(number % 5);
    must(session_.generate(sequence, {.temperature = temperature, .stream = number}, most_tokens));
    here_.push_back({name, sequence, inlay::TextStream(tokenizer_, true), opening});
  }

  // The characters' part of one frame.
  void think() {
    const Clock::time_point end = Clock::now() + budget;
    for (Clock::time_point now = Clock::now(); now < end; now = Clock::now()) {
      const inlay::Event event = must(session_.step(end - now));
      if (event.status == inlay::Status::done) break;
      if (event.status == inlay::Status::token) hear(event);
    }
  }

  inlay::SessionInfo info() const { return session_.info(); }

 private:
  void hear(const inlay::Event& event) {
    std::size_t i = 0;
    while (here_[i].sequence != event.sequence) ++i;
    Character& character = here_[i];
    const bool ended = event.finish == inlay::Finish::stop || event.finish == inlay::Finish::end;
    if (!ended) character.words += must(character.text.push(event.token));
    if (event.finish == inlay::Finish::none) return;
    std::cout << character.words << (ended ? "" : " ...") << std::endl;
    must(session_.drop(character.sequence));
    here_.erase(here_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  inlay::Session session_;
  inlay::Tokenizer tokenizer_;
  std::vector<std::int32_t> scene_, line_break_;
  std::vector<Character> here_;
};

int main(int count, char** arguments) {
  const inlay::Model model = must(inlay::Model::open(count > 1 ? arguments[1] : "model.gguf"));
  Village village(model);
  std::cout << scene << '\n';
  std::size_t came = 0;
  int frames = 0;
  Clock::time_point next = Clock::now();
  for (; came < std::size(people) || !village.empty(); ++frames) {
    if (came < std::size(people) && !village.full()) village.come(people[came], came), ++came;
    village.think();
    // ... the game draws its picture here ...
    next += frame;
    std::this_thread::sleep_until(next);
  }
  const inlay::SessionInfo info = village.info();
  std::cout << "\n"
            << frames << " frames, " << came << " characters: " << info.tokens_computed
            << " tokens computed, " << info.tokens_reused << " found again, " << info.tokens_drawn
            << " drawn\n"
            << info.pages << " pages of " << info.page_bytes << " bytes; " << info.pages_cached
            << " still remember what was said\n";
}
