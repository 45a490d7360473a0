// command.h - what a command is: options declared on the command line parser, and an action.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

namespace cli {

// What the program does in the end; failures leave it as inlay::Exception.
using Action = std::function<void()>;

// Thrown by an action that is done and ends the program with another code than 0.
struct Exit {
  int code;
};

#define INLAY_COMMAND(name) void add_##name(CLI::App& app, Action& action);
#include "commands.inc"
#undef INLAY_COMMAND

// A subcommand with options of type Options, filled by the parser before `act` runs with them.
template <class Options>
Options& add_command(CLI::App& app, Action& action, const char* name, const char* help,
                     void (*act)(const Options&)) {
  const auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, help);
  command->callback([=, &action] { action = [=] { act(*options); }; });
  options->declare(*command);
  return *options;
}

}  // namespace cli
