// model.cpp - opens a model from a path, a buffer or a Python file; what it tells about itself.
#include <algorithm>
#include <cstring>

#include "core.h"

namespace inlay_python {

ModelOwner::~ModelOwner() {
  inlay_model_release(handle);
  if (bytes.obj) PyBuffer_Release(&bytes);
}

std::shared_ptr<ModelOwner> Model::owner() const {
  if (!owner_) throw Failure{INLAY_ERROR_STATE, "the model is closed"};
  return owner_;
}

Model Model::open(std::shared_ptr<ModelOwner> owner, const inlay_source& source,
                  const py::dict& options) {
  inlay_model_options c_options;
  inlay_model_options_defaults(&c_options);
  Options given(options);
  given.take("depth", c_options.depth, {"", "metadata", "program", "weights"});
  const std::optional<std::string> isa = given.take_text("isa");
  const std::optional<std::string> weights = given.take_text("weights");
  given.take("weight_budget", c_options.weight_budget);
  given.take("memory", c_options.memory, {"mapped", "copied", "huge_pages"});
  given.take("check_weights", c_options.check_weights);
  given.take("importance", c_options.importance);
  given.take("threads", c_options.threads);
  Progress progress(given.take("progress"));
  given.finish();
  if (isa) c_options.isa = isa->c_str();
  if (weights) c_options.weights = weights->c_str();
  c_options.progress = progress.raw();

  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = inlay_model_open(&source, &c_options, &owner->handle, &error);
  }
  progress.rethrow();
  if (owner->reader) owner->reader->rethrow();
  check(status, error);
  return Model(std::move(owner));
}

Model Model::open_path(const std::string& path, const py::dict& options) {
  inlay_source source;
  inlay_source_path(&source, path.data(), path.size());
  return open(std::make_shared<ModelOwner>(), source, options);
}

Model Model::open_memory(const py::object& bytes, const py::dict& options) {
  auto owner = std::make_shared<ModelOwner>();
  if (PyObject_GetBuffer(bytes.ptr(), &owner->bytes, PyBUF_SIMPLE) != 0) {
    throw py::error_already_set();
  }
  inlay_source source;
  inlay_source_memory(&source, owner->bytes.buf, static_cast<size_t>(owner->bytes.len));
  return open(std::move(owner), source, options);
}

void Reader::read(uint64_t offset, char* destination, size_t size) {
  constexpr size_t at_once = size_t{1} << 20;
  file_.attr("seek")(offset);
  for (size_t have = 0; have < size;) {
    const size_t want = std::min(size - have, at_once);
    const py::object piece = file_.attr("read")(want);
    char* bytes = nullptr;
    Py_ssize_t length = 0;
    if (PyBytes_AsStringAndSize(piece.ptr(), &bytes, &length) != 0) throw py::error_already_set();
    if (length == 0 || static_cast<size_t>(length) > want) {
      throw Failure{INLAY_ERROR_IO, "reader: asked for " + std::to_string(want) +
                                        " bytes at offset " + std::to_string(offset + have) +
                                        ", got " + std::to_string(length)};
    }
    std::memcpy(destination + have, bytes, static_cast<size_t>(length));
    have += static_cast<size_t>(length);
  }
}

inlay_status Reader::call(void* user, uint64_t offset, void* destination, size_t size) {
  auto* reader = static_cast<Reader*>(user);
  const std::lock_guard alone(reader->mutex_);
  py::gil_scoped_acquire locked;
  try {
    reader->read(offset, static_cast<char*>(destination), size);
    return INLAY_OK;
  } catch (...) {
    if (!reader->failure_) reader->failure_ = std::current_exception();
    return INLAY_ERROR_IO;
  }
}

inlay_source Reader::source(uint64_t size, const std::string& name) {
  inlay_source source;
  inlay_source_callback(&source, size, this, &Reader::call);
  source.text = name.data();
  source.text_length = name.size();
  return source;
}

