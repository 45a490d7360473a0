// main.cpp - the inlay command: finds the command asked for, runs it, reports a failure in one
// line.
#include <cstdio>
#include <new>
#include <string>

#include "command.h"
#include "inlay/inlay.hpp"
#include "output.h"

namespace {

enum ExitCode { done = 0, failed = 1, wrong_usage = 2 };

void report(const char* kind, const char* text) {
  std::fflush(stdout);
  std::fprintf(stderr, "inlay: %s: %s\n", kind, text);
}

bool is_command(const CLI::App& app, const std::string& name) {
  return !app.get_subcommands([&](const CLI::App* c) { return c->check_name(name); }).empty();
}

int run(const cli::Action& action) {
  try {
    action();
    cli::flush_output();
    return done;
  } catch (const cli::Exit& e) {
    cli::flush_output();
    return e.code;
  } catch (const inlay::Exception& e) {
    report(name(e.error().status()), e.what());
  } catch (const std::bad_alloc&) {
    report(name(inlay::Status::memory), "the program itself is out of memory");
  }
  return failed;
}

}  // namespace

int main(int count, char** arguments) {
  CLI::App app("Runs language models from a file, on this machine.", "inlay");
  app.set_version_flag("--version", inlay_version());
  app.require_subcommand(1);
  cli::Action action;
#define INLAY_COMMAND(name) cli::add_##name(app, action);
#include "commands.inc"
#undef INLAY_COMMAND
  // A script can put its defaults first and its caller's options behind them.
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    for (CLI::Option* option : command->get_options()) {
      if (option->get_expected_max() > 1) continue;  // a list
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  if (count > 1 && arguments[1][0] != '-' && !is_command(app, arguments[1])) {
    report("usage", (std::string(arguments[1]) + ": no such command, see inlay --help").c_str());
    return wrong_usage;
  }
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    report("usage", e.what());
    return wrong_usage;
  }
  return run(action);
}
