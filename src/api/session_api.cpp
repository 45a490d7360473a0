// session_api.cpp - C interface: sampler options and sessions.
#include <iterator>

#include "api/checks.h"
#include "api/handles.h"
#include "api/options.h"

using namespace inlay;

static constexpr inlay_text_view default_breakers[] = {{"\n", 1}, {":", 1}, {"\"", 1}, {"*", 1}};

void inlay_sampler_options_init(inlay_sampler_options* options, size_t size) {
  inlay_sampler_options value{};
  value.temperature = 0.8f;
  value.top_k = 40;
  value.top_p = 0.95f;
  value.min_p = 0.05f;
  value.repeat_penalty = 1.0f;
  value.penalty_window = 64;
  value.typical_p = 1.0f;
  value.xtc_threshold = 0.1f;
  value.dry_base = 1.75f;
  value.dry_allowed_length = 2;
  value.dry_window = 1024;
  value.dry_breakers = default_breakers;
  value.dry_breaker_count = std::size(default_breakers);
  value.dynatemp_exponent = 1.0f;
  value.mirostat_tau = 5.0f;
  value.mirostat_eta = 0.1f;
  value.adaptive_target = -1.0f;
  value.adaptive_decay = 0.9f;
  give_options(value, options, size);
}

void inlay_session_options_init(inlay_session_options* options, size_t size) {
  inlay_session_options value{};
  value.sequences = 1;
  value.chunk = 256;
  value.reuse = 1;
  give_options(value, options, size);
}

inlay_status inlay_session_open(inlay_model* model, const inlay_session_options* options,
                                inlay_session** session, inlay_error* error) {
  CallError call(error);
  if (!model) return null_argument(call, "model");
  if (!session) return null_argument(call, "session");
  SessionShape shape{};
  Session* opened = nullptr;
  Status status = read_shape(*unwrap(model), options, &shape, call);
  if (!is_error(status)) status = Session::open(*unwrap(model), shape, &opened, call);
  if (is_error(status)) return code(status);
  *session = handle(opened);
  return INLAY_OK;
}

void inlay_session_close(inlay_session* session) {
  if (session) unwrap(session)->close();
}

inlay_status inlay_session_add(inlay_session* session, inlay_sequence* sequence,
                               inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!sequence) return null_argument(call, "sequence");
  return code(unwrap(session)->add(sequence, call));
}

inlay_status inlay_session_drop(inlay_session* session, inlay_sequence sequence) {
  return session ? code(unwrap(session)->drop(sequence)) : INLAY_ERROR_ARGUMENT;
}

inlay_status inlay_session_fork(inlay_session* session, inlay_sequence sequence,
                                inlay_sequence* copy, inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!copy) return null_argument(call, "copy");
  return code(unwrap(session)->fork(sequence, copy, call));
}

inlay_status inlay_session_rewind(inlay_session* session, inlay_sequence sequence, uint32_t length,
                                  inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  return code(unwrap(session)->rewind(sequence, length, call));
}

inlay_status inlay_session_set_context_policy(inlay_session* session, inlay_sequence sequence,
                                              uint32_t policy, uint32_t keep, inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  return code(unwrap(session)->set_context_policy(sequence, policy, keep, call));
}

inlay_status inlay_session_set_stop(inlay_session* session, inlay_sequence sequence,
                                    const int32_t* ids, size_t count, uint32_t flags,
                                    inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!ids && count) return null_argument(call, "ids");
  const Status known = check_flags("stop", flags, INLAY_STOP_IGNORE_END, call);
  if (is_error(known)) return code(known);
  return code(unwrap(session)->set_stop(sequence, {ids, count}, flags, call));
}

inlay_status inlay_session_feed(inlay_session* session, inlay_sequence sequence, const int32_t* ids,
                                size_t count, uint32_t flags, inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!ids && count) return null_argument(call, "ids");
  const Status known = check_flags("feed", flags, INLAY_FEED_ALL_LOGITS, call);
  if (is_error(known)) return code(known);
  return code(unwrap(session)->feed(sequence, {ids, count}, flags, call));
}

