// chat.cpp - finds a model's template and renders it.
#include "engine/chat.h"

#include "engine/chat_variables.h"

namespace inlay {
namespace {

// An object with its own allocator lies in memory of the host.
template <class T>
void* take_block(const inlay_allocator& host) {
  const Allocator allocator(host);
  return allocator.host().allocate(allocator.host().user, sizeof(T), default_alignment);
}

template <class T>
void give_block(const inlay_allocator& host, T* object) {
  host.release(host.user, object, sizeof(T), default_alignment);
}

jinja::Limits limits_of(const inlay_chat_options& options) {
  jinja::Limits limits;
  if (options.value_bytes) limits.value_bytes = options.value_bytes;
  if (options.output_bytes) limits.output_bytes = options.output_bytes;
  if (options.steps) limits.steps = options.steps;
  return limits;
}

}  // namespace

Status Prompt::create(const inlay_allocator& host, Prompt** prompt, Error& error) {
  void* block = take_block<Prompt>(host);
  if (!block) return fail_memory(error, "prompt");
  *prompt = new (block) Prompt(host);
  return Status::ok;
}

void Prompt::close() {
  const inlay_allocator host = allocator_.host();
  this->~Prompt();
  give_block(host, this);
}

Status Prompt::fill(const jinja::Rendered& rendered, Error& error) {
  if (is_error(text_.append(rendered.text.span())) ||
      is_error(segments_.reserve(rendered.runs.size()))) {
    return fail_memory(error, "prompt");
  }
  for (const jinja::Run& run : rendered.runs) {
    const inlay_segment segment{run.end, run.origin == jinja::Origin::input, 0};
    if (is_error(segments_.push(segment))) return fail_memory(error, "prompt");
  }
  return Status::ok;
}

Chat::Chat(const inlay_allocator& host, const jinja::Limits& limits)
    : allocator_(host), text_(allocator_), template_(allocator_, limits) {
  for (Array<char>& special : specials_) special = Array<char>(allocator_);
}

Status Chat::open(const Model* model, const inlay_chat_options& options, Chat** chat,
                  Error& error) {
  inlay_allocator host{};
  if (model) host = model->host().allocator;
  if (options.host) host = options.host->allocator;
  void* block = take_block<Chat>(host);
  if (!block) return fail_memory(error, "chat template");
  auto* opened = new (block) Chat(host, limits_of(options));
  if (const Status s = opened->load(model, options, error); is_error(s)) {
    opened->close();
    return s;
  }
  *chat = opened;
  return Status::ok;
}

void Chat::close() {
  const inlay_allocator host = allocator_.host();
  this->~Chat();
  give_block(host, this);
}

// The template that is asked for; never another one.
Status Chat::find_text(const Model* model, const inlay_chat_options& options,
                       std::string_view& text, Error& error) const {
  if (options.text) {
    text = {options.text, options.text_length};
    return Status::ok;
  }
  if (!model) return fail(error, Status::argument, "chat: neither a model nor a template's text");
  const std::string_view name{options.name ? options.name : "", options.name_length};
  char key[128] = "tokenizer.chat_template";
  std::size_t size = 23;
  if (!name.empty()) size = print(key, sizeof key, "tokenizer.chat_template.{}", Shown(name));
  const std::string_view file = model->manifest().file();
  if (size < sizeof key && model->manifest().find({key, size})) {
    return model->manifest().get({key, size}, text, error);
  }
  return fail(error, Status::unsupported, "{}: the model has no chat template ({})", Shown(file),
              Shown({key, size < sizeof key ? size : sizeof key - 1}));
}

Status Chat::load_specials(const Model& model, Error& error) {
  const Tokenizer* tokenizer = model.tokenizer();
  if (!tokenizer) return Status::ok;
  const std::int32_t ids[] = {tokenizer->bos(), tokenizer->eos(), tokenizer->unknown(),
                              tokenizer->padding()};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string_view piece = tokenizer->piece(ids[i]);
    if (is_error(specials_[i].append({piece.data(), piece.size()}))) {
      return fail_memory(error, "chat template");
    }
  }
  return Status::ok;
}

Status Chat::load(const Model* model, const inlay_chat_options& options, Error& error) {
  std::string_view text;
  INLAY_TRY(find_text(model, options, text, error));
  if (is_error(text_.append({text.data(), text.size()}))) {
    return fail_memory(error, "chat template");
  }
  if (model) INLAY_TRY(load_specials(*model, error));
  const bool trims = !(options.flags & INLAY_CHAT_NO_TRIM);
  return template_.compile(template_text(), {trims, trims}, error);
}

Status Chat::render(const inlay_chat_input& input, Prompt** prompt, Error& error) const {
  jinja::Variables variables(allocator_, template_.limits());
  const std::string_view specials[] = {{specials_[0].data(), specials_[0].size()},
                                       {specials_[1].data(), specials_[1].size()},
                                       {specials_[2].data(), specials_[2].size()},
                                       {specials_[3].data(), specials_[3].size()}};
  INLAY_TRY(add_chat_variables(input, specials, variables, error));
  const jinja::Moment now{input.date.year, input.date.month,  input.date.day,
                          input.date.hour, input.date.minute, input.date.second};
  jinja::Rendered rendered(allocator_);
  INLAY_TRY(template_.render(variables, now, rendered, error));
  Prompt* made = nullptr;
  INLAY_TRY(Prompt::create(allocator_.host(), &made, error));
  if (const Status s = made->fill(rendered, error); is_error(s)) {
    made->close();
    return s;
  }
  *prompt = made;
  return Status::ok;
}

}  // namespace inlay
