// vocab_tables.cpp - what follows from the tokens: ranks, merges, ends, rules about spaces.
#include <bit>
#include <cmath>

#include "text/byte_level.h"
#include "text/vocab_loader.h"

namespace inlay {
namespace {

// Unsigned numbers that ascend as scores descend.
std::uint32_t rank_of_score(float score) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(score + 0.0f);  // -0 becomes 0
  const std::uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

// Names of tokens that end a text, a turn or a message, over the model families.
constexpr std::string_view end_names[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<turn|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eom_id|>",
    "</s>",
    "<eos>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|tool_response>",
    "<end_of_utterance>",
    "[e~[",
    "<\xef\xbd\x9c"
    "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
};

bool is_end_name(std::string_view name) {
  for (const std::string_view end : end_names) {
    if (name == end) return true;
  }
  return false;
}

}  // namespace

// The tables that the model's way of merging needs.
Status VocabLoader::find_table() {
  switch (t_.model_) {
    case Model::unigram: INLAY_TRY(read_scores()); return build_trie();
    case Model::wordpiece:
    case Model::rwkv: return build_trie();
    case Model::bpe: break;
    default: return Status::ok;
  }
  if (!t_.byte_level_) find_space_rule();
  if (t_.by_scores_) {
    find_space_takers();
    return rank_scores();
  }
  if (t_.has_rules_ || !t_.byte_level_) return add_listed_merges();
  return add_merges();
}

Status VocabLoader::build_trie() {
  Array<Trie::Entry> entries(*t_.bytes_.allocator());
  for (std::size_t i = 0; i < t_.tokens_.size(); ++i) {
    const Token& token = t_.tokens_[i];
    const auto id = static_cast<std::int32_t>(i);
    const std::string_view text = t_.spelling(id);
    if (!token.can_merge || text.empty()) continue;
    if (text.size() > Trie::longest) {
      return fail(error_, Status::limit, "tokenizer.ggml.tokens[{}]: {} bytes, at most {}", i,
                  text.size(), Trie::longest);
    }
    if (is_error(entries.push({text, id}))) return out_of_memory();
  }
  return is_error(t_.trie_.build(entries, t_.has_rules_)) ? out_of_memory() : Status::ok;
}

// Ten less than the worst score is the price of a character that is no token.
Status VocabLoader::read_scores() {
  const std::size_t count = source_.tokens.size();
  const bool precise = !source_.rules.scores.empty();
  if (precise && source_.rules.scores.size() != count) {
    return fail(error_, Status::format, "tokenizer.inlay.scores: {} values for {} tokens",
                source_.rules.scores.size(), count);
  }
  if (is_error(t_.scores_.reserve(count))) return out_of_memory();
  double least = 0;
  bool has_least = false;
  for (std::size_t i = 0; i < count; ++i) {
    const double score = precise ? source_.rules.scores[i] : double{source_.scores[i]};
    if (!std::isfinite(score)) {
      return fail(error_, Status::format, "tokenizer.ggml.scores[{}]: not a number", i);
    }
    const bool counts = t_.has_rules_ || t_.tokens_[i].kind == TokenKind::normal;
    if (counts && (!has_least || score < least)) least = score;
    has_least = has_least || counts;
    if (is_error(t_.scores_.push(score))) return out_of_memory();
  }
  t_.unknown_score_ = least - 10;
  if (t_.single_) t_.unknown_score_ = static_cast<float>(least) - 10.0f;
  return Status::ok;
}

Status VocabLoader::rank_scores() {
  if (is_error(t_.ranks_.reserve(source_.scores.size()))) return out_of_memory();
  for (std::size_t i = 0; i < source_.scores.size(); ++i) {
    const float score = source_.scores[i];
    if (std::isnan(score)) {
      return fail(error_, Status::format, "tokenizer.ggml.scores[{}]: not a number", i);
    }
    if (is_error(t_.ranks_.push(rank_of_score(score)))) return out_of_memory();
  }
  return Status::ok;
}

Status VocabLoader::add_merges() {
  const std::size_t count = source_.merges.size();
  if (count >= Merge::never) {
    return fail(error_, Status::limit, "tokenizer.ggml.merges: {} merges, at most {}", count,
                Merge::never - 1);
  }
  Array<char> bytes(*t_.bytes_.allocator());
  if (is_error(t_.merges_.reserve(count))) return out_of_memory();
  for (std::size_t i = 0; i < count; ++i) INLAY_TRY(add_merge(i, bytes));
  return Status::ok;
}

Status VocabLoader::add_merge(std::size_t i, Array<char>& bytes) {
  const std::string_view text = source_.merges[i];
  const std::size_t space = text.find(' ', 1);
  if (space == std::string_view::npos || space + 1 == text.size()) {
    return fail(error_, Status::format, "tokenizer.ggml.merges[{}]: '{}' is not 'left right'", i,
                Shown(text));
  }
  if (is_error(bytes.resize(text.size()))) return out_of_memory();
  const std::int64_t left = bytes_of_text(text.substr(0, space), bytes.data());
  const std::int64_t right =
      left < 0 ? -1 : bytes_of_text(slice(text, space + 1, text.size()), bytes.data() + left);
  const auto find = [&](std::int64_t begin, std::int64_t end) {
    return t_.find({bytes.data() + begin, static_cast<std::size_t>(end - begin)});
  };
  if (right > 0) {
    const std::int32_t left_id = find(0, left);
    const std::int32_t right_id = find(left, left + right);
    const std::int32_t id = find(0, left + right);
    if (left_id >= 0 && right_id >= 0 && id >= 0) {
      const Merge merge{static_cast<std::uint32_t>(i), id};
      const bool added = !is_error(t_.merges_.add(left_id, right_id, merge));
      return added ? Status::ok : too_many_alike("merges", i);
    }
  }
  return fail(error_, Status::format,
              "tokenizer.ggml.merges[{}]: '{}' has a part or a result that is no token", i,
              Shown(text));
}

void VocabLoader::find_ends() {
  bool has_markup = false;
  bool has_return = false;
  bool has_call = false;
  for (std::size_t i = 0; i < t_.tokens_.size(); ++i) {
    const Token& token = t_.tokens_[i];
    if (token.kind != TokenKind::control) continue;
    has_markup = true;
    has_return = has_return || t_.text_of(token) == "<|return|>";
    has_call = has_call || t_.text_of(token) == "<|call|>";
  }
  for (Token& token : t_.tokens_) {
    // In a file that marks its control tokens, an ordinary "</s>" is a piece of a web page.
    const bool is_markup =
        token.kind == TokenKind::control || token.kind == TokenKind::user_defined;
    if ((has_markup && !is_markup) || !is_end_name(t_.text_of(token))) continue;
    // In the harmony format <|end|> closes one message of several.
    token.is_end = !(has_return && has_call && t_.text_of(token) == "<|end|>");
  }
  for (const std::int32_t id : {t_.eos_, eot_, eom_}) {
    if (id >= 0) t_.tokens_[static_cast<std::size_t>(id)].is_end = true;
  }
  for (const std::int32_t id : source_.ends) t_.tokens_[static_cast<std::size_t>(id)].is_end = true;
}

// Where no token goes on with U+2581 after other text, merging never crosses such a place.
void VocabLoader::find_space_rule() {
  t_.split_at_spaces_ = t_.word_prefix_.empty() && t_.word_suffix_.empty();
  for (const Token& token : t_.tokens_) {
    if (!token.can_merge) continue;
    std::string_view text = t_.text_of(token.spelling);
    while (text.starts_with(space_mark)) text.remove_prefix(space_mark.size());
    if (text.find(space_mark) != std::string_view::npos) t_.split_at_spaces_ = false;
  }
  // A mark that is no token may be part of a run of unknown text; a whole text may be a token.
  const bool lacks_mark = (t_.has_rules_ || t_.by_scores_) && t_.find(space_mark) < 0;
  if (lacks_mark || (t_.has_rules_ && t_.ignore_merges_)) t_.split_at_spaces_ = false;
}

// The Phi-3 family, known by its placeholders, drops white space after most of its special tokens;
// files have no key for that.
void VocabLoader::find_space_takers() {
  bool is_phi3 = false;
  for (const Token& token : t_.tokens_) {
    is_phi3 =
        is_phi3 || (token.kind == TokenKind::control && t_.text_of(token) == "<|placeholder1|>");
  }
  if (!is_phi3) return;
  for (Token& token : t_.tokens_) {
    const bool is_taker = token.kind == TokenKind::control || token.kind == TokenKind::user_defined;
    const std::string_view name = t_.text_of(token);
    token.takes_space = is_taker && name != "<unk>" && name != "<s>" && name != "<|endoftext|>";
  }
}

}  // namespace inlay
