// vocab_rules.cpp - loading what tokenizer.json says: added tokens, prefixes, patterns, merges.
#include <utility>

#include "text/nfc.h"
#include "text/spaces.h"
#include "text/vocab_loader.h"

namespace inlay {

Status VocabLoader::read_rules() {
  const TextRules& rules = source_.rules;
  t_.has_rules_ = true;
  t_.add_bos_ = source_.add_bos == Flag::yes;
  t_.ignore_merges_ = rules.ignore_merges;
  t_.strip_space_ = rules.strip_space;
  t_.fuse_unknown_ = rules.fuse_unknown;
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
  if (!rules.normalizer.empty() && rules.normalizer != "nfc") {
    return fail(error_, Status::unsupported, "tokenizer.inlay.normalizer: '{}' is not 'nfc'",
                Shown(rules.normalizer));
  }
  t_.nfc_ = !rules.normalizer.empty();
  INLAY_TRY(read_space_prefix());
  INLAY_TRY(read_tokens_around("begin", rules.begin_tokens, t_.begin_tokens_));
  return read_tokens_around("end", rules.end_tokens, t_.end_tokens_);
}

Status VocabLoader::read_space_prefix() {
  using Prefix = Tokenizer::SpacePrefix;
  constexpr std::pair<std::string_view, Prefix> names[] = {{"", Prefix::none},
                                                           {"part", Prefix::part},
                                                           {"always", Prefix::always},
                                                           {"first", Prefix::first}};
  for (const auto& [name, prefix] : names) {
    if (source_.rules.space_prefix != name) continue;
    t_.space_prefix_ = prefix;
    t_.add_space_ = prefix != Prefix::none;
    return Status::ok;
  }
  return fail(error_, Status::unsupported,
              "tokenizer.inlay.space_prefix: '{}' is not 'part', 'always' or 'first'",
              Shown(source_.rules.space_prefix));
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
  Array<char> composed(*t_.bytes_.allocator());
  if (t_.nfc_) INLAY_TRY(append_nfc(name, composed));
  const std::string_view text = t_.nfc_ ? std::string_view(composed.data(), composed.size()) : name;
  if (t_.model_ == Model::gpt2) return t_.late_specials_.add(text, id, is_control);
  Array<char> spaced(*t_.bytes_.allocator());
  if (t_.space_prefix_ == Tokenizer::SpacePrefix::part) INLAY_TRY(spaced.push(' '));
  INLAY_TRY(append_spaced(text, spaced));
  return t_.late_specials_.add({spaced.data(), spaced.size()}, id, is_control);
}

// Patterns of the file, or those of a known name.
Status VocabLoader::compile_steps() {
  if (source_.rules.has_steps) {
    if (source_.rules.steps.empty()) return Status::ok;
    return t_.pretokenizer_.compile(source_.rules.steps, error_);
  }
  if (t_.model_ == Model::llama) return Status::ok;
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
  if (is_error(text.append({merge.data(), space})) ||
      is_error(text.append({right.data(), right.size()}))) {
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
