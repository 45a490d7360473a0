// llama3.cpp - Llama 3: the whole reply is {"name": ..., "parameters": ...}, perhaps behind
// <|python_tag|>.
#include "text/reply/blocks.h"

namespace inlay {
namespace {

constexpr CallMarks calls[] = {{"", "", "", ""}, {"<|python_tag|>", "", "", ""}};
constexpr std::string_view dropped[] = {"<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"};
constexpr BlockMarks marks{"", "", calls, dropped};

bool fits(std::string_view text) {
  return text.find("<|start_header_id|>") != std::string_view::npos &&
         text.find("parameters") != std::string_view::npos;
}
void step(Reply& reply, bool at_end) { step_blocks(reply, marks, at_end); }

}  // namespace

extern const ReplyFormat llama3_replies;
const ReplyFormat llama3_replies{"llama3", fits, step};

}  // namespace inlay
