// chat.h - a model's chat template with its special tokens, and the prompts it makes.
#pragma once

#include "engine/model.h"
#include "text/template/template.h"

namespace inlay {

// Text and segments of a rendered prompt, with an allocator of its own.
class Prompt {
 public:
  static Status create(const inlay_allocator& host, Prompt** prompt, Error& error);
  void close();

  Allocator& allocator() { return allocator_; }
  Status fill(const jinja::Rendered& rendered, Error& error);
  std::string_view text() const { return {text_.data(), text_.size()}; }
  std::span<const inlay_segment> segments() const { return segments_.span(); }

 private:
  explicit Prompt(const inlay_allocator& host)
      : allocator_(host), text_(allocator_), segments_(allocator_) {}
  ~Prompt() = default;

  Allocator allocator_;
  Array<char> text_;
  Array<inlay_segment> segments_;
};

class Chat {
 public:
  // `model` may be nullptr where options.text is given.
  static Status open(const Model* model, const inlay_chat_options& options, Chat** chat,
                     Error& error);
  void close();

  // Thread-safe.
  Status render(const inlay_chat_input& input, Prompt** prompt, Error& error) const;

  const inlay_allocator& host() const { return allocator_.host(); }
  std::string_view template_text() const { return {text_.data(), text_.size()}; }

 private:
  Chat(const inlay_allocator& host, const jinja::Limits& limits);
  ~Chat() = default;

  Status load(const Model* model, const inlay_chat_options& options, Error& error);
  Status find_text(const Model* model, const inlay_chat_options& options, std::string_view& text,
                   Error& error) const;
  Status load_specials(const Model& model, Error& error);

  mutable Allocator allocator_;
  Array<char> text_;
  Array<char> specials_[4];  // bos, eos, unk, pad; empty: none
  jinja::Template template_;
};

}  // namespace inlay
