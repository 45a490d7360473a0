// handles.h - opaque handles of the C interface and the objects behind them.
#pragma once

#include "engine/model.h"
#include "engine/session.h"

namespace inlay {

inline inlay_model* handle(Model* model) { return reinterpret_cast<inlay_model*>(model); }
inline Model* unwrap(inlay_model* model) { return reinterpret_cast<Model*>(model); }
inline const Model* unwrap(const inlay_model* model) {
  return reinterpret_cast<const Model*>(model);
}

inline inlay_session* handle(Session* session) { return reinterpret_cast<inlay_session*>(session); }
inline Session* unwrap(inlay_session* session) { return reinterpret_cast<Session*>(session); }
inline const Session* unwrap(const inlay_session* session) {
  return reinterpret_cast<const Session*>(session);
}

inline inlay_grammar* handle(BoundGrammar* grammar) {
  return reinterpret_cast<inlay_grammar*>(grammar);
}
inline BoundGrammar* unwrap(inlay_grammar* grammar) {
  return reinterpret_cast<BoundGrammar*>(grammar);
}

// A tokenizer's handle is its model's: it lives as long, and has the model's allocator.
inline const Model* model_of(const inlay_tokenizer* tokenizer) {
  return reinterpret_cast<const Model*>(tokenizer);
}

}  // namespace inlay
