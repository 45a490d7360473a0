// model_api.cpp - C interface: models, their metadata, plan and program text.
#include <algorithm>
#include <cstddef>

#include "api/checks.h"
#include "api/handles.h"
#include "api/options.h"

using namespace inlay;

namespace {

std::uint64_t count_parameters(const Manifest& manifest, std::uint64_t* bytes) {
  std::uint64_t elements = 0;
  for (const TensorInfo& t : manifest.tensors()) {
    elements += t.elements;
    *bytes += t.bytes;
  }
  return elements;
}

Status resolve(const inlay_model_options& given, ModelOptions* options, Error& error) {
  if (given.depth < INLAY_OPEN_METADATA || given.depth > INLAY_OPEN_WEIGHTS) {
    return fail(error, Status::argument, "model options: depth is {}, known are 1 to 3",
                given.depth);
  }
  const char* const what = "model options";
  INLAY_TRY(check_range(what, "memory", given.memory, INLAY_MEMORY_HUGE_PAGES, error));
  INLAY_TRY(check_range(what, "check_weights", given.check_weights, 1, error));
  INLAY_TRY(check_range(what, "importance", given.importance, 1, error));
  INLAY_TRY(check_range(what, "threads", given.threads, max_workers, error));
  options->depth = given.depth;
  options->isa = given.isa;
  options->weights = given.weights;
  options->weight_budget = given.weight_budget;
  options->memory = given.memory;
  options->observed = given.importance != 0;
  options->loading = {given.threads, given.check_weights != 0, given.progress};
  return Status::ok;
}

}  // namespace

void inlay_model_options_init(inlay_model_options* options, size_t size) {
  inlay_model_options value{};
  value.depth = INLAY_OPEN_WEIGHTS;
  give_options(value, options, size);
}

inlay_status inlay_model_open(const inlay_source* source, const inlay_model_options* options,
                              inlay_model** model, inlay_error* error) {
  CallError call(error);
  if (!source) return null_argument(call, "source");
  if (!model) return null_argument(call, "model");
  inlay_source from;
  inlay_model_options opened;
  inlay_model_options_defaults(&opened);
  ModelOptions inner;
  inlay_host_defaults(&inner.host);
  Status status = read_source(source, &from, call);
  if (!is_error(status)) {
    status = copy_options(options, &opened, "model options", call, first_model_options);
  }
  if (!is_error(status)) status = copy_options(opened.host, &inner.host, "host", call);
  if (!is_error(status)) status = resolve(opened, &inner, call);
  if (is_error(status)) return code(status);
  if (!inner.host.allocator.allocate != !inner.host.allocator.release) {
    return code(fail(call, Status::argument, "host: allocate and release come together"));
  }
  Model* result = nullptr;
  status = Model::open(from, inner, &result, call);
  if (is_error(status)) return code(status);
  *model = handle(result);
  return INLAY_OK;
}

void inlay_model_retain(inlay_model* model) {
  if (model) unwrap(model)->retain();
}

void inlay_model_release(inlay_model* model) {
  if (model) unwrap(model)->release();
}

inlay_status inlay_model_get_info(const inlay_model* model, inlay_model_info* info) {
  if (!model || !info) return INLAY_ERROR_ARGUMENT;
  const Model& m = *unwrap(model);
  const Manifest& manifest = m.manifest();
  inlay_model_info out{};
  out.depth = m.depth();
  out.architecture = m.architecture();
  out.name = m.name();
  out.isa = m.isa();
  out.parameters = count_parameters(manifest, &out.weight_bytes);
  out.metadata_count = manifest.entries().size();
  out.tensor_count = manifest.tensors().size();
  out.context_length = m.stated("context_length");
  out.width = m.stated("embedding_length");
  out.layers = m.stated("block_count");
  out.vocabulary = m.tokenizer() ? m.tokenizer()->size() : 0;
  if (m.depth() >= INLAY_OPEN_PROGRAM) {
    out.vocabulary = m.program().vocabulary;
    out.token_bytes = m.token_bytes();
  }
  return give_struct(out, info);
}

