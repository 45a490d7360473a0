// tokenize_lines.cpp - the tokenizer of a folder or GGUF file over many texts, for comparisons with
// other implementations: scripts/compare_tokenizers.py.
//
//   tokenize_lines PATH [--special] [--ranges] [--decode FLAGS]
//   tokenize_lines --rule NAME
//
// Standard input: a text a line, in hexadecimal. Standard output: its ids; with --ranges
// id:begin:end; with --decode also "|" and the text of the ids in hexadecimal. With --rule the ends
// of the pieces that the pre-tokenizer of that name cuts.
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>

#include "base/diagnostics.h"
#include "engine/vocab_view.h"
#include "format/folder.h"
#include "format/gguf.h"
#include "text/encoder.h"
#include "text/pretokenize.h"

using namespace inlay;

namespace {

std::string bytes_of(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

struct Options {
  const char* path = nullptr;
  const char* rule = nullptr;
  std::uint32_t flags = 0;
  bool ranges = false;
  int decode = -1;
};

Options read_options(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    if (!std::strcmp(arguments[i], "--special")) {
      options.flags = INLAY_ENCODE_ADD_SPECIAL | INLAY_ENCODE_PARSE_SPECIAL;
    } else if (!std::strcmp(arguments[i], "--ranges")) {
      options.ranges = true;
    } else if (!std::strcmp(arguments[i], "--decode") && i + 1 < count) {
      options.decode = std::stoi(arguments[++i]);
    } else if (!std::strcmp(arguments[i], "--rule") && i + 1 < count) {
      options.rule = arguments[++i];
    } else {
      options.path = arguments[i];
    }
  }
  return options;
}

int run(const Options& options) {
  Allocator allocator{inlay_allocator{}};
  ModelFiles files(allocator);
  Manifest manifest(allocator);
  Tokenizer tokenizer(allocator);
  Error error{};
  const std::string path = options.path;
  inlay_source source;
  inlay_source_path(&source, options.path, std::strlen(options.path));
  Status status = files.open(source, error);
  const bool is_file = path.ends_with(".gguf");
  if (!is_error(status)) {
    if (is_file) {
      status = read_gguf(files[0], manifest, error);
    } else {
      status = manifest.clear("folder", error);
      const ConfigFile config(allocator, error);
      if (path.ends_with(".model") && !is_error(status)) {
        status = read_sentencepiece(files[0], config, manifest, error);
      } else if (!is_error(status)) {
        status = read_tokenizer_json(files, manifest, error);
      }
      if (!is_error(status)) status = manifest.index_keys(error);
    }
  }
  if (!is_error(status)) status = load_tokenizer(manifest, allocator, tokenizer, error);
  if (is_error(status)) {
    std::fprintf(stderr, "%s\n", error.text);
    return 1;
  }
  Encoder encoder(tokenizer, allocator);
  Array<std::int32_t> ids(allocator);
  Array<TextRange> ranges(allocator);
  Array<char> text(allocator);
  std::string out;
  for (std::string line; std::getline(std::cin, line);) {
    ids.clear();
    ranges.clear();
    const std::string bytes = bytes_of(line);
    status = encoder.run(bytes, options.flags, ids, options.ranges ? &ranges : nullptr, error);
    out.clear();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (i) out += ' ';
      out += std::to_string(ids[i]);
      if (options.ranges) {
        out += ':';
        out += std::to_string(ranges[i].begin);
        out += ':';
        out += std::to_string(ranges[i].end);
      }
    }
    if (options.decode >= 0) {
      status = tokenizer.decode(ids, static_cast<std::uint32_t>(options.decode), text, error);
      out += "|";
      char digits[4];
      for (const char c : text) {
        std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
        out += digits;
      }
    }
    if (is_error(status)) out = std::string("error ") + error.text;
    std::puts(out.c_str());
  }
  return 0;
}

int run_rule(const char* name) {
  Allocator allocator{inlay_allocator{}};
  Pretokenizer pretokenizer(allocator);
  Error error{};
  const PretokenizerRule* rule = find_pretokenizer(name);
  if (!rule || is_error(pretokenizer.compile(*rule, error))) {
    std::fprintf(stderr, "%s: %s\n", name, rule ? error.text : "no such rule");
    return 1;
  }
  Array<std::uint32_t> ends(allocator);
  for (std::string line; std::getline(std::cin, line);) {
    const Status status = pretokenizer.split(bytes_of(line), ends, error);
    std::string out = is_error(status) ? std::string("error ") + error.text : "";
    for (const std::uint32_t end : ends) out += std::to_string(end) + " ";
    std::puts(out.c_str());
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = read_options(count, arguments);
  if (options.rule) return run_rule(options.rule);
  if (!options.path) return 2;
  return run(options);
}
