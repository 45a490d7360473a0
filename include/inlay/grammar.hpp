/// grammar.hpp - what a text may be: GBNF, regular expressions, JSON schemas.
///
///     auto grammar = inlay::Grammar::gbnf(model, R"(root ::= "yes" | "no")").value();
///     session.constrain(sequence, grammar).value();
///     session.generate(sequence, {.temperature = 0.7f}, 200).value();   // says yes or no
///
/// A grammar is compiled once, immutable and thread-safe; copies share it. A Matcher tells where
/// one text stands in it, without a session. See docs/constrained-output.md.
#ifndef INLAY_GRAMMAR_HPP
#define INLAY_GRAMMAR_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "inlay/model.hpp"
#include "inlay/result.hpp"

namespace inlay {
inline namespace INLAY_FACADE {

/// What a grammar is written in.
enum class GrammarLanguage : std::uint32_t {
  gbnf = INLAY_GRAMMAR_GBNF,                      ///< llama.cpp's; the rule `root` is the start
  regex = INLAY_GRAMMAR_REGEX,                    ///< ECMA-262; the whole text matches
  schema = INLAY_GRAMMAR_SCHEMA,                  ///< JSON schema, for generation
  schema_text = INLAY_GRAMMAR_SCHEMA_TEXT,        ///< the same for any spelling JSON allows
  schema_ordered = INLAY_GRAMMAR_SCHEMA_ORDERED,  ///< the same by llama.cpp's conventions
};

/// An empty one fails every call with Status::argument.
class Grammar {
 public:
  Grammar() = default;
  Grammar(const Grammar& other) noexcept : raw_(other.raw_) { inlay_grammar_retain(raw_); }
  Grammar(Grammar&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Grammar& operator=(Grammar other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Grammar() { inlay_grammar_release(raw_); }

  /// For the tokens of a model, which is kept alive. Errors: format (what is wrong, and where),
  /// unsupported, limit, memory.
  static Result<Grammar> compile(GrammarLanguage language, std::string_view text,
                                 const Model& model) {
    return make(language, text, model.raw());
  }
  /// For text alone: no tokens, no masks.
  static Result<Grammar> compile(GrammarLanguage language, std::string_view text) {
    return make(language, text, nullptr);
  }
  static Result<Grammar> gbnf(const Model& model, std::string_view text) {
    return compile(GrammarLanguage::gbnf, text, model);
  }
  static Result<Grammar> regex(const Model& model, std::string_view pattern) {
    return compile(GrammarLanguage::regex, pattern, model);
  }

  static Result<Grammar> schema(const Model& model, std::string_view text) {
    return compile(GrammarLanguage::schema, text, model);
  }

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  inlay_grammar* raw() const noexcept { return raw_; }

 private:
  static Result<Grammar> make(GrammarLanguage language, std::string_view text, inlay_model* model) {
    Grammar grammar;
    Error error;
    const auto number = static_cast<std::uint32_t>(language);
    if (error.set(inlay_grammar_compile(number, text.data(), text.size(), model, nullptr,
                                        &grammar.raw_, error.raw()))) {
      return error;
    }
    return grammar;
  }

  inlay_grammar* raw_ = nullptr;
};

/// Where one text stands in a grammar. One owner at a time.
class Matcher {
 public:
  Matcher() = default;
  Matcher(Matcher&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Matcher& operator=(Matcher&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Matcher() { inlay_matcher_free(raw_); }

  /// Takes all its memory now. Errors: memory, limit.
  static Result<Matcher> open(const Grammar& grammar) {
    Matcher matcher;
    Error error;
    if (error.set(inlay_matcher_new(grammar.raw(), &matcher.raw_, error.raw()))) return error;
    return matcher;
  }

  explicit operator bool() const noexcept { return raw_ != nullptr; }
  inlay_matcher* raw() const noexcept { return raw_; }

  void reset() noexcept { inlay_matcher_reset(raw_); }
  /// The state of another matcher of the same grammar.
  Result<void> assign(const Matcher& from) {
    Error error;
    error.set(inlay_matcher_assign(raw_, from.raw_));
    return error;
  }
  /// How many bytes of the text the grammar takes; the matcher goes on behind them.
  Result<std::size_t> accept(std::string_view text) {
    std::size_t taken = 0;
    Error error;
    if (error.set(inlay_matcher_accept_text(raw_, text.data(), text.size(), &taken, error.raw()))) {
      return error;
    }
    return taken;
  }
  /// Status::state: the token is not allowed here.
  Result<void> accept(std::int32_t token) {
    Error error;
    error.set(inlay_matcher_accept_token(raw_, token, error.raw()));
    return error;
  }
  /// A bit for each token that may come next: (vocabulary + 63) / 64 words.
  Result<void> mask(std::span<std::uint64_t> words) {
    Error error;
    error.set(inlay_matcher_mask(raw_, words.data(), words.size(), error.raw()));
    return error;
  }
  bool can_end() const noexcept { return inlay_matcher_can_end(raw_) != 0; }
  bool is_over() const noexcept { return inlay_matcher_is_over(raw_) != 0; }
  /// The bytes that must follow, at most `most`.
  std::string forced(std::size_t most = 4096) {
    std::string text(most, '\0');
    text.resize(inlay_matcher_forced(raw_, text.data(), text.size()));
    return text;
  }

 private:
  inlay_matcher* raw_ = nullptr;
};

struct ConstrainOptions {
  std::uint32_t first = UINT32_MAX;  ///< token of the sequence where the text begins; default: here
  std::string_view trigger;          ///< everything is free until this text has come
  std::int32_t trigger_token = -1;   ///< or this token
};

}  // namespace INLAY_FACADE
}  // namespace inlay

#endif  // INLAY_GRAMMAR_HPP
