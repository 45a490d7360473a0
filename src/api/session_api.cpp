// session_api.cpp - C interface: sampler options and sessions.
#include "api/checks.h"
#include "api/handles.h"

using namespace inlay;

void inlay_sampler_options_defaults(inlay_sampler_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->temperature = 0.8f;
  options->top_k = 40;
  options->top_p = 0.95f;
  options->min_p = 0.05f;
  options->repeat_penalty = 1.0f;
  options->penalty_window = 64;
}

void inlay_session_options_defaults(inlay_session_options* options) {
  if (!options) return;
  *options = {};
  options->struct_size = sizeof *options;
  options->sequences = 1;
  options->chunk = 256;
}

inlay_status inlay_session_open(inlay_model* model, const inlay_session_options* options,
                                inlay_session** session, inlay_error* error) {
  CallError call(error);
  if (!model) return null_argument(call, "model");
  if (!session) return null_argument(call, "session");
  inlay_session_options resolved;
  inlay_session_options_defaults(&resolved);
  SessionShape shape{};
  Session* opened = nullptr;
  Status status = copy_options(options, &resolved, "session options", call);
  if (!is_error(status)) status = resolve(*unwrap(model), resolved, &shape, call);
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

inlay_status inlay_session_feed(inlay_session* session, inlay_sequence sequence, const int32_t* ids,
                                size_t count, uint32_t flags, inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!ids && count) return null_argument(call, "ids");
  if (flags & ~std::uint32_t{INLAY_FEED_ALL_LOGITS}) {
    return code(fail(call, Status::argument, "feed: flags are {:#x}, known are {:#x}", flags,
                     static_cast<std::uint32_t>(INLAY_FEED_ALL_LOGITS)));
  }
  return code(unwrap(session)->feed(sequence, {ids, count}, flags, call));
}

inlay_status inlay_session_generate(inlay_session* session, inlay_sequence sequence,
                                    const inlay_sampler_options* options, uint64_t max_tokens,
                                    inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  inlay_sampler_options resolved;
  inlay_sampler_options_defaults(&resolved);
  const Status status = copy_options(options, &resolved, "sampler options", call);
  if (is_error(status)) return code(status);
  return code(unwrap(session)->generate(sequence, options ? &resolved : nullptr, max_tokens, call));
}

inlay_status inlay_session_step(inlay_session* session, uint64_t budget, inlay_event* event,
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
  give_struct(out, event);
  return code(status);
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

inlay_status inlay_session_clear(inlay_session* session, inlay_sequence sequence) {
  return session ? code(unwrap(session)->clear(sequence)) : INLAY_ERROR_ARGUMENT;
}

inlay_status inlay_session_write_importance(const inlay_session* session, const inlay_sink* sink,
                                            inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!sink) return null_argument(call, "sink");
  inlay_sink to{};
  to.struct_size = sizeof to;
  const Status status = copy_options(sink, &to, "sink", call);
  if (is_error(status)) return code(status);
  return code(unwrap(session)->write_importance(to, call));
}
