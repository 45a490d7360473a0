// plain.cpp - replies without tool calls; what stands between <think> and </think> is reasoning.
#include "text/reply/blocks.h"

namespace inlay {
namespace {

constexpr BlockMarks marks{"<think>", "</think>", {}, {}};

bool fits(std::string_view) { return true; }
void step(Reply& reply, bool at_end) { step_blocks(reply, marks, at_end); }

}  // namespace

extern const ReplyFormat plain_replies;
const ReplyFormat plain_replies{"plain", fits, step};

}  // namespace inlay
