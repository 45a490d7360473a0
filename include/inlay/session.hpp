/// session.hpp - a running model: sequences of tokens, computed step by step within a time budget.
///
///     auto session = inlay::Session::open(model, {.context = 2048});
///     auto sequence = session->add();
///     session->feed(*sequence, ids);
///     session->generate(*sequence, {.temperature = 0.7f}, 200);
///     while (running) {                                  // once per frame
///       auto event = session->step(std::chrono::microseconds(1500));
///       if (event && event->status == inlay::Status::token) show(event->token);
///     }
///
/// A session has one owner: one call at a time, from any thread; only cancel may come from beside.
/// Everything it needs is allocated by open; step allocates nothing.
#ifndef INLAY_SESSION_HPP
#define INLAY_SESSION_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "inlay/files.hpp"
#include "inlay/model.hpp"
#include "inlay/result.hpp"
#include "inlay/sampler.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// One text in the making; 0 is never one.
using Sequence = inlay_sequence;

/// Why a sequence's latest token was its last.
enum class Finish : std::uint32_t {
  none = INLAY_FINISH_NONE,        ///< it was not
  end = INLAY_FINISH_END,          ///< an end-of-generation token was drawn
  tokens = INLAY_FINISH_TOKENS,    ///< the number of tokens asked for is reached
  context = INLAY_FINISH_CONTEXT,  ///< the context is full
};

/// What a step has to tell.
struct Event {
  Status status = Status::done;  ///< token, logits, yield or done
  Sequence sequence = 0;         ///< whom it concerns; 0 for yield and done
  std::int32_t token = -1;       ///< for token
  Finish finish = Finish::none;  ///< for token
};

/// Rows of logits of a sequence's latest pass; valid until the next step, feed or drop.
struct Logits {
  std::span<const float> values;  ///< (rows, vocabulary)
  std::uint32_t rows = 0;
  std::uint32_t position = 0;  ///< of the first row
  std::span<const float> row(std::uint32_t index) const {
    const std::size_t vocabulary = values.size() / rows;
    return values.subspan(index * vocabulary, vocabulary);
  }
};

/// Tokens of a sequence.
struct Length {
  std::uint32_t computed = 0;
  std::uint32_t pending = 0;  ///< fed, but not computed yet
};

/// Which tokens of a feed shall have logits to read.
enum class LogitsOf { last, all };

/// An empty session fails every call with Status::argument.
class Session {
 public:
  Session() = default;
  Session(Session&& other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)), vocabulary_(other.vocabulary_) {}
  Session& operator=(Session&& other) noexcept {
    std::swap(raw_, other.raw_);
    std::swap(vocabulary_, other.vocabulary_);
    return *this;
  }
  ~Session() { inlay_session_close(raw_); }

  /// Takes all memory now (see Model::plan). The session keeps its model alive.
  /// Errors: argument, limit, memory, state (the model was opened without weights).
  static Result<Session> open(const Model& model, const SessionOptions& options = {}) {
    const inlay_session_options raw = options.raw();
    Session session;
    Error error;
    if (error.set(inlay_session_open(model.raw(), &raw, &session.raw_, error.raw()))) return error;
    session.vocabulary_ = model.info().vocabulary;
    return session;
  }

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  inlay_session* raw() const noexcept { return raw_; }

  /// A new empty sequence. Errors: limit (SessionOptions::sequences of them exist).
  Result<Sequence> add() {
    Sequence sequence = 0;
    Error error;
    if (error.set(inlay_session_add(raw_, &sequence, error.raw()))) return error;
    return sequence;
  }
  /// Ends a sequence. Errors: state (it is not alive).
  Result<void> drop(Sequence sequence) { return only(inlay_session_drop(raw_, sequence)); }

  /// Appends tokens that the next steps compute; all or nothing.
  /// Errors: argument (an id outside the vocabulary), limit (over the context), state.
  Result<void> feed(Sequence sequence, std::span<const std::int32_t> ids,
                    LogitsOf logits = LogitsOf::last) {
    const bool all = logits == LogitsOf::all;
    const std::uint32_t flags = all ? std::uint32_t{INLAY_FEED_ALL_LOGITS} : 0;
    Error error;
    error.set(inlay_session_feed(raw_, sequence, ids.data(), ids.size(), flags, error.raw()));
    return error;
  }

  /// From now on the sequence goes on by itself: each step draws a token and feeds it back, until
  /// end of text, `max_tokens` (0: no such limit) or a full context.
  /// Errors: argument (an option out of its range), state.
  Result<void> generate(Sequence sequence, const SamplerOptions& options,
                        std::uint64_t max_tokens = 0) {
    const inlay_sampler_options raw = options.raw();
    Error error;
    error.set(inlay_session_generate(raw_, sequence, &raw, max_tokens, error.raw()));
    return error;
  }
  /// Takes the sampler away; the sequence stays where it is.
  Result<void> stop(Sequence sequence) {
    Error error;
    error.set(inlay_session_generate(raw_, sequence, nullptr, 0, error.raw()));
    return error;
  }

  /// Computes until there is something to tell.
  Result<Event> step() { return step_within(0); }
  /// The same, but returns Status::yield when the budget is spent, in the middle of a token if need
  /// be. At least one tile of work is done (some tens of microseconds), however small the budget.
  /// What is computed does not depend on the budget.
  Result<Event> step(std::chrono::nanoseconds budget) {
    return step_within(budget.count() > 1 ? static_cast<std::uint64_t>(budget.count()) : 1);
  }
  /// Asks a running step, or the next one, to return Status::yield soon. Thread-safe.
  void cancel() noexcept { inlay_session_cancel(raw_); }

  /// Errors: state (there are none).
  Result<Logits> logits(Sequence sequence) const {
    const float* values = nullptr;
    Logits logits;
    Error error;
    if (error.set(inlay_session_logits(raw_, sequence, &values, &logits.rows, &logits.position))) {
      return error;
    }
    logits.values = {values, std::size_t{logits.rows} * vocabulary_};
    return logits;
  }
  /// Errors: state (the sequence is not alive).
  Result<Length> length(Sequence sequence) const {
    Length length;
    Error error;
    if (error.set(inlay_session_length(raw_, sequence, &length.computed, &length.pending))) {
      return error;
    }
    return length;
  }
  /// Forgets what was fed but is not computed yet.
  Result<void> clear(Sequence sequence) { return only(inlay_session_clear(raw_, sequence)); }

  /// Writes what the session saw of the inputs of every matrix since it was opened: an importance
  /// matrix for QuantizeOptions::importance. Errors: state (the model was opened without
  /// ModelOptions::importance; nothing was computed), format (a sum is no finite float), io,
  /// memory, cancelled.
  Result<void> write_importance(const Sink& sink) const {
    Error error;
    error.set(inlay_session_write_importance(raw_, sink.raw(), error.raw()));
    return error;
  }

 private:
  static Result<void> only(inlay_status status) {
    Error error;
    error.set(status);
    return error;
  }
  Result<Event> step_within(std::uint64_t budget) {
    inlay_event raw{};
    raw.struct_size = sizeof raw;
    Error error;
    const inlay_status status = inlay_session_step(raw_, budget, &raw, error.raw());
    if (error.set(status)) return error;
    return Event{static_cast<Status>(status), raw.sequence, raw.token,
                 static_cast<Finish>(raw.finish)};
  }

  inlay_session* raw_ = nullptr;
  std::size_t vocabulary_ = 0;
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_SESSION_HPP
