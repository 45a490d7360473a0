// arguments.cpp - shared options: their words, and what they turn into.
#include "arguments.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>

#include "memory.h"
#include "output.h"
#include "progress.h"

namespace cli {
namespace {

std::string read_all(std::FILE* file, const std::string& name) {
  std::string bytes;
  char block[65536];
  for (std::size_t count; (count = std::fread(block, 1, sizeof block, file)) > 0;) {
    bytes.append(block, count);
  }
  if (std::ferror(file)) fail(inlay::Status::io, name + ": cannot read");
  return bytes;
}

}  // namespace

std::string read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) fail(inlay::Status::io, path + ": cannot open");
  return read_all(file.get(), path);
}

std::string type_name(const std::string& word) {
  const auto upper = [](std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return result;
  };
  for (std::uint32_t i = 0; const char* name = inlay::quantize_type(i); ++i) {
    if (upper(name) == upper(word)) return name;
  }
  return word;
}

CLI::Option* declare_count(CLI::App& command, const char* name, std::uint32_t& value,
                           std::uint32_t most, const char* help) {
  return command.add_option(name, value, help)->check(CLI::Range(1u, most));
}

namespace {

// CLI11 lets negative numbers wrap and large ones saturate.
template <class T>
CLI::Option* declare_whole(CLI::App& command, const char* name, T& value, const char* help) {
  const auto is_whole = [](std::string& text) {
    T parsed{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, parsed);
    const bool fits = error == std::errc{} && stop == end;
    return fits ? std::string() : text + " is no whole number from 0 on that fits";
  };
  return command.add_option(name, value, help)->check(CLI::Validator(is_whole, "N"));
}

}  // namespace

CLI::Option* declare_number(CLI::App& command, const char* name, std::uint64_t& value,
                            const char* help) {
  return declare_whole(command, name, value, help);
}
CLI::Option* declare_number(CLI::App& command, const char* name, std::uint32_t& value,
                            const char* help) {
  return declare_whole(command, name, value, help);
}

void MachineArguments::declare(CLI::App& command) {
  declare_count(command, "--threads", threads, 256, "Threads (default: physical cores)");
  command.add_option("--isa", isa, "Instruction set by name, see `inlay isa` (default: best)");
}

void ModelArguments::declare(CLI::App& command) {
  command.add_option("MODEL", path, "A .gguf file, or a folder with safetensors")->required();
  MachineArguments::declare(command);
}

namespace {

// "auto" or "auto:BYTES", K, M or G behind the number meaning 2^10, 2^20 or 2^30; 0: not
// understood.
std::uint64_t parse_budget(std::string_view text) {
  if (text == "auto") return available_bytes() / 4 * 3;
  text.remove_prefix(std::string_view("auto:").size());
  std::uint64_t bytes = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, bytes);
  if (error != std::errc{}) return 0;
  const std::string_view unit(stop, end);
  const std::string_view units = "KMG";
  if (unit.empty()) return bytes;
  const std::size_t power = units.find(unit);
  if (unit.size() != 1 || power == units.npos) return 0;
  const std::size_t shift = 10 * (power + 1);
  return bytes << shift >> shift == bytes ? bytes << shift : 0;
}

}  // namespace

void WeightArguments::declare(CLI::App& command, const std::string& of) {
  const auto set_type = [this](const std::string& word) {
    type = type_name(word);
    if (word != "auto" && !word.starts_with("auto:")) return;
    type = "auto";
    budget = parse_budget(word);
    if (budget == 0) {
      throw CLI::ValidationError(
          "--weights", fmt::format("{} says no number of bytes as auto:2G does", shown(word)));
    }
  };
  const auto set_memory = [this](const std::string& word) {
    const std::map<std::string, inlay::Memory> kinds = {{"mapped", inlay::Memory::mapped},
                                                        {"copied", inlay::Memory::copied},
                                                        {"huge", inlay::Memory::huge_pages}};
    const auto found = kinds.find(word);
    if (found == kinds.end()) {
      throw CLI::ValidationError("--memory",
                                 fmt::format("{} is not mapped, copied or huge", shown(word)));
    }
    memory = found->second;
  };
  command.add_option_function<std::string>(
      "--weights", set_type,
      "Type of the matrices" + of + " in memory: stored, a type of quantize, auto[:BYTES]");
  command.add_option_function<std::string>(
      "--memory", set_memory, "Where the weights" + of + " lie: mapped, copied, huge (pages)");
}

