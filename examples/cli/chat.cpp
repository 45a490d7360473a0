// chat.cpp - inlay chat: a conversation on the terminal with the model's own template.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "arguments.h"
#include "command.h"
#include "date.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  LoadArguments model;
  inlay::SessionOptions session;
  inlay::SamplerOptions sampler;
  std::string system, name, tools;
  std::uint64_t tokens = 0;

  void declare(CLI::App& command) {
    model.declare(command);
    command.add_option("--system", system, "The system message");
    command.add_option("--name", name, "A named template of the model, such as tool_use");
    command.add_option("--tools", tools, "A file with a JSON array of tools");
    declare_number(command, "-n", tokens, "Most tokens of an answer (default 0: until it ends)");
    command.add_option("--temp", sampler.temperature, "Temperature; 0: always the likeliest token");
    declare_number(command, "--seed", sampler.seed, "Another seed, another answer (default 0)");
    declare_count(command, "--ctx", session.context, 1u << 20, "Tokens of the conversation");
  }
};

// Ctrl-C: the answer stops, the program does not.
volatile sig_atomic_t interrupted = 0;
inlay_session* running = nullptr;

void interrupt(int) {
  interrupted = 1;
  if (running) inlay_session_cancel(running);
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = interrupt;  // reading a line ends, too: no SA_RESTART
  sigaction(SIGINT, &action, nullptr);
}

// The next line; false: the end of input.
bool read_line(std::string& line) {
  line.clear();
  for (;;) {
    if (isatty(STDIN_FILENO)) std::fputs(line.empty() ? "> " : "", stderr);
    char bytes[4096];
    if (!std::fgets(bytes, sizeof bytes, stdin)) {
      if (!interrupted) return !line.empty();
      interrupted = 0;
      std::clearerr(stdin);
      line.clear();
      std::fputs("\n", stderr);
      continue;
    }
    line += bytes;
    if (line.back() != '\n') continue;
    line.pop_back();
    if (!line.empty()) return true;
  }
}

class Conversation {
 public:
  Conversation(const Options& options, const inlay::Model& model)
      : options_(options), tokenizer_(ModelArguments::tokenizer_of(model)) {
    chat_ = inlay::Chat::open(model, {.name = options.name}).value();
    inlay::SessionOptions session = options.session;
    session.threads = options.model.threads;
    session_ = inlay::Session::open(model, session).value();
    running = session_.raw();
    if (!options.tools.empty()) tools_ = read_file(options.tools);
    if (!options.system.empty()) messages_.push_back({"system", options.system});
    date_ = date_now();
  }
  ~Conversation() { running = nullptr; }

  // An error: the template takes no such line; the conversation is as before.
  inlay::Result<void> answer(const std::string& line) {
    messages_.push_back({"user", line});
    inlay::RenderOptions render;
    render.tools = tools_;
    render.date = date_;
    const inlay::Result<inlay::Prompt> prompt = chat_.render(messages_, render);
    if (!prompt) {
      messages_.pop_back();
      return prompt.error();
    }
    feed(*prompt);
    inlay::Reply reply = chat_.reply(*prompt).value();
    said_ = prompt->text();
    generate(reply);
    messages_.push_back(reply.message());
    return {};
  }

 private:
  // What the conversation has more than what was computed; all of it when the template writes the
  // past anew, as those do that leave old reasoning out.
  void feed(const inlay::Prompt& prompt) {
    const auto all = prompt.encode(tokenizer_).value();
    if (sequence_ && !said_.empty() && prompt.text().starts_with(said_)) {
      const auto more = prompt.encode(tokenizer_, said_.size()).value();
      const bool fits =
          all.size() >= more.size() && std::equal(more.rbegin(), more.rend(), all.rbegin());
      if (fits) return session_.feed(sequence_, more).value();
    }
    if (sequence_) session_.drop(sequence_).value();
    sequence_ = session_.add().value();
    session_.feed(sequence_, all).value();
  }

  void generate(inlay::Reply& reply) {
    session_.generate(sequence_, options_.sampler, options_.tokens).value();
    interrupted = 0;
    inlay::Finish finish = inlay::Finish::none;
    while (finish == inlay::Finish::none && !interrupted) {
      const inlay::Event event = session_.step().value();
      if (event.status == inlay::Status::done) break;
      if (event.status != inlay::Status::token) continue;
      finish = event.finish;
      if (finish == inlay::Finish::end) break;
      const std::string_view piece = tokenizer_.piece(event.token);
      said_ += piece;
      reply.push(piece, show).value();
    }
    if (finish == inlay::Finish::none) session_.stop(sequence_).value();
    interrupted = 0;
    reply.finish(show).value();
    // A token that was told last is not computed: the text goes on without it.
    if (finish != inlay::Finish::end) said_.clear();
    write("\n");
    flush_output();
  }

  static void show(const inlay::ReplyDelta& delta) {
    using Kind = inlay::ReplyDelta::Kind;
    if (delta.kind == Kind::reasoning) {
      std::fwrite(delta.text.data(), 1, delta.text.size(), stderr);
      return;
    }
    if (delta.kind == Kind::call)
      put("\n[{} ", delta.text);
    else if (delta.kind == Kind::call_end)
      write("]");
    else
      write(delta.text);
    flush_output();
  }

  const Options& options_;
  inlay::Tokenizer tokenizer_;
  inlay::Chat chat_;
  inlay::Session session_;
  inlay::Sequence sequence_ = 0;
  std::vector<inlay::Message> messages_;
  std::string tools_;
  std::string said_;  // the text that the sequence holds; "": it is not known
  inlay::Date date_{};
};

void chat(const Options& options) {
  const inlay::Model model = options.model.open(inlay::Depth::weights);
  Conversation conversation(options, model);
  catch_interrupts();
  inlay::Result<void> answered;
  for (std::string line; read_line(line);) {
    answered = conversation.answer(line);
    if (!answered) std::fprintf(stderr, "inlay: %s\n", answered.error().text());
  }
  answered.value();  // the last line decides how the program ends
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "chat", "A conversation with the model's own template", chat);
}

}  // namespace cli
