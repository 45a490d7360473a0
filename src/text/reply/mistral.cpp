// mistral.cpp - Mistral: [TOOL_CALLS] and an array of calls, or name[ARGS]{...} in newer models,
// which may put [CALL_ID] and an id behind the name.
#include "text/reply/blocks.h"

namespace inlay {
namespace {

constexpr CallMarks arrays[] = {{"[TOOL_CALLS]", "", "", ""}};
constexpr CallMarks named[] = {{"[TOOL_CALLS]", "[ARGS]", "", "", "[CALL_ID]"}};
constexpr std::string_view dropped[] = {"</s>"};
constexpr BlockMarks array_marks{"[THINK]", "[/THINK]", arrays, dropped};
constexpr BlockMarks named_marks{"[THINK]", "[/THINK]", named, dropped};
constexpr std::size_t begun = 2;  // the state in which the call's mark is held

// Which of the two it is shows behind the mark.
bool is_array(Reply& reply) {
  const std::size_t at = reply.scan_from + reply.blanks(reply.scan_from);
  const std::string_view held = reply.held();
  return at >= held.size() || held[at] == '[' || held[at] == '{';
}

bool fits(std::string_view text) { return text.find("[TOOL_CALLS]") != std::string_view::npos; }

void step(Reply& reply, bool at_end) {
  if (reply.state <= begun) reply.note = reply.state < begun || is_array(reply);
  step_blocks(reply, reply.note ? array_marks : named_marks, at_end);
}

}  // namespace

extern const ReplyFormat mistral_replies;
const ReplyFormat mistral_replies{"mistral", fits, step};

}  // namespace inlay
