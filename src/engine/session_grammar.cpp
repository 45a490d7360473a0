// session_grammar.cpp - sequences whose text has a grammar: set, and jumped along.
#include <algorithm>

#include "base/diagnostics.h"
#include "engine/busy_guard.h"
#include "engine/session.h"

namespace inlay {
namespace {

constexpr std::size_t max_forced_bytes = 4096;

}  // namespace

Status Session::constrain(std::uint64_t sequence, BoundGrammar* grammar,
                          const grammar::Trigger& trigger, std::uint32_t first, Error& error) {
  const BusyGuard guard(busy_);
  if (!guard) return guard.refuse(error);
  Sequence* s = find(sequence);
  if (!s) return not_alive(sequence, error);
  if (!grammar) {
    s->watch.end();
    return Status::ok;
  }
  if (grammar->model() != &model_) {
    return fail(error, Status::argument,
                "constrain: the grammar was compiled for {}, not for the session's model",
                grammar->model() ? "another model" : "text alone");
  }
  if (first == UINT32_MAX) first = s->length();
  if (first > s->length()) {
    return fail(error, Status::argument, "constrain: from token {}, the sequence has {}", first,
                s->length());
  }
  return s->watch.begin(*grammar, trigger, model_.program().vocabulary, s->tokens(), first, error);
}

// The tokens of the forced text, as the tokenizer would have written them behind the last token;
// the last of them is left out, since what follows may want to be one token with it.
Status Session::forced_ids(Sequence& s, Array<std::int32_t>& ids, Error& error) {
  const Tokenizer& tokenizer = *model_.tokenizer();
  char text[max_forced_bytes];
  ids.clear();
  if (s.length() == 0) return Status::ok;
  const std::int32_t last = s.ids[s.length() - 1];
  if (!grammar::is_text_token(tokenizer, last)) return Status::ok;
  std::string_view piece = tokenizer.piece(last);
  if (tokenizer.adds_space() && piece[0] == ' ') piece = {piece.data() + 1, piece.size() - 1};
  if (piece.size() >= sizeof text) return Status::ok;
  std::copy(piece.begin(), piece.end(), text);
  const std::size_t forced =
      s.watch.forced(s.tokens(), {text + piece.size(), sizeof text - piece.size()}, error);
  if (forced == 0) return Status::ok;
  INLAY_TRY(tokenizer.encode({text, piece.size() + forced}, 0, ids, error));
  if (ids.size() < 3 || ids[0] != last) {
    ids.clear();
    return Status::ok;
  }
  std::copy(ids.begin() + 1, ids.end() - 1, ids.begin());
  return ids.resize(ids.size() - 2);
}

Status Session::jump(std::uint64_t sequence, std::span<std::int32_t> out, std::size_t* count,
                     Error& error) {
  *count = 0;
  Array<std::int32_t> ids(model_.allocator());
  {
    const BusyGuard guard(busy_);
    if (!guard) return guard.refuse(error);
    Sequence* s = find(sequence);
    if (!s) return not_alive(sequence, error);
    if (!s->watch || !s->conduct.sampling) return Status::ok;
    INLAY_TRY(forced_ids(*s, ids, error));
    const std::uint64_t most = std::min<std::uint64_t>(
        {out.size(), s->conduct.tokens_left - 1, shape_.context - s->length()});
    if (ids.size() > most) INLAY_TRY(ids.resize(most));
    if (ids.empty()) return Status::ok;
  }
  INLAY_TRY(feed(sequence, ids.span(), 0, error));
  Sequence* s = find(sequence);
  if (s && s->conduct.tokens_left != UINT64_MAX) s->conduct.tokens_left -= ids.size();
  std::copy(ids.begin(), ids.end(), out.begin());
  *count = ids.size();
  return Status::ok;
}

}  // namespace inlay
