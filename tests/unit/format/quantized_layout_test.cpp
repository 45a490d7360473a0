// quantized_layout_test.cpp - quantization_config, the types chosen from the tensors that are
// there, and what is refused.
#include "format/quantized_layout.h"

#include "base/half.h"
#include "format/json.h"
#include "support/catch.h"
#include "unit/format/folder_files.h"

using namespace inlay;
using inlay::test::FolderFiles;

namespace {

// A tensor of the file; without data its bytes are counted up.
struct Tensor {
  std::string name, dtype;
  std::vector<std::uint64_t> shape;
  std::size_t element_bytes = 4;
  std::string data = {};
};

using Method = QuantizedLayout::Method;

struct Read {
  Status status = Status::ok;
  QuantizedLayout layout;
  std::string text;
};

Read read(const std::string& config) {
  test::CountingAllocator heap;
  Allocator allocator(heap.host());
  Error error{};
  JsonReader json(config, "config.json", allocator, error);
  Read result;
  result.status = read_quantized_layout(json, result.layout, error);
  if (is_error(result.status)) result.text = error.text;
  return result;
}

struct Found {
  Status status = Status::ok;
  TensorInfo tensor;
  Packing packing;
  bool plain = false, present = false;
  std::string text;
};

Found find(const QuantizedLayout& layout, const std::vector<Tensor>& tensors) {
  std::vector<test::FolderTensor> stored;
  for (const Tensor& t : tensors)
    stored.push_back({t.name, t.dtype, t.shape, t.element_bytes, t.data});
  FolderFiles folder({{"model.safetensors", test::safetensors_bytes(stored)}});
  REQUIRE(folder.read_tensors() == Status::ok);
  Found found;
  found.status = find_module(folder.files, folder.stored, layout, "m", found.tensor, found.packing,
                             &found.plain, &found.present, folder.error);
  if (is_error(found.status)) found.text = folder.error.text;
  return found;
}

std::string repeat_float(float value, std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes.append(reinterpret_cast<const char*>(&value), 4);
  return bytes;
}
std::string repeat_word(std::uint32_t word, std::size_t count) {
  return repeat_float(std::bit_cast<float>(word), count);
}
std::string words(const std::vector<std::uint32_t>& values) {
  std::string bytes;
  for (const std::uint32_t value : values) bytes += repeat_word(value, 1);
  return bytes;
}

constexpr const char* gptq_config =
    R"({"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": true})";

// 64 columns in 2 groups, 16 rows.
std::vector<Tensor> gptq_tensors(std::uint32_t zeros) {
  return {{"m.qweight", "I32", {8, 16}},
          {"m.qzeros", "I32", {2, 2}, 4, repeat_word(zeros, 4)},
          {"m.scales", "F16", {2, 16}, 2},
          {"m.g_idx", "I32", {64}, 4, repeat_word(0, 32) + repeat_word(1, 32)}};
}

}  // namespace

TEST_CASE("quantization_config of each published form", "[format]") {
  const Read fp8 =
      read(R"({"activation_scheme": "dynamic", "fmt": "e4m3", "modules_to_not_convert": ["lm_head"],
                            "weight_block_size": [128, 64], "quant_method": "fp8"})");
  REQUIRE(fp8.text == "");
  CHECK(fp8.layout.method == Method::fp8);
  CHECK(fp8.layout.block_rows == 128);
  CHECK(fp8.layout.block_columns == 64);

  const Read awq = read(
      R"({"quant_method": "awq", "bits": 4, "group_size": 128, "version": "GEMM", "zero_point": true})");
  REQUIRE(awq.text == "");
  CHECK(awq.layout.method == Method::awq);
  CHECK(awq.layout.bits == 4);
  CHECK(awq.layout.group == 128);

  const Read gptq = read(
      R"({"bits": 4, "group_size": -1, "sym": true, "desc_act": true, "quant_method": "gptq"})");
  REQUIRE(gptq.text == "");
  CHECK(gptq.layout.group == 0);
  CHECK(gptq.layout.symmetric);
  CHECK(gptq.layout.zeros_less_one);
  const Read v2 = read(
      R"({"bits": 8, "group_size": 32, "checkpoint_format": "gptq_v2", "quant_method": "gptq"})");
  REQUIRE(v2.text == "");
  CHECK(v2.layout.bits == 8);
  CHECK(!v2.layout.zeros_less_one);
  CHECK(!v2.layout.symmetric);

  CHECK(read(R"({"quant_method": "mxfp4", "modules_to_not_convert": null})").layout.method ==
        Method::mxfp4);
  const Read compressed =
      read(R"({"quant_method": "compressed-tensors", "format": "float-quantized",
      "sparsity_config": {"format": "dense"}, "transform_config": {}, "ignore": ["lm_head"],
      "config_groups": {"group_0": {"targets": ["Linear"], "format": null, "weights": {"num_bits": 8,
      "block_structure": [128, 128], "strategy": "block"}, "input_activations": null}}})");
  REQUIRE(compressed.text == "");
  CHECK(compressed.layout.method == Method::compressed_tensors);
  CHECK(compressed.layout.block_rows == 128);
}

