// grammar_api.cpp - C interface: grammars, matchers, sequences that follow a grammar.
#include "api/checks.h"
#include "api/handles.h"
#include "engine/grammar_matcher.h"

using namespace inlay;

namespace {

GrammarMatcher& open(inlay_matcher* matcher) { return *reinterpret_cast<GrammarMatcher*>(matcher); }
const GrammarMatcher& open(const inlay_matcher* matcher) {
  return *reinterpret_cast<const GrammarMatcher*>(matcher);
}

Status compile(std::uint32_t language, std::string_view text, inlay_model* model,
               const inlay_host* given, inlay_grammar** grammar, Error& error) {
  inlay_host host;
  inlay_host_defaults(&host);
  INLAY_TRY(copy_options(given, &host, "host", error));
  if (!host.allocator.allocate != !host.allocator.release) {
    return fail(error, Status::argument, "host: allocate and release come together");
  }
  BoundGrammar* made = nullptr;
  INLAY_TRY(BoundGrammar::compile(language, text, unwrap(model), host, &made, error));
  *grammar = handle(made);
  return Status::ok;
}

}  // namespace

inlay_status inlay_grammar_compile(uint32_t language, const char* text, size_t length,
                                   inlay_model* model, const inlay_host* host,
                                   inlay_grammar** grammar, inlay_error* error) {
  CallError call(error);
  if (!text && length) return null_argument(call, "text");
  if (!grammar) return null_argument(call, "grammar");
  return code(compile(language, {text ? text : "", length}, model, host, grammar, call));
}

void inlay_grammar_retain(inlay_grammar* grammar) {
  if (grammar) unwrap(grammar)->retain();
}

void inlay_grammar_release(inlay_grammar* grammar) {
  if (grammar) unwrap(grammar)->release();
}

inlay_status inlay_matcher_new(inlay_grammar* grammar, inlay_matcher** matcher,
                               inlay_error* error) {
  CallError call(error);
  if (!grammar) return null_argument(call, "grammar");
  if (!matcher) return null_argument(call, "matcher");
  GrammarMatcher* made = nullptr;
  const Status status = GrammarMatcher::open(*unwrap(grammar), &made, call);
  if (!is_error(status)) *matcher = reinterpret_cast<inlay_matcher*>(made);
  return code(status);
}

void inlay_matcher_free(inlay_matcher* matcher) {
  if (matcher) open(matcher).close();
}

void inlay_matcher_reset(inlay_matcher* matcher) {
  if (matcher) open(matcher).matcher().reset();
}

inlay_status inlay_matcher_assign(inlay_matcher* matcher, const inlay_matcher* from) {
  if (!matcher || !from) return INLAY_ERROR_ARGUMENT;
  if (&open(matcher).grammar() != &open(from).grammar()) return INLAY_ERROR_ARGUMENT;
  if (matcher != from) open(matcher).matcher().copy_from(open(from).matcher());
  return INLAY_OK;
}

inlay_status inlay_matcher_accept_text(inlay_matcher* matcher, const char* text, size_t length,
                                       size_t* taken, inlay_error* error) {
  CallError call(error);
  if (!matcher) return null_argument(call, "matcher");
  if (!text && length) return null_argument(call, "text");
  if (!taken) return null_argument(call, "taken");
  return code(open(matcher).matcher().accept({text ? text : "", length}, taken, call));
}

inlay_status inlay_matcher_accept_token(inlay_matcher* matcher, int32_t token, inlay_error* error) {
  CallError call(error);
  if (!matcher) return null_argument(call, "matcher");
  return code(open(matcher).matcher().accept_token(token, call));
}

inlay_status inlay_matcher_mask(inlay_matcher* matcher, uint64_t* words, size_t count,
                                inlay_error* error) {
  CallError call(error);
  if (!matcher) return null_argument(call, "matcher");
  if (!words) return null_argument(call, "words");
  return code(open(matcher).matcher().mask({words, count}, grammar::Matcher::no_limit, call));
}

int inlay_matcher_can_end(const inlay_matcher* matcher) {
  return matcher && open(matcher).matcher().can_end();
}

int inlay_matcher_is_over(const inlay_matcher* matcher) {
  return matcher && open(matcher).matcher().is_over();
}

size_t inlay_matcher_forced(inlay_matcher* matcher, char* text, size_t capacity) {
  return matcher && text ? open(matcher).matcher().forced({text, capacity}) : 0;
}

void inlay_constrain_options_init(inlay_constrain_options* options, size_t size) {
  inlay_constrain_options defaults{};
  defaults.first = UINT32_MAX;
  defaults.trigger_token = -1;
  give_options(defaults, options, size);
}

inlay_status inlay_session_constrain(inlay_session* session, inlay_sequence sequence,
                                     inlay_grammar* grammar, const inlay_constrain_options* options,
                                     inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  inlay_constrain_options o;
  inlay_constrain_options_defaults(&o);
  Status status = copy_options(options, &o, "constrain options", call);
  if (!is_error(status)) status = check_range("constrain options", "reserved", o.reserved, 0, call);
  if (is_error(status)) return code(status);
  if (!o.trigger && o.trigger_length) return null_argument(call, "trigger");
  const grammar::Trigger trigger{{o.trigger ? o.trigger : "", o.trigger_length}, o.trigger_token};
  return code(unwrap(session)->constrain(sequence, grammar ? unwrap(grammar) : nullptr, trigger,
                                         o.first, call));
}

inlay_status inlay_session_jump(inlay_session* session, inlay_sequence sequence, int32_t* ids,
                                size_t capacity, size_t* count, inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!ids && capacity) return null_argument(call, "ids");
  if (!count) return null_argument(call, "count");
  return code(unwrap(session)->jump(sequence, {ids, capacity}, count, call));
}