inlay_status inlay_session_generate(inlay_session* session, inlay_sequence sequence,
                                    const inlay_sampler_options* options, uint64_t max_tokens,
                                    inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  inlay_sampler_options resolved;
  const Status status = read_sampler_options(options, &resolved, call);
  if (is_error(status)) return code(status);
  return code(unwrap(session)->generate(sequence, options ? &resolved : nullptr, max_tokens, call));
}

inlay_status inlay_session_set_stop_texts(inlay_session* session, inlay_sequence sequence,
                                          const inlay_text_view* texts, size_t count,
                                          inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!texts && count) return null_argument(call, "texts");
  return code(unwrap(session)->set_stop_texts(sequence, {texts, count}, call));
}

inlay_status inlay_session_text(const inlay_session* session, inlay_sequence sequence,
                                const char** text, size_t* length) {
  if (!session || !text || !length) return INLAY_ERROR_ARGUMENT;
  std::string_view told;
  const Status status = unwrap(session)->text(sequence, &told);
  if (is_error(status)) return code(status);
  *text = told.data() ? told.data() : "";
  *length = told.size();
  return INLAY_OK;
}

inlay_status inlay_session_logprobs(const inlay_session* session, inlay_sequence sequence,
                                    inlay_logprobs* logprobs) {
  if (!session || !logprobs) return INLAY_ERROR_ARGUMENT;
  const LogProbs* told = nullptr;
  const Status status = unwrap(session)->logprobs(sequence, &told);
  if (is_error(status)) return code(status);
  return give_struct({0, told->count, told->token, told->top}, logprobs);
}

static inlay_status step(inlay_session* session, const Budget& budget, inlay_event* event,
                         inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!event) return null_argument(call, "event");
  if (const Status s = check_struct(event, "event", call); is_error(s)) return code(s);
  SessionEvent inner;
  const Status status = unwrap(session)->step(budget, &inner, call);
  inlay_event out{};
  out.sequence = inner.sequence;
  out.token = inner.token;
  out.finish = inner.finish;
  out.dropped = inner.dropped;
  out.stop_text = inner.stop_text;
  give_struct(out, event);
  return code(status);
}

inlay_status inlay_session_step(inlay_session* session, uint64_t budget, inlay_event* event,
                                inlay_error* error) {
  return step(session, {budget, UINT64_MAX}, event, error);
}

inlay_status inlay_session_step_tiles(inlay_session* session, uint64_t tiles, inlay_event* event,
                                      inlay_error* error) {
  return step(session, {0, tiles}, event, error);
}

void inlay_session_cancel(inlay_session* session) {
  if (session) unwrap(session)->cancel();
}

inlay_status inlay_session_logits(const inlay_session* session, inlay_sequence sequence,
                                  const float** logits, uint32_t* rows, uint32_t* position) {
  if (!session || !logits) return INLAY_ERROR_ARGUMENT;
  LogitsView view{};
  const Status status = unwrap(session)->logits(sequence, &view);
  if (is_error(status)) return code(status);
  *logits = view.rows;
  if (rows) *rows = view.count;
  if (position) *position = view.position;
  return INLAY_OK;
}

inlay_status inlay_session_length(const inlay_session* session, inlay_sequence sequence,
                                  uint32_t* computed, uint32_t* pending) {
  return session ? code(unwrap(session)->length(sequence, computed, pending))
                 : INLAY_ERROR_ARGUMENT;
}

inlay_status inlay_session_tokens(const inlay_session* session, inlay_sequence sequence,
                                  int32_t* ids, size_t capacity, size_t* count) {
  if (!session || !count || (!ids && capacity)) return INLAY_ERROR_ARGUMENT;
  return code(unwrap(session)->tokens(sequence, {ids, capacity}, count));
}

inlay_status inlay_session_get_info(const inlay_session* session, inlay_session_info* info) {
  if (!session || !info) return INLAY_ERROR_ARGUMENT;
  inlay_session_info out{};
  const Status status = unwrap(session)->info(&out);
  return is_error(status) ? code(status) : give_struct(out, info);
}

inlay_status inlay_session_clear(inlay_session* session, inlay_sequence sequence) {
  return session ? code(unwrap(session)->clear(sequence)) : INLAY_ERROR_ARGUMENT;
}
