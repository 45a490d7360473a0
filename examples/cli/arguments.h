// arguments.h - groups of options that several commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "inlay/inlay.hpp"

namespace cli {

// The bytes of a file; fails where they cannot be read.
std::string read_file(const std::string& path);

// A type as the library spells it, from any case: "q4_k_m" is "Q4_K_M". Other words stay as they
// are.
std::string type_name(const std::string& word);

// An option with a whole number from 1 to `most`.
CLI::Option* declare_count(CLI::App& command, const char* name, std::uint32_t& value,
                           std::uint32_t most, const char* help);

// An option with a whole number from 0 on; a sign or a number that does not fit is refused.
CLI::Option* declare_number(CLI::App& command, const char* name, std::uint64_t& value,
                            const char* help);
CLI::Option* declare_number(CLI::App& command, const char* name, std::uint32_t& value,
                            const char* help);

// --threads and --isa.
struct MachineArguments {
  std::uint32_t threads = 0;
  std::string isa;
  void declare(CLI::App& command);
  // `isa` and `host` are borrowed.
  inlay::ModelOptions options(inlay::Depth depth, const inlay::Host* host = nullptr) const;
};

// --weights and --memory.
struct WeightArguments {
  std::string type;  // as quantize takes it, "stored" or "auto"; empty: stored
  std::uint64_t budget = 0;
  inlay::Memory memory = inlay::Memory::mapped;
  void declare(CLI::App& command, const std::string& of = "");
  // `type` is borrowed.
  void apply(inlay::ModelOptions& options) const;
};

// MODEL, --threads, --isa.
struct ModelArguments : MachineArguments {
  std::string path;
  void declare(CLI::App& command);
  inlay::Model open(inlay::Depth depth, const inlay::Host* host = nullptr) const;
  // The model's tokenizer; fails when it has none.
  static inlay::Tokenizer tokenizer_of(const inlay::Model& model);
};

// Also --weights and --memory, for commands that compute.
struct LoadArguments : ModelArguments {
  WeightArguments weights;
  void declare(CLI::App& command);
  inlay::Model open(inlay::Depth depth, const inlay::Host* host = nullptr,
                    bool importance = false) const;
};

// A text given as TEXT, as a file, or on standard input.
struct TextArguments {
  std::string text;
  std::string file;
  bool has_text = false;
  void declare(CLI::App& command, const std::string& text_option, const std::string& file_option);
  // What was given; standard input when nothing was and `or_input` is set, else "".
  std::string read(bool or_input) const;
};

// --kv TYPE, or TYPE/TYPE of keys and of values.
void declare_kv(CLI::App& command, inlay::SessionOptions& session);

// Token ids separated by commas; fails on anything else.
std::vector<std::int32_t> parse_ids(const std::string& list);

}  // namespace cli