TEST_CASE("quantization_config that is not known is refused by name", "[format]") {
  const struct {
    const char *config, *text;
    Status status;
  } cases[] = {
      {R"({"quant_method": "bitsandbytes", "load_in_4bit": true})",
       "quant_method: expected fp8, mxfp4, awq, gptq or compressed-tensors, file has bitsandbytes",
       Status::unsupported},
      {R"({"bits": 4})", "quant_method is missing", Status::format},
      {R"({"quant_method": "fp8", "fmt": "e5m2"})", "fmt: expected e4m3, file has e5m2",
       Status::unsupported},
      {R"({"quant_method": "fp8", "weight_block_size": [128]})", "expected 2 numbers",
       Status::format},
      {R"({"quant_method": "fp8", "weight_block_size": [0, 128]})",
       "weight_block_size: expected 1 to 16777216, file has 0", Status::format},
      {R"({"quant_method": "awq", "bits": 4, "version": "gemv"})",
       "version: expected gemm, file has gemv", Status::unsupported},
      {R"({"quant_method": "awq", "bits": 8})", "bits: expected 4, file has 8",
       Status::unsupported},
      {R"({"quant_method": "awq", "zero_point": false})", "zero_point: expected true",
       Status::unsupported},
      {R"({"quant_method": "gptq", "bits": 3})", "bits: expected 4 or 8, file has 3",
       Status::unsupported},
      {R"({"quant_method": "gptq"})", "bits is missing", Status::format},
      {R"({"quant_method": "gptq", "bits": 4, "group_size": 0})",
       "group_size: expected 1 to 16777216, file has 0", Status::format},
      {R"({"quant_method": "gptq", "bits": 4, "checkpoint_format": "marlin"})",
       "checkpoint_format: expected gptq or gptq_v2, file has marlin", Status::unsupported},
      {R"({"quant_method": "gptq", "bits": "4"})", "bits", Status::format},
      {R"({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"})",
       "file has nvfp4-pack-quantized", Status::unsupported},
      {R"({"quant_method": "compressed-tensors", "format": "mixed-precision",
           "config_groups": {"a": {"format": "nvfp4-pack-quantized"}, "b": {"format": "pack-quantized"}}})",
       "file has nvfp4-pack-quantized", Status::unsupported},
      {R"({"quant_method": "compressed-tensors", "sparsity_config": {"format": "sparse-24-bitmask"}})",
       "sparsity_config.format: expected dense, file has sparse-24-bitmask", Status::unsupported},
      {R"({"quant_method": "compressed-tensors", "transform_config": {"config_groups": {}}})",
       "rotated weights", Status::unsupported},
      {"[]", "", Status::format},
  };
  for (const auto& c : cases) {
    const Read result = read(c.config);
    INFO(c.config << " says " << result.text);
    CHECK(result.status == c.status);
    CHECK(result.text.find(c.text) != std::string::npos);
  }
}

