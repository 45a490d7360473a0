// isa.cpp - inlay isa: the instruction sets compiled in, usable here, and the one chosen.
#include "arguments.h"
#include "command.h"
#include "json.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  MachineArguments machine;
  bool json = false;

  void declare(CLI::App& command) {
    machine.declare(command);
    command.add_flag("--json", json, "One JSON object");
  }
};

// The unit that a model would use: the one named, else the last (fastest) one that can run.
std::uint32_t chosen_unit(const std::string& wanted) {
  std::uint32_t chosen = inlay::isa_count();
  for (std::uint32_t i = 0; i < inlay::isa_count(); ++i) {
    const inlay::Isa unit = inlay::isa(i);
    if (unit.usable && (wanted.empty() || wanted == unit.name)) chosen = i;
  }
  if (chosen == inlay::isa_count()) {
    fail(inlay::Status::unsupported,
         fmt::format("instruction set \"{}\" is not usable here", shown(wanted)));
  }
  return chosen;
}

std::string as_json(std::uint32_t chosen) {
  Json json;
  json.open('{').field("chosen", inlay::isa(chosen).name).key("units").open('[');
  for (std::uint32_t i = 0; i < inlay::isa_count(); ++i) {
    const inlay::Isa unit = inlay::isa(i);
    json.open('{').field("name", unit.name).field("usable", unit.usable).close('}');
  }
  return json.close(']').close('}').text();
}

void isa(const Options& options) {
  const std::uint32_t chosen = chosen_unit(options.machine.isa);
  if (options.json) return put("{}\n", as_json(chosen));
  for (std::uint32_t i = 0; i < inlay::isa_count(); ++i) {
    const inlay::Isa unit = inlay::isa(i);
    put("{:<12} {}{}\n", unit.name, unit.usable ? "usable" : "not usable here",
        i == chosen ? ", chosen" : "");
  }
}

}  // namespace

void add_isa(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "isa", "Instruction sets of this build and machine", isa);
}

}  // namespace cli
