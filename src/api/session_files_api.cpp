// session_files_api.cpp - C interface: what a session reads and writes.
#include "api/checks.h"
#include "api/handles.h"
#include "api/options.h"

using namespace inlay;

inlay_status inlay_session_save(inlay_session* session, inlay_sequence sequence, uint32_t flags,
                                const inlay_sink* sink, inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!sink) return null_argument(call, "sink");
  inlay_sink to;
  Status status = check_flags("save", flags, INLAY_SAVE_APPEND, call);
  if (!is_error(status)) status = read_sink(sink, &to, call);
  if (is_error(status)) return code(status);
  return code(unwrap(session)->save(sequence, flags, to, call));
}

inlay_status inlay_session_restore(inlay_session* session, const inlay_source* source,
                                   uint32_t flags, inlay_sequence* sequences, size_t capacity,
                                   size_t* count, inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!source) return null_argument(call, "source");
  if (!count) return null_argument(call, "count");
  if (!sequences && capacity) return null_argument(call, "sequences");
  inlay_source from;
  Status status = check_flags("restore", flags, INLAY_RESTORE_SHARE, call);
  if (!is_error(status)) status = read_source(source, &from, call);
  if (is_error(status)) return code(status);
  return code(unwrap(session)->restore(from, flags, {sequences, capacity}, count, call));
}

inlay_status inlay_session_write_importance(const inlay_session* session, const inlay_sink* sink,
                                            inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!sink) return null_argument(call, "sink");
  inlay_sink to;
  const Status status = read_sink(sink, &to, call);
  if (is_error(status)) return code(status);
  return code(unwrap(session)->write_importance(to, call));
}

inlay_status inlay_session_write_trace(const inlay_session* session, const inlay_sink* sink,
                                       inlay_error* error) {
  CallError call(error);
  if (!session) return null_argument(call, "session");
  if (!sink) return null_argument(call, "sink");
  inlay_sink to;
  const Status status = read_sink(sink, &to, call);
  if (is_error(status)) return code(status);
  return code(unwrap(session)->write_trace(to, call));
}
