// save_and_resume.cpp - a story told in turns is saved after each of them and goes on after a
// restart, with the same words and without computing again what was told before.
//
// Each turn appends to the file what is new: a long chat costs little to keep. The restart is a new
// session here; it may be another process, another machine, or next year's build.
//
// Build: cmake --build build/release --target save_and_resume_cpp
// Run:   build/release/bin/save_and_resume_cpp model.gguf story.kv
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <inlay/inlay.hpp>
#include <string>
#include <system_error>

constexpr const char* turns[] = {
    "Once upon a time there was a tailor who had three sons. One morning he said to the eldest:",
    "\nSo the eldest went away into the wide world. When he had gone some way,",
    "\nThe second son heard of this, and said to his father:",
    "\nBut the youngest said nothing. At night, when all were asleep, he"};
constexpr std::size_t last_turn = std::size(turns) - 1;

static void must(const inlay::Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "%s\n", result.error().text());
  std::exit(1);
}
template <class T>
static T must(inlay::Result<T> result) {
  if (!result) must(inlay::Result<void>(result.error()));
  return *std::move(result);
}

// What a snapshot is appended to.
struct File {
  std::FILE* file;
  File(const char* path, bool anew) : file(std::fopen(path, anew ? "wb" : "ab")) {}
  bool write(std::span<const std::byte> bytes) {
    return file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  }
  bool close() { return file && std::fclose(std::exchange(file, nullptr)) == 0; }
};

class Story {
 public:
  explicit Story(const inlay::Model& model)
      : session_(must(inlay::Session::open(model, {.context = 512}))),
        tokenizer_(model.tokenizer()) {}

  void begin() { sequence_ = must(session_.add()); }
  void resume(const char* path) { sequence_ = must(session_.restore(path)).at(0); }

  // Feeds a text and returns what follows; all of it becomes part of the story.
  std::string tell(const char* text) {
    const bool first = length() == 0;
    must(session_.feed(sequence_, must(tokenizer_.encode(text, {.add_special = first}))));
    must(session_.generate(sequence_, {.temperature = 0.6f, .seed = 5}, 30));
    inlay::TextStream stream(tokenizer_, true);
    std::string told;
    for (;;) {
      const inlay::Event event = must(session_.step());
      if (event.finish == inlay::Finish::end) break;
      told += must(stream.push(event.token));
      if (event.finish == inlay::Finish::none) continue;
      // The token that ends a generation is not fed by itself.
      must(session_.feed(sequence_, std::span(&event.token, 1)));
      break;
    }
    return told;
  }

  // Appends; where that fails the file goes back to what it was, and the next time has it all.
  void save(const char* path, bool anew) {
    std::error_code code;
    const std::uintmax_t before = anew ? 0 : std::filesystem::file_size(path, code);
    File file(path, anew);
    inlay::Result<void> saved =
        session_.save(sequence_, inlay::Sink::callback(file), {.append = !anew});
    if (!file.close() && saved) saved = inlay::Error(inlay::Status::io);
    if (!saved) std::filesystem::resize_file(path, before, code);
    must(saved);
  }

  std::uint32_t length() const {
    const inlay::Length length = must(session_.length(sequence_));
    return length.computed + length.pending;
  }
  std::uint64_t computed() const { return session_.info().tokens_computed; }

 private:
  inlay::Session session_;
  inlay::Tokenizer tokenizer_;
  inlay::Sequence sequence_ = 0;
};

int main(int count, char** arguments) {
  const char* path = count > 2 ? arguments[2] : "story.kv";
  const inlay::Model model = must(inlay::Model::open(count > 1 ? arguments[1] : "model.gguf"));

  Story story(model);
  story.begin();
  for (std::size_t i = 0; i < last_turn; ++i) {
    std::printf("%s", turns[i]);
    std::printf("%s\n", story.tell(turns[i]).c_str());
    story.save(path, i == 0);
  }
  std::printf("\n--- %u tokens saved; the program ends here and begins again ---\n",
              story.length());

  Story resumed(model);
  resumed.resume(path);
  const std::uint32_t known = resumed.length();
  const std::string text = resumed.tell(turns[last_turn]);
  std::printf("%s%s\n", turns[last_turn], text.c_str());

  const bool same = text == story.tell(turns[last_turn]);
  const std::uint32_t fresh = resumed.length() - known;
  std::printf(
      "\n%u tokens came from the file; %llu were computed for %u new ones; the text is %s\n", known,
      static_cast<unsigned long long>(resumed.computed()), fresh,
      same ? "that of the story without a restart" : "ANOTHER ONE");
  std::remove(path);
  return same && resumed.computed() <= fresh ? 0 : 1;
}
