// deepseek.cpp - DeepSeek V3 and R1: <｜tool▁calls▁begin｜> and calls with their type, or from V3.1
// on with their name, before <｜tool▁sep｜>.
#include "text/reply/blocks.h"

namespace inlay {
namespace {

#define BAR "\xef\xbd\x9c"
#define BLANK "\xe2\x96\x81"
constexpr CallMarks calls[] = {{"<" BAR "tool" BLANK "call" BLANK "begin" BAR ">", "\n```json\n",
                                "function<" BAR "tool" BLANK "sep" BAR ">",
                                "```<" BAR "tool" BLANK "call" BLANK "end" BAR ">"}};
constexpr CallMarks named_calls[] = {{"<" BAR "tool" BLANK "call" BLANK "begin" BAR ">",
                                      "<" BAR "tool" BLANK "sep" BAR ">", "",
                                      "<" BAR "tool" BLANK "call" BLANK "end" BAR ">"}};
constexpr std::string_view dropped[] = {"<" BAR "tool" BLANK "calls" BLANK "begin" BAR ">",
                                        "<" BAR "tool" BLANK "calls" BLANK "end" BAR ">",
                                        "<" BAR "end" BLANK "of" BLANK "sentence" BAR ">"};
constexpr BlockMarks marks{"<think>", "</think>", calls, dropped};
constexpr BlockMarks named_marks{"<think>", "</think>", named_calls, dropped};
constexpr std::string_view typed = "function<" BAR "tool" BLANK "sep" BAR ">";
#undef BAR
#undef BLANK
constexpr std::uint32_t begun = 2;  // the state in which the call's mark is held

// Whether the call begins with its type, as far as it has come.
bool is_typed(const Reply& reply) {
  std::string_view rest = reply.held();
  rest.remove_prefix(reply.scan_from < rest.size() ? reply.scan_from : rest.size());
  return rest.size() < typed.size() ? typed.starts_with(rest) : rest.starts_with(typed);
}

bool fits(std::string_view text) {
  return text.find(named_calls[0].open) != std::string_view::npos;
}

void step(Reply& reply, bool at_end) {
  if (reply.state <= begun) reply.note = reply.state < begun || is_typed(reply);
  step_blocks(reply, reply.note ? marks : named_marks, at_end);
}

}  // namespace

extern const ReplyFormat deepseek_replies;
const ReplyFormat deepseek_replies{"deepseek", fits, step};

}  // namespace inlay
