// quantize.cpp - writes a model in a smaller type.
#include "core.h"

namespace inlay_python {
namespace {

void quantize(const Model& model, const std::string& path, const py::dict& values) {
  const auto owner = model.owner();
  inlay_quantize_options options;
  inlay_quantize_options_defaults(&options);
  Options given(values);
  const std::optional<std::string> type = given.take_text("type");
  const std::optional<std::string> imatrix = given.take_text("imatrix");
  const py::dict rules(given.take("keep"));
  given.take("threads", options.threads);
  Progress progress(given.take("progress"));
  given.finish();
  if (type) options.type = type->c_str();
  options.progress = progress.raw();

  inlay_source importance;
  if (imatrix) {
    inlay_source_path(&importance, imatrix->data(), imatrix->size());
    options.importance = &importance;
  }
  std::vector<std::pair<std::string, std::string>> texts;
  for (auto rule : rules) {
    if (!py::isinstance<py::str>(rule.first) || !py::isinstance<py::str>(rule.second)) {
      throw py::type_error("keep: expected patterns and types as text");
    }
    texts.emplace_back(rule.first.cast<std::string>(), rule.second.cast<std::string>());
  }
  std::vector<inlay_keep> keep;
  for (const auto& [pattern, kept] : texts) keep.push_back({pattern.c_str(), kept.c_str()});
  options.keep = keep.data();
  options.keep_count = keep.size();

  inlay_sink sink;
  inlay_sink_path(&sink, path.data(), path.size());
  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = inlay_model_quantize(owner->handle, &sink, &options, &error);
  }
  progress.rethrow();
  if (owner->reader) owner->reader->rethrow();
  check(status, error);
}

py::list list_types() {
  py::list result;
  for (uint32_t i = 0; const char* name = inlay_quantize_type_name(i); ++i) result.append(name);
  return result;
}

}  // namespace

void add_quantize(py::class_<Model>& model, py::module_& module) {
  model.def("quantize", &quantize);
  module.def("quantize_types", &list_types);
}

}  // namespace inlay_python
