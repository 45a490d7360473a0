// session.cpp - feeding, stepping, logits; Python's lock is open while the model computes.
#include <algorithm>
#include <chrono>

#include "core.h"

namespace inlay_python {
namespace {

using Clock = std::chrono::steady_clock;

// How long a step may run before Python's signal handlers get their turn (Ctrl-C).
constexpr uint64_t slice_ns = 20'000'000;

uint64_t ns_since(Clock::time_point start) {
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start);
  return static_cast<uint64_t>(passed.count());
}

std::string name_of(inlay_sequence sequence) { return "sequence " + std::to_string(sequence); }

// Keeps a session for one call. A session has one caller at a time; a second one is refused.
class Use {
 public:
  explicit Use(std::shared_ptr<SessionOwner> owner) : owner_(std::move(owner)) {
    if (owner_->busy.exchange(true)) {
      throw Failure{INLAY_ERROR_STATE, "the session is busy: another call is running in it"};
    }
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;
  ~Use() { owner_->busy = false; }

  SessionOwner& operator*() const { return *owner_; }
  inlay_session* handle() const { return owner_->handle; }
  const std::shared_ptr<SessionOwner>& owner() const { return owner_; }

 private:
  std::shared_ptr<SessionOwner> owner_;
};

// inlay._inlay.Logits: rows of logits, a read-only buffer (rows, vocabulary) of float32.
struct Logits {
  std::shared_ptr<SessionOwner> owner;  // the memory stays as long as someone looks at it
  const float* data;
  uint32_t rows;
  uint32_t position;

  py::buffer_info buffer() const {
    const py::ssize_t width = owner->vocabulary;
    return py::buffer_info(const_cast<float*>(data), sizeof(float),
                           py::format_descriptor<float>::format(), 2, {py::ssize_t{rows}, width},
                           {width * py::ssize_t{sizeof(float)}, py::ssize_t{sizeof(float)}}, true);
  }
};

inlay_sampler_options to_sampler_options(const py::dict& values,
                                         std::vector<inlay_logit_bias>& bias) {
  inlay_sampler_options options;
  inlay_sampler_options_defaults(&options);
  Options given(values);
  given.take("temperature", options.temperature);
  given.take("top_k", options.top_k);
  given.take("top_p", options.top_p);
  given.take("min_p", options.min_p);
  given.take("repeat_penalty", options.repeat_penalty);
  given.take("frequency_penalty", options.frequency_penalty);
  given.take("presence_penalty", options.presence_penalty);
  given.take("penalty_window", options.penalty_window);
  given.take("seed", options.seed);
  given.take("stream", options.stream);
  const py::object pairs = given.take("bias");
  given.finish();
  if (!pairs.is_none()) {
    const py::dict table(pairs);
    const std::vector<int32_t> tokens = to_ids(table);
    size_t i = 0;
    for (auto item : table) bias.push_back({tokens[i++], item.second.cast<float>()});
    options.bias = bias.data();
    options.bias_count = bias.size();
  }
  return options;
}

// inlay._inlay.Session
class Session {
 public:
  Session(const Model& model, const py::dict& options) {
    auto owner = std::make_shared<SessionOwner>();
    owner->model = model.owner();
    const inlay_session_options c_options = to_session_options(options);
    inlay_model_info info{};
    info.struct_size = sizeof(info);
    check(inlay_model_get_info(owner->model->handle, &info), "model info");
    owner->vocabulary = info.vocabulary;
    inlay_error error{};
    inlay_status status;
    {
      py::gil_scoped_release unlocked;
      status = inlay_session_open(owner->model->handle, &c_options, &owner->handle, &error);
    }
    check(status, error);
    owner_ = std::move(owner);
  }

  // A step that runs in another thread is asked to stop, and frees the session when it does.
  void close() {
    if (owner_) cancel();
    owner_.reset();
  }
  bool closed() const { return !owner_; }

  void cancel() {
    const auto session = owner();
    session->cancelled = true;
    inlay_session_cancel(session->handle);
  }

  inlay_sequence add() {
    const Use use(owner());
    inlay_sequence sequence = 0;
    inlay_error error{};
    check(inlay_session_add(use.handle(), &sequence, &error), error);
    return sequence;
  }

