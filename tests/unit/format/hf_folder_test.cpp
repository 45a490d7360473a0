// hf_folder_test.cpp - config.json and tensor names of folders come to the keys, names and bytes
// that GGUF files of the same models have; what is not supported is refused by name.
#include <cmath>
#include <string>
#include <vector>

#include "folder_files.h"
#include "format/model_reader.h"
#include "support/catch.h"
#include "support/data.h"

using namespace inlay;
using namespace inlay::test;

namespace {

// Any model that a path names.
struct OpenedModel {
  Allocator allocator{system_allocator()};
  ModelFiles files{allocator};
  Manifest manifest{allocator};
  Error error{};
  explicit OpenedModel(const std::string& path) {
    inlay_source source;
    inlay_source_path(&source, path.data(), path.size());
    const Status status = read_model(source, files, manifest, error);
    INFO(path << ": " << error.text);
    REQUIRE(status == Status::ok);
  }
  std::vector<std::byte> rows(const TensorInfo& tensor) {
    std::vector<std::byte> bytes(tensor.bytes);
    Array<std::byte> scratch(allocator);
    const std::uint64_t count = tensor.elements / tensor.shape[0];
    const Status status =
        read_rows(files, manifest, tensor, 0, count, bytes.data(), scratch, error);
    INFO(tensor.name << ": " << error.text);
    REQUIRE(status == Status::ok);
    return bytes;
  }
};

struct Setting {
  std::string key, value;  // value: JSON; "" removes the key
};

// The files of a tiny model: one block, width 8, two heads of 4, one key/value head.
const std::string llama_config =
    R"("model_type":"llama","vocab_size":6,"hidden_size":8,"num_hidden_layers":1,)"
    R"("num_attention_heads":2,"num_key_value_heads":1,"intermediate_size":12)";

std::vector<FolderTensor> gated_tensors(const std::string& prefix, bool biases, bool output) {
  const std::string block = prefix + "layers.0.";
  std::vector<FolderTensor> t = {
      {prefix + "embed_tokens.weight", "F32", {6, 8}, 4, {}},
      {block + "input_layernorm.weight", "BF16", {8}, 2, {}},
      {block + "self_attn.q_proj.weight", "F32", {8, 8}, 4, {}},
      {block + "self_attn.k_proj.weight", "F32", {4, 8}, 4, {}},
      {block + "self_attn.v_proj.weight", "F32", {4, 8}, 4, {}},
      {block + "self_attn.o_proj.weight", "F32", {8, 8}, 4, {}},
      {block + "post_attention_layernorm.weight", "F32", {8}, 4, {}},
      {block + "mlp.gate_proj.weight", "F32", {12, 8}, 4, {}},
      {block + "mlp.up_proj.weight", "F32", {12, 8}, 4, {}},
      {block + "mlp.down_proj.weight", "F32", {8, 12}, 4, {}},
      {block + "self_attn.rotary_emb.inv_freq", "F32", {2}, 4, {}},
      {prefix + "norm.weight", "F32", {8}, 4, {}},
  };
  if (biases) {
    t.push_back({block + "self_attn.q_proj.bias", "F32", {8}, 4, {}});
    t.push_back({block + "self_attn.k_proj.bias", "F32", {4}, 4, {}});
    t.push_back({block + "self_attn.v_proj.bias", "F32", {4}, 4, {}});
  }
  if (output) t.push_back({"lm_head.weight", "F32", {6, 8}, 4, {}});
  return t;
}

// `more` follows the config's keys: ,"a":1
FolderTexts llama_folder(const std::string& more, bool biases = false, bool output = true,
                         const std::string& prefix = "model.") {
  return {{"config.json", "{" + llama_config + more + "}"},
          {"model.safetensors", safetensors_bytes(gated_tensors(prefix, biases, output))}};
}

// GPT-NeoX and BLOOM: one block, width 8, two heads, every module with a bias.
std::string fused_tensors(const std::string& block, const std::string& attention,
                          const std::vector<std::string>& norms, const std::string& embedding,
                          const std::string& output) {
  std::vector<FolderTensor> t = {{embedding, "F32", {6, 8}, 4, {}}};
  const auto linear = [&](const std::string& name, std::uint64_t rows, std::uint64_t columns) {
    t.push_back({block + name + ".weight", "F32", {rows, columns}, 4, {}});
    t.push_back({block + name + ".bias", "F32", {rows}, 4, {}});
  };
  linear(attention + ".query_key_value", 24, 8);
  linear(attention + ".dense", 8, 8);
  linear("mlp.dense_h_to_4h", 32, 8);
  linear("mlp.dense_4h_to_h", 8, 32);
  for (const std::string& norm : norms) {
    t.push_back({norm + ".weight", "F32", {8}, 4, {}});
    t.push_back({norm + ".bias", "F32", {8}, 4, {}});
  }
  if (!output.empty()) t.push_back({output, "F32", {6, 8}, 4, {}});
  return safetensors_bytes(t);
}

// A folder with the config alone: what is refused by it never reads a tensor.
Status status_of_config(const std::string& config, std::string& text) {
  FolderFiles f(FolderTexts{{"config.json", config}});
  const Status status = f.read();
  text = f.text();
  return status;
}

double number_of(const Manifest& m, const std::string& key) {
  const Value* value = m.find(key);
  double number = NAN;
  if (value) value->number(0, number);
  return number;
}

std::string text_of(const Manifest& m, const std::string& key) {
  std::string_view text = "(none)";
  if (const Value* value = m.find(key)) value->text(0, text);
  return std::string(text);
}

}  // namespace

