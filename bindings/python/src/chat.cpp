// chat.cpp - chat templates, their prompts, and replies.
#include <pybind11/stl.h>

#include <array>

#include "core.h"

namespace inlay_python {
namespace {

using Bytes = std::optional<std::string>;

class Prompt {
 public:
  Prompt() = default;
  Prompt(Prompt&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Prompt& operator=(Prompt&&) = delete;
  ~Prompt() { inlay_prompt_close(raw_); }

  py::bytes text() const {
    const char* text = nullptr;
    size_t length = 0;
    check(inlay_prompt_get(raw_, &text, &length, nullptr, nullptr), "prompt");
    return py::bytes(text, length);
  }
  // [(end, is_value)]
  py::list segments() const {
    const char* text = nullptr;
    size_t length = 0, count = 0;
    const inlay_segment* segments = nullptr;
    check(inlay_prompt_get(raw_, &text, &length, &segments, &count), "prompt");
    py::list list;
    for (size_t i = 0; i < count; ++i) {
      list.append(py::make_tuple(segments[i].end, segments[i].is_value != 0));
    }
    return list;
  }
  py::list encode(const Model& model, size_t from) const {
    const auto owner = model.owner();
    const inlay_tokenizer* tokenizer = model.tokenizer(*owner);
    inlay_error error{};
    std::vector<int32_t> ids;
    for (size_t count = 64;;) {
      ids.resize(count);
      const inlay_status status = inlay_tokenizer_encode_prompt(tokenizer, raw_, from, ids.data(),
                                                                ids.size(), &count, &error);
      if (status == INLAY_ERROR_LIMIT && count > ids.size()) continue;
      check(status, error);
      ids.resize(count);
      break;
    }
    py::list list(ids.size());
    for (size_t i = 0; i < ids.size(); ++i) list[i] = ids[i];
    return list;
  }

  inlay_prompt* raw_ = nullptr;
};

class Chat {
 public:
  Chat(const Model* model, const Bytes& name, const Bytes& text, bool no_trim) {
    const auto owner = model ? model->owner() : nullptr;
    inlay_chat_options options;
    inlay_chat_options_defaults(&options);
    options.flags = no_trim ? uint32_t{INLAY_CHAT_NO_TRIM} : 0;
    if (name) options.name = name->data(), options.name_length = name->size();
    if (text) options.text = text->data(), options.text_length = text->size();
    inlay_error error{};
    check(inlay_chat_open(owner ? owner->handle : nullptr, &options, &raw_, &error), error);
  }
  Chat(const Chat&) = delete;
  Chat& operator=(const Chat&) = delete;
  ~Chat() { inlay_chat_close(raw_); }

  // Texts are JSON; date: year, month, day, hour, minute, second.
  Prompt render(const Bytes& messages, const Bytes& tools, const Bytes& variables,
                bool generation_prompt, const std::array<int32_t, 6>& date) const {
    inlay_chat_input input;
    inlay_chat_input_defaults(&input);
    input.generation_prompt = generation_prompt;
    if (messages)
      input.messages_json = messages->data(), input.messages_json_length = messages->size();
    if (tools) input.tools = tools->data(), input.tools_length = tools->size();
    if (variables) input.variables = variables->data(), input.variables_length = variables->size();
    input.date = {date[0], date[1], date[2], date[3], date[4], date[5]};
    Prompt prompt;
    inlay_error error{};
    inlay_status status;
    {
      py::gil_scoped_release unlocked;
      status = inlay_chat_render(raw_, &input, &prompt.raw_, &error);
    }
    check(status, error);
    return prompt;
  }

  inlay_chat* raw_ = nullptr;
};

class Reply {
 public:
  Reply(const Chat* chat, const std::optional<std::string>& format, const Prompt* prompt) {
    inlay_error error{};
    check(inlay_reply_open(chat ? chat->raw_ : nullptr, format ? format->c_str() : nullptr,
                           prompt ? prompt->raw_ : nullptr, &raw_, &error),
          error);
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { inlay_reply_close(raw_); }

  py::list push(const std::string& text) {
    inlay_error error{};
    check(inlay_reply_push(raw_, text.data(), text.size(), &error), error);
    return deltas();
  }
  py::list finish() {
    inlay_error error{};
    check(inlay_reply_finish(raw_, &error), error);
    return deltas();
  }
  std::string format() const { return inlay_reply_format(raw_); }

 private:
  // [(kind, call, bytes)]
  py::list deltas() {
    py::list list;
    inlay_delta delta{};
    for (delta.struct_size = sizeof delta; inlay_reply_next(raw_, &delta) == INLAY_OK;) {
      list.append(py::make_tuple(delta.kind, delta.call, py::bytes(delta.text, delta.length)));
    }
    return list;
  }

  inlay_reply* raw_ = nullptr;
};

py::list format_names() {
  py::list names;
  for (uint32_t i = 0; inlay_reply_format_name(i); ++i) names.append(inlay_reply_format_name(i));
  return names;
}

}  // namespace

void add_chat(py::module_& module) {
  py::class_<Prompt>(module, "Prompt")
      .def("text", &Prompt::text)
      .def("segments", &Prompt::segments)
      .def("encode", &Prompt::encode);
  py::class_<Chat>(module, "Chat")
      .def(py::init<const Model*, const Bytes&, const Bytes&, bool>())
      .def("render", &Chat::render);
  py::class_<Reply>(module, "Reply")
      .def(py::init<const Chat*, const std::optional<std::string>&, const Prompt*>())
      .def("push", &Reply::push)
      .def("finish", &Reply::finish)
      .def("format", &Reply::format);
  module.def("reply_formats", &format_names);
}

}  // namespace inlay_python