  void drop(inlay_sequence sequence) {
    const Use use(owner());
    check(inlay_session_drop(use.handle(), sequence), name_of(sequence) + " is not alive");
  }

  void clear(inlay_sequence sequence) {
    const Use use(owner());
    check(inlay_session_clear(use.handle(), sequence), name_of(sequence) + " is not alive");
  }

  void feed(inlay_sequence sequence, const py::iterable& ids, uint32_t flags) {
    const std::vector<int32_t> list = to_ids(ids);
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_feed(use.handle(), sequence, list.data(), list.size(), flags, &error),
          error);
  }

  void generate(inlay_sequence sequence, const py::dict& values, uint64_t max_tokens) {
    std::vector<inlay_logit_bias> bias;
    const inlay_sampler_options options = to_sampler_options(values, bias);
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_generate(use.handle(), sequence, &options, max_tokens, &error), error);
  }

  void stop(inlay_sequence sequence) {
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_generate(use.handle(), sequence, nullptr, 0, &error), error);
  }

  // (status, sequence, token, finish)
  py::tuple step(uint64_t budget) {
    const Use use(owner());
    const Clock::time_point start = Clock::now();
    inlay_event event{};
    inlay_error error{};
    inlay_status status;
    uint64_t slice = budget ? std::min(budget, slice_ns) : slice_ns;
    while (true) {
      event.struct_size = sizeof(event);
      {
        py::gil_scoped_release unlocked;
        status = inlay_session_step(use.handle(), slice, &event, &error);
      }
      check(status, error);
      if (status != INLAY_YIELD || (*use).cancelled.exchange(false)) break;
      const uint64_t spent = ns_since(start);
      if (budget && spent >= budget) break;
      if (budget) slice = std::min(budget - spent, slice_ns);
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
    return py::make_tuple(status, event.sequence, event.token, event.finish);
  }

  Logits logits(inlay_sequence sequence) const {
    const Use use(owner());
    const float* data = nullptr;
    uint32_t rows = 0, position = 0;
    check(inlay_session_logits(use.handle(), sequence, &data, &rows, &position),
          name_of(sequence) + " has no logits: nothing of it was computed in the latest pass");
    return {use.owner(), data, rows, position};
  }

  void write_importance(const std::string& path) const {
    const Use use(owner());
    inlay_sink sink;
    inlay_sink_path(&sink, path.data(), path.size());
    inlay_error error{};
    inlay_status status;
    {
      py::gil_scoped_release unlocked;
      status = inlay_session_write_importance(use.handle(), &sink, &error);
    }
    check(status, error);
  }

  // (computed, pending)
  py::tuple length(inlay_sequence sequence) const {
    const Use use(owner());
    uint32_t computed = 0, pending = 0;
    check(inlay_session_length(use.handle(), sequence, &computed, &pending),
          name_of(sequence) + " is not alive");
    return py::make_tuple(computed, pending);
  }

 private:
  std::shared_ptr<SessionOwner> owner() const {
    if (!owner_) throw Failure{INLAY_ERROR_STATE, "the session is closed"};
    return owner_;
  }

  std::shared_ptr<SessionOwner> owner_;
};

}  // namespace

void add_session(py::module_& module) {
  py::class_<Logits>(module, "Logits", py::buffer_protocol())
      .def_readonly("rows", &Logits::rows)
      .def_readonly("position", &Logits::position)
      .def_buffer(&Logits::buffer);
  py::class_<Session>(module, "Session")
      .def(py::init<const Model&, const py::dict&>())
      .def("close", &Session::close)
      .def_property_readonly("closed", &Session::closed)
      .def("cancel", &Session::cancel)
      .def("add", &Session::add)
      .def("drop", &Session::drop)
      .def("clear", &Session::clear)
      .def("feed", &Session::feed)
      .def("generate", &Session::generate)
      .def("stop", &Session::stop)
      .def("step", &Session::step)
      .def("logits", &Session::logits)
      .def("length", &Session::length)
      .def("write_importance", &Session::write_importance);
}

}  // namespace inlay_python