TEST_CASE("folders and GGUF files of one model have the same tensors and keys", "[format]") {
  for (const char* name :
       {"llama-gqa-f16", "llama-rope-llama3", "qwen2", "gptneox-parallel", "bloom-6-heads"}) {
    OpenedModel folder(fixture_path(std::string("folders/") + name));
    OpenedModel gguf(fixture_path(std::string("models/") + name + ".gguf"));
    CHECK(folder.manifest.tensors().size() == gguf.manifest.tensors().size());
    for (const TensorInfo& expected : gguf.manifest.tensors()) {
      const TensorInfo* tensor = folder.manifest.tensor(expected.name);
      INFO(name << " " << expected.name);
      REQUIRE(tensor);
      CHECK(tensor->type == expected.type);
      CHECK(tensor->rank == expected.rank);
      for (int i = 0; i < 4; ++i) CHECK(tensor->shape[i] == expected.shape[i]);
      REQUIRE(tensor->bytes == expected.bytes);
      CHECK((folder.rows(*tensor) == gguf.rows(expected)));
    }
    const std::string architecture = text_of(gguf.manifest, "general.architecture");
    CHECK(text_of(folder.manifest, "general.architecture") == architecture);
    CHECK(text_of(folder.manifest, "general.name") == name);
    std::size_t compared = 0;
    for (const Entry& entry : gguf.manifest.entries()) {
      if (!entry.key.starts_with(architecture + ".")) continue;
      const std::string key(entry.key);
      INFO(name << " " << key);
      if (architecture == "bloom" && key == "bloom.context_length") continue;  // no such setting
      CHECK(number_of(folder.manifest, key) == number_of(gguf.manifest, key));
      ++compared;
    }
    CHECK(compared >= 6);
  }
}

TEST_CASE("settings of a folder become keys", "[format]") {
  FolderFiles f(
      llama_folder(R"(,"rms_norm_eps":1e-05,"rope_theta":500000.0,"max_position_embeddings":4096,)"
                   R"("rope_scaling":{"type":"linear","factor":4.0},"head_dim":4,)"
                   R"("some_unknown":[1,{"a":null}])"));
  const Status status = f.read();
  INFO(f.text());
  REQUIRE(status == Status::ok);
  const Manifest& m = f.manifest;
  CHECK(text_of(m, "general.architecture") == "llama");
  CHECK(number_of(m, "llama.block_count") == 1);
  CHECK(number_of(m, "llama.embedding_length") == 8);
  CHECK(number_of(m, "llama.feed_forward_length") == 12);
  CHECK(number_of(m, "llama.attention.head_count") == 2);
  CHECK(number_of(m, "llama.attention.head_count_kv") == 1);
  CHECK(number_of(m, "llama.attention.key_length") == 4);
  CHECK(number_of(m, "llama.context_length") == 4096);
  CHECK(number_of(m, "llama.attention.layer_norm_rms_epsilon") == double{1e-5f});
  CHECK(number_of(m, "llama.rope.freq_base") == 500000);
  CHECK(number_of(m, "llama.rope.dimension_count") == 4);
  CHECK(text_of(m, "llama.rope.scaling.type") == "linear");
  CHECK(number_of(m, "llama.rope.scaling.factor") == 4);
  CHECK_FALSE(m.find("general.sampling.temp"));
  CHECK(m.tensor("output.weight"));
  CHECK_FALSE(m.tensor("rope_freqs.weight"));
  CHECK(m.tensor("blk.0.attn_norm.weight")->type == Type::BF16);
  CHECK(m.tensor("blk.0.attn_norm.weight")->packing == no_packing);
  CHECK(m.tensor("blk.0.attn_v.weight")->packing == no_packing);
  CHECK(m.tensor("blk.0.attn_q.weight")->packing != no_packing);  // its rows are turned
}

