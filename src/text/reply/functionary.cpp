// functionary.cpp - Functionary 3.2: parts that begin with >>>, then "all" or a function's name,
// and a newline.
#include "text/reply/blocks.h"
#include "text/utf8.h"

namespace inlay {
namespace {

enum State : std::uint32_t { header, body, arguments, behind };
constexpr std::string_view part_mark = ">>>";
constexpr std::size_t longest_name = 256;

bool is_name(std::string_view text) {
  for (const char c : text) {
    if (c <= ' ') return false;
  }
  return !text.empty();
}

// The prompt ends with >>>, so the reply begins with a name.
void step_header(Reply& reply, bool at_end) {
  const std::string_view held = reply.held();
  const std::size_t mark = held.starts_with(part_mark) ? part_mark.size() : 0;
  const std::size_t newline = held.find('\n');
  if (newline == std::string_view::npos) {
    if (at_end || held.size() > longest_name) reply.state = body;
    return;
  }
  if (newline > longest_name) {
    reply.state = body;
    return;
  }
  const std::string_view name = slice(held, mark, newline);
  if (name == "all") {
    reply.drop(newline + 1);
    reply.state = body;
    return;
  }
  if (newline + 1 == held.size() && !at_end) return;
  const bool is_call = is_name(name) && newline + 1 < held.size() && held[newline + 1] == '{';
  reply.state = is_call ? arguments : body;
  if (!is_call) return;
  reply.begin_call(name);
  reply.drop(newline + 1);
  reply.scan.reset();
}

void step_body(Reply& reply, bool at_end) {
  constexpr std::string_view end_mark = "<|eot_id|>";
  std::size_t kept = 0, end_kept = 0;
  const std::size_t part = find_mark(reply.held(), part_mark, kept);
  const std::size_t end = find_mark(reply.held(), end_mark, end_kept);
  const std::size_t all = reply.held().size();
  if (part == std::string_view::npos && end == std::string_view::npos) {
    reply.tell(INLAY_DELTA_CONTENT, at_end ? all : all - (kept > end_kept ? kept : end_kept));
  } else if (end < part) {
    reply.tell(INLAY_DELTA_CONTENT, end);
    reply.drop(end_mark.size());
  } else if (part > 0) {
    reply.tell(INLAY_DELTA_CONTENT, part);
  } else {
    // A part's name is a line; without one the mark is text.
    const std::size_t newline = reply.held().find('\n');
    if (newline == std::string_view::npos && !at_end && all <= longest_name) return;
    const bool is_line = newline != std::string_view::npos && newline <= longest_name;
    const std::string_view name = is_line ? slice(reply.held(), 3, newline) : std::string_view();
    const bool unknown = is_line && name != "all" && newline + 1 == all && !at_end;
    if (unknown) return;
    const bool is_part =
        name == "all" || (is_name(name) && newline + 1 < all && reply.held()[newline + 1] == '{');
    if (is_part)
      reply.state = header;
    else
      reply.tell(INLAY_DELTA_CONTENT, part_mark.size());
  }
}

bool fits(std::string_view text) {
  return text.find(part_mark) != std::string_view::npos &&
         text.find("functions") != std::string_view::npos;
}

void step(Reply& reply, bool at_end) {
  bool failed = false;
  switch (reply.state) {
    case header: return step_header(reply, at_end);
    case body: return step_body(reply, at_end);
    default: break;
  }
  if (step_arguments(reply, failed))
    reply.state = body;
  else if (at_end)
    reply.drop(reply.held().size());
}

}  // namespace

extern const ReplyFormat functionary_replies;
const ReplyFormat functionary_replies{"functionary", fits, step};

}  // namespace inlay
