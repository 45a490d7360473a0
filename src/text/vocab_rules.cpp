// vocab_rules.cpp - loading what tokenizer.json says: added tokens, prefixes, patterns, merges.
#include "text/vocab_loader.h"

namespace inlay {

Status VocabLoader::read_rules() {
  const TextRules& rules = source_.rules;
  t_.has_rules_ = true;
  t_.add_bos_ = source_.add_bos == Flag::yes;
  t_.ignore_merges_ = rules.ignore_merges;
  t_.fuse_unknown_ = rules.fuse_unknown;
  t_.max_word_ = rules.max_word;
  constexpr std::size_t longest_affix = 64;
  for (const std::string_view affix : {rules.word_prefix, rules.word_suffix}) {
    if (affix.size() <= longest_affix) continue;
    return fail(error_, Status::limit,
                "tokenizer.inlay.word_prefix or word_suffix: {} bytes, at most {}", affix.size(),
                longest_affix);
  }
  if (is_error(t_.word_prefix_.append({rules.word_prefix.data(), rules.word_prefix.size()})) ||
      is_error(t_.word_suffix_.append({rules.word_suffix.data(), rules.word_suffix.size()}))) {
    return out_of_memory();
  }
  if (!rules.flags.empty() && rules.flags.size() != source_.tokens.size()) {
    return fail(error_, Status::format, "tokenizer.inlay.token_flags: {} values for {} tokens",
                rules.flags.size(), source_.tokens.size());
  }
  for (std::size_t i = 0; i < rules.flags.size(); ++i) {
    const auto flags = static_cast<unsigned>(rules.flags[i]);
    if (flags & ~unsigned{TokenFlag::all}) {
      return fail(error_, Status::unsupported, "tokenizer.inlay.token_flags[{}]: {}, known are {}",
                  i, flags, unsigned{TokenFlag::all});
    }
  }
  INLAY_TRY(decoders_.check(error_));
  t_.strip_space_ = decoders_.strips_text();
  INLAY_TRY(t_.normalizers_.load(rules.normalizers, source_.charsmap, error_));
  INLAY_TRY(read_tokens_around("begin", rules.begin_tokens, t_.begin_tokens_));
  INLAY_TRY(read_tokens_around("end", rules.end_tokens, t_.end_tokens_));
  return compile_steps();
}

Status VocabLoader::read_tokens_around(const char* name, std::span<const std::int32_t> ids,
                                       Array<std::int32_t>& out) {
  const std::size_t count = source_.tokens.size();
  for (const std::int32_t id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= count) {
      return fail(error_, Status::format, "tokenizer.inlay.{}_tokens: {}, with {} tokens", name, id,
                  count);
    }
    if (is_error(out.push(id))) return out_of_memory();
  }
  return Status::ok;
}

// Added tokens that are found in normalized text are looked for by their normalized names.
Status VocabLoader::index_added(std::size_t i) {
  const auto id = static_cast<std::int32_t>(i);
  const TokenKind kind = t_.kind(id);
  const bool is_control = kind == TokenKind::control || kind == TokenKind::unknown;
  if (!is_control && kind != TokenKind::user_defined) return Status::ok;
  const std::span<const std::byte> flags = source_.rules.flags;
  const std::string_view name = source_.tokens[i];
  if (flags.empty() || !(static_cast<std::uint8_t>(flags[i]) & TokenFlag::normalized)) {
    return t_.specials_.add(name, id, is_control);
  }
  AlignedView text{name};
  // Longer names are never looked for.
  static_assert(SpecialTokens::longest < Normalizers::growth_room);
  if (name.size() > SpecialTokens::longest) return Status::ok;
  AlignedText a(*t_.bytes_.allocator()), b(*t_.bytes_.allocator());
  const Status status = t_.normalizers_.run(text, false, a, b, error_);
  if (status == Status::limit) return Status::ok;
  INLAY_TRY(status);
  return t_.late_specials_.add(text.text, id, is_control);
}

// Patterns of the file, or those of a known name.
Status VocabLoader::compile_steps() {
  if (source_.rules.has_steps) {
    if (source_.rules.steps.empty()) return Status::ok;
    return t_.pretokenizer_.compile(source_.rules.steps, error_);
  }
  if (!t_.byte_level_) return Status::ok;
  const PretokenizerRule* rule = find_pretokenizer(source_.pre);
  if (rule) return t_.pretokenizer_.compile(*rule, error_);
  return fail(error_, Status::unsupported, "tokenizer.ggml.pre: '{}' is not known",
              Shown(source_.pre));
}

// Of a pair that is there twice the last merge counts: in a table where the first one stays, they
// go in backwards.
Status VocabLoader::add_listed_merges() {
  const std::size_t count = source_.merges.size();
  if (count >= Merge::never) {
    return fail(error_, Status::limit, "tokenizer.ggml.merges: {} merges, at most {}", count,
                Merge::never - 1);
  }
  TokenIndex ids(*t_.bytes_.allocator());  // of all tokens, as the file has them
  if (is_error(ids.reserve(source_.tokens.size())) || is_error(t_.merges_.reserve(count))) {
    return out_of_memory();
  }
  for (std::size_t i = 0; i < source_.tokens.size(); ++i) {
    bool is_new = false;
    const auto text_of = [this](std::int32_t id) { return source_.tokens[std::size_t(id)]; };
    if (is_error(ids.add(source_.tokens[i], static_cast<std::int32_t>(i), text_of, &is_new))) {
      return too_many_alike("tokens", i);
    }
  }
  Array<char> text(*t_.bytes_.allocator());
  for (std::size_t i = count; i-- > 0;) INLAY_TRY(add_listed_merge(i, ids, text));
  return Status::ok;
}

Status VocabLoader::add_listed_merge(std::size_t i, const TokenIndex& ids, Array<char>& text) {
  const std::string_view merge = source_.merges[i];
  const std::size_t space = merge.find(' ');
  if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos) {
    return fail(error_, Status::format, "tokenizer.ggml.merges[{}]: '{}' is not 'left right'", i,
                Shown(merge));
  }
  text.clear();
  const std::string_view right = slice(merge, space + 1, merge.size());
  const std::size_t prefix = t_.word_prefix_.size();  // the left part has it
  const std::string_view tail =
      slice(right, right.size() < prefix ? right.size() : prefix, right.size());
  if (is_error(text.append({merge.data(), space})) ||
      is_error(text.append({tail.data(), tail.size()}))) {
    return out_of_memory();
  }
  const auto find = [&](std::string_view part) {
    return ids.find(part, [this](std::int32_t id) { return source_.tokens[std::size_t(id)]; });
  };
  const std::int32_t left_id = find(slice(merge, 0, space)), right_id = find(right);
  const std::int32_t id = find({text.data(), text.size()});
  if (left_id < 0 || right_id < 0 || id < 0) {
    return fail(error_, Status::format,
                "tokenizer.ggml.merges[{}]: '{}' has a part or a result that is no token", i,
                Shown(merge));
  }
  // Text never becomes a control token by merging.
  if (t_.is_special(left_id) || t_.is_special(right_id) || t_.is_special(id)) return Status::ok;
  const Merge kept{static_cast<std::uint32_t>(i), id};
  return is_error(t_.merges_.add(left_id, right_id, kept)) ? too_many_alike("merges", i)
                                                           : Status::ok;
}

}  // namespace inlay