void WeightArguments::apply(inlay::ModelOptions& options) const {
  options.weights = type.empty() ? nullptr : type.c_str();
  options.weight_budget = budget;
  options.memory = memory;
}

void LoadArguments::declare(CLI::App& command) {
  ModelArguments::declare(command);
  weights.declare(command);
}

inlay::Model LoadArguments::open(inlay::Depth depth, const inlay::Host* host,
                                 bool importance) const {
  inlay::ModelOptions options = this->options(depth, host);
  weights.apply(options);
  options.importance = importance;
  ProgressBar bar("loading");
  options.progress = bar;
  return inlay::Model::open(path, options).value();
}

inlay::ModelOptions MachineArguments::options(inlay::Depth depth, const inlay::Host* host) const {
  return {
      .depth = depth, .host = host, .isa = isa.empty() ? nullptr : isa.c_str(), .threads = threads};
}

inlay::Model ModelArguments::open(inlay::Depth depth, const inlay::Host* host) const {
  return inlay::Model::open(path, options(depth, host)).value();
}

inlay::Tokenizer ModelArguments::tokenizer_of(const inlay::Model& model) {
  const inlay::Tokenizer tokenizer = model.tokenizer();
  if (!tokenizer) fail(inlay::Status::unsupported, "the model has no tokenizer");
  return tokenizer;
}

void TextArguments::declare(CLI::App& command, const std::string& text_option,
                            const std::string& file_option) {
  CLI::Option* given = command.add_option_function<std::string>(
      text_option,
      [this](const std::string& value) {
        text = value;
        has_text = true;
      },
      "The text");
  command.add_option(file_option, file, "A file with the text")->excludes(given);
}

std::string TextArguments::read(bool or_input) const {
  if (has_text) return text;
  if (!file.empty()) return read_file(file);
  return or_input ? read_all(stdin, "standard input") : std::string();
}

namespace {

inlay::KvType parse_kv(std::string_view word) {
  constexpr std::pair<std::string_view, inlay::KvType> types[] = {
      {"auto", inlay::KvType::automatic}, {"f32", inlay::KvType::f32},
      {"f16", inlay::KvType::f16},        {"bf16", inlay::KvType::bf16},
      {"q8_0", inlay::KvType::q8_0},      {"q4_0", inlay::KvType::q4_0}};
  const auto lower = [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  };
  for (const auto& [name, type] : types) {
    const auto same = [&](char a, char b) { return lower(a) == b; };
    if (std::equal(word.begin(), word.end(), name.begin(), name.end(), same)) return type;
  }
  throw CLI::ValidationError(
      "--kv", fmt::format("{} is not auto, f32, f16, bf16, q8_0 or q4_0", shown(word)));
}

}  // namespace

void declare_kv(CLI::App& command, inlay::SessionOptions& session) {
  const auto set = [&session](const std::string& word) {
    const std::size_t slash = word.find('/');
    session.kv_type = parse_kv(std::string_view(word).substr(0, slash));
    session.value_type = slash == word.npos ? inlay::KvType::automatic
                                            : parse_kv(std::string_view(word).substr(slash + 1));
  };
  command.add_option_function<std::string>(
      "--kv", set, "Type of the key/value cache: auto, f32, f16, bf16, q8_0, q4_0; or KEYS/VALUES");
}

std::vector<std::int32_t> parse_ids(const std::string& list) {
  std::vector<std::int32_t> ids;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at != end) {
    if (!ids.empty() && *at++ != ',') at = end;
    std::int32_t id = 0;
    const auto [next, status] = std::from_chars(at, end, id);
    if (status != std::errc()) {
      fail(inlay::Status::argument, fmt::format("\"{}\" is not a list of token ids", shown(list)));
    }
    ids.push_back(id);
    at = next;
  }
  return ids;
}

}  // namespace cli