TEST_CASE("plain matrices are found as they are", "[format]") {
  const struct {
    const char* dtype;
    std::size_t bytes;
    Type type;
    bool plain;
  } cases[] = {{"F32", 4, Type::F32, true},      {"F16", 2, Type::F16, true},
               {"BF16", 2, Type::BF16, true},    {"F64", 8, Type::F32, false},
               {"F8_E4M3", 1, Type::F16, false}, {"F8_E5M2", 1, Type::F16, false}};
  for (const auto& c : cases) {
    INFO(c.dtype);
    const Found found = find({}, {{"m.weight", c.dtype, {3, 5}, c.bytes}});
    REQUIRE(found.text == "");
    CHECK(found.present);
    CHECK(found.plain == c.plain);
    CHECK(found.tensor.type == c.type);
    CHECK(found.tensor.shape[0] == 5);
    CHECK(found.tensor.shape[1] == 3);
    CHECK(found.packing.kind == Packing::Kind::elements);
  }
  CHECK(!find({}, {{"other.weight", "F32", {3, 5}}}).present);
  CHECK(find({}, {{"m.weight", "F32", {3}}}).text ==
        "model.safetensors: tensor m.weight: expected 2 dimensions, file has 1");
  CHECK(find({}, {{"m.weight", "I32", {3, 5}}}).status == Status::unsupported);
}

TEST_CASE("the type of 8-bit floats follows the largest product", "[format]") {
  const QuantizedLayout layout =
      read(R"({"quant_method": "fp8", "weight_block_size": [32, 32]})").layout;
  const auto with = [&](float scale) {
    return find(layout, {{"m.weight", "F8_E4M3", {40, 64}, 1},
                         {"m.weight_scale_inv",
                          "F32",
                          {2, 2},
                          4,
                          repeat_float(1e-12f, 3) + repeat_float(scale, 1)}});
  };
  for (const float fits : {0x1p-11f / 448 * 1.001f, 1e-3f, 146.0f})
    CHECK(with(fits).tensor.type == Type::F16);
  for (const float beyond : {0x1p-11f / 448 * 0.999f, 147.0f, -147.0f})
    CHECK(with(beyond).tensor.type == Type::F32);
  const Found found = with(1.0f);
  CHECK(found.packing.group == 32);
  CHECK(found.packing.group_rows == 32);
}

TEST_CASE("the grid of 8-bit floats' scales follows their shape", "[format]") {
  const auto grid = [](std::vector<std::uint64_t> shape) {
    std::size_t count = 1;
    for (const std::uint64_t n : shape) count *= n;
    return find({}, {{"m.weight", "F8_E4M3", {6, 64}, 1},
                     {"m.weight_scale", "F32", std::move(shape), 4, repeat_float(0.01f, count)}});
  };
  for (const auto& whole : std::vector<std::vector<std::uint64_t>>{{}, {1}, {1, 1}}) {
    CHECK(grid(whole).packing.group_rows == 6);
    CHECK(grid(whole).packing.group == 64);
  }
  for (const auto& rows : std::vector<std::vector<std::uint64_t>>{{6}, {6, 1}}) {
    CHECK(grid(rows).packing.group_rows == 1);
    CHECK(grid(rows).packing.group == 64);
  }
  CHECK(grid({6, 4}).packing.group == 16);
  CHECK(grid({5}).text ==
        "model.safetensors: tensor m.weight_scale: expected 2 dimensions, file has 1");
  CHECK(
      grid({5, 1}).text ==
      "model.safetensors: tensor m.weight_scale: expected 6x1 for a matrix of 6x64, file has 5x1");
}

TEST_CASE("the type of GPTQ's codes follows zero points and groups", "[format]") {
  const QuantizedLayout layout = read(gptq_config).layout;
  CHECK(find(layout, gptq_tensors(0x77777777u)).tensor.type == Type::Q4_0);
  CHECK(find(layout, gptq_tensors(0x87777777u)).tensor.type == Type::Q4_1);
  QuantizedLayout v2 = layout;
  v2.zeros_less_one = false;
  CHECK(find(v2, gptq_tensors(0x88888888u)).tensor.type == Type::Q4_0);
  CHECK(find(v2, gptq_tensors(0x77777777u)).tensor.type == Type::Q4_1);
  const Found found = find(layout, gptq_tensors(0x77777777u));
  CHECK(found.tensor.shape[0] == 64);
  CHECK(found.tensor.shape[1] == 16);
  CHECK(found.packing.order.bytes == 0);

  auto mixed = gptq_tensors(0x77777777u);
  mixed[3].data[4 * 63] = 0;
  CHECK(find(layout, mixed).tensor.type == Type::F16);
  CHECK(find(layout, mixed).packing.order.bytes == 256);
}

