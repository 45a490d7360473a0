// blocks.cpp - reading replies with marks.
#include "text/reply/blocks.h"

#include "text/utf8.h"

namespace inlay {
namespace {

constexpr std::size_t longest_name = 256;  // bytes of a tool's name
constexpr std::size_t nowhere = std::string_view::npos;

// States: 0 at first, 1 between marks, then in the call of marks 2 + 4 n (+ 0 its begin, 1 its
// object, 2 its arguments, 3 behind a value).
constexpr std::uint32_t text_state = 1;
enum class Phase : std::uint32_t { begin, object, arguments, behind };
std::uint32_t call_state(std::size_t call, Phase phase) {
  return static_cast<std::uint32_t>(2 + 4 * call) + static_cast<std::uint32_t>(phase);
}

struct Found {
  std::size_t at = nowhere;
  std::size_t size = 0;
  enum class What : std::uint8_t {
    nothing,
    think_open,
    think_close,
    call,
    dropped
  } what = What::nothing;
  std::size_t call = 0;
};

// The first mark in the bytes held; of two at one place the longer. `kept`: bytes at the end that
// may begin one.
Found find_first(const Reply& reply, const BlockMarks& marks, std::size_t& kept) {
  Found first;
  kept = 0;
  const auto look = [&](std::string_view mark, Found::What what, std::size_t call) {
    if (mark.empty()) return;
    std::size_t held = 0;
    const std::size_t at = find_mark(reply.held(), mark, held);
    if (held > kept) kept = held;
    if (at < first.at || (at == first.at && at != nowhere && mark.size() > first.size)) {
      first = {at, mark.size(), what, call};
    }
  };
  look(reply.in_reasoning ? marks.think_close : marks.think_open,
       reply.in_reasoning ? Found::What::think_close : Found::What::think_open, 0);
  for (std::size_t i = 0; i < marks.calls.size() && !reply.in_reasoning; ++i) {
    look(marks.calls[i].open, Found::What::call, i);
  }
  for (const std::string_view mark : marks.dropped) look(mark, Found::What::dropped, 0);
  return first;
}

void step_text(Reply& reply, const BlockMarks& marks, bool at_end) {
  std::size_t kept = 0;
  const Found found = find_first(reply, marks, kept);
  const std::uint32_t kind = reply.in_reasoning ? INLAY_DELTA_REASONING : INLAY_DELTA_CONTENT;
  if (found.at == nowhere) {
    reply.tell(kind, at_end ? reply.held().size() : reply.held().size() - kept);
    return;
  }
  reply.tell(kind, found.at);
  switch (found.what) {
    case Found::What::think_open: reply.in_reasoning = true; break;
    case Found::What::think_close: reply.in_reasoning = false; break;
    case Found::What::call:
      reply.state = call_state(found.call, Phase::begin);
      reply.scan_from = found.size;  // the mark stays held: it may be text after all
      reply.scan.reset();
      return;
    default: break;
  }
  reply.drop(found.size);
}

// What looked like a call is text.
void give_up(Reply& reply, std::size_t count) {
  reply.tell(INLAY_DELTA_CONTENT, count < reply.held().size() ? count : reply.held().size());
  reply.state = text_state;
}

// The name between marks, or the place of an object.
void step_begin(Reply& reply, const CallMarks& marks, std::size_t call, bool at_end) {
  const std::string_view held = reply.held();
  std::string_view rest = slice(held, reply.scan_from, held.size());
  const std::size_t space = reply.blanks(reply.scan_from);
  rest.remove_prefix(space);
  if (rest.empty()) {
    if (at_end) give_up(reply, held.size());
    return;
  }
  if (marks.name_end.empty()) {
    reply.in_list = rest[0] == '[';
    if (reply.in_list) ++reply.scan_from;
    if (rest[0] != '{' && rest[0] != '[') return give_up(reply, reply.scan_from);
    reply.scan_from += space;
    reply.state = call_state(call, Phase::object);
    return;
  }
  if (!marks.name_begin.empty()) {
    const std::size_t size =
        marks.name_begin.size() < rest.size() ? marks.name_begin.size() : rest.size();
    if (slice(rest, 0, size) != slice(marks.name_begin, 0, size))
      return give_up(reply, reply.scan_from);
    if (size < marks.name_begin.size()) {
      if (at_end) give_up(reply, held.size());
      return;
    }
    rest.remove_prefix(size);
  }
  std::size_t kept = 0;
  const std::size_t end = find_mark(rest, marks.name_end, kept);
  const std::size_t name_size = end == nowhere ? rest.size() - kept : end;
  if (name_size > longest_name || (end == nowhere && at_end))
    return give_up(reply, reply.scan_from);
  if (end == nowhere) return;
  // Between the name and its value white space may come, and the value decides.
  const std::size_t value =
      static_cast<std::size_t>(rest.data() - held.data()) + end + marks.name_end.size();
  const std::string_view behind = slice(held, value, held.size());
  const std::size_t gap = reply.blanks(value, 1);
  if (gap == behind.size()) {
    if (at_end) give_up(reply, held.size());
    return;
  }
  if (behind[gap] != '{' && behind[gap] != '[') return give_up(reply, reply.scan_from);
  std::string_view name = slice(rest, 0, end);
  if (!marks.id_begin.empty()) name = name.substr(0, name.find(marks.id_begin));
  while (!name.empty() && is_blank(name.front())) name.remove_prefix(1);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  if (name.empty()) return give_up(reply, reply.scan_from);
  reply.begin_call(name);
  reply.drop(value + gap);
  reply.scan.reset();
  reply.state = call_state(call, Phase::arguments);
}

// A name in quotes without escapes.
bool read_name(std::string_view text, std::string_view& name) {
  if (text.size() < 3 || text[0] != '"' || text.find('\\') != nowhere) return false;
  name = slice(text, 1, text.size() - 1);
  return name.size() <= longest_name;
}

// true, false, null or a number.
bool is_scalar(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") return true;
  for (const char c : text) {
    if (!(c >= '0' && c <= '9') && std::string_view("+-.eE").find(c) == nowhere) return false;
  }
  return !text.empty() && (text[0] == '-' || (text[0] >= '0' && text[0] <= '9'));
}

// Without a mark before it only an object with arguments is a call.
void step_object(Reply& reply, const CallMarks& marks, std::size_t call, bool at_end) {
  const std::string_view object = slice(reply.held(), reply.scan_from, reply.held().size());
  JsonScan& scan = reply.scan;
  scan.run(object);
  bool has_arguments = scan.arguments_begin != 0;
  if (has_arguments && std::string_view("{[\"").find(object[scan.arguments_begin]) == nowhere) {
    has_arguments = scan.arguments.known() &&
                    is_scalar(slice(object, scan.arguments.begin, scan.arguments.end));
    if (scan.arguments.known() && !has_arguments)
      return give_up(reply, reply.scan_from + scan.at());
  }
  const bool is_whole = scan.done() && !scan.arguments_begin && !marks.open.empty();
  if (!reply.in_call && scan.name.known() && (has_arguments || is_whole)) {
    std::string_view name;
    if (!read_name(slice(object, scan.name.begin, scan.name.end), name)) {
      return give_up(reply, reply.scan_from + 1);
    }
    reply.begin_call(name);
  }
  if (!reply.in_call) {
    if (scan.bad() || scan.done() || at_end) give_up(reply, reply.scan_from + scan.at());
    return;
  }
  if (scan.arguments_begin) {
    const std::size_t end = scan.arguments.known() ? scan.arguments.end : scan.at();
    const std::size_t begin = scan.arguments_begin + reply.told;
    if (end > begin) reply.tell_text(INLAY_DELTA_ARGUMENTS, slice(object, begin, end));
    if (end > begin) reply.told += end - begin;
  }
  if (!scan.done() && !scan.bad() && !at_end) return;
  if (scan.done()) {
    if (!scan.arguments_begin) reply.tell_text(INLAY_DELTA_ARGUMENTS, "{}");
    reply.end_call();
  }
  reply.drop(reply.scan_from + scan.at());
  reply.in_call = false;
  reply.scan_from = 0;
  reply.state = call_state(call, Phase::behind);
}

// Behind a call: more objects of an array, the closing mark, or text.
void step_behind(Reply& reply, const CallMarks& marks, std::size_t call, bool at_end) {
  const std::string_view held = reply.held();
  const std::size_t at = reply.blanks(0);
  const std::string_view rest = slice(held, at, held.size());
  if (rest.empty()) {
    if (at_end) reply.drop(held.size()), reply.state = text_state;
    return;
  }
  if (reply.in_list && (rest[0] == ',' || rest[0] == ']')) {
    reply.in_list = rest[0] == ',';
    return reply.drop(at + 1);
  }
  if (marks.name_end.empty() && rest[0] == '{') {
    reply.drop(at);
    reply.scan.reset();
    reply.state = call_state(call, Phase::object);
    return;
  }
  if (!marks.close.empty() && !at_end && rest.size() < marks.close.size() &&
      marks.close.starts_with(rest))
    return;
  const bool closed = !marks.close.empty() && rest.starts_with(marks.close);
  reply.drop(closed ? at + marks.close.size() : at);
  reply.state = text_state;
}

}  // namespace

bool step_arguments(Reply& reply, bool& failed) {
  JsonScan& scan = reply.scan;
  scan.run(reply.held());
  if (scan.at() > reply.told) {
    reply.tell_text(INLAY_DELTA_ARGUMENTS, slice(reply.held(), reply.told, scan.at()));
    reply.told = scan.at();
  }
  failed = scan.bad();
  if (!scan.done() && !failed) return false;
  reply.drop(scan.at());
  reply.scan.reset();
  reply.told = 0;
  if (!failed) reply.end_call();
  reply.in_call = false;
  return true;
}

bool prompt_ends_with(const Reply& reply, std::string_view mark) {
  std::string_view end = reply.prompt_end();
  while (!end.empty() && is_blank(end.back())) end.remove_suffix(1);
  return !mark.empty() && end.ends_with(mark);
}

void step_blocks(Reply& reply, const BlockMarks& marks, bool at_end) {
  if (reply.state == 0) {
    reply.in_reasoning = prompt_ends_with(reply, marks.think_open);
    const std::size_t space = reply.blanks(0);
    if (space == reply.held().size() && !at_end) return;
    reply.state = text_state;
    for (std::size_t i = 0; i < marks.calls.size() && !reply.in_reasoning; ++i) {
      if (!marks.calls[i].open.empty() || space == reply.held().size() ||
          reply.held()[space] != '{')
        continue;
      reply.scan_from = space;
      reply.scan.reset();
      reply.state = call_state(i, Phase::object);
    }
    return;
  }
  if (reply.state == text_state) return step_text(reply, marks, at_end);
  const std::size_t call = (reply.state - 2) / 4;
  switch (static_cast<Phase>((reply.state - 2) % 4)) {
    case Phase::begin: return step_begin(reply, marks.calls[call], call, at_end);
    case Phase::object: return step_object(reply, marks.calls[call], call, at_end);
    case Phase::behind: return step_behind(reply, marks.calls[call], call, at_end);
    case Phase::arguments: {
      bool failed = false;
      if (step_arguments(reply, failed))
        reply.state = call_state(call, Phase::behind);
      else if (at_end)
        reply.drop(reply.held().size());
    }
  }
}

}  // namespace inlay
