// broken_inputs_test.cpp - what inlay says of broken files: the status, the culprit by name, and
// both values; and nothing is left behind.
#include <functional>

#include "support/catch.h"
#include "support/counting_allocator.h"
#include "support/folder.h"
#include "support/gguf_builder.h"
#include "support/model.h"

using namespace inlay;
using namespace inlay::test;

namespace {

struct Opened {
  inlay_status status;
  std::string text;
};

// Opens to the program, plans, opens with weights: as far as it goes.
Opened open_all(const inlay_source& source) {
  CountingAllocator memory;
  inlay_host host;
  inlay_host_defaults(&host);
  host.allocator = memory.host();
  inlay_model_options options;
  inlay_model_options_defaults(&options);
  options.host = &host;
  inlay_error error{};
  inlay_model* model = nullptr;
  for (const std::uint32_t depth : {INLAY_OPEN_METADATA, INLAY_OPEN_PROGRAM, INLAY_OPEN_WEIGHTS}) {
    options.depth = depth;
    inlay_status status = inlay_model_open(&source, &options, &model, &error);
    if (status == INLAY_OK && depth >= INLAY_OPEN_PROGRAM) {
      inlay_plan plan{};
      plan.struct_size = sizeof plan;
      status = inlay_model_plan(model, nullptr, &plan, &error);
    }
    inlay_model_release(model);
    model = nullptr;
    REQUIRE(memory.clean());
    if (status != INLAY_OK) return {status, error.text};
  }
  return {INLAY_OK, ""};
}

struct Case {
  const char* what;
  std::function<void(Folder&)> damage;
  inlay_status status;
  std::vector<std::string> said;  // all of them stand in the error text
};

std::function<void(Folder&)> put(const char* file, const char* from, const char* to) {
  return [=](Folder& f) { replace_once(f[file], from, to); };
}
std::function<void(Folder&)> config(const char* from, const char* to) {
  return put("config.json", from, to);
}
std::function<void(Folder&)> tokenizer(const char* from, const char* to) {
  return put("tokenizer.json", from, to);
}
// Changes the header and keeps its length field right.
std::function<void(Folder&)> header(const char* from, const char* to) {
  return [=](Folder& f) {
    const SafetensorsBuilder tensors = tiny_llama_tensors();
    std::string text = tensors.header();
    replace_once(text, from, to);
    f["model.safetensors"] = tensors.with_header(text);
  };
}

const Case folder_cases[] = {
    // config.json
    {"no config",
     [](Folder& f) { f.files.erase("config.json"); },
     INLAY_ERROR_UNSUPPORTED,
     {"config.json"}},
    {"empty config", [](Folder& f) { f["config.json"] = ""; }, INLAY_ERROR_FORMAT, {"config.json"}},
    {"config is an array",
     [](Folder& f) { f["config.json"] = "[1, 2]"; },
     INLAY_ERROR_FORMAT,
     {"config.json", "object", "array"}},
    {"config ends early",
     [](Folder& f) { f["config.json"].resize(100); },
     INLAY_ERROR_FORMAT,
     {"config.json"}},
    {"config goes on",
     config("\"torch_dtype\": \"float32\"\n}", "\"torch_dtype\": \"float32\"\n} x"),
     INLAY_ERROR_FORMAT,
     {"config.json"}},
    {"config is no UTF-8",
     config("float32",
            "flo\xff"
            "32"),
     INLAY_ERROR_FORMAT,
     {"config.json"}},
    {"no model_type",
     config("\"model_type\": \"llama\",", ""),
     INLAY_ERROR_FORMAT,
     {"config.json", "model_type"}},
    {"unknown model_type",
     config("\"model_type\": \"llama\"", "\"model_type\": \"lama9\""),
     INLAY_ERROR_UNSUPPORTED,
     {"config.json", "model_type", "lama9"}},
    {"model_type is a number",
     config("\"model_type\": \"llama\"", "\"model_type\": 7"),
     INLAY_ERROR_FORMAT,
     {"config.json", "model_type", "string", "7"}},
    {"hidden_size missing",
     config("\"hidden_size\": 32,", ""),
     INLAY_ERROR_FORMAT,
     {"config.json", "hidden_size"}},
    {"hidden_size is text",
     config("\"hidden_size\": 32", "\"hidden_size\": \"32\""),
     INLAY_ERROR_FORMAT,
     {"config.json", "hidden_size", "whole number", "\"32\""}},
    {"hidden_size is negative",
     config("\"hidden_size\": 32", "\"hidden_size\": -32"),
     INLAY_ERROR_FORMAT,
     {"hidden_size", "-32"}},
    {"hidden_size is a fraction",
     config("\"hidden_size\": 32", "\"hidden_size\": 32.5"),
     INLAY_ERROR_FORMAT,
     {"hidden_size", "32.5"}},
    {"hidden_size is huge",
     config("\"hidden_size\": 32", "\"hidden_size\": 99999999999999999999"),
     INLAY_ERROR_FORMAT,
     {"hidden_size"}},
    {"hidden_size is not the tensors'",
     config("\"hidden_size\": 32", "\"hidden_size\": 48"),
     INLAY_ERROR_FORMAT,
     {"attn_q", "4 x 12", "32"}},
    {"heads do not divide",
     config("\"num_attention_heads\": 4", "\"num_attention_heads\": 5"),
     INLAY_ERROR_FORMAT,
     {"5"}},
    {"kv heads do not divide",
     config("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3"),
     INLAY_ERROR_FORMAT,
     {"attn_k", "3 x 8", "16"}},
    {"no heads",
     config("\"num_attention_heads\": 4", "\"num_attention_heads\": 0"),
     INLAY_ERROR_FORMAT,
     {"0"}},
    {"no layers",
     config("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 0"),
     INLAY_ERROR_FORMAT,
     {"0"}},
    {"more layers than tensors",
     config("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2"),
     INLAY_ERROR_FORMAT,
     {"layers.1."}},
    {"fewer layers than tensors",
     [](Folder& f) {
       replace_once(f["config.json"], "\"num_hidden_layers\": 1",
                    "\"num_hidden_layers\": 4294967297");
     },
     INLAY_ERROR_FORMAT,
     {"4294967297"}},
    {"unknown activation",
     config("\"hidden_act\": \"silu\"", "\"hidden_act\": \"swoosh\""),
     INLAY_ERROR_UNSUPPORTED,
     {"config.json", "hidden_act", "swoosh"}},
    {"unknown rope type",
     config("\"rope_scaling\": null",
            "\"rope_scaling\": {\"rope_type\": \"spiral\", \"factor\": 2}"),
     INLAY_ERROR_UNSUPPORTED,
     {"config.json", "rope", "spiral"}},
    {"rope factor is text",
     config("\"rope_scaling\": null",
            "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": \"2\"}"),
     INLAY_ERROR_FORMAT,
     {"rope_scaling.factor", "number", "\"2\""}},
    {"rope factor missing",
     config("\"rope_scaling\": null", "\"rope_scaling\": {\"rope_type\": \"linear\"}"),
     INLAY_ERROR_FORMAT,
     {"factor"}},
    {"rope theta is negative",
     config("\"rope_theta\": 10000.0", "\"rope_theta\": -1"),
     INLAY_ERROR_FORMAT,
     {"rope_theta", "-1"}},
    {"eps is text",
     config("1e-05", "\"small\""),
     INLAY_ERROR_FORMAT,
     {"rms_norm_eps", "number", "\"small\""}},
    {"unknown quantization",
     config("\"torch_dtype\"",
            "\"quantization_config\": {\"quant_method\": \"magic\"}, \"torch_dtype\""),
     INLAY_ERROR_UNSUPPORTED,
     {"config.json", "quant", "magic"}},
    {"vocab_size is not the tensor's",
     config("\"vocab_size\": 48", "\"vocab_size\": 47"),
     INLAY_ERROR_FORMAT,
     {"47", "48"}},
    // safetensors
    {"no weights",
     [](Folder& f) { f.files.erase("model.safetensors"); },
     INLAY_ERROR_IO,
     {"model.safetensors"}},
    {"empty weights",
     [](Folder& f) { f["model.safetensors"] = ""; },
     INLAY_ERROR_FORMAT,
     {"model.safetensors", "8", "0"}},
    {"header longer than the file",
     [](Folder& f) { f["model.safetensors"][5] = 1; },
     INLAY_ERROR_FORMAT,
     {"model.safetensors", "header"}},
    {"header cut",
     [](Folder& f) { f["model.safetensors"].resize(60); },
     INLAY_ERROR_FORMAT,
     {"model.safetensors", "52"}},
    {"data cut",
     [](Folder& f) { f["model.safetensors"].pop_back(); },
     INLAY_ERROR_FORMAT,
     {"model.safetensors"}},
    {"data left over",
     [](Folder& f) { f["model.safetensors"] += "x"; },
     INLAY_ERROR_FORMAT,
     {"model.safetensors"}},
    {"unknown number format",
     header("\"dtype\":\"F32\"", "\"dtype\":\"F12\""),
     INLAY_ERROR_UNSUPPORTED,
     {"model.safetensors", "embed_tokens", "F12"}},
    {"shape is not the bytes",
     header("\"shape\":[48,32]", "\"shape\":[48,33]"),
     INLAY_ERROR_FORMAT,
     {"embed_tokens", "6336", "6144"}},
    {"negative size",
     header("\"shape\":[48,32]", "\"shape\":[-48,32]"),
     INLAY_ERROR_FORMAT,
     {"embed_tokens"}},
    {"size overflows",
     header("\"shape\":[48,32]", "\"shape\":[4611686018427387904,32]"),
     INLAY_ERROR_FORMAT,
     {"embed_tokens"}},
    {"too many dimensions",
     header("\"shape\":[48,32]", "\"shape\":[1,1,1,1,1,48,32]"),
     INLAY_ERROR_LIMIT,
     {"embed_tokens", "shape", "4"}},
    {"begin after end",
     header("\"data_offsets\":[0,6144]", "\"data_offsets\":[6144,0]"),
     INLAY_ERROR_FORMAT,
     {"embed_tokens", "6144", "0"}},
    {"tensors overlap",
     header("\"data_offsets\":[6144,12288]", "\"data_offsets\":[6140,12284]"),
     INLAY_ERROR_FORMAT,
     {"lm_head"}},
    {"one offset",
     header("\"data_offsets\":[0,6144]", "\"data_offsets\":[0]"),
     INLAY_ERROR_FORMAT,
     {"embed_tokens"}},
    {"no dtype", header("\"dtype\":\"F32\",", ""), INLAY_ERROR_FORMAT, {"embed_tokens", "dtype"}},
    {"tensor twice",
     header("lm_head.weight", "model.embed_tokens.weight"),
     INLAY_ERROR_FORMAT,
     {"model.embed_tokens.weight"}},
    {"header is an array",
     [](Folder& f) { f["model.safetensors"] = std::string("\2\0\0\0\0\0\0\0[]", 10); },
     INLAY_ERROR_FORMAT,
     {"model.safetensors", "header", "{"}},
    {"tensor missing",
     header("mlp.gate_proj", "mlp.gate_pr0j"),
     INLAY_ERROR_FORMAT,
     {"model.layers.0.mlp.gate_proj.weight"}},
    {"tensor of another shape",
     header("\"shape\":[16,32]", "\"shape\":[32,16]"),
     INLAY_ERROR_FORMAT,
     {"attn_k", "2 x 8", "32"}},
    {"matrix of integers",
     header("\"model.layers.0.mlp.gate_proj.weight\":{\"dtype\":\"F32\"",
            "\"model.layers.0.mlp.gate_proj.weight\":{\"dtype\":\"I32\""),
     INLAY_ERROR_UNSUPPORTED,
     {"gate_proj", "I32"}},
    {"index names a missing shard",
     [](Folder& f) {
       f["model.safetensors.index.json"] =
           R"({"weight_map": {"lm_head.weight": "model-9.safetensors"}})";
       f.files.erase("model.safetensors");
     },
     INLAY_ERROR_IO,
     {"model-9.safetensors"}},
    {"index leaves the folder",
     [](Folder& f) {
       f["model.safetensors.index.json"] =
           R"({"weight_map": {"lm_head.weight": "../other.safetensors"}})";
       f.files.erase("model.safetensors");
     },
     INLAY_ERROR_FORMAT,
     {"../other.safetensors"}},
    {"index without a map",
     [](Folder& f) {
       f["model.safetensors.index.json"] = R"({"metadata": {}})";
       f.files.erase("model.safetensors");
     },
     INLAY_ERROR_FORMAT,
     {"model.safetensors.index.json", "weight_map"}},
    {"index lists what the shard has not",
     [](Folder& f) {
       f["model-1.safetensors"] = f["model.safetensors"];
       f.files.erase("model.safetensors");
       f["model.safetensors.index.json"] =
           R"({"weight_map": {"nothing.weight": "model-1.safetensors"}})";
     },
     INLAY_ERROR_FORMAT,
     {"nothing.weight", "model-1.safetensors"}},
    // tokenizer.json, generation_config.json
    {"tokenizer ends early",
     [](Folder& f) { f["tokenizer.json"].resize(200); },
     INLAY_ERROR_FORMAT,
     {"tokenizer.json"}},
    {"unknown tokenizer model",
     tokenizer("\"type\": \"BPE\"", "\"type\": \"Magic\""),
     INLAY_ERROR_UNSUPPORTED,
     {"tokenizer.json", "Magic"}},
    {"vocabulary is an array",
     tokenizer("\"vocab\": {", "\"vocab\": [], \"old\": {"),
     INLAY_ERROR_FORMAT,
     {"tokenizer.json", "vocab"}},
    {"two tokens of one id",
     tokenizer("\"AB\": 47", "\"AB\": 46"),
     INLAY_ERROR_FORMAT,
     {"tokenizer.json", "46"}},
    {"id out of range",
     tokenizer("\"AB\": 47", "\"AB\": 4000000000"),
     INLAY_ERROR_LIMIT,
     {"tokenizer.json", "4000000000"}},
    {"id is negative",
     tokenizer("\"AB\": 47", "\"AB\": -1"),
     INLAY_ERROR_FORMAT,
     {"tokenizer.json", "-1"}},
    {"merge without a space", tokenizer("\"A B\"", "\"AB\""), INLAY_ERROR_FORMAT, {"merges", "AB"}},
    {"merge of unknown tokens", tokenizer("\"A B\"", "\"A zz\""), INLAY_ERROR_FORMAT, {"zz"}},
    {"merge is a number",
     tokenizer("\"A B\"", "12"),
     INLAY_ERROR_FORMAT,
     {"tokenizer.json", "merges"}},
    {"unknown pre-tokenizer",
     tokenizer("{\"type\": \"ByteLevel\", \"add_prefix_space\": false",
               "{\"type\": \"Blender\", \"add_prefix_space\": false"),
     INLAY_ERROR_UNSUPPORTED,
     {"tokenizer.json", "pre_tokenizer", "Blender"}},
    {"unknown normalizer",
     tokenizer("\"normalizer\": null", "\"normalizer\": {\"type\": \"Rot13\"}"),
     INLAY_ERROR_UNSUPPORTED,
     {"tokenizer.json", "normalizer", "Rot13"}},
    {"added token without text",
     tokenizer("{\"id\": 0, \"content\": \"<s>\", ", "{\"id\": 0, "),
     INLAY_ERROR_FORMAT,
     {"tokenizer.json", "added_tokens", "content"}},
    {"eos outside the vocabulary",
     put("generation_config.json", "\"eos_token_id\": 1", "\"eos_token_id\": 480"),
     INLAY_ERROR_FORMAT,
     {"eos_token_id", "480"}},
    {"eos is text",
     put("generation_config.json", "\"eos_token_id\": 1", "\"eos_token_id\": \"</s>\""),
     INLAY_ERROR_FORMAT,
     {"generation_config.json", "eos_token_id"}},
};

GgufBuilder tiny_gguf(std::uint32_t type = 0, std::uint64_t rows = 8) {
  GgufBuilder b;
  b.key("general.architecture", std::string("llama")).key("llama.block_count", std::uint32_t{1});
  b.raw_tensor("token_embd.weight", type, {32, rows}, 0);
  return b.data(std::vector<unsigned char>(32 * 8 * 4));
}

struct GgufCase {
  const char* what;
  std::vector<unsigned char> bytes;
  inlay_status status;
  std::vector<std::string> said;
};

std::vector<GgufCase> gguf_cases() {
  const auto split = [](std::uint16_t no, std::uint16_t count) {
    return GgufBuilder()
        .key("general.architecture", std::string("llama"))
        .key("split.no", no)
        .key("split.count", count)
        .build();
  };
  return {
      {"retired type",
       tiny_gguf(4).build(),
       INLAY_ERROR_UNSUPPORTED,
       {"token_embd.weight", "Q4_2", "retired"}},
      {"type of a fork",
       tiny_gguf(139).build(),
       INLAY_ERROR_UNSUPPORTED,
       {"token_embd.weight", "IQ4_K", "ik_llama.cpp"}},
      {"type of activations",
       tiny_gguf(15).build(),
       INLAY_ERROR_UNSUPPORTED,
       {"token_embd.weight", "Q8_K"}},
      {"type nobody knows",
       tiny_gguf(4711).build(),
       INLAY_ERROR_UNSUPPORTED,
       {"token_embd.weight", "4711"}},
      {"row is no whole block",
       tiny_gguf(12).build(),
       INLAY_ERROR_FORMAT,
       {"token_embd.weight", "32", "256"}},
      {"more rows than the file",
       tiny_gguf(0, 9).build(),
       INLAY_ERROR_FORMAT,
       {"token_embd.weight", "1152", "1024"}},
      {"key missing", tiny_gguf().build(), INLAY_ERROR_FORMAT, {"llama."}},
      {"part without the others",
       split(0, 2),
       INLAY_ERROR_UNSUPPORTED,
       {"2 files", "INLAY_SOURCE_PARTS"}},
      {"part number past the count", split(5, 2), INLAY_ERROR_FORMAT, {"split.no", "5", "2"}},
      {"architecture nobody knows",
       GgufBuilder().key("general.architecture", std::string("lama9")).build(),
       INLAY_ERROR_UNSUPPORTED,
       {"lama9"}},
  };
}

void check(const char* what, const Opened& got, inlay_status status,
           const std::vector<std::string>& said) {
  INFO(what << ": " << inlay_status_name(got.status) << ": " << got.text);
  CHECK(got.status == status);
  for (const std::string& word : said) {
    INFO("says " << word);
    CHECK(got.text.find(word) != std::string::npos);
  }
}

}  // namespace

