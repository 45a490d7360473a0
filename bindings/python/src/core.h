// core.h - what the parts of the module share: failures, owners of handles, options, texts and ids.
#pragma once

#include <pybind11/pybind11.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inlay/inlay.h"

namespace inlay_python {

namespace py = pybind11;

// Becomes inlay.Error on its way to Python.
struct Failure {
  inlay_status status;
  std::string text;
};

// Throws a Failure when `status` is an error.
void check(inlay_status status, const inlay_error& error);
// The same for functions without an error text: `what` says what was asked for.
void check(inlay_status status, const std::string& what);

// UTF-8 from a file; broken bytes become U+FFFD.
py::str to_text(std::string_view bytes);
py::str to_text(const char* bytes, size_t length);

// Integers from any iterable of them; a number outside 32 bits is a Failure.
std::vector<int32_t> to_ids(const py::iterable& ids);

// Texts from any iterable of str, as UTF-8; a single str is a TypeError that names `what`.
std::vector<std::string> to_texts(const py::object& texts, const char* what);

// Keyword arguments on their way into a struct of options: each field takes its own, and finish()
// refuses what is left.
class Options {
 public:
  explicit Options(const py::dict& values) : values_(values.attr("copy")()) {}

  void take(const char* name, uint32_t& field);
  void take(const char* name, uint64_t& field);
  void take(const char* name, float& field);
  void take_flag(const char* name, uint32_t& field);  // whatever Python takes for true
  // One of `names`, which stand in the order of the numbers 0, 1, 2 ...
  void take(const char* name, uint32_t& field, std::initializer_list<std::string_view> names);
  py::object take(const char* name);
  // Nothing when it is None.
  std::optional<std::string> take_text(const char* name);
  void finish() const;

 private:
  uint64_t take_integer(const char* name, uint64_t field, uint64_t largest);

  py::dict values_;
};

inlay_session_options to_session_options(const py::dict& values);

// How far a long call has come, told to a Python callable (or None) while Python's lock is open
// everywhere else. What that raises, and Ctrl-C, cancel the call.
class Progress {
 public:
  explicit Progress(py::object callable) : callable_(std::move(callable)) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  inlay_progress raw() { return {this, &Progress::report}; }
  // After the call: throws what was raised.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static int report(void* user, uint64_t done, uint64_t total);

  py::object callable_;
  std::exception_ptr failure_;
};

// A Python callable as a sink: called with bytes until all is told.
class Writer {
 public:
  explicit Writer(py::object callable) : callable_(std::move(callable)) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  inlay_sink sink();
  // After the call that wrote: throws what was raised.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  static inlay_status call(void* user, const void* data, size_t size);

  py::object callable_;
  std::exception_ptr failure_;
};

// A Python file as a source: seek(offset), then read(n) until all is there.
class Reader {
 public:
  explicit Reader(py::object file) : file_(std::move(file)) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  inlay_source source(uint64_t size, const std::string& name);  // `name` is borrowed
  // After a call that read: throws what was raised.
  void rethrow();

 private:
  void read(uint64_t offset, char* destination, size_t size);
  static inlay_status call(void* user, uint64_t offset, void* destination, size_t size);

  py::object file_;
  std::mutex mutex_;  // between seek and read; taken before Python's lock
  std::exception_ptr failure_;
};

// A model and what its bytes are borrowed from. The last of Model and Sessions frees both. Python's
// lock is held whenever one of these goes.
struct ModelOwner {
  ModelOwner() = default;
  ModelOwner(const ModelOwner&) = delete;
  ModelOwner& operator=(const ModelOwner&) = delete;
  ~ModelOwner();

  inlay_model* handle = nullptr;
  Py_buffer bytes{};               // bytes.obj is NULL when nothing is borrowed
  std::unique_ptr<Reader> reader;  // NULL when the model comes from elsewhere
};

// inlay._inlay.Model
class Model {
 public:
  static Model open_path(const std::string& path, const py::dict& options);
  static Model open_memory(const py::object& bytes, const py::dict& options);
  static Model open_reader(const py::object& file, uint64_t size, const std::string& name,
                           const py::dict& options);

  std::shared_ptr<ModelOwner> owner() const;  // Failure after close
  const inlay_tokenizer* tokenizer(const ModelOwner& model) const;
  void close() { owner_.reset(); }
  bool closed() const { return !owner_; }

 private:
  explicit Model(std::shared_ptr<ModelOwner> owner) : owner_(std::move(owner)) {}
  static Model open(std::shared_ptr<ModelOwner> owner, const inlay_source& source,
                    const py::dict& options);

  std::shared_ptr<ModelOwner> owner_;
};

// A grammar with the model whose tokens it allows, if there is one.
struct GrammarOwner {
  GrammarOwner() = default;
  GrammarOwner(const GrammarOwner&) = delete;
  GrammarOwner& operator=(const GrammarOwner&) = delete;
  ~GrammarOwner() { inlay_grammar_release(handle); }

  std::shared_ptr<ModelOwner> model;
  inlay_grammar* handle = nullptr;
};

// inlay._inlay.Grammar: never changes, any number of threads.
class Grammar {
 public:
  // `language`: INLAY_GRAMMAR_...; `model` may be NULL.
  Grammar(uint32_t language, const std::string& text, const Model* model);
  bool matches(const std::string& text) const;
  inlay_grammar* handle() const { return owner_->handle; }

 private:
  std::shared_ptr<GrammarOwner> owner_;
};

class HostStages;

// A session with the model below it. It lives as long as a Session, a running call or a view of its
// logits needs it.
struct SessionOwner {
  SessionOwner() = default;
  SessionOwner(const SessionOwner&) = delete;
  SessionOwner& operator=(const SessionOwner&) = delete;
  ~SessionOwner() { inlay_session_close(handle); }

  std::shared_ptr<ModelOwner> model;
  inlay_session* handle = nullptr;
  std::map<inlay_sequence, std::shared_ptr<HostStages>> stages;  // of those that have any
  uint32_t vocabulary = 0;
  std::atomic<bool> busy = false;       // a call is running
  std::atomic<bool> cancelled = false;  // asked for, and not yet told by step
};

// Each file adds its classes to the module.
void add_model(py::module_& module);
void add_quantize(py::class_<Model>& model, py::module_& module);
void add_tokenizer(py::class_<Model>& model, py::module_& module);
void add_grammar(py::module_& module);
void add_sampler(py::module_& module);
void add_session(py::module_& module);
void add_chat(py::module_& module);

}  // namespace inlay_python
