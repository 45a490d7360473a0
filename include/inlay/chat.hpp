/// chat.hpp - conversations: messages to a prompt with the model's own template, and the reply's
/// reasoning and tool calls told apart.
///
///     inlay::Chat chat = inlay::Chat::open(model).value();
///     inlay::Prompt prompt = chat.render({{"system", "Be brief."}, {"user", "Hello!"}}).value();
///     auto ids = prompt.encode(model.tokenizer()).value();      // feed these
///
///     inlay::Reply reply = chat.reply(prompt).value();
///     reply.push(text);                                         // for each piece of the answer
///     reply.finish();
///     reply.message().content, .reasoning, .tool_calls
#ifndef INLAY_CHAT_HPP
#define INLAY_CHAT_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inlay/host.hpp"
#include "inlay/model.hpp"
#include "inlay/result.hpp"
#include "inlay/tokenizer.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// A call of a function by the model.
struct ToolCall {
  std::string name;
  std::string arguments;  ///< a JSON object
  std::string id;         ///< of the host's choice; "": none
};

/// One turn of a conversation.
struct Message {
  std::string role;  ///< "system", "user", "assistant", "tool" ...: of the host, never of a user
  std::string content;
  std::string reasoning{};              ///< of an assistant; "": none
  std::vector<ToolCall> tool_calls{};   ///< of an assistant
  std::string name{};                   ///< of the tool whose result this is; "": none
  std::string tool_call_id{};           ///< whose result this is; "": none
};

/// Year 0: none.
using Date = inlay_date;
/// A stretch of a prompt: of the template, or of a value; see inlay.h.
using Segment = inlay_segment;

struct ChatOptions {
  std::string_view name{};      ///< a named template of the model; "": its only or default one
  std::string_view text{};      ///< a template instead of the model's
  bool no_trim = false;         ///< Jinja's trim_blocks and lstrip_blocks off
  const Host* host = nullptr;   ///< whose memory is used; nullptr: the model's
  std::uint64_t value_bytes = 0, output_bytes = 0, steps = 0;  ///< limits; 0: the defaults of inlay.h
};

struct RenderOptions {
  bool generation_prompt = true;  ///< the text ends where the answer begins
  std::string_view tools{};       ///< JSON array of tools; "": none
  std::string_view variables{};   ///< JSON object of more variables; "": none
  Date date{};                    ///< for templates that ask for the date
};

