// chat_api.cpp - C interface: chat templates, prompts and replies.
#include <algorithm>

#include "api/checks.h"
#include "api/handles.h"
#include "engine/chat.h"
#include "text/reply/reply.h"

using namespace inlay;

namespace {

Chat* unwrap(inlay_chat* chat) { return reinterpret_cast<Chat*>(chat); }
const Chat* unwrap(const inlay_chat* chat) { return reinterpret_cast<const Chat*>(chat); }
const Prompt* unwrap(const inlay_prompt* prompt) { return reinterpret_cast<const Prompt*>(prompt); }
Reply* unwrap(inlay_reply* reply) { return reinterpret_cast<Reply*>(reply); }

Status check_chat_options(const inlay_chat_options& options, Error& error) {
  INLAY_TRY(check_flags("chat options", options.flags, INLAY_CHAT_NO_TRIM, error));
  const bool no_name = !options.name && options.name_length;
  if (!no_name && (options.text || !options.text_length)) return Status::ok;
  return fail(error, Status::argument, "chat options: {} is NULL, its length is {}",
              no_name ? "name" : "text", no_name ? options.name_length : options.text_length);
}

Status check_chat_input(const inlay_chat_input& input, Error& error) {
  if (!input.messages && input.message_count) {
    return fail(error, Status::argument, "chat input: messages is NULL, message_count is {}",
                input.message_count);
  }
  const struct {
    const char* name;
    const void* text;
    std::size_t length;
  } texts[] = {{"messages_json", input.messages_json, input.messages_json_length},
               {"tools", input.tools, input.tools_length},
               {"variables", input.variables, input.variables_length}};
  for (const auto& [name, text, length] : texts) {
    if (text || !length) continue;
    return fail(error, Status::argument, "chat input: {} is NULL, its length is {}", name, length);
  }
  for (std::size_t i = 0; i < input.message_count; ++i) {
    const inlay_message& message = input.messages[i];
    if (message.tool_calls || !message.tool_calls_length) continue;
    return fail(error, Status::argument,
                "chat input: messages[{}].tool_calls is NULL, its length is {}", i,
                message.tool_calls_length);
  }
  if (input.messages && input.messages_json) {
    return fail(error, Status::argument, "chat input: both messages and messages_json are given");
  }
  return check_range("chat input", "generation_prompt", input.generation_prompt, 1, error);
}

}  // namespace

void inlay_chat_options_init(inlay_chat_options* options, size_t size) {
  give_options(inlay_chat_options{}, options, size);
}

inlay_status inlay_chat_open(const inlay_model* model, const inlay_chat_options* options,
                             inlay_chat** chat, inlay_error* error) {
  CallError call(error);
  if (!chat) return null_argument(call, "chat");
  inlay_chat_options own;
  inlay_chat_options_defaults(&own);
  inlay_host host;
  inlay_host_defaults(&host);
  Status status = copy_options(options, &own, "chat options", call);
  if (!is_error(status)) status = check_chat_options(own, call);
  if (!is_error(status) && own.host) {
    status = copy_options(own.host, &host, "host", call);
    own.host = &host;
  }
  Chat* opened = nullptr;
  if (!is_error(status)) status = Chat::open(unwrap(model), own, &opened, call);
  if (!is_error(status)) *chat = reinterpret_cast<inlay_chat*>(opened);
  return code(status);
}

void inlay_chat_close(inlay_chat* chat) {
  if (chat) unwrap(chat)->close();
}

void inlay_chat_input_init(inlay_chat_input* input, size_t size) {
  inlay_chat_input value{};
  value.generation_prompt = 1;
  give_options(value, input, size);
}

inlay_status inlay_chat_render(const inlay_chat* chat, const inlay_chat_input* input,
                               inlay_prompt** prompt, inlay_error* error) {
  CallError call(error);
  if (!chat) return null_argument(call, "chat");
  if (!input) return null_argument(call, "input");
  if (!prompt) return null_argument(call, "prompt");
  inlay_chat_input own;
  inlay_chat_input_defaults(&own);
  Status status = copy_options(input, &own, "chat input", call);
  if (!is_error(status)) status = check_chat_input(own, call);
  Prompt* rendered = nullptr;
  if (!is_error(status)) status = unwrap(chat)->render(own, &rendered, call);
  if (!is_error(status)) *prompt = reinterpret_cast<inlay_prompt*>(rendered);
  return code(status);
}

