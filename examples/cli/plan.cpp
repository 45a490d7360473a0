// plan.cpp - inlay plan: the bytes a model will take, from its header alone.
#include "arguments.h"
#include "command.h"
#include "json.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  LoadArguments model;
  inlay::SessionOptions session;
  bool json = false;

  void declare(CLI::App& command) {
    model.declare(command);
    declare_count(command, "--ctx", session.context, 1u << 20, "Tokens a sequence can hold");
    declare_count(command, "--sequences", session.sequences, 1024, "Sequences at once");
    declare_count(command, "--chunk", session.chunk, 8192, "Most tokens in one pass");
    declare_kv(command, session);
    command.add_flag("--json", json, "One JSON object");
  }
};

void plan(const Options& options) {
  inlay::SessionOptions session = options.session;
  session.threads = options.model.threads;
  const inlay::Plan plan = options.model.open(inlay::Depth::program).plan(session).value();
  const std::pair<const char*, std::uint64_t> parts[] = {{"metadata", plan.metadata},
                                                         {"weights", plan.weights},
                                                         {"state", plan.state},
                                                         {"scratch", plan.scratch},
                                                         {"total", plan.total}};
  if (options.json) {
    Json json;
    json.open('{');
    for (const auto& [name, bytes] : parts) json.field(name, bytes);
    return put("{}\n", json.close('}').text());
  }
  for (const auto& [name, bytes] : parts) put("{:<9}{:>16}\n", name, bytes);
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "plan", "Bytes of memory, exact, before anything is loaded",
                       plan);
}

}  // namespace cli