void Reader::rethrow() {
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

Model Model::open_reader(const py::object& file, uint64_t size, const std::string& name,
                         const py::dict& options) {
  auto owner = std::make_shared<ModelOwner>();
  owner->reader = std::make_unique<Reader>(file);
  const inlay_source source = owner->reader->source(size, name);
  return open(std::move(owner), source, options);
}

namespace {

py::dict get_info(const Model& model) {
  const auto owner = model.owner();
  inlay_model_info info{};
  info.struct_size = sizeof(info);
  check(inlay_model_get_info(owner->handle, &info), "model info");
  constexpr const char* depths[] = {"", "metadata", "program", "weights"};
  py::dict result;
  result["depth"] = depths[info.depth & 3];
  result["architecture"] = to_text(info.architecture);
  result["name"] = to_text(info.name);
  result["isa"] = to_text(info.isa);
  result["parameters"] = info.parameters;
  result["weight_bytes"] = info.weight_bytes;
  result["token_bytes"] = info.token_bytes;
  result["context_length"] = info.context_length;
  result["width"] = info.width;
  result["layers"] = info.layers;
  result["vocabulary"] = info.vocabulary;
  result["metadata_count"] = info.metadata_count;
  result["tensor_count"] = info.tensor_count;
  return result;
}

// (key, type, is an array, count, value or None)
py::tuple get_metadata(const Model& model, uint64_t index) {
  const auto owner = model.owner();
  inlay_metadata entry{};
  entry.struct_size = sizeof(entry);
  check(inlay_model_get_metadata(owner->handle, index, &entry),
        "metadata " + std::to_string(index) + " does not exist");
  const std::string_view type = entry.type;
  py::object value = py::none();
  if (entry.is_array) {
    // Only type and count are told.
  } else if (entry.text) {
    value = to_text(entry.text, entry.text_length);
  } else if (type == "bool") {
    value = py::bool_(entry.number != 0);
  } else if (type.starts_with('f')) {
    value = py::float_(entry.number);
  } else {
    value = py::int_(py::float_(entry.number));
  }
  return py::make_tuple(to_text(entry.key, entry.key_length), to_text(type), entry.is_array != 0,
                        entry.count, value);
}

// (name, type, shape, offset, bytes)
py::tuple get_tensor(const Model& model, uint64_t index) {
  const auto owner = model.owner();
  inlay_tensor tensor{};
  tensor.struct_size = sizeof(tensor);
  check(inlay_model_get_tensor(owner->handle, index, &tensor),
        "tensor " + std::to_string(index) + " does not exist");
  py::tuple shape(tensor.rank);
  for (uint32_t i = 0; i < tensor.rank; ++i) shape[i] = tensor.shape[i];
  return py::make_tuple(to_text(tensor.name, tensor.name_length), to_text(tensor.type), shape,
                        tensor.offset, tensor.bytes);
}

py::dict plan(const Model& model, const py::dict& options) {
  const auto owner = model.owner();
  const inlay_session_options session = to_session_options(options);
  inlay_plan plan{};
  plan.struct_size = sizeof(plan);
  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = inlay_model_plan(owner->handle, &session, &plan, &error);
  }
  check(status, error);
  py::dict result;
  result["metadata"] = plan.metadata;
  result["weights"] = plan.weights;
  result["state"] = plan.state;
  result["scratch"] = plan.scratch;
  result["total"] = plan.total;
  result["borrowed"] = plan.borrowed;
  return result;
}

py::str explain(const Model& model, const py::dict& options) {
  const auto owner = model.owner();
  const inlay_session_options session = to_session_options(options);
  inlay_error error{};
  inlay_status status;
  std::string text(size_t{1} << 16, '\0');
  {
    py::gil_scoped_release unlocked;
    do {
      size_t length = 0;
      status =
          inlay_model_explain(owner->handle, &session, text.data(), text.size(), &length, &error);
      const bool grow = status == INLAY_ERROR_LIMIT && length > text.size();
      text.resize(status >= 0 || grow ? length : text.size());
      if (!grow) break;
    } while (true);
  }
  check(status, error);
  return to_text(text);
}

py::list list_isas() {
  py::list result;
  for (uint32_t i = 0; i < inlay_isa_count(); ++i) {
    result.append(py::make_tuple(inlay_isa_name(i), inlay_isa_usable(i) != 0));
  }
  return result;
}

}  // namespace

void add_model(py::module_& module) {
  py::class_<Model> model(module, "Model");
  model.def_static("open_path", &Model::open_path)
      .def_static("open_memory", &Model::open_memory)
      .def_static("open_reader", &Model::open_reader)
      .def("close", &Model::close)
      .def_property_readonly("closed", &Model::closed)
      .def("info", &get_info)
      .def("metadata", &get_metadata)
      .def("tensor", &get_tensor)
      .def("plan", &plan)
      .def("explain", &explain);
  add_quantize(model, module);
  add_tokenizer(model, module);
  module.def("isas", &list_isas);
}

}  // namespace inlay_python
