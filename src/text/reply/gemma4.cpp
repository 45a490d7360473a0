// gemma4.cpp - Gemma 4: <|tool_call>call:name{key:<|"|>text<|"|>,n:3}<tool_call|>, told as JSON.
#include "text/reply/blocks.h"
#include "text/utf8.h"

namespace inlay {
namespace {

constexpr std::uint32_t text_state = 1, call_state = 2;  // of step_blocks; the call is read here
constexpr std::string_view open_mark = "<|tool_call>", close_mark = "<tool_call|>", quote = "<|\"|>";
constexpr std::string_view think_open = "<|channel>thought\n", think_close = "<channel|>";
constexpr std::string_view dropped[] = {"<turn|>"};
constexpr CallMarks calls[] = {{open_mark, "", "", ""}};
constexpr BlockMarks marks{think_open, think_close, calls, dropped};

bool is_word(char c) {
  return c == '_' || c == '-' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

void add_escaped(Reply& reply, std::string_view bytes) {
  for (const char c : bytes) {
    char escape[8];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      const char pair[2] = {'\\', c};
      reply.tell_text(INLAY_DELTA_ARGUMENTS, {pair, 2});
    } else if (byte < 0x20) {
      reply.tell_text(INLAY_DELTA_ARGUMENTS, {escape, print(escape, sizeof escape, "\\u{:04x}", static_cast<unsigned>(byte))});
    } else {
      reply.tell_text(INLAY_DELTA_ARGUMENTS, {&c, 1});
    }
  }
}

// The arguments as JSON: keys get quotes, the marks around texts become quotes.
void tell_arguments(Reply& reply, std::string_view body) {
  for (std::size_t at = 0; at < body.size();) {
    const std::string_view rest = slice(body, at, body.size());
    if (rest.starts_with(quote)) {
      const std::size_t end = body.find(quote, at + quote.size());
      const std::size_t stop = end == std::string_view::npos ? body.size() : end;
      reply.tell_text(INLAY_DELTA_ARGUMENTS, "\"");
      add_escaped(reply, slice(body, at + quote.size(), stop));
      reply.tell_text(INLAY_DELTA_ARGUMENTS, "\"");
      at = end == std::string_view::npos ? stop : stop + quote.size();
      continue;
    }
    std::size_t size = 0;
    while (size < rest.size() && is_word(rest[size])) ++size;
    const bool is_key = size && size < rest.size() && rest[size] == ':';
    if (is_key) reply.tell_text(INLAY_DELTA_ARGUMENTS, "\"");
    reply.tell_text(INLAY_DELTA_ARGUMENTS, slice(rest, 0, size ? size : 1));
    if (is_key) reply.tell_text(INLAY_DELTA_ARGUMENTS, "\"");
    at += size ? size : 1;
  }
}

// A call is told when it is whole: call:name{...}
void step_call(Reply& reply, bool at_end) {
  std::size_t kept = 0;
  const std::string_view held = reply.held();
  const std::string_view rest = slice(held, reply.scan_from, held.size());
  const std::size_t end = find_mark(rest, close_mark, kept);
  if (end == std::string_view::npos) {
    // Only bytes that are new are looked at next time.
    if (!at_end) {
      reply.scan_from += rest.size() - kept;
      return;
    }
    reply.tell(INLAY_DELTA_CONTENT, held.size());
    reply.state = text_state;
    return;
  }
  const std::size_t all = reply.scan_from + end;
  const std::string_view body = slice(held, open_mark.size(), all);
  constexpr std::string_view prefix = "call:";
  const std::size_t brace = body.find('{');
  const bool good = body.starts_with(prefix) && brace != std::string_view::npos &&
                    brace > prefix.size() && body.ends_with('}');
  reply.state = text_state;
  if (!good) return reply.tell(INLAY_DELTA_CONTENT, all + close_mark.size());
  reply.begin_call(slice(body, prefix.size(), brace));
  tell_arguments(reply, slice(body, brace, body.size()));
  reply.end_call();
  reply.drop(all + close_mark.size());
}

bool fits(std::string_view template_text) {
  return template_text.find(open_mark) != std::string_view::npos;
}

void step(Reply& reply, bool at_end) {
  if (reply.state == call_state) return step_call(reply, at_end);
  step_blocks(reply, marks, at_end);
}

}  // namespace

extern const ReplyFormat gemma4_replies;
const ReplyFormat gemma4_replies{"gemma4", fits, step};

}  // namespace inlay
