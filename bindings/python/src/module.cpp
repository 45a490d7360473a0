// module.cpp - inlay._inlay, the thin part under the package: a class for each handle of inlay.h.
#include "core.h"

namespace py = pybind11;
using inlay_python::Failure;

namespace {

// Failure -> inlay.Error(status, text)
void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const Failure& failure) {
    const py::object type = py::module_::import("inlay._types").attr("Error");
    const py::object error = type(failure.status, inlay_python::to_text(failure.text));
    PyErr_SetObject(type.ptr(), error.ptr());
  }
}

}  // namespace

PYBIND11_MODULE(_inlay, module) {
  if (inlay_abi_version() != INLAY_ABI_VERSION) {
    throw py::import_error("inlay: the library has ABI " + std::to_string(inlay_abi_version()) +
                           ", the module was built for " + std::to_string(INLAY_ABI_VERSION));
  }
  py::register_local_exception_translator(&translate);
  module.attr("version") = inlay_version();
  inlay_python::add_model(module);
  inlay_python::add_grammar(module);
  inlay_python::add_sampler(module);
  inlay_python::add_session(module);
  inlay_python::add_chat(module);
}
