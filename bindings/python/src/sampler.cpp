// sampler.cpp - options of sampling with stages of Python's, a sampler of its own, rows of logits.
#include "sampler.h"

#include <pybind11/stl.h>

#include <algorithm>

namespace inlay_python {
namespace {

// A stage by its name, see docs/samplers.md.
uint32_t stage_number(const std::string& name) {
  for (uint32_t number = 1; const char* known = inlay_sampler_stage_name(number); ++number) {
    if (name == known && number != INLAY_STAGE_DRAW) return number;
  }
  throw Failure{INLAY_ERROR_ARGUMENT, "stages: there is no stage " + name};
}

// inlay._inlay.Candidates: the tokens that may be drawn, as views of the library's own list.
struct Candidates {
  inlay_candidates* raw;

  const inlay_candidates& get() const {
    if (!raw) throw Failure{INLAY_ERROR_STATE, "candidates are valid during the call only"};
    return *raw;
  }
  py::memoryview ids() const { return column(get(), &inlay_candidate::id, true); }
  py::memoryview logits() const { return column(get(), &inlay_candidate::logit, false); }
  py::memoryview weights() const { return column(get(), &inlay_candidate::weight, true); }
  std::vector<int32_t> tokens() const { return {get().tokens, get().tokens + get().token_count}; }

  template <class T>
  static py::memoryview column(const inlay_candidates& all, T inlay_candidate::*field,
                               bool readonly) {
    return py::memoryview::from_buffer(&(all.list->*field), {all.count}, {sizeof(inlay_candidate)},
                                       readonly);
  }
};

// A row of logits from anything with a buffer of 32-bit floats in one dimension.
class Row {
 public:
  explicit Row(const py::buffer& values, const char* what) : info_(values.request()) {
    if (info_.ndim != 1 || info_.itemsize != sizeof(float) ||
        info_.format != py::format_descriptor<float>::format() ||
        (info_.size > 1 && info_.strides[0] != sizeof(float))) {
      throw py::type_error(std::string(what) + ": expected one row of float32 without gaps");
    }
  }
  const float* data() const { return static_cast<const float*>(info_.ptr); }
  size_t size() const { return static_cast<size_t>(info_.size); }

 private:
  py::buffer_info info_;
};

py::list top_logprobs(const py::buffer& logits, size_t count) {
  const Row row(logits, "logits");
  std::vector<inlay_logprob> top(std::min(count, row.size()));
  size_t written = 0;
  inlay_error error{};
  check(inlay_logits_top(row.data(), row.size(), top.data(), top.size(), &written, &error), error);
  top.resize(written);
  return to_pairs(top);
}

py::bytearray guide(const py::buffer& logits, const py::buffer& negative, float scale) {
  const Row row(logits, "logits"), against(negative, "negative");
  if (row.size() != against.size()) {
    throw Failure{INLAY_ERROR_ARGUMENT, "negative: it has " + std::to_string(against.size()) +
                                            " logits, the other row " + std::to_string(row.size())};
  }
  py::bytearray out(nullptr, 0);
  if (PyByteArray_Resize(out.ptr(), static_cast<Py_ssize_t>(row.size() * sizeof(float))) != 0) {
    throw py::error_already_set();
  }
  inlay_error error{};
  check(inlay_logits_guide(row.data(), against.data(), row.size(), scale,
                           reinterpret_cast<float*>(PyByteArray_AsString(out.ptr())), &error),
        error);
  return out;
}

// inlay._inlay.Sampler
class Sampler {
 public:
  Sampler(const Model& model, const py::dict& options)
      : model_(model.owner()), arguments_(options) {
    inlay_error error{};
    check(inlay_sampler_open(model_->handle, &arguments_.raw(), &handle_, &error), error);
  }
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;
  ~Sampler() { inlay_sampler_close(handle_); }

  int32_t draw(const py::buffer& logits, const py::iterable& tokens, uint64_t position) {
    const Row row(logits, "logits");
    const std::vector<int32_t> before = to_ids(tokens);
    int32_t token = -1;
    inlay_error error{};
    const inlay_status status = inlay_sampler_draw(handle_, row.data(), row.size(), before.data(),
                                                   before.size(), position, &token, &error);
    arguments_.stages()->rethrow();
    check(status, error);
    return token;
  }