TEST_CASE("the folder that is broken below is whole") {
  Folder folder = tiny_llama_folder();
  const Opened opened = open_all(folder.source());
  INFO(opened.text);
  REQUIRE(opened.status == INLAY_OK);
}

TEST_CASE("broken folders: the error names the culprit and both values") {
  STATIC_REQUIRE(std::size(folder_cases) >= 60);
  for (const Case& c : folder_cases) {
    Folder folder = tiny_llama_folder();
    c.damage(folder);
    check(c.what, open_all(folder.source()), c.status, c.said);
  }
}

TEST_CASE("broken GGUF files: the error names the culprit and both values") {
  for (const GgufCase& c : gguf_cases()) {
    inlay_source source;
    inlay_source_memory(&source, c.bytes.data(), c.bytes.size());
    check(c.what, open_all(source), c.status, c.said);
  }
}

TEST_CASE("parts that make no model") {
  inlay_source source;
  inlay_source_parts(&source, nullptr, 0);
  CHECK(open_all(source).status == INLAY_ERROR_ARGUMENT);
  inlay_source twice[2];
  for (inlay_source& part : twice) {
    inlay_source_memory(&part, "{}", 2);
    part.text = "config.json";
    part.text_length = 11;
  }
  inlay_source_parts(&source, twice, 2);
  check("a name twice", open_all(source), INLAY_ERROR_ARGUMENT, {"config.json"});
}
