// functionary31.cpp - Functionary 3.1: <function=name>{...}</function>.
#include "text/reply/blocks.h"

namespace inlay {
namespace {

constexpr CallMarks calls[] = {{"<function=", ">", "", "</function>"}};
constexpr std::string_view dropped[] = {"<|eot_id|>", "<|eom_id|>"};
constexpr BlockMarks marks{"", "", calls, dropped};

bool fits(std::string_view text) {
  return text.find("<function=") != std::string_view::npos &&
         text.find("<tool_call>") == std::string_view::npos;
}
void step(Reply& reply, bool at_end) { step_blocks(reply, marks, at_end); }

}  // namespace

extern const ReplyFormat functionary31_replies;
const ReplyFormat functionary31_replies{"functionary3.1", fits, step};

}  // namespace inlay
