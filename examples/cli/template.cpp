// template.cpp - inlay template: the prompt that a chat template renders, byte for byte.
#include <cstdio>
#include <ctime>

#include "arguments.h"
#include "command.h"
#include "date.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  MachineArguments machine;
  std::string path, name, messages, tools, context, now;
  bool no_generation_prompt = false;
  bool no_trim = false;

  void declare(CLI::App& command) {
    command.add_option("model", path, "A model, or a file NAME.jinja")->required();
    command.add_option("--name", name, "A named template of the model, such as tool_use");
    auto* given = command.add_option("--messages", messages, "A file with a JSON array of messages");
    command.add_option("--tools", tools, "A file with a JSON array of tools")->needs(given);
    auto* all = command.add_option("--context", context, "A file with all variables, a JSON object");
    given->excludes(all);
    command.add_option("--now", now, "The date that templates see, 2025-07-10T12:00:00 (default: now)");
    command.add_flag("--no-generation-prompt", no_generation_prompt,
                     "The text does not end where an answer begins");
    command.add_flag("--no-trim", no_trim, "Jinja's trim_blocks and lstrip_blocks off");
  }
};

inlay::Chat open_chat(const Options& options) {
  const bool is_file = options.path.ends_with(".jinja");
  const std::string text = is_file ? read_file(options.path) : std::string();
  inlay::ChatOptions chat;
  chat.name = options.name;
  chat.no_trim = options.no_trim;
  if (is_file) {
    chat.text = text;
    return inlay::Chat::open(chat).value();
  }
  const inlay::ModelOptions model = options.machine.options(inlay::Depth::metadata);
  return inlay::Chat::open(inlay::Model::open(options.path, model).value(), chat).value();
}

}  // namespace

inlay::Date parse_date(const std::string& text) {
  inlay::Date date{};
  char end = 0;
  const int read = std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d%c", &date.year, &date.month, &date.day,
                               &date.hour, &date.minute, &date.second, &end);
  if (read != 3 && read != 6) fail(inlay::Status::argument, "--now " + text + ": expected 2025-07-10T12:00:00");
  return date;
}

inlay::Date date_now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm now{};
  localtime_r(&seconds, &now);
  return {now.tm_year + 1900, now.tm_mon + 1, now.tm_mday, now.tm_hour, now.tm_min, now.tm_sec};
}

namespace {

void render(const Options& options) {
  if (options.messages.empty() && options.context.empty()) {
    fail(inlay::Status::argument, "give --messages or --context");
  }
  const inlay::Chat chat = open_chat(options);
  const auto read = [](const std::string& path) { return path.empty() ? std::string() : read_file(path); };
  const std::string messages = read(options.messages), tools = read(options.tools), context = read(options.context);
  inlay::RenderOptions render;
  render.generation_prompt = !options.no_generation_prompt;
  render.tools = tools;
  render.variables = context;
  render.date = options.now.empty() ? date_now() : parse_date(options.now);
  write(chat.render_json(messages, render).value().text());
}

}  // namespace

void add_template(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "template", "The prompt that a chat template renders", render);
}

}  // namespace cli
