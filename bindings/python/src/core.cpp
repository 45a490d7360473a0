// core.cpp - failures, options, texts and ids on their way between Python and C.
#include "core.h"

#include <algorithm>
#include <limits>

namespace inlay_python {

void check(inlay_status status, const inlay_error& error) {
  if (status >= 0) return;
  throw Failure{status, error.text[0] ? error.text : inlay_status_name(status)};
}

void check(inlay_status status, const std::string& what) {
  if (status < 0) throw Failure{status, what};
}

py::str to_text(std::string_view bytes) { return to_text(bytes.data(), bytes.size()); }

py::str to_text(const char* bytes, size_t length) {
  PyObject* text = PyUnicode_DecodeUTF8(bytes, static_cast<Py_ssize_t>(length), "replace");
  if (!text) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

namespace {

// An exact Python integer; floats and texts are a TypeError.
py::int_ to_integer(py::handle value) {
  PyObject* number = PyNumber_Index(value.ptr());
  if (!number) throw py::error_already_set();
  return py::reinterpret_steal<py::int_>(number);
}

std::string shown(py::handle value) { return py::repr(value).cast<std::string>(); }

}  // namespace

std::vector<int32_t> to_ids(const py::iterable& ids) {
  std::vector<int32_t> result;
  for (py::handle item : ids) {
    const py::int_ number = to_integer(item);
    int overflow = 0;
    const long long id = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
    if (overflow || id < std::numeric_limits<int32_t>::min() ||
        id > std::numeric_limits<int32_t>::max()) {
      throw Failure{INLAY_ERROR_ARGUMENT, "ids[" + std::to_string(result.size()) +
                                              "]: " + shown(number) +
                                              " is outside the 32 bits of a token id"};
    }
    result.push_back(static_cast<int32_t>(id));
  }
  return result;
}

std::vector<std::string> to_texts(const py::object& texts, const char* what) {
  const auto expected = [&](py::handle value) {
    return py::type_error(std::string(what) + ": expected texts, not " + shown(value));
  };
  if (py::isinstance<py::str>(texts) || !py::isinstance<py::iterable>(texts)) throw expected(texts);
  std::vector<std::string> result;
  for (py::handle text : py::iterable(texts)) {
    if (!py::isinstance<py::str>(text)) throw expected(text);
    result.push_back(text.cast<std::string>());
  }
  return result;
}

py::object Options::take(const char* name) {
  return values_.contains(name) ? values_.attr("pop")(name) : py::none();
}

std::optional<std::string> Options::take_text(const char* name) {
  const py::object value = take(name);
  if (value.is_none()) return std::nullopt;
  if (py::isinstance<py::str>(value) || py::isinstance<py::bytes>(value)) {
    return value.cast<std::string>();
  }
  throw py::type_error(std::string(name) + ": expected a text, not " + shown(value));
}

uint64_t Options::take_integer(const char* name, uint64_t field, uint64_t largest) {
  const py::object value = take(name);
  if (value.is_none()) return field;
  const py::int_ number = to_integer(value);
  const unsigned long long result = PyLong_AsUnsignedLongLong(number.ptr());
  const bool fits = !PyErr_Occurred();
  PyErr_Clear();
  if (!fits || result > largest) {
    throw Failure{INLAY_ERROR_ARGUMENT, std::string(name) + ": " + shown(number) +
                                            " is outside 0 to " + std::to_string(largest)};
  }
  return result;
}

void Options::take(const char* name, uint32_t& field) {
  field = static_cast<uint32_t>(take_integer(name, field, std::numeric_limits<uint32_t>::max()));
}

void Options::take(const char* name, uint64_t& field) {
  field = take_integer(name, field, std::numeric_limits<uint64_t>::max());
}

void Options::take(const char* name, float& field) {
  const py::object value = take(name);
  if (value.is_none()) return;
  const double number = PyFloat_AsDouble(value.ptr());
  if (PyErr_Occurred()) throw py::error_already_set();
  field = static_cast<float>(number);
}

void Options::take_flag(const char* name, uint32_t& field) {
  const py::object value = take(name);
  if (value.is_none()) return;
  const int truth = PyObject_IsTrue(value.ptr());
  if (truth < 0) throw py::error_already_set();
  field = static_cast<uint32_t>(truth);
}

void Options::take(const char* name, uint32_t& field,
                   std::initializer_list<std::string_view> names) {
  const py::object value = take(name);
  if (value.is_none()) return;
  std::string choices;
  uint32_t number = 0;
  for (std::string_view choice : names) {
    if (py::isinstance<py::str>(value) && value.cast<std::string>() == choice) {
      field = number;
      return;
    }
    if (!choice.empty()) choices.append(choices.empty() ? "" : ", ").append(choice);
    ++number;
  }
  throw Failure{INLAY_ERROR_ARGUMENT,
                std::string(name) + ": " + shown(value) + " is not one of " + choices};
}

void Options::finish() const {
  for (auto item : values_) {
    throw py::type_error("unexpected option " + shown(item.first));
  }
}

inlay_session_options to_session_options(const py::dict& values) {
  inlay_session_options options;
  inlay_session_options_defaults(&options);
  Options given(values);
  given.take("context", options.context);
  given.take("sequences", options.sequences);
  given.take("chunk", options.chunk);
  given.take("logits_rows", options.logits_rows);
  const std::initializer_list<std::string_view> types = {"auto", "f32",  "f16",
                                                         "bf16", "q8_0", "q4_0"};
  given.take("kv_type", options.kv_type, types);
  given.take("value_type", options.value_type, types);
  given.take("threads", options.threads);
  given.take_flag("reuse", options.reuse);
  given.take("kv_tokens", options.kv_tokens);
  given.take("trace_events", options.trace_events);
  given.finish();
  return options;
}

inlay_sink Writer::sink() {
  inlay_sink sink;
  inlay_sink_callback(&sink, this, &Writer::call);
  return sink;
}

inlay_status Writer::call(void* user, const void* data, size_t size) {
  constexpr size_t at_once = size_t{1} << 20;
  auto* writer = static_cast<Writer*>(user);
  const auto* bytes = static_cast<const char*>(data);
  py::gil_scoped_acquire locked;
  try {
    for (size_t told = 0; told < size;) {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      const size_t count = std::min(size - told, at_once);
      writer->callable_(py::bytes(bytes + told, count));
      told += count;
    }
    return INLAY_OK;
  } catch (...) {
    writer->failure_ = std::current_exception();
    return INLAY_ERROR_IO;
  }
}

int Progress::report(void* user, uint64_t done, uint64_t total) {
  auto* progress = static_cast<Progress*>(user);
  py::gil_scoped_acquire locked;
  try {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!progress->callable_.is_none()) progress->callable_(done, total);
    return 0;
  } catch (...) {
    progress->failure_ = std::current_exception();
    return 1;
  }
}

}  // namespace inlay_python