TEST_CASE("both forms of rope settings, and their defaults", "[format]") {
  const auto base = [](const std::string& more) {
    FolderFiles f(llama_folder(more));
    const Status status = f.read();
    INFO(f.text());
    REQUIRE(status == Status::ok);
    return number_of(f.manifest, "llama.rope.freq_base");
  };
  CHECK(base("") == 10000);
  CHECK(base(R"(,"rope_scaling":null,"rope_theta":20000)") == 20000);
  CHECK(base(R"(,"rope_parameters":{"rope_theta":30000.0,"rope_type":"default"})") == 30000);
  CHECK(base(R"(,"rope_theta":20000,"rope_scaling":{"rope_type":"default"})") == 20000);
}

TEST_CASE("prefixes of tensor names, and tied outputs", "[format]") {
  for (const char* prefix : {"model.", "", "language_model.model."}) {
    FolderFiles f(llama_folder("", false, true, prefix));
    INFO(prefix);
    CHECK(f.read() == Status::ok);
    CHECK(f.manifest.tensors().size() == 12);
  }
  struct Case {
    const char* more;
    bool has_head, ok, output;
  };
  for (const Case& c : {Case{R"(,"tie_word_embeddings":true)", true, true, false},
                        Case{R"(,"tie_word_embeddings":true)", false, true, false},
                        Case{R"(,"tie_word_embeddings":false)", true, true, true},
                        Case{R"(,"tie_word_embeddings":false)", false, false, false},
                        Case{"", true, true, true}, Case{"", false, true, false}}) {
    FolderFiles f(llama_folder(c.more, false, c.has_head));
    INFO(c.more << " " << c.has_head);
    const Status status = f.read();
    CHECK((status == Status::ok) == c.ok);
    if (c.ok) CHECK((f.manifest.tensor("output.weight") != nullptr) == c.output);
    if (!c.ok) CHECK(f.says("lm_head.weight is missing"));
  }
}

TEST_CASE("a tied matrix may be stored under the name of the output", "[format]") {
  auto tensors = gated_tensors("model.", false, true);
  tensors.erase(tensors.begin());
  FolderTexts texts = llama_folder(R"(,"tie_word_embeddings":true)");
  texts["model.safetensors"] = safetensors_bytes(tensors);
  FolderFiles tied(texts);
  CHECK(tied.read() == Status::ok);
  REQUIRE(tied.manifest.tensor("token_embd.weight"));
  CHECK_FALSE(tied.manifest.tensor("output.weight"));
  texts["config.json"] = "{" + llama_config + "}";
  FolderFiles untied(texts);
  CHECK(untied.read() == Status::format);
  CHECK(untied.says("model.embed_tokens.weight is missing"));
}

TEST_CASE("biases are there by the config, or refused", "[format]") {
  {
    FolderFiles f(llama_folder(R"(,"attention_bias":true)", true));
    CHECK(f.read() == Status::format);  // o_proj has one too, by this setting
    CHECK(f.says("model.layers.0.self_attn.o_proj.bias is missing"));
  }
  {
    FolderFiles f(llama_folder("", true));
    CHECK(f.read() == Status::format);
    CHECK(
        f.says("self_attn.q_proj.bias is there and not 0, but by config.json the model has none "
               "(attention_bias)"));
  }
  for (const std::size_t not_zero : {9000, 4095, 8999}) {  // 9000: none
    std::vector<FolderTensor> tensors = gated_tensors("model.", false, true);
    FolderTensor bias{"model.layers.0.mlp.up_proj.bias", "F16", {4500}, 2, std::string(9000, '\0')};
    if (not_zero < bias.data.size()) bias.data[not_zero] = 1;
    tensors.push_back(bias);
    FolderTexts texts = llama_folder("");
    texts["model.safetensors"] = safetensors_bytes(tensors);
    FolderFiles f(texts);
    const Status status = f.read();
    INFO(f.text());
    CHECK(status == (not_zero == 9000 ? Status::ok : Status::format));
    CHECK((not_zero == 9000 || f.says("mlp.up_proj.bias is there and not 0")));
    CHECK_FALSE(f.manifest.tensor("blk.0.ffn_up.bias"));
  }
  FolderTexts qwen = llama_folder("", true);
  qwen["config.json"].replace(qwen["config.json"].find("llama"), 5, "qwen2");
  FolderFiles f(qwen);
  const Status status = f.read();
  INFO(f.text());
  REQUIRE(status == Status::ok);
  CHECK(f.manifest.tensor("blk.0.attn_q.bias")->packing == no_packing);  // rows stay as they are
  CHECK(f.manifest.tensor("blk.0.attn_q.weight")->packing == no_packing);
  CHECK_FALSE(f.manifest.tensor("blk.0.attn_output.bias"));
}

