// blocks.h - replies whose reasoning and calls stand between marks: what most formats share.
#pragma once

#include <span>

#include "text/reply/reply.h"

namespace inlay {

// A call between marks. With name_end, the name stands between open and name_end and the value
// behind it is the arguments; without, the value is an object with a name and arguments, or an
// array of such.
struct CallMarks {
  std::string_view open;  // "": an object at the very start of the reply
  std::string_view name_end;
  std::string_view name_begin;  // what comes between open and the name
  std::string_view close;       // may be missing at the end of a reply
  std::string_view id_begin{};  // what comes between the name and an id, which is not told
};

struct BlockMarks {
  std::string_view think_open;  // "": no reasoning
  std::string_view think_close;
  std::span<const CallMarks> calls;
  std::span<const std::string_view> dropped;  // marks that are no text: ends of turns
};

void step_blocks(Reply& reply, const BlockMarks& marks, bool at_end);
// Whether the prompt ends with this mark, white space aside.
bool prompt_ends_with(const Reply& reply, std::string_view mark);
// A JSON value as the arguments of a call that was begun: tells what has come. True: it is whole.
// False with failed set: no value is there.
bool step_arguments(Reply& reply, bool& failed);

}  // namespace inlay
