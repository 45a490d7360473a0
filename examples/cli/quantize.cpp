// quantize.cpp - inlay quantize: a model written with its matrices in a smaller type.
#include "arguments.h"
#include "command.h"
#include "output.h"
#include "progress.h"

namespace cli {
namespace {

std::string type_list() {
  std::string list;
  for (std::uint32_t i = 0; const char* name = inlay::quantize_type(i); ++i) {
    list += (i ? " " : "Types: ") + std::string(name);
  }
  return list;
}

struct Options {
  std::string in, out, type, imatrix;
  std::vector<std::string> keep;  // PATTERN=TYPE
  std::uint32_t threads = 0;

  void declare(CLI::App& command) {
    command.add_option("IN", in, "A .gguf file, or a folder with safetensors")->required();
    command.add_option("OUT", out, "The .gguf file to write")->required();
    command.add_option("TYPE", type, "Type of the matrices, see below")->required();
    command.add_option("--imatrix", imatrix, "A file of `inlay imatrix`");
    const auto is_pair = [](const std::string& text) {
      const std::size_t at = text.rfind('=');
      const bool good = at != text.npos && at > 0 && at + 1 < text.size();
      return good ? std::string() : text + " is not PATTERN=TYPE";
    };
    command.add_option("--keep", keep, "Another type for tensors: PATTERN=TYPE, * any text")
        ->allow_extra_args(false)
        ->check(is_pair);
    declare_count(command, "--threads", threads, 256, "Threads (default: physical cores)");
    command.footer(type_list());
  }
};

// Passes what the library has to say on to standard error.
struct Messages {
  void operator()(int, std::string_view text) { fmt::print(stderr, "{}\n", shown(text, 400)); }
};

void quantize(const Options& options) {
  Messages messages;
  inlay::Host host;
  host.log(messages);
  const inlay::Model model =
      inlay::Model::open(options.in, {.depth = inlay::Depth::metadata, .host = &host}).value();

  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& rule : options.keep) {
    const std::size_t at = rule.rfind('=');
    pairs.emplace_back(rule.substr(0, at), type_name(rule.substr(at + 1)));
  }
  std::vector<inlay::Keep> keep;
  for (const auto& [pattern, type] : pairs) keep.push_back({pattern.c_str(), type.c_str()});

  const inlay::Source importance = inlay::Source::path(options.imatrix);
  const std::string type = type_name(options.type);
  ProgressBar bar("quantizing");
  model
      .quantize(options.out, {.type = type.c_str(),
                              .importance = options.imatrix.empty() ? nullptr : &importance,
                              .keep = keep,
                              .threads = options.threads,
                              .progress = bar})
      .value();
}

}  // namespace

void add_quantize(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "quantize", "Writes a model in a smaller type, as GGUF",
                       quantize);
}

}  // namespace cli