TEST_CASE("names and settings as older folders have them", "[format]") {
  FolderFiles bloom(FolderTexts{
      {"config.json",
       R"({"model_type":"bloom","n_embed":8,"n_inner":null,"n_layer":1,"num_attention_heads":2,)"
       R"("vocab_size":6,"offset_alibi":100,"skip_bias_add":true,"layer_norm_epsilon":1e-05})"},
      {"model.safetensors", fused_tensors("h.0.", "self_attention",
                                          {"h.0.input_layernorm", "h.0.post_attention_layernorm",
                                           "ln_f", "word_embeddings_layernorm"},
                                          "word_embeddings.weight", "")}});
  const Status bloom_status = bloom.read();
  INFO(bloom.text());
  REQUIRE(bloom_status == Status::ok);
  CHECK(number_of(bloom.manifest, "bloom.embedding_length") == 8);
  CHECK(number_of(bloom.manifest, "bloom.feed_forward_length") == 32);
  CHECK(number_of(bloom.manifest, "bloom.attention.head_count") == 2);
  CHECK(bloom.manifest.tensor("token_embd_norm.bias"));
  CHECK(bloom.manifest.tensor("blk.0.attn_qkv.bias")->packing != no_packing);
  CHECK_FALSE(bloom.manifest.tensor("output.weight"));

  FolderFiles neox(FolderTexts{
      {"config.json",
       R"({"model_type":"gpt_neox","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,)"
       R"("intermediate_size":32,"vocab_size":6,"hidden_act":"gelu","rotary_pct":0.5,)"
       R"("rotary_emb_base":20000,"use_parallel_residual":false,"tie_word_embeddings":false})"},
      {"model.safetensors",
       fused_tensors("gpt_neox.layers.0.", "attention",
                     {"gpt_neox.layers.0.input_layernorm",
                      "gpt_neox.layers.0.post_attention_layernorm", "gpt_neox.final_layer_norm"},
                     "gpt_neox.embed_in.weight", "lm_head.weight")}});
  const Status neox_status = neox.read();
  INFO(neox.text());
  REQUIRE(neox_status == Status::ok);
  CHECK(number_of(neox.manifest, "gptneox.rope.dimension_count") == 2);
  CHECK(number_of(neox.manifest, "gptneox.rope.freq_base") == 20000);
  CHECK(number_of(neox.manifest, "gptneox.use_parallel_residual") == 0);
  CHECK(neox.manifest.tensor("output.weight"));
}