 private:
  std::shared_ptr<ModelOwner> model_;
  SamplerArguments arguments_;
  inlay_sampler* handle_ = nullptr;
};

}  // namespace

inlay_status HostStages::call(void* user, inlay_candidates* candidates) {
  auto& stage = *static_cast<Stage*>(user);
  const py::gil_scoped_acquire locked;
  try {
    const py::object view = py::cast(Candidates{candidates});
    const auto close = [](Candidates* c) { c->raw = nullptr; };
    const std::unique_ptr<Candidates, decltype(close)> closed(view.cast<Candidates*>(), close);
    stage.callable(view);
    return INLAY_OK;
  } catch (...) {
    stage.failure = std::current_exception();
    return INLAY_ERROR_CANCELLED;
  }
}

SamplerArguments::SamplerArguments(const py::dict& values) {
  inlay_sampler_options_defaults(&raw_);
  Options given(values);
  given.take("temperature", raw_.temperature);
  given.take("top_k", raw_.top_k);
  given.take("top_p", raw_.top_p);
  given.take("min_p", raw_.min_p);
  given.take("repeat_penalty", raw_.repeat_penalty);
  given.take("frequency_penalty", raw_.frequency_penalty);
  given.take("presence_penalty", raw_.presence_penalty);
  given.take("penalty_window", raw_.penalty_window);
  given.take("seed", raw_.seed);
  given.take("stream", raw_.stream);
  given.take("typical_p", raw_.typical_p);
  given.take("top_n_sigma", raw_.top_n_sigma);
  given.take("xtc_probability", raw_.xtc_probability);
  given.take("xtc_threshold", raw_.xtc_threshold);
  given.take("dry_multiplier", raw_.dry_multiplier);
  given.take("dry_base", raw_.dry_base);
  given.take("dry_allowed_length", raw_.dry_allowed_length);
  given.take("dry_window", raw_.dry_window);
  given.take("dynatemp_range", raw_.dynatemp_range);
  given.take("dynatemp_exponent", raw_.dynatemp_exponent);
  given.take("mirostat", raw_.mirostat);
  given.take("mirostat_tau", raw_.mirostat_tau);
  given.take("mirostat_eta", raw_.mirostat_eta);
  given.take("adaptive_target", raw_.adaptive_target);
  given.take("adaptive_decay", raw_.adaptive_decay);
  given.take_flag("infill", raw_.infill);
  given.take("logprobs", raw_.logprobs);
  given.take("logprobs_of", raw_.logprobs_of, {"model", "candidates"});
  take_bias(given.take("bias"));
  take_breakers(given.take("dry_breakers"));
  take_order(given.take("stages"));
  take_host_stages(given.take("host_stages"));
  given.finish();
}

void SamplerArguments::take_bias(const py::object& pairs) {
  if (pairs.is_none()) return;
  const py::dict table(pairs);
  const std::vector<int32_t> tokens = to_ids(table);
  size_t i = 0;
  for (auto item : table) bias_.push_back({tokens[i++], item.second.cast<float>()});
  raw_.bias = bias_.data();
  raw_.bias_count = bias_.size();
}

void SamplerArguments::take_breakers(const py::object& texts) {
  if (texts.is_none()) return;
  breaker_texts_ = to_texts(texts, "dry_breakers");
  for (const std::string& text : breaker_texts_) breakers_.push_back({text.data(), text.size()});
  raw_.dry_breakers = breakers_.data();
  raw_.dry_breaker_count = breakers_.size();
}

void SamplerArguments::take_order(const py::object& names) {
  if (names.is_none()) return;
  for (const std::string& name : to_texts(names, "stages")) order_.push_back(stage_number(name));
  raw_.stages = order_.data();
  raw_.stage_count = order_.size();
}

void SamplerArguments::take_host_stages(const py::object& callables) {
  if (callables.is_none()) return;
  for (py::handle callable : py::iterable(callables)) {
    if (!PyCallable_Check(callable.ptr())) {
      throw py::type_error("host_stages: expected functions, not " +
                           py::repr(callable).cast<std::string>());
    }
    stages_->add(py::reinterpret_borrow<py::object>(callable));
  }
  host_stages_ = stages_->raw();
  raw_.host_stages = host_stages_.data();
  raw_.host_stage_count = host_stages_.size();
}

py::tuple to_pair(const inlay_logprob& of) { return py::make_tuple(of.token, of.logprob); }

py::list to_pairs(std::span<const inlay_logprob> all) {
  py::list list(all.size());
  for (size_t i = 0; i < all.size(); ++i) list[i] = to_pair(all[i]);
  return list;
}

void add_sampler(py::module_& module) {
  py::class_<Candidates>(module, "Candidates")
      .def_property_readonly("ids", &Candidates::ids)
      .def_property_readonly("logits", &Candidates::logits)
      .def_property_readonly("weights", &Candidates::weights)
      .def_property_readonly("tokens", &Candidates::tokens)
      .def_property_readonly("position", [](const Candidates& c) { return c.get().position; })
      .def("__len__", [](const Candidates& c) { return c.get().count; });
  py::class_<Sampler>(module, "Sampler")
      .def(py::init<const Model&, const py::dict&>())
      .def("draw", &Sampler::draw);
  module.def("top_logprobs", &top_logprobs);
  module.def("guide", &guide);
}

}  // namespace inlay_python