TEST_CASE("scales beyond halves make floats", "[format]") {
  const auto with = [](float scale) {
    auto tensors = gptq_tensors(0x77777777u);
    tensors[2] = {"m.scales", "F32", {2, 16}, 4, repeat_float(scale, 32)};
    return find(read(gptq_config).layout, tensors).tensor.type;
  };
  CHECK(with(0.01f) == Type::Q4_0);
  CHECK(with(1e-5f) == Type::F32);
  CHECK(with(5000.0f) == Type::F32);
}

TEST_CASE("tensors of quantized modules that contradict each other are refused", "[format]") {
  const QuantizedLayout gptq = read(gptq_config).layout;
  const QuantizedLayout awq =
      read(R"({"quant_method": "awq", "bits": 4, "group_size": 32})").layout;
  const QuantizedLayout fp8 =
      read(R"({"quant_method": "fp8", "weight_block_size": [32, 32]})").layout;
  const QuantizedLayout compressed = read(R"({"quant_method": "compressed-tensors"})").layout;
  const auto changed = [](std::size_t i, const Tensor& tensor) {
    auto tensors = gptq_tensors(0x77777777u);
    tensors[i] = tensor;
    return tensors;
  };
  auto asymmetric = gptq;
  asymmetric.symmetric = false;
  const struct {
    QuantizedLayout layout;
    std::vector<Tensor> tensors;
    const char* text;
  } cases[] = {
      {{}, gptq_tensors(0), "tensor m.qweight: its form goes with quant_method awq or gptq"},
      {gptq, changed(0, {"m.qweight", "I16", {8, 16}, 2}), "m.qweight: expected I32, file has I16"},
      {gptq, changed(1, {"m.qzeros", "I32", {3, 2}}),
       "m.qzeros: expected 2x2 for a matrix of 16x64, file has 3x2"},
      {asymmetric, changed(1, {"x", "I32", {1}}), "m.qzeros is missing, m.qweight needs it"},
      {gptq, changed(2, {"m.scales", "F16", {2, 15}, 2}),
       "m.scales: expected 2x16 for a matrix of 16x64, file has 2x15"},
      {gptq, changed(2, {"m.scales", "I8", {2, 16}, 1}),
       "m.scales: expected F16, BF16 or F32, file has I8"},
      {gptq, changed(2, {"x", "F16", {1}, 2}), "m.scales is missing, m.qweight needs it"},
      {gptq, changed(3, {"m.g_idx", "I32", {63}}), "m.g_idx: expected 64 columns, file has 63"},
      {gptq,
       changed(3, {"m.g_idx", "I32", {64}, 4, repeat_word(0, 9) + words({2}) + repeat_word(1, 54)}),
       "m.g_idx: group 2 of column 9, expected 0 to 1"},
      {gptq, changed(3, {"m.g_idx", "I32", {64}, 4, repeat_word(0xfffffffeu, 64)}),
       "m.g_idx: group -2 of column 0, expected 0 to 1"},
      {awq,
       {{"m.qweight", "I32", {64, 2}}, {"m.scales", "F16", {2, 16}, 2}},
       "m.qzeros is missing"},
      {fp8,
       {{"m.weight", "F8_E4M3", {64, 64}, 1}},
       "m.weight_scale_inv is missing, m.weight needs it"},
      {fp8,
       {{"m.weight", "F8_E4M3", {64, 64}, 1}, {"m.weight_scale_inv", "F32", {2, 3}}},
       "m.weight_scale_inv: expected 2x2 for a matrix of 64x64, file has 2x3"},
      {fp8,
       {{"m.weight", "F8_E4M3", {64, 64}, 1}, {"m.weight_scale_inv", "I32", {2, 2}}},
       "m.weight_scale_inv: expected F32, F16, BF16, F8_E8M0 or U8, file has I32"},
      {compressed,
       {{"m.weight", "I8", {8, 32}, 1}},
       "m.weight_scale is missing, m.weight needs it"},
      {compressed,
       {{"m.weight", "I8", {8, 32}, 1}, {"m.weight_scale", "F32", {7, 1}}},
       "m.weight_scale: expected 8x1 for a matrix of 8x32, file has 7x1"},
      {compressed,
       {{"m.weight_packed", "I32", {8, 4}},
        {"m.weight_scale", "F32", {8, 1}},
        {"m.weight_shape", "I32", {2}, 4, words({8, 40})}},
       "m.weight_packed: expected 8x40 codes of 4 or 8 bits as weight_shape says, file has 8x4 "
       "words"},
      {compressed,
       {{"m.weight_packed", "I32", {8, 4}}, {"m.weight_scale", "F32", {8, 1}}},
       "m.weight_shape is missing, m.weight_packed needs it"},
      {{},
       {{"m_blocks", "U8", {4, 2, 16}, 1}, {"m_scales", "U8", {4, 3}, 1}},
       "m_scales: dimension 1: expected 2, file has 3"},
      {{}, {{"m_blocks", "U8", {4, 2, 16}, 1}}, "m_scales is missing, m_blocks needs it"},
      {{},
       {{"m.weight_packed", "U8", {4, 24}, 1}, {"m.weight_scale", "U8", {4, 1}, 1}},
       "m.weight_packed: expected a multiple of 32, file has 48"},
  };
  for (const auto& c : cases) {
    const Found found = find(c.layout, c.tensors);
    INFO(c.text);
    CHECK(is_error(found.status));
    CHECK(found.text.find("model.safetensors: ") == 0);
    CHECK(found.text.find(c.text) != std::string::npos);
    if (found.text.find(c.text) == std::string::npos) CHECK(found.text == c.text);
  }
}