/// A rendered prompt.
class Prompt {
 public:
  Prompt() = default;
  Prompt(Prompt&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Prompt& operator=(Prompt&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Prompt() { inlay_prompt_close(raw_); }

  const inlay_prompt* raw() const noexcept { return raw_; }
  /// Lives as long as the prompt.
  std::string_view text() const noexcept {
    const char* text = nullptr;
    std::size_t length = 0;
    return inlay_prompt_get(raw_, &text, &length, nullptr, nullptr) == INLAY_OK
               ? std::string_view(text, length)
               : std::string_view();
  }
  /// Where its bytes come from.
  std::span<const Segment> segments() const noexcept {
    const char* text = nullptr;
    std::size_t length = 0, count = 0;
    const Segment* segments = nullptr;
    if (inlay_prompt_get(raw_, &text, &length, &segments, &count) != INLAY_OK) return {};
    return {segments, count};
  }
  /// Its ids, of the bytes from `from` on: control tokens are found in bytes of the template only.
  /// Errors as Tokenizer::encode.
  Result<std::vector<std::int32_t>> encode(Tokenizer tokenizer, std::size_t from = 0) const {
    std::vector<std::int32_t> ids(text().size() / 2 + 8);
    std::size_t count = 0;
    const auto call = [&](Error& error) {
      return inlay_tokenizer_encode_prompt(tokenizer.raw(), raw_, from, ids.data(), ids.size(),
                                           &count, error.raw());
    };
    Error error;
    if (call(error) == INLAY_ERROR_LIMIT && count > ids.size()) {
      ids.resize(count);
      error = {};
      error.set(call(error));
    }
    if (is_error(error.status())) return error;
    ids.resize(count);
    return ids;
  }

 private:
  friend class Chat;
  inlay_prompt* raw_ = nullptr;
};

/// A piece of news of a reply; text is valid until the next push.
struct ReplyDelta {
  enum class Kind : std::uint32_t {
    none = 0,
    content = INLAY_DELTA_CONTENT,
    reasoning = INLAY_DELTA_REASONING,
    call = INLAY_DELTA_CALL,            ///< text is the tool's name
    arguments = INLAY_DELTA_ARGUMENTS,  ///< text is more of its arguments, JSON
    call_end = INLAY_DELTA_CALL_END
  };
  Kind kind = Kind::none;
  std::uint32_t call = 0;  ///< which call
  std::string_view text{};
};

/// A reply while it comes. One owner.
class Reply {
 public:
  Reply() = default;
  Reply(Reply&& other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)), message_(std::move(other.message_)) {}
  Reply& operator=(Reply&& other) noexcept {
    std::swap(raw_, other.raw_);
    std::swap(message_, other.message_);
    return *this;
  }
  ~Reply() { inlay_reply_close(raw_); }

  /// Of a format by its name; see inlay_reply_format_name. Errors: argument, memory.
  static Result<Reply> open(const char* format) { return open(nullptr, format, nullptr); }
  static Result<Reply> open(const inlay_chat* chat, const char* format,
                            const inlay_prompt* prompt) {
    Reply reply;
    Error error;
    error.set(inlay_reply_open(chat, format, prompt, &reply.raw_, error.raw()));
    if (is_error(error.status())) return error;
    reply.message_.role = "assistant";
    return reply;
  }

  const char* format() const noexcept { return inlay_reply_format(raw_); }
  /// More bytes, with the text of control tokens (Tokenizer::decode with special). `on_delta`
  /// gets each ReplyDelta. Errors: limit, memory, state.
  template <class OnDelta>
  Result<void> push(std::string_view text, OnDelta&& on_delta) {
    Error error;
    if (!error.set(inlay_reply_push(raw_, text.data(), text.size(), error.raw()))) take(on_delta);
    return error;
  }
  Result<void> push(std::string_view text) {
    return push(text, [](const ReplyDelta&) {});
  }
  /// The end of the reply.
  template <class OnDelta>
  Result<void> finish(OnDelta&& on_delta) {
    Error error;
    if (!error.set(inlay_reply_finish(raw_, error.raw()))) take(on_delta);
    return error;
  }
  Result<void> finish() {
    return finish([](const ReplyDelta&) {});
  }
  /// All that was told so far, as a turn for the next render.
  const Message& message() const noexcept { return message_; }

 private:
  template <class OnDelta>
  void take(OnDelta&& on_delta) {
    inlay_delta raw{};
    for (raw.struct_size = sizeof raw; inlay_reply_next(raw_, &raw) == INLAY_OK;) {
      const ReplyDelta delta{static_cast<ReplyDelta::Kind>(raw.kind), raw.call,
                             {raw.text, raw.length}};
      note(delta);
      on_delta(delta);
    }
  }
  void note(const ReplyDelta& delta) {
    switch (delta.kind) {
      case ReplyDelta::Kind::content: message_.content += delta.text; break;
      case ReplyDelta::Kind::reasoning: message_.reasoning += delta.text; break;
      case ReplyDelta::Kind::call:
        message_.tool_calls.push_back({std::string(delta.text), "", ""});
        break;
      case ReplyDelta::Kind::arguments:
        message_.tool_calls[delta.call].arguments += delta.text;
        break;
      default: break;
    }
  }

  inlay_reply* raw_ = nullptr;
  Message message_;
};

/// A compiled chat template. Any number of threads may render. It needs no model once open.
class Chat {
 public:
  Chat() = default;
  Chat(Chat&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Chat& operator=(Chat&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Chat() { inlay_chat_close(raw_); }

  /// The template of a model. Errors: unsupported (it has none, or none of that name), format with
  /// line and tag, limit, memory.
  static Result<Chat> open(const Model& model, const ChatOptions& options = {}) {
    return open(model.raw(), options);
  }
  /// A template from options.text, without a model.
  static Result<Chat> open(const ChatOptions& options) { return open(nullptr, options); }

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  const inlay_chat* raw() const noexcept { return raw_; }

  /// Errors: argument (the template refuses the messages, or asks for the date), format, limit,
  /// memory.
  Result<Prompt> render(std::span<const Message> messages, const RenderOptions& options = {}) const {
    std::vector<std::string> calls;
    std::vector<inlay_message> raw;
    calls.reserve(messages.size());
    raw.reserve(messages.size());
    for (const Message& m : messages) {
      calls.push_back(calls_json(m.tool_calls));
      raw.push_back(to_raw(m, calls.back()));
    }
    inlay_chat_input input = input_of(options);
    static const inlay_message nobody{};
    input.messages = raw.empty() ? &nobody : raw.data();
    input.message_count = raw.size();
    return render(input);
  }
  Result<Prompt> render(std::initializer_list<Message> messages,
                        const RenderOptions& options = {}) const {
    return render(std::span<const Message>(messages.begin(), messages.size()), options);
  }
  /// Messages as a JSON array, with any fields; "" with options.variables alone.
  Result<Prompt> render_json(std::string_view messages, const RenderOptions& options = {}) const {
    inlay_chat_input input = input_of(options);
    if (!messages.empty()) input.messages_json = messages.data();
    input.messages_json_length = messages.size();
    return render(input);
  }
  Result<Prompt> render(const inlay_chat_input& input) const {
    Prompt prompt;
    Error error;
    if (error.set(inlay_chat_render(raw_, &input, &prompt.raw_, error.raw()))) return error;
    return prompt;
  }

  /// A reader of the reply to this prompt, in the format of the template or the one named.
  Result<Reply> reply(const Prompt& prompt, const char* format = nullptr) const {
    return Reply::open(raw_, format, prompt.raw());
  }

 private:
  static Result<Chat> open(const inlay_model* model, const ChatOptions& options) {
    inlay_chat_options raw;
    inlay_chat_options_defaults(&raw);
    raw.flags = options.no_trim ? std::uint32_t{INLAY_CHAT_NO_TRIM} : 0;
    raw.host = options.host ? options.host->raw() : nullptr;
    raw.name = options.name.data();
    raw.name_length = options.name.size();
    raw.text = options.text.data();
    raw.text_length = options.text.size();
    raw.value_bytes = options.value_bytes;
    raw.output_bytes = options.output_bytes;
    raw.steps = options.steps;
    Chat chat;
    Error error;
    if (error.set(inlay_chat_open(model, &raw, &chat.raw_, error.raw()))) return error;
    return chat;
  }

  static inlay_chat_input input_of(const RenderOptions& options) {
    inlay_chat_input input;
    inlay_chat_input_defaults(&input);
    input.generation_prompt = options.generation_prompt;
    if (!options.tools.empty()) input.tools = options.tools.data();
    input.tools_length = options.tools.size();
    if (!options.variables.empty()) input.variables = options.variables.data();
    input.variables_length = options.variables.size();
    input.date = options.date;
    return input;
  }

  static inlay_message to_raw(const Message& m, const std::string& calls) {
    inlay_message raw{};
    const auto set = [](const char*& text, std::size_t& length, const std::string& from,
                        bool always) {
      if (from.empty() && !always) return;
      text = from.data();
      length = from.size();
    };
    set(raw.role, raw.role_length, m.role, true);
    set(raw.content, raw.content_length, m.content, true);
    set(raw.reasoning, raw.reasoning_length, m.reasoning, false);
    set(raw.tool_calls, raw.tool_calls_length, calls, false);
    set(raw.name, raw.name_length, m.name, false);
    set(raw.tool_call_id, raw.tool_call_id_length, m.tool_call_id, false);
    return raw;
  }

  static void add_json(std::string& json, std::string_view text) {
    constexpr char digits[] = "0123456789abcdef";
    json += '"';
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') json += '\\';
      if (byte >= 0x20) {
        json += c;
      } else {
        json += "\\u00";
        json += digits[byte >> 4];
        json += digits[byte & 15];
      }
    }
    json += '"';
  }

  /// The form of OpenAI and transformers, with arguments as an object; "" for no calls.
  static std::string calls_json(const std::vector<ToolCall>& calls) {
    if (calls.empty()) return {};
    std::string json;
    for (const ToolCall& call : calls) {
      json += json.empty() ? "[{" : ",{";
      if (!call.id.empty()) {
        json += "\"id\":";
        add_json(json, call.id);
        json += ',';
      }
      json += "\"type\":\"function\",\"function\":{\"name\":";
      add_json(json, call.name);
      json += ",\"arguments\":";
      json += call.arguments.empty() ? "{}" : call.arguments;
      json += "}}";
    }
    return json + ']';
  }

  inlay_chat* raw_ = nullptr;
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_CHAT_HPP
