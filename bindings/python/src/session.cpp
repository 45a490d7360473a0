// session.cpp - feeding, stepping, logits, snapshots; Python's lock is open while inlay works.
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "core.h"
#include "sampler.h"

namespace inlay_python {
namespace {

using Clock = std::chrono::steady_clock;

// How long a step may run before Python's signal handlers get their turn (Ctrl-C): as time, and as
// tiles of some tens of microseconds.
constexpr uint64_t slice_ns = 20'000'000;
constexpr uint64_t slice_tiles = 256;

uint64_t ns_since(Clock::time_point start) {
  const auto passed = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start);
  return static_cast<uint64_t>(passed.count());
}

template <class T>
py::list to_list(std::span<T> values) {
  py::list list(values.size());
  for (size_t i = 0; i < values.size(); ++i) list[i] = values[i];
  return list;
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
    (*use).stages.erase(sequence);
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
    const SamplerArguments arguments(values);
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_generate(use.handle(), sequence, &arguments.raw(), max_tokens, &error),
          error);
    if (arguments.stages()->empty()) {
      (*use).stages.erase(sequence);
    } else {
      (*use).stages[sequence] = arguments.stages();
    }
  }

  void constrain(inlay_sequence sequence, const Grammar* grammar, const std::string& trigger) {
    inlay_constrain_options options;
    inlay_constrain_options_defaults(&options);
    options.trigger = trigger.data();
    options.trigger_length = trigger.size();
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_constrain(use.handle(), sequence, grammar ? grammar->handle() : nullptr,
                                  &options, &error),
          error);
  }

  void stop(inlay_sequence sequence) {
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_generate(use.handle(), sequence, nullptr, 0, &error), error);
    (*use).stages.erase(sequence);
  }

  inlay_sequence fork(inlay_sequence sequence) {
    const Use use(owner());
    inlay_sequence copy = 0;
    inlay_error error{};
    check(inlay_session_fork(use.handle(), sequence, &copy, &error), error);
    auto& stages = (*use).stages;
    if (const auto of = stages.find(sequence); of != stages.end()) stages[copy] = of->second;
    return copy;
  }

  void rewind(inlay_sequence sequence, uint32_t length) {
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_rewind(use.handle(), sequence, length, &error), error);
  }

  void set_context_policy(inlay_sequence sequence, const py::dict& values) {
    uint32_t policy = INLAY_CONTEXT_STOP;
    uint32_t keep = 0;
    Options given(values);
    given.take("policy", policy, {"stop", "refuse", "drop"});
    given.take("keep", keep);
    given.finish();
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_set_context_policy(use.handle(), sequence, policy, keep, &error), error);
  }

  void set_stop(inlay_sequence sequence, const py::iterable& ids, uint32_t flags) {
    const std::vector<int32_t> list = to_ids(ids);
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_set_stop(use.handle(), sequence, list.data(), list.size(), flags, &error),
          error);
  }

  void set_stop_texts(inlay_sequence sequence, const py::object& texts) {
    const std::vector<std::string> list = to_texts(texts, "texts");
    std::vector<inlay_text_view> views;
    for (const std::string& text : list) views.push_back({text.data(), text.size()});
    const Use use(owner());
    inlay_error error{};
    check(inlay_session_set_stop_texts(use.handle(), sequence, views.data(), views.size(), &error),
          error);
  }

  py::str text(inlay_sequence sequence) const {
    const Use use(owner());
    const char* bytes = nullptr;
    size_t length = 0;
    check(inlay_session_text(use.handle(), sequence, &bytes, &length),
          name_of(sequence) + " has no text: nothing was told of it since the last change");
    return to_text(bytes, length);
  }

  // (token, [best ...]), each a pair of token and ln p
  py::tuple logprobs(inlay_sequence sequence) const {
    const Use use(owner());
    inlay_logprobs told{};
    told.struct_size = sizeof(told);
    check(inlay_session_logprobs(use.handle(), sequence, &told),
          name_of(sequence) +
              " has no log-probabilities: none were asked for, or nothing was told "
              "of it since the last change");
    return py::make_tuple(to_pair(told.token), to_pairs({told.top, told.count}));
  }

  // (status, sequence, token, finish, dropped, stop_text)
  py::tuple step(uint64_t budget) {
    const Clock::time_point start = Clock::now();
    return step_in_slices(inlay_session_step, slice_ns, [&](uint64_t) -> uint64_t {
      if (!budget) return slice_ns;
      const uint64_t spent = ns_since(start);
      return spent < budget ? budget - spent : 0;
    });
  }

  // The same; slices of tiles add up to exactly the tiles asked for.
  py::tuple step_tiles(uint64_t tiles) {
    uint64_t left = std::max<uint64_t>(tiles, 1);
    return step_in_slices(inlay_session_step_tiles, slice_tiles,
                          [&](uint64_t spent) { return left -= spent; });
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
    const inlay_sink sink = path_sink(path);
    run([&](inlay_error* error) {
      return inlay_session_write_importance(use.handle(), &sink, error);
    });
  }

  void write_trace(const std::string& path) const {
    const Use use(owner());
    const inlay_sink sink = path_sink(path);
    run([&](inlay_error* error) { return inlay_session_write_trace(use.handle(), &sink, error); });
  }

  void save_path(inlay_sequence sequence, const std::string& path) {
    const Use use(owner());
    const inlay_sink sink = path_sink(path);
    run([&](inlay_error* error) {
      return inlay_session_save(use.handle(), sequence, 0, &sink, error);
    });
  }

  void save_callable(inlay_sequence sequence, const py::object& callable, uint32_t flags) {
    const Use use(owner());
    Writer writer(callable);
    const inlay_sink sink = writer.sink();
    run(
        [&](inlay_error* error) {
          return inlay_session_save(use.handle(), sequence, flags, &sink, error);
        },
        [&] { writer.rethrow(); });
  }

  py::list restore_path(const std::string& path, uint32_t flags) {
    inlay_source source;
    inlay_source_path(&source, path.data(), path.size());
    return restore(source, flags);
  }

  py::list restore_memory(const py::object& bytes, uint32_t flags) {
    Py_buffer view{};
    if (PyObject_GetBuffer(bytes.ptr(), &view, PyBUF_SIMPLE) != 0) throw py::error_already_set();
    const std::unique_ptr<Py_buffer, void (*)(Py_buffer*)> release(&view, PyBuffer_Release);
    inlay_source source;
    inlay_source_memory(&source, view.buf, static_cast<size_t>(view.len));
    return restore(source, flags);
  }

  py::list restore_reader(const py::object& file, uint64_t size, const std::string& name,
                          uint32_t flags) {
    Reader reader(file);
    const inlay_source source = reader.source(size, name);
    return restore(source, flags, &reader);
  }

  py::dict info() const {
    const Use use(owner());
    inlay_session_info info{};
    info.struct_size = sizeof(info);
    check(inlay_session_get_info(use.handle(), &info), "session info");
    py::dict result;
    result["context"] = info.context;
    result["sequences"] = info.sequences;
    result["alive"] = info.alive;
    result["pages"] = info.pages;
    result["pages_used"] = info.pages_used;
    result["pages_cached"] = info.pages_cached;
    result["page_bytes"] = info.page_bytes;
    result["passes"] = info.passes;
    result["tokens_computed"] = info.tokens_computed;
    result["tokens_reused"] = info.tokens_reused;
    result["tokens_drawn"] = info.tokens_drawn;
    result["tokens_dropped"] = info.tokens_dropped;
    result["prefill_ns"] = info.prefill_ns;
    result["decode_ns"] = info.decode_ns;
    result["sample_ns"] = info.sample_ns;
    result["weight_bytes_read"] = info.weight_bytes_read;
    result["kv_bytes_read"] = info.kv_bytes_read;
    return result;
  }

  // (computed, pending)
  py::tuple length(inlay_sequence sequence) const {
    const Use use(owner());
    uint32_t computed = 0, pending = 0;
    check(inlay_session_length(use.handle(), sequence, &computed, &pending),
          name_of(sequence) + " is not alive");
    return py::make_tuple(computed, pending);
  }

  py::list tokens(inlay_sequence sequence) const {
    const Use use(owner());
    uint32_t computed = 0, pending = 0;
    const std::string what = name_of(sequence) + " is not alive";
    check(inlay_session_length(use.handle(), sequence, &computed, &pending), what);
    std::vector<int32_t> ids(size_t{computed} + pending);
    size_t count = 0;
    check(inlay_session_tokens(use.handle(), sequence, ids.data(), ids.size(), &count), what);
    return to_list(std::span(ids).first(count));
  }

 private:
  // Steps of at most `slice` until there is something to tell, or `rest` - told what the latest
  // slice was - says that 0 of the budget is left. Signal handlers run in between.
  template <class Step, class Rest>
  py::tuple step_in_slices(Step* function, uint64_t slice, const Rest& rest) {
    const Use use(owner());
    inlay_event event{};
    inlay_error error{};
    inlay_status status = INLAY_YIELD;
    uint64_t now = 0;
    for (uint64_t left = std::max<uint64_t>(rest(0), 1); left; left = rest(now)) {
      if (now && PyErr_CheckSignals() != 0) throw py::error_already_set();
      now = std::min(left, slice);
      event.struct_size = sizeof(event);
      {
        py::gil_scoped_release unlocked;
        status = function(use.handle(), now, &event, &error);
      }
      for (const auto& [sequence, stages] : (*use).stages) stages->rethrow();
      check(status, error);
      if (status != INLAY_YIELD || (*use).cancelled.exchange(false)) break;
    }
    return py::make_tuple(status, event.sequence, event.token, event.finish, event.dropped,
                          event.stop_text);
  }

  static inlay_sink path_sink(const std::string& path) {
    inlay_sink sink;
    inlay_sink_path(&sink, path.data(), path.size());
    return sink;
  }

  // A long call without Python's lock. `rethrow` goes first: what was raised in a callback tells
  // more than the status that came of it.
  template <class Call, class Rethrow>
  static void run(const Call& call, const Rethrow& rethrow) {
    inlay_error error{};
    inlay_status status;
    {
      py::gil_scoped_release unlocked;
      status = call(&error);
    }
    rethrow();
    check(status, error);
  }
  template <class Call>
  static void run(const Call& call) {
    run(call, [] {});
  }

  py::list restore(const inlay_source& source, uint32_t flags, Reader* reader = nullptr) {
    const Use use(owner());
    inlay_session_info info{};
    info.struct_size = sizeof(info);
    check(inlay_session_get_info(use.handle(), &info), "session info");
    std::vector<inlay_sequence> sequences(info.sequences);
    size_t count = 0;
    run(
        [&](inlay_error* error) {
          return inlay_session_restore(use.handle(), &source, flags, sequences.data(),
                                       sequences.size(), &count, error);
        },
        [&] {
          if (reader) reader->rethrow();
        });
    return to_list(std::span(sequences).first(count));
  }

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
      .def("fork", &Session::fork)
      .def("rewind", &Session::rewind)
      .def("set_context_policy", &Session::set_context_policy)
      .def("set_stop", &Session::set_stop)
      .def("set_stop_texts", &Session::set_stop_texts)
      .def("text", &Session::text)
      .def("logprobs", &Session::logprobs)
      .def("feed", &Session::feed)
      .def("generate", &Session::generate)
      .def("constrain", &Session::constrain)
      .def("stop", &Session::stop)
      .def("step", &Session::step)
      .def("step_tiles", &Session::step_tiles)
      .def("logits", &Session::logits)
      .def("length", &Session::length)
      .def("tokens", &Session::tokens)
      .def("save_path", &Session::save_path)
      .def("save_callable", &Session::save_callable)
      .def("restore_path", &Session::restore_path)
      .def("restore_memory", &Session::restore_memory)
      .def("restore_reader", &Session::restore_reader)
      .def("info", &Session::info)
      .def("write_trace", &Session::write_trace)
      .def("write_importance", &Session::write_importance);
}

}  // namespace inlay_python