TEST_CASE("MXFP4 of experts keeps their dimension", "[format]") {
  const Found found =
      find({}, {{"m_blocks", "U8", {5, 4, 2, 16}, 1}, {"m_scales", "U8", {5, 4, 2}, 1}});
  REQUIRE(found.text == "");
  CHECK(found.tensor.type == Type::MXFP4);
  CHECK(found.tensor.rank == 3);
  CHECK(found.tensor.shape[0] == 64);
  CHECK(found.tensor.shape[1] == 4);
  CHECK(found.tensor.shape[2] == 5);
  const Found matrix =
      find({}, {{"m.weight_blocks", "U8", {4, 2, 16}, 1}, {"m.weight_scales", "U8", {4, 2}, 1}});
  CHECK(matrix.tensor.rank == 2);
  CHECK(matrix.tensor.shape[1] == 4);
}

TEST_CASE("8-bit integers and packed codes of compressed-tensors", "[format]") {
  const QuantizedLayout layout = read(R"({"quant_method": "compressed-tensors"})").layout;
  const auto int8 = [&](std::uint64_t columns, char zero) {
    return find(layout, {{"m.weight", "I8", {8, columns}, 1},
                         {"m.weight_scale", "F32", {8, 1}, 4, repeat_float(0.01f, 8)},
                         {"m.weight_zero_point", "I8", {8, 1}, 1, std::string(7, '\0') + zero}});
  };
  CHECK(int8(32, 0).tensor.type == Type::Q8_0);
  CHECK(int8(32, 1).tensor.type == Type::F16);
  CHECK(int8(33, 0).tensor.type == Type::F16);
  const Found packed = find(layout, {{"m.weight_packed", "I32", {8, 16}},
                                     {"m.weight_scale", "F32", {8, 2}, 4, repeat_float(0.01f, 16)},
                                     {"m.weight_shape", "I32", {2}, 4, words({8, 64})}});
  REQUIRE(packed.text == "");
  CHECK(packed.tensor.type == Type::Q8_0);
  CHECK(packed.packing.bits == 8);
  CHECK(packed.packing.group == 32);
}
