// grammar.cpp - what a text may be: compiled for a model's tokens, or for text alone.
#include "core.h"

namespace inlay_python {

Grammar::Grammar(uint32_t language, const std::string& text, const Model* model) {
  auto owner = std::make_shared<GrammarOwner>();
  if (model) owner->model = model->owner();
  inlay_model* const tokens = model ? owner->model->handle : nullptr;
  inlay_error error{};
  inlay_status status;
  {
    py::gil_scoped_release unlocked;
    status = inlay_grammar_compile(language, text.data(), text.size(), tokens, nullptr,
                                   &owner->handle, &error);
  }
  check(status, error);
  owner_ = std::move(owner);
}

bool Grammar::matches(const std::string& text) const {
  inlay_matcher* raw = nullptr;
  inlay_error error{};
  check(inlay_matcher_new(owner_->handle, &raw, &error), error);
  const std::unique_ptr<inlay_matcher, void (*)(inlay_matcher*)> matcher(raw, inlay_matcher_free);
  size_t taken = 0;
  check(inlay_matcher_accept_text(raw, text.data(), text.size(), &taken, &error), error);
  return taken == text.size() && inlay_matcher_can_end(raw);
}

void add_grammar(py::module_& module) {
  py::class_<Grammar>(module, "Grammar")
      .def(py::init<uint32_t, const std::string&, const Model*>())
      .def("matches", &Grammar::matches);
}

}  // namespace inlay_python