TEST_CASE("tokens and sampling of generation_config.json", "[format]") {
  FolderTexts texts = llama_folder(R"(,"bos_token_id":1,"eos_token_id":2,"pad_token_id":-1)");
  {
    FolderFiles f(texts);
    REQUIRE(f.read() == Status::ok);
    CHECK(number_of(f.manifest, "tokenizer.ggml.bos_token_id") == 1);
    CHECK(number_of(f.manifest, "tokenizer.ggml.eos_token_id") == 2);
    CHECK_FALSE(f.manifest.find("tokenizer.ggml.eot_token_id"));
    CHECK_FALSE(f.manifest.find("tokenizer.ggml.padding_token_id"));
  }
  texts["generation_config.json"] =
      R"({"eos_token_id":[3,4,3,5],"temperature":0.6,"top_k":20,"top_p":0.9,"do_sample":true})";
  {
    FolderFiles f(texts);
    REQUIRE(f.read() == Status::ok);
    CHECK(number_of(f.manifest, "tokenizer.ggml.bos_token_id") == 1);
    CHECK(number_of(f.manifest, "tokenizer.ggml.eos_token_id") == 3);
    CHECK(number_of(f.manifest, "tokenizer.ggml.eot_token_id") == 4);
    CHECK(number_of(f.manifest, "tokenizer.ggml.eom_token_id") == 5);
    CHECK_FALSE(f.manifest.find("tokenizer.inlay.end_token_ids"));
    CHECK(number_of(f.manifest, "general.sampling.temp") == double{0.6f});
    CHECK(number_of(f.manifest, "general.sampling.top_k") == 20);
    CHECK(number_of(f.manifest, "general.sampling.top_p") == double{0.9f});
  }
  texts["generation_config.json"] =
      R"({"eos_token_id":[1,2,3,4],"temperature":0.6,"do_sample":false})";
  {
    FolderFiles f(texts);
    REQUIRE(f.read() == Status::ok);
    const Value* all = f.manifest.find("tokenizer.inlay.end_token_ids");
    REQUIRE(all);
    CHECK(all->count() == 4);
    CHECK_FALSE(f.manifest.find("general.sampling.temp"));
  }
  texts["generation_config.json"] = R"({"eos_token_id":[1.5]})";
  {
    FolderFiles f(texts);
    CHECK(f.read() == Status::format);
    CHECK(f.says("generation_config.json: eos_token_id[0]: expected a whole number"));
  }
}

TEST_CASE("what changes results and is not supported is refused by name", "[format]") {
  struct Case {
    std::string config;
    Status status;
    std::string text;
  };
  const auto llama = [](const std::string& more) { return "{" + llama_config + more + "}"; };
  const auto other = [&](const char* type, const std::string& more) {
    std::string text = llama(more);
    return text.replace(text.find("llama"), 5, type);
  };
  for (const Case& c : {
           Case{"{}", Status::format, "config.json: model_type is missing"},
           Case{"[]", Status::format, "config.json: expected an object, file has an array"},
           Case{"{\"a\":1", Status::format, "the text ends"},
           Case{R"({"a":1,"a":2})", Status::format, "a is there twice"},
           Case{R"({"":1,"a":{"":1,"b":2},"a.b":3,"c":[4],"c[0]":5})", Status::format,
                "model_type is missing"},
           Case{R"({"model_type":"llama","rope_scaling.type":"yarn"})", Status::format,
                "hidden_size is missing"},
           Case{R"({"model_type":"mamba"})", Status::unsupported,
                "model_type mamba is not supported"},
           Case{R"({"model_type":"llama"})", Status::format, "hidden_size is missing"},
           Case{llama(R"(,"hidden_act":"gelu")"), Status::unsupported,
                "hidden_act: expected silu, file has \"gelu\""},
           Case{llama(R"(,"rope_scaling":{"type":"dynamic","factor":2.0})"), Status::unsupported,
                "rope_scaling.type: expected default, linear or llama3, file has \"dynamic\""},
           Case{llama(R"(,"rope_parameters":{"rope_type":"yarn","factor":2.0})"),
                Status::unsupported,
                "rope_parameters.rope_type: expected default, linear or llama3, file has \"yarn\""},
           Case{llama(R"(,"rope_scaling":{"type":"linear"})"), Status::format,
                "rope_scaling.factor"},
           Case{llama(R"(,"rope_scaling":{"type":"linear","factor":"8"})"), Status::format,
                "rope_scaling.factor: expected a number, file has \"8\""},
           Case{llama(R"(,"rope_scaling":{"type":"llama3","factor":8,)"
                      R"("low_freq_factor":4,"high_freq_factor":1})"),
                Status::format,
                "rope_scaling.original_max_position_embeddings: expected a number above 0"},
           Case{llama(R"(,"rope_scaling":{"type":"llama3","factor":8,"low_freq_factor":4,)"
                      R"("high_freq_factor":4,"original_max_position_embeddings":8})"),
                Status::format,
                "rope_scaling.high_freq_factor: expected more than low_freq_factor"},
           Case{llama(R"(,"partial_rotary_factor":0.5)"), Status::unsupported,
                "partial_rotary_factor: expected 1, file has 0.5"},
           Case{llama(R"(,"rope_theta":-1)"), Status::format, "a number above 0"},
           Case{llama(R"(,"rope_theta":1e300)"), Status::format, "base of rope"},
           Case{llama(R"(,"head_dim":100000)"), Status::format, "heads of 100000 elements"},
           Case{other("mistral", R"(,"sliding_window":1024,"max_position_embeddings":2048)"),
                Status::unsupported, "sliding_window: attention over 1024 of 2048 positions"},
           Case{other("mistral", ""), Status::unsupported, "attention over 4096 of 131072"},
           Case{other("qwen2",
                      R"(,"use_sliding_window":true,"sliding_window":512,"max_window_layers":0)"),
                Status::unsupported, "sliding_window: attention over 512 of 32768"},
           Case{other("gpt_neox", R"(,"hidden_act":"gelu_new")"), Status::unsupported,
                "hidden_act: expected gelu, file has \"gelu_new\""},
           Case{other("gpt_neox", R"(,"attention_bias":false)"), Status::unsupported,
                "attention_bias"},
           Case{other("gpt_neox", R"(,"rope_scaling":{"type":"llama3"})"), Status::unsupported,
                "expected default or linear, file has \"llama3\""},
           Case{other("bloom", R"(,"apply_residual_connection_post_layernorm":true)"),
                Status::unsupported, "apply_residual_connection_post_layernorm"},
       }) {
    std::string text;
    const Status status = status_of_config(c.config, text);
    INFO(c.config << "\n" << text);
    CHECK(status == c.status);
    CHECK(text.find(c.text) != std::string::npos);
  }
}

