// harmony.cpp - gpt-oss: messages with a header, <|channel|>analysis<|message|>...<|end|>; one with
// a recipient is a tool call.
#include "text/reply/blocks.h"
#include "text/utf8.h"

namespace inlay {
namespace {

enum State : std::uint32_t { header, body, arguments, between };
constexpr std::size_t longest_header = 1024;
constexpr std::string_view message_mark = "<|message|>";
constexpr std::string_view start_mark = "<|start|>";
constexpr std::string_view ends[] = {"<|end|>", "<|call|>", "<|return|>", start_mark};

bool has(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

// "to=functions.name" in the header; empty: no recipient.
std::string_view recipient(std::string_view text) {
  const std::size_t at = text.find("to=");
  if (at == std::string_view::npos) return {};
  std::size_t end = at + 3;
  while (end < text.size() && text[end] != ' ' && text[end] != '<') ++end;
  std::string_view name = slice(text, at + 3, end);
  constexpr std::string_view space = "functions.";
  if (name.starts_with(space)) name.remove_prefix(space.size());
  return name;
}

// What a header begins with; `open`: more bytes must come to say.
bool begins_header(std::string_view held, bool& open) {
  open = false;
  for (const std::string_view begin : {std::string_view("<|channel|>"), std::string_view(" to=")}) {
    if (held.starts_with(begin)) return true;
    open |= begin.starts_with(held);
  }
  return false;
}

void step_header(Reply& reply, bool at_end) {
  std::size_t kept = 0;
  const std::string_view held = reply.held();
  bool open = false;
  if (!begins_header(held, open)) {
    if (!open || at_end) reply.state = body;
    return;
  }
  const std::size_t end = find_mark(held, message_mark, kept);
  const bool found = end != std::string_view::npos;
  if ((found ? end : held.size() - kept) > longest_header || (!found && at_end)) reply.state = body;
  if (!found || reply.state == body) return;
  const std::string_view text = slice(held, 0, end);
  const std::string_view name = recipient(text);
  reply.in_reasoning = has(text, "analysis") && name.empty();
  reply.state = body;
  if (!name.empty()) {
    reply.begin_call(name);
    reply.scan.reset();
    reply.state = arguments;
  }
  reply.drop(end + message_mark.size());
}

// Text until the first mark that ends a message.
void step_body(Reply& reply, bool at_end) {
  std::size_t first = std::string_view::npos, most_kept = 0, size = 0;
  for (const std::string_view mark : ends) {
    std::size_t kept = 0;
    const std::size_t at = find_mark(reply.held(), mark, kept);
    if (kept > most_kept) most_kept = kept;
    if (at >= first) continue;
    first = at;
    size = mark.size();
    reply.note = mark == start_mark;
  }
  const bool found = first != std::string_view::npos;
  const std::size_t all = reply.held().size();
  reply.tell(reply.in_reasoning ? INLAY_DELTA_REASONING : INLAY_DELTA_CONTENT,
             found    ? first
             : at_end ? all
                      : all - most_kept);
  if (!found) return;
  reply.drop(size);
  reply.in_reasoning = false;
  reply.state = between;
}

// Behind the end of a message: another header, which begins with <|start|>.
void step_between(Reply& reply, bool at_end) {
  constexpr std::string_view start = "<|start|>assistant", channel = "<|channel|>";
  const std::string_view held = reply.held();
  if (held.starts_with(start)) {
    reply.drop(start.size());
    reply.state = header;
  } else if (reply.note && held.starts_with("assistant")) {  // <|start|> was the end
    reply.drop(9);
    reply.state = header;
  } else if (!at_end && (start.starts_with(held) || channel.starts_with(held) ||
                         (reply.note && std::string_view("assistant").starts_with(held)))) {
    return;
  } else {
    reply.state = held.starts_with(channel) ? header : body;
  }
}

bool fits(std::string_view text) { return has(text, "<|channel|>") && has(text, message_mark); }

void step(Reply& reply, bool at_end) {
  bool failed = false;
  switch (reply.state) {
    case header: return step_header(reply, at_end);
    case body: return step_body(reply, at_end);
    case between: return step_between(reply, at_end);
    default: break;
  }
  if (step_arguments(reply, failed))
    reply.state = body;
  else if (at_end)
    reply.drop(reply.held().size());
}

}  // namespace

extern const ReplyFormat harmony_replies;
const ReplyFormat harmony_replies{"harmony", fits, step};

}  // namespace inlay
