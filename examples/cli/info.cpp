// info.cpp - inlay info: what a model file says about itself; works for any architecture.
#include <map>

#include "arguments.h"
#include "command.h"
#include "json.h"
#include "output.h"

namespace cli {
namespace {

struct Options {
  ModelArguments model;
  bool json = false;
  bool tensors = false;

  void declare(CLI::App& command) {
    model.declare(command);
    command.add_flag("--json", json, "One JSON object");
    command.add_flag("--tensors", tensors, "And a line for each tensor");
  }
};

struct TypeShare {
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0;
};

// Everything info shows, collected from the model once; views live as long as the model.
struct Facts {
  inlay::ModelInfo info;
  inlay::TokenizerInfo tokenizer;  // size 0: none
  std::map<std::string_view, TypeShare> types;
  std::vector<inlay::Metadata> general;  // licence, author, source ...: scalars under "general."
  std::string_view chat_template;
  std::vector<inlay::Tensor> tensors;

  explicit Facts(const inlay::Model& model)
      : info(model.info()), tokenizer(model.tokenizer().info()) {
    for (std::uint64_t i = 0; i < info.tensor_count; ++i) {
      tensors.push_back(model.tensor(i).value());
      TypeShare& share = types[tensors.back().type];
      ++share.tensors;
      share.bytes += tensors.back().bytes;
    }
    for (std::uint64_t i = 0; i < info.metadata_count; ++i) {
      const inlay::Metadata entry = model.metadata(i).value();
      if (entry.key == "tokenizer.chat_template") chat_template = entry.text;
      const bool shown_elsewhere =
          entry.key == "general.architecture" || entry.key == "general.name";
      if (entry.key.starts_with("general.") && !entry.is_array && !shown_elsewhere) {
        general.push_back(entry);
      }
    }
  }
};

std::vector<std::uint64_t> shape_of(const inlay::Tensor& tensor) {
  return {tensor.shape, tensor.shape + tensor.rank};
}

void print_text(const Facts& facts, bool tensors) {
  const inlay::ModelInfo& info = facts.info;
  put("architecture   {}\n", shown(info.architecture));
  put("name           {}\n", shown(info.name));
  put("parameters     {}\n", info.parameters);
  put("weights        {} bytes in {} tensors\n", info.weight_bytes, info.tensor_count);
  for (const auto& [type, share] : facts.types) {
    put("  {:<12} {} tensors, {} bytes\n", type, share.tensors, share.bytes);
  }
  put("layers         {}\n", info.layers);
  put("width          {}\n", info.width);
  put("vocabulary     {}\n", info.vocabulary);
  put("context        {}\n",
      info.context_length ? fmt::format("{}", info.context_length) : "not stated");
  if (facts.tokenizer.size) {
    put("tokenizer      {}, {} tokens, bos {}, eos {}\n", shown(facts.tokenizer.model),
        facts.tokenizer.size, facts.tokenizer.bos, facts.tokenizer.eos);
  } else {
    put("tokenizer      none\n");
  }
  put("template       {}\n",
      facts.chat_template.empty() ? "none" : fmt::format("{} bytes", facts.chat_template.size()));
  for (const inlay::Metadata& entry : facts.general) {
    put("{:<30} {}\n", shown(entry.key),
        entry.is_text ? shown(entry.text) : fmt::format("{}", entry.number));
  }
  if (!tensors) return;
  for (const inlay::Tensor& tensor : facts.tensors) {
    put("{:<40} {:<6} {:>12}  {}\n", shown(tensor.name), tensor.type, tensor.bytes,
        fmt::join(shape_of(tensor), " x "));
  }
}

void write_tensors(Json& json, const Facts& facts) {
  json.key("tensors").open('[');
  for (const inlay::Tensor& tensor : facts.tensors) {
    json.open('{').field("name", tensor.name).field("type", tensor.type);
    json.field("shape", shape_of(tensor)).field("offset", tensor.offset);
    json.field("bytes", tensor.bytes).close('}');
  }
  json.close(']');
}

void print_json(const Facts& facts, bool tensors) {
  const inlay::ModelInfo& info = facts.info;
  Json json;
  json.open('{').field("architecture", info.architecture).field("name", info.name);
  json.field("parameters", info.parameters).field("weight_bytes", info.weight_bytes);
  json.field("tensor_count", info.tensor_count).key("types").open('{');
  for (const auto& [type, share] : facts.types) {
    json.key(type).open('{').field("tensors", share.tensors).field("bytes", share.bytes).close('}');
  }
  json.close('}').field("layers", info.layers).field("width", info.width);
  json.field("vocabulary", info.vocabulary).field("context_length", info.context_length);
  json.key("tokenizer");
  if (const inlay::TokenizerInfo& t = facts.tokenizer; t.size) {
    json.open('{').field("model", t.model).field("size", t.size).field("bos", t.bos);
    json.field("eos", t.eos).field("unknown", t.unknown).field("padding", t.padding);
    json.field("adds_bos", t.adds_bos != 0).field("adds_eos", t.adds_eos != 0).close('}');
  } else {
    json.null();
  }
  json.key("chat_template");
  facts.chat_template.empty() ? json.null() : json.value(facts.chat_template);
  json.key("general").open('{');
  for (const inlay::Metadata& entry : facts.general) {
    json.key(entry.key);
    entry.is_text ? json.value(entry.text) : json.value(entry.number);
  }
  json.close('}');
  if (tensors) write_tensors(json, facts);
  put("{}\n", json.close('}').text());
}

void info(const Options& options) {
  const inlay::Model model = options.model.open(inlay::Depth::metadata);
  const Facts facts(model);
  options.json ? print_json(facts, options.tensors) : print_text(facts, options.tensors);
}

}  // namespace

void add_info(CLI::App& app, Action& action) {
  add_command<Options>(app, action, "info", "What a model file says about itself", info);
}

}  // namespace cli