TEST_CASE("scales of an activation, as AWQ may have them, are refused", "[format]") {
  std::vector<FolderTensor> tensors = gated_tensors("model.", false, true);
  tensors.push_back({"model.layers.0.mlp.act_fn.scales", "F16", {12}, 2, {}});
  FolderTexts texts = llama_folder("");
  texts["model.safetensors"] = safetensors_bytes(tensors);
  FolderFiles f(texts);
  CHECK(f.read() == Status::unsupported);
  CHECK(f.says("model.layers.0.mlp.act_fn.scales: scales of an activation"));
}

TEST_CASE("windows that never matter are let be", "[format]") {
  for (const char* more :
       {R"(,"sliding_window":null)", R"(,"sliding_window":4096,"max_position_embeddings":4096)"}) {
    FolderTexts texts = llama_folder(more);
    texts["config.json"].replace(texts["config.json"].find("llama"), 5, "mistral");
    FolderFiles f(texts);
    CHECK(f.read() == Status::ok);
    INFO(f.text());
  }
}

TEST_CASE("tensors that are missing or of another shape are named", "[format]") {
  for (std::size_t i = 0; i < 12; ++i) {
    auto tensors = gated_tensors("model.", false, true);
    const std::string name = tensors[i].name;
    if (name.ends_with("inv_freq")) continue;
    tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(i));
    FolderTexts texts = llama_folder("");
    texts["model.safetensors"] = safetensors_bytes(tensors);
    FolderFiles f(texts);
    CHECK(f.read() == Status::format);
    INFO(f.text());
    CHECK(f.says(name + " is missing"));
    CHECK(f.manifest.tensors().empty());
  }
  auto tensors = gated_tensors("model.", false, true);
  tensors[2].shape = {6, 8};  // queries
  FolderTexts texts = llama_folder("");
  texts["model.safetensors"] = safetensors_bytes(tensors);
  FolderFiles f(texts);
  CHECK(f.read() == Status::format);
  CHECK(f.says("blk.0.attn_q.weight: expected 2 x 4 rows by the heads of config.json, file has 6"));
}

TEST_CASE("every allocation of reading a folder may fail", "[format]") {
  FolderTexts texts =
      llama_folder(R"(,"max_position_embeddings":64,"rope_scaling":{"type":"llama3","factor":8.0,)"
                   R"("low_freq_factor":1.0,"high_freq_factor":4.0},"eos_token_id":[1,2,3,4])");
  texts["generation_config.json"] = R"({"temperature":0.5})";
  for (std::uint64_t call = 1;; ++call) {
    FolderFiles f(texts);
    f.heap.fail_at = call;
    const Status status = f.read();
    if (f.heap.calls < call) {
      CHECK(status == Status::ok);
      CHECK(call > 30);
      break;
    }
    INFO(call << ": " << f.text());
    CHECK(status == Status::memory);
    CHECK(f.manifest.entries().empty());
  }
}