void inlay_prompt_close(inlay_prompt* prompt) {
  if (prompt) reinterpret_cast<Prompt*>(prompt)->close();
}

inlay_status inlay_prompt_get(const inlay_prompt* prompt, const char** text, size_t* length,
                              const inlay_segment** segments, size_t* count) {
  if (!prompt || !text || !length) return INLAY_ERROR_ARGUMENT;
  const Prompt& p = *unwrap(prompt);
  *text = p.text().data();
  *length = p.text().size();
  if (segments) *segments = p.segments().data();
  if (count) *count = p.segments().size();
  return INLAY_OK;
}

inlay_status inlay_tokenizer_encode_prompt(const inlay_tokenizer* tokenizer,
                                           const inlay_prompt* prompt, size_t from, int32_t* ids,
                                           size_t capacity, size_t* count, inlay_error* error) {
  CallError call(error);
  if (!tokenizer) return null_argument(call, "tokenizer");
  if (!prompt) return null_argument(call, "prompt");
  if (!ids && capacity) return null_argument(call, "ids");
  if (!count) return null_argument(call, "count");
  const Model& model = *model_of(tokenizer);
  Array<std::int32_t> result(model.allocator());
  const Prompt& p = *unwrap(prompt);
  if (from > p.text().size()) {
    return code(fail(call, Status::argument, "encode: from is {}, the prompt has {} bytes", from,
                     p.text().size()));
  }
  Array<inlay_segment> segments(model.allocator());
  for (inlay_segment segment : p.segments()) {
    if (segment.end <= from) continue;
    segment.end -= from;
    if (is_error(segments.push(segment))) return code(fail_memory(call, "encoding a prompt"));
  }
  const std::string_view text{p.text().data() + from, p.text().size() - from};
  const Status status = model.tokenizer()->encode(text, INLAY_ENCODE_PARSE_SPECIAL, result, call,
                                                  nullptr, segments.span());
  if (is_error(status)) return code(status);
  *count = result.size();
  if (capacity < result.size()) {
    return code(fail(call, Status::limit, "encode: {} ids needed, the buffer has {}", result.size(),
                     capacity));
  }
  std::copy(result.begin(), result.end(), ids);
  return INLAY_OK;
}

const char* inlay_reply_format_name(uint32_t index) { return reply_format_name(index); }

inlay_status inlay_reply_open(const inlay_chat* chat, const char* format,
                              const inlay_prompt* prompt, inlay_reply** reply, inlay_error* error) {
  CallError call(error);
  if (!reply) return null_argument(call, "reply");
  if (!chat && !format) return null_argument(call, "format");
  const inlay_allocator host = chat ? unwrap(chat)->host() : inlay_allocator{};
  Reply* opened = nullptr;
  const Status status =
      Reply::open(host, format ? format : std::string_view(),
                  chat ? unwrap(chat)->template_text() : std::string_view(),
                  prompt ? unwrap(prompt)->text() : std::string_view(), &opened, call);
  if (!is_error(status)) *reply = reinterpret_cast<inlay_reply*>(opened);
  return code(status);
}

void inlay_reply_close(inlay_reply* reply) {
  if (reply) unwrap(reply)->close();
}

inlay_status inlay_reply_push(inlay_reply* reply, const char* text, size_t length,
                              inlay_error* error) {
  CallError call(error);
  if (!reply) return null_argument(call, "reply");
  if (!text && length) return null_argument(call, "text");
  return code(unwrap(reply)->push({text ? text : "", length}, call));
}

inlay_status inlay_reply_finish(inlay_reply* reply, inlay_error* error) {
  CallError call(error);
  if (!reply) return null_argument(call, "reply");
  return code(unwrap(reply)->finish(call));
}

inlay_status inlay_reply_next(inlay_reply* reply, inlay_delta* delta) {
  if (!reply || !delta) return INLAY_ERROR_ARGUMENT;
  inlay_delta out{};
  if (!unwrap(reply)->next(out)) return INLAY_DONE;
  return give_struct(out, delta);
}

const char* inlay_reply_format(const inlay_reply* reply) {
  return reply ? reinterpret_cast<const Reply*>(reply)->format_name() : "";
}
