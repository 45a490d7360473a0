/// session.hpp - a running model: sequences of tokens, computed step by step within a time budget.
///
///     auto session = inlay::Session::open(model, {.context = 2048}).value();
///     auto sequence = session.add().value();
///     session.feed(sequence, ids).value();
///     session.generate(sequence, {.temperature = 0.7f}, 200).value();
///     while (running) {                                  // once per frame
///       auto event = session.step(std::chrono::microseconds(1500)).value();
///       if (event.status == inlay::Status::token) show(event.token);
///     }
///
/// A session has one owner: one call at a time, from any thread; only cancel may come from beside.
/// Everything it needs is allocated by open; step allocates nothing.
///
/// Whatever a session has computed it finds again by its tokens, in pages of 64 that sequences
/// share, also those of sequences that are gone: a chat that feeds its whole history anew pays for
/// the new tokens only, and thirty characters with one prompt hold it once. Nothing is asked of the
/// host, and the bits are those of computing anew; info() tells how much was reused.
#ifndef INLAY_SESSION_HPP
#define INLAY_SESSION_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "inlay/files.hpp"
#include "inlay/grammar.hpp"
#include "inlay/model.hpp"
#include "inlay/result.hpp"
#include "inlay/sampler.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// One text in the making; 0 is never one.
using Sequence = inlay_sequence;

/// Why a sequence's latest token was its last.
enum class Finish : std::uint32_t {
  none = INLAY_FINISH_NONE,            ///< it was not
  end = INLAY_FINISH_END,              ///< an end-of-generation token was drawn
  tokens = INLAY_FINISH_TOKENS,        ///< the number of tokens asked for is reached
  context = INLAY_FINISH_CONTEXT,      ///< the context is full
  stop = INLAY_FINISH_STOP,            ///< a token of set_stop was drawn
  pages = INLAY_FINISH_PAGES,          ///< kv_tokens are spent: other sequences hold all pages
  grammar = INLAY_FINISH_GRAMMAR,      ///< the text of constrain is whole
  text = INLAY_FINISH_TEXT,            ///< a text of set_stop_texts was completed
  cancelled = INLAY_FINISH_CANCELLED,  ///< the caller ended it; never in an event
};

/// What a step has to tell.
struct Event {
  Status status = Status::done;  ///< token, logits, yield or done
  Sequence sequence = 0;         ///< whom it concerns; 0 for yield and done
  std::int32_t token = -1;       ///< for token
  Finish finish = Finish::none;  ///< for token
  std::uint32_t dropped = 0;     ///< tokens that ContextPolicy::drop forgot to make room for it
  std::uint32_t stop_text = 0;   ///< for Finish::text: which one
};

/// Log-probabilities of a sequence's latest token, valid as its text.
struct LogProbs {
  LogProb token{-1, 0};            ///< the one that was drawn
  std::span<const LogProb> top{};  ///< the best, best first
};

