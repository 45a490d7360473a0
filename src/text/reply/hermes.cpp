// hermes.cpp - Hermes, Qwen and many others: <tool_call>{"name": ..., "arguments": ...}</tool_call>.
#include "text/reply/blocks.h"

namespace inlay {
namespace {

constexpr CallMarks calls[] = {{"<tool_call>", "", "", "</tool_call>"}};
constexpr std::string_view dropped[] = {"<|im_end|>", "<|endoftext|>"};
constexpr BlockMarks marks{"<think>", "</think>", calls, dropped};

bool fits(std::string_view text) { return text.find("<tool_call>") != std::string_view::npos; }
void step(Reply& reply, bool at_end) { step_blocks(reply, marks, at_end); }

}  // namespace

extern const ReplyFormat hermes_replies;
const ReplyFormat hermes_replies{"hermes", fits, step};

}  // namespace inlay