inlay_status inlay_model_get_metadata(const inlay_model* model, uint64_t index,
                                      inlay_metadata* metadata) {
  if (!model || !metadata) return INLAY_ERROR_ARGUMENT;
  const auto entries = unwrap(model)->manifest().entries();
  if (index >= entries.size()) return INLAY_ERROR_ARGUMENT;
  const auto& [key, value] = entries[index];
  inlay_metadata out{};
  out.key = key.data();
  out.key_length = key.size();
  out.type = value_type_name(value.type());
  out.is_array = value.is_array();
  out.count = value.count();
  std::string_view text;
  if (!value.is_array() && value.text(0, text)) {
    out.text = text.data();
    out.text_length = text.size();
  }
  if (!value.is_array()) value.number(0, out.number);
  return give_struct(out, metadata);
}

inlay_status inlay_model_get_tensor(const inlay_model* model, uint64_t index,
                                    inlay_tensor* tensor) {
  if (!model || !tensor) return INLAY_ERROR_ARGUMENT;
  const auto tensors = unwrap(model)->manifest().tensors();
  if (index >= tensors.size()) return INLAY_ERROR_ARGUMENT;
  const TensorInfo& t = tensors[index];
  inlay_tensor out{};
  out.rank = t.rank;
  out.name = t.name.data();
  out.name_length = t.name.size();
  const TypeInfo* type = type_info(t.type);
  out.type = type ? type->name : "unknown";
  std::copy(t.shape, t.shape + 4, out.shape);
  out.offset = t.offset;
  out.bytes = t.bytes;
  return give_struct(out, tensor);
}

const inlay_tokenizer* inlay_model_get_tokenizer(const inlay_model* model) {
  return model && unwrap(model)->tokenizer() ? reinterpret_cast<const inlay_tokenizer*>(model)
                                             : nullptr;
}

inlay_status inlay_model_plan(const inlay_model* model, const inlay_session_options* options,
                              inlay_plan* plan, inlay_error* error) {
  CallError call(error);
  if (!model) return null_argument(call, "model");
  if (!plan) return null_argument(call, "plan");
  const Model& m = *unwrap(model);
  SessionShape shape{};
  SessionBytes bytes{};
  Status status = check_struct(plan, "plan", call);
  if (!is_error(status)) status = read_shape(m, options, &shape, call);
  if (!is_error(status)) status = Session::measure(m, shape, &bytes, call);
  if (is_error(status)) return code(status);
  inlay_plan out{};
  out.metadata = m.metadata_bytes();
  out.weights = m.weight_bytes();
  out.state = bytes.state;
  out.scratch = bytes.scratch;
  out.total = out.metadata + out.weights + out.state + out.scratch;
  out.borrowed = m.borrowed_bytes();
  return give_struct(out, plan);
}

inlay_status inlay_model_explain(const inlay_model* model, const inlay_session_options* options,
                                 char* text, size_t capacity, size_t* length, inlay_error* error) {
  CallError call(error);
  if (!model) return null_argument(call, "model");
  if (!length) return null_argument(call, "length");
  if (!text && capacity) return null_argument(call, "text");
  const Model& m = *unwrap(model);
  SessionShape shape{};
  Array<char> whole(m.allocator());
  Status status = read_shape(m, options, &shape, call);
  if (is_error(status)) return code(status);
  status = m.explain(whole);
  if (is_error(status)) return code(fail_memory(call, "explain"));
  *length = whole.size();
  if (capacity < whole.size()) {
    return code(fail(call, Status::limit, "explain: {} bytes needed, the buffer has {}",
                     whole.size(), capacity));
  }
  std::copy(whole.begin(), whole.end(), text);
  return INLAY_OK;
}
