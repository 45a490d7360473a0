/// generate.hpp - text from a prompt in one line: for whom sessions and steps are too much.
///
///     for (std::string_view piece : model.generate("Once upon a time")) std::cout << piece;
///
/// Pieces are whole UTF-8 characters. The prompt itself is not among them. With the same model,
/// prompt and options the text is the same on every machine.
///
/// Three forms, one text:
///
///     auto text = model.generate(prompt, {.max_tokens = 100});
///     for (std::string_view piece : text) show(piece);        // may throw Exception
///
///     std::string_view piece;
///     while (text.next(piece)) show(piece);                   // never throws
///     if (!text) complain(text.error().text());
///
///     auto summary = model.generate(prompt, options, [&](std::string_view piece) { show(piece);
///     });
///
/// Each generation opens a session of its own. To keep a conversation in memory, to run several
/// texts side by side or within a time budget, use Session.
#ifndef INLAY_GENERATE_HPP
#define INLAY_GENERATE_HPP

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <type_traits>
#include <utility>

#include "inlay/grammar.hpp"
#include "inlay/model.hpp"
#include "inlay/sampler.hpp"
#include "inlay/session.hpp"
#include "inlay/tokenizer.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

///     model.generate(prompt, {.max_tokens = 100, .sampler = {.temperature = 0}})
struct GenerateOptions {
  std::uint64_t max_tokens = 0;  ///< 0: until end of text or until the context is full
  SamplerOptions sampler{};
  SessionOptions session{};
  EncodeOptions encode{};                    ///< of the prompt
  Grammar grammar{};                         ///< what the text must be; an empty one: anything
  std::span<const std::string_view> stop{};  ///< texts that end it, see Session::set_stop_texts
};

/// What a generation came to.
struct Summary {
  std::uint64_t prompt_tokens = 0;
  std::uint64_t tokens = 0;      ///< generated
  Finish finish = Finish::none;  ///< none: not yet, or an error; cancelled: by the caller
  std::uint32_t stop_text = 0;   ///< for Finish::text: which of GenerateOptions::stop
};

/// A generation under way, with a session of its own; it keeps its model alive. One owner.
///
/// Pull pieces with a loop over it, which throws Exception on an error where the program has
/// exceptions, or with next, which never does. In both cases error() tells how it went.
class Generation {
 public:
  /// Begins; nothing is computed before the first piece is asked for.
  Generation(const Model& model, std::string_view prompt, const GenerateOptions& options) {
    const Result<void> begun = begin(model, prompt, options);
    if (!begun) error_ = begun.error();
    ended_ = !begun;
  }

  /// The next piece of text, valid until the next call. False at the end and on an error.
  bool next(std::string_view& piece) {
    while (!ended_) {
      const Result<std::string_view> text = step();
      if (!text) {
        error_ = text.error();
        ended_ = true;
      } else if (!text->empty()) {
        piece = *text;
        return true;
      }
    }
    return false;
  }

  /// Status::ok, or why the text ended too early.
  const Error& error() const noexcept { return error_; }
  explicit operator bool() const noexcept { return !is_error(error_.status()); }
  /// How far it has come.
  const Summary& summary() const noexcept { return summary_; }
  /// Log-probabilities of the latest token, when SamplerOptions::logprobs asked for them. A piece
  /// may be of several tokens: ask in a loop over next with pieces of one each.
  Result<LogProbs> logprobs() const { return session_.logprobs(sequence_); }
  /// Ends the text soon. Thread-safe.
  void cancel() noexcept { session_.cancel(); }

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(Generation& generation) : generation_(&generation) { ++*this; }
    std::string_view operator*() const noexcept { return piece_; }
    Iterator& operator++() {
      if (!generation_->next(piece_)) {
        if (!*generation_) detail::raise(generation_->error());
        generation_ = nullptr;
      }
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const noexcept { return !generation_; }

   private:
    Generation* generation_ = nullptr;
    std::string_view piece_;
  };
  /// For one loop; computes the first piece.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  Result<void> begin(const Model& model, std::string_view prompt, const GenerateOptions& options) {
    auto ids = model.tokenizer().encode(prompt, options.encode);
    if (!ids) return ids.error();
    summary_.prompt_tokens = ids->size();
    auto session = Session::open(model, options.session);
    if (!session) return session.error();
    session_ = std::move(*session);
    auto sequence = session_.add();
    if (!sequence) return sequence.error();
    sequence_ = *sequence;
    if (!options.stop.empty()) {
      if (auto set = session_.set_stop_texts(sequence_, options.stop); !set) return set;
    }
    if (auto fed = session_.feed(sequence_, *ids); !fed) return fed;
    if (options.grammar) {
      if (auto set = session_.constrain(sequence_, options.grammar); !set) return set;
    }
    return session_.generate(sequence_, options.sampler, options.max_tokens);
  }

  // Text of one more token, "" for none.
  Result<std::string_view> step() {
    const Result<Event> event = session_.step();
    if (!event) return event.error();
    if (event->status != Status::token) {  // cancelled, or nothing to do
      ended_ = true;
      summary_.finish = event->status == Status::yield ? Finish::cancelled : Finish::none;
      if (auto stopped = session_.stop(sequence_); !stopped) return stopped.error();
    } else {
      summary_.finish = event->finish;
      summary_.stop_text = event->stop_text;
      ++summary_.tokens;
      ended_ = event->finish != Finish::none;
    }
    return session_.text(sequence_);
  }

  Session session_;
  Sequence sequence_ = 0;
  Summary summary_;
  Error error_;
  bool ended_ = false;
};

inline Generation Model::generate(std::string_view prompt, const GenerateOptions& options) const {
  return Generation(*this, prompt, options);
}
inline Generation Model::generate(std::string_view prompt) const {
  return Generation(*this, prompt, GenerateOptions{});
}

/// With a callback instead of a loop; never throws by itself. `callback(std::string_view)` returns
/// nothing, or false to stop.
template <class Callback>
Result<Summary> Model::generate(std::string_view prompt, const GenerateOptions& options,
                                Callback&& callback) const {
  Generation generation(*this, prompt, options);
  std::string_view piece;
  while (generation.next(piece)) {
    if constexpr (std::is_void_v<decltype(callback(piece))>) {
      callback(piece);
    } else if (!callback(piece)) {
      const Summary& so_far = generation.summary();
      return Summary{so_far.prompt_tokens, so_far.tokens, Finish::cancelled};
    }
  }
  if (!generation) return generation.error();
  return generation.summary();
}

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_GENERATE_HPP