/// Rows of logits of a sequence's latest pass; valid until the next step, feed or drop.
struct Logits {
  std::span<const float> values;  ///< (rows, vocabulary)
  std::uint32_t rows = 0;
  std::uint32_t position = 0;  ///< of the first row
  /// Nothing where there is no such row.
  std::span<const float> row(std::uint32_t index) const {
    if (index >= rows) return {};
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

/// What happens when a sequence has more tokens than the context.
enum class ContextPolicy : std::uint32_t {
  stop = INLAY_CONTEXT_STOP,      ///< a text ends with Finish::context; feeding more: Status::limit
  refuse = INLAY_CONTEXT_REFUSE,  ///< and a text that may not fit is refused when it is asked for
  /// Tokens behind the first `keep` are forgotten, at least half of them; the rest moves up and is
  /// computed again, so that the sequence has the bits of one that was fed what it still is.
  drop = INLAY_CONTEXT_DROP,
};

struct StopOptions {
  bool ignore_end = false;  ///< the model's own end-of-generation tokens are tokens as others
};

struct SaveOptions {
  /// Only what came since this sequence was last saved or restored, to be put behind the bytes of
  /// that file. One sequence, and a Sink::callback.
  bool append = false;
};

struct RestoreOptions {
  /// What the file holds may serve other sequences as a prefix. Only for files that nobody else can
  /// write: a forged one would change their answers.
  bool share = false;
};

/// What a session is and what it has done since it was opened: pages, tokens computed, reused and
/// drawn, times, bytes read. See inlay.h.
using SessionInfo = inlay_session_info;

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
  /// Ends a sequence. What it has computed is remembered for others until its pages are needed.
  /// Errors: state (it is not alive).
  Result<void> drop(Sequence sequence) { return only(inlay_session_drop(raw_, sequence)); }

  /// A second sequence with the same tokens, sampler and settings; pages are shared. It may sample
  /// from the logits of the first at once. Errors: limit (as add), state.
  Result<Sequence> fork(Sequence sequence) {
    Sequence copy = 0;
    Error error;
    if (error.set(inlay_session_fork(raw_, sequence, &copy, error.raw()))) return error;
    return copy;
  }
  /// Back to the first `length` tokens; what was computed behind is remembered. A sampler stays and
  /// draws again from there. Errors: argument (more than the sequence has), state.
  Result<void> rewind(Sequence sequence, std::uint32_t length) {
    Error error;
    error.set(inlay_session_rewind(raw_, sequence, length, error.raw()));
    return error;
  }
  /// From here on the sequence's tokens follow the grammar, fed and drawn ones; an empty one takes
  /// it away. Takes memory now, none in steps. Errors: argument (compiled for another model),
  /// state (tokens from `first` on break it), limit, memory.
  Result<void> constrain(Sequence sequence, const Grammar& grammar,
                         const ConstrainOptions& options = {}) {
    inlay_constrain_options raw;
    inlay_constrain_options_defaults(&raw);
    raw.first = options.first;
    raw.trigger = options.trigger.data();
    raw.trigger_length = options.trigger.size();
    raw.trigger_token = options.trigger_token;
    Error error;
    error.set(inlay_session_constrain(raw_, sequence, grammar.raw(), &raw, error.raw()));
    return error;
  }
  /// Feeds the tokens that the grammar forces next, so that one pass computes them all; to be
  /// called after a token was told. Gives those that were fed, often none. Errors: as feed.
  Result<std::vector<std::int32_t>> jump(Sequence sequence, std::size_t most = 256) {
    std::vector<std::int32_t> ids(most);
    std::size_t count = 0;
    Error error;
    if (error.set(
            inlay_session_jump(raw_, sequence, ids.data(), ids.size(), &count, error.raw()))) {
      return error;
    }
    ids.resize(count);
    return ids;
  }
  /// What happens at the end of the context. `keep`, for ContextPolicy::drop: first tokens that are
  /// never forgotten, such as a system prompt; under the context. Errors: argument, state.
  Result<void> set_context_policy(Sequence sequence, ContextPolicy policy, std::uint32_t keep = 0) {
    const auto number = static_cast<std::uint32_t>(policy);
    Error error;
    error.set(inlay_session_set_context_policy(raw_, sequence, number, keep, error.raw()));
    return error;
  }

  /// Appends tokens that the next steps compute; all or nothing.
  /// Errors: argument (an id outside the vocabulary), limit (over the context, or kv_tokens are
  /// spent), state.
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
  /// Errors: argument (an option out of its range), limit (see ContextPolicy::refuse), state.
  Result<void> generate(Sequence sequence, const SamplerOptions& options,
                        std::uint64_t max_tokens = 0) {
    const inlay_sampler_options raw = options.raw();
    Error error;
    error.set(inlay_session_generate(raw_, sequence, &raw, max_tokens, error.raw()));
    return error;
  }
  /// Tokens that end a generation of this sequence, besides the model's own ends; in place of those
  /// set before. At most INLAY_STOP_MAX. Errors: argument (an id outside the vocabulary), limit,
  /// state.
  Result<void> set_stop(Sequence sequence, std::span<const std::int32_t> ids,
                        const StopOptions& options = {}) {
    const std::uint32_t flags = options.ignore_end ? std::uint32_t{INLAY_STOP_IGNORE_END} : 0;
    Error error;
    error.set(inlay_session_set_stop(raw_, sequence, ids.data(), ids.size(), flags, error.raw()));
    return error;
  }
  /// Texts that end a generation of this sequence, wherever tokens begin and end; in place of those
  /// set before. Compiled here, with memory of the host. Errors: argument (empty, no UTF-8), limit,
  /// memory, state, unsupported (no tokenizer).
  Result<void> set_stop_texts(Sequence sequence, std::span<const std::string_view> texts) {
    std::vector<inlay_text_view> views;
    for (const std::string_view text : texts) views.push_back({text.data(), text.size()});
    Error error;
    error.set(
        inlay_session_set_stop_texts(raw_, sequence, views.data(), views.size(), error.raw()));
    return error;
  }
  /// The text that the sequence's latest token added, once a step told of it and until the next
  /// call that changes the session: whole characters, nothing that may become a stop text, nothing
  /// of what ends a generation. After stop: what was still held back. Errors: state (nothing was
  /// told of the sequence since the last change), unsupported (no tokenizer).
  Result<std::string_view> text(Sequence sequence) const {
    const char* bytes = nullptr;
    std::size_t length = 0;
    Error error;
    if (error.set(inlay_session_text(raw_, sequence, &bytes, &length))) return error;
    return std::string_view(bytes, length);
  }
  /// Log-probabilities of that token. Errors: state (SamplerOptions::logprobs is 0, or as text).
  Result<LogProbs> logprobs(Sequence sequence) const {
    inlay_logprobs raw{};
    raw.struct_size = sizeof raw;
    Error error;
    if (error.set(inlay_session_logprobs(raw_, sequence, &raw))) return error;
    return LogProbs{raw.token, {raw.top, raw.count}};
  }
  /// Takes the sampler away; the sequence stays where it is.
  Result<void> stop(Sequence sequence) {
    Error error;
    error.set(inlay_session_generate(raw_, sequence, nullptr, 0, error.raw()));
    return error;
  }

  /// Computes until there is something to tell.
  Result<Event> step() { return step_with(inlay_session_step, 0); }
  /// The same, but returns Status::yield when the budget is spent, in the middle of a token if need
  /// be. At least one tile of work is done (some tens of microseconds), however small the budget.
  /// What is computed does not depend on the budget.
  Result<Event> step(std::chrono::nanoseconds budget) {
    const bool some = budget.count() > 1;
    return step_with(inlay_session_step, some ? static_cast<std::uint64_t>(budget.count()) : 1);
  }
  /// The same with a budget in tiles of work, exactly: what a step does is then the same on every
  /// machine. 0 is 1. The draw of a token counts as none.
  Result<Event> step_tiles(std::uint64_t tiles) {
    return step_with(inlay_session_step_tiles, tiles);
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
  /// The tokens of the sequence, computed or not. Errors: state (it is not alive).
  Result<std::vector<std::int32_t>> tokens(Sequence sequence) const {
    const Result<Length> length = this->length(sequence);
    if (!length) return length.error();
    std::vector<std::int32_t> ids(std::size_t{length->computed} + length->pending);
    const Result<std::size_t> count = tokens(sequence, ids);
    if (!count) return count.error();
    ids.resize(*count);
    return ids;
  }
  /// The same into memory of the caller; how many there are. Status::limit: `ids` is too small.
  Result<std::size_t> tokens(Sequence sequence, std::span<std::int32_t> ids) const {
    std::size_t count = 0;
    Error error;
    if (error.set(inlay_session_tokens(raw_, sequence, ids.data(), ids.size(), &count))) {
      return error;
    }
    return count;
  }
  /// Forgets what was fed but is not computed yet.
  Result<void> clear(Sequence sequence) { return only(inlay_session_clear(raw_, sequence)); }

  /// Saves a sequence: tokens, keys and values, sampler and settings, between any two steps. Only
  /// what is used is written. A restored sequence goes on with the same bits as this one, on any
  /// machine and with any number of threads. Errors: state (it is not alive; append to a file that
  /// was never begun), argument, io, memory, cancelled.
  Result<void> save(Sequence sequence, const Sink& sink, const SaveOptions& options = {}) {
    const std::uint32_t flags = options.append ? std::uint32_t{INLAY_SAVE_APPEND} : 0;
    Error error;
    error.set(inlay_session_save(raw_, sequence, flags, sink.raw(), error.raw()));
    return error;
  }
  Result<void> save(Sequence sequence, std::string_view path) {
    return save(sequence, Sink::path(path));
  }
  /// All sequences of the session in one file.
  Result<void> save(const Sink& sink) { return save(Sequence{0}, sink); }
  Result<void> save(std::string_view path) { return save(Sink::path(path)); }

  /// Adds the sequences of a file to those of the session, in its order: all of them or, on an
  /// error, none. Errors: format (cut or damaged), unsupported (another model, key/value type or
  /// version), limit (context, sequences, kv_tokens), io, cancelled, memory, state.
  Result<std::vector<Sequence>> restore(const Source& source, const RestoreOptions& options = {}) {
    std::vector<Sequence> sequences(info().sequences);
    const Result<std::size_t> count = restore(source, sequences, options);
    if (!count) return count.error();
    sequences.resize(*count);
    return sequences;
  }
  Result<std::vector<Sequence>> restore(std::string_view path, const RestoreOptions& options = {}) {
    return restore(Source::path(path), options);
  }
  /// The same into memory of the caller; how many there are. Status::limit: also `sequences` is too
  /// small.
  Result<std::size_t> restore(const Source& source, std::span<Sequence> sequences,
                              const RestoreOptions& options = {}) {
    const std::uint32_t flags = options.share ? std::uint32_t{INLAY_RESTORE_SHARE} : 0;
    std::size_t count = 0;
    Error error;
    if (error.set(inlay_session_restore(raw_, source.raw(), flags, sequences.data(),
                                        sequences.size(), &count, error.raw()))) {
      return error;
    }
    return count;
  }

  /// All zero for an empty session.
  SessionInfo info() const noexcept {
    SessionInfo info{};
    info.struct_size = sizeof info;
    if (inlay_session_get_info(raw_, &info) != INLAY_OK) info = {};
    return info;
  }

  /// What ran when: the latest SessionOptions::trace_events instructions of each worker, as JSON in
  /// the Trace Event Format that chrome://tracing and Perfetto open. Errors: state (opened without
  /// trace_events), io, memory, cancelled.
  Result<void> write_trace(const Sink& sink) const {
    Error error;
    error.set(inlay_session_write_trace(raw_, sink.raw(), error.raw()));
    return error;
  }

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
  template <class Step>
  Result<Event> step_with(Step* function, std::uint64_t budget) {
    inlay_event raw{};
    raw.struct_size = sizeof raw;
    Error error;
    const inlay_status status = function(raw_, budget, &raw, error.raw());
    if (error.set(status)) return error;
    return Event{static_cast<Status>(status),     raw.sequence, raw.token,
                 static_cast<Finish>(raw.finish), raw.dropped,  raw.stop_text};
  }

  inlay_session* raw_ = nullptr;
  std::size_t vocabulary_ = 0;
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_SESSION_HPP
